"""The codec: what is written into journals and snapshots, and read from them again. There is no other.

A body is a random salt, a byte that names the format, and the record: MessagePack, deflated for documents, and in
compressed columns for decisions (``decision_form.py``). It is sealed under the customer's key, bound to the subject and
the kind. The commitment covers salt and record, so that an entry still commits to what it said after the key was
destroyed.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from io import BytesIO
from typing import Any, TypeVar

import msgspec

from marketofone.audit.journal_chain import commitment
from marketofone.audit.sealed_box import Box, CannotOpen
from marketofone.domain.decoding import msgpack_decoder
from marketofone.domain.errors import MalformedRequest, StoreError
from marketofone.domain.moment import Instant
from marketofone.projection import decision_form, records
from marketofone.projection.decision_form import DecisionUses
from marketofone.projection.records import DecisionRecord, Record
from marketofone.store.ports import BANK, CODES, Draft, Entry, EntryKind, Kept

T = TypeVar("T")

FORMAT = 2
"""Of bodies. From this one on every change of a format comes with a migration that is tested."""

Random = Callable[[int], bytes]
"""Gives so many random bytes; tests of formats give the same ones each time."""

LETTER = 2
"""Of rows of dead letters that are kept. Format 1, which has no number of its own, lies under the bank's key."""

_NOT_WRITTEN = (msgspec.ValidationError, msgspec.EncodeError, TypeError, OverflowError, UnicodeEncodeError)
_SALT = 16
_NONCE = 12
_RECORDS: dict[EntryKind, type[Record]] = {
    "ingest": records.IngestRecord,
    "signal": records.IngestRecord,
    "amendment": records.IngestRecord,
    "consent": records.ConsentRecord,
    "identity": records.IdentityRecord,
    "decision": records.DecisionRecord,
    "outcome": records.OutcomeRecord,
    "signs": records.SignsRecord,
    "history": records.HistoryRecord,
    "case": records.CaseRecord,
    "forecast": records.ForecastRecord,
    "use": records.UseRecord,
    "erasure": records.ErasureRecord,
    "hold": records.HoldRecord,
    "delegate": records.DelegateRecord,
    "account": records.AccountRecord,
    "document": records.DocumentRecord,
    "ruling": records.RulingRecord,
    "version": records.VersionRecord,
    "rollback": records.RollbackRecord,
    "promotion": records.PromotionRecord,
    "help": records.HelpRecord,
    "checkpoint": records.CheckpointRecord,
    "letters": records.LettersRecord,
    "rates": records.RatesRecord,
}
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODERS: dict[EntryKind, Any] = {kind: msgpack_decoder(of) for kind, of in _RECORDS.items()}


def drawn_together(drafts: int) -> Random:
    """Draw the random bytes of so many drafts at once: the system is asked once, which takes less time."""
    return BytesIO(os.urandom(drafts * (_SALT + _NONCE))).read


def draft(
    kind: EntryKind,
    record: Record,
    *,
    subject: int,
    box: Box,
    at: Instant,
    keys: Iterable[int] = (),
    random: Random = os.urandom,
) -> Draft:
    """Seal a record as an entry to append.

    Raises
    ------
    MalformedRequest
        When a field holds what its type does not allow: nothing is written that could not be read again.
    """
    return _sealed(kind, _written(kind, record), subject=subject, box=box, at=at, keys=keys, random=random)


def decision_drafts(
    records: Sequence[DecisionRecord], *, boxes: Sequence[tuple[int, Box]]
) -> list[Draft | MalformedRequest]:
    """Seal decisions as entries to append, each under its subject's key; gives why one cannot be written."""
    random = drawn_together(len(records))
    return [
        plain
        if isinstance(plain, MalformedRequest)
        else _sealed("decision", plain, subject=subject, box=box, at=record.decision.at, keys=(), random=random)
        for record, (subject, box), plain in zip(records, boxes, _all_written(records), strict=True)
    ]


def _sealed(
    kind: EntryKind, plain: bytes, *, subject: int, box: Box, at: Instant, keys: Iterable[int], random: Random
) -> Draft:
    drawn = random(_SALT + _NONCE)
    salt = drawn[:_SALT]
    body = box.seal(salt + plain, nonce=drawn[_SALT:], about=_about(subject, kind))
    return Draft(
        subject=subject,
        kind=kind,
        at=at,
        body=body,
        digest=sha256(body).digest(),
        commitment=commitment(plain, salt=salt),
        keys=tuple(keys),
    )


def read(entry: Entry, *, box: Box) -> Any:
    """Read the record of an entry.

    Raises
    ------
    StoreError
        When it was altered, or written in a format that this release does not know.
    """
    return _record(entry, plain_of(entry, box=box)[1])


def read_decision_uses(entry: Entry, *, box: Box) -> DecisionUses:
    """Read of a decision's entry what the log of uses tells. Raises as :func:`read` does."""
    return _told(entry, plain_of(entry, box=box)[1], decision_form.unpack_uses)


def read_to_fold(entry: Entry, *, box: Box) -> Any:
    """Read the record of an entry, of a decision only what is remembered of it. Raises as :func:`read` does."""
    plain = plain_of(entry, box=box)[1]
    return _told(entry, plain, decision_form.unpack_said) if entry.kind == "decision" else _record(entry, plain)


