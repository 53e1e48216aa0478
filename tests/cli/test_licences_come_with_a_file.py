"""A consent that lies in a file of answers comes in before them, and holds: on the command line, and on the page."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import marketofone
from marketofone.cli import main
from payload_samples import (
    berlin_answer,
    berlin_transaction,
    fdx_account,
    fdx_transaction,
    plaid_sync,
    plaid_transaction,
    uk_account,
    uk_answer,
    uk_balance,
    uk_transaction,
)

TODAY = datetime.now(tz=UTC).date()
LATER, BEFORE = (TODAY + timedelta(days=60)).isoformat(), (TODAY - timedelta(days=1)).isoformat()
Run = Callable[..., Result]


def uk_consent(until: str, *permissions: str, **more: str) -> dict[str, Any]:
    told = {"Status": "AUTH", "Permissions": permissions, "ExpirationDateTime": f"{until}T00:00:00Z", **more}
    return {"Data": {"ConsentId": "c", "StatusUpdateDateTime": f"{BEFORE}T00:00:00Z", **told}}


UK_ALL = ("ReadAccountsDetail", "ReadBalances", "ReadTransactionsDetail", "ReadTransactionsDebits")
IBAN = {"iban": "DE89370400440532013000"}
BERLIN = {"access": {"balances": [IBAN]}, "consentStatus": "valid", "lastActionDate": BEFORE}
FDX = {"status": "ACTIVE", "createdTime": f"{BEFORE}T00:00:00Z", "durationType": "TIME_BOUND", "durationPeriod": 90}
SPENT = {
    "uk-ob": [uk_answer(Account=[uk_account()], Balance=[uk_balance()], Transaction=[uk_transaction()])],
    "berlin": [berlin_answer(account=IBAN, booked=[berlin_transaction()])],
    "plaid": [plaid_sync(added=[plaid_transaction()])],
    "fdx": [{"accounts": [fdx_account()]}, {"transactions": [fdx_transaction()]}],
}


@pytest.fixture
def run(project: Path) -> Run:
    def run(*words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--bank", str(project)])

    assert run("consent", "grant", "c-1").exit_code == 0
    return run


def imported(run: Run, form: str, folder: Path, *documents: object) -> dict[str, Any]:
    file = folder / f"{form}.json"
    file.write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")
    result = run("import", form, str(file), "--customer", "c-1", "--json")
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    assert told["beside"].get("licences") == 1
    return told


@pytest.mark.parametrize(
    ("form", "covering", "not_covering"),
    [
        ("uk-ob", uk_consent(LATER, *UK_ALL), uk_consent(LATER, "ReadBalances")),
        (
            "berlin",
            {**BERLIN, "validUntil": LATER, "access": {"allPsd2": "allAccounts"}, "lastActionDate": TODAY.isoformat()},
            {**BERLIN, "validUntil": LATER},
        ),
        (
            "plaid",
            {"item": {"item_id": "i", "products": ["transactions"]}},
            {"item": {"item_id": "i", "products": ["auth"]}},
        ),
        (
            "fdx",
            {**FDX, "resources": [{"dataClusters": ["TRANSACTIONS"]}], "updatedTime": f"{TODAY}T00:00:00Z"},
            {**FDX, "resources": [{"dataClusters": ["ACCOUNT_BASIC"]}]},
        ),
    ],
)
def test_a_consent_is_found_in_the_file_and_holds_for_its_rows(
    run: Run, tmp_path: Path, form: str, covering: object, not_covering: object
) -> None:
    refused = imported(run, form, tmp_path, *SPENT[form], not_covering)
    assert (refused["rows"], refused["refused"]) == (1, 1)
    assert refused["refusals"] == [{"why": f"your permission at {form} does not cover transactions", "rows": 1}]
    told = imported(run, form, tmp_path, *SPENT[form], covering)
    assert (told["rows"], told["events"], told["refused"], told["duplicates"]) == (1, 1, 0, 0)
    again = imported(run, form, tmp_path, *SPENT[form], covering)
    assert again["duplicates"] == 1


def test_a_consent_that_ended_is_told_by_the_import_and_by_every_command(run: Run, tmp_path: Path) -> None:
    assert imported(run, "uk-ob", tmp_path, *SPENT["uk-ob"], uk_consent(BEFORE, *UK_ALL))["refused"] == 1
    shown = run("consent", "show", "c-1")
    assert f"at uk-ob: ended, until {BEFORE}" in shown.output
    (licence,) = json.loads(run("consent", "show", "c-1", "--json").stdout)["licences"]
    assert (licence["institution"], licence["ended"], licence["marketing"]) == ("uk-ob", True, False)
    decided = run("decide", "c-1", "--occasion", "app.opened", "--json")
    (why,) = [one["why"] for one in json.loads(decided.stdout)["not_used"] if one["source"] == "open_banking"]
    assert "your permission at uk-ob has ended" in why


def test_a_consent_that_cannot_be_read_stops_the_import_before_anything_is_in(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "answers.json"
    broken = uk_consent("soon", *UK_ALL)
    file.write_text("\n".join(map(json.dumps, [*SPENT["uk-ob"], broken])), encoding="utf-8")
    result = run("import", "uk-ob", str(file), "--customer", "c-1")
    assert result.exit_code == 3
    assert "ExpirationDateTime" in result.output


def test_without_a_consent_in_the_file_what_is_granted_here_decides(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "answers.json"
    file.write_text(json.dumps(SPENT["uk-ob"][0]), encoding="utf-8")
    told = json.loads(run("import", "uk-ob", str(file), "--customer", "c-1", "--json").stdout)
    assert (told["refused"], told["beside"].get("licences")) == (0, None)


def test_a_request_beside_a_consent_in_force_takes_nothing_back(run: Run, project: Path, tmp_path: Path) -> None:
    request = {"Data": {"Permissions": UK_ALL}, "Risk": {}}
    assert imported(run, "uk-ob", tmp_path, request, uk_consent(LATER, *UK_ALL), *SPENT["uk-ob"])["refused"] == 0
    with marketofone.open(project) as bank:
        (licence,) = bank.consents("c-1").licences
        assert licence.scopes == ("accounts", "balances", "transactions")
