"""Events of money: movements, balances, accounts, products, and payments that are known before they are made."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Literal

from msgspec import Meta

from marketofone.domain.fields import (
    AccountType,
    Currency,
    EventData,
    EventName,
    EventPrinted,
    EventProduct,
    EventWord,
    Every,
    LicenceScope,
    Minor,
    Nature,
    OtherData,
    PositiveMinor,
    Status,
    Text,
)
from marketofone.domain.texts import matching


class Movement(EventData, frozen=True, kw_only=True):
    """Money moved on an account, or is about to; positive is money in.

    ``booked`` is the date on which it counts, whatever the timezone; ``value_date`` from when on it bears interest.
    ``text`` is what the statement prints, ``bank_code`` the bank transaction code, ``purpose_code`` that of ISO 20022,
    ``mcc`` the merchant category code. ``nature`` says what the movement is, where the producer knows. Where another
    currency was paid, ``original_minor`` is that amount. ``replaces`` is the id of an earlier movement of the same
    producer that counts no more: a pending one that is booked now, or one that was wrong. A pending one that is booked
    under another id without it is found by amount, words and days. ``balance_minor`` is what stands on the account
    afterwards.
    """

    account: EventName
    amount_minor: Minor
    currency: Currency
    status: Status = "booked"
    booked: date | None = None
    value_date: date | None = None
    nature: Nature | None = None
    category: EventName | None = None
    operation: EventWord | None = None
    merchant: Text | None = None
    counterparty: Text | None = None
    counterparty_account: EventName | None = None
    text: EventPrinted | None = None
    bank_code: EventName | None = None
    purpose_code: EventWord | None = None
    mcc: Annotated[str, matching(r"^[0-9]{4}$(?!\n)", longest=4)] | None = None
    mandate: EventName | None = None
    reference: EventName | None = None
    original_minor: Minor | None = None
    original_currency: Currency | None = None
    rate: Annotated[float, Meta(gt=0.0)] | None = None
    replaces: Text | None = None
    balance_minor: Minor | None = None


class TransactionBooked(Movement, frozen=True, kw_only=True):
    """Money moved on an account here."""


class BalanceStated(EventData, frozen=True, kw_only=True):
    """What stood on an account here at the end of a day, told without a movement."""

    account: EventName
    balance_minor: Minor
    currency: Currency
    on: date


class AccountOpened(EventData, frozen=True, kw_only=True):
    """An account was opened here, or a person became its owner, joint holder or second user: ``time`` says since when.

    What is booked on an account arrives once, and each of its holders who allows it sees it. ``type`` says whether what
    stands on it can be spent; without one it is what the product's name tells ("Hypothek"), else a current account.
    ``number`` is what others call it, such as an IBAN, and ``limit_minor`` how far it may be overdrawn. ``share`` says
    how much of it is the customer's: what stands on it counts by that share where money is summed, and whole without
    one; what moves on it counts whole, but in the sum ahead.
    """

    account: EventName
    product: EventProduct
    currency: Currency
    role: Literal["owner", "joint", "second_user"] = "owner"
    type: AccountType | None = None
    number: EventName | None = None
    limit_minor: PositiveMinor | None = None
    share: Annotated[float, Meta(gt=0.0, le=1.0)] | None = None
    statement: EventWord | None = None
    branch: EventWord | None = None


class ProductOpened(EventData, frozen=True, kw_only=True):
    """A person took a product: card, loan, savings plan, insurance.

    Of a loan ``payment_minor`` is paid from ``account`` every month, ``months`` times, for the first time on
    ``first_on``, else a month after it was taken.
    """

    product: EventProduct
    account: EventName | None = None
    principal_minor: PositiveMinor | None = None
    payment_minor: PositiveMinor | None = None
    months: Annotated[int, Meta(ge=0, le=600)] | None = None
    first_on: date | None = None
    status: EventWord | None = None


class ProductClosed(EventData, frozen=True, kw_only=True):
    """A person gave a product up."""

    product: EventProduct


class MovementUnderstood(EventData, frozen=True, kw_only=True):
    """An earlier movement turned out to be something: by what came before and after it, or because the person says so.

    ``id`` and ``producer`` name it; without a producer it is the same one. What a person says stands, whatever else is
    found; among others the last one counts. In the scope ``merchant``, ``id`` is a merchant's name as movements were
    read, and what the person says of it holds for all movements of that merchant in this source, those to come as well.
    One without ``merchant`` and ``category`` takes it back; what a person says of one movement stands over it.

    ``rests_on`` names what else than the data it stands in it was found by: ``transactions``, another bank as
    ``open_banking/institution``, or another id of the person as ``journal/number``. It counts only as long as all of
    that may be used, and that id is the same person.
    """

    id: Text
    scope: Literal["movement", "merchant"] = "movement"
    producer: Text | None = None
    nature: Nature | None = None
    category: EventName | None = None
    merchant: Text | None = None
    by: Literal["history", "person"] = "history"
    because: Text | None = None
    rests_on: tuple[OtherData, ...] = ()


def merchant_key(name: str) -> str:
    """Give the same key for a merchant however the name is written in capitals and blanks.

    Examples
    --------
    >>> merchant_key("Joe's  DINER") == merchant_key("joe's diner")
    True
    """
    return " ".join(name.casefold().split())


@lru_cache(maxsize=1_024)
def institution_key(name: str) -> str:
    """Give the same key for another bank however its name is written in capitals and blanks.

    Examples
    --------
    >>> institution_key("Bank  X") == institution_key("BANK X ")
    True
    """
    return merchant_key(name)


class OrderPlaced(EventData, frozen=True, kw_only=True):
    """A payment is known before it is made: a standing order, a direct debit, one of a later date, a regular income.

    ``order`` is what the bank calls it: a later event about the same one says how it stands since then. The first
    payment is made on ``first_on``, the last on ``last_on``, and the one that comes next on ``next_on``; ``every`` is
    the time between two of them, where it is one of these. Once ``ended`` nothing more is paid. A mandate names no
    amount. Where ``counterparty_account`` is an account of the same person, money only moves between the two. One that
    comes in on a card or a loan as ``card_bill`` or ``loan_payment`` is due there, and leaves the account that pays. A
    date on a weekend stays where it is, unless ``weekends`` says that the bank pays on the working day before or after.
    """

    account: EventName
    amount_minor: PositiveMinor | None = None
    currency: Currency
    counterparty: Text | None = None
    counterparty_account: EventName | None = None
    category: EventName | None = None
    order: EventName | None = None
    direction: Literal["out", "in"] = "out"
    first_on: date | None = None
    next_on: date | None = None
    last_on: date | None = None
    every: Every | None = None
    weekends: Literal["before", "after"] | None = None
    ended: bool = False


class OpenBankingBalance(EventData, frozen=True, kw_only=True):
    """The balance of an account at another bank, and how far it may be overdrawn.

    ``number`` is what all banks call it, such as an IBAN, where the account has another name: by it an account is
    recognised that is told here, too.
    """

    institution: EventName
    account: EventName
    balance_minor: Minor
    currency: Currency
    type: AccountType | None = None
    limit_minor: PositiveMinor | None = None
    number: EventName | None = None


class OpenBankingTransaction(Movement, frozen=True, kw_only=True):
    """Money moved on an account at another bank; ``number`` is what all banks call it, such as an IBAN."""

    institution: EventName
    number: EventName | None = None


class OpenBankingOrder(OrderPlaced, frozen=True, kw_only=True):
    """A payment on an account at another bank is known before it is made."""

    institution: EventName


class OpenBankingLicensed(EventData, frozen=True, kw_only=True):
    """What the person allowed at another bank when data was fetched there: no grant here allows more.

    Nothing of that institution is used from ``until`` on, of a day before ``since``, or beyond ``scopes``; where one of
    the first two is left out there is no such bound. Unless ``marketing`` says so, none of it is used for offers. What
    was told at the latest ``time`` counts.
    """

    institution: EventName
    scopes: tuple[LicenceScope, ...]
    until: Annotated[datetime, Meta(tz=True)] | None = None
    since: date | None = None
    marketing: bool = False
