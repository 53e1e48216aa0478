"""What the review board and an auditor can do: rule, see how things stand, measure impact."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from msgspec import Struct

from marketofone.domain.errors import UnknownAction, UnknownCustomer
from marketofone.domain.moment import Instant, text_of
from marketofone.domain.outcome import Outcome
from marketofone.governance.board import EVERYTHING, Ruling, apply
from marketofone.governance.tiers import tier_of
from marketofone.learn.impact import Impact, Treated, measure
from marketofone.projection import codec
from marketofone.projection.records import RulingRecord
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.services.runtime.population import together
from marketofone.store.ports import BANK, Expectation, Unit

_PEOPLE = 64  # read in one snapshot of the store


class Standing(Struct, frozen=True, kw_only=True):
    """How one action stands with the board."""

    action: str
    kind: str
    title: str
    tier: int
    standing: str
    until: str | None


@repeated
def rule(context: AppContext, ruling: Ruling, *, now: Instant | None = None) -> None:
    """Record a ruling of the board; the next decision follows it.

    Raises
    ------
    UnknownAction
        When the scope is no action, no kind and not everything.
    MalformedRequest
        When an approval has no end, or covers more than one action.
    """
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        head = reader.head(BANK)
    actions = snapshot.config.actions.actions
    if ruling.scope != EVERYTHING and not any(ruling.scope in (one.id, one.kind) for one in actions):
        raise UnknownAction
    apply(snapshot.bank.board, ruling)  # what could not be followed is not recorded
    record = RulingRecord(ruling.by, ruling)
    draft = codec.draft("ruling", record, subject=BANK, box=context.keys.bank, at=ruling.at)
    unit = Unit(now=now or ruling.at, expects={BANK: Expectation(head.guard)}, drafts=[draft])
    context.store.commit(unit)


def standings(context: AppContext, *, now: Instant) -> list[Standing]:
    """List every action with its tier and how it stands."""
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
    board = snapshot.bank.board
    rows = []
    for action in snapshot.config.actions.actions:
        tier = tier_of(action)
        until = board.approvals.get(action.id)
        rows.append(
            Standing(
                action=action.id,
                kind=action.kind,
                title=action.title,
                tier=int(tier),
                standing=board.standing(action, tier=tier, at=now),
                until=None if until is None else text_of(until),
            )
        )
    return rows


def impact(context: AppContext, *, level: float) -> Impact:
    """Measure the policy against the random control group, person by person."""
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        actions = snapshot.config.actions.actions
        version = context.versions.version(snapshot.bank, snapshot.bank.version)
        posteriors = {action.id: context.versions.value(reader, version, action) for action in actions}
    costs = {action.id: action.cost_minor for action in actions}
    marketing = frozenset(action.id for action in actions if action.marketing)
    return measure(_treated(context), posteriors=posteriors, costs=costs, marketing=marketing, level=level)


def _treated(context: AppContext) -> Iterator[Treated]:
    for some in together(context.keys.subjects(), size=_PEOPLE):
        with context.store.read() as reader:
            snapshot = context.snapshot(reader)
            for subject in some:
                owner = context.keys.customer(subject)
                if owner is None:
                    continue
                with suppress(UnknownCustomer):
                    person = snapshot.person_of(owner)
                    entries = list(reader.entries(subject, kinds=("decision", "outcome")))
                    yield from _decisions(person.name, [(one.kind, codec.read(one, box=owner.box)) for one in entries])


def _decisions(person: str, records: list[tuple[str, Any]]) -> Iterator[Treated]:
    outcomes: dict[str, list[Outcome]] = {}
    for kind, record in records:
        if kind == "outcome":
            outcomes.setdefault(record.outcome.decision, []).append(record.outcome)
    for kind, record in records:
        if kind == "decision":
            made = record.decision
            yield Treated(person=person, decision=made, outcomes=outcomes.get(made.id, []))