def plain_of(entry: Entry, *, box: Box) -> tuple[bytes, bytes]:
    """Open an entry: what its commitment was made over, and its record as it was written."""
    try:
        opened = box.open(entry.body, about=_about(entry.subject, entry.kind))
    except CannotOpen as error:
        raise StoreError(
            f"entry {entry.n} of a journal cannot be opened: it was altered, or the key is another"
        ) from error
    plain = opened[_SALT:]
    if plain[:1] != bytes((FORMAT,)):
        raise StoreError(f"entry {entry.n} of a journal has format {plain[:1].hex()}; this release knows 02 only")
    return opened, plain[1:]


def committed(entry: Entry, *, box: Box) -> tuple[bytes, bytes]:
    """Give the salt of an entry's commitment, and what it commits to. Raises as :func:`read` does."""
    opened, _ = plain_of(entry, box=box)
    return opened[:_SALT], opened[_SALT:]


def proved(entry: Entry, *, box: Box) -> Any:
    """Read the record of an entry, and hold it against its commitment.

    Raises
    ------
    StoreError
        As :func:`read` does, and when the entry commits to something else.
    """
    salt, plain = committed(entry, box=box)
    if commitment(plain, salt=salt) != entry.commitment:
        raise StoreError(f"entry {entry.n} of a journal does not say what it commits to")
    return _record(entry, plain[1:])


def keep(name: str, plain: bytes, *, subject: int, n: int, box: Box, random: Random = os.urandom) -> Kept:
    """Seal a snapshot."""
    body = box.seal(bytes((FORMAT,)) + plain, nonce=random(_NONCE), about=_name(subject, name, n))
    return Kept(subject=subject, name=name, n=n, body=body)


def kept(snapshot: Kept, *, box: Box) -> bytes | None:
    """Open a snapshot; None when it cannot be used, for what it says is folded again."""
    try:
        plain = box.open(snapshot.body, about=_name(snapshot.subject, snapshot.name, snapshot.n))
    except CannotOpen:
        return None
    return plain[1:] if plain[:1] == bytes((FORMAT,)) else None


def seal_state(name: str, plain: bytes, *, box: Box, random: Random = os.urandom) -> tuple[bytes, bytes]:
    """Seal a state of a version; gives its SHA-256 and the sealed bytes."""
    body = box.seal(plain, nonce=random(_NONCE), about=b"state\0" + name.encode())
    return sha256(body).digest(), body


def open_state(name: str, body: bytes, *, box: Box) -> bytes:
    """Open a state of a version."""
    try:
        return box.open(body, about=b"state\0" + name.encode())
    except CannotOpen as error:
        raise StoreError("a state of a version was altered") from error


def seal_letter(raw: bytes, *, subject: int, box: Box, random: Random = os.urandom) -> bytes:
    """Seal the row of a dead letter under the key of the customer whom it names; the subject stands before it."""
    head = bytes((LETTER,)) + subject.to_bytes(8, "big")
    return head + box.seal(raw, nonce=random(_NONCE), about=b"letter" + head)


def subject_of_letter(sealed: bytes) -> int:
    """Give whose key opens the row of a dead letter; the bank's where it was kept in format 1."""
    return int.from_bytes(sealed[1:9], "big") if sealed[:1] == bytes((LETTER,)) else BANK


def open_letter(sealed: bytes, *, box: Box) -> bytes:
    """Open the row of a dead letter."""
    size = 9 if sealed[:1] == bytes((LETTER,)) else 0
    try:
        return box.open(sealed[size:], about=b"letter" + sealed[:size])
    except CannotOpen as error:
        raise StoreError("a dead letter was altered") from error


def _all_written(records: Sequence[DecisionRecord]) -> list[bytes | MalformedRequest]:
    try:
        return [bytes((FORMAT,)) + body for body in decision_form.pack_all(records)]
    except _NOT_WRITTEN:  # one of them: the others are written
        return [_written_or_not(record) for record in records]


def _written_or_not(record: DecisionRecord) -> bytes | MalformedRequest:
    try:
        return _written("decision", record)
    except MalformedRequest as refused:
        return refused


def _written(kind: EntryKind, record: Record) -> bytes:
    try:
        body = decision_form.pack(record) if isinstance(record, DecisionRecord) else _plainly(kind, record)
    except _NOT_WRITTEN as error:
        what, _, path = str(error).partition(" - at ")
        field = path.strip("`").removeprefix("$.") or kind
        shape = what if isinstance(error, msgspec.ValidationError) and "value" not in what else "not what it may be"
        raise MalformedRequest(field=field, shape=shape, fix="see docs/api.md for what is allowed") from error
    return bytes((FORMAT,)) + body


def _plainly(kind: EntryKind, record: Record) -> bytes:
    body = _ENCODE(record)
    if kind not in ("ingest", "signal", "amendment", "use"):  # their fields were checked one by one, and they are many
        _DECODERS[kind].decode(body)
    return zlib.compress(body, 6) if kind == "document" else body


def _record(entry: Entry, body: bytes) -> Any:
    kind = entry.kind
    if kind == "decision":
        return _told(entry, body, decision_form.unpack)
    decode = _DECODERS[kind].decode
    return _told(entry, body, decode if kind != "document" else lambda packed: decode(zlib.decompress(packed)))


def _told(entry: Entry, body: bytes, told: Callable[[bytes], T]) -> T:
    try:
        return told(body)
    except (msgspec.MsgspecError, zlib.error, ValueError, KeyError) as error:
        raise StoreError(
            f"entry {entry.n} of a journal is no {entry.kind} as this release writes it: another release made this bank"
        ) from error


def _about(subject: int, kind: EntryKind) -> bytes:
    return subject.to_bytes(8, "big") + bytes((CODES[kind],))


def _name(subject: int, name: str, n: int) -> bytes:
    return subject.to_bytes(8, "big") + n.to_bytes(8, "big") + name.encode()
