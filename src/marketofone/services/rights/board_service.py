"""What the review board can do: rule, and see how things stand."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from marketofone.domain.errors import UnknownAction
from marketofone.domain.moment import Instant, check_instant, text_of
from marketofone.governance.board import EVERYTHING, Ruling, apply, fold
from marketofone.governance.tiers import tier_of
from marketofone.projection import codec
from marketofone.projection.records import RulingRecord
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.services.runtime.uses import asked_moment
from marketofone.store.ports import BANK, Expectation, Reader, Unit


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
        When an approval has no end, covers more than one action, or a moment is no instant.
    """
    check_instant(ruling.at, field="at")
    if ruling.until is not None:
        check_instant(ruling.until, field="until")
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


def standings(context: AppContext, *, now: Instant, as_of: Instant | None = None) -> list[Standing]:
    """List every action with its tier and how it stands, or stood: by the rulings that were made and recorded by then.

    Raises
    ------
    MalformedRequest
        When ``as_of`` lies ahead.
    """
    at = asked_moment(as_of, now=now)
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        board = snapshot.bank.board if as_of is None else fold(_rulings(context, reader, by=at))
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
                standing=board.standing(action, tier=tier, at=at),
                until=None if until is None else text_of(until),
            )
        )
    return rows


def _rulings(context: AppContext, reader: Reader, *, by: Instant) -> Iterator[Ruling]:
    for entry in reader.entries(BANK, kinds=("ruling",)):
        if max(entry.at, entry.recorded) <= by:
            ruling: Ruling = codec.read(entry, box=context.keys.bank).ruling
            yield ruling
