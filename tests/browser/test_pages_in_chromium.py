"""The pages in a real browser: accessible by axe, no sideways scrolling on a phone, and working without JavaScript."""

from __future__ import annotations

import base64
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import combinations, count
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_core_python.base import AXE_SCRIPT
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

import marketofone
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange, What
from marketofone.domain.decision import Request
from marketofone.domain.event import (
    AppOpened,
    AppSearched,
    CareFlagged,
    Event,
    LifeDeclared,
    MessageReceived,
    PlaceVisited,
)
from marketofone.domain.fields import EventData
from marketofone.domain.moment import DAY, Instant, datetime_of, instant_of
from marketofone.domain.money_events import TransactionBooked
from marketofone.domain.outcome import Outcome, Verdict
from marketofone.services.rights.customer_links import CustomerLinks
from marketofone.services.rights.inferences import InferenceSaid
from marketofone.web.app import build_app

pytestmark = pytest.mark.browser

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TRACED = "#traced"  # as it is after the form of the page was filled in
PAGES = (
    "/",
    "/customer/c-1",
    "/customer/p-1",
    "/customer/p-2",
    "/customer/nobody/first",
    "/customer/p-2/purposes/marketing/allow",
    "/customer/c-1/purposes/marketing",
    "/customer/c-2/purposes/marketing",
    "/customer/c-1/purposes/marketing/allow",
    "/customer/c-2/consents/{receipt}",
    "/customer/p-0/consents/{stopped}",
    "/customer/c-1/uses",
    "/customer/c-2/uses",
    "/customer/c-1/merchants",
    "/customer/w-1/wrong",
    "/customer/c-2/wrong",
    "/customer/c-1/forecast",
    "/customer/c-2/forecast",
    "/customer/c-1/insights",
    "/customer/c-2/insights",
    "/customer/c-1/take",
    "/customer/c-1/delegates",
    "/customer/c-1/forget",
    "/customer/c-1/decisions/{shown}",
    "/customer/c-2/decisions/nothing",
    "/console",
    "/console" + TRACED,
    "/console/board",
    "/console/impact",
    "/console/gates",
    "/console/gates" + TRACED,
    "/console/data",
    "/console/decisions/{shown}",
    "/console/decisions/{shown}" + TRACED,
    "/nowhere",
)
OF_CUSTOMERS = tuple(path for path in PAGES if path.startswith("/customer"))
IN_GERMAN = tuple(f"{path}#de" for path in OF_CUSTOMERS)  # its words are longer
WIDTHS = (360, 1280)
SCREEN = 800  # pixels of a phone's height
CROWD = 100
NOW = datetime(2026, 1, 5, 11, tzinfo=UTC)  # which days stand on the charts is the same on every day
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass(frozen=True)
class Town:
    """A bank, where it is served, a decision that showed something, and consent entries: a yes and a no."""

    bank: Bank
    url: str
    shown: str
    receipt: int
    stopped: int

    def at(self, path: str) -> str:
        """Give the address of a page; of a customer's with a link of their own, as the bank's app opens it.

        What follows "#" is the language of the page.
        """
        path, _, language = path.partition("#")
        path = path.format(shown=self.shown, receipt=self.receipt, stopped=self.stopped)
        if not path.startswith("/customer/"):
            return self.url + path
        customer = path.partition("?")[0].split("/")[2]
        links = CustomerLinks.of(self.bank.context)
        link = links.link(customer, language="de" if language == "de" else "en").path.partition("?")[2]
        return f"{self.url}{path}{'&' if '?' in path else '?'}{link}"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("seen")
    wiring.lay_out(folder)
    settings = folder / "bank.toml"  # with as many people in one group as in the other there is a lift to be drawn
    settings.write_text(settings.read_text().replace("control_share = 0.10", "control_share = 0.50"))
    now = instant_of(NOW)
    since = Instant(now - 60 * DAY)
    with marketofone.open(folder, clock=partial(next, map(Instant, count(now)))) as bank:
        bank.consent(
            ConsentChange(
                customer="c-1", change="grant", purposes=("*",), sources=("*",), channels=("*",), since=since
            ),
            now=since,
        )
        bank.ingest(year_of("c-1", until=now))
        bank.ingest([Event(id="once", producer="/seen", kind="app.opened", customer="c-2", at=now, data=AppOpened())])
        bank.ingest(kept_aside("c-1", at=now))
        bank.decide("c-2", occasion="app.opened", id="nothing")
        live_together(bank, [f"p-{number}" for number in range(CROWD)], since=since)
        moments = (Instant(now - ago * DAY) for ago in range(25, 0, -1))
        decisions = (bank.decide("c-1", occasion="app.opened", now=moment) for moment in moments)
        shown = next(decision.id for decision in decisions if decision.action != "nothing")
        bank.outcome(shown, "declined", why="too often")
        bank.outcome(shown, "accepted")
        every = ("*",)
        bank.consent(
            ConsentChange(customer="w-1", change="grant", purposes=every, sources=every, channels=every, since=since),
            now=since,
        )
        bank.ingest(concluded_about("w-1", at=Instant(now - DAY)))
        bank.rights.correct("w-1", InferenceSaid(inference="place.airport"))
        bank.consent(ConsentChange(customer="p-1", change="pause", since=bank.now()))
        bank.consent(ConsentChange(customer="p-2", change="object", since=bank.now()))
        receipt, stopped = says(bank, "c-2", "grant"), says(bank, "p-0", "withdraw")
        with served(bank) as url:
            yield Town(bank=bank, url=url, shown=shown, receipt=receipt, stopped=stopped)


