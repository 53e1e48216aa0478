"""Answers of UK Open Banking: Account and Transaction API 4.0, and 3.1 where its words differ.

Read are ``OBReadAccount6``, ``OBReadBalance1``, ``OBReadTransaction6``, ``OBReadStandingOrder6``,
``OBReadScheduledPayment3``, ``OBReadDirectDebit2`` and ``OBReadStatement2``, several of them in one file. Of a
statement it is told what is due next on a card or a loan; of parties, beneficiaries, products and offers nothing. What
a consent allows stands in ``licence.py``.

- *Account*: where the file holds the answer about accounts, its sort code and number, its IBAN, or a masked card
  number; else its ``AccountId``. A British IBAN and its sort code with number give one name.
- *Balance*: of the balances of an account in one answer the booked one is told, without a credit line.
- *Date*: ``BookingDateTime`` counts as printed. A payment that is expected on a later day is pending since the file.
- *Status*: what is rejected takes a pending payment back, and a future one is an order, as is a pending one without an
  id. An entry for information only is no payment, and is counted beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

from msgspec import Raw

from marketofone.domain.account_numbers import account_number, british, masked
from marketofone.domain.errors import MalformedEvent
from marketofone.domain.fields import AccountType
from marketofone.importers.documents import Document
from marketofone.importers.open_banking import payloads
from marketofone.importers.open_banking.payloads import BalanceKind, Balances, Reader, Told
from marketofone.importers.open_banking.uk_ob_answers import (
    Account,
    Answer,
    Balance,
    DirectDebit,
    Mandate,
    Merchant,
    Money,
    Party,
    ScheduledPayment,
    StandingOrder,
    Statement,
    Transaction,
)
from marketofone.importers.payload_values import (
    NAME,
    PRINTED,
    TEXT,
    category_code,
    day_in,
    first,
    limit_apart,
    moment_in,
    no_word,
    optional_day,
    printed,
    rate_in,
    unsigned,
)
from marketofone.importers.rows import BadRow, Row

SPECIFICATION = "the UK Open Banking specification"
_ANSWERS = "accounts, balances, transactions, standing orders, scheduled payments, direct debits or statements"
_DATES = ("BookingDateTime", "DateTime", "LastPaymentDateTime", "PreviousPaymentDateTime")
_SCHEMES = ("SortCodeAccountNumber", "IBAN", "BBAN", "PAN", "Wallet", "Paym")
_TYPES: dict[str, AccountType] = {
    **dict.fromkeys(
        ("CACC", "TRAN", "SLRY", "ODFT", "WALT", "CASH", "CurrentAccount", "EMoney", "PrePaidCard"), "current"
    ),
    **dict.fromkeys(("SVGS", "LLSV", "ONDP", "MOMA", "Savings"), "savings"),
    **dict.fromkeys(("CARD", "CreditCard", "ChargeCard"), "card"),
    **dict.fromkeys(("LOAN", "MGLD", "Loan"), "loan"),
    **dict.fromkeys(("MORT", "Mortgage"), "mortgage"),
}
_RANKS = (
    *("ITBD", "InterimBooked", "CLBD", "ClosingBooked", "XPCD", "Expected", "ITAV", "InterimAvailable"),
    *("CLAV", "ClosingAvailable", "PRCD", "PreviouslyClosedBooked", "OPBD", "OpeningBooked"),
)
"""Which of several balances is told: the first of these."""
_NEVER = frozenset({"FWAV", "ForwardAvailable", "INFO", "Information", "OPAV", "OpeningAvailable"})
_AGREED = "Pre-Agreed"
_LENT_IN = "CreditLine.Amount.Currency"
_RUNNING = (None, "ACTV", "Active")
_STATUS: dict[str, Literal["booked", "pending", "future", "rejected", "information"]] = {
    **dict.fromkeys(("BOOK", "Booked"), "booked"),
    **dict.fromkeys(("PDNG", "Pending"), "pending"),
    **dict.fromkeys(("FUTR", "Future"), "future"),
    **dict.fromkeys(("RJCT", "Rejected"), "rejected"),
    **dict.fromkeys(("INFO", "Information"), "information"),
}
_ANSWER = Reader(Answer, specification=SPECIFICATION)
_LIST = Reader(list[Raw], specification=SPECIFICATION)
_ACCOUNT = Reader(Account, specification=SPECIFICATION)
_BALANCE = Reader(Balance, specification=SPECIFICATION)
_TRANSACTION = Reader(Transaction, specification=SPECIFICATION)
_STANDING_ORDER = Reader(StandingOrder, specification=SPECIFICATION)
_SCHEDULED_PAYMENT = Reader(ScheduledPayment, specification=SPECIFICATION)
_DIRECT_DEBIT = Reader(DirectDebit, specification=SPECIFICATION)
_STATEMENT = Reader(Statement, specification=SPECIFICATION)
_READ = ("Account", "Balance", "Transaction", "StandingOrder", "ScheduledPayment", "DirectDebit", "Statement")
_BACS = "GBP"  # in which all direct debits of the scheme are
_SILENT = frozenset({"Party", "Beneficiary", "Product", "Offer", "ConsentId"})


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
    ...     '{"AccountId": "7", "TransactionId": "t", "CreditDebitIndicator": "Debit", "Status": "BOOK", '
    ...     '"BookingDateTime": "2026-06-01T00:00:00+01:00", "Amount": {"Amount": "3.50", "Currency": "GBP"}}'
    ... )
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "answer.json"
    ...     _ = path.write_text('{"Data": {"Transaction": [%s]}}' % coffee)
    ...     [(row.facts["amount"], row.facts["booked"]) for row in read(path)]
    [(Decimal('-3.50'), datetime.date(2026, 6, 1))]
    """
    return payloads.read_rows(path, _Reading)


