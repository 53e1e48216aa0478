"""Dead letters: input that could not become an event. What may not be kept is not kept.

The row itself stays only where its customer and source can be read and the bank may keep that source, by the customer's
consent or by duty, and no customer of that name was forgotten. Of everything else shape and reason stay.

A row is sealed under its customer's key, so it goes with the key. Whether it may be kept is asked again when it is
opened: after a no it is as if it had not been kept. A row is what was sent, or a row of a table in the form of
``projection/kept_rows.py``. ``retries.py`` tries them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

import msgspec
from msgspec import Struct

from marketofone.consent.gate import admissible
from marketofone.domain.cloudevents import CustomerName
from marketofone.domain.decoding import json_decoder
from marketofone.domain.errors import MalformedEvent, MalformedRequest, UnknownCustomer
from marketofone.domain.event import KINDS
from marketofone.domain.moment import Instant, text_of
from marketofone.projection import codec
from marketofone.projection.kept_rows import KeptRow, kept_row_of
from marketofone.projection.snapshot import Snapshot
from marketofone.services.intake.addressing import accounts_among
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.keystore import Customer
from marketofone.store.ports import BANK, DeadLetter

_ALL = 2**31


class LetterReason(Struct, frozen=True, kw_only=True):
    """Why rows were kept aside: what is wrong with which field, what to write instead, how many rows, and when last."""

    field: str
    shape: str
    fix: str
    rows: int
    last: str


class LetterView(Struct, frozen=True, kw_only=True):
    """One dead letter by its number, the oldest being 1; ``kept`` says whether its row can be tried again.

    Of a row of a table that is kept, ``line`` is where it stood in its file, and ``mapping`` is what read it.
    """

    number: int
    at: str
    field: str
    shape: str
    fix: str
    kept: bool
    line: int | None = None
    mapping: str | None = None


class _Glimpse(Struct):
    """What can be read of a row: whose it is, and of what kind."""

    subject: CustomerName
    type: str


_GLIMPSE = json_decoder(_Glimpse)


def reasons(context: AppContext) -> list[LetterReason]:
    """Give the reasons of all dead letters, the most frequent first."""
    with context.store.read() as reader:
        found = reader.reasons()
    return [
        LetterReason(field=one.field, shape=one.shape, fix=one.fix, rows=one.rows, last=text_of(one.last))
        for one in found
    ]


def view(context: AppContext, number: int, *, now: Instant) -> LetterView:
    """Give one dead letter; of its row only whether it is kept, for it is about a person.

    Raises
    ------
    MalformedRequest
        When there is no such letter.
    """
    with context.store.read() as reader:
        letters = reader.letters(limit=_ALL)
        if not 1 <= number <= len(letters):
            fix = f"name one of 1 to {len(letters)}" if letters else "there is no dead letter"
            raise MalformedRequest(field="letter", shape="no such number", fix=fix)
        letter = letters[-number]
        row = row_of(context, context.snapshot(reader), letter, now=now)
    of_table = None if row is None else kept_row_of(row)
    return LetterView(
        number=number,
        at=text_of(letter.at),
        field=letter.field,
        shape=letter.shape,
        fix=letter.fix,
        kept=row is not None,
        line=None if of_table is None else of_table.line,
        mapping=None if of_table is None else of_table.table.mapping,
    )


class OpenedLetters(NamedTuple):
    """The rows of all dead letters that may be opened, the oldest first, each once; and how many letters have none."""

    sent: list[bytes]
    of_tables: list[KeptRow]
    without_row: int


def opened_letters(context: AppContext, *, now: Instant) -> OpenedLetters:
    """Open the rows of all dead letters."""
    rows: dict[bytes, KeptRow | None] = {}
    without_row = 0
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        for letter in reversed(reader.letters(limit=_ALL)):
            row = row_of(context, snapshot, letter, now=now)
            if row is None:
                without_row += 1
            else:
                rows.setdefault(row, kept_row_of(row))
    sent = [row for row, of_table in rows.items() if of_table is None]
    return OpenedLetters(sent, [of_table for of_table in rows.values() if of_table is not None], without_row)


def dead_letters(
    context: AppContext, snapshot: Snapshot, faults: Sequence[tuple[object, MalformedEvent]], *, now: Instant
) -> list[DeadLetter]:
    """Give the dead letters of rows, in their order."""
    rows = [_row_in(item) for item, _ in faults]
    owners = _owners(context, snapshot, rows, now=now)
    return [
        DeadLetter(
            at=now,
            field=error.field,
            shape=error.shape,
            fix=error.fix,
            raw=None if owner is None else codec.seal_letter(row, subject=owner.subject, box=owner.box),
        )
        for row, owner, (_, error) in zip(rows, owners, faults, strict=True)
    ]


def row_of(context: AppContext, snapshot: Snapshot, letter: DeadLetter, *, now: Instant) -> bytes | None:
    """Open the row of a dead letter.

    None where there is none: it was not kept, its customer was forgotten, or the bank may not keep it any more.
    """
    if letter.raw is None:
        return None
    subject = codec.subject_of_letter(letter.raw)
    owner = context.keys.customer(subject)
    if owner is None and subject != BANK:
        return None
    row = codec.open_letter(letter.raw, box=context.keys.bank if owner is None else owner.box)
    glimpse = _glimpse(row)
    if glimpse is None or context.keys.barred((glimpse.subject,), now=now):
        return None
    if owner is None and _came_before(context, glimpse.subject):
        return None
    return row if _may_keep(snapshot, glimpse, now=now) else None


def digest_of(letter: DeadLetter) -> bytes:
    """Give the SHA-256 by which the bank's journal names a dead letter."""
    return sha256(msgspec.msgpack.encode(letter)).digest()


