"""Past decisions under a change: each is computed again with what is replaced, and held against the present side.

1. The journals of a few customers are walked through as a replay walks through them; only the changed side, and the
   present one where it is not what was recorded, are computed.
2. Two decisions are the same where every byte is. The digest of the documents is no part of that: it names them.
3. Another action is chosen as seldom as the two sides' probabilities allow: what was chosen stays with probability
   ``min(1, new / old)``, else an action is drawn that became likelier. The draw is a hash of the decision's id. So no
   chance of an action that moves in the file, or is new in it, passes for a change.
4. Of a slate the first place is held against the first; all of its bytes count where it is asked whether any differ.
5. What is kept of a decision is one row of numbers, in :data:`ROW`, and counts of what was chosen instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
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
from marketofone.learn.rewards import Prices, reward_of
from marketofone.projection import codec
from marketofone.projection.person import Person
from marketofone.services.decisions.decide import decision_input_of
from marketofone.services.decisions.rests import BankHistory, PrefixSnapshot, as_it_was, is_replayable
from marketofone.services.proof.changes import Change, Side, Sides, sides_of
from marketofone.services.proof.groups import group_of
from marketofone.services.proof.replay import Found, WalkedJournal, in_order_of_versions
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.ports import Reader

EXAMPLES = 3
"""Decisions that are named for each pair of actions."""
ROW = np.dtype(
    [
        *((name, "i8") for name in ("person", "bytes")),
        *((name, "i1") for name in ("stage", "money", "decided_by")),
        *((name, "?") for name in ("otherwise", "valued")),
        *((name, "f8") for name in ("expected", "reward", "propensity", "target", "present", "believed")),
        *((name, "f8") for name in ("value", "present_value", "unsupported")),
    ]
)
"""What is kept of a decision: some hundred bytes, and nothing of the person but the number of their journal."""
_ENCODE = msgspec.msgpack.Encoder().encode
_SAME = 1e-9  # what the integral of a probability may be off by


class Instead(NamedTuple):
    """Another action was chosen: what before, what after, and what stopped the one before, where something did."""

    before: str
    after: str
    why: str


class Part(Struct, kw_only=True):
    """What the comparison of some journals found. ``impossible`` are decisions the changed side cannot make at all."""

    rows: NDArray[np.void]
    unreplayable: int = 0
    impossible: int = 0
    recomputed: int = 0
    instead: dict[Instead, int] = {}
    examples: dict[Instead, list[tuple[int, str]]] = {}
    before: dict[str, int] = {}
    after: dict[str, int] = {}


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


class _Comparison:
    """Compares decisions, one after the other."""

    def __init__(self, context: AppContext, reader: Reader, history: BankHistory, asked: Asked) -> None:
        self.part = Part(rows=np.zeros(0, dtype=ROW))
        self._context, self._reader, self._history, self._asked = context, reader, history, asked
        self._sides = sides_of(context, reader, history, asked.change)
        config = context.configs.at(reader, history.last)
        self._calendar, self._money = config.calendar, money_actions(config.actions.actions)
        # Until when decisions were made whose answers have come, if any come at all.
        self._matured = Instant(asked.now - config.settings.outcome_days * DAY)
        self._outcomes: dict[int, Mapping[str, Sequence[Outcome]]] = {}
        self._rows: list[tuple[float, ...]] = []

    def ended(self) -> Part:
        """Give what was found."""
        self.part.rows = np.array(self._rows, dtype=ROW)
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
        try:
            person = snapshot.person_of(found.customer)
            present = self._present(snapshot, person, found, sides)
        except MarketOfOneError:
            self.part.unreplayable += 1
            return
        try:
            asked, changed = self._computed(snapshot, person, found.record.decision, sides.changed)
        except MarketOfOneError:
            self.part.impossible += 1
            return
        self._note(found, person, asked, present, changed, is_valued=is_valued)

    def _present(self, snapshot: PrefixSnapshot, person: Person, found: Found, sides: Sides) -> Decision:
        if sides.present is None:
            return found.record.decision
        self.part.recomputed += 1
        return self._computed(snapshot, person, found.record.decision, sides.present)[1]

    def _computed(
        self, snapshot: PrefixSnapshot, person: Person, recorded: Decision, side: Side
    ) -> tuple[DecisionInput, Decision]:
        """Compute a decision as a replay does, with a side's documents and beliefs."""
        snapshot.config = side.config
        request, secret = recorded.request, self._context.keys.secret
        asked = decision_input_of(snapshot, person, request, policy=side.policy, secret=secret)
        made = engine.decide(request, asked, side.config.compiled)
        return asked, replace(made, documents=recorded.documents)

    def _note(
        self,
        found: Found,
        person: Person,
        asked: DecisionInput,
        present: Decision,
        changed: Decision,
        *,
        is_valued: bool,
    ) -> None:
        logged, part = found.record.decision, self.part
        old, new = shares_of(present), shares_of(changed)
        after = instead_of(present.action, old, new, seed=logged.id)
        part.before[present.action] = part.before.get(present.action, 0) + 1
        part.after[after] = part.after.get(after, 0) + 1
        if after != present.action:
            _note_instead(part, Instead(present.action, after, _why(changed, present.action)), logged.id)
        believed, at_hand = _beliefs(changed) | _beliefs(logged), shares_of(logged)
        self._rows.append(
            (
                min(person.states),
                differing_bytes(_ENCODE(present), _ENCODE(changed)),
                *group_of(asked, logged, actions=self._money, day=self._calendar.day_of(logged.at)),
                after != present.action,
                is_valued and logged.at <= self._matured,
                1.0 - sum(min(share, new.get(action, 0.0)) for action, share in old.items()),
                reward_of(logged, self._outcomes_of(found).get(logged.id, ()), prices=self._asked.prices),
                logged.propensity,
                min(new.get(logged.action, 0.0), 1.0),
                min(old.get(logged.action, 0.0), 1.0),
                believed.get(logged.action, 0.0),
                _mean(believed, new),
                _mean(believed, old),
                sum(share for action, share in new.items() if not at_hand.get(action)),
            )
        )

    def _outcomes_of(self, found: Found) -> Mapping[str, Sequence[Outcome]]:
        """Give the outcomes in a customer's journal, by decision; read once, when the first is asked for.

        Of a slate those of its first place: it is what is compared.
        """
        subject = found.customer.subject
        if subject not in self._outcomes:
            heard: dict[str, list[Outcome]] = {}
            for entry in self._reader.entries(subject, kinds=("outcome",)):
                outcome = codec.read(entry, box=found.customer.box).outcome
                if outcome.place > 1:
                    continue
                heard.setdefault(outcome.decision, []).append(outcome)
            self._outcomes[subject] = heard
        return self._outcomes[subject]


