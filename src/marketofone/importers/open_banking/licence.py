"""What a person allowed at another bank when the data was fetched: a ceiling that came with it.

Such a consent says until when, of what, and from when on data may be read. It never allows marketing. A consent that is
not in force allows nothing, and neither does what a document does not say. Of FDX, whose schemas are given to its
members only, the names of a consent grant are followed that are publicly documented.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import fields

from marketofone.consent.licence import ALL
from marketofone.domain.decoding import json_decoder
from marketofone.domain.errors import MalformedDocument, MalformedEvent, MalformedRequest, malformed
from marketofone.domain.fields import LicenceScope
from marketofone.domain.moment import Instant, instant_of
from marketofone.importers.payload_values import moment_in, optional_day

_FOR_EVER = 2199
"""An end in this year or later is none: so a bank writes that it sets no end."""
_UK: dict[str, tuple[LicenceScope, ...]] = {
    **dict.fromkeys(("ReadAccountsBasic", "ReadAccountsDetail"), ("accounts",)),
    "ReadBalances": ("balances",),
    **dict.fromkeys(("ReadTransactionsBasic", "ReadTransactionsDetail"), ("transactions",)),
    **dict.fromkeys(("ReadStandingOrdersBasic", "ReadStandingOrdersDetail", "ReadDirectDebits"), ("orders",)),
    **dict.fromkeys(("ReadScheduledPaymentsBasic", "ReadScheduledPaymentsDetail"), ("orders",)),
    "ReadStatementsDetail": ("orders",),  # what is due, which the basic permission does not open
}
_PLAID: dict[str, tuple[LicenceScope, ...]] = {
    "account_balance_info": ("accounts", "balances"),
    **dict.fromkeys(("auth", "identity", "investments"), ("accounts", "balances")),
    "liabilities": ("accounts", "balances", "orders"),
    "balance": ("accounts", "balances"),
    "transactions": ALL,
    "recurring_transactions": ("accounts", "orders"),
}
_FDX: dict[str, tuple[LicenceScope, ...]] = {
    **dict.fromkeys(("ACCOUNT_BASIC", "ACCOUNT_PAYMENTS", "PAYMENT_SUPPORT"), ("accounts",)),
    "INVESTMENTS": ("accounts", "balances"),
    "ACCOUNT_DETAILED": ("accounts", "balances", "orders"),
    "TRANSACTIONS": ("transactions", "orders"),
    "BILLS": ("orders",),
}


class DataLicence(Struct, frozen=True, kw_only=True):
    """What may be done with data that was fetched elsewhere.

    Nothing may be read from ``until`` on, or of a day before ``since``; where these are None there is no such bound.
    ``told`` is when it was changed last, where the document says so. ``alone`` says that a document holds nothing else.
    """

    until: Instant | None
    scopes: tuple[LicenceScope, ...]
    since: date | None = None
    marketing: bool = False
    told: date | datetime | None = None
    alone: bool = True


class _Part(Struct, frozen=True):
    """A part of a consent."""


class _Uk(_Part, frozen=True, rename="pascal"):
    permissions: list[str]
    status: str | None = None
    expiration_date_time: str | None = None
    transaction_from_date_time: str | None = None
    status_update_date_time: str | None = None
    creation_date_time: str | None = None


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
    last_action_date: str | None = None


class _Plaid(_Part, frozen=True):
    consent_expiration_time: str | None = None
    consented_data_scopes: list[str] | None = None
    consented_products: list[str] | None = None
    products: list[str] | None = None
    billed_products: list[str] | None = None


class _Resource(_Part, frozen=True, rename="camel"):
    data_clusters: list[str] = []


class _Fdx(_Part, frozen=True, rename="camel"):
    resources: list[_Resource]
    status: str | None = None
    duration_type: str | None = None
    duration_period: int | None = None
    lookback_period: int | None = None
    created_time: str | None = None
    updated_time: str | None = None
    expiration_time: str | None = None


_FIELDS = json_decoder(dict[str, Raw])
_FROM_UK, _FROM_BERLIN = json_decoder(_Uk), json_decoder(_Berlin)
_FROM_PLAID, _FROM_FDX = json_decoder(_Plaid), json_decoder(_Fdx)
_PLAID_FIELDS = {of.encode_name for of in fields(_Plaid)}


def read_licence(document: bytes) -> DataLicence | None:
    """Read the consent in a document of UK Open Banking, NextGenPSD2, Plaid or FDX; None where there is none in it.

    Raises
    ------
    MalformedDocument
        When it is no JSON, or the consent breaks its specification.

    Examples
    --------
    >>> consent = b'{"Data": {"Status": "AUTH", "Permissions": ["ReadBalances"]}}'
    >>> read_licence(consent)
    DataLicence(until=None, scopes=('balances',), since=None, marketing=False, told=None, alone=True)
    """
    try:
        return _licence(document, _parts(document))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = malformed(error, within="")
        fix = "write the consent as its specification says"
        raise MalformedDocument(field=why.field, shape=why.shape, fix=fix) from error
    except (MalformedEvent, MalformedRequest) as why:
        raise MalformedDocument(field=why.field, shape=why.shape, fix=why.fix) from why


def _parts(document: bytes | Raw) -> dict[str, Raw]:
    """Give the fields of a JSON object, undecoded; none where it is something else."""
    try:
        return _FIELDS.decode(document)
    except msgspec.ValidationError:
        return {}


def _licence(document: bytes, parts: dict[str, Raw]) -> DataLicence | None:
    if "Data" in parts and "Permissions" in _parts(parts["Data"]):
        return _of_uk(_FROM_UK.decode(parts["Data"]))
    if "access" in parts and "validUntil" in parts:
        return _of_berlin(_FROM_BERLIN.decode(document))
    if "item" in parts and _parts(parts["item"]).keys() & _PLAID_FIELDS:
        return _of_plaid(_FROM_PLAID.decode(parts["item"]))
    if "resources" in parts and "status" in parts and not parts.keys() & {"accounts", "transactions"}:
        return _of_fdx(_FROM_FDX.decode(document))
    return None


def _of_uk(said: _Uk) -> DataLicence:
    granted = said.permissions if said.status in ("AUTH", "Authorised") else ()
    if not {"ReadTransactionsCredits", "ReadTransactionsDebits"} & {*granted}:  # without both none is given
        granted = [one for one in granted if not one.startswith("ReadTransactions")]
    return DataLicence(
        until=_instant(said.expiration_date_time, field="ExpirationDateTime"),
        scopes=_scopes(_UK.get(one, ()) for one in granted),
        since=optional_day(said.transaction_from_date_time, field="TransactionFromDateTime"),
        told=_told(said.status_update_date_time or said.creation_date_time, field="StatusUpdateDateTime"),
    )


def _of_berlin(said: _Berlin) -> DataLicence:
    access = said.access
    allowed: list[tuple[LicenceScope, ...]] = [
        ("accounts",) if access.accounts or access.available_accounts else (),
        ("accounts", "balances") if access.balances or access.available_accounts_with_balance else (),
        ("accounts", "transactions", "orders") if access.transactions else (),
        ALL if access.all_psd2 else (),
    ]
    return DataLicence(
        until=_instant(said.valid_until, field="validUntil"),
        scopes=_scopes(allowed if said.consent_status == "valid" else ()),
        told=_told(said.last_action_date, field="lastActionDate"),
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
        alone=False,
    )


def _of_fdx(said: _Fdx) -> DataLicence:
    clusters = {name for resource in said.resources for name in resource.data_clusters}
    created = optional_day(said.created_time, field="createdTime")
    until = _instant(said.expiration_time, field="expirationTime")
    if until is None and said.duration_type == "TIME_BOUND":
        last = _shifted(created, said.duration_period, field="durationPeriod")
        until = _instant(None if last is None else last.isoformat(), field="durationPeriod")
    return DataLicence(
        until=until,
        scopes=_scopes(_FDX.get(one, ()) for one in clusters if said.status == "ACTIVE"),
        since=_shifted(created, said.lookback_period, field="lookbackPeriod", back=True),
        told=_told(said.updated_time or said.created_time, field="updatedTime"),
    )


def _shifted(on: date | None, days: int | None, *, field: str, back: bool = False) -> date | None:
    """Give the day so many days after another, or before it; None where one of them is not told."""
    if on is None or days is None:
        return None
    try:
        return on - timedelta(days=days) if back else on + timedelta(days=days)
    except OverflowError as error:
        raise MalformedEvent(field=field, shape="a number out of range", fix="write a number of days") from error


def _told(text: str | None, *, field: str) -> date | datetime | None:
    return None if text is None else moment_in(text, field=field)


def _scopes(allowed: Iterable[tuple[LicenceScope, ...]]) -> tuple[LicenceScope, ...]:
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
