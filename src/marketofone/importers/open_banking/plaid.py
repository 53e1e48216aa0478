"""Answers of Plaid (API 2020-09-14): accounts, balances, transactions by sync or by date, streams, liabilities.

- *Sign*: of a movement positive is money out, so it is turned round. What is owed on a card or a loan is written as
  positive as well.
- *Account*: the number that an answer of ``auth`` in the same file tells, unless it is a token; else ``account_id``,
  which is another one when a person links the bank anew.
- *Date*: ``date`` is the one that counts; the row happened when it was authorised.
- *Pending*: the posted transaction names the pending one that it replaces.
- *Modified* is a later version of a transaction, under the same id; *removed* goes with all its versions. Where neither
  names the account, as in older versions, it is that which the file or an earlier one told for the transaction.
- *Liabilities* tell what is due next on cards, mortgages and student loans. Where no day is told, nothing is expected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from marketofone.domain.account_numbers import account_number, british
from marketofone.domain.errors import MalformedEvent
from marketofone.domain.fields import AccountType
from marketofone.importers.documents import Document
from marketofone.importers.open_banking import payloads
from marketofone.importers.open_banking.payloads import Reader, Told
from marketofone.importers.open_banking.plaid_answers import (
    Account,
    Answer,
    Auth,
    CardBill,
    Category,
    Counterparty,
    International,
    Mortgage,
    Numbers,
    Payment,
    Removed,
    Sterling,
    Stream,
    StudentLoan,
    Transaction,
)
from marketofone.importers.payload_values import (
    NAME,
    PRINTED,
    TEXT,
    day_in,
    every,
    first,
    in_cents,
    moment_in,
    number_in,
    optional_day,
    printed,
    unsigned,
)
from marketofone.importers.rows import BadRow, Row

SPECIFICATION = "the reference of the Plaid API"
_ANSWERS = "accounts, transactions, recurring streams or liabilities"
_DATES = ("date", "authorized_date", "last_updated_datetime", "updated_datetime")
_OWED: tuple[AccountType, ...] = ("card", "loan", "mortgage")
_FREQUENCY = {"WEEKLY": ("week", 1), "BIWEEKLY": ("week", 2), "MONTHLY": ("month", 1), "ANNUALLY": ("month", 12)}


_ANSWER = Reader(Answer, specification=SPECIFICATION)
_ACCOUNT = Reader(Account, specification=SPECIFICATION)
_NUMBERS = Reader(Auth, specification=SPECIFICATION)
_TRANSACTION = Reader(Transaction, specification=SPECIFICATION)
_REMOVED = Reader(Removed, specification=SPECIFICATION)
_STREAM = Reader(Stream, specification=SPECIFICATION)
_CARD_BILL = Reader(CardBill, specification=SPECIFICATION)
_MORTGAGE = Reader(Mortgage, specification=SPECIFICATION)
_STUDENT_LOAN = Reader(StudentLoan, specification=SPECIFICATION)


def read(path: Path) -> Iterator[Row | BadRow]:
    """Read a file of answers: each transaction becomes one row or one bad row.

    Raises
    ------
    MalformedDocument
        When the file cannot be read.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> coffee = (
    ...     '{"account_id": "a", "transaction_id": "t", "amount": 3.50, "iso_currency_code": "USD", '
    ...     '"date": "2026-06-01", "pending": false}'
    ... )
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "answer.json"
    ...     _ = path.write_text('{"added": [%s]}' % coffee)
    ...     [(row.facts["amount"], row.facts["booked"]) for row in read(path)]
    [(Decimal('-3.50'), datetime.date(2026, 6, 1))]
    """
    return payloads.read_rows(path, _Reading)


class _Reading:
    """What the whole file says: accounts and their names, and the latest day."""

    def __init__(self, documents: Sequence[Document], written: date) -> None:
        self._as_of = payloads.as_of(documents, fields=_DATES, written=written)
        self._balances = payloads.Balances((), never=())
        self._names: dict[str, str] = {}
        self._currencies: dict[str, str] = {}
        self._documents = documents
        for document in documents:
            with suppress(MalformedEvent):  # it is a bad row where it is read
                answer = _ANSWER.read(document.body)
                accounts = _ACCOUNT.read_all(answer.accounts)
                self._currencies |= {one.account_id: one.balances.currency for one in accounts}
                self._names |= _numbers(_NUMBERS.read(bytes(answer.numbers) or b"{}"))

    def rows(self, document: Document) -> Iterator[Row | BadRow]:
        """Give the rows of one answer."""
        answer = _ANSWER.read(document.body)
        if answer == Answer():
            raise payloads.not_understood(SPECIFICATION, answers=_ANSWERS)
        yield from _ACCOUNT.rows(document, answer.accounts, self._balance)
        for parts in (answer.transactions, answer.added, answer.modified):
            yield from _TRANSACTION.rows(document, parts, self._transaction)
        yield from _REMOVED.rows(document, answer.removed, self._removed)
        yield from _STREAM.rows(document, answer.inflow_streams, self._stream("in"))
        yield from _STREAM.rows(document, answer.outflow_streams, self._stream("out"))
        yield from _CARD_BILL.rows(document, answer.liabilities.credit, self._card_bill)
        yield from _MORTGAGE.rows(document, answer.liabilities.mortgage, self._mortgage)
        yield from _STUDENT_LOAN.rows(document, answer.liabilities.student, self._student_loan)

    def _name(self, account_id: str) -> str:
        return self._names.get(account_id, account_id)

    def _account(self, said: Transaction | Removed) -> str | None:
        account_id = said.account_id or self._told.get(said.transaction_id)
        return None if account_id is None else self._name(account_id)

    @cached_property
    def _told(self) -> dict[str, str]:
        """The accounts of all transactions of the file, by their ids."""
        told: dict[str, str] = {}
        for document in self._documents:
            with suppress(MalformedEvent):  # it is a bad row where it is read
                answer = _ANSWER.read(document.body)
                for parts in (answer.transactions, answer.added, answer.modified):
                    told |= {
                        one.transaction_id: one.account_id for one in _TRANSACTION.read_all(parts) if one.account_id
                    }
        return told

    def _balance(self, said: Account, _: bytes) -> Told | None:
        amount = said.balances.current
        if amount is None and said.kind not in _OWED:  # of a card or a loan it is what may still be spent
            amount = said.balances.available
        if amount is None:
            return None
        amount = number_in(amount, field="balances.current")
        if said.kind in _OWED:
            amount = amount.copy_negate()
        elif said.kind == "investment":
            amount = in_cents(amount, currency=said.balances.currency)
        facts: dict[str, object] = {
            "account": self._name(said.account_id),
            "balance": amount,
            "currency": said.balances.currency,
            "type": said.kind,
        }
        if said.kind == "current" and said.balances.limit is not None:
            facts["limit"] = number_in(said.balances.limit, field="balances.limit").copy_abs()
        told = said.balances.last_updated_datetime
        on = self._as_of if told is None else moment_in(told, field="balances.last_updated_datetime")
        return self._balances.once(Told("balance", facts, on))

    def _transaction(self, said: Transaction, _: bytes) -> Told:
        happened = first(said.authorized_datetime, said.authorized_date, said.datetime, said.date)
        facts = {
            "account": self._account(said),
            "booked": day_in(said.date, field="date"),
            "replaces": said.pending_transaction_id,
            **_facts(said),
        }
        return Told("movement", facts, moment_in(happened or said.date, field="date"), said.transaction_id)

    def _removed(self, said: Removed, _: bytes) -> Told:
        return Told("removed", {"account": self._account(said)}, self._as_of, said.transaction_id)

    def _stream(self, direction: Literal["in", "out"]) -> Callable[[Stream, bytes], Told]:
        def tell(said: Stream, _: bytes) -> Told:
            paid = said.average_amount if said.last_amount.amount is None else said.last_amount
            if paid.amount is None:
                raise MalformedEvent(field="last_amount", shape="missing", fix=f"write it as {SPECIFICATION} says")
            unit, count = _FREQUENCY.get(said.frequency or "", ("", 1))
            facts = {
                "account": self._name(said.account_id),
                "amount": number_in(paid.amount, field="last_amount").copy_abs(),
                "currency": paid.currency,
                "direction": direction,
                "counterparty": printed(first(said.merchant_name, said.description), limit=TEXT),
                "category": _category(said.personal_finance_category, None),
                "order": printed(said.stream_id, limit=NAME),
                "first_on": optional_day(said.first_date, field="first_date"),
                "next_on": optional_day(said.predicted_next_date, field="predicted_next_date"),
                "last_on": None if said.is_active else optional_day(said.last_date, field="last_date"),
                "every": every(unit, count),
                "ended": not said.is_active,
            }
            return Told("order", facts, self._as_of, said.stream_id)

        return tell

    def _card_bill(self, said: CardBill, _: bytes) -> Told | None:
        return self._due(said, "card")

    def _mortgage(self, said: Mortgage, _: bytes) -> Told | None:
        last = optional_day(said.maturity_date, field="maturity_date")
        amount = _due_amount(said.next_monthly_payment, field="next_monthly_payment")
        return self._due(said, "mortgage", amount=amount, more={"every": every("month"), "last_on": last})

    def _student_loan(self, said: StudentLoan, _: bytes) -> Told | None:
        return self._due(said, "loan", amount=_due_amount(said.minimum_payment_amount, field="minimum_payment_amount"))

    def _due(
        self,
        said: CardBill,
        kind: AccountType,
        *,
        amount: Decimal | None = None,
        more: Mapping[str, object] = MappingProxyType({}),
    ) -> Told | None:
        on = optional_day(said.next_payment_due_date, field="next_payment_due_date")
        if on is None or said.account_id is None:
            return None
        currency = self._currencies.get(said.account_id)
        if currency is None:
            fix = "put the answer about the account, with its currency, into the same file"
            raise MalformedEvent(field="iso_currency_code", shape="missing", fix=fix)
        account = self._name(said.account_id)
        return payloads.payment_due(
            account, kind, amount=amount, currency=currency, on=on, as_of=self._as_of, more=more
        )


def _due_amount(amount: Decimal | None, *, field: str) -> Decimal | None:
    """Give an amount that is due; nothing is told where it is zero, as some banks write where they collect it."""
    return unsigned(amount, field=field) or None if amount is not None else None


def _numbers(auth: Auth) -> dict[str, str]:
    """Give the numbers of accounts that stay the same: no tokens, and of several the one that is known farthest."""
    known = {one.account_id: one.number for one in (*auth.eft, *auth.ach)}
    known |= {one.account_id: _sterling(one) for one in auth.bacs}
    known |= {one.account_id: one.iban for one in auth.international}
    return {
        account: account_number(number, may_be_card=False) for account, number in known.items() if number is not None
    }


def _facts(said: Transaction) -> dict[str, object]:
    """Give what a transaction says beside its account and date."""
    amount = number_in(said.amount, field="amount").copy_negate()
    payment = said.payment_meta or Payment()
    others = [one for one in said.counterparties or () if one.type != "merchant"]
    paid = payment.payee if amount < 0 else payment.payer
    return {
        "amount": amount,
        "currency": said.currency,
        "status": "pending" if said.pending else "booked",
        "category": _category(said.personal_finance_category, said.category),
        "merchant": printed(said.merchant_name, limit=TEXT),
        "counterparty": printed(first(paid, payment.by_order_of, *(one.name for one in others)), limit=TEXT),
        "counterparty_account": next((number for one in others if (number := _number(one)) is not None), None),
        "text": printed(first(said.original_description, said.name), limit=PRINTED),
        "bank_code": printed(said.transaction_code, limit=NAME),
        "reference": printed(payment.reference_number, limit=NAME),
    }


def _category(found: Category | None, hierarchy: Sequence[str] | None) -> str | None:
    detailed = None if found is None else first(found.detailed, found.primary)
    return printed(first(detailed, " > ".join(hierarchy or ())), limit=NAME)


def _number(other: Counterparty) -> str | None:
    numbers = other.account_numbers or Numbers()
    iban, sterling = numbers.international or International(), numbers.bacs or Sterling()
    if iban.iban is not None:
        return account_number(iban.iban, may_be_card=False)
    return _sterling(sterling)


def _sterling(numbers: Sterling) -> str | None:
    return None if numbers.account is None else british(f"{numbers.sort_code or ''}{numbers.account}")
