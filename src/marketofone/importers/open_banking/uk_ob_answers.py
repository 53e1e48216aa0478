"""The parts of an answer of UK Open Banking, under the names of its specification.

Names that version 3.1 uses stand beside those of 4.0.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Literal

from msgspec import Raw, Struct

from marketofone.domain.fields import Every
from marketofone.importers.payload_values import every, first, later, optional_day

_FREQUENCY: dict[str, Every] = {
    **dict.fromkeys(("DAIL", "EvryDay"), "day"),
    "WEEK": "week",
    "FRTN": "fortnight",
    "MNTH": "month",
    "QURT": "quarter",
    "MIAN": "half_year",
    "YEAR": "year",
}
_OFTEN: dict[tuple[str, int], Every] = {
    ("year", 2): "half_year",
    ("year", 4): "quarter",
    ("year", 12): "month",
    ("half_year", 2): "quarter",
    ("half_year", 6): "month",
    ("quarter", 3): "month",
    ("fortnight", 2): "week",
    ("week", 7): "day",
}
"""How long it is from one payment to the next where there are several in a period."""
_MOST_DIGITS = 4
_DUE_DATES = ("DirectDebitDue", "PaymentDue")
_COLLECTED, _LEAST = "DirectDebitPaymentDue", "MinimumPaymentDue"
_INTERVALS = {"IntrvlDay": "day", "IntrvlWkDay": "week", "IntrvlMnthDay": "month"}


class Part(Struct, frozen=True, gc=False, rename="pascal"):
    """A part of an answer."""


class Money(Part, frozen=True, gc=False):
    """An amount of a currency; without a sign, for a word beside it says its direction."""

    amount: Decimal
    currency: str


class Party(Part, frozen=True, gc=False):
    """Somebody with an account: who owns it, pays or is paid."""

    scheme_name: str | None = None
    identification: str | None = None
    secondary_identification: str | None = None
    name: str | None = None


class Account(Part, frozen=True, gc=False):
    """An account (``OBAccount6``)."""

    account_id: str
    account_type_code: str | None = None
    account_sub_type: str | None = None
    currency: str | None = None
    account: list[Party] | None = None


class CreditLine(Part, frozen=True, gc=False):
    """How much the bank lends on an account, and whether a balance includes it."""

    included: bool
    type: str | None = None
    amount: Money | None = None


class Balance(Part, frozen=True, gc=False):
    """What stands on an account (``OBReadBalance1``)."""

    account_id: str
    credit_debit_indicator: Literal["Credit", "Debit"]
    type: str
    date_time: str
    amount: Money
    credit_line: list[CreditLine] | None = None


class Code(Part, frozen=True, gc=False):
    """What kind of transaction it is."""

    code: str
    sub_code: str | None = None


class Exchange(Part, frozen=True, gc=False):
    """How one currency was changed into another."""

    exchange_rate: str | float | None = None
    instructed_amount: Money | None = None


class After(Part, frozen=True, gc=False):
    """What stands on the account after a transaction."""

    credit_debit_indicator: Literal["Credit", "Debit"]
    amount: Money


class Merchant(Part, frozen=True, gc=False):
    """Who was paid with a card."""

    merchant_name: str | None = None
    merchant_category_code: str | None = None


class Transaction(Part, frozen=True, gc=False):
    """Money that moved, or is about to (``OBTransaction6``)."""

    account_id: str
    credit_debit_indicator: Literal["Credit", "Debit"]
    status: str
    booking_date_time: str
    amount: Money
    transaction_id: str | None = None
    transaction_reference: str | None = None
    value_date_time: str | None = None
    transaction_information: str | None = None
    currency_exchange: Exchange | None = None
    bank_transaction_code: Code | None = None
    proprietary_bank_transaction_code: Code | None = None
    balance: After | None = None
    merchant_details: Merchant | None = None
    creditor_account: Party | None = None
    debtor_account: Party | None = None
    ultimate_creditor: Party | None = None
    ultimate_debtor: Party | None = None
    category_purpose_code: str | None = None
    payment_purpose_code: str | None = None


class Frequency(Part, frozen=True, gc=False):
    """How often something is paid."""

    type: str
    count_per_period: int | str | None = None

    @property
    def every(self) -> Every | None:
        """The time between two payments, of several in one period as well; None where none of our words says it."""
        told, count = _every(self.type), _number(self.count_per_period) or 1
        return told if count == 1 else _OFTEN.get((told or "", count))


class Mandate(Part, frozen=True, gc=False):
    """What was agreed about payments that come again."""

    mandate_identification: str | None = None
    frequency: Frequency | None = None
    first_payment_date_time: str | None = None
    recurring_payment_date_time: str | None = None
    final_payment_date_time: str | None = None


class Order(Part, frozen=True, gc=False):
    """What payments that come again have in common."""

    account_id: str
    frequency: str | None = None
    mandate_related_information: Mandate | None = None
    first_payment_date_time: str | None = None
    final_payment_date_time: str | None = None

    number_of_payments: int | str | None = None
    last_payment_date_time: str | None = None
    previous_payment_date_time: str | None = None

    @property
    def schedule(self) -> dict[str, object]:
        """When it is paid: told in the mandate since 4.0, beside it before.

        Where no first day is told, its rhythm goes on from the payment that was made last.
        """
        mandate = self.mandate_related_information or Mandate()
        often = _every(self.frequency) if mandate.frequency is None else mandate.frequency.every
        began = first(mandate.first_payment_date_time, self.first_payment_date_time)
        begins = optional_day(began, field="FirstPaymentDateTime")
        again = optional_day(mandate.recurring_payment_date_time, field="RecurringPaymentDateTime")
        ends = first(mandate.final_payment_date_time, self.final_payment_date_time)
        last = optional_day(ends, field="FinalPaymentDateTime")
        made = None if often is None else first(self.last_payment_date_time, self.previous_payment_date_time)
        return {
            "first_on": again or begins or optional_day(made, field="LastPaymentDateTime"),
            "last_on": last or self._last_of(begins, again, often),
            "every": often,
        }

    def _last_of(self, begins: date | None, again: date | None, often: Every | None) -> date | None:
        """Give the day of the last payment, where it is told how many there are from the first one on."""
        payments = _number(self.number_of_payments)
        if begins is None or often is None or payments is None:
            return None
        from_day, more = (begins, payments - 1) if again is None or payments == 1 else (again, payments - 2)
        with suppress(ValueError, OverflowError):  # beyond all calendars
            return later(from_day, every=often, periods=more)
        return None


class StandingOrder(Order, frozen=True, gc=False):
    """A standing order (``OBStandingOrder6``)."""

    standing_order_id: str | None = None
    standing_order_status_code: str | None = None
    next_payment_date_time: str | None = None
    next_payment_amount: Money | None = None
    first_payment_amount: Money | None = None
    last_payment_amount: Money | None = None
    final_payment_amount: Money | None = None
    creditor_account: Party | None = None


class DirectDebit(Order, frozen=True, gc=False, kw_only=True):
    """A direct debit (``OBReadDirectDebit2``)."""

    name: str
    direct_debit_id: str | None = None
    direct_debit_status_code: str | None = None
    mandate_identification: str | None = None
    previous_payment_amount: Money | None = None


class ScheduledPayment(Part, frozen=True, gc=False):
    """One payment of a later date (``OBScheduledPayment3``)."""

    account_id: str
    scheduled_payment_date_time: str
    instructed_amount: Money
    scheduled_payment_id: str | None = None
    creditor_account: Party | None = None


class StatementAmount(Part, frozen=True, gc=False):
    """An amount of a statement."""

    type: str
    amount: Money


class StatementDate(Part, frozen=True, gc=False):
    """A day that a statement names."""

    type: str
    date_time: str


class Statement(Part, frozen=True, gc=False):
    """A statement (``OBStatement2``): of it is read what is due next."""

    account_id: str
    statement_amount: list[StatementAmount] | None = None
    statement_date_time: list[StatementDate] | None = None

    @property
    def due_on(self) -> date | None:
        """The day on which it is collected, else that on which it must be paid."""
        told = {_word(one.type): one.date_time for one in self.statement_date_time or ()}
        return optional_day(first(*map(told.get, _DUE_DATES)), field="StatementDateTime.DateTime")

    def due(self, *, least: bool) -> Money | None:
        """How much is collected; where the ``least`` that must be paid is what is paid, that."""
        told = {_word(one.type): one.amount for one in self.statement_amount or ()}
        return told.get(_COLLECTED) or (told.get(_LEAST) if least else None)


class Answer(Part, frozen=True, gc=False):
    """Any answer: what it holds, by name."""

    data: dict[str, Raw]


def _word(named: str) -> str:
    """Give a word without the space of names before it."""
    return named.rpartition(".")[2]


def _number(told: int | str | None) -> int | None:
    """Give how many there are; None where no number is told that can be one."""
    text = str(told)
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else 0
    return number or None


def _every(frequency: str | None) -> Every | None:
    """Give the time between two payments; None where none of our words says it."""
    if frequency is None or frequency in _FREQUENCY:
        return _FREQUENCY.get(frequency or "")
    schedule, _, rest = frequency.partition(":")
    if schedule in ("QtrDay", "WkInMnthDay"):
        return "quarter" if schedule == "QtrDay" else "month"
    count = rest.partition(":")[0]
    return every(_INTERVALS.get(schedule, ""), int(count)) if count.isdecimal() else None
