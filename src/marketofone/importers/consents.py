"""Consents in bulk: what customers said elsewhere, a row for each thing that one of them said.

A file is a table as text with a header, or JSON: lines, an array, one object after the other. A row says ``customer``,
``change`` (grant or withdraw), ``purposes``, ``sources`` and ``channels`` (words of consent.toml, or ``*``), ``until``,
``since``, and ``authority``: who says so, such as a notice or a system.

- *What is left out*: a grant names its purposes, sources and channels; a withdrawal that leaves them out means all. A
  grant without an end ends after the bank's limit. Without ``since`` it holds from the import on.
- *The same again*: a row is recognised by everything it says, and by how often the file says it; or by its ``id``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from marketofone.consent.ledger import EVERY, ConsentChange
from marketofone.domain.decoding import convert, json_decoder
from marketofone.domain.errors import MalformedDocument, MalformedEvent, MalformedRequest, malformed
from marketofone.domain.event import key_of
from marketofone.domain.fields import Text
from marketofone.domain.moment import Calendar, Instant
from marketofone.importers import cloudevents
from marketofone.importers.encoding import TextLines, bytes_in, encoding_of
from marketofone.importers.rows import BadRow
from marketofone.importers.tables import delimited
from marketofone.importers.tables.cells import text_of
from marketofone.importers.tables.delimited import SEPARATORS
from marketofone.importers.tables.tabular import header_first

PRODUCER = "consent import"
"""Stands for the producer in the keys of rows."""
ACTOR = "importer"
_SCOPES = ("purposes", "sources", "channels")
_COLUMNS = ("customer", "change", *_SCOPES, "until", "since", "authority", "id")
_NEEDED = frozenset({"customer", "change"})
_BETWEEN = re.compile(r"[\s,;|]+")
_DIGEST_BYTES = 16
_DATE_LETTERS = len("2026-01-31")
Words = tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...]


class ConsentRow(NamedTuple):
    """One thing that a customer said: where it stands in the file, what is recorded, and how it is recognised again."""

    line: int
    change: ConsentChange
    key: bytes


class _Said(Struct, frozen=True, forbid_unknown_fields=True):
    """A row as it is written."""

    customer: Text
    change: Literal["grant", "withdraw"]
    purposes: str | Words = ()
    sources: str | Words = ()
    channels: str | Words = ()
    until: str | None = None
    since: str | None = None
    authority: Text | None = None
    id: Text | None = None


_DECODE = json_decoder(_Said).decode


class _Place(NamedTuple):
    """One row as it lies in the file: cells by their columns, or JSON."""

    line: int
    raw: bytes
    cells: Mapping[str, str] | None


def read(
    path: Path, *, calendar: Calendar, now: Instant, authority: str | None = None
) -> Iterator[ConsentRow | BadRow]:
    r"""Read a file; ``authority`` is that of rows that name none.

    Raises
    ------
    MalformedDocument
        When the file cannot be read, or its header names other columns; or, once all that could be read was given, when
        it breaks off.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "said.csv"
    ...     _ = path.write_text("customer,change,authority\nc-1,withdraw,letter of 3 May\nc-2,forget,letter")
    ...     one, other = read(path, calendar=Calendar("UTC"), now=Instant(0))
    >>> one.line, one.change.purposes, other.field
    (2, ('*',), 'change')
    """
    times = Counter[bytes]()
    for place in _json_rows(path) if _is_json(path) else _table_rows(path):
        if isinstance(place, BadRow):
            yield place
            continue
        try:
            said = _said(place)
            change = _change(said, calendar=calendar, now=now, authority=authority)
        except (MalformedEvent, MalformedRequest) as why:
            bad = MalformedEvent(field=why.field, shape=why.shape, fix=why.fix)
            yield BadRow(line=place.line, raw=place.raw, why=bad)
        else:
            yield ConsentRow(place.line, change, _key(said, times))


def _is_json(path: Path) -> bool:
    head = next(bytes_in(path, wanted="a file of consents"), b"")
    return head.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1] in (b"{", b"[")


def _json_rows(path: Path) -> Iterator[_Place]:
    rows = cloudevents.read(path)
    for raw in rows:
        yield _Place(rows.line, raw, None)


def _table_rows(path: Path) -> Iterator[_Place | BadRow]:
    lines = TextLines(path, encoding=encoding_of(path))
    header = next((line for line in lines if line.strip()), "")
    table = delimited.read(path, separator=max(SEPARATORS, key=header.count), lay_out=header_first)
    columns = [column.lower() for column in table.columns]
    _check_columns(columns, name=path.name)
    for row in table.rows():
        if isinstance(row, BadRow):
            yield row
        elif len(row.cells) > len(columns):
            why = MalformedEvent(field="row", shape=f"{len(row.cells)} cells", fix=f"write {len(columns)} cells")
            yield BadRow(line=row.line, raw=row.raw, why=why)
        else:
            cells = {column: text_of(cell) for column, cell in zip(columns, row.cells, strict=False)}
            yield _Place(row.line, row.raw, {column: text for column, text in cells.items() if text})


def _check_columns(columns: Sequence[str], *, name: str) -> None:
    """Check the names of columns: a misspelt one would be a limit that is not seen."""
    unknown = [number for number, column in enumerate(columns, start=1) if column not in _COLUMNS]
    missing = [column for column in _NEEDED if column not in columns]
    if not unknown and not missing and len({*columns}) == len(columns):
        return
    shape = f"column {unknown[0]} has another name" if unknown else "a name is missing, or stands there twice"
    fix = f"name them in the first line: {', '.join(_COLUMNS)}; customer and change are needed"
    raise MalformedDocument(field=name, shape=shape, fix=fix)


def _said(place: _Place) -> _Said:
    try:
        return _DECODE(place.raw) if place.cells is None else convert(place.cells, of=_Said)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = malformed(error, within="")
        field = "row" if why.field == "event" else why.field
        raise MalformedEvent(field=field, shape=why.shape, fix=why.fix) from error


def _change(said: _Said, *, calendar: Calendar, now: Instant, authority: str | None) -> ConsentChange:
    ground = said.authority or authority
    if ground is None:
        raise MalformedEvent(field="authority", shape="missing", fix="name who says so: a notice, a letter, a system")
    if said.change == "withdraw" and said.until is not None:
        raise MalformedEvent(field="until", shape="an end", fix="a withdrawal holds until a new grant: leave it out")
    return ConsentChange(
        customer=said.customer,
        change=said.change,
        **{field: _words(field, said) for field in _SCOPES},
        since=now if said.since is None else _begin(said.since, calendar=calendar),
        until=None if said.until is None else calendar.parse(said.until, field="until"),
        actor=ACTOR,
        authority=ground,
    )


def _words(field: str, said: _Said) -> tuple[str, ...]:
    told = getattr(said, field)
    words = tuple(word for word in _BETWEEN.split(told) if word) if isinstance(told, str) else told
    if not words and said.change == "grant":
        raise MalformedEvent(field=field, shape="missing", fix="name each, or * for all that consent.toml has")
    return words or (EVERY,)


def _begin(text: str, *, calendar: Calendar) -> Instant:
    """Read an instant, or a date: then the first instant of that day here."""
    told = calendar.parse(text, field="since")
    return calendar.start_of(calendar.day_of(told)) if len(text) == _DATE_LETTERS else told


def _key(said: _Said, times: Counter[bytes]) -> bytes:
    """Give the key by which a row is recognised again: its id, or what it says and how often the file has said it."""
    if said.id is not None:
        return key_of(PRODUCER, said.id)
    digest = blake2b(msgspec.json.encode(said), digest_size=_DIGEST_BYTES).digest()
    times[digest] += 1
    return key_of(PRODUCER, f"{digest.hex()}:{times[digest]}")
