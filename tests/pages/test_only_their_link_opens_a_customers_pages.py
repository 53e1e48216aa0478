"""A customer opens only their own pages: by a link that the bank made for them a moment ago."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from page_visitor import HTML
from starlette.testclient import TestClient

import marketofone
from marketofone.bank import Bank
from marketofone.cli import main
from marketofone.services.rights import customer_links
from marketofone.services.rights.customer_links import LINK_SECONDS, LONGEST_VISIT_SECONDS, VISIT_SECONDS, CustomerLinks
from marketofone.web.app import build_app
from marketofone.web.visits import COOKIE

WHO = "c-1"


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stand in for the wall's clock, which a visit goes by: what stands here is what time it is."""
    told = [1_000_000.0]
    by_the_wall = customer_links.CustomerLinks.__init__.__kwdefaults__
    assert by_the_wall is not None
    monkeypatch.setitem(by_the_wall, "clock", lambda: told[0])
    return told


@pytest.fixture
def client(bank: Bank, allow: Callable[..., None], seconds: list[float]) -> Iterator[TestClient]:
    assert seconds
    for customer in (WHO, "c-2", "a/b"):
        allow(customer)
    with TestClient(build_app(bank), base_url="http://localhost", headers=HTML, follow_redirects=False) as opened:
        yield opened


def link_of(client: TestClient, customer: str = WHO, **page: str) -> str:
    path: str = client.post(f"/v1/customers/{customer}/links", json=page).json()["path"]
    return path


def test_without_a_link_no_page_of_a_customer_opens(client: TestClient) -> None:
    pages = [route.path for route in client.app.routes if route.path.startswith("/customer/")]  # type: ignore[attr-defined]

    assert len(pages) >= 6
    for path in pages:
        answer = client.get(path.format(customer=WHO, decision="d-1", purpose="insights", number="1", entry="1"))
        assert answer.status_code in {403, 405}, path  # a form alone is at the second
        assert answer.status_code == 405 or "link of its own" in answer.text


def test_a_link_opens_the_pages_and_is_in_no_address_then(client: TestClient) -> None:
    followed = client.get(link_of(client))

    assert (followed.status_code, followed.headers["location"]) == (303, f"/customer/{WHO}")
    cookie = followed.headers["set-cookie"]
    assert f"Path=/customer/{WHO};" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert client.get(f"/customer/{WHO}").status_code == 200
    assert client.get(f"/customer/{WHO}/insights").status_code == 200


@pytest.mark.parametrize("page", ["..", "../../console", "forecast/../../c-2", "./insights", "insights/."])
def test_a_link_leads_nowhere_else(client: TestClient, page: str) -> None:
    assert client.post(f"/v1/customers/{WHO}/links", json={"page": page}).status_code == 400


@pytest.mark.parametrize("page", ["", "insights", "decisions/d.1", "decisions/...", "decisions/..d"])
def test_dots_in_a_name_are_no_way_out(client: TestClient, page: str) -> None:
    assert client.post(f"/v1/customers/{WHO}/links", json={"page": page}).status_code == 201


def test_a_link_leads_to_the_page_it_was_asked_for_and_keeps_its_query(client: TestClient) -> None:
    link = link_of(client, page="insights")

    assert client.get(f"{link}&as_of=2026-01-01").headers["location"] == f"/customer/{WHO}/insights?as_of=2026-01-01"


def test_a_link_opens_no_page_of_somebody_else(client: TestClient) -> None:
    link = link_of(client)
    client.get(link)

    assert client.get("/customer/c-2").status_code == 403
    assert client.get(link.replace(WHO, "c-2")).status_code == 403
    token = client.cookies.get(COOKIE, path=f"/customer/{WHO}")
    assert client.get("/customer/c-2", headers={"Cookie": f"{COOKIE}={token}"}).status_code == 403


def test_a_customer_whose_name_is_like_another_is_told_apart(client: TestClient) -> None:
    client.get(link_of(client, "a%2Fb"))

    assert client.get("/customer/a%2Fb").status_code == 200
    assert client.get("/customer/a").status_code == 403