class _Reading:
    """What the whole file says: accounts and their names, and the latest day."""

    def __init__(self, documents: Sequence[Document], written: date) -> None:
        self._as_of = payloads.as_of(documents, fields=_DATES, written=written)
        self._balances = Balances(_RANKS, never=_NEVER)
        self._limits: dict[tuple[str, str], Decimal] = {}
        self._accounts: dict[str, tuple[str, AccountType | None]] = {}
        self._currencies: dict[str, str] = {}
        self._last_due: dict[str, date] = {}
        for document in documents:
            with suppress(MalformedEvent):  # it is a bad row where it is read
                for account in _ACCOUNT.read_all(_lists(document).get("Account")):
                    kind = _TYPES.get(first(account.account_type_code, account.account_sub_type) or "")
                    self._accounts[account.account_id] = (_own_number(account), kind)
                    if account.currency is not None:
                        self._currencies[account.account_id] = account.currency
                for statement in _STATEMENT.read_all(_lists(document).get("Statement")):
                    if (day := statement.due_on) is not None:
                        self._last_due[statement.account_id] = max(day, self._last_due.get(statement.account_id, day))

    def rows(self, document: Document) -> Iterator[Row | BadRow]:
        """Give the rows of one answer."""
        lists = _lists(document)
        balances = list(_BALANCE.read_all(lists.get("Balance")))
        self._balances.begin(map(_kind_of, balances))
        self._limits = _agreed(balances)
        yield from _ACCOUNT.rows(document, lists.get("Account"), lambda _, __: None)
        yield from _BALANCE.rows(document, lists.get("Balance"), self._balance)
        yield from _limits_apart(document, self._limits, balances)
        yield from _TRANSACTION.rows(document, lists.get("Transaction"), self._transaction)
        yield from _STANDING_ORDER.rows(document, lists.get("StandingOrder"), self._standing_order)
        yield from _SCHEDULED_PAYMENT.rows(document, lists.get("ScheduledPayment"), self._scheduled_payment)
        yield from _DIRECT_DEBIT.rows(document, lists.get("DirectDebit"), self._direct_debit)
        yield from _STATEMENT.rows(document, lists.get("Statement"), self._statement)

    def _account(self, account_id: str) -> tuple[str, AccountType | None]:
        return self._accounts.get(account_id, (account_id, None))

    def _balance(self, said: Balance, _: bytes) -> Told | None:
        if not self._balances.is_chosen(_kind_of(said), field="Type"):
            return None
        name, kind = self._account(said.account_id)
        balance = _signed(said.amount, said.credit_debit_indicator) - _lent(said)
        facts: dict[str, object] = {"account": name, "balance": balance, "currency": said.amount.currency, "type": kind}
        if kind in (None, "current"):
            facts["limit"] = self._limits.get((said.account_id, said.amount.currency))
        return self._balances.once(Told("balance", facts, moment_in(said.date_time, field="DateTime")))

    def _transaction(self, said: Transaction, _: bytes) -> Told:
        status = _STATUS.get(said.status)
        if status is None:
            raise no_word(said.status, field="Status")
        account = self._account(said.account_id)[0]
        booked = day_in(said.booking_date_time, field="BookingDateTime")
        on = moment_in(said.booking_date_time, field="BookingDateTime")
        amount = _signed(said.amount, said.credit_debit_indicator)
        if status == "information":
            return Told("notice", {}, on)
        if status == "rejected":
            return self._rejected(account, said)
        facts = {"account": account, "amount": amount, "status": status, "booked": booked, **_facts(said, amount)}
        if status == "future" or (status == "pending" and said.transaction_id is None):
            return payloads.expected(facts, as_of=self._as_of, id=said.transaction_id)
        if status == "pending" and booked > self._as_of:
            on = self._as_of
        return Told("movement", facts, on, said.transaction_id)

    def _rejected(self, account: str, said: Transaction) -> Told:
        if said.transaction_id is None:
            shape = "an entry under which no money moved"
            raise MalformedEvent(field="Status", shape=shape, fix="nothing is to mend: leave the entry out")
        return Told("removed", {"account": account}, self._as_of, said.transaction_id)

    def _standing_order(self, said: StandingOrder, _: bytes) -> Told:
        amounts = (said.next_payment_amount, said.last_payment_amount, said.first_payment_amount)
        paid = next((amount for amount in (*amounts, said.final_payment_amount) if amount is not None), None)
        payee = said.creditor_account or Party()
        facts = {
            "counterparty": printed(payee.name, limit=TEXT),
            "counterparty_account": _number(payee),
            "next_on": optional_day(said.next_payment_date_time, field="NextPaymentDateTime"),
            "ended": said.standing_order_status_code not in _RUNNING,
            **said.schedule,
        }
        return self._order(said.account_id, paid, facts, id=said.standing_order_id, field="NextPaymentAmount")

    def _scheduled_payment(self, said: ScheduledPayment, _: bytes) -> Told:
        payee = said.creditor_account or Party()
        facts: dict[str, object] = {
            "counterparty": printed(payee.name, limit=TEXT),
            "counterparty_account": _number(payee),
            "next_on": day_in(said.scheduled_payment_date_time, field="ScheduledPaymentDateTime"),
        }
        return self._order(
            said.account_id, said.instructed_amount, facts, id=said.scheduled_payment_id, field="InstructedAmount"
        )

    def _direct_debit(self, said: DirectDebit, _: bytes) -> Told:
        facts = {
            "counterparty": printed(said.name, limit=TEXT),
            "ended": said.direct_debit_status_code not in _RUNNING,
            **said.schedule,
        }
        mandate = said.mandate_related_information or Mandate()
        id = first(said.direct_debit_id, mandate.mandate_identification, said.mandate_identification)  # noqa: A001
        field = "PreviousPaymentAmount"
        return self._order(said.account_id, said.previous_payment_amount, facts, id=id, field=field, otherwise=_BACS)

    def _statement(self, said: Statement, _: bytes) -> Told | None:
        """Tell what is due by the last of the statements of an account."""
        on, (account, kind) = said.due_on, self._account(said.account_id)
        if on is None or kind is None or on != self._last_due.get(said.account_id):
            return None
        del self._last_due[said.account_id]
        due = said.due(least=kind != "card")
        currency = self._currencies.get(said.account_id) if due is None else due.currency
        if currency is None:
            fix = "put the answer about the account, with its currency, into the same file"
            raise MalformedEvent(field="Currency", shape="missing", fix=fix)
        amount = None if due is None else unsigned(due.amount, field="StatementAmount.Amount")
        return payloads.payment_due(account, kind, amount=amount, currency=currency, on=on, as_of=self._as_of)

    def _order(
        self,
        account_id: str,
        paid: Money | None,
        facts: dict[str, object],
        *,
        id: str | None,  # noqa: A002 - the word of CloudEvents
        field: str,
        otherwise: str | None = None,
    ) -> Told:
        """Give an order; one without an amount is in the currency of its account, or of the scheme."""
        currency = self._currencies.get(account_id, otherwise) if paid is None else paid.currency
        if currency is None:
            fix = "an order is known once an amount of it is, or the currency of its account"
            raise MalformedEvent(field=field, shape="missing", fix=fix)
        amount = None if paid is None else unsigned(paid.amount, field=field)
        account, _ = self._account(account_id)
        known = {"account": account, "amount": amount, "currency": currency, "order": printed(id, limit=NAME)}
        return Told("order", known | facts, self._as_of, id)


