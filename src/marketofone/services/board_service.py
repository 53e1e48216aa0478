"""What the review board and an auditor can do: rule, see how things stand, measure impact, verify the chain."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from marketofone.audit.verify import verify as verify_chain
from marketofone.domain.decision import Decision
from marketofone.domain.errors import UnknownAction
from marketofone.domain.moment import Instant, text_of
from marketofone.domain.outcome import Outcome
from marketofone.governance.board import EVERYTHING, Ruling, apply
from marketofone.governance.tiers import tier_of
from marketofone.learn.impact import Impact, Treated, measure
from marketofone.services.app_context import AppContext
from marketofone.services.ingest import BatchRecord, digest_of
from marketofone.services.live_snapshot import LiveSnapshot
from marketofone.services.model_version import posterior_of
from marketofone.services.recordable import recordable
from marketofone.store.ports import Reader, StoredEvent, Writer

_BATCH = msgspec.msgpack.Decoder(BatchRecord)
_DECISION = msgspec.json.Decoder(Decision)
_OUTCOME = msgspec.json.Decoder(Outcome)


class Standing(Struct, frozen=True, kw_only=True):
    """How one action stands with the board."""

    action: str
    kind: str
    title: str
    tier: int
    standing: str
    until: str | None


class VerificationView(Struct, frozen=True, kw_only=True):
    """What a check of the whole chain found. ``broken_at`` is the first entry that does not agree."""

    entries: int
    ok: bool
    head: str
    broken_at: int | None


def rule(context: AppContext, ruling: Ruling) -> None:
    """Record a ruling of the board; the next decision follows it.

    Raises
    ------
    UnknownAction
        When the scope is no action, no kind and not everything.
    MalformedRequest
        When an approval has no end, or covers more than one action.
    """
    actions = context.config.actions.actions
    if ruling.scope != EVERYTHING and not any(ruling.scope in (action.id, action.kind) for action in actions):
        raise UnknownAction

    def record(writer: Writer) -> None:
        apply(
            LiveSnapshot(writer, context, committed=False).board(), ruling
        )  # what could not be followed is not recorded
        writer.append("ruling", at=ruling.at, customer=None, body=recordable(ruling))

    context.store.commit(record)


def standings(context: AppContext, *, now: Instant) -> list[Standing]:
    """List every action with its tier and how it stands."""
    with context.store.read() as reader:
        board = LiveSnapshot(reader, context, committed=True).board()
    rows = []
    for action in context.config.actions.actions:
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
        snapshot = LiveSnapshot(reader, context, committed=True)
        model_version = snapshot.model_version()
        posteriors = {action.id: posterior_of(model_version, action) for action in context.config.actions.actions}
        costs = {action.id: action.cost_minor for action in context.config.actions.actions}
        marketing = frozenset(action.id for action in context.config.actions.actions if action.marketing)
        return measure(_treated(reader), posteriors=posteriors, costs=costs, marketing=marketing, level=level)


def verify(context: AppContext) -> VerificationView:
    """Check every entry of the chain against its body, and every event against its ingest entry."""
    with context.store.read() as reader:
        found = verify_chain(
            (entry.seq, entry.kind, entry.at, entry.customer, entry.body, entry.link) for entry in reader.entries()
        )
        # Nothing erases a body yet, so one that is missing was taken away.
        emptied = next((entry.seq for entry in reader.entries() if entry.body is None), None)
        broken = [seq for seq in (found.broken_at, emptied, _first_altered_batch(reader)) if seq is not None]
    return VerificationView(
        entries=found.entries, ok=not broken, head=found.head.hex(), broken_at=min(broken, default=None)
    )


def _first_altered_batch(reader: Reader) -> int | None:
    walk = iter(reader.events())
    waiting: StoredEvent | None = next(walk, None)
    for entry in reader.entries(kinds=("ingest",)):
        if entry.body is None:
            continue
        digests = bytearray()
        while waiting is not None and waiting.seq == entry.seq:
            digests += digest_of(waiting)
            waiting = next(walk, None)
        if bytes(digests) != _BATCH.decode(entry.body).digests:
            return entry.seq
    return None if waiting is None else waiting.seq


def _treated(reader: Reader) -> Iterator[Treated]:
    outcomes: dict[str, list[Outcome]] = {}
    for entry in reader.entries(kinds=("outcome",)):
        if entry.body is not None:
            outcome = _OUTCOME.decode(entry.body)
            outcomes.setdefault(outcome.decision, []).append(outcome)
    for entry in reader.entries(kinds=("decision",)):
        if entry.body is not None:
            decision = _DECISION.decode(entry.body)
            yield Treated(
                person=reader.person(decision.customer), decision=decision, outcomes=outcomes.get(decision.id, [])
            )
