"""Each change of a consent has a signed receipt: the same bytes at every door, checked without the bank."""

from __future__ import annotations

import ast
import json
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.exceptions import InvalidSignature
from page_visitor import NOW, client_of, clock

import marketofone
from marketofone import cli, wiring
from marketofone.audit.signed_document import canonical
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange, What
from marketofone.domain.errors import MalformedDocument, UnknownEntry
from marketofone.domain.moment import DAY, Instant, instant_of
from marketofone.services.proof.checkpoint import public_key_of
from marketofone.services.rights.signed_receipts import SignedReceipt, receipt_bytes

SCRIPT = Path(__file__).parents[2] / "docs" / "scripts" / "check_receipt.py"
WHO = "c-1"
WHEN = Instant(instant_of(NOW) - DAY)
SAID: list[What] = ["grant", "withdraw", "object", "lift", "pause", "resume"]
STATED = """
[controller]
legal_name = "Example Bank plc"
registration = "HRB 1234"
address = "1 High Street, Exampletown"
contact = "privacy@bank.example"
jurisdiction = "CZ"
recipients = ["a printer of letters"]
"""


def change(said: What, **more: Any) -> ConsentChange:
    words = {"purposes": ("*",), "sources": ("*",), "channels": ("*",)} if said in ("grant", "withdraw") else {}
    return ConsentChange(customer=WHO, change=said, since=WHEN, **{**words, **more})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    wiring.lay_out(tmp_path / "bank")
    return tmp_path / "bank"


@pytest.fixture
def bank(folder: Path) -> Iterator[Bank]:
    with marketofone.open(folder, clock=clock, now=WHEN, random=Random(5).randbytes) as opened:
        yield opened


def key(bank: Bank) -> str:
    return public_key_of(bank.context.keys).hex()


def check(document: dict[str, Any], public_key: str) -> None:
    runpy.run_path(str(SCRIPT))["check"](document, public_key)


def read(receipt: SignedReceipt) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(receipt_bytes(receipt))
    return document


@pytest.mark.parametrize("said", SAID)
def test_each_change_has_a_receipt_of_the_same_bytes_at_every_door(folder: Path, bank: Bank, said: What) -> None:
    n = bank.consent_given(change(said, authority='signed "in\x1f blue" ✍🏽'), now=WHEN).entry.n
    made = receipt_bytes(bank.rights.receipt(WHO, n))
    assert made == canonical(json.loads(made))
    client = client_of(bank)
    assert client.get(f"/v1/customers/{WHO}/consents/{n}/receipt").content == made
    page = client.get(f"/customer/{WHO}/consents/{n}/receipt.json")
    assert (page.content, page.headers["content-disposition"]) == (made, f'attachment; filename="receipt-{n}.json"')
    assert f"/customer/{WHO}/consents/{n}/receipt.json" in client.get(f"/customer/{WHO}/consents/{n}").text
    asked = CliRunner().invoke(cli.main, ["rights", "receipt", WHO, str(n), "--bank", str(folder)])
    assert asked.stdout_bytes == made + b"\n"
    check(json.loads(made), key(bank))


def test_a_receipt_is_checked_by_a_script_that_needs_no_bank(folder: Path, bank: Bank, tmp_path: Path) -> None:
    bank.consent(change("grant"), now=WHEN)
    to = tmp_path / "receipt.json"
    asked = CliRunner().invoke(cli.main, ["rights", "receipt", WHO, "--to", str(to), "--bank", str(folder)])
    assert asked.exit_code == 0, asked.output
    printed = CliRunner().invoke(cli.main, ["checkpoint", "--public-key", "--json", "--bank", str(folder)])
    public_key = json.loads(printed.stdout)["public_key"]
    command = [sys.executable, "-I", str(SCRIPT), str(to), public_key]
    done = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "given, by the person, on their own page: insights" in done.stdout
    text = to.read_text(encoding="utf-8")
    for forged in (text.replace('"given"', '"withdrawn"'), '{"events":[],' + text.lstrip()[1:]):
        to.write_text(forged, encoding="utf-8")
        assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    proved = CliRunner().invoke(cli.main, ["rights", "prove", WHO, "--to", str(tmp_path / "p"), "--bank", str(folder)])
    assert proved.exit_code == 0, proved.output
    command[3] = str(tmp_path / "p")
    assert "no receipt" in subprocess.run(command, capture_output=True, text=True, check=False).stderr