def test_a_link_ends_and_so_does_a_visit_that_rests(client: TestClient, seconds: list[float]) -> None:
    link = link_of(client)
    seconds[0] += LINK_SECONDS + 1
    assert client.get(link).status_code == 403

    client.get(link_of(client))
    for _ in range(3):  # each page renews the visit
        seconds[0] += VISIT_SECONDS - 1
        assert client.get(f"/customer/{WHO}").status_code == 200
    seconds[0] += VISIT_SECONDS + 1
    assert client.get(f"/customer/{WHO}").status_code == 403


def test_a_visit_is_no_link_and_a_link_no_visit(client: TestClient) -> None:
    link = link_of(client).partition("link=")[2]
    assert client.get(f"/customer/{WHO}", headers={"Cookie": f"{COOKIE}={link}"}).status_code == 403

    client.get(link_of(client))
    visit = client.cookies.get(COOKIE, path=f"/customer/{WHO}")
    assert client.get(f"/customer/{WHO}?link={visit}").status_code == 403


def test_a_visit_that_goes_on_ends_too(client: TestClient, seconds: list[float]) -> None:
    client.get(link_of(client))
    began = seconds[0]
    while seconds[0] < began + LONGEST_VISIT_SECONDS - VISIT_SECONDS:
        seconds[0] += VISIT_SECONDS - 1
        assert client.get(f"/customer/{WHO}").status_code == 200

    seconds[0] = began + LONGEST_VISIT_SECONDS
    assert client.get(f"/customer/{WHO}").status_code == 403


@pytest.mark.parametrize(
    "token", ["", ".", "x", "9" * 400, "\u0661.1.a", "-1.1.a", "1.5.a", "1.a", f"1.{2**62}.aa", "..", "1.2.3.4"]
)
def test_what_is_no_token_opens_nothing(token: str) -> None:
    links = CustomerLinks(b"secret", clock=lambda: 0.0)

    assert links.begin(WHO, link=token) is None
    assert links.renew(WHO, visit=token) is None


def test_a_form_needs_a_visit_too(client: TestClient, bank: Bank) -> None:
    before = bank.epoch(WHO)

    assert client.post(f"/customer/{WHO}/consents", data={"say": "withdraw * * *"}).status_code == 403
    assert bank.epoch(WHO) == before


@pytest.mark.usefixtures("client")
def test_the_command_line_makes_a_link(project: Path) -> None:
    asked = ["link", WHO, "--page", "insights", "--bank", str(project), "--port", "80", "--json"]
    answer = CliRunner().invoke(main, asked)

    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.output)["link"].startswith("http://127.0.0.1:80/customer/c-1/insights?link=")


def test_the_command_line_makes_a_link_in_a_language(client: TestClient, project: Path) -> None:
    answer = CliRunner().invoke(main, ["link", WHO, "--language", "de", "--bank", str(project), "--json"])
    made = json.loads(answer.output)["link"].partition("8000")[2]

    page = client.get(client.get(made).headers["location"], headers={"Accept-Language": "en"})
    assert page.headers["content-language"] == "de"


@pytest.mark.usefixtures("client")
def test_the_command_line_makes_no_link_out_of_the_customers_pages(project: Path) -> None:
    answer = CliRunner().invoke(main, ["link", WHO, "--page", "../../console", "--bank", str(project)])

    assert answer.exit_code == 3
    assert "link=" not in answer.output


def test_a_link_in_a_language_that_the_bank_does_not_offer_is_refused(project: Path) -> None:
    settings = project / "bank.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace('languages = ["en", "de"]', 'languages = ["en"]'), encoding="utf-8")
    with marketofone.open(project) as bank, TestClient(build_app(bank), base_url="http://localhost") as client:
        answer = client.post(f"/v1/customers/{WHO}/links", json={"language": "de"})

    assert (answer.status_code, answer.json()["field"]) == (400, "language")