def says(bank: Bank, customer: str, change: What) -> int:
    """Let somebody say something of one purpose; gives the entry."""
    now = bank.now()
    said = ConsentChange(
        customer=customer, change=change, purposes=("care",), sources=("app", "location"), channels=("*",), since=now
    )
    return bank.consent_given(said, now=now).entry.n


def live_together(bank: Bank, names: Sequence[str], *, since: Instant) -> None:
    """Let many people allow everything and come to the app; who is in the control group likes what is drawn."""
    every = ("*",)
    bank.consents_given(
        [
            ConsentChange(customer=name, change="grant", purposes=every, sources=every, channels=every, since=since)
            for name in names
        ],
        now=since,
    )
    before = Instant(since - DAY)
    bank.ingest(
        [
            Event(id=f"{name}-{n}", producer="/seen", kind="app.opened", customer=name, at=before, data=AppOpened())
            for name in names
            for n in range(3)
        ],
        now=since,
    )
    at = Instant(since + DAY)
    requests = [Request(id=f"{name}-1", customer=name, occasion="app.opened", channel="app", at=at) for name in names]
    made = [one for one in bank.decide_all(requests) if one.action != "nothing"]
    verdicts: dict[str, Verdict] = {"control": "accepted", "policy": "declined"}
    bank.record_outcomes(
        [Outcome(decision=one.id, verdict=verdicts[one.assignment], at=Instant(at + DAY)) for one in made]
    )


def year_of(customer: str, *, until: Instant) -> Iterator[Event]:
    balance = 200_000
    for day in range(365):
        at = Instant(until - (365 - day) * DAY)
        amount, what = {25: (280_000, "salary"), 1: (-95_000, "rent")}.get(datetime_of(at).day, (-2_900, "groceries"))
        balance += amount
        data = TransactionBooked(
            account="a1", amount_minor=amount, currency="EUR", category=what, balance_minor=balance
        )
        yield Event(id=f"{day}", producer="/seen", kind="transaction.booked", customer=customer, at=at, data=data)


