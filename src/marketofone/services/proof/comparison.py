"""Past decisions under a change: each is computed again with what is replaced, and held against the present side.

1. The journals of a few customers are walked through as a replay walks through them; only the changed side, and the
   present one where it is not what was recorded, are computed.
2. Two decisions are the same where every byte is. The digest of the documents is no part of that: it names them.
3. Another action is chosen as seldom as the two sides' probabilities allow: what was chosen stays with probability
   ``min(1, new / old)``, else an action is drawn that became likelier. The draw is a hash of the decision's id. So no
   chance of an action that moves in the file, or is new in it, passes for a change.
4. Of a slate each place is held against the same place, given what really stood above it (``places.py``).
5. What is kept of a decision is one row of numbers, in :data:`ROW`, one of each place below the first, and counts of
   what was chosen instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import zip_longest
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from marketofone.decide import engine
from marketofone.decide.decision_input import DecisionInput
from marketofone.decide.money_left import money_actions
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MarketOfOneError
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import Outcome
from marketofone.learn.join import by_place
from marketofone.learn.rewards import Prices, reward_of
from marketofone.projection import codec
from marketofone.projection.person import Person
from marketofone.services.decisions.inputs import decision_input_of
from marketofone.services.decisions.rests import BankHistory, PrefixSnapshot, as_it_was, is_replayable
from marketofone.services.proof.changes import Change, Side, sides_of
from marketofone.services.proof.groups import group_of
from marketofone.services.proof.places import (
    BELOW,
    PlaceShares,
    expected_changes,
    instead_along,
    mean_of,
    rows_below,
    shares_of,
    unsupported,
)
from marketofone.services.proof.replay import Found, WalkedJournal, in_order_of_versions
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.ports import Reader

EXAMPLES = 3
"""Decisions that are named for each pair of actions."""
ROW = np.dtype(
    [
        *((name, "i8") for name in ("person", "bytes")),
        *((name, "i1") for name in ("stage", "money", "decided_by", "below")),
        *((name, "?") for name in ("otherwise", "valued")),
        *((name, "f8") for name in ("expected", "reward", "propensity", "target", "present", "believed")),
        *((name, "f8") for name in ("value", "present_value", "unsupported")),
    ]
)
"""What is kept of a decision: some hundred bytes, and nothing of the person but the number of their journal.

