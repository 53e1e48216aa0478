"""What open-banking payloads have in common, whichever specification they follow.

- *Rows*: each part of a list is decoded by itself and becomes one row or one bad row, with its line.
- *Since when*: an answer seldom says when it was given. What it tells without a date (a balance, an order, a payment
  that is expected) was so on the latest day that the file tells; where it tells none, on the day it was written.
- *Ids* are those of the bank: a payment that is told again under its id, and otherwise, is a later version. A pending
  one without an id is told as an order, for it could not be recognised again.
- *Consents* that lie in the file become licences. They are given before all other rows, for these are judged by them; a
  consent that cannot be read ends the reading before any row is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec
from msgspec import Raw

from marketofone.domain.cloudevents import MAX_EVENT_BYTES
from marketofone.domain.decoding import json_decoder
from marketofone.domain.errors import MalformedEvent, malformed
from marketofone.domain.fields import AccountType
from marketofone.domain.moment import datetime_of
from marketofone.importers.documents import Document, read_documents, written_at
from marketofone.importers.open_banking.licence import DataLicence, read_licence
from marketofone.importers.payload_values import NAME, no_word, printed
from marketofone.importers.rows import BadRow, Row, What
from marketofone.profile.payments_due import DUE_ON

_T = TypeVar("_T")
_DUE = "payment due"


class Told(NamedTuple):
    """What one part of a payload says: a row without its place."""

    what: What
    facts: Mapping[str, object]
    on: date | datetime
    id: str | None = None


def expected(facts: Mapping[str, object], *, as_of: date, id: str | None = None) -> Told:  # noqa: A002 - as in Told
    """Tell a payment that is to come as an order, from what a movement would say.

    So is a pending one without an id: nothing could take it back once it is booked, and it would count twice.
    """
    amount = facts["amount"]
    assert isinstance(amount, Decimal)  # noqa: S101 - every reader gives amounts so
    order = {
        "account": facts["account"],
        "amount": amount.copy_abs(),
        "currency": facts["currency"],
        "direction": "out" if amount.is_signed() else "in",
        "counterparty": facts.get("counterparty") or facts.get("merchant"),
        "counterparty_account": facts.get("counterparty_account"),
        "category": facts.get("category"),
        "order": printed(id, limit=NAME),
        "next_on": facts["booked"],
    }
    return Told("order", order, as_of, id)


def payment_due(
    account: str,
    kind: AccountType,
    *,
    amount: Decimal | None,
    currency: str,
    on: date,
    as_of: date,
    more: Mapping[str, object] = MappingProxyType({}),
) -> Told | None:
    """Tell the next payment on a card or a loan as an order to it; None of an account on which nothing is owed.

    ``more`` is what else is told, such as a rhythm. Without an amount the past says how much it will be.
    """
    category = DUE_ON.get(kind)
    if category is None:
        return None
    order = {
        "account": account,
        "amount": amount,
        "currency": currency,
        "direction": "in",
        "category": category,
        "order": _DUE,
        "next_on": on,
        **more,
    }
    return Told("order", order, as_of, _DUE)


class Reader(Generic[_T]):
    """Turns each part of a list into rows, by its structure and by what it tells."""

    def __init__(self, structure: type[_T], *, specification: str) -> None:
        self._decode = json_decoder(structure).decode
        self._fix = f"write it as {specification} says"

    def rows(
        self, document: Document, parts: Iterable[Raw] | None, tell: Callable[[_T, bytes], Told | None]
    ) -> Iterator[Row | BadRow]:
        """Give a row for each part, or a bad one; a part of which nothing is told has none."""
        for line, raw in document.places(parts or ()):
            try:
                told = tell(self.read(raw), raw)
            except MalformedEvent as why:
                yield BadRow(line=line, raw=raw, why=why)
                continue
            if told is not None:
                what, facts, on, id = told  # noqa: A001 - the word of CloudEvents
                yield Row(line=line, raw=raw, what=what, facts=facts, on=on, id=id, unique=id is not None)

    def read(self, raw: bytes) -> _T:
        """Read one part.

        Raises
        ------
        MalformedEvent
            Naming the field, and the specification.
        """
        try:
            return self._decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            why = malformed(error, within="")
            raise MalformedEvent(field=why.field, shape=why.shape, fix=self._fix) from error

    def read_all(self, parts: Iterable[Raw] | None) -> Iterator[_T]:
        """Read the parts that can be read."""
        for part in parts or ():
            try:
                yield self._decode(part)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue


class Reading(Protocol):
    """What the documents of one file say together, and the rows of each."""

    def rows(self, document: Document) -> Iterator[Row | BadRow]:
        """Give the rows of one document; where it cannot be understood at all, raise MalformedEvent."""
        ...


def read_rows(path: Path, reading: Callable[[Sequence[Document], date], Reading]) -> Iterator[Row | BadRow]:
    """Read the documents of a file, of which ``reading`` is told first, with the day on which it was written.

    Raises
    ------
    MalformedDocument
        When the file, or a consent in it, cannot be read.
    """
    found = read_documents(path)
    documents = [one for one in found if isinstance(one, Document)]
    consents = [(one, licence) for one in documents if (licence := read_licence(one.body)) is not None]
    yield from _licences(consents, written=written_at(path))
    alone = {id(one) for one, licence in consents if licence.alone}
    file = reading(documents, written_at(path).date())
    for one in found:
        if isinstance(one, BadRow):
            yield one
            continue
        if id(one) in alone:
            continue
        try:
            yield from file.rows(one)
        except MalformedEvent as why:
            yield BadRow(line=one.line, raw=one.body[: MAX_EVENT_BYTES + 1], why=why)


def _licences(consents: Iterable[tuple[Document, DataLicence]], *, written: datetime) -> Iterator[Row]:
    """Give each licence of a file once, in the order in which they were told; those in force come last.

    A request for a consent, which says no status, stands for one that is not in force only where no other is.
    """
    consents = list(consents)
    is_given = any(licence.scopes for _, licence in consents)
    rows: dict[str, tuple[datetime, bool, Row]] = {}
    for document, licence in consents:
        if is_given and not licence.scopes and licence.told is None:
            continue
        told = licence.told or written
        on = told if isinstance(told, datetime) else datetime(told.year, told.month, told.day, tzinfo=UTC)
        on = on if on.tzinfo is not None else on.replace(tzinfo=UTC)
        facts = {
            "scopes": licence.scopes,
            "until": None if licence.until is None else datetime_of(licence.until),
            "since": licence.since,
            "marketing": licence.marketing,
        }
        row = Row(line=document.line, raw=document.body[: MAX_EVENT_BYTES + 1], what="licence", facts=facts, on=on)
        rows.setdefault(repr((on, facts)), (on, bool(licence.scopes), row))
    for _, _, row in sorted(rows.values(), key=lambda one: one[:2]):
        yield row


class BalanceKind(NamedTuple):
    """Whose balance it is, in which currency, and of which type; ``lent`` is whether a credit line is part of it."""

    account: str
    currency: str
    type: str
    lent: bool = False


class Balances:
    """Which of the balances of an account in one answer is told, each once in a file.

    Parameters
    ----------
    ranks
        The types of balances, from the one that is preferred on. One without a credit line goes before one with it.
    never
        Types that say nothing about what stands on the account.
    """

    def __init__(self, ranks: Sequence[str], *, never: Collection[str]) -> None:
        self._ranks = {name: rank for rank, name in enumerate(ranks)}
        self._never = never
        self._best: dict[tuple[str, str], tuple[bool, int]] = {}
        self._told: set[tuple[object, ...]] = set()

    def begin(self, kinds: Iterable[BalanceKind]) -> None:
        """Begin with the balances of one answer."""
        self._best = {}
        for kind in kinds:
            if kind.type in self._ranks:
                slot = (kind.account, kind.currency)
                self._best[slot] = min(self._best.get(slot, self._rank(kind)), self._rank(kind))

    def is_chosen(self, kind: BalanceKind, *, field: str) -> bool:
        """Say whether a balance is the one of its account that is told.

        Raises
        ------
        MalformedEvent
            When its type is none.
        """
        if kind.type in self._never:
            return False
        if kind.type not in self._ranks:
            raise no_word(kind.type, field=field)
        return self._best[kind.account, kind.currency] == self._rank(kind)

    def once(self, told: Told) -> Told | None:
        """Tell a balance, unless the file told just the same."""
        said = (told.on, *map(told.facts.get, ("account", "currency", "balance")))
        if said in self._told:
            return None
        self._told.add(said)
        return told

    def _rank(self, kind: BalanceKind) -> tuple[bool, int]:
        return kind.lent, self._ranks[kind.type]


def as_of(documents: Iterable[Document], *, fields: Iterable[str], written: date) -> date:
    """Give the latest day that some fields tell, up to the day on which the file was written; else that day.

    Examples
    --------
    >>> page = Document(line=1, body=b'{"on": "2026-05-31T10:00:00Z", "due": "2026-07-01"}')
    >>> as_of([page], fields=["on", "due"], written=date(2026, 6, 2))
    datetime.date(2026, 5, 31)
    """
    names = "|".join(map(re.escape, fields)).encode()
    telling = re.compile(rb'"(?:%s)"\s*:\s*"(\d{4}-\d\d-\d\d)' % names)
    latest = written.isoformat().encode()
    days = {day for page in documents for day in telling.findall(page.body) if day <= latest}
    for day in sorted(days, reverse=True):
        try:
            return date.fromisoformat(day.decode())
        except ValueError:  # no day of any month
            continue
    return written


def not_understood(specification: str, *, answers: str) -> MalformedEvent:
    """Give the error of a document that is none of the answers that are read."""
    shape = "none of the answers that are read"
    return MalformedEvent(field="document", shape=shape, fix=f"give an answer of {specification}: {answers}")