def kept_aside(customer: str, *, at: Instant) -> list[bytes | Event]:
    """Rows that no event can be made of, and movements of which nothing tells what they are."""
    unknown = [
        TransactionBooked(account="a1", amount_minor=minor, currency="EUR", category=word, mcc="0001")
        for minor, word in ((50_000, "HOUSE_AND_HOME"), (-50_001, None))
    ]
    movements = (
        Event(id=f"unknown-{number}", producer="/seen", kind="transaction.booked", customer=customer, at=at, data=data)
        for number, data in enumerate(unknown)
    )
    return [b"no event", b'{"specversion": "1.0"}', *movements]


def concluded_about(customer: str, *, at: Instant) -> Iterator[Event]:
    """What the bank concludes something about somebody from: something of each family."""
    kiosk = TransactionBooked(account="a1", amount_minor=-900, currency="EUR", category="dining", merchant="Kiosk")
    told: dict[str, EventData] = {
        "life.declared": LifeDeclared(event="child"),
        "app.searched": AppSearched(query="travel insurance for my holiday abroad"),
        "message.received": MessageReceived(text="i lost my card"),
        "place.visited": PlaceVisited(venue="airport"),
        "care.flagged": CareFlagged(driver="health"),
        "transaction.booked": kiosk,
    }
    for kind, data in told.items():
        yield Event(id=f"told-{kind}", producer="/seen", kind=kind, customer=customer, at=at, data=data)