def _lists(document: Document) -> dict[str, list[Raw]]:
    answer = _ANSWER.read(document.body).data
    if answer and not answer.keys() & {*_READ, *_SILENT}:
        raise payloads.not_understood(SPECIFICATION, answers=_ANSWERS)
    return {name: _LIST.read(answer[name]) for name in _READ if name in answer}


def _own_number(account: Account) -> str:
    """Give the name of an account: its number in the first scheme that is known, else what the bank calls it."""
    by_scheme = {_scheme(party): number for party in account.account or () if (number := _number(party)) is not None}
    return next((by_scheme[scheme] for scheme in _SCHEMES if scheme in by_scheme), account.account_id)


def _scheme(party: Party) -> str:
    return (party.scheme_name or "").rpartition(".")[2]


def _number(party: Party) -> str | None:
    """Give the number of an account; None where it is not told, or longer than the name of an account may be."""
    number = party.identification
    if number is None or not number.strip():
        return None
    match _scheme(party):
        case "SortCodeAccountNumber":
            name = british(number)
        case "PAN":
            name = masked(number)
        case _:
            name = account_number(number, may_be_card=False)
    roll = party.secondary_identification
    if roll is not None and roll.strip():  # a building society tells its customers apart by it
        name = f"{name}/{roll.strip()}"
    return name if len(name) <= NAME else None


