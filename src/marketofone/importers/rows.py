"""Rows of statements, exports and open-banking payloads, and how each becomes one event or one bad row.

An importer reads a file and gives :class:`Row` values: what the file says, in the words of our events, amounts as
decimals. Here they become events, alike for every format:

- *Whose*: a file of a person's own is of one customer; an institution makes it an account at another bank.
- *Which*: the id that the file gives a row, with its account. Where it gives none, a digest of what the row says, and a
  count where equal rows stand in one file: so the same file again adds nothing, and two equal coffees stay two. Where
  a file gives one id to rows that differ, the later ones carry their digest as well, unless its ids are known to be
  unique: then they are later versions. An order that is told anew, as it stands since, is an event of its own.
- *When*: a date is midnight in UTC, which of a movement means the date itself. Where the order of the rows of a day is
  known, the later one counts as later by microseconds: what stands on an account then is what the last one says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Literal

import msgspec
from msgspec import Struct

from marketofone.domain.cloudevents import check_texts
from marketofone.domain.decoding import convert
from marketofone.domain.errors import MalformedEvent, MalformedRequest, malformed
from marketofone.domain.event import KINDS, LICENSED, REMOVED, Event
from marketofone.domain.moment import Instant, instant_of
from marketofone.domain.money import minor_of

What = Literal["movement", "removed", "balance", "account", "order", "licence", "notice", "unconverted"]
COUNTED: dict[What, str] = {"notice": "notices", "unconverted": "unconverted"}
"""What is no event, and is only counted beside the rows, with the name under which it is."""
_KINDS: dict[tuple[What, bool], str] = {
    ("movement", False): "transaction.booked",
    ("movement", True): "openbanking.transaction",
    ("removed", False): REMOVED,
    ("removed", True): REMOVED,
    ("balance", False): "balance.stated",
    ("balance", True): "openbanking.balance",
    ("account", False): "account.opened",
    ("order", False): "order.placed",
    ("order", True): "openbanking.order",
    ("licence", True): LICENSED,
}
_AMOUNTS = {"amount": "currency", "balance": "currency", "limit": "currency", "original": "original_currency"}
_CHANGES_LATER = frozenset(
    {"status", "value_date", "category", "operation", "bank_code", "mcc", "purpose_code", "nature", "merchant"}
)
_SIGNED = ("amount_minor", "balance_minor")
_AHEAD = timedelta(days=31)
_DIGEST_BYTES = 12
_MAX_ID = 128
_MAX_DIGITS = 14  # before the decimal sign: no amount that is taken has more


class Origin(Struct, frozen=True, kw_only=True):
    """Whose rows they are, which system wrote them, and at which other bank the accounts are; None for here.

    ``today`` is the day on which they are read: a movement that is told for one of the next days was told by then.
    ``account_of`` gives the account of a movement that was told before, by the id that the file gives it: some banks
    name the account only once.
    """

    customer: str
    producer: str
    institution: str | None = None
    today: date | None = None
    account_of: Callable[[str], str | None] | None = None

    @property
    def movement(self) -> str:
        """The kind of event that a movement becomes."""
        return _KINDS["movement", self.institution is not None]


def origin_of(form: str, *, customer: str, institution: str | None) -> Origin:
    """Give the origin of a file's rows, by its format and by what is known of them."""
    producer = form if institution is None else f"{form}/{institution}"
    return Origin(customer=customer, producer=producer, institution=institution)


class Row(Struct, frozen=True, kw_only=True):
    """What one place of a file says.

    ``facts`` are the fields of the event; ``amount``, ``balance``, ``limit`` and ``original`` are decimals, and become
    minor units of the currency beside them. ``replaces`` is the id of an earlier row of the account that counts no
    more; a row of what was ``removed`` names one by its own ``id``. ``unique`` says that rows of one id are versions of
    one thing, of which the last one counts. ``line`` is where it stands, counted from 1; ``raw`` the bytes it was read
    from, for a dead letter. Of two rows of a day that with the greater ``place`` counts as later. Balances, accounts,
    orders and licences are found beside the rows of the input. A ``notice`` is for information only: it moves no money.
    What is ``unconverted`` says of the movement of its line that its amount stays in another currency than that of its
    account.
    """

    line: int
    what: What
    facts: Mapping[str, object]
    on: date | datetime
    id: str | None = None
    unique: bool = False
    raw: bytes = b""
    place: int = 0


class BadRow(MalformedEvent):
    """A row that cannot become an event: where it stands, and the bytes it was read from."""

    def __init__(self, *, line: int, raw: bytes, why: MalformedEvent) -> None:
        self.line = line
        self.raw = raw
        super().__init__(field=why.field, shape=why.shape, fix=why.fix)


def events_of(rows: Iterable[Row | BadRow], *, origin: Origin) -> Iterator[Event | BadRow]:
    """Make an event of each row of one file, in its order; a row that cannot become one is given as a bad one.

    Examples
    --------
    >>> coffee = {"account": "a", "amount": Decimal("-3.50"), "currency": "EUR"}
    >>> twice = [Row(line=line, what="movement", facts=coffee, on=date(2026, 6, 1)) for line in (2, 3)]
    >>> first, second = events_of(twice, origin=Origin(customer="c-1", producer="csv"))
    >>> first.data.amount_minor, first.id == second.id
    (-350, False)
    """
    names = _Names()
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        if row.what in COUNTED:
            continue
        try:
            yield _event(row, origin=origin, names=names)
        except MalformedEvent as why:
            yield BadRow(line=row.line, raw=row.raw, why=why)


