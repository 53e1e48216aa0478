"""Consents in bulk: each row is checked by itself, good ones are recorded in durable pieces, bad ones stop no other.

A unit of work is about people who all differ, so a row about somebody who is in the piece already begins the next one:
what one customer says twice is recorded in the order of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from marketofone.consent.ledger import ConsentChange
from marketofone.consent.saying import explicit
from marketofone.domain.cloudevents import check_customer
from marketofone.domain.errors import MalformedDocument, MalformedEvent, MalformedRequest, UnknownCustomer
from marketofone.domain.moment import Instant
from marketofone.services.intake.imports import Reason, Reasons, UntilBroken
from marketofone.services.intake.ingest import FORGOTTEN
from marketofone.services.rights.consent_service import ConsentGiven
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.population import together

_TOGETHER = 500


class Told(NamedTuple):
    """What one row of a file says: its line, and a change with the key that recognises it, or why the row is bad."""

    line: int
    said: tuple[ConsentChange, bytes] | MalformedEvent


class Record(Protocol):
    """Records changes of different people in one unit of work; gives None for what is known."""

    def __call__(
        self, changes: Sequence[ConsentChange], *, keys: Sequence[bytes], now: Instant
    ) -> list[ConsentGiven | None]:
        """Record them."""
        ...


class ConsentsImported(Struct, frozen=True, kw_only=True):
    """What became of a file: ``rows = changes + duplicates + dead_rows``; the last end of a grant; where it breaks off.

    A dead row is kept nowhere: it is in the file still, and what is good of the file changes nothing again.
    """

    rows: int = 0
    changes: int = 0
    duplicates: int = 0
    dead_rows: int = 0
    granted_until: Instant | None = None
    reasons: tuple[Reason, ...] = ()
    broken: MalformedDocument | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all of it could be read and recorded."""
        return not self.dead_rows and self.broken is None


def import_consents(context: AppContext, rows: Iterable[Told], *, record: Record, now: Instant) -> ConsentsImported:
    """Record what a file says.

    Raises
    ------
    MalformedDocument
        When the file breaks off before anything could be read.
    """
    reasons, given = Reasons(), UntilBroken(rows)
    counted = changes = dead = 0
    until: Instant | None = None
    for some in together(given, size=_TOGETHER):
        counted += len(some)
        good = list(_good(context, some, reasons, now=now))
        dead += len(some) - len(good)
        for piece in _pieces(context, good):
            recorded = record([change for change, _ in piece], keys=[key for _, key in piece], now=now)
            changes += sum(one is not None for one in recorded)
            granted = (one for (said, _), one in zip(piece, recorded, strict=True) if said.change == "grant")
            ends = [one.until for one in granted if one is not None and one.until is not None]
            until = max([*ends, *filter(None, (until,))], default=None)
    if given.broken is not None and not counted:
        raise given.broken
    return ConsentsImported(
        rows=counted,
        changes=changes,
        duplicates=counted - changes - dead,
        dead_rows=dead,
        granted_until=until,
        reasons=reasons.told(),
        broken=given.broken,
    )


def _good(
    context: AppContext, rows: Sequence[Told], reasons: Reasons, *, now: Instant
) -> Iterator[tuple[ConsentChange, bytes]]:
    """Give the rows that can be recorded; of the others it is told why not."""
    policy = context.config.policy
    names = [row.said[0].customer for row in rows if isinstance(row.said, tuple)]
    barred = context.keys.barred(names, now=now)
    for line, said in rows:
        if isinstance(said, MalformedEvent):
            reasons.add(said, line=line)
            continue
        try:
            check_customer(said[0].customer)
            explicit(said[0], policy=policy, now=now)
        except MalformedRequest as why:
            reasons.add(MalformedEvent(field=why.field, shape=why.shape, fix=why.fix), line=line)
            continue
        if said[0].customer in barred:
            reasons.add(FORGOTTEN, line=line)
            continue
        yield said


def _pieces(
    context: AppContext, rows: Sequence[tuple[ConsentChange, bytes]]
) -> Iterator[list[tuple[ConsentChange, bytes]]]:
    """Cut rows, in their order, into pieces about people who all differ."""
    piece: list[tuple[ConsentChange, bytes]] = []
    people: set[str] = set()
    for row in rows:
        person = _person(context, row[0].customer)
        if person in people:
            yield piece
            piece, people = [], set()
        piece.append(row)
        people.add(person)
    if piece:
        yield piece


def _person(context: AppContext, customer: str) -> str:
    with context.store.read() as reader:
        try:
            return context.snapshot(reader).person(customer).name
        except UnknownCustomer:
            return customer
