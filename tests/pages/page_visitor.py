"""Somebody who reads pages and fills in forms, and the events of a year of their life."""

from __future__ import annotations

import json
import warnings
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import unquote, urlsplit

from page_check import Page

from marketofone.bank import Bank
from marketofone.domain.moment import Instant, instant_of
from marketofone.services.rights.customer_links import CustomerLinks
from marketofone.web.app import build_app
from marketofone.web.page_lint import page_faults

with warnings.catch_warnings():  # Starlette would rather have httpx2; its test client works with httpx
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient


NOW = datetime(2026, 1, 5, 11, tzinfo=UTC)  # a Monday; no midnight passes in the banks of these tests
_TICKS = count()


def clock() -> Instant:
    """Tell the banks of these tests what time it is: a microsecond later each time, as no clock stands still."""
    return Instant(instant_of(NOW) + next(_TICKS))


def client_of(bank: Bank) -> TestClient:
    """Give a client of a bank's application, knocking at loopback's own name.

    It opens a customer's pages as the bank's app does: by a link of their own.
    """
    return _Client(bank)


class _Client(TestClient):
    def __init__(self, bank: Bank) -> None:
        super().__init__(build_app(bank), base_url="http://localhost")
        self._links = CustomerLinks.of(bank.context)
        self._opened: set[str] = set()

    def request(self, method: str, url: Any, **more: Any) -> Any:
        segments = urlsplit(str(url)).path.split("/")
        customer = unquote(segments[2]) if segments[1:2] == ["customer"] else None
        if customer is not None and customer not in self._opened:
            self._opened.add(customer)
            super().request("GET", self._links.link(customer).path, follow_redirects=False)
        return super().request(method, url, **more)


HTML = {"Accept": "text/html"}


class Time:
    """A clock that is moved by hand."""

    def __init__(self, start: Instant) -> None:
        self.now = start

    def __call__(self) -> Instant:
        return self.now


class Visitor:
    """Somebody who reads pages and fills in forms. Each page is checked; its links are kept to be followed."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def page(self, path: str, *, status: int = 200) -> Page:
        return self.read(self.client.get(path, headers=HTML, follow_redirects=False), path, status=status)

    def read(self, response: Any, path: str, *, status: int) -> Page:
        """Check an answer, and read it as a page."""
        assert response.status_code == status, f"{path} answered {response.status_code}"
        assert response.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert response.headers["cache-control"] == "no-store"
        page = Page(response.text)
        assert page.faults == [], path
        assert page_faults(response.text) == [], path
        return page

    def say(self, page: Page, button: str, **fields: str) -> Page:
        """Press the button with these words (or the hidden words of a switch) and read the page that follows."""
        pressed = next(item for item in page.all("button") if item.text == button or item.text.endswith(button))
        form = pressed.within("form")
        assert form is not None
        kept = {item.attributes["name"]: item.attributes.get("value", "") for item in form.all("input")}
        data = {**kept, **fields, pressed.attributes["name"]: pressed.attributes["value"]}
        response = self.client.post(form.attributes["action"], data=data, headers=HTML, follow_redirects=False)
        assert response.status_code == 303, response.text
        return self.page(response.headers["location"].partition("#")[0])

    def look(self, path: str, *, status: int = 200, **said: str) -> Page:
        """Look at a page of the console that asks for a reason first: give one, and read the page that follows."""
        return self.read(self.answer_to(path, **said), path, status=status)

    def answer_to(self, path: str, **said: str) -> Any:
        """Give the answer of such a page, once name and reason are given."""
        form = next(form for form in self.page(path).all("form") if form.attributes["method"] == "post")
        kept = {item.attributes["name"]: item.attributes.get("value", "") for item in form.all("input")}
        data = {**kept, "by": "Ada", "reason": "check", **said}
        return self.client.post(form.attributes["action"], data=data, headers=HTML, follow_redirects=False)


def cloudevent(number: int, kind: str, at: datetime, customer: str, **data: Any) -> bytes:
    document = {
        "specversion": "1.0",
        "id": f"{customer}-{number}",
        "source": "/pages",
        "type": kind,
        "subject": customer,
        "time": at.isoformat(),
        "data": data,
    }
    return json.dumps(document).encode()


def year_of(customer: str, *, until: datetime) -> list[bytes]:
    """A year of one person's account: pay, rent, groceries."""
    events = [cloudevent(0, "account.opened", until - timedelta(days=400), customer, account="a1", product="current",
                         currency="EUR")]  # fmt: skip
    balance = 150_000
    for day in range(365):
        at = until - timedelta(days=365 - day)
        booked = {25: (280_000, "salary"), 1: (-95_000, "rent")}.get(at.day, (-2_100 - 37 * (day % 11), "groceries"))
        balance += booked[0]
        events.append(
            cloudevent(day + 1, "transaction.booked", at, customer, account="a1", amount_minor=booked[0],
                       currency="EUR", category=booked[1], operation="card", balance_minor=balance)
        )  # fmt: skip
    return events