def shares_of(decision: Decision) -> dict[str, float]:
    """Give the probability with which each action was drawn, of those that could be."""
    return {one.action: one.propensity for one in decision.candidates if one.propensity > 0.0}


def instead_of(action: str, old: Mapping[str, float], new: Mapping[str, float], *, seed: str) -> str:
    """Give what is chosen with new probabilities where an action was with the old ones: another as seldom as may be.

    Examples
    --------
    >>> instead_of("a", {"a": 0.5, "b": 0.5}, {"a": 0.6, "b": 0.4}, seed="d-1")
    'a'
    >>> instead_of("a", {"a": 0.5, "b": 0.5}, {"b": 1.0}, seed="d-1")
    'b'
    """
    stays = new.get(action, 0.0) / old[action] if old.get(action) else 0.0
    drawn = int.from_bytes(blake2b(seed.encode(), digest_size=8).digest(), "big") / 2.0**64
    if drawn < stays + _SAME:
        return action
    likelier = {name: share - old.get(name, 0.0) for name, share in new.items() if share > old.get(name, 0.0)}
    left = (drawn - stays) / (1.0 - stays) * sum(likelier.values())
    for name, more in likelier.items():
        left -= more
        if left < 0.0:
            return name
    return next(reversed(likelier), action)


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
    whole = Part(rows=np.zeros(0, dtype=ROW))
    rows = [whole.rows]
    for part in parts:
        rows.append(part.rows)
        for name in ("unreplayable", "impossible", "recomputed"):
            setattr(whole, name, getattr(whole, name) + getattr(part, name))
        for name in ("instead", "before", "after"):
            setattr(whole, name, dict(Counter(getattr(whole, name)) + Counter(getattr(part, name))))
        for pair, named in part.examples.items():
            whole.examples[pair] = sorted([*whole.examples.get(pair, ()), *named])[:EXAMPLES]
    whole.rows = np.concatenate(rows)
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


def _mean(believed: Mapping[str, float], shares: Mapping[str, float]) -> float:
    return sum(share * believed.get(action, 0.0) for action, share in shares.items())
