"""The parts of an answer of Plaid, under the names of its reference."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Raw, Struct

from marketofone.domain.fields import AccountType

_SAVINGS = frozenset({"savings", "cd", "money market", "cash management", "cash isa", "gic", "hsa"})


class Part(Struct, frozen=True, gc=False):
    """A part of an answer."""


class Currency(Part, frozen=True, gc=False):
    """What an amount is counted in."""

    iso_currency_code: str | None = None
    unofficial_currency_code: str | None = None

    @property
    def currency(self) -> str:
        """The currency; one that is not official is refused where the row becomes an event."""
        return self.iso_currency_code or self.unofficial_currency_code or ""


class Balances(Currency, frozen=True, gc=False):
    """What stands on an account."""

    current: Decimal | None = None
    available: Decimal | None = None
    limit: Decimal | None = None
    last_updated_datetime: str | None = None


class Account(Part, frozen=True, gc=False):
    """An account with its balances."""

    account_id: str
    type: str
    subtype: str | None = None
    balances: Balances = Balances()

    @property
    def kind(self) -> AccountType | None:
        """What can be done with what stands on it."""
        match self.type:
            case "depository":
                return "savings" if self.subtype in _SAVINGS else "current"
            case "credit":
                return "card"
            case "loan":
                return "mortgage" if self.subtype == "mortgage" else "loan"
            case "investment" | "brokerage":
                return "investment"
            case _:
                return None


class Category(Part, frozen=True, gc=False):
    """What a transaction is for (``personal_finance_category``)."""

    primary: str | None = None
    detailed: str | None = None


class Sterling(Part, frozen=True, gc=False):
    """An account by its sort code and number."""

    account: str | None = None
    sort_code: str | None = None


class International(Part, frozen=True, gc=False):
    """An account by its IBAN."""

    iban: str | None = None


class Numbers(Part, frozen=True, gc=False):
    """How the account of the other side is known."""

    bacs: Sterling | None = None
    international: International | None = None


class Counterparty(Part, frozen=True, gc=False):
    """A party to a transaction, as found in its description."""

    name: str | None = None
    type: str | None = None
    account_numbers: Numbers | None = None


class Payment(Part, frozen=True, gc=False):
    """What is told of a transfer between banks."""

    reference_number: str | None = None
    payee: str | None = None
    payer: str | None = None
    by_order_of: str | None = None


class Transaction(Currency, frozen=True, gc=False, kw_only=True):
    """Money that moved, or is about to."""

    account_id: str | None = None
    transaction_id: str
    amount: Decimal
    date: str
    pending: bool
    pending_transaction_id: str | None = None
    datetime: str | None = None
    authorized_date: str | None = None
    authorized_datetime: str | None = None
    name: str | None = None
    original_description: str | None = None
    merchant_name: str | None = None
    transaction_code: str | None = None
    personal_finance_category: Category | None = None
    category: list[str] | None = None
    counterparties: list[Counterparty] | None = None
    payment_meta: Payment | None = None


class Removed(Part, frozen=True, gc=False):
    """A transaction that is none any more."""

    transaction_id: str
    account_id: str | None = None


class Amount(Currency, frozen=True, gc=False):
    """An amount of a stream."""

    amount: Decimal | None = None


class Stream(Part, frozen=True, gc=False, kw_only=True):
    """Payments that were found to come regularly."""

    account_id: str
    stream_id: str
    description: str | None = None
    merchant_name: str | None = None
    first_date: str | None = None
    last_date: str | None = None
    predicted_next_date: str | None = None
    frequency: str | None = None
    last_amount: Amount = Amount()
    average_amount: Amount = Amount()
    is_active: bool = True
    personal_finance_category: Category | None = None


class CardBill(Part, frozen=True, gc=False):
    """What is due on a card. The least that is due does not tell what will be paid."""

    account_id: str | None = None
    next_payment_due_date: str | None = None


class Mortgage(CardBill, frozen=True, gc=False):
    """What is due on a mortgage, every month until it is paid back."""

    next_monthly_payment: Decimal | None = None
    maturity_date: str | None = None


class StudentLoan(CardBill, frozen=True, gc=False):
    """What is due on a student loan: the least, which is what is paid; 0 where it is collected."""

    minimum_payment_amount: Decimal | None = None


class Liabilities(Part, frozen=True, gc=False):
    """What is due, by the kind of debt."""

    credit: list[Raw] | None = None
    mortgage: list[Raw] | None = None
    student: list[Raw] | None = None


class Domestic(Part, frozen=True, gc=False):
    """An account by its number in the United States or in Canada."""

    account_id: str
    account: str | None = None
    routing: str | None = None
    institution: str | None = None
    branch: str | None = None
    is_tokenized_account_number: bool = False

    @property
    def number(self) -> str | None:
        """The bank and the number of the account; None for a token, which is another one for each link."""
        bank = f"{self.routing or ''}{self.institution or ''}{self.branch or ''}"
        return None if self.account is None or self.is_tokenized_account_number else f"{bank}/{self.account}"


class Iban(International, frozen=True, gc=False, kw_only=True):
    """Which account has an IBAN."""

    account_id: str


class Bacs(Sterling, frozen=True, gc=False, kw_only=True):
    """Which account has a sort code and a number."""

    account_id: str


class Auth(Part, frozen=True, gc=False):
    """The numbers of accounts."""

    international: list[Iban] = []
    bacs: list[Bacs] = []
    ach: list[Domestic] = []
    eft: list[Domestic] = []


class Answer(Part, frozen=True, gc=False):
    """Any answer."""

    accounts: list[Raw] | None = None
    added: list[Raw] | None = None
    modified: list[Raw] | None = None
    removed: list[Raw] | None = None
    transactions: list[Raw] | None = None
    inflow_streams: list[Raw] | None = None
    outflow_streams: list[Raw] | None = None
    updated_datetime: str | None = None
    liabilities: Liabilities = Liabilities()
    numbers: Raw = Raw()
    item: Raw = Raw()