def _row_in(item: object) -> bytes:
    """Give the row of what was bad. What was sent is never a row of a table, which an importer alone may write."""
    if isinstance(item, bytes):
        return item if kept_row_of(item) is None else b""
    raw = getattr(item, "raw", b"")
    return raw if isinstance(raw, bytes) else b""


def _owners(context: AppContext, snapshot: Snapshot, rows: Sequence[bytes], *, now: Instant) -> list[Customer | None]:
    """Give the customers under whose keys rows are kept, None for a row that is not kept.

    A customer whose first row is malformed gets a key here. One who is forgotten in this moment gets none; neither does
    an account, which is no customer.
    """
    glimpses = [_glimpse(row) for row in rows]
    asked = {glimpse.subject for glimpse in glimpses if glimpse is not None}
    barred = context.keys.barred(asked, now=now) | accounts_among(context, asked)
    names = [
        glimpse.subject
        if glimpse is not None and glimpse.subject not in barred and _may_keep(snapshot, glimpse, now=now)
        else None
        for glimpse in glimpses
    ]
    customers = context.keys.enrol({name for name in names if name is not None}, now=now)
    return [None if name is None else customers.get(name) for name in names]


def _glimpse(row: bytes) -> _Glimpse | None:
    try:
        return _GLIMPSE.decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _came_before(context: AppContext, name: str) -> bool:
    """Say of a row of format 1 whether its customer is unknown now, or was forgotten at any time."""
    return context.keys.erased(name) is not None or not context.keys.find((name,))


def _may_keep(snapshot: Snapshot, glimpse: _Glimpse, *, now: Instant) -> bool:
    if glimpse.type not in KINDS:
        return False
    source = KINDS[glimpse.type][1]
    spec = snapshot.config.policy.sources.get(source)
    if spec is not None and spec.kept:
        return True
    try:
        person = snapshot.person(glimpse.subject)
    except UnknownCustomer:
        return False
    return admissible(source, person.consents, policy=snapshot.config.policy, now=person.judged(now))
