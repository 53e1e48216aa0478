"""The PKDD'99 Czech bank ("Berka") in its original form, read into events.

A folder holds eight tables as ``account*``, ``client*``, ``disp*``, ``order*``, ``loan*``, ``card*``, ``district*`` and
``trans*`` with ``.asc`` or ``.csv``, gzipped or not; several files of one table are read one after the other. Every
data row becomes exactly one event or one dead row with its reason. What the files leave open is settled here:

- *Whose*: an account, its transactions, loans and orders belong to its owner. Only the owner is linked to the account
  as a strong key: a link of the second user would declare two people to be one.
- *When*: rows carry dates only. A row counts from the start of its day in Prague; transactions of an account get the
  running second after six o'clock. The rows of a day do not lie in the order in which they were booked (the last row
  is not the closing balance on one account-day in ten), so they are put in the order in which the balances chain.
- *Known since*: a person is known since their account was opened, districts since the first day of the files. Orders
  have no date: they are a snapshot, known only since the last day in the files. How a loan ended (``status``) was
  not known on the day it was granted, so that column is checked and left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.decoding import convert, decode_toml
from marketofone.domain.errors import MalformedEvent, malformed
from marketofone.domain.event import KINDS, Event
from marketofone.domain.moment import HOUR, SECOND, Calendar, Day, Instant, date_of
from marketofone.domain.money_events import TransactionBooked
from marketofone.importers.berka_tables import cells_of, day_in, figure_in, minor_in, number_in, read_table, word_in

CURRENCY = "CZK"
PRODUCER = "berka"
_UNDATED = Instant(0)
_PRAGUE = Calendar("Europe/Prague")
_T = TypeVar("_T")


class _Guide(Struct, frozen=True):
    columns: dict[str, int]
    codes: dict[str, dict[str, tuple[str, ...]]]
    figures: tuple[str, ...]


_GUIDE = decode_toml(files(__package__).joinpath("berka.toml").read_bytes(), of=_Guide)
_CODES = {
    table: {code: word for word, codes in words.items() for code in codes} for table, words in _GUIDE.codes.items()
}
_CASH = {"cash_in", "cash_out", "card_out"}


class MalformedRow(MalformedEvent):
    """A row breaks the contract of its table; ``raw`` is the row as it lies in the file."""

    def __init__(self, *, table: str, raw: bytes, why: MalformedEvent) -> None:
        self.raw = raw
        super().__init__(field=f"{table}.{why.field}", shape=why.shape, fix=why.fix)


Row = Event | MalformedRow


class Dump(Struct, frozen=True, kw_only=True):
    """The bank as read.

    ``rows`` are all data rows of all tables: the broken ones first, then the events from the earliest to the latest.
    ``people`` are all clients an event names, sorted; ``earliest`` is the start of the first day in the files.
    """

    rows: list[Row]
    people: tuple[str, ...]
    earliest: Instant


def read(folder: Path) -> Dump:
    """Read the folder. The same files give the same events at the same times, so a second import adds nothing.

    Raises
    ------
    MalformedDocument
        When the folder lacks accounts, clients, dispositions or transactions, or a file cannot be read.
    """
    tables = {table: read_table(folder, table, columns=columns) for table, columns in _GUIDE.columns.items()}
    reading = _Reading()
    # Accounts first, for dispositions need them; the account's own event needs its owner and therefore comes later.
    _each(tables["account"], reading.account, table="account", dead=[])
    dead: list[MalformedRow] = []
    events = {table: _each(tables[table], understand, table=table, dead=dead) for table, understand in reading.order()}
    dated = [event.at for of in events.values() for event in of if event.at != _UNDATED]
    first, last = min(dated, default=_UNDATED), max(dated, default=_UNDATED)
    events["district"] = [replace(event, at=first) for event in events["district"]]
    events["order"] = [replace(event, at=last) for event in events["order"]]
    events["trans"] = list(_booked(events["trans"]))
    # Stable: at one moment events stand in the order of the tables, then of the file.
    rows = sorted((event for of in events.values() for event in of), key=lambda event: event.at)
    people = {event.customer for event in rows if event.kind != "district.described"}
    return Dump(rows=[*dead, *rows], people=tuple(sorted(people)), earliest=first)


def _each(lines: Sequence[bytes], understand: Callable[..., _T], *, table: str, dead: list[MalformedRow]) -> list[_T]:
    understood = []
    for raw in lines:
        try:
            understood.append(understand(*cells_of(raw, columns=_GUIDE.columns[table])))
        except MalformedEvent as why:
            dead.append(MalformedRow(table=table, raw=raw, why=why))
    return understood


class _Reading:
    """What has been learned from the tables read so far: accounts, owners, cardholders."""

    def __init__(self) -> None:
        self.accounts: dict[int, tuple[Day, dict[str, str]]] = {}
        self.owners: dict[int, int] = {}
        self.holders: dict[int, tuple[int, int]] = {}
        self.since: dict[int, Day] = {}

    def order(self) -> tuple[tuple[str, Callable[..., Event]], ...]:
        """Name the tables in the order in which they build on one another."""
        return (
            ("district", self.district),
            ("disp", self.disposition),
            ("client", self.client),
            ("account", self.account_link),
            ("loan", self.loan),
            ("card", self.card),
            ("order", self.standing_order),
            ("trans", self.transaction),
        )

    def account(self, number: str, district: str, frequency: str, opened: str) -> int:
        account = number_in(number, field="account_id")
        facts = {
            "branch": _name("district", number_in(district, field="district_id")),
            "statement": word_in(frequency, among=_CODES["frequency"], field="frequency"),
        }
        self.accounts[account] = (day_in(opened, field="date"), facts)
        return account

    def account_link(self, number: str, district: str, frequency: str, opened: str) -> Event:
        account = self.account(number, district, frequency, opened)
        facts = {"key_kind": "account", "key": _name("account", account)}
        return _event("account", account, self._owner(number), "identity.linked", self.accounts[account][0], facts)

    def disposition(self, number: str, client: str, account: str, role: str) -> Event:
        disposition, person = number_in(number, field="disp_id"), number_in(client, field="client_id")
        part = word_in(role, among=_CODES["role"], field="type")
        opened, known = self._account(account)
        if part == "owner" and self.owners.setdefault(int(account), person) != person:
            raise MalformedEvent(field="type", shape="a second owner", fix="name one owner for each account")
        self.holders[disposition] = (person, int(account))
        self.since[person] = min(opened, self.since.get(person, opened))
        facts = {
            "account": _name("account", int(account)),
            "product": "current_account",
            "currency": CURRENCY,
            "role": part,
            **known,
        }
        return _event("disp", disposition, person, "account.opened", opened, facts)

    def client(self, number: str, birth: str, district: str) -> Event:
        person = number_in(number, field="client_id")
        female = birth[2:3] in {"5", "6"}  # birth numbers of women carry the month plus 50
        born = f"{birth[:2]}{int(birth[2]) - 5}{birth[3:]}" if female else birth
        if person not in self.since:
            raise MalformedEvent(field="client_id", shape="a client without account", fix="add its row to disp")
        facts = {
            "birth_year": date_of(day_in(born, field="birth_number")).year,
            "sex": "female" if female else "male",
            "region": _name("district", number_in(district, field="district_id")),
        }
        return _event("client", person, person, "person.described", self.since[person], facts)

    def loan(self, number: str, account: str, granted: str, *terms: str) -> Event:
        amount, duration, payment, status = terms
        word_in(status, among=_CODES["status"], field="status")
        facts = {
            "product": "loan",
            "account": _name("account", number_in(account, field="account_id")),
            "principal_minor": minor_in(amount, field="amount"),
            "payment_minor": minor_in(payment, field="payments"),
            "months": number_in(duration, field="duration"),
        }
        loan, owner = number_in(number, field="loan_id"), self._owner(account)
        return _event("loan", loan, owner, "product.opened", day_in(granted, field="date"), facts)

    def card(self, number: str, disposition: str, grade: str, issued: str) -> Event:
        card, holder = number_in(number, field="card_id"), self.holders.get(number_in(disposition, field="disp_id"))
        if holder is None:
            raise MalformedEvent(field="disp_id", shape="no such disposition", fix="add its row to disp")
        facts = {"product": word_in(grade, among=_CODES["card"], field="type"), "account": _name("account", holder[1])}
        day = day_in(issued.removesuffix(" 00:00:00"), field="issued")
        return _event("card", card, holder[0], "product.opened", day, facts)

    def standing_order(self, number: str, account: str, *terms: str) -> Event:
        bank_to, account_to, amount, symbol = terms
        facts = {
            "account": _name("account", number_in(account, field="account_id")),
            "amount_minor": minor_in(amount, field="amount"),
            "currency": CURRENCY,
            "counterparty": _counterparty(bank_to, account_to),
            "category": _optional(symbol, field="k_symbol"),
        }
        return _event("order", number_in(number, field="order_id"), self._owner(account), "order.placed", None, facts)

    def transaction(self, number: str, account: str, booked: str, *terms: str) -> Event:
        kind, operation, amount, balance, symbol, bank, other = terms
        sign, minor = word_in(kind, among=_CODES["sign"], field="type"), minor_in(amount, field="amount")
        how = _optional(operation, field="operation")
        facts = {
            "account": _name("account", number_in(account, field="account_id")),
            "amount_minor": minor if sign == "+" else -minor,
            "currency": CURRENCY,
            "category": _optional(symbol, field="k_symbol") or ("cash" if how in _CASH else None),
            "operation": how,
            "counterparty": _counterparty(bank, other),
            "balance_minor": minor_in(balance, field="balance", signed=True),
        }
        transaction, owner = number_in(number, field="trans_id"), self._owner(account)
        return _event("trans", transaction, owner, "transaction.booked", day_in(booked, field="date"), facts)

    def district(self, number: str, name: str, region: str, *figures: str) -> Event:
        district = number_in(number, field="A1")
        cells = enumerate(zip(_GUIDE.figures, figures, strict=True), start=4)
        facts = {
            "name": name,
            "region": region,
            "figures": {word: figure_in(cell, field=f"A{column}") for column, (word, cell) in cells},
        }
        return _event("district", district, None, "district.described", None, facts)

    def _account(self, number: str) -> tuple[Day, dict[str, str]]:
        account = self.accounts.get(number_in(number, field="account_id"))
        if account is None:
            raise MalformedEvent(field="account_id", shape="no such account", fix="add its row to account")
        return account

    def _owner(self, number: str) -> int:
        self._account(number)
        owner = self.owners.get(int(number))
        if owner is None:
            raise MalformedEvent(field="account_id", shape="an account without owner", fix="add its owner to disp")
        return owner


def _event(
    table: str, number: int, person: int | None, kind: str, day: Day | None, facts: Mapping[str, object]
) -> Event:
    """Make an event at the start of its day; without a person it is about the row itself, without a day undated."""
    try:
        data = convert(facts, of=KINDS[kind][0])
    except msgspec.ValidationError as error:
        raise malformed(error, within="") from error
    return Event(
        id=_name(table, number),
        producer=PRODUCER,
        kind=kind,
        customer=_name(table, number) if person is None else _name("client", person),
        at=_UNDATED if day is None else _PRAGUE.start_of(day),
        data=data,
    )


def _booked(events: Sequence[Event]) -> Iterator[Event]:
    """Give transactions their times, account by account and day by day, so that the balances chain."""
    by_account: dict[str, dict[Instant, list[tuple[Event, TransactionBooked]]]] = {}
    for event in events:
        if isinstance(event.data, TransactionBooked):  # always so; the type of an event does not say it
            by_account.setdefault(event.data.account, {}).setdefault(event.at, []).append((event, event.data))
    for by_day in by_account.values():
        balance = 0  # every account of this bank begins empty
        for day in sorted(by_day):
            left = by_day[day]
            for second in range(len(left)):  # next is the row whose balance fits best, by file order where several do
                fits = [abs((data.balance_minor or 0) - data.amount_minor - balance) for _, data in left]
                event, data = left.pop(fits.index(min(fits)))
                balance = data.balance_minor or 0
                yield replace(event, at=Instant(day + 6 * HOUR + second * SECOND))


def _name(table: str, number: int) -> str:
    return f"{PRODUCER}:{table}:{number}"


def _optional(code: str, *, field: str) -> str | None:
    return word_in(code, among=_CODES[field], field=field) if code else None


def _counterparty(bank: str, account: str) -> str | None:
    return f"{bank}:{account}" if bank or account not in {"", "0"} else None
