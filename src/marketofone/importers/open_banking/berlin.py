"""Answers of the Berlin Group's NextGenPSD2, account information 1.3.

Read are accounts and card accounts, balances, and transactions: booked, pending, and, under ``information``, standing
orders. What a consent allows stands in ``licence.py``.

- *Account*: its IBAN or BBAN, or the masked number of a card. An answer that does not say whose it is belongs to the
  account that its links name, or to the only one of the file.
- *Sign*: as written, minus is money out. Where ``debitAccounting`` says that debits are positive, it is turned round.
- *Balance*: of the balances of an account in one answer the booked one is told, without a credit limit.
- *Id*: ``transactionId``, which a bank may keep when it books what was pending; else ``entryReference`` with the day
  and the amount. A pending transaction without one is told as an order. The specification promises nothing of either,
  and what networks add (``internalTransactionId``) is missing while pending, and changes. Banks give one id to several
  payments, and one payment another id in each answer; ``services/intake/retold.py`` tells both by what they say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

from msgspec import Raw, Struct
from msgspec.structs import replace

from marketofone.domain.account_numbers import account_number, masked
from marketofone.domain.errors import MalformedEvent
from marketofone.domain.fields import AccountType
from marketofone.importers.documents import Document
from marketofone.importers.open_banking import payloads
from marketofone.importers.open_banking.berlin_answers import (
    Account,
    Answer,
    Balance,
    Money,
    Reference,
    Schedule,
    Structured,
    Transaction,
)
from marketofone.importers.open_banking.payloads import BalanceKind, Balances, Reader, Told
from marketofone.importers.payload_values import (
    NAME,
    PRINTED,
    TEXT,
    category_code,
    every,
    first,
    moment_in,
    number_in,
    optional_day,
    printed,
    rate_in,
)
from marketofone.importers.rows import BadRow, Row

SPECIFICATION = "the NextGenPSD2 specification"
_ANSWERS = "accounts, balances or transactions"
_DATES = ("bookingDate", "transactionDate", "referenceDate", "lastChangeDateTime")
_TYPES: dict[str, AccountType] = {
    **dict.fromkeys(("CACC", "TRAN", "SLRY", "ODFT", "CASH"), "current"),
    **dict.fromkeys(("SVGS", "LLSV", "ONDP", "MOMA"), "savings"),
    "CARD": "card",
    **dict.fromkeys(("LOAN", "MGLD"), "loan"),
}
_RANKS = ("interimBooked", "closingBooked", "expected", "interimAvailable", "openingBooked", "nonInvoiced")
"""Which of several balances is told: the first of these."""
_NEVER = frozenset({"forwardAvailable"})
_WEEKENDS = {"preceding": "before", "following": "after"}
_FREQUENCY: dict[str, tuple[str, int]] = {
    "daily": ("day", 1),
    "weekly": ("week", 1),
    "everytwoweeks": ("week", 2),
    "monthly": ("month", 1),
    "everytwomonths": ("month", 2),
    "quarterly": ("month", 3),
    "semiannual": ("month", 6),
    "annual": ("month", 12),
}
_NO_REFERENCE = frozenset({"NOTPROVIDED", "NOT PROVIDED", "NONREF"})
"""What stands for a reference where there is none; zeros do as well."""
Status = Literal["booked", "pending"]


class _Owner(Struct, frozen=True, kw_only=True):
    """Whose an answer is: the name of the account, its type, and whether debits are written as positive."""

    name: str | None
    type: AccountType | None = None
    turned: bool = False


_ANSWER = Reader(Answer, specification=SPECIFICATION)
_ACCOUNT = Reader(Account, specification=SPECIFICATION)
_BALANCE = Reader(Balance, specification=SPECIFICATION)
_TRANSACTION = Reader(Transaction, specification=SPECIFICATION)


def read(path: Path) -> Iterator[Row | BadRow]:
    """Read a file of answers: each transaction becomes one row or one bad row.

    Raises
    ------
    MalformedDocument
        When the file cannot be read.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> rent = '{"transactionAmount": {"currency": "EUR", "amount": "-800.00"}, "bookingDate": "2026-06-01"}'
    >>> answer = '{"account": {"iban": "DE89370400440532013000"}, "transactions": {"booked": [%s]}}' % rent
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "answer.json"
    ...     _ = path.write_text(answer)
    ...     [(row.facts["account"], row.facts["amount"]) for row in read(path)]
    [('DE89370400440532013000', Decimal('-800.00'))]
    """
    return payloads.read_rows(path, _Reading)


class _Reading:
    """What the whole file says: accounts and their names, and the latest day."""

    def __init__(self, documents: Sequence[Document], written: date) -> None:
        self._as_of = payloads.as_of(documents, fields=_DATES, written=written)
        self._balances = Balances(_RANKS, never=_NEVER)
        self._owners: dict[str, _Owner] = {}
        self._by_resource: dict[str, str] = {}
        self._names = _Names()
        for document in documents:
            with suppress(MalformedEvent):  # it is a bad row where it is read
                for account in _ACCOUNT.read_all(_accounts_in(_ANSWER.read(document.body))):
                    self._learn(account)

    def _learn(self, account: Account) -> None:
        name = _name(account) or account.resource_id
        if name is None:
            return
        if account.resource_id is not None:
            self._by_resource[account.resource_id] = name
        known = self._owners.get(name, _Owner(name=name))
        self._owners[name] = _Owner(
            name=name, type=_type(account) or known.type, turned=account.debit_accounting or known.turned
        )

    def rows(self, document: Document) -> Iterator[Row | BadRow]:
        """Give the rows of one answer."""
        answer = _ANSWER.read(document.body)
        if answer == Answer():
            raise payloads.not_understood(SPECIFICATION, answers=_ANSWERS)
        yield from _ACCOUNT.rows(document, _accounts_in(answer), lambda _, __: None)
        for account in _ACCOUNT.read_all(_accounts_in(answer)):
            yield from self._balance_rows(document, account.balances, self._owner(answer, account))
        owner = self._owner(answer, next(_ACCOUNT.read_all(_one_account_in(answer)), None))
        yield from self._balance_rows(document, answer.balances, owner)
        yield from self._transaction_rows(document, answer, owner)

    def _owner(self, answer: Answer, account: Account | None) -> _Owner:
        name = None if account is None else _name(account) or account.resource_id
        if name is None:
            resource = _own_resource(answer)
            name = self._by_resource.get(resource or "", resource)
        if name is None and len(self._owners) == 1:
            name = next(iter(self._owners))
        owner = self._owners.get(name or "", _Owner(name=name))
        return replace(owner, turned=True) if answer.debit_accounting else owner

    def _balance_rows(self, document: Document, parts: Sequence[Raw] | None, owner: _Owner) -> Iterator[Row | BadRow]:
        said = list(_BALANCE.read_all(parts))
        if any(balance.debit_accounting for balance in said):
            owner = replace(owner, turned=True)
        self._balances.begin(_kind_of(balance, owner) for balance in said if balance.balance_amount is not None)
        yield from _BALANCE.rows(document, parts, lambda balance, _: self._balance(balance, owner))

    def _balance(self, said: Balance, owner: _Owner) -> Told | None:
        if said.balance_amount is None and said.debit_accounting:
            return None
        if said.balance_amount is None or said.balance_type is None:
            missing = "balanceAmount" if said.balance_amount is None else "balanceType"
            raise MalformedEvent(field=missing, shape="missing", fix=f"write it as {SPECIFICATION} says")
        if not self._balances.is_chosen(_kind_of(said, owner), field="balanceType"):
            return None
        if said.credit_limit_included:
            fix = "give also a balance that does not include the credit limit"
            raise MalformedEvent(field="creditLimitIncluded", shape="a balance that includes credit", fix=fix)
        facts = {
            "account": _named(owner),
            "balance": _amount(said.balance_amount, owner, field="balanceAmount"),
            "currency": said.balance_amount.currency,
            "type": owner.type,
        }
        told = first(said.reference_date, said.last_change_date_time)
        on = self._as_of if told is None else moment_in(told, field="referenceDate")
        return self._balances.once(Told("balance", facts, on))

    def _transaction_rows(self, document: Document, answer: Answer, owner: _Owner) -> Iterator[Row | BadRow]:
        def moved(status: Status | None) -> Callable[[Transaction, bytes], Told]:
            return lambda said, _: self._transaction(said, owner=owner, status=status)

        for report in (answer.transactions, answer.card_transactions):
            if report is not None:
                self._names = _Names(_TRANSACTION.read_all(report.booked))
                yield from _TRANSACTION.rows(document, report.booked, moved("booked"))
                yield from _TRANSACTION.rows(document, report.pending, moved("pending"))
                yield from _TRANSACTION.rows(document, report.information, lambda said, _: self._order(said, owner))
        alone = _given(answer.transaction_details, answer.transactions_details)
        yield from _TRANSACTION.rows(document, alone, moved(None))

    def _transaction(self, said: Transaction, *, owner: _Owner, status: Status | None) -> Told:
        if status is None:
            status = "pending" if said.booking_date is None else "booked"
        printed_on = first(said.booking_date, said.transaction_date, said.value_date)
        if printed_on is None and status == "booked":
            raise MalformedEvent(field="bookingDate", shape="missing", fix="write a date of ISO 8601")
        booked = optional_day(printed_on, field="bookingDate") or self._as_of
        amount = _amount(said.transaction_amount, owner, field="transactionAmount")
        facts = {"account": _named(owner), "amount": amount, "status": status, "booked": booked}
        facts |= _facts(said, amount, owner)
        if status == "booked":
            return Told("movement", facts, booked, self._names.booked(said, amount=amount))
        name = _id(said) or _reference(said)
        if name is None:
            return payloads.expected(facts, as_of=self._as_of)
        return Told("movement", facts, min(booked, self._as_of), name)

    def _order(self, said: Transaction, owner: _Owner) -> Told:
        structured = said.additional_information_structured or Structured()
        schedule = structured.standing_order_details or Schedule()
        unit, count = _FREQUENCY.get((schedule.frequency or "").lower(), ("", 1))
        order = first(said.transaction_id, said.entry_reference, said.mandate_id)
        facts = {
            "account": _named(owner),
            "amount": number_in(said.transaction_amount.amount, field="transactionAmount").copy_abs(),
            "currency": said.transaction_amount.currency,
            "counterparty": printed(first(said.creditor_name, said.ultimate_creditor), limit=TEXT),
            "counterparty_account": _number(said.creditor_account),
            "order": printed(order, limit=NAME),
            "first_on": optional_day(schedule.start_date, field="startDate"),
            "last_on": optional_day(schedule.end_date, field="endDate"),
            "every": every(unit, count * (schedule.multiplicator or 1)),
            "weekends": _WEEKENDS.get(schedule.execution_rule or ""),
        }
        return Told("order", facts, self._as_of, order)


def _accounts_in(answer: Answer) -> list[Raw]:
    return [*(answer.accounts or ()), *(answer.card_accounts or ()), *_one_account_in(answer)]


def _one_account_in(answer: Answer) -> list[Raw]:
    return _given(answer.account, answer.card_account)


def _given(*parts: Raw) -> list[Raw]:
    return [part for part in parts if bytes(part) not in (b"", b"null")]


def _own_resource(answer: Answer) -> str | None:
    reports = [report for report in (answer.transactions, answer.card_transactions) if report is not None]
    return first(*(report.resource for report in reports))


def _name(reference: Reference) -> str | None:
    number = first(reference.iban, reference.bban)
    if number is not None:
        return account_number(number, may_be_card=False)
    card = first(reference.masked_pan, reference.pan)
    if card is not None:
        return masked(card)
    return None if reference.other is None else reference.other.identification


def _type(account: Account) -> AccountType | None:
    if account.cash_account_type is None and first(account.masked_pan, account.pan) is not None:
        return "card"
    return _TYPES.get(account.cash_account_type or "")


def _named(owner: _Owner) -> str:
    if owner.name is None:
        fix = "put the answer about the account into the same file, and only that of one account"
        raise MalformedEvent(field="account", shape="missing", fix=fix)
    return owner.name


def _amount(money: Money, owner: _Owner, *, field: str) -> Decimal:
    amount = number_in(money.amount, field=field)
    return amount.copy_negate() if owner.turned else amount


def _kind_of(said: Balance, owner: _Owner) -> BalanceKind:
    currency = "" if said.balance_amount is None else said.balance_amount.currency
    return BalanceKind(owner.name or "", currency, said.balance_type or "", bool(said.credit_limit_included))


class _Names:
    """Names the booked transactions of one list, in which each stands once.

    A reference of an entry may come again for another one, on another day or of the same batch. So may an id, though
    none should: there each of its transactions is named with its day and amount, whichever is the first of a list.
    """

    def __init__(self, booked: Iterable[Transaction] = ()) -> None:
        given = Counter(name for one in booked if (name := _id(one)) is not None)
        self._repeated = {name for name, times in given.items() if times > 1}
        self._told: dict[str, list[Transaction]] = {}

    def booked(self, said: Transaction, *, amount: Decimal) -> str | None:
        """Give the name of a booked transaction; None where the bank gives none."""
        name, reference = _id(said), _reference(said)
        if name is None and reference is None:
            return None
        if name is not None and name not in self._repeated:
            return name
        told = f"{f'{name}:' if name else reference}{said.booking_date or ''}:{amount.normalize():f}"
        others = self._told.setdefault(told, [])
        if said not in others:
            others.append(said)
        place = others.index(said)
        return f"{told}:{place + 1}" if place else told


def _id(said: Transaction) -> str | None:
    return first(*map(_named_so, (said.transaction_id, said.card_transaction_id)))


def _reference(said: Transaction) -> str | None:
    """Give how the name of an entry begins that has no id."""
    reference = _named_so(said.entry_reference)
    return None if reference is None else f"{reference}:"


def _named_so(text: str | None) -> str | None:
    """Give an id or a reference; None where a bank writes that there is none."""
    return None if text is None or not text.strip(" 0") or text.upper() in _NO_REFERENCE else text


def _facts(said: Transaction, amount: Decimal, owner: _Owner) -> dict[str, object]:
    """Give what a transaction says beside its account, amount, status and date."""
    lines = " ".join(said.remittance_information_unstructured_array or ())
    text = first(said.remittance_information_unstructured, lines, said.transaction_details, said.additional_information)
    reference = _named_so(said.end_to_end_id)
    rates = [rate_in(exchange.exchange_rate) for exchange in said.currency_exchange or ()]
    facts: dict[str, object] = {
        "currency": said.transaction_amount.currency,
        "value_date": optional_day(said.value_date, field="valueDate"),
        "text": printed(text, limit=PRINTED),
        "mcc": category_code(said.merchant_category_code),
        "bank_code": printed(first(said.bank_transaction_code, said.proprietary_bank_transaction_code), limit=NAME),
        "purpose_code": said.purpose_code,
        "mandate": printed(said.mandate_id, limit=NAME),
        "reference": printed(first(reference, said.entry_reference), limit=NAME),
        "rate": rates[0] if len(rates) == 1 else None,
        **_other_side(said, amount),
    }
    original, after = said.original_amount, said.balance_after_transaction
    if original is not None:
        facts["original"] = number_in(original.amount, field="originalAmount").copy_sign(amount)
        facts["original_currency"] = original.currency
    if after is not None and after.balance_amount is not None and after.balance_amount.currency == facts["currency"]:
        facts["balance"] = _amount(after.balance_amount, owner, field="balanceAfterTransaction")
    return facts


def _other_side(said: Transaction, amount: Decimal) -> dict[str, str | None]:
    """Give who paid or was paid. Where only one of both is told, it is the other side, whatever the sign."""
    paid = (first(said.creditor_name, said.ultimate_creditor), said.creditor_account)
    payer = (first(said.debtor_name, said.ultimate_debtor), said.debtor_account)
    name, account = paid if amount < 0 else payer
    if name is None and account is None:
        name, account = payer if amount < 0 else paid
    return {"counterparty": printed(name, limit=TEXT), "counterparty_account": _number(account)}


def _number(account: Reference | None) -> str | None:
    """Give the name of the other account; None where it is not told, or longer than a name may be."""
    number = None if account is None else _name(account)
    return number if number is None or len(number) <= NAME else None
