"""What one row of consents in bulk says, whichever door it comes through: a change, and the key that recognises it.

A row says ``customer``, ``change`` (as :class:`.ConsentChange` does), ``purposes``, ``sources`` and ``channels`` (words
of consent.toml, or ``*``), ``until``, ``since``, and ``authority``: who says so, such as a notice or a system.

- *What is left out*: a grant names its purposes, sources and channels; a withdrawal that leaves them out means all. A
  grant without an end ends after the bank's limit. Without ``since`` it holds from the import on.
- *Stops*: ``object`` says no to all marketing, ``lift`` takes that back; neither names purposes, sources or channels.
  ``pause`` is about purposes, all where it names none, until a moment, or for 30 days; ``resume`` ends it.
- *The same again*: a row is recognised by everything it says, and by how often the file says it; or by its ``id``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Annotated, get_args

import msgspec
from msgspec import Meta, Struct

from marketofone.consent.ledger import ENDING, EVERY, NO_END, ConsentChange, What
from marketofone.domain.decoding import convert, json_decoder
from marketofone.domain.errors import MalformedEvent, MalformedRequest, malformed
from marketofone.domain.event import key_of
from marketofone.domain.fields import Text
from marketofone.domain.moment import Calendar, Instant

PRODUCER = "consent import"
"""Stands for the producer in the keys of rows."""
_SCOPES = ("purposes", "sources", "channels")
COLUMNS = ("customer", "change", *_SCOPES, "until", "since", "authority", "id")
_NEEDED = frozenset({"customer", "change"})
_BETWEEN = re.compile(r"[\s,;|]+")
_DIGEST_BYTES = 16
_DATE_LETTERS = len("2026-01-31")
_FIXES = {
    "row": f"write a JSON object with these fields: {', '.join(COLUMNS)}",
    "change": f"write one of {', '.join(get_args(What))}",
    "customer": "write the customer's id, as text",
}
_FIX = "see the table of fields in docs/import.md, under “Consents in bulk”"
Words = tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...]


class ConsentSaid(Struct, frozen=True, forbid_unknown_fields=True):
    """A row as it is written."""

    customer: Text
    change: What
    purposes: str | Words = ()
    sources: str | Words = ()
    channels: str | Words = ()
    until: str | None = None
    since: str | None = None
    authority: Text | None = None
    id: Text | None = None


_DECODE = json_decoder(ConsentSaid).decode


class ConsentRows:
    """Reads the rows of one file, one after the other; ``authority`` is that of rows that name none.

    Examples
    --------
    >>> rows = ConsentRows(calendar=Calendar("UTC"), now=Instant(0), actor="importer", authority=None)
    >>> change, _ = rows.read({"customer": "c-1", "change": "withdraw", "authority": "letter of 3 May"})
    >>> change.purposes, change.authority
    (('*',), 'letter of 3 May')
    """

    def __init__(self, *, calendar: Calendar, now: Instant, actor: str, authority: str | None) -> None:
        self._calendar, self._now, self._actor, self._authority = calendar, now, actor, authority
        self._times = Counter[bytes]()

    def read(self, row: bytes | Mapping[str, str]) -> tuple[ConsentChange, bytes]:
        """Read a row of JSON, or cells by their columns without those that are empty.

        Raises
        ------
        MalformedEvent
            Naming the field; never repeating a value.
        """
        try:
            said = _said(row)
            return self._change(said), self._key(said)
        except MalformedRequest as why:
            raise MalformedEvent(field=why.field, shape=why.shape, fix=why.fix) from why

    def _change(self, said: ConsentSaid) -> ConsentChange:
        ground = said.authority or self._authority
        if ground is None:
            raise MalformedEvent(
                field="authority", shape="missing", fix="name who says so: a notice, a letter, a system"
            )
        if said.change not in ENDING and said.until is not None:
            raise MalformedEvent(field="until", shape=f"an end of a {said.change}", fix=NO_END)
        return ConsentChange(
            customer=said.customer,
            change=said.change,
            purposes=_words("purposes", said),
            sources=_words("sources", said),
            channels=_words("channels", said),
            since=self._now if said.since is None else _begin(said.since, calendar=self._calendar),
            until=None if said.until is None else self._calendar.parse(said.until, field="until"),
            actor=self._actor,
            authority=ground,
        )

    def _key(self, said: ConsentSaid) -> bytes:
        """Give what recognises a row again: its id, or what it says and how often the file has said it."""
        if said.id is not None:
            return key_of(PRODUCER, said.id)
        digest = blake2b(msgspec.json.encode(said), digest_size=_DIGEST_BYTES).digest()
        self._times[digest] += 1
        return key_of(PRODUCER, f"{digest.hex()}:{self._times[digest]}")


def check_columns(columns: Sequence[str]) -> tuple[str, str] | None:
    """Give what is wrong with the names of columns, and what to write: a misspelt one could be a limit.

    Examples
    --------
    >>> check_columns(["customer", "change", "until"]), check_columns(["customer", "change", "untill"])[0]
    (None, 'column 3 has another name')
    """
    unknown = [number for number, column in enumerate(columns, start=1) if column not in COLUMNS]
    missing = [column for column in _NEEDED if column not in columns]
    if not unknown and not missing and len({*columns}) == len(columns):
        return None
    shape = f"column {unknown[0]} has another name" if unknown else "a name is missing, or stands there twice"
    return shape, f"name them in the first line: {', '.join(COLUMNS)}; customer and change are needed"


def _said(row: bytes | Mapping[str, str]) -> ConsentSaid:
    try:
        return _DECODE(row) if isinstance(row, bytes) else convert(row, of=ConsentSaid)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = malformed(error, within="")
        field = "row" if why.field == "event" else why.field
        raise MalformedEvent(field=field, shape=why.shape, fix=_FIXES.get(field, _FIX)) from error


def _words(field: str, said: ConsentSaid) -> tuple[str, ...]:
    told = getattr(said, field)
    words = tuple(word for word in _BETWEEN.split(told) if word) if isinstance(told, str) else told
    if not words and said.change == "grant":
        raise MalformedEvent(field=field, shape="missing", fix="name each, or * for all that consent.toml has")
    return words or (EVERY,)


def _begin(text: str, *, calendar: Calendar) -> Instant:
    """Read an instant, or a date: then the first instant of that day here."""
    told = calendar.parse(text, field="since")
    return calendar.start_of(calendar.day_of(told)) if len(text) == _DATE_LETTERS else told
