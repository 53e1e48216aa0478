"""What leaves the house and what of it is recorded: nothing after a no, only uses for a look, each by its actor."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from page_visitor import HTML, NOW, Visitor, client_of, cloudevent, year_of

from marketofone.bank import Bank
from marketofone.cli import main
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.decision import Decision
from marketofone.domain.moment import DAY, Instant, text_of
from marketofone.projection import codec
from marketofone.services.decisions.visible import HIDDEN
from marketofone.services.learning import learner

WHO, LANDLORD = "carla", "Landlord Ltd"
TELLING = re.compile(r"shortfall|short of|runs? short|\brent\b|Landlord|below zero|nearly empty", re.IGNORECASE)
TRACE = "/console/decisions/d-1"
LOOKS = (
    "/v1/customers/carla/profile",
    "/v1/customers/carla/insights",
    "/v1/customers/carla/forecast",
    "/v1/customers/carla/uses",
    "/v1/customers/carla/consents",
    "/v1/decisions/d-1",
    TRACE,
    "/customer/carla/decisions/d-1",
    "/customer/carla",
    "/customer/carla/purposes/insights",
    "/customer/carla/purposes/insights/allow",
    "/customer/carla/consents/1",
    "/customer/carla/uses",
    "/customer/carla/uses.csv",
    "/customer/carla/uses.json",
    "/customer/carla/forecast",
    "/customer/carla/insights",
    "/console",
    "/console/board",
    "/console/impact",
    "/console/gates",
    "/v1/funnel",
    "/v1/impact",
    "/",
    "/health",
    "/metrics",
    "/openapi.json",
)


def poor(customer: str) -> Iterator[bytes]:
    """Live from what is left, with a rent ahead that it does not cover."""
    flows = [(ago, -110_000, "rent", LANDLORD) for ago in range(207, 0, -30)]
    flows += [(ago, 120_000, "salary", "ACME") for ago in range(200, 60, -30)]
    flows += [(ago, -900, "groceries", "Shop") for ago in range(200, 0, -3)]
    balance = 30_000 - sum(amount for _, amount, _, _ in flows)
    for number, (ago, amount, category, whom) in enumerate(sorted(flows, reverse=True)):
        balance += amount
        facts = {"account": "a1", "amount_minor": amount, "currency": "EUR", "category": category, "merchant": whom}
        at = NOW - timedelta(days=ago)
        yield cloudevent(number, "transaction.booked", at, customer, **facts, balance_minor=balance)


def say(bank: Bank, change: Any, customer: str = WHO) -> None:
    every = ("*",)
    bank.consent(
        ConsentChange(customer=customer, change=change, since=bank.now(), purposes=every, sources=every, channels=every)
    )


@pytest.fixture
def known(bank: Bank) -> Bank:
    """A bank that foresees that somebody runs short, and told them."""
    say(bank, "grant")
    bank.ingest(poor(WHO))
    bank.forecast(WHO)
    bank.decide(WHO, occasion="forecast.made", id="d-1")
    return bank


@pytest.fixture
def looked(known: Bank) -> Iterator[Visitor]:
    with client_of(known) as client:
        yield Visitor(client)


def asked(visitor: Visitor, path: str) -> Any:
    """Give the answer at a path; a trace is asked for with a reason."""
    return visitor.answer_to(path) if path == TRACE else visitor.client.get(path, headers=HTML)


def entries(bank: Bank) -> Counter[str]:
    with bank.context.store.read() as reader:
        return Counter(
            entry.kind for subject in (0, *bank.context.keys.subjects()) for entry in reader.entries(subject)
        )


def records(bank: Bank, customer: str) -> list[tuple[str, Any]]:
    (owner,) = bank.context.keys.find((customer,)).values()
    with bank.context.store.read() as reader:
        return [(entry.kind, codec.read(entry, box=owner.box)) for entry in reader.entries(owner.subject)]


def test_before_the_no_there_is_something_to_tell(looked: Visitor) -> None:
    told = [path for path in LOOKS if TELLING.search(asked(looked, path).text)]
    assert {"/v1/customers/carla/forecast", "/customer/carla/forecast", TRACE} <= set(told)


def test_after_a_no_no_page_and_no_operation_tells_what_was_foreseen(known: Bank, looked: Visitor) -> None:
    say(known, "withdraw")
    general = {"/console/board", "/", "/openapi.json"}  # they list what the bank may do, and name no person
    for path in LOOKS:
        answer = asked(looked, path)
        assert answer.status_code in {200, 403}, path
        if path not in general:
            text = re.sub(r"<option.*?</option>", "", answer.text)
            assert not TELLING.search(text), (path, TELLING.findall(text))
    assert HIDDEN in looked.look(TRACE).text.lower()
    assert HIDDEN in looked.page("/customer/carla/decisions/d-1").text.lower()
    refused = looked.client.get("/v1/decisions/d-1")
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:marketofone:problem:consent-refused"
    assert "you said no" in refused.json()["detail"]
    again = looked.client.post("/v1/decisions", json={"customer": WHO, "occasion": "forecast.made", "id": "d-1"})
    assert (again.status_code, again.json()["detail"]) == (403, refused.json()["detail"])


def test_after_a_no_the_original_stays_in_the_journal(known: Bank) -> None:
    say(known, "withdraw")
    kept = [record.decision for kind, record in records(known, WHO) if kind == "decision"]
    assert [made.id for made in kept] == ["d-1"]
    assert {candidate.action for made in kept for candidate in made.candidates} > {"shortfall_warning"}
    assert HIDDEN not in kept[0].reasons[0].text


@pytest.mark.parametrize("how", [("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe"), (None, None)])
def test_a_page_of_another_site_leaves_no_use_behind(
    known: Bank, looked: Visitor, how: tuple[str | None, str | None]
) -> None:
    named = zip(("Sec-Fetch-Mode", "Sec-Fetch-Dest"), how, strict=True)
    said = {name: value for name, value in named if value is not None}
    before = entries(known)
    for site in ("cross-site", "same-site"):
        for path in LOOKS:
            assert looked.client.get(path, headers={"Sec-Fetch-Site": site, **said}).status_code == 403, path
    assert entries(known) == before


def test_a_link_on_another_site_may_be_followed(looked: Visitor) -> None:
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert looked.client.get("/customer/carla/forecast", headers={**HTML, **followed}).status_code == 200


def test_a_look_changes_nothing_but_the_log_of_uses(known: Bank, looked: Visitor) -> None:
    with known.context.store.read() as reader:
        forecast = known.context.snapshot(reader).person(WHO).forecast
    before = entries(known)
    for path in LOOKS:
        for asked in (path, f"{path}?as_of={text_of(Instant(known.now() - 40 * DAY)).replace(':', '%3A')}"):
            came_later = path.startswith(("/customer/carla/decisions/", "/customer/carla/consents/")) and asked != path
            assert looked.client.get(asked, headers=HTML).status_code == (404 if came_later else 200), asked
    after = entries(known)
    assert set(after - before) == {"use"}
    with known.context.store.read() as reader:
        assert known.context.snapshot(reader).person(WHO).forecast == forecast


@pytest.mark.parametrize("path", [path for path in LOOKS if path.startswith(("/v1/customers", "/customer", "/con"))])
def test_no_look_reaches_into_the_future(looked: Visitor, path: str) -> None:
    if path.endswith("/uses"):
        return  # the log is not asked about a moment
    ahead = (NOW + timedelta(days=360)).date().isoformat()
    answer = looked.client.get(f"{path}?as_of={ahead}", headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert (answer.json()["field"], answer.json()["shape"]) == ("as_of", "a moment in the future")


def test_a_question_about_the_past_is_no_contact(known: Bank, looked: Visitor) -> None:
    before = entries(known)
    asked = {"customer": WHO, "occasion": "app.opened", "as_of": text_of(Instant(known.now() - 10 * DAY))}
    answer = looked.client.post("/v1/decisions", json=asked)
    assert answer.status_code == 200
    assert answer.json()["because"]
    assert set(entries(known) - before) == {"use"}
    assert looked.client.get(f"/v1/decisions/{answer.json()['id']}").status_code == 404
    late = looked.client.post("/v1/decisions", json={**asked, "as_of": "2190-01-01"})
    assert (late.status_code, late.json()["field"]) == (400, "as_of")


def test_every_entry_names_who_acted(known: Bank, looked: Visitor) -> None:
    def last(kind: str) -> Any:
        return [record for of, record in records(known, WHO) if of == kind][-1]

    looked.client.put("/v1/customers/carla/consents", json={"change": "grant"})
    assert last("consent").actor == "http"
    looked.say(looked.page("/customer/carla"), "Stop everything")
    assert last("consent").actor == "customer"
    say(known, "grant")
    looked.client.get("/v1/customers/carla/profile")
    assert last("use").actor == "http"


def test_the_command_line_names_itself(bank: Bank, project: Any) -> None:
    result = CliRunner().invoke(main, ["consent", "grant", WHO, "--bank", str(project)])
    assert result.exit_code == 0
    assert [record.actor for _, record in records(bank, WHO)] == ["cli"]


def test_who_grants_is_told_the_end(bank: Bank, looked: Visitor) -> None:
    answer = looked.client.put("/v1/customers/carla/consents", json={"change": "grant"}).json()
    assert {cell["until"] for cell in answer["cells"]} == {answer["until"]}
    assert len(answer["entry"]["hash"]) == 64
    with bank.context.store.read() as reader:
        head = reader.head(answer["entry"]["subject"])
    assert (head.n, head.hash.hex()) == (answer["entry"]["n"], answer["entry"]["hash"])
    page = looked.say(looked.page("/customer/carla"), "Stop everything")
    assert "It ends by itself" not in page.text
    page = looked.say(looked.page("/customer/carla/purposes/marketing/allow"), "Yes, allow it")
    end = datetime.fromisoformat(answer["until"]).astimezone(ZoneInfo(bank.config.settings.timezone))
    assert f"It ends by itself on {end.day} {end:%b %Y}" in page.text
    far = looked.client.put("/v1/customers/carla/consents", json={"change": "grant", "until": "2199-01-01"})
    assert (far.status_code, far.json()["field"]) == (400, "until")
    assert "365 days" in far.json()["shape"]


def soon(what: Callable[[], bool], *, seconds: float = 60.0) -> bool:
    """Wait as long as a loaded machine may take."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        if what():
            return True
        time.sleep(0.01)
    return what()


def something_shown(bank: Bank, customer: str) -> Decision:
    """Decide for somebody who allows everything until something is shown."""
    say(bank, "grant", customer)
    bank.ingest(year_of(customer, until=NOW))
    made = (bank.decide(customer, occasion="app.opened") for _ in range(50))
    return next(decision for decision in made if decision.action != "nothing")


def test_an_outcome_is_learned_soon_and_not_while_it_is_heard(bank: Bank) -> None:
    assert learner.GATHER_SECONDS < 1
    with client_of(bank) as client:
        made = something_shown(bank, "c-1")
        before = len(bank.versions())
        heard = client.post("/v1/outcomes", json={"decision": made.id, "verdict": "accepted"}).json()
        assert heard["learned"]
        assert soon(lambda: len(bank.versions()) == before + 1)
    assert not [thread for thread in threading.enumerate() if thread.name == "learner"]
    assert bank.learning.by_itself


def test_what_waits_when_the_server_ends_is_learned_first(bank: Bank) -> None:
    made = something_shown(bank, "c-1")
    bank.learning.by_itself = False
    with bank.learning.beside():
        assert bank.outcome(made.id, "ignored").learned
    assert len(bank.versions()) == 1
    assert json.dumps(bank.counts())
