"""What a version would be worth in a placement of several places: its slates, valued from those that were shown.

Each slate is decided again with the version's beliefs, place by place, under the actions that stood above. So every
place has two probabilities of its action, the one it was drawn with and the version's, both given what stood above it,
and a reward of its own. Places that stayed empty count as doing nothing, about which there was no choice.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from marketofone.decide import engine
from marketofone.domain.action import NOTHING
from marketofone.domain.errors import MarketOfOneError
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import Outcome
from marketofone.learn.join import by_place
from marketofone.learn.off_policy.slates import places_of, value_slates
from marketofone.learn.off_policy.valuation import Log, Valuation
from marketofone.learn.rewards import Prices, reward_of
from marketofone.projection import codec
from marketofone.services.decisions.inputs import decision_input_of
from marketofone.services.decisions.rests import BankHistory, as_it_was, is_replayable
from marketofone.services.proof.changes import Change, Side, sides_of, version_change
from marketofone.services.proof.diff import prices_of
from marketofone.services.proof.replay import TOGETHER, Found, WalkedJournal, in_order_of_versions
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.population import together
from marketofone.store.ports import Reader


class PlaceRow(NamedTuple):
    """One place of one slate: ``targets`` are the version's probabilities of every action there."""

    slate: int
    position: int
    person: int
    action: str
    reward: float
    propensity: float
    targets: Mapping[str, float]


def rows_of_slates(context: AppContext, *, placement: str, version: int, now: Instant) -> list[PlaceRow]:
    """Give the places of all slates of a placement that taught the version nothing, and whose answers have come.

    Raises
    ------
    UnknownVersion
    Refused
        When the version was destroyed.
    """
    with context.store.read() as reader:
        bank = context.snapshot(reader).bank
        change = version_change(bank, version, valued_only=True)
        context.versions.require_kept(bank, version)
        prices, subjects = prices_of(context, reader, bank), reader.subjects(limit=2**31)
    slates: list[list[PlaceRow]] = []
    for some in together(subjects, size=TOGETHER):
        with context.store.read() as reader:
            slates += _Slates(context, reader, change, placement=placement, now=now).of(some, prices=prices)
    return list(_of_one_length(slates))


def _of_one_length(slates: Sequence[Sequence[PlaceRow]]) -> Iterator[PlaceRow]:
    """Give the places of all slates, numbered, each filled up with empty ones."""
    longest = max(map(len, slates), default=0)
    for number, slate in enumerate(slates):
        yield from (row._replace(slate=number) for row in slate)
        for position in range(len(slate) + 1, longest + 1):
            yield PlaceRow(number, position, slate[0].person, NOTHING, 0.0, 1.0, {NOTHING: 1.0})


class _Slates:
    """Reads the slates of some customers, each computed again with the version."""

    def __init__(self, context: AppContext, reader: Reader, change: Change, *, placement: str, now: Instant) -> None:
        self._context, self._reader, self._change, self._placement = context, reader, change, placement
        self._history = BankHistory.of(context, reader)
        self._sides = sides_of(context, reader, self._history, change)
        days = context.configs.at(reader, self._history.last).settings.outcome_days
        self._matured = now - days * DAY

    def of(self, subjects: Sequence[int], *, prices: Prices) -> Iterator[list[PlaceRow]]:
        """Give the rows of each slate that tells of the version."""
        journals = [WalkedJournal(self._context, self._reader, subject) for subject in subjects]
        for found in in_order_of_versions(journals):
            if self._tells(found):
                try:
                    targets = self._targets(found, self._sides(found).changed)
                except MarketOfOneError:  # what it rested on cannot be read any more
                    continue
                yield list(_rows(found, targets, outcomes=self._outcomes(found), prices=prices))

    def _tells(self, found: Found) -> bool:
        made, rests_on = found.record.decision, found.record.rests_on
        asked_for = made.placement == self._placement and made.slots > 1
        in_time = rests_on.bank >= self._change.since and made.at <= self._matured
        return asked_for and in_time and is_replayable(self._context, self._history, found.record)

    def _targets(self, found: Found, side: Side) -> list[dict[str, float]]:
        made, journal = found.record.decision, found.journal
        snapshot = as_it_was(
            self._context, self._reader, self._history, found.record, journals=journal, projection=journal.projection
        )
        snapshot.config = side.config
        person, secret = snapshot.person_of(found.customer), self._context.keys.secret
        asked = decision_input_of(snapshot, person, made.request, policy=side.policy, secret=secret)
        actions = [place.action for place in made.places]
        return list(engine.shares_at_places(made.request, asked, side.config.compiled, actions=actions))

    def _outcomes(self, found: Found) -> list[Outcome]:
        entries = self._reader.entries(found.customer.subject, kinds=("outcome",))
        heard = (codec.read(entry, box=found.customer.box).outcome for entry in entries)
        return [outcome for outcome in heard if outcome.decision == found.record.decision.id]


def _rows(
    found: Found, targets: Sequence[Mapping[str, float]], *, outcomes: Sequence[Outcome], prices: Prices
) -> Iterator[PlaceRow]:
    person, each = found.customer.subject, by_place(found.record.decision, outcomes)
    for position, ((place, heard), target) in enumerate(zip(each, targets, strict=True), start=1):
        reward = float(reward_of(place, heard, prices=prices))
        yield PlaceRow(0, position, person, place.action, reward, min(place.propensity, 1.0), target)


def value_rows(rows: Sequence[PlaceRow], *, level: float) -> Valuation:
    """Value the version's slates from their places."""
    names = _names(rows)
    code = {name: number for number, name in enumerate(names)}
    target = np.zeros((len(rows), len(names)))
    for number, row in enumerate(rows):
        for name, share in row.targets.items():
            target[number, code[name]] = share
    log = Log(
        rewards=np.array([row.reward for row in rows]),
        propensities=np.array([row.propensity for row in rows]),
        actions=np.array([code[row.action] for row in rows], dtype=np.int64),
        names=names,
        persons=np.array([row.person for row in rows]),
        context=np.zeros((len(rows), 0)),
    )
    places = places_of(np.array([row.slate for row in rows]), np.array([row.position for row in rows]))
    return value_slates(log, places=places, target=target, level=level)


def write_rows(rows: Sequence[PlaceRow], path: Path) -> None:
    """Write places as a log that ``marketofone evaluate policy`` reads, and any other tool; people are numbers."""
    names = _names(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        fields = ("slate", "position", "customer", "action", "reward", "propensity")
        writer.writerow([*fields, *(f"target_{name}" for name in names)])
        for row in rows:
            told = (row.slate, row.position, row.person, row.action, row.reward, repr(row.propensity))
            writer.writerow([*told, *(repr(row.targets.get(name, 0.0)) for name in names)])


def _names(rows: Iterable[PlaceRow]) -> tuple[str, ...]:
    return tuple(sorted({name for row in rows for name in (row.action, *row.targets)}))
