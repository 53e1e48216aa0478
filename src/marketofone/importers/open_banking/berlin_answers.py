"""The parts of an answer of NextGenPSD2, under the names of its specification."""

from __future__ import annotations

import re
from decimal import Decimal

from msgspec import Raw, Struct, field

_RESOURCE = re.compile(rb'accounts\\?/([^/?"\\]+)')


class Part(Struct, frozen=True, gc=False, rename="camel"):
    """A part of an answer."""


class Money(Part, frozen=True, gc=False):
    """An amount of a currency."""

    amount: Decimal
    currency: str


class Other(Part, frozen=True, gc=False):
    """What a bank calls an account that has no number."""

    identification: str


class Reference(Part, frozen=True, gc=False):
    """An account, by whatever it is known by."""

    iban: str | None = None
    bban: str | None = None
    pan: str | None = None
    masked_pan: str | None = None
    msisdn: str | None = None
    other: Other | None = None


class Account(Reference, frozen=True, gc=False):
    """An account or a card account, with what stands on it."""

    resource_id: str | None = None
    cash_account_type: str | None = None
    balances: list[Raw] | None = None
    debit_accounting: bool = False


class Balance(Part, frozen=True, gc=False):
    """What stands on an account."""

    balance_amount: Money | None = None
    balance_type: str | None = None
    credit_limit_included: bool | None = None
    last_change_date_time: str | None = None
    reference_date: str | None = None
    debit_accounting: bool = False  # some banks write it here


class Exchange(Part, frozen=True, gc=False):
    """How one currency was changed into another."""

    exchange_rate: str | float | None = None


class Schedule(Part, frozen=True, gc=False):
    """When a standing order is paid."""

    start_date: str | None = None
    end_date: str | None = None
    frequency: str | None = None
    multiplicator: int | None = None
    execution_rule: str | None = None


class Structured(Part, frozen=True, gc=False):
    """What is told of a standing order beside its payment."""

    standing_order_details: Schedule | None = None


class Transaction(Part, frozen=True, gc=False):
    """A transaction of a payment account, or of a card account."""

    transaction_amount: Money
    transaction_id: str | None = None
    card_transaction_id: str | None = None
    entry_reference: str | None = None
    end_to_end_id: str | None = None
    mandate_id: str | None = None
    booking_date: str | None = None
    value_date: str | None = None
    transaction_date: str | None = None
    currency_exchange: list[Exchange] | None = None
    original_amount: Money | None = None
    creditor_name: str | None = None
    creditor_account: Reference | None = None
    ultimate_creditor: str | None = None
    debtor_name: str | None = None
    debtor_account: Reference | None = None
    ultimate_debtor: str | None = None
    remittance_information_unstructured: str | None = None
    remittance_information_unstructured_array: list[str] | None = None
    additional_information: str | None = None
    additional_information_structured: Structured | None = None
    transaction_details: str | None = None
    purpose_code: str | None = None
    bank_transaction_code: str | None = None
    proprietary_bank_transaction_code: str | None = None
    merchant_category_code: str | None = None
    balance_after_transaction: Balance | None = None


class Report(Part, frozen=True, gc=False):
    """The transactions of an account."""

    booked: list[Raw] | None = None
    pending: list[Raw] | None = None
    information: list[Raw] | None = None
    links: Raw = field(name="_links", default=Raw())

    @property
    def resource(self) -> str | None:
        """What the bank calls the account in the addresses of more answers."""
        found = _RESOURCE.search(bytes(self.links))
        return None if found is None else found[1].decode(errors="replace")


class Answer(Part, frozen=True, gc=False):
    """Any answer."""

    accounts: list[Raw] | None = None
    card_accounts: list[Raw] | None = None
    account: Raw = Raw()
    card_account: Raw = Raw()
    balances: list[Raw] | None = None
    transactions: Report | None = None
    card_transactions: Report | None = None
    transaction_details: Raw = Raw()
    transactions_details: Raw = Raw()
    debit_accounting: bool = False
    consent_status: str | None = None
    access: Raw = Raw()
