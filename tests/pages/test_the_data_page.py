"""The page of the data: what an empty bank does next, the same numbers in plots and tables, and no customer on it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from page_check import Element, Page
from page_visitor import NOW, Visitor, client_of, clock, cloudevent, year_of

import marketofone
from marketofone import wiring
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import instant_of

PERSON, WRITTEN = "petra-novakova", "Zelenina Novotny Zatecka"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    wiring.lay_out(folder)
    return folder


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    unknown = cloudevent(901, "transaction.booked", NOW, PERSON, account="a1", amount_minor=9_900, currency="EUR",
                         text=WRITTEN, category=WRITTEN)  # fmt: skip
    late = cloudevent(902, "transaction.booked", NOW - timedelta(days=10_000), PERSON, account="a1", currency="EUR",
                      amount_minor=-9_900)  # fmt: skip
    only = ("transactions",)
    with marketofone.open(folder, clock=clock) as bank:
        bank.consent(
            ConsentChange(
                customer=PERSON, change="grant", purposes=("*",), sources=only, channels=("*",), since=instant_of(NOW)
            )
        )
        bank.ingest([*year_of(PERSON, until=NOW), unknown, late, cloudevent(903, "app.opened", NOW, PERSON)])
        bank.ingest([b"{", cloudevent(904, "transaction.booked", NOW, PERSON, account=WRITTEN, currency="EUR")])
        with client_of(bank) as client:
            return Visitor(client).page("/console/data")


def rows(page: Page, caption: str) -> list[list[str]]:
    """Give the cells of a table by what its caption begins with."""
    table = next(one for one in page.all("table") if one.all("caption")[0].text.startswith(caption))
    return [[cell.text for cell in row.all("th", "td")] for row in table.all("tr")]


def drawing(page: Page, named: str) -> Element:
    return next(one for one in page.all("svg") if one.attributes["aria-labelledby"].startswith(named))


def test_an_empty_bank_says_what_to_do_next(tmp_path: Path) -> None:
    wiring.lay_out(tmp_path)
    with marketofone.open(tmp_path, clock=clock) as bank, client_of(bank) as client:
        page = Visitor(client).page("/console/data")
    assert "Nothing arrived yet" in page.text
    assert "marketofone import csv FILE --customer ID" in page.text
    assert "Nothing was kept aside" in page.text
    assert page.all("svg") == []


def test_what_arrived_stands_in_the_table_of_this_week(page: Page) -> None:
    head, newest, *_ = rows(page, "The last 26 weeks")
    assert head == ["Week of", "Accounts and payments here", "How you use the app"]
    assert newest[1:] == ["368", "1 (1 not allowed)"]
    assert len(rows(page, "The last 26 weeks")) == 27
    assert "peak 368" in drawing(page, "arrived-chart").text


def test_what_events_are_about_is_told_by_year_where_they_reach_far_back(page: Page) -> None:
    about = rows(page, "Events by the time they are about")
    assert sum(int(cells[1]) for cells in about[1:] if cells[1].isdecimal()) == 368
    assert about[-1][1] == "1"
    assert all(len(cells[0]) == 4 for cells in about[1:])


def test_reasons_stand_with_what_to_write_and_the_command_that_tries_again(page: Page) -> None:
    listed = rows(page, "Dead letters by reason")[1:]
    assert [cells[0] for cells in listed] == ["data.amount_minor", "event"]
    assert all(cells[2] and cells[3] == "1" for cells in listed)
    assert "marketofone letters retry" in page.text


def test_unknown_categories_are_shown_by_what_they_look_like_and_never_by_what_was_written(page: Page) -> None:
    looks = dict(rows(page, "What they look like")[1:])
    assert looks["Money in, text"] == "1"
    assert rows(page, "Categories that producers tell")[1:] == [["3 words", "1"]]
    assert PERSON not in page.text
    assert not any(word in page.text for word in WRITTEN.split())


def test_every_plot_stands_beside_a_table_and_the_console_leads_here(page: Page) -> None:
    assert len(page.all("svg")) == 5
    assert len(page.all("table")) >= len(page.all("svg"))
    assert "/console/data" in page.links
    current = [link.text for link in page.all("a") if link.attributes.get("aria-current") == "page"]
    assert current == ["Data"]
