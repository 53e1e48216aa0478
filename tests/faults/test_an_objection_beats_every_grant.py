"""An objection to marketing beats every grant: it reaches what waits to be sent, and only lifting it ends it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from situations import NOW, says, sent, shares, spends

import marketofone
from asking import ask_for_all_that_is_read
from marketofone import Bank
from marketofone.domain.action import MARKETING
from marketofone.domain.decision import Decision
from marketofone.domain.errors import ConsentRefused
from marketofone.domain.moment import DAY, HOUR, Instant
from proofs import proven, recorded

WITHOUT_INFORMATION = {
    "features.py": """
from marketofone.features.declare import count, series
moves = series("moves", kind="transaction.booked")
FEATURES = (count("moves_30d", moves, window="30d", owner="o", title="movements"),)
CONTEXT = {"moves_30d": 10}
""",
    "actions.toml": """
[occasions."app.opened"]
channel = "app"
begun_by = "customer"
[[actions]]
id = "card"
kind = "offer"
title = "A card"
text = "A card."
value_minor = 90_000
channels = ["app"]
product = "card"
""",
}


def decided(bank: Bank, customer: str, *, now: int = NOW, id: str | None = None) -> Decision:  # noqa: A002
    return bank.decide(customer, occasion="app.opened", id=id, now=Instant(now))


def may_be_offered(bank: Bank, made: Decision) -> bool:
    kinds = {action.id: action.kind for action in bank.catalogue.actions}
    return any(kinds.get(one.action) in MARKETING for one in made.candidates if one.stage in ("scored", "chosen"))


def allowed(bank: Bank, *customers: str) -> None:
    for customer in customers:
        says(bank, customer)
        opened = sent("account.opened", customer, at=NOW - 90 * DAY, account="a", product="current", currency="EUR")
        bank.ingest([opened, *spends(customer), sent("app.opened", customer)], now=NOW)


def test_what_waits_to_be_sent_is_not_released_after_it_nor_after_any_later_grant(bank: Bank) -> None:
    allowed(bank, "c-1")
    made = decided(bank, "c-1", id="queued")
    assert ("marketing", "transactions") in made.uses
    says(bank, "c-1", "object", now=NOW + HOUR)
    for later, source in enumerate(("*", "transactions", "app"), start=2):
        with pytest.raises(ConsentRefused) as raised:
            bank.decision("queued", now=Instant(NOW + later * HOUR))
        assert "you said no to all offers" in raised.value.why
        says(bank, "c-1", purpose="marketing", source=source, now=NOW + later * HOUR)
    after = decided(bank, "c-1", now=NOW + DAY)
    assert not may_be_offered(bank, after)
    assert any("you said no to all offers" in one.why for one in after.not_used)
    proven(bank)


def test_an_offer_that_rests_on_no_information_is_not_released_either(project: Path) -> None:
    """Of what is allowed for offers, this bank looks at nothing before it learned what goes with what."""
    for name, text in WITHOUT_INFORMATION.items():
        (project / name).write_text(text, encoding="utf-8")
    settings = (project / "bank.toml").read_text(encoding="utf-8").partition("[early_signs]")[0]
    (project / "bank.toml").write_text(settings, encoding="utf-8")
    rules = (project / "guardrails.toml").read_text(encoding="utf-8")
    (project / "guardrails.toml").write_text(re.sub('(?m)^when = ".*"', 'when = "moves_30d > 999"', rules), "utf-8")
    ask_for_all_that_is_read(project)
    with marketofone.open(project, now=NOW) as bank:
        says(bank, "c-1", purpose="marketing", source="location")
        made = next(one for one in (decided(bank, "c-1", id=f"d-{n}") for n in range(50)) if one.action == "card")
        assert made.uses == ()
        assert bank.decision(made.id, now=NOW) == made
        says(bank, "c-1", "object", now=NOW + HOUR)
        with pytest.raises(ConsentRefused) as raised:
            bank.decision(made.id, now=Instant(NOW + HOUR))
        assert raised.value.why == "marketing is stopped: you said no to all offers"


def test_lifting_it_by_name_gives_back_what_was_allowed_and_nothing_more(bank: Bank) -> None:
    allowed(bank, "c-1")
    made = decided(bank, "c-1", id="queued")
    says(bank, "c-1", "object", now=NOW + HOUR)
    says(bank, "c-1", "withdraw", purpose="marketing", source="app", now=NOW + 2 * HOUR)
    says(bank, "c-1", "lift", now=NOW + 3 * HOUR)

    states = {
        cell.source: cell.state
        for cell in bank.consents("c-1", now=Instant(NOW + 4 * HOUR)).cells
        if cell.purpose == "marketing"
    }
    assert (states["transactions"], states["app"]) == ("granted", "withdrawn")
    assert may_be_offered(bank, decided(bank, "c-1", now=NOW + 4 * HOUR))
    with pytest.raises(ConsentRefused, match="you said no"):
        bank.decision(made.id, now=Instant(NOW + 4 * HOUR))
    proven(bank)


def test_an_objection_under_one_id_counts_for_the_whole_person_until_it_is_lifted_there(bank: Bank) -> None:
    allowed(bank, "a", "b")
    shares(bank, "k", "a", "b")
    assert may_be_offered(bank, decided(bank, "a"))
    says(bank, "b", "object", now=NOW + HOUR)
    assert not may_be_offered(bank, decided(bank, "a", now=NOW + HOUR))
    says(bank, "a", "lift", now=NOW + 2 * HOUR)
    assert not may_be_offered(bank, decided(bank, "a", now=NOW + 2 * HOUR))
    says(bank, "b", "lift", now=NOW + 3 * HOUR)
    assert may_be_offered(bank, decided(bank, "a", now=NOW + 3 * HOUR))
    proven(bank)


def test_an_objection_dated_back_holds_at_once_and_as_it_stood_is_told_by_when_it_was_recorded(bank: Bank) -> None:
    allowed(bank, "c-1")
    says(bank, "c-1", "object", now=NOW + DAY, since=NOW - 30 * DAY)
    assert not may_be_offered(bank, decided(bank, "c-1", now=NOW + DAY))

    def states(as_of: int) -> set[str]:
        shown = bank.consents("c-1", now=Instant(NOW + 2 * DAY), as_of=Instant(as_of))
        return {cell.state for cell in shown.cells if cell.purpose == "marketing"}

    assert (states(NOW + HOUR), states(NOW + DAY)) == ({"granted"}, {"objected"})


def test_what_only_offers_would_have_used_is_not_kept_after_it(bank: Bank) -> None:
    says(bank, "c-1", purpose="marketing", source="life_events")
    said = sent("life.declared", "c-1", event="move")
    assert bank.ingest([said], now=NOW).refused == 0
    says(bank, "c-1", "object", now=NOW + HOUR)
    later = bank.ingest([sent("life.declared", "c-1", at=NOW + HOUR, event="child")], now=Instant(NOW + HOUR))
    assert (later.refused, later.events) == (1, 1)


def test_what_was_learned_for_a_purpose_that_also_serves_marketing_goes_with_the_objection(project: Path) -> None:
    document = project / "consent.toml"
    text = document.read_text(encoding="utf-8").replace('serves = "learning"\n', "")
    document.write_text(text.replace('serves = "marketing"', 'serves = ["marketing", "learning"]'), encoding="utf-8")
    ask_for_all_that_is_read(project)
    with marketofone.open(project, now=NOW) as bank:
        allowed(bank, "c-1")
        shown = next(made for n in range(60) if (made := decided(bank, "c-1", now=NOW + n)).action != "nothing")
        assert bank.outcome(shown.id, "accepted", now=Instant(NOW + HOUR)).learned
        says(bank, "c-1", "object", now=NOW + 2 * HOUR)
        says(bank, "c-1", "lift", now=NOW + 3 * HOUR)
        assert bank.versions()[0].why == "without what may not be used any more"
        proven(bank)


def test_a_person_who_objects_is_still_warned_helped_and_heard(bank: Bank) -> None:
    allowed(bank, "c-1")
    before = bank.profile("c-1", now=NOW).known
    says(bank, "c-1", "object", now=NOW + HOUR)
    assert bank.profile("c-1", now=Instant(NOW + HOUR)).known == before
    assert bank.forecast("c-1", now=Instant(NOW + HOUR)).accounts
    made = decided(bank, "c-1", now=NOW + HOUR)
    assert {"insights", "personalisation", "care"} <= {purpose for purpose, _ in made.uses}
    assert recorded(bank, "consent") == 2
    proven(bank)
