"""Answers of the Financial Data Exchange (FDX) API: accounts with their balances, and transactions.

The schemas of FDX are given to its members only. Followed are the names that are publicly documented for FDX 4 to 6, by
banks and by data networks that publish which part of it they read, such as Plaid's Core Exchange reference 5.1 and 6.x.

- *Forms*: an account or a transaction stands in a field named after its category (``depositAccount``,
  ``locTransaction``), as in FDX 4 and 5, or by itself with its ``accountCategory``.
- *Sign*: ``amount`` has none; ``debitCreditMemo`` says the direction. ``MEMO`` is taken as money out, as Plaid does.
- *Balance*: what is owed on a line of credit or a loan is positive, and is turned round, unless ``balanceType`` says
  that the account is an asset.
- *Account*: ``accountId``, which stays. A transaction that does not name it belongs to the account that the links of
  its page name, or to the only one of its category in the file. The currency is that of the account.
- *Ahead*: when the next payment on a card or a loan is due, and how much it is. The least that is due on a card does
  not say what will be paid: without ``nextPaymentAmount`` the past does. Nothing of bills, payments and recurring
  payments is read, for want of a public description of them.
- *Pending*: what is posted replaces the authorization that its ``referenceTransactionId`` names; else what had its own
  id while it was pending.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from marketofone.domain.decoding import json_decoder
from marketofone.domain.errors import MalformedEvent
from marketofone.domain.fields import AccountType
from marketofone.importers.documents import Document
from marketofone.importers.open_banking import payloads
from marketofone.importers.open_banking.payloads import Balances, Reader, Told
from marketofone.importers.payload_values import (
    NAME,
    PRINTED,
    TEXT,
    category_code,
    day_in,
    first,
    in_cents,
    moment_in,
    no_word,
    number_in,
    optional_day,
    printed,
    unsigned,
)
from marketofone.importers.rows import BadRow, Row

SPECIFICATION = "the public documentation of FDX"
_ANSWERS = "accounts or transactions"
_DATES = ("postedTimestamp", "transactionTimestamp", "balanceAsOf")
Category = Literal["deposit", "loc", "loan", "investment", "annuity", "insurance", "commercial", "wallet"]
_CATEGORIES: dict[str, Category] = {
    "DEPOSIT_ACCOUNT": "deposit",
    "LOC_ACCOUNT": "loc",
    "LOAN_ACCOUNT": "loan",
    "INVESTMENT_ACCOUNT": "investment",
    "ANNUITY_ACCOUNT": "annuity",
    "INSURANCE_ACCOUNT": "insurance",
    "COMMERCIAL_ACCOUNT": "commercial",
    "DIGITAL_WALLET": "wallet",
}
_FIELDS: dict[str, Category] = {
    **{f"{category}Account": category for category in _CATEGORIES.values()},
    **{f"{category}Transaction": category for category in _CATEGORIES.values()},
    "digitalWallet": "wallet",
    "digitalWalletTransaction": "wallet",
}
_SAVINGS = frozenset({"SAVINGS", "CD", "MONEYMARKET", "HIGHINTERESTSAVINGSACCOUNT", "FIRSTHOMESAVINGSACCOUNT"})
_CARDS = frozenset({"CREDITCARD", "CHARGE"})
_SETTLING = timedelta(days=100)
"""How long after a transaction was posted the first file may come that tells it so."""
_PENDING = ("PENDING", "MEMO", "AUTHORIZATION")
_RESOURCE = re.compile(rb'accounts\\?/([^/?"\\]+)\\?/transactions')


class _Part(Struct, frozen=True, gc=False, rename="camel"):
    """A part of an answer."""


class _Currency(_Part, frozen=True, gc=False):
    currency_code: str | None = None


class _Account(_Part, frozen=True, gc=False):
    account_id: str
    account_type: str | None = None
    currency: _Currency | None = None
    balance_type: str | None = None
    balance_as_of: str | None = None
    current_balance: Decimal | None = None
    principal_balance: Decimal | None = None
    current_value: Decimal | None = None
    next_payment_date: str | None = None
    next_payment_amount: Decimal | None = None
    minimum_payment_amount: Decimal | None = None


class _Transaction(_Part, frozen=True, gc=False, kw_only=True):
    account_id: str | None = None
    transaction_id: str | None = None
    reference_transaction_id: str | None = None
    amount: Decimal
    debit_credit_memo: str
    status: str = "POSTED"
    posted_timestamp: str | None = None
    transaction_timestamp: str | None = None
    description: str | None = None
    memo: str | None = None
    payee: str | None = None
    category: str | None = None
    transaction_type: str | None = None
    reference: str | None = None
    check_number: int | str | None = None
    foreign_amount: Decimal | None = None
    foreign_currency: str | None = None


class _Answer(_Part, frozen=True, gc=False):
    accounts: list[Raw] | None = None
    transactions: list[Raw] | None = None
    account_category: str | None = None
    account_id: str | None = None
    links: Raw = Raw()


class _Known(Struct, frozen=True, kw_only=True):
    """What the answers about accounts say of one."""

    category: Category | None
    currency: str | None


_ANSWER = Reader(_Answer, specification=SPECIFICATION)
_FORM = Reader(dict[str, Raw], specification=SPECIFICATION)
_ACCOUNT = Reader(_Account, specification=SPECIFICATION)
_TRANSACTION = Reader(_Transaction, specification=SPECIFICATION)
_WORD = json_decoder(str)
Form = dict[str, Raw]


def read(path: Path) -> Iterator[Row | BadRow]:
    """Read a file of answers: each transaction becomes one row or one bad row.

    Raises
    ------
    MalformedDocument
        When the file cannot be read.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> account = '{"depositAccount": {"accountId": "a", "currency": {"currencyCode": "USD"}}}'
    >>> coffee = '{"amount": 3.50, "debitCreditMemo": "DEBIT", "transactionTimestamp": "2026-06-01"}'
    >>> answers = '[{"accounts": [%s]}, {"transactions": [{"depositTransaction": %s}]}]' % (account, coffee)
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "answers.json"
    ...     _ = path.write_text(answers)
    ...     [(row.facts["account"], row.facts["amount"], row.facts["currency"]) for row in read(path)]
    [('a', Decimal('-3.50'), 'USD')]
    """
    return payloads.read_rows(path, _Reading)


class _Reading:
    """What the whole file says: accounts and their names, and the latest day."""

    def __init__(self, documents: Sequence[Document], written: date) -> None:
        self._as_of = payloads.as_of(documents, fields=_DATES, written=written)
        self._balances = Balances((), never=())
        self._known: dict[str, _Known] = {}
        for document in documents:
            with suppress(MalformedEvent):  # it is a bad row where it is read
                for part in _accounts_in(document):
                    self._learn(bytes(part))

    def _learn(self, part: bytes) -> None:
        with suppress(MalformedEvent):
            category, inner = _unwrapped(_FORM.read(part), part)
            account = _ACCOUNT.read(inner)
            currency = account.currency or _Currency()
            self._known[account.account_id] = _Known(category=category, currency=currency.currency_code)

    def rows(self, document: Document) -> Iterator[Row | BadRow]:
        """Give the rows of one answer."""
        accounts, answer = _accounts_in(document), _ANSWER.read(document.body)
        if not accounts and answer.accounts is None and answer.transactions is None:
            raise payloads.not_understood(SPECIFICATION, answers=_ANSWERS)
        page = _page_of(answer)
        yield from _FORM.rows(document, accounts, self._balance)
        yield from _FORM.rows(document, accounts, self._due)
        yield from _FORM.rows(document, answer.transactions, lambda form, raw: self._transaction(form, raw, page=page))

    def _balance(self, form: Form, raw: bytes) -> Told | None:
        category, inner = _unwrapped(form, raw)
        said = _ACCOUNT.read(inner)
        amount = next((one for one in _amounts(said, category) if one is not None), None)
        if amount is None:  # only what the account is called
            return None
        currency = self._currency(said.account_id)
        amount = number_in(amount, field="currentBalance")
        if category == "investment":
            amount = in_cents(amount, currency=currency)
        owed = said.balance_type == "LIABILITY" if said.balance_type is not None else category in ("loc", "loan")
        facts = {
            "account": said.account_id,
            "balance": amount.copy_negate() if owed else amount,
            "currency": currency,
            "type": _type(said, category),
        }
        on = self._as_of if said.balance_as_of is None else moment_in(said.balance_as_of, field="balanceAsOf")
        return self._balances.once(Told("balance", facts, on))

    def _due(self, form: Form, raw: bytes) -> Told | None:
        """Give the payment that is due on an account; one that cannot be read is a bad row where its balance is."""
        try:
            category, inner = _unwrapped(form, raw)
            said = _ACCOUNT.read(inner)
        except MalformedEvent:
            return None
        kind, amount, named = _type(said, category), said.next_payment_amount, "nextPaymentAmount"
        if amount is None and kind != "card":
            amount, named = said.minimum_payment_amount, "minimumPaymentAmount"
        on = optional_day(said.next_payment_date, field="nextPaymentDate")
        if on is None or kind is None:
            return None
        amount = None if amount is None else unsigned(amount, field=named)
        currency = self._currency(said.account_id)
        return payloads.payment_due(said.account_id, kind, amount=amount, currency=currency, on=on, as_of=self._as_of)

    def _transaction(self, form: Form, raw: bytes, *, page: str | None) -> Told:
        category, inner = _unwrapped(form, raw)
        said = _TRANSACTION.read(inner)
        if said.status != "POSTED" and said.status not in _PENDING:
            raise no_word(said.status, field="status")
        account = self._account(said, category, page=page)
        happened = first(said.transaction_timestamp, said.posted_timestamp)
        counted = first(said.posted_timestamp, said.transaction_timestamp)
        if happened is None or counted is None:
            raise MalformedEvent(field="transactionTimestamp", shape="missing", fix="write a date of ISO 8601")
        booked = day_in(counted, field="postedTimestamp")
        facts = {"account": account, "currency": self._currency(account), "booked": booked, **_facts(said)}
        on = moment_in(happened, field="transactionTimestamp")
        if said.status != "POSTED" and said.transaction_id is None:
            return payloads.expected(facts, as_of=self._as_of)
        if said.status != "POSTED":
            return Told("movement", facts, on, _waiting(str(said.transaction_id)))
        was = first(said.reference_transaction_id, said.transaction_id if self._as_of - booked <= _SETTLING else None)
        if was is not None:
            facts["replaces"] = _waiting(was)
        return Told("movement", facts, on, said.transaction_id)

    def _account(self, said: _Transaction, category: Category | None, *, page: str | None) -> str:
        named = first(said.account_id, page)
        if named is not None:
            return named
        known = [name for name, one in self._known.items() if category is None or one.category == category]
        if len(known) != 1:
            fix = "put the answer about the account into the same file, and only that of one account"
            raise MalformedEvent(field="accountId", shape="missing", fix=fix)
        return known[0]

    def _currency(self, account: str) -> str:
        known = self._known.get(account)
        if known is None or known.currency is None:
            fix = "put the answer about the account, with its currency, into the same file"
            raise MalformedEvent(field="currency.currencyCode", shape="missing", fix=fix)
        return known.currency


def _waiting(id: str) -> str:  # noqa: A002 - the word of CloudEvents
    """Give the id of the row of a transaction that was not posted yet.

    It is another one than that of the posted one. For what is posted may refer to the authorization it began with, but
    as well to a payment that it reverses: that one has to stay.
    """
    return f"{id}:waiting"


def _accounts_in(document: Document) -> list[Raw]:
    """Give the accounts of an answer: those of a list, or the one that it is about."""
    answer = _ANSWER.read(document.body)
    if answer.accounts is not None:
        return answer.accounts
    form = _FORM.read(document.body)
    one = answer.account_category is not None and answer.account_id is not None
    return [Raw(document.body)] if one or any(name in _FIELDS for name in form) else []


def _page_of(answer: _Answer) -> str | None:
    """Give the account whose transactions stand on a page, where the page says it."""
    found = _RESOURCE.search(bytes(answer.links))
    return first(answer.account_id, None if found is None else found[1].decode(errors="replace"))


def _unwrapped(form: Form, raw: bytes) -> tuple[Category | None, bytes]:
    """Give the category of an account or a transaction, and itself."""
    for name, inner in form.items():
        if name in _FIELDS:
            return _FIELDS[name], bytes(inner)
    with suppress(msgspec.DecodeError, UnicodeDecodeError, KeyError):
        return _CATEGORIES.get(_WORD.decode(form["accountCategory"])), raw
    return None, raw


def _amounts(said: _Account, category: Category | None) -> tuple[Decimal | None, ...]:
    match category:
        case "loan":
            return said.principal_balance, said.current_balance
        case "investment" | "annuity":
            return said.current_value, said.current_balance
        case _:
            return (said.current_balance,)


def _type(said: _Account, category: Category | None) -> AccountType | None:
    match category:
        case "deposit" | "wallet":
            return "savings" if said.account_type in _SAVINGS else "current"
        case "loc":
            return "card" if said.account_type in _CARDS else "loan"
        case "loan":
            return "mortgage" if said.account_type == "MORTGAGE" else "loan"
        case "investment" | "annuity":
            return "investment"
        case _:
            return None


def _facts(said: _Transaction) -> dict[str, object]:
    """Give what a transaction says beside its account, currency and date."""
    amount = unsigned(said.amount, field="amount")
    if said.debit_credit_memo in ("DEBIT", "MEMO"):
        amount = amount.copy_negate()
    elif said.debit_credit_memo != "CREDIT":
        raise no_word(said.debit_credit_memo, field="debitCreditMemo")
    code = category_code(said.category)
    check = None if said.check_number is None else str(said.check_number)
    facts: dict[str, object] = {
        "amount": amount,
        "status": "booked" if said.status == "POSTED" else "pending",
        "category": printed(said.category, limit=NAME) if code is None else None,
        "mcc": code,
        "counterparty": printed(said.payee, limit=TEXT),
        "text": printed(first(said.description, said.memo), limit=PRINTED),
        "bank_code": printed(said.transaction_type, limit=NAME),
        "reference": printed(first(said.reference, check), limit=NAME),
    }
    if said.foreign_amount is not None and said.foreign_currency is not None:
        facts["original"] = number_in(said.foreign_amount, field="foreignAmount").copy_sign(amount)
        facts["original_currency"] = said.foreign_currency
    return facts