``below`` counts its rows of places below the first, which stand in the order of the decisions.
"""
_ENCODE = msgspec.msgpack.Encoder().encode


class Instead(NamedTuple):
    """Another action was chosen: what before, what after, and what stopped the one before, where something did."""

    before: str
    after: str
    why: str


class Part(Struct, kw_only=True):
    """What the comparison of some journals found. ``impossible`` are decisions the changed side cannot make at all."""

    rows: NDArray[np.void]
    below: NDArray[np.void]
    unreplayable: int = 0
    impossible: int = 0
    recomputed: int = 0
    instead: dict[Instead, int] = {}
    examples: dict[Instead, list[tuple[int, str]]] = {}
    before: dict[str, int] = {}
    after: dict[str, int] = {}


def empty_part() -> Part:
    """Give a part in which nothing was found."""
    return Part(rows=np.zeros(0, dtype=ROW), below=np.zeros(0, dtype=BELOW))


class Asked(Struct, frozen=True, kw_only=True):
    """What a comparison is about: the change, what rewards are counted by, and until when outcomes may have come."""

    change: Change
    prices: Prices
    now: Instant


def compare_some(asked: Asked, context: AppContext, subjects: Sequence[int]) -> Part:
    """Compare the decisions of some customers."""
    with context.store.read() as reader:
        history = BankHistory.of(context, reader)
        comparison = _Comparison(context, reader, history, asked)
        journals = [WalkedJournal(context, reader, subject) for subject in subjects]
        for found in in_order_of_versions(journals):
            comparison.add(found)
        comparison.part.unreplayable += sum(one.report.unreplayable + one.report.differences for one in journals)
        return comparison.ended()


class _Computed(NamedTuple):
    """A side of a decision: what it makes, from what, and the probabilities at each place of the slate that was shown.

    Where it is what was recorded, nothing but that is needed.
    """

    made: Decision
    asked: DecisionInput | None = None
    along: tuple[Mapping[str, float], ...] = ()

    def shares(self) -> list[Mapping[str, float]]:
        """Give the probability of every action at each place, given what was shown above it."""
        below = self.along[1:] if self.asked is not None else map(shares_of, self.made.places[1:])
        return [shares_of(self.made), *below]


class _Comparison:
    """Compares decisions, one after the other."""

    def __init__(self, context: AppContext, reader: Reader, history: BankHistory, asked: Asked) -> None:
        self.part = empty_part()
        self._context, self._reader, self._history, self._asked = context, reader, history, asked
        self._sides = sides_of(context, reader, history, asked.change)
        config = context.configs.at(reader, history.last)
        self._calendar, self._money = config.calendar, money_actions(config.actions.actions)
        # Until when decisions were made whose answers have come, if any come at all.
        self._matured = Instant(asked.now - config.settings.outcome_days * DAY)
        self._outcomes: dict[int, Mapping[str, Sequence[Outcome]]] = {}
        self._rows: list[tuple[float, ...]] = []
        self._below: list[tuple[float, ...]] = []

    def ended(self) -> Part:
        """Give what was found."""
        self.part.rows, self.part.below = np.array(self._rows, dtype=ROW), np.array(self._below, dtype=BELOW)
        return self.part

    def add(self, found: Found) -> None:
        """Compare one more decision."""
        change, rests_on = self._asked.change, found.record.rests_on
        is_valued = rests_on.bank >= change.since
        if change.valued_only and not is_valued:
            return
        if not is_replayable(self._context, self._history, found.record):
            self.part.unreplayable += 1
            return
        record, journal = found.record, found.journal
        snapshot = as_it_was(
            self._context, self._reader, self._history, record, journals=journal, projection=journal.projection
        )
        try:
            sides = self._sides(found)
        except MarketOfOneError:  # what else was in force then does not go with what is new
            self.part.impossible += 1
            return
        logged = record.decision
        try:
            person = snapshot.person_of(found.customer)
            present = (
                _Computed(logged) if sides.present is None else self._computed(snapshot, person, logged, sides.present)
            )
        except MarketOfOneError:
            self.part.unreplayable += 1
            return
        self.part.recomputed += sides.present is not None
        try:
            changed = self._computed(snapshot, person, logged, sides.changed)
        except MarketOfOneError:
            self.part.impossible += 1
            return
        self._note(found, person, present, changed, is_valued=is_valued)

    def _computed(self, snapshot: PrefixSnapshot, person: Person, recorded: Decision, side: Side) -> _Computed:
        """Compute a decision as a replay does, with a side's documents and beliefs."""
        snapshot.config = side.config
        request, secret, compiled = recorded.request, self._context.keys.secret, side.config.compiled
        asked = decision_input_of(snapshot, person, request, policy=side.policy, secret=secret)
        made = replace(engine.decide(request, asked, compiled), documents=recorded.documents)
        if recorded.slots == 1:
            return _Computed(made, asked)
        actions = [place.action for place in recorded.places]
        return _Computed(made, asked, tuple(engine.shares_at_places(request, asked, compiled, actions=actions)))

    def _places(self, found: Found, present: _Computed, changed: _Computed) -> list[PlaceShares]:
        """Give the places of the slate that was shown, with the probabilities of both sides there."""
        outcomes = self._outcomes_of(found).get(found.record.decision.id, ())
        each = zip_longest(by_place(found.record.decision, outcomes), present.shares(), changed.shares())
        return [
            PlaceShares(shown, reward_of(shown, heard, prices=self._asked.prices), old or {}, new or {})
            for (shown, heard), old, new in each
        ]

    def _note(self, found: Found, person: Person, present: _Computed, changed: _Computed, *, is_valued: bool) -> None:
        logged, part, places = found.record.decision, self.part, self._places(found, present, changed)
        first, is_other = places[0], False
        for before, after in instead_along(present.made, places):
            part.before[before] = part.before.get(before, 0) + 1
            part.after[after] = part.after.get(after, 0) + 1
            if after != before:
                is_other = True
                _note_instead(part, Instead(before, after, _why(changed.made, before)), logged.id)
        believed = _beliefs(changed.made) | _beliefs(logged)
        below = list(rows_below(places, believed))
        self._below += below
        assert changed.asked is not None  # noqa: S101 - the changed side is always computed
        self._rows.append(
            (
                min(person.states),
                differing_bytes(_ENCODE(present.made), _ENCODE(changed.made)),
                *group_of(changed.asked, logged, actions=self._money, day=self._calendar.day_of(logged.at)),
                len(below),
                is_other,
                is_valued and logged.at <= self._matured,
                expected_changes(places),
                first.reward,
                logged.propensity,
                min(first.new.get(logged.action, 0.0), 1.0),
                min(first.old.get(logged.action, 0.0), 1.0),
                believed.get(logged.action, 0.0),
                mean_of(believed, first.new),
                mean_of(believed, first.old),
                unsupported(places),
            )
        )

    def _outcomes_of(self, found: Found) -> Mapping[str, Sequence[Outcome]]:
        """Give the outcomes in a customer's journal, by decision; read once, when the first is asked for."""
        subject = found.customer.subject
        if subject not in self._outcomes:
            heard: dict[str, list[Outcome]] = {}
            for entry in self._reader.entries(subject, kinds=("outcome",)):
                outcome = codec.read(entry, box=found.customer.box).outcome
                heard.setdefault(outcome.decision, []).append(outcome)
            self._outcomes[subject] = heard
        return self._outcomes[subject]