def test_the_script_needs_only_what_it_says() -> None:
    imported = {
        str(node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).partition(".")[0]
        for node in ast.walk(ast.parse(SCRIPT.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported <= {"cryptography", *sys.stdlib_module_names}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, name))
    else:
        yield path


def test_whatever_is_changed_in_a_receipt_is_found(bank: Bank) -> None:
    bank.consent(change("pause"), now=WHEN)
    made = read(bank.rights.receipt(WHO))
    for path in leaves(made):
        changed = json.loads(json.dumps(made))
        at = changed
        for name in path[:-1]:
            at = at[name]
        at[path[-1]] = "A" if at[path[-1]] is None else at[path[-1]] + type(at[path[-1]])(1)
        with pytest.raises((InvalidSignature, ValueError)):
            check(changed, key(bank))


def test_it_names_what_the_standard_asks_for(folder: Path) -> None:
    bank_toml = folder / "bank.toml"
    bank_toml.write_text(bank_toml.read_text(encoding="utf-8") + STATED, encoding="utf-8")
    with marketofone.open(folder, clock=clock, now=WHEN) as bank:
        until = Instant(WHEN + 30 * DAY)
        said = change("grant", purposes=("marketing",), sources=("app",), channels=("push",), until=until)
        n = bank.consent_given(said, now=WHEN).entry.n
        made, policy = read(bank.rights.receipt(WHO, n)), bank.config.policy
        hashed = bank.consent_given(change("grant"), now=WHEN).entry
    assert made["receipt"]["not_stated"] == []
    assert made["record"]["pii_principal_id"] == WHO
    (entry,) = made["record"]["entries"]
    assert (entry["n"], made["record"]["journal"]) == (n, str(hashed.subject))
    (of,) = made["pii_processing"]
    (used,) = of["pii_information"]
    assert (of["purpose"], of["lawful_basis"], of["language"], of["jurisdiction"]) == (
        "marketing",
        "consent",
        "en",
        "CZ",
    )
    assert (used["pii_attribute_id"], used["pii_type"]) == ("app", policy.sources["app"].title)
    assert used["retention_period"]
    assert of["services"] == ["Push message"]
    assert of["recipient_third_parties"] == ["a printer of letters"]
    assert of["withdrawal_method"]
    assert of["privacy_rights"]
    notice = of["privacy_notice"]
    assert notice["text"] == policy.purposes["marketing"].notice
    assert notice["sha256"] == sha256(notice["text"].encode()).hexdigest()
    (party,) = made["parties"]
    assert party == {
        "party_address": "1 High Street, Exampletown",
        "party_contact": "privacy@bank.example",
        "party_id": "HRB 1234",
        "party_name": "Example Bank plc",
        "party_role": "controller",
    }
    (event,) = made["events"]
    assert (event["event_type"], event["event_state"], event["entity_id"]) == ("explicit", "given", WHO)
    assert (event["event_time"], event["recorded_time"]) == ("2026-01-04T11:00:00Z", "2026-01-04T11:00:00Z")
    assert (event["valid_until"], event["validity_duration"]) == ("2026-02-03T11:00:00Z", "PT2592000S")


def test_what_a_bank_has_not_said_of_itself_stands_there_as_not_stated(folder: Path, bank: Bank) -> None:
    bank.consent(change("grant"), now=WHEN)
    made = bank.rights.receipt(WHO)
    assert made.receipt.not_stated == ("address", "contact", "jurisdiction")
    assert {made.parties[0].party_address, made.pii_processing[0].jurisdiction} == {"not stated by the bank"}
    told = CliRunner().invoke(cli.main, ["rights", "receipt", WHO, "--bank", str(folder)])
    assert "address, contact, jurisdiction" in told.stderr


@pytest.mark.parametrize(("line", "field"), [('jurisdiction = "Czechia"', "jurisdiction"), ('adress = "x"', "adress")])
def test_what_a_bank_says_wrongly_of_itself_is_refused_by_its_name(folder: Path, line: str, field: str) -> None:
    bank_toml = folder / "bank.toml"
    bank_toml.write_text(f"{bank_toml.read_text(encoding='utf-8')}\n[controller]\n{line}\n", encoding="utf-8")
    with pytest.raises(MalformedDocument, match=field):
        marketofone.open(folder).close()


def test_made_again_from_the_journal_it_is_the_same_whatever_was_said_or_written_since(
    folder: Path, bank: Bank, tmp_path: Path
) -> None:
    n = bank.consent_given(change("grant"), now=WHEN).entry.n
    first = receipt_bytes(bank.rights.receipt(WHO, n))
    bank.consent(change("withdraw"), now=WHEN)
    bank.close()
    copy = shutil.copytree(folder, tmp_path / "copy")
    for name in ("bank.toml", "consent.toml"):
        text = (copy / name).read_text(encoding="utf-8")
        changed = text.replace("My bank", "Ours").replace("We look at", "We see")
        marked = re.sub(r'(?m)^(notice = "We see.*)$', r'\1\nnot_material = "another word for the same"', changed)
        (copy / name).write_text(marked, encoding="utf-8")
    with marketofone.open(copy, now=WHEN) as later:  # recorded at the same instant as the entry
        assert "We see" in later.config.policy.purposes["marketing"].notice
        assert receipt_bytes(later.rights.receipt(WHO, n)) == first
        after = later.consent_given(change("grant"), now=WHEN).entry.n
        assert b"We see" in receipt_bytes(later.rights.receipt(WHO, after))


def test_there_is_no_receipt_of_what_says_nothing_about_consent(bank: Bank) -> None:
    bank.consent(change("grant"), now=WHEN)
    for n in (0, 2, 10**17):
        with pytest.raises(UnknownEntry):
            bank.rights.receipt(WHO, n)
    client = client_of(bank)
    assert client.get(f"/v1/customers/{WHO}/consents/x/receipt").status_code == 404
    assert client.get("/v1/customers/nobody/consents/1/receipt").status_code == 404


def test_the_proof_that_the_log_is_whole_has_the_same_bytes_at_every_door(
    folder: Path, bank: Bank, tmp_path: Path
) -> None:
    bank.consent(change("grant", authority='signed "in\x1f blue"'), now=WHEN)
    bank.profile(WHO)
    client = client_of(bank)
    page = client.get(f"/customer/{WHO}/uses/proof.json")
    assert (page.content, page.headers["content-disposition"]) == (
        canonical(page.json()),
        'attachment; filename="proof.json"',
    )
    assert client.get(f"/v1/customers/{WHO}/proof").content == page.content
    against = tmp_path / "checkpoint.txt"  # the command goes by the clock of the machine, where it is later
    against.write_text(page.json()["checkpoint"], encoding="utf-8")
    command = ["rights", "prove", WHO, "--against", str(against), "--bank", str(folder)]
    asked = CliRunner().invoke(cli.main, command)
    assert asked.stdout_bytes == page.content + b"\n"
    assert f"/customer/{WHO}/uses/proof.json" in client.get(f"/customer/{WHO}/uses").text
    assert client.get("/v1/customers/nobody/proof").status_code == 404