@contextmanager
def served(bank: Bank) -> Iterator[str]:
    """Serve a bank by a real server on loopback."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(build_app(bank), host="127.0.0.1", port=port, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join(timeout=60)


@contextmanager
def chromium(profile: Path, *, javascript: bool) -> Iterator[webdriver.Chrome]:
    """Open a fresh browser."""
    if not (CHROMIUM.exists() and DRIVER.exists()):
        pytest.skip("Chromium or its driver is absent: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    if not javascript:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("profile"), javascript=True) as driver:
        yield driver


@pytest.fixture
def plain_browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path, javascript=False) as driver:
        yield driver


def look(driver: webdriver.Chrome, url: str, *, width: int, scheme: str) -> None:
    """Open a page as a screen of this width shows it."""
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    driver.get("about:blank")  # else a fragment alone loads nothing anew
    driver.get(url)
    if url.endswith(TRACED):
        driver.find_element(By.ID, "by").send_keys("Ada")
        driver.find_element(By.CSS_SELECTOR, "button.primary").click()
        wait_for(driver, "p.note")


def wait_for(driver: webdriver.Chrome, selector: str) -> WebElement:
    """Give the first element of this kind, once the page that follows has it."""
    return WebDriverWait(driver, 60).until(lambda page: page.find_element(By.CSS_SELECTOR, selector))


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("width", [320, *WIDTHS])
def test_words_on_the_forecast_chart_can_be_read_beside_each_other(
    town: Town, browser: webdriver.Chrome, width: int, language: str
) -> None:
    look(browser, town.at(f"/customer/c-1/forecast#{language}"), width=width, scheme="light")
    found = (
        "return [...document.querySelectorAll('.fan, .fan .sign')].map(part => part.getBoundingClientRect().toJSON())"
    )
    chart, *boxes = browser.execute_script(found)
    assert len(boxes) > 2
    for box in boxes:
        assert chart["left"] - 1 <= box["left"]
        assert box["right"] <= chart["right"] + 1
    for one, other in combinations(boxes, 2):
        beside = one["right"] <= other["left"] + 1 or other["right"] <= one["left"] + 1
        assert beside or one["bottom"] <= other["top"] + 2 or other["bottom"] <= one["top"] + 2


@pytest.mark.parametrize("path", ["/console/data", "/customer/c-1/uses", "/customer/c-1/uses#de"])
@pytest.mark.parametrize("width", [320, *WIDTHS])
def test_words_on_charts_do_not_lie_over_each_other(
    town: Town, browser: webdriver.Chrome, width: int, path: str
) -> None:
    look(browser, town.at(path), width=width, scheme="light")
    boxes = browser.execute_script(
        "return [...document.querySelectorAll('.chart text')]"
        ".map(part => ({...part.getBoundingClientRect().toJSON(), text: part.textContent}))"
    )
    assert len(boxes) > 10
    for one, other in combinations(boxes, 2):
        beside = one["right"] <= other["left"] + 1 or other["right"] <= one["left"] + 1
        below = one["bottom"] <= other["top"] + 3 or other["bottom"] <= one["top"] + 3
        assert beside or below, (one["text"], other["text"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(town: Town, browser: webdriver.Chrome, path: str, width: int, scheme: str) -> None:
    look(browser, town.at(path), width=width, scheme=scheme)
    browser.execute_script("document.querySelectorAll('details').forEach(part => part.open = true)")
    browser.execute_script(AXE_SCRIPT)
    found: dict[str, Any] = browser.execute_async_script(
        "const [rules, done] = arguments; axe.run(document, {runOnly: rules}).then(done)", RULES
    )
    assert found["passes"]
    told = [(fault["id"], [node["html"] for node in fault["nodes"]][:3]) for fault in found["violations"]]
    assert told == []


@pytest.mark.parametrize("path", IN_GERMAN)
def test_axe_finds_nothing_in_german(town: Town, browser: webdriver.Chrome, path: str) -> None:
    test_axe_finds_nothing(town, browser, path, 360, "light")
    assert browser.execute_script("return document.documentElement.lang") == "de"


@pytest.mark.parametrize("path", [*PAGES, *IN_GERMAN])
def test_nothing_scrolls_sideways_on_a_phone(town: Town, browser: webdriver.Chrome, path: str) -> None:
    look(browser, town.at(path), width=360, scheme="light")
    browser.execute_script("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("path", [*OF_CUSTOMERS, *IN_GERMAN])
def test_text_of_twice_the_size_scrolls_nothing_sideways(town: Town, browser: webdriver.Chrome, path: str) -> None:
    look(browser, town.at(path), width=360, scheme="light")
    browser.execute_script("document.documentElement.style.fontSize = '200%'")
    browser.execute_script("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize(
    "path", ["c-1", "c-1/purposes/marketing", "c-1/purposes/marketing/allow", "c-1/uses", "nobody/first", "c-1#de"]
)
def test_every_control_is_large_enough_to_touch(town: Town, browser: webdriver.Chrome, path: str) -> None:
    look(browser, town.at(f"/customer/{path}"), width=360, scheme="light")
    sizes = browser.execute_script(
        "return [...document.querySelectorAll('button, .button, nav a, summary, input, select')]"
        ".map(item => item.getBoundingClientRect()).filter(box => box.width)"
        ".map(box => Math.min(box.width, box.height))"
    )
    assert min(sizes) >= 24


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("width", [320, *WIDTHS])
def test_a_first_no_is_as_large_as_the_yes_and_stands_beside_it(
    town: Town, browser: webdriver.Chrome, width: int, language: str
) -> None:
    look(browser, town.at(f"/customer/nobody/first#{language}"), width=width, scheme="light")
    pairs = browser.execute_script(
        "return [...document.querySelectorAll('.equal')].map(pair => [...pair.children]"
        ".filter(item => item.tagName != 'LEGEND').map(item => [item.getBoundingClientRect().toJSON(),"
        " getComputedStyle(item).backgroundColor, getComputedStyle(item).color, getComputedStyle(item).fontWeight]))"
    )
    assert len(pairs) > 3
    for (yes, *looks), (no, *other) in pairs:
        assert (yes["width"], yes["height"], looks) == (no["width"], no["height"], other)
        assert min(yes["width"], yes["height"]) >= 44
        assert yes["top"] == no["top"] or yes["left"] == no["left"]


@pytest.mark.parametrize("customer", ["c-1", "p-1", "p-2", "c-1#de", "p-1#de"])
def test_my_data_of_a_year_is_three_screens_forty_tab_stops_and_forty_kilobytes(
    town: Town, browser: webdriver.Chrome, customer: str
) -> None:
    look(browser, town.at(f"/customer/{customer}"), width=360, scheme="light")
    assert len(browser.page_source.encode()) <= 40_000
    assert browser.execute_script("return document.documentElement.scrollHeight") <= 3 * SCREEN
    stops = 0
    while True:
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if browser.switch_to.active_element.tag_name == "body":
            break
        stops += 1
    assert 10 < stops <= 40


def test_my_data_is_printed_on_two_sheets(town: Town, browser: webdriver.Chrome) -> None:
    look(browser, town.at("/customer/c-1"), width=1280, scheme="light")
    sheets = base64.b64decode(
        browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})["data"]
    )
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", sheets)) <= 2


def test_bars_are_seen_in_forced_colours(town: Town, browser: webdriver.Chrome) -> None:
    look(browser, town.at("/customer/c-1/uses"), width=360, scheme="light")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "forced-colors", "value": "active"}]})
    fills = browser.execute_script(
        "return ['.mark', '.track'].map(part => getComputedStyle(document.querySelector(part)).fill)"
    )
    assert len(set(fills)) == 2


def test_a_switch_works_without_javascript_and_shows_in_the_next_decision(
    town: Town, plain_browser: webdriver.Chrome
) -> None:
    plain_browser.get(town.at("/customer/c-1/purposes/insights"))
    plain_browser.find_element(By.CSS_SELECTOR, "#transactions > .row button").click()
    assert "You said no" in wait_for(plain_browser, "[role=status]").text
    decision = town.bank.decide("c-1", occasion="app.opened")
    assert ("insights", "transactions") not in decision.uses
    plain_browser.get(town.at("/customer/c-1/purposes/insights"))
    assert "Off since" in plain_browser.find_element(By.CSS_SELECTOR, "#transactions > .row .state").text
    plain_browser.find_element(By.CSS_SELECTOR, "#transactions > .row a").click()
    for box in wait_for(plain_browser, "form.after").find_elements(By.CSS_SELECTOR, "[type=checkbox]"):
        box.click()
    plain_browser.find_element(By.CSS_SELECTOR, "form.after button").click()
    assert "You said yes" in wait_for(plain_browser, "[role=status]").text
    decision = town.bank.decide("c-1", occasion="app.opened")
    assert ("insights", "transactions") in decision.uses
    plain_browser.get(town.at(f"/customer/c-1/decisions/{decision.id}"))
    assert plain_browser.find_elements(By.TAG_NAME, "h1")


def test_what_is_wrong_is_said_with_the_keyboard_alone(town: Town, plain_browser: webdriver.Chrome) -> None:
    plain_browser.get(town.at("/customer/w-1/wrong"))
    for _ in range(20):
        plain_browser.switch_to.active_element.send_keys(Keys.TAB)
        if plain_browser.switch_to.active_element.text.startswith("That is wrong"):
            break
    plain_browser.switch_to.active_element.send_keys(Keys.ENTER)
    row = wait_for(plain_browser, "li:target")
    assert "You have a child, or expect one." in row.text
    assert "that this is wrong. Nothing uses it." in row.text
    assert "life_child_days" not in {one.name for one in town.bank.profile("w-1").known}


def test_an_answer_is_changed_with_the_keyboard_alone(town: Town, plain_browser: webdriver.Chrome) -> None:
    plain_browser.get(town.at(f"/customer/c-1/decisions/{town.shown}"))
    for _ in range(20):
        plain_browser.switch_to.active_element.send_keys(Keys.TAB)
        if plain_browser.switch_to.active_element.text == "Not now":
            break
    plain_browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert "You said it is not for you" in wait_for(plain_browser, "#answer [role=status]").text
