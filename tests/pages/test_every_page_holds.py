"""Every route is fetched through the page check, and every link of every page leads somewhere."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from page_check import Page
from page_visitor import NOW, Visitor, cloudevent
from starlette.routing import Route

from marketofone.bank import Bank
from marketofone.web.app import build_app

PERSON = quote("a/b:c", safe="")
PAGES = {
    "/": "A market of one",
    f"/customer/{PERSON}": "My data",
    "/customer/nobody/first": "What may we use?",
    f"/customer/{PERSON}/purposes/insights": "Understand my money",
    f"/customer/{PERSON}/purposes/protection": "Protect you",
    f"/customer/{PERSON}/purposes/marketing/allow": "Allow something for",
    f"/customer/{PERSON}/consents/1": "Allowed",
    f"/customer/{PERSON}/delegates": "Who may act for you",
    f"/customer/{PERSON}/uses": "How it was used",
    f"/customer/{PERSON}/forecast": "What is coming",
    f"/customer/{PERSON}/insights": "My spending",
    f"/customer/{PERSON}/merchants": "My merchants",
    f"/customer/{PERSON}/wrong": "Wrong about me",
    f"/customer/{PERSON}/take": "Take it along",
    f"/customer/{PERSON}/forget": "Be forgotten",
    f"/customer/{PERSON}/decisions/d-0": "Why am I",
    f"/customer/{PERSON}/cases": "Talk to a person",
    "/console": "Console",
    "/console/cases": "Cases",
    "/console/board": "Review board",
    "/console/impact": "Impact",
    "/console/gates": "Gates",
    "/console/data": "Data",
    f"/console/customers/{PERSON}": "Customer",
    "/console/decisions/d-0": "One decision, traced",
}
FILES = (
    "/customer/{customer}/consents/{entry}/receipt.json",
    "/customer/{customer}/uses.csv",
    "/customer/{customer}/uses.json",
    "/customer/{customer}/uses/proof.json",
    "/customer/{customer}/take/file",
)
POSTED = (
    "/customer/{customer}/consents",
    "/customer/{customer}/consents/{entry}",
    "/customer/{customer}/merchants",
    "/customer/{customer}/cases",
    "/console/cases",
    "/customer/{customer}/decisions/{decision}/answer",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_well_made(visitor: Visitor, path: str) -> None:
    assert visitor.page(path).heading.startswith(PAGES[path])


def test_every_route_for_people_is_in_the_list_above(town: Bank) -> None:
    routes = {route.path for route in build_app(town).routes if isinstance(route, Route)}
    people = {path for path in routes if path == "/" or path.startswith(("/customer", "/console"))}
    visited = {path.replace(PERSON, "{customer}").replace("d-0", "{decision}") for path in PAGES}
    visited = {path.replace("nobody", "{customer}").replace("/consents/1", "/consents/{entry}") for path in visited}
    visited = {re.sub(r"/purposes/[a-z]+", "/purposes/{purpose}", path) for path in visited}
    assert people == visited | {*POSTED, *FILES}


def test_every_link_leads_somewhere(visitor: Visitor) -> None:
    seen: set[str] = set()
    for path in PAGES:
        for link in visitor.page(path).links:
            target = link.partition("#")[0]
            if target and not target.startswith("tel:") and target not in seen:
                seen.add(target)
                assert visitor.client.get(target).status_code == 200, f"{path} links to {target}"
    assert any("as_of" not in link and "/static/" in link for link in seen)


def test_a_page_of_the_past_keeps_its_moment_in_its_links(visitor: Visitor) -> None:
    page = visitor.page(f"/customer/{PERSON}?as_of=1993-12-31")
    assert "as of 31 December 1993" in page.text
    assert f"/customer/{PERSON}/forecast?as_of=1993-12-31" in page.links
    assert "Off" in page.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/customer/nobody/take", 404),
        (f"/customer/{PERSON}/purposes/none", 404),
        (f"/customer/{PERSON}/purposes/protection/allow", 404),
        (f"/customer/{PERSON}/consents/3", 404),
        (f"/customer/{PERSON}/consents/999999", 404),
        (f"/customer/{PERSON}/consents/first", 404),
        (f"/customer/{PERSON}/uses?month=soon", 400),
        (f"/customer/{PERSON}/uses?day=2026-02-30", 400),
        (f"/customer/{PERSON}/uses?purpose=none", 400),
        (f"/customer/{PERSON}/decisions/none", 404),
        (f"/customer/{PERSON}/decisions/d-0?as_of=2025-01-01", 404),
        ("/customer/somebody-else/decisions/d-0", 404),
        (f"/customer/{PERSON}?as_of=soon", 400),
        ("/customer/%00", 400),
        ("/customer/%ff", 400),
        (f"/customer/{PERSON}/consents", 405),
    ],
)
def test_faults_are_pages_too(visitor: Visitor, path: str, status: int) -> None:
    assert f"Answer {status}" in visitor.page(path, status=status).text


def test_static_files_may_be_kept_forever_because_their_address_changes(visitor: Visitor) -> None:
    sheet = next(link for link in visitor.page("/").links if "style.css" in link)
    answer = visitor.client.get(sheet)
    assert "?v=" in sheet
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/css")


def test_what_people_wrote_is_escaped(town: Bank, visitor: Visitor) -> None:
    name = "<script>alert(1)</script>"
    town.ingest([cloudevent(0, "app.opened", NOW, name)])
    town.decide(name, occasion="app.opened", id="d-escaped")
    page = visitor.page(f"/customer/{quote(name, safe='')}")
    assert name in page.text
    listed = visitor.look("/console")
    assert name in listed.text
    assert listed.all("script") == []


def test_the_page_check_finds_planted_faults() -> None:
    page = Page("<html><body><p><div></p><img><a href='#x'>it's</a><form></form><svg></svg></body></html>")
    for fault in ("no doctype", "no language", "alt", "within <p>", "#x", "action", "drawing", "landmarks"):
        assert any(fault in found for found in page.faults), fault