class _Names:
    """The ids of the rows of one file."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}
        self._equal: Counter[str] = Counter()

    def of(self, row: Row, facts: Mapping[str, object]) -> str:
        if row.what == "removed" and row.id is not None:
            return _named(facts, row.id)
        told = _identifying(facts) if row.what == "movement" else facts
        digest = _digest(row.what, told, None if row.what == "order" else row.on)
        if row.id is None:
            self._equal[digest] += 1
            return digest if self._equal[digest] == 1 else f"{digest}:{self._equal[digest]}"
        name = _named(facts, row.id)
        if row.what == "order":
            return f"{name}:{digest}"
        if row.unique or self._said.setdefault(name, digest) == digest:
            return name
        return f"{name}:{digest}"


def _is_ahead(on: date | datetime, *, today: date | None) -> bool:
    """Say whether a row is dated on one of the days to come, as banks do over weekends and with what is pending."""
    day = on.date() if isinstance(on, datetime) else on
    return today is not None and timedelta() < day - today <= _AHEAD


def _identifying(facts: Mapping[str, object]) -> dict[str, object]:
    """Give what tells a movement from others. What banks and people change later, and signs, do not."""
    told = {name: value for name, value in facts.items() if name not in _CHANGES_LATER}
    unsigned = {name: abs(value) for name in _SIGNED if isinstance(value := told.get(name), int)}
    return told | unsigned


def _event(row: Row, *, origin: Origin, names: _Names) -> Event:
    elsewhere = origin.institution is not None
    kind = _KINDS.get((row.what, elsewhere))
    if kind is None:
        raise MalformedEvent(field="account", shape="an account at another bank", fix="tell its balance instead")
    facts = {name: value for name, value in row.facts.items() if value is not None}
    asks = row.what == "removed" or (row.what == "movement" and origin.account_of is not None)
    if asks and "account" not in facts:
        facts["account"] = _known_account(row.id or "", origin=origin)
    for name, currency in _AMOUNTS.items():
        if name in facts:
            facts[f"{name}_minor"] = _minor(facts.pop(name), currency=str(facts.get(currency, "")), field=name)
    told = names.of(row, facts)
    ahead = row.what in ("movement", "account") and _is_ahead(row.on, today=origin.today)
    if row.what == "removed":
        facts = {"type": _KINDS["movement", elsewhere], "id": told}
        told = f"{told}:removed"
    else:
        facts |= {"replaces": _named(facts, str(facts["replaces"]))} if "replaces" in facts else {}
        facts |= {"institution": origin.institution} if elsewhere else {}
        facts |= {"on": row.on} if row.what == "balance" and not elsewhere else {}
        facts |= {"booked": facts.get("booked", row.on)} if row.what == "movement" and (row.place or ahead) else {}
    try:
        data = convert(facts, of=KINDS[kind][0])
    except msgspec.ValidationError as error:
        raise malformed(error, within="") from error
    check_texts(data)
    at = Instant(_instant(origin.today if ahead and origin.today else row.on) + row.place)
    return Event(id=told, producer=origin.producer, kind=kind, customer=origin.customer, at=at, data=data)


def _known_account(id: str, *, origin: Origin) -> str:  # noqa: A002 - the word of CloudEvents
    account = None if origin.account_of is None else origin.account_of(id)
    if account is None:
        fix = "import first what told the payment, under the same institution; one that never came in needs no removal"
        raise MalformedEvent(field="account", shape="missing, of a payment that is not known", fix=fix)
    return account


def _named(facts: Mapping[str, object], id: str) -> str:  # noqa: A002 - the word of CloudEvents
    if len(id) > _MAX_ID:
        id = blake2b(id.encode(), digest_size=_DIGEST_BYTES).hexdigest()  # noqa: A001 - the word of CloudEvents
    return f"{facts.get('account')}:{id}"


def _minor(amount: object, *, currency: str, field: str) -> int:
    if not isinstance(amount, Decimal):
        raise MalformedEvent(field=field, shape=type(amount).__name__, fix="write a number")
    if not amount.is_finite() or amount.adjusted() >= _MAX_DIGITS:
        raise MalformedEvent(field=field, shape="a number beyond any amount", fix=f"write at most {_MAX_DIGITS} digits")
    try:
        return minor_of(amount, currency=currency)
    except MalformedRequest as error:
        at = field if error.field == "amount" else error.field
        raise MalformedEvent(field=at, shape=error.shape, fix=error.fix) from error


def _digest(what: What, facts: Mapping[str, object], on: date | datetime | None) -> str:
    said = msgspec.json.encode([what, on, sorted(facts.items())])
    return blake2b(said, digest_size=_DIGEST_BYTES).hexdigest()


def _instant(on: date | datetime) -> Instant:
    moment = on if isinstance(on, datetime) else datetime(on.year, on.month, on.day, tzinfo=UTC)
    try:
        return instant_of(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
    except MalformedRequest as error:
        raise MalformedEvent(field="date", shape=error.shape, fix=error.fix) from error
