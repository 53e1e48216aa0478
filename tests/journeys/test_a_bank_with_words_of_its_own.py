"""A bank whose purposes and channels have other names than ours: everything works, and nothing names ours."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from people import ordinary_months

import marketofone
from asking import ask_for_all_that_is_read
from marketofone import Bank, wiring
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import DAY, Instant
from marketofone.services.rights.customer_links import CustomerLinks
from marketofone.web.app import build_app
from renaming import CHANNELS, PURPOSES, in_german

with warnings.catch_warnings():  # Starlette would rather have httpx2; its test client works with httpx
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

NOW = Instant(1_767_600_000_000_000)  # 2026-01-05T08:00:00Z
EVERY = ("*",)


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    wiring.lay_out(tmp_path)
    for name, text in in_german().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with marketofone.open(tmp_path, clock=lambda: NOW) as opened:
        yield opened


def allow(bank: Bank, customer: str, *, channels: tuple[str, ...] = EVERY) -> None:
    said = ConsentChange(customer=customer, change="grant", purposes=EVERY, sources=EVERY, channels=channels, since=NOW)
    bank.consent(said, now=NOW)


def test_everything_works_in_the_words_of_the_bank(bank: Bank) -> None:
    allow(bank, "c-1")
    arrived = bank.ingest(ordinary_months("c-1", until=NOW, days=120), now=NOW)
    assert arrived.refused == 0

    assert bank.forecast("c-1", now=NOW).accounts
    assert bank.spending("c-1", now=NOW).sources
    assert bank.insights("c-1", now=NOW)
    assert bank.profile("c-1", now=NOW).refused == {}
    bank.intervene(now=NOW)

    shown = [bank.decide("c-1", occasion="app.opened", now=Instant(NOW + day * DAY)) for day in range(12)]
    used = {purpose for decision in shown for purpose, _ in decision.uses}
    assert used
    assert used <= set(PURPOSES.values())
    assert {decision.channel for decision in shown} == {CHANNELS["app"]}
    said = [decision for decision in shown if decision.action != "nothing"]
    assert said
    assert any(bank.outcome(of.id, "accepted", now=of.at).learned for of in said)
    bank.learn()
    assert {use.purpose for use in bank.uses("c-1")} <= set(PURPOSES.values())
    assert {"einblicke", "lernen"} <= {use.purpose for use in bank.uses("c-1")}
    assert bank.replay().differences == 0


def test_who_allows_by_one_channel_only_gets_their_forecast(bank: Bank) -> None:
    allow(bank, "c-1", channels=(CHANNELS["email"],))
    bank.ingest(ordinary_months("c-1", until=NOW, days=120), now=NOW)

    assert bank.forecast("c-1", now=NOW).accounts


def test_refusals_name_the_purposes_of_the_bank(bank: Bank) -> None:
    allow(bank, "c-1")
    bank.ingest(ordinary_months("c-1", until=NOW, days=30), now=NOW)
    no = ConsentChange(
        customer="c-1", change="withdraw", purposes=("angebote",), sources=EVERY, channels=EVERY, since=NOW
    )
    bank.consent(no, now=NOW)

    decision = bank.decide("c-1", occasion="app.opened", now=NOW)

    assert all("angebote" in item.why for item in decision.not_used)
    assert decision.not_used
    whys = " ".join(candidate.why for candidate in decision.candidates)
    assert "angebote" in whys
    assert not any(old in whys for old in PURPOSES)


@pytest.mark.parametrize("page", ["/insights", "/forecast", "", "/uses", "/purposes/einblicke", "/consents/1"])
def test_pages_name_a_purpose_by_its_title(bank: Bank, page: str) -> None:
    allow(bank, "c-1")
    bank.ingest(ordinary_months("c-1", until=NOW, days=120), now=NOW)
    with TestClient(build_app(bank), base_url="http://localhost") as visitor:
        visitor.get(CustomerLinks.of(bank.context).link("c-1").path)
        allowed = visitor.get(f"/customer/c-1{page}")
        no = ConsentChange(customer="c-1", change="withdraw", purposes=EVERY, sources=EVERY, channels=EVERY, since=NOW)
        bank.consent(no, now=NOW)
        refused = visitor.get(f"/customer/c-1{page}")

    assert (allowed.status_code, refused.status_code) == (200, 200)
    assert "Understand my money" in refused.text
    for answer in (allowed, refused):
        words = re.sub(r"<[^>]*>", " ", answer.text)
        assert not any(re.search(rf"\b{name}\b", words) for name in PURPOSES.values())
    assert page not in ("/insights", "/forecast") or "/customer/c-1/purposes/einblicke" in refused.text


def test_a_role_that_no_purpose_serves_is_off_and_says_so(tmp_path: Path) -> None:
    wiring.lay_out(tmp_path)
    consent = tmp_path / "consent.toml"
    consent.write_text(consent.read_text("utf-8").replace('serves = "learning"\n', ""), encoding="utf-8")
    ask_for_all_that_is_read(tmp_path)
    with marketofone.open(tmp_path, clock=lambda: NOW) as bank:
        allow(bank, "c-1")
        bank.ingest(ordinary_months("c-1", until=NOW, days=60), now=NOW)
        shown = [bank.decide("c-1", occasion="app.opened", now=Instant(NOW + day * DAY)) for day in range(12)]
        said = next(decision for decision in shown if decision.action != "nothing")

        result = bank.outcome(said.id, "accepted", now=said.at)

    assert (result.learned, result.why_not) == (False, "not_permitted")