def differing_bytes(one: bytes, other: bytes) -> int:
    """Give how many bytes differ: those between what both begin with and what both end with.

    Examples
    --------
    >>> differing_bytes(b"abc", b"abc"), differing_bytes(b"a1c", b"a22c")
    (0, 2)
    """
    if one == other:
        return 0
    short = min(len(one), len(other))
    front = np.frombuffer(one, np.uint8, short) != np.frombuffer(other, np.uint8, short)
    begins = int(front.argmax()) if front.any() else short
    back = np.frombuffer(one[::-1], np.uint8, short) != np.frombuffer(other[::-1], np.uint8, short)
    ends = min(int(back.argmax()) if back.any() else short, short - begins)
    return max(len(one), len(other)) - begins - ends


def together(parts: Iterable[Part]) -> Part:
    """Put what was found in several pieces together."""
    whole = empty_part()
    rows, below = [whole.rows], [whole.below]
    for part in parts:
        rows.append(part.rows)
        below.append(part.below)
        for name in ("unreplayable", "impossible", "recomputed"):
            setattr(whole, name, getattr(whole, name) + getattr(part, name))
        for name in ("instead", "before", "after"):
            setattr(whole, name, dict(Counter(getattr(whole, name)) + Counter(getattr(part, name))))
        for pair, named in part.examples.items():
            whole.examples[pair] = sorted([*whole.examples.get(pair, ()), *named])[:EXAMPLES]
    whole.rows, whole.below = np.concatenate(rows), np.concatenate(below)
    return whole


def _note_instead(part: Part, pair: Instead, decision: str) -> None:
    part.instead[pair] = part.instead.get(pair, 0) + 1
    lot = int.from_bytes(blake2b(decision.encode(), digest_size=7).digest(), "big")
    part.examples[pair] = sorted([*part.examples.get(pair, ()), (lot, decision)])[:EXAMPLES]


def _why(changed: Decision, action: str) -> str:
    """Say which gate stops an action on the changed side; empty where none does."""
    one = next((candidate for candidate in changed.candidates if candidate.action == action), None)
    if one is None:
        return "not offered"
    if one.stage in ("scored", "chosen"):
        return ""
    return one.why.partition(":")[0] if one.stage == "guarded" else one.stage.replace("_", " ")


def _beliefs(decision: Decision) -> dict[str, float]:
    """Give what each action that could be chosen was believed to be worth."""
    return {one.action: one.mean for one in decision.candidates if one.stage in ("scored", "chosen")}
