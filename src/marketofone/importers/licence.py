"""What a person allowed at another bank when the data was fetched: a ceiling that came with it.

Such a consent says until when, of what, and from when on data may be read. It never allows marketing. A consent that is
not in force allows nothing, and neither does what a document does not say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import msgspec
from msgspec import Struct

from marketofone.domain.errors import MalformedDocument, MalformedEvent, MalformedRequest, malformed
from marketofone.domain.moment import Instant, instant_of
from marketofone.importers.payload_values import moment_in, optional_day

Scope = Literal["accounts", "balances", "transactions", "orders"]
ALL: tuple[Scope, ...] = ("accounts", "balances", "transactions", "orders")
_FOR_EVER = 2199
"""An end in this year or later is none: so a bank writes that it sets no end."""
_UK: dict[str, tuple[Scope, ...]] = {
    **dict.fromkeys(("ReadAccountsBasic", "ReadAccountsDetail"), ("accounts",)),
    "ReadBalances": ("balances",),
    **dict.fromkeys(("ReadTransactionsBasic", "ReadTransactionsDetail"), ("transactions",)),
    **dict.fromkeys(("ReadStandingOrdersBasic", "ReadStandingOrdersDetail", "ReadDirectDebits"), ("orders",)),
    **dict.fromkeys(("ReadScheduledPaymentsBasic", "ReadScheduledPaymentsDetail"), ("orders",)),
}
_PLAID: dict[str, tuple[Scope, ...]] = {
    "account_balance_info": ("accounts", "balances"),
    **dict.fromkeys(("auth", "identity", "investments", "liabilities"), ("accounts", "balances")),
    "balance": ("accounts", "balances"),
    "transactions": ALL,
    "recurring_transactions": ("accounts", "orders"),
}


class DataLicence(Struct, frozen=True, kw_only=True):
    """What may be done with data that was fetched elsewhere.

    Nothing may be read from ``until`` on, or of a day before ``since``; where these are None there is no such bound.
    """

    until: Instant | None
    scopes: tuple[Scope, ...]
    since: date | None = None
    marketing: bool = False


class _Part(Struct, frozen=True):
    """A part of a consent."""


class _Uk(_Part, frozen=True, rename="pascal"):
    permissions: list[str]
    status: str | None = None
    expiration_date_time: str | None = None
    transaction_from_date_time: str | None = None


class _Access(_Part, frozen=True, rename="camel"):
    accounts: list[object] = []
    balances: list[object] = []
    transactions: list[object] = []
    available_accounts: str | None = None
    available_accounts_with_balance: str | None = None
    all_psd2: str | None = msgspec.field(name="allPsd2", default=None)


class _Berlin(_Part, frozen=True, rename="camel"):
    access: _Access
    valid_until: str
    consent_status: str | None = None


class _Plaid(_Part, frozen=True):
    consent_expiration_time: str | None = None
    consented_data_scopes: list[str] | None = None
    consented_products: list[str] | None = None
    products: list[str] | None = None
    billed_products: list[str] | None = None


def read_licence(document: bytes) -> DataLicence | None:
    """Read the consent in a document of UK Open Banking, NextGenPSD2 or Plaid; None where there is none in it.

    Raises
    ------
    MalformedDocument
        When it is no JSON, or the consent breaks its specification.

    Examples
    --------
    >>> consent = b'{"Data": {"Status": "AUTH", "Permissions": ["ReadBalances"]}}'
    >>> read_licence(consent)
    DataLicence(until=None, scopes=('balances',), since=None, marketing=False)
    """
    try:
        parts = msgspec.json.decode(document)
        return _licence(parts if isinstance(parts, dict) else {})
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = malformed(error, within="")
        fix = "write the consent as its specification says"
        raise MalformedDocument(field=why.field, shape=why.shape, fix=fix) from error
    except (MalformedEvent, MalformedRequest) as why:
        raise MalformedDocument(field=why.field, shape=why.shape, fix=why.fix) from why


def _licence(parts: dict[str, object]) -> DataLicence | None:
    data = parts.get("Data")
    if isinstance(data, dict) and "Permissions" in data:
        return _of_uk(msgspec.convert(data, _Uk))
    if "access" in parts and "validUntil" in parts:
        return _of_berlin(msgspec.convert(parts, _Berlin))
    if isinstance(parts.get("item"), dict):
        return _of_plaid(msgspec.convert(parts["item"], _Plaid))
    return None


def _of_uk(said: _Uk) -> DataLicence:
    granted = said.permissions if said.status in ("AUTH", "Authorised") else ()
    if not {"ReadTransactionsCredits", "ReadTransactionsDebits"} & {*granted}:  # without both none is given
        granted = [one for one in granted if not one.startswith("ReadTransactions")]
    return DataLicence(
        until=_instant(said.expiration_date_time, field="ExpirationDateTime"),
        scopes=_scopes(_UK.get(one, ()) for one in granted),
        since=optional_day(said.transaction_from_date_time, field="TransactionFromDateTime"),
    )


def _of_berlin(said: _Berlin) -> DataLicence:
    access = said.access
    allowed: list[tuple[Scope, ...]] = [
        ("accounts",) if access.accounts or access.available_accounts else (),
        ("accounts", "balances") if access.balances or access.available_accounts_with_balance else (),
        ("accounts", "transactions", "orders") if access.transactions else (),
        ALL if access.all_psd2 else (),
    ]
    return DataLicence(
        until=_instant(said.valid_until, field="validUntil"),
        scopes=_scopes(allowed if said.consent_status == "valid" else ()),
    )


def _of_plaid(said: _Plaid) -> DataLicence:
    names: Sequence[str] = ()
    for told in (said.consented_data_scopes, said.consented_products, said.products, said.billed_products):
        if told is not None:
            names = told
            break
    return DataLicence(
        until=_instant(said.consent_expiration_time, field="item.consent_expiration_time"),
        scopes=_scopes(_PLAID.get(one, ()) for one in names),
    )


def _scopes(allowed: Iterable[tuple[Scope, ...]]) -> tuple[Scope, ...]:
    together = {scope for some in allowed for scope in some}
    return tuple(scope for scope in ALL if scope in together)


def _instant(text: str | None, *, field: str) -> Instant | None:
    """Give the instant at which it ends: of a day, when that day is over."""
    if text is None:
        return None
    told = moment_in(text, field=field)
    if told.year >= _FOR_EVER:
        return None
    if isinstance(told, datetime):
        return instant_of(told if told.tzinfo is not None else told.replace(tzinfo=UTC))
    return instant_of(datetime(told.year, told.month, told.day, tzinfo=UTC) + timedelta(days=1))
