"""Measure impact: every decision with what followed, read journal by journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from marketofone.decide.money_left import MoneyActions, money_actions, money_left
from marketofone.domain.decision import Assignment, MoneyLeft
from marketofone.domain.errors import UnknownCustomer
from marketofone.domain.moment import Instant
from marketofone.domain.outcome import Outcome
from marketofone.learn.impact import Impact, measure
from marketofone.learn.tallies import Treated, Worth
from marketofone.projection import codec
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.person import Person
from marketofone.projection.records import DecisionRecord
from marketofone.projection.snapshot import Snapshot
from marketofone.services.decisions.visible import refusal_of
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.population import together
from marketofone.store.ports import Reader

_PEOPLE = 64  # read in one snapshot of the store


def measure_impact(context: AppContext, *, level: float, now: Instant) -> Impact:
    """Measure the policy against the random control group and all others, person by person.

    How much money somebody has left is read off decisions only that may still be shown ``now``.
    """
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        actions = snapshot.config.actions.actions
        version = context.versions.version(snapshot.bank, snapshot.bank.version)
        prices = context.versions.prices(reader, version, actions)
    worth = Worth(prices=prices, marketing=frozenset(action.id for action in actions if action.marketing))
    chances = {action.id: action.acceptance_probability for action in snapshot.config.actions.offered}
    return measure(_treated(context, money_actions(actions), now=now), worth=worth, chances=chances, level=level)


def _treated(context: AppContext, money: MoneyActions, *, now: Instant) -> Iterator[Treated]:
    for some in together(context.keys.subjects(), size=_PEOPLE):
        with context.store.read() as reader:
            snapshot = context.snapshot(reader)
            declared = _declared(context, reader, snapshot)
            for subject in some:
                owner = context.keys.customer(subject)
                if owner is None:
                    continue
                with suppress(UnknownCustomer):
                    person = snapshot.person_of(owner)
                    entries = list(reader.entries(subject, kinds=("decision", "outcome")))
                    records = [(one.kind, codec.read(one, box=owner.box)) for one in entries]
                    known = partial(_money_left, person=person, config=snapshot.config, actions=money, now=now)
                    yield from _decisions(person.name, records, known=known, declared=declared)


def _declared(context: AppContext, reader: Reader, snapshot: Snapshot) -> Mapping[str, Mapping[Assignment, float]]:
    """Give the shares of the groups by the digest of the documents that declare them."""
    bank = snapshot.bank
    return {
        digest: context.configs.of(reader, bank, entry=entry).settings.shares for entry, digest in bank.digests.items()
    }


def _decisions(
    person: str,
    records: Sequence[tuple[str, Any]],
    *,
    known: Callable[[DecisionRecord], MoneyLeft],
    declared: Mapping[str, Mapping[Assignment, float]],
) -> Iterator[Treated]:
    outcomes: dict[str, list[Outcome]] = {}
    for kind, record in records:
        if kind == "outcome":
            outcomes.setdefault(record.outcome.decision, []).append(record.outcome)
    for kind, record in records:
        if kind == "decision":
            made = record.decision
            yield Treated(
                person=person,
                decision=made,
                outcomes=outcomes.get(made.id, []),
                declared=declared[made.documents],
                money=known(record),
            )


def _money_left(
    record: DecisionRecord, *, person: Person, config: BankConfig, actions: MoneyActions, now: Instant
) -> MoneyLeft:
    found = money_left(record.decision, actions=actions)
    if found == "not known" or refusal_of(record, person, config=config, now=now):
        return "not known"
    return found