def _kind_of(said: Balance) -> BalanceKind:
    lent = any(line.included for line in said.credit_line or ())
    return BalanceKind(said.account_id, said.amount.currency, said.type, lent)


def _lent(said: Balance) -> Decimal:
    """Give how much of a balance is a credit line: of several that overlap, the largest."""
    lent = Decimal(0)
    for line in said.credit_line or ():
        if line.included and line.amount is not None and line.amount.currency != said.amount.currency:
            raise limit_apart(_LENT_IN)
        if line.included and line.amount is None:
            fix = "give the amount of the credit line that the balance includes"
            raise MalformedEvent(field="CreditLine.Amount", shape="missing", fix=fix)
        if line.included and line.amount is not None:
            lent = max(lent, unsigned(line.amount.amount, field="CreditLine.Amount"))
    return lent


def _agreed(balances: Iterable[Balance]) -> dict[tuple[str, str], Decimal]:
    """Give how far accounts may be overdrawn as agreed, by account and currency; any of their balances may say it."""
    limits: dict[tuple[str, str], Decimal] = {}
    for said in balances:
        for line in said.credit_line or ():
            if line.type == _AGREED and line.amount is not None and line.amount.amount.is_finite():
                slot = (said.account_id, line.amount.currency)
                limits[slot] = max(limits.get(slot, Decimal(0)), line.amount.amount)
    return limits


def _limits_apart(
    document: Document, limits: Mapping[tuple[str, str], Decimal], balances: Iterable[Balance]
) -> Iterator[BadRow]:
    """Give a bad row for each limit in a currency in which no balance of its account is: it limits nothing."""
    told = {(said.account_id, said.amount.currency) for said in balances}
    yield from (BadRow(line=document.line, raw=b"", why=limit_apart(_LENT_IN)) for _ in limits.keys() - told)


def _signed(money: Money, direction: Literal["Credit", "Debit"]) -> Decimal:
    amount = unsigned(money.amount, field="Amount")
    return amount if direction == "Credit" else amount.copy_negate()


def _facts(said: Transaction, amount: Decimal) -> dict[str, object]:
    """Give what a transaction says beside its account, status and date."""
    merchant = said.merchant_details or Merchant()
    code, own = said.bank_transaction_code, said.proprietary_bank_transaction_code
    codes = (code.code, code.sub_code) if code is not None else (own.code if own is not None else None,)
    return {
        "currency": said.amount.currency,
        "value_date": optional_day(said.value_date_time, field="ValueDateTime"),
        "merchant": printed(merchant.merchant_name, limit=TEXT),
        "mcc": category_code(merchant.merchant_category_code),
        "text": printed(said.transaction_information, limit=PRINTED),
        "bank_code": printed("-".join(filter(None, codes)), limit=NAME),
        "purpose_code": said.payment_purpose_code or said.category_purpose_code,
        "reference": printed(said.transaction_reference, limit=NAME),
        **_other_side(said),
        **_exchanged(said, amount),
        **_left(said),
    }


def _other_side(said: Transaction) -> dict[str, str | None]:
    if said.credit_debit_indicator == "Debit":
        party, ultimate = said.creditor_account or Party(), said.ultimate_creditor or Party()
    else:
        party, ultimate = said.debtor_account or Party(), said.ultimate_debtor or Party()
    name = printed(first(party.name, ultimate.name), limit=TEXT)
    return {"counterparty": name, "counterparty_account": _number(party)}


def _exchanged(said: Transaction, amount: Decimal) -> dict[str, object]:
    exchange = said.currency_exchange
    if exchange is None or exchange.instructed_amount is None:
        return {"rate": None if exchange is None else rate_in(exchange.exchange_rate)}
    instructed = unsigned(exchange.instructed_amount.amount, field="InstructedAmount")
    return {
        "rate": rate_in(exchange.exchange_rate),
        "original": instructed.copy_sign(amount),
        "original_currency": exchange.instructed_amount.currency,
    }


def _left(said: Transaction) -> dict[str, object]:
    after = said.balance
    if after is None or after.amount.currency != said.amount.currency:
        return {}
    return {"balance": _signed(after.amount, after.credit_debit_indicator)}
