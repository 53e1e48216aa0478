"""camt.052, camt.053 and camt.054 of ISO 20022, in all versions: reports, statements and notices of a bank.

The file is read as a stream: what is held is one entry with its details. A document type is refused, so nothing in the
file can be expanded or fetched. Elements are known by their names, whatever their namespace and its prefix.

A notice (054) tells the details of entries that a statement (053) tells as well. Where both give the bank's reference
and no batch is split, they are one; else only one of them should be imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal

from marketofone.domain.errors import MalformedDocument, MalformedEvent
from marketofone.importers.rows import BadRow, Row
from marketofone.importers.statements.camt_entries import Facts, Place, Statement
from marketofone.importers.statements.statement import EXTRA, Report, StatementFile, cut_off, ignored

_CHUNK = 1 << 16
_MOST_PLACES, _LONGEST_PATH = 20_000, 400  # different paths in one file, and letters of one; the schemas need less
_MOST_LETTERS = 20_000  # in one element
_Role = Literal["statement", "balance", "entry", "details"]
_PARENT = "BkToCstmr"
_ROLES: dict[tuple[str, str], _Role] = {
    **{("", name): "statement" for name in ("Stmt", "Rpt", "Ntfctn")},
    ("statement", "Bal"): "balance",
    # Where an end is lost, entries seem to lie in what stands before them.
    **{(scope, "Ntry"): "entry" for scope in ("", "statement", "balance", "entry", "details")},
    ("entry", "TxDtls"): "details",
}
_MOST_HELD = 1 << 18
_REPEATED = ("Ustrd", "AddtlRmtInf", "CdtrRefInf/Ref")


def read(path: Path, *, report: Report = ignored) -> Iterator[Row | BadRow]:
    """Read the rows of a file, in its order.

    Parameters
    ----------
    path
        The file.
    report
        Takes statements whose balances do not agree with the rows between them.

    Raises
    ------
    MalformedDocument
        When the file cannot be read, declares a document type, holds no statement, or the library is not installed.
    """
    try:
        with path.open("rb") as file:
            yield from _Reading(report=report, name=path.name).rows(file)
    except OSError as error:
        raise MalformedDocument(field=path.name, shape="not to be read", fix="name a file that can be read") from error


def _library() -> Any:
    try:
        from defusedxml import ElementTree  # type: ignore[import-untyped] # noqa: PLC0415 - an extra
    except ImportError as error:
        fix = f"install {EXTRA}"
        raise MalformedDocument(field="camt", shape="a format whose library is absent", fix=fix) from error
    return ElementTree


class _Place(dict[str, "_Place"]):
    """One path of elements: the places below it, by their names with namespace, made when they are first met."""

    __slots__ = ("count", "local", "path", "repeated", "role", "scope")

    def __init__(self, local: str, *, path: str, scope: str, role: _Role | None, count: list[int]) -> None:
        super().__init__()
        self.local, self.path, self.scope, self.role, self.count = local, path, scope, role, count
        self.repeated = path.endswith(_REPEATED)

    def __missing__(self, name: str) -> _Place:
        self.count[0] += 1
        if self.count[0] > _MOST_PLACES or len(self.path) > _LONGEST_PATH:
            raise MalformedEvent(field="file", shape="more or deeper elements than camt has", fix="send it as exported")
        local = name.rpartition("}")[2]
        role = _ROLES.get((self.scope, local))
        if role == "statement" and not self.local.startswith(_PARENT):
            role = None
        path = "" if role else f"{self.path}/{local}" if self.path else local
        place = _Place(local, path=path, scope=role or self.scope, role=role, count=self.count)
        self[name] = place
        return place


class _Reading:
    """One file while it is read: the place at which the parser stands, and the facts of what is open there."""

    def __init__(self, *, report: Report, name: str) -> None:
        self._name = name
        self._file = StatementFile(report=report)
        self._place = _Place("", path="", scope="", role=None, count=[0])
        self._above: list[_Place] = []
        self._text = ""
        self._facts: Facts = {}
        self._outer: list[Facts] = []
        self._details: list[Facts] = []
        self._statement: Statement | None = None
        self._pending: set[str] = set()
        self._any = False
        self._found: list[Row | BadRow] = []
        self._xml = _library()
        self._parser = self._xml.DefusedXMLParser(target=self, forbid_dtd=True)
        # The parser's own handlers make an element and a dictionary of each tag, which is half of all the work.
        self._expat = self._parser.parser
        self._expat.StartElementHandler, self._expat.EndElementHandler = self._begin, self._end
        self._began: list[tuple[int, int]] = []  # where the open entry begins: byte and line
        self._done = 1  # the line up to which all is given
        self._held, self._offset, self._fed = b"", 0, 0  # bytes that may be wanted, where they begin, and all so far

    def rows(self, file: BinaryIO) -> Iterator[Row | BadRow]:
        """Give all rows."""
        broken = None
        while broken is None and (chunk := file.read(_CHUNK)):
            self._hold(chunk)
            broken = self._read(lambda: self._parser.feed(chunk))
            yield from self._found
            self._found.clear()
        broken = broken or self._read(self._parser.close)
        if broken is not None:
            if self._statement is not None:
                yield from self._statement.ends()
            start, line = self._began[0] if self._began else (self._fed, self._done)
            yield BadRow(line=line, raw=self._bytes(start, self._fed), why=broken)
        elif not self._any:
            fix = "send a camt.052, camt.053 or camt.054"
            raise MalformedDocument(field=self._name, shape="XML without statements", fix=fix)

    def _read(self, on: Callable[[], object]) -> MalformedEvent | None:
        """Let the parser read on; give what is wrong when it cannot."""
        try:
            on()
        except self._xml.DTDForbidden as error:  # without it there are no entities and nothing to fetch
            fix = "take the declaration out: nothing of it is followed"
            raise MalformedDocument(field=self._name, shape="a document type or entities", fix=fix) from error
        except self._xml.ParseError:
            return cut_off(line=self._expat.CurrentLineNumber)
        except MalformedEvent as why:
            return why
        except (LookupError, ValueError):
            if self._above:
                raise
            return cut_off(
                line=self._expat.CurrentLineNumber
            )  # an encoding that is unknown: it is named before the first element
        return None

    def _hold(self, chunk: bytes) -> None:
        """Keep the bytes of the open entry, of an endless one the beginning; else those in which one may begin."""
        if not self._began:
            self._held = self._held[-_CHUNK:] + chunk
            self._offset = self._fed + len(chunk) - len(self._held)
        elif len(self._held) < _MOST_HELD:
            self._held += chunk
        self._fed += len(chunk)

    def _bytes(self, start: int, end: int) -> bytes:
        return self._held[max(start - self._offset, 0) : max(end - self._offset, 0)]

    def _begin(self, name: str, attributes: list[str]) -> None:
        self._above.append(self._place)
        self._place = place = self._place[name]
        self._text = ""
        if place.role is not None:
            self._open(place.role)
        elif attributes and attributes[0] == "Ccy":
            self._facts.setdefault(f"{place.path}@Ccy", attributes[1])

    def data(self, text: str) -> None:
        """Take text of the element that is open."""
        if len(self._text) < _MOST_LETTERS:
            self._text += text

    def close(self) -> None:
        """Do nothing: the parser asks for it."""

    def _end(self, _name: str) -> None:
        place = self._place
        if self._text:
            said, self._text = self._text.strip(), ""
            if said:
                before = self._facts.setdefault(place.path, said)
                if before is not said and place.repeated and len(before) < _MOST_LETTERS:
                    self._facts[place.path] = f"{before} {said}"
        if place.role is not None:
            self._close(place.role)
        self._place = self._above.pop()

    def _open(self, role: _Role) -> None:
        self._outer.append(self._facts)
        self._facts = {}
        if role == "entry":
            self._details = []
            self._began.append((self._expat.CurrentByteIndex, self._expat.CurrentLineNumber))
        elif role == "statement":
            made = next((said for path, said in self._outer[-1].items() if path.endswith("GrpHdr/CreDtTm")), "")
            self._statement = Statement(
                self._facts,
                file=self._file,
                made=made,
                pending=self._pending,
                all_booked=self._place.local == "Stmt",
            )
            self._any = True

    def _close(self, role: _Role) -> None:
        facts, self._facts = self._facts, self._outer.pop()
        statement, self._done = self._statement, self._expat.CurrentLineNumber
        if role == "details":
            self._details.append(facts)
        elif role == "entry":
            self._found += self._entry(facts)
        elif role == "balance" and statement is not None:
            self._found += statement.balance(facts, line=self._expat.CurrentLineNumber)
        elif statement is not None:
            self._found += statement.ends()
            self._statement = None

    def _entry(self, facts: Facts) -> Iterator[Row | BadRow]:
        """Give the rows of the entry that ends here."""
        start, line = self._began.pop()
        found = self._held.find(b">", self._expat.CurrentByteIndex - self._offset)
        raw = self._bytes(start, self._fed if found < 0 else self._offset + found + 1)
        if self._statement is not None:
            yield from self._statement.entry(facts, self._details, place=Place(line=line, raw=raw))
            return
        self._any = True
        why = MalformedEvent(
            field="Ntry", shape="an entry of no statement", fix="put it into a statement, with its account"
        )
        yield BadRow(line=line, raw=raw, why=why)
