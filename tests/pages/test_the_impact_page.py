"""The page of impact: what to read first stands first, and plots and tables show the same numbers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from page_check import Page
from page_visitor import NOW, Visitor, client_of, clock, cloudevent

import marketofone
from bank_projects import Projects
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.decision import Decision, Request
from marketofone.domain.moment import DAY, MINUTE, Instant
from marketofone.domain.outcome import Outcome, Verdict
from marketofone.learn.impact import Impact

PEOPLE = 160
BEFORE = NOW - timedelta(days=31)


def yes_of(customer: str, *, since: Instant) -> ConsentChange:
    every = ("*",)
    return ConsentChange(customer=customer, change="grant", purposes=every, sources=every, channels=every, since=since)


def asked(customer: str, *, at: Instant) -> Request:
    return Request(id=f"{customer}-{at}", customer=customer, occasion="app.opened", channel="app", at=at)


def answer_of(decision: Decision) -> Outcome:
    keen = decision.assignment == "control" or decision.customer.endswith("7")
    verdict: Verdict = "accepted" if keen else "declined"
    return Outcome(decision=decision.id, verdict=verdict, at=Instant(decision.at + MINUTE))


@pytest.fixture(scope="module")
def seen(
    lasting_projects: Projects, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Impact, Page, dict[str, object]]:
    """A bank whose control group takes what is drawn for it, while few take what the policy chooses."""
    folder = lasting_projects.lay_out(tmp_path_factory.mktemp("impact") / "bank")
    settings = folder / "bank.toml"
    settings.write_text(
        settings.read_text().replace("control_share = 0.10", "control_share = 0.35") + "\n[groups]\nnothing = 0.25\n"
    )
    with marketofone.open(folder, clock=clock) as bank:
        bank.learning.by_itself = False
        names, since = [f"p-{number}" for number in range(PEOPLE)], Instant(bank.now() - 30 * DAY)
        bank.consents_given([yes_of(name, since=since) for name in names], now=since)
        visits = [(number, name) for number, name in enumerate(names * 3)]
        bank.ingest([cloudevent(number, "app.opened", BEFORE, name) for number, name in visits], now=since)
        for days in (1, 2):
            made = bank.decide_all([asked(name, at=Instant(since + days * DAY)) for name in names])
            bank.record_outcomes([answer_of(one) for one in made if one.action != "nothing"])
        with client_of(bank) as client:
            return bank.impact(), Visitor(client).page("/console/impact"), client.get("/v1/impact").json()


def test_that_people_accept_less_than_by_lot_is_the_first_thing_that_is_said(
    seen: tuple[Impact, Page, dict[str, object]],
) -> None:
    found, page, _ = seen
    assert found.warnings[0].startswith("people accept less of what the policy chooses")
    notes = [one.text for one in page.all("p") if one.attributes.get("class") == "note against"]
    assert notes[0].startswith("People accept less of what the policy chooses")
    assert page.text.index(notes[0]) < page.text.index(page.all("h2")[0].text)


def test_every_lift_stands_in_the_plot_and_in_the_table(seen: tuple[Impact, Page, dict[str, object]]) -> None:
    found, page, _ = seen
    measured = {lift.measure: lift for lift in found.comparisons[0].lifts}
    table = next(
        one for one in page.all("table") if one.all("caption")[0].text.startswith("The policy beside the lot, m")
    )
    cells = {row.all("th")[0].text: [cell.text for cell in row.all("td")] for row in table.all("tbody")[0].all("tr")}
    drawn = " ".join(one.text for one in page.all("svg"))
    assert len(cells) == len(measured)
    accepted = measured["accepted"].value
    assert accepted is not None
    assert cells["Contacts accepted"][0].replace("\N{MINUS SIGN}", "-") == f"{100 * accepted:+.1f} points"
    assert cells["Contacts accepted"][0] in drawn
    assert all(one.all("title") and one.all("desc") for one in page.all("svg"))


def test_every_group_beside_the_policy_is_drawn_and_in_the_table(
    seen: tuple[Impact, Page, dict[str, object]],
) -> None:
    found, page, _ = seen
    table = next(one for one in page.all("table") if "by group" in one.all("caption")[0].text)
    names = [row.all("th")[0].text for row in table.all("tbody")[0].all("tr")]
    assert names == ["Policy", "By lot", "Left in peace"]
    assert [one.assignment for one in found.comparisons] == ["control", "nothing"]
    assert any(
        one.text.startswith("Value that the policy adds per person, beside each group") for one in page.all("svg")
    )


def test_programs_get_the_same_document(seen: tuple[Impact, Page, dict[str, object]]) -> None:
    found, _, told = seen
    assert told["warnings"] == list(found.warnings)
    assert told["finding"] == found.finding
    ratio = told["ratio"]
    assert isinstance(ratio, dict)
    assert ratio["people"] == PEOPLE
    assert not ratio["fails"]
