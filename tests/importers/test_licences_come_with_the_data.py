"""A consent that came with the data says until when, of what and since when; what it does not say is not allowed."""

from __future__ import annotations

import gzip
import json
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.consent.licence import ALL
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.moment import instant_of
from marketofone.importers.open_banking.licence import DataLicence, read_licence

EVERYTHING = [
    *("ReadAccountsDetail", "ReadBalances", "ReadTransactionsDetail", "ReadTransactionsCredits"),
    *("ReadStandingOrdersBasic", "ReadPAN", "ReadOffers"),
]


def uk(**changes: Any) -> dict[str, Any]:
    data = {
        "ConsentId": "c-1",
        "Status": "AUTH",
        "Permissions": EVERYTHING,
        "ExpirationDateTime": "2026-09-01T00:00:00+01:00",
        "TransactionFromDateTime": "2026-01-01T00:00:00+00:00",
        **changes,
    }
    return {"Data": data, "Risk": {}}


def berlin(**changes: Any) -> dict[str, Any]:
    account = [{"iban": "DE89370400440532013000"}]
    return {
        "access": {"balances": account, "transactions": account},
        "validUntil": "2026-09-01",
        "consentStatus": "valid",
        **changes,
    }


def plaid(**changes: Any) -> dict[str, Any]:
    item = {
        "consent_expiration_time": "2026-09-01T00:00:00Z",
        "consented_data_scopes": ["account_balance_info", "transactions", "contact_info"],
        **changes,
    }
    return {"item": item, "accounts": []}


def licence(document: object) -> DataLicence:
    found = read_licence(json.dumps(document).encode())
    assert found is not None
    return found


def test_a_british_consent_is_read_whole() -> None:
    assert licence(uk()) == DataLicence(
        until=instant_of(datetime(2026, 8, 31, 23, tzinfo=UTC)), scopes=ALL, since=date(2026, 1, 1), marketing=False
    )


def test_a_day_until_which_a_consent_is_valid_belongs_to_it() -> None:
    assert licence(berlin()) == DataLicence(
        until=instant_of(datetime(2026, 9, 2, tzinfo=UTC)), scopes=ALL, since=None, marketing=False
    )


def test_an_item_says_what_was_consented() -> None:
    until = instant_of(datetime(2026, 9, 1, tzinfo=UTC))
    assert licence(plaid()) == DataLicence(until=until, scopes=ALL, alone=False)


@pytest.mark.parametrize(
    ("document", "scopes"),
    [
        (uk(Permissions=["ReadBalances"]), ("balances",)),
        (uk(Permissions=["ReadAccountsBasic", "ReadTransactionsBasic"]), ("accounts",)),
        (uk(Permissions=["ReadTransactionsBasic", "ReadTransactionsDebits"]), ("transactions",)),
        (uk(Permissions=["ReadDirectDebits", "ReadScheduledPaymentsDetail"]), ("orders",)),
        (uk(Permissions=["ReadSomethingNew"]), ()),
        (berlin(access={"balances": [], "transactions": []}), ()),
        (berlin(access={"availableAccounts": "allAccounts"}), ("accounts",)),
        (berlin(access={"availableAccountsWithBalance": "allAccounts"}), ("accounts", "balances")),
        (berlin(access={"balances": [{"iban": "x"}]}), ("accounts", "balances")),
        (berlin(access={"allPsd2": "allAccounts"}), ALL),
        (plaid(consented_data_scopes=["contact_info"]), ()),
        (plaid(consented_data_scopes=None, consented_products=["balance"]), ("accounts", "balances")),
        (plaid(consented_data_scopes=None, products=["recurring_transactions"]), ("accounts", "orders")),
        (plaid(consented_data_scopes=None), ()),
    ],
)
def test_only_what_is_named_is_allowed(document: dict[str, Any], scopes: tuple[str, ...]) -> None:
    assert licence(document).scopes == scopes


@pytest.mark.parametrize(
    "document",
    [
        *(uk(Status=status) for status in ("AWAU", "RJCT", "EXPD", "CANC", None)),
        *(berlin(consentStatus=status) for status in ("received", "rejected", "expired", "revokedByPsu", None)),
    ],
)
def test_a_consent_that_is_not_in_force_allows_nothing(document: dict[str, Any]) -> None:
    assert licence(document).scopes == ()


@pytest.mark.parametrize(
    "document",
    [uk(ExpirationDateTime=None), uk(ExpirationDateTime="9999-12-31T23:59:59Z"), berlin(validUntil="9999-12-31")],
)
def test_a_consent_may_have_no_end(document: dict[str, Any]) -> None:
    assert licence(document).until is None


@pytest.mark.parametrize("document", [{}, [], 7, {"Data": {"Account": []}}, {"access": {}}, {"item": None}])
def test_a_document_without_a_consent_has_no_licence(document: object) -> None:
    assert read_licence(json.dumps(document).encode()) is None


@pytest.mark.parametrize(
    ("field", "document"),
    [
        ("ExpirationDateTime", uk(ExpirationDateTime="soon")),
        ("Permissions", uk(Permissions="all")),
        ("validUntil", berlin(validUntil="2026-02-31")),
        ("moment", berlin(validUntil="0001-01-01")),
        ("consented_products", plaid(consented_products=7)),
    ],
)
def test_a_broken_consent_is_refused_by_its_field(field: str, document: dict[str, Any]) -> None:
    with pytest.raises(MalformedDocument) as refused:
        read_licence(json.dumps(document).encode())
    assert refused.value.field == field
    assert "soon" not in str(refused.value)


@given(content=st.binary(max_size=100) | st.sampled_from([b"", b"{", b'{"Data":' * 5000, b'"\xff"']))
def test_whatever_it_holds_a_document_is_read_or_refused(content: bytes) -> None:
    with suppress(MalformedDocument):
        assert read_licence(content) is None  # nothing drawn here is a consent


def test_the_published_consents_are_read(data: Path) -> None:
    specifications = data / "open_banking_specs"
    examples = json.loads(gzip.decompress((specifications / "berlin_group" / "examples.json.gz").read_bytes()))
    found = licence(examples["consentsInformationResponseExample"]["value"])
    assert (found.scopes, found.until) == (ALL, instant_of(datetime(2017, 11, 2, tzinfo=UTC)))
    assert licence(examples["consentsExample_DedicatedAccounts"]["value"]).scopes == ()  # a request only

    answers = json.loads(gzip.decompress((specifications / "plaid" / "response_examples.json.gz").read_bytes()))
    found = licence(answers["/item/get"]["example-1"])
    assert (found.scopes, found.until) == (ALL, instant_of(datetime(2024, 3, 16, 15, 53, tzinfo=UTC)))
