"""How it was used: seven days by source, one month by day, who asked, all of it as a file; and nothing else is read."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from page_visitor import NOW, Visitor, client_of, cloudevent, year_of

from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import DAY, HOUR, Instant, instant_of
from marketofone.projection import codec
from marketofone.services.rights.use_log import recorded_uses, uses_of_period
from marketofone.store.ports import Entry

WHO, PAGE = "c-1", "/customer/c-1/uses"
AGO = (100, 40, 20, 9, 6, 5, 5, 1)  # days before now of the decisions that read
EVERY = ("*",)


@pytest.fixture
def bank(bank: Bank) -> Bank:
    """A bank that decided for one person now and then, and showed them what is coming once."""
    since = Instant(instant_of(NOW) - 120 * DAY)
    bank.consent(
        ConsentChange(customer=WHO, change="grant", purposes=EVERY, sources=EVERY, channels=EVERY, since=since),
        now=since,
    )
    bank.ingest(year_of(WHO, until=NOW - timedelta(days=119))[:100], now=since)
    for number, ago in enumerate(AGO):
        bank.decide(WHO, occasion="app.opened", id=f"d-{number}", now=Instant(instant_of(NOW) - ago * DAY + number))
    bank.show_forecast(WHO, now=Instant(instant_of(NOW) - HOUR))
    return bank


@pytest.fixture
def visitor(bank: Bank) -> Iterator[Visitor]:
    with client_of(bank) as client:
        yield Visitor(client)


def at(days: int) -> Instant:
    return Instant(instant_of(NOW) - days * DAY)


def test_a_period_holds_what_all_the_log_holds_of_it(bank: Bank) -> None:
    every = recorded_uses(bank.context, WHO, since=Instant(0), until=bank.now())
    assert Counter(one.what for one in every) == {"decided": len(AGO), "forecast": 1}
    assert [one.at for one in every] == sorted((one.at for one in every), reverse=True)
    for since, until in ((0, 101), (5, 30), (30, 31), (6, 7)):
        some = recorded_uses(bank.context, WHO, since=at(until), until=at(since))
        assert some == [one for one in every if at(until) <= one.at < at(since)]
    for purpose, source in (("insights", ""), ("", "app"), ("insights", "app"), ("care", "messages")):
        kept = recorded_uses(bank.context, WHO, since=Instant(0), until=bank.now(), purpose=purpose, source=source)
        read = [scope for one in every for scope in one.scopes]
        mine = [scope for scope in read if purpose in ("", scope[0]) and source in ("", scope[1])]
        assert [scope for one in kept for scope in one.scopes] == mine != []


def test_only_entries_of_the_period_are_opened(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    bank.uses(WHO)
    opened: list[Instant] = []
    plain_of = codec.plain_of

    def watched(entry: Entry, **how: object) -> tuple[bytes, bytes]:
        opened.append(entry.recorded)
        return plain_of(entry, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(codec, "plain_of", watched)
    assert uses_of_period(bank.context, WHO, since=at(30), until=at(7)).recorded == 2
    assert len(opened) == 2
    assert all(at(30) <= recorded < at(7) for recorded in opened)
    opened.clear()
    assert {use.day for use in bank.uses(WHO, days=1)} == {"2026-01-05"}
    assert min(opened) >= at(1)


def test_what_was_shown_is_counted_as_the_decisions_have_it(bank: Bank) -> None:
    made = [bank.decision(f"d-{number}") for number in range(len(AGO))]
    shown = sum(decision.action != "nothing" for decision in made)
    assert 0 < uses_of_period(bank.context, WHO, since=Instant(0), until=bank.now()).shown == shown


def test_seven_days_stand_in_the_chart_and_in_the_table_with_count_and_last(bank: Bank, visitor: Visitor) -> None:
    page = visitor.page(PAGE)
    midnight = bank.calendar.start_of(bank.calendar.day_of(at(6)))
    week = uses_of_period(bank.context, WHO, since=midnight, until=bank.now()).sources
    titles: dict[str, str] = {name: of.title for name, of in bank.config.policy.sources.items()}
    drawn = [text.text for text in page.all("text") if text.attributes["class"] == "value"]
    rows = [row.text.split() for row in page.all("tbody")[0].all("tr")]
    assert [words[-4] for words in rows] == [drawn_as.split()[0] for drawn_as in drawn]
    assert [int(words[-4]) for words in rows] == [of.count for of in week]
    assert [" ".join(words[:-4]) for words in rows] == [titles[of.source] for of in week]
    assert max(of.count for of in week) == 5


def test_a_month_is_chosen_and_narrowed_and_taken_along(bank: Bank, visitor: Visitor) -> None:
    page = visitor.page(f"{PAGE}?month=2025-12&purpose=insights&source=app")
    days = [row.text for row in page.all("table")[2].all("tbody")[0].all("tr")]
    assert days == ["31 Dec 2025 2", "30 Dec 2025 1", "27 Dec 2025 1", "16 Dec 2025 1"]
    day = visitor.page(next(link for link in page.links if "day=2025-12-31" in link).partition("#")[0])
    assert "Understand my money How you use the app \N{MULTIPLICATION SIGN} 2 12:00" in day.all("table")[1].text
    assert "Offers" not in day.all("table")[1].text
    assert "Offers" in visitor.page(f"{PAGE}?day=2025-12-31").all("table")[1].text
    table = next(link for link in page.links if "uses.csv?" in link)
    rows = list(csv.DictReader(io.StringIO(visitor.client.get(table).text)))
    assert {(row["purpose"], row["source"]) for row in rows} == {("insights", "app")}
    assert {row["at"][:7] for row in rows} == {"2025-12"}
    every = json.loads(visitor.client.get(f"{PAGE}.json").content)
    read = [one for reading in every for one in reading["read"]]
    assert len(read) == sum(use.count for use in bank.uses(WHO, days=3_650))
    assert "Your journal records no reading" in visitor.page(f"{PAGE}?month=2025-02").text


def test_who_looked_and_why_stands_there_as_the_log_has_it(bank: Bank, visitor: Visitor) -> None:
    bank.context.actor = "cli"
    bank.show_forecast(WHO)
    bank.context.actor = "http"
    page = visitor.page(PAGE)
    assert "Looking ahead Somebody at the bank, by a command 1 5 Jan, 12:00" in page.all("table")[-1].text
    assert "write down their name and their reason first" in page.text


def test_a_page_of_the_past_shows_nothing_that_came_later_and_no_switch(bank: Bank, visitor: Visitor) -> None:
    then = "as_of=2025-12-20"
    bank.consent(
        ConsentChange(
            customer=WHO, change="withdraw", purposes=("marketing",), sources=EVERY, channels=EVERY, since=bank.now()
        )
    )
    for path in ("", "/purposes/marketing", "/purposes/marketing/allow", "/uses", "/consents/1", "/merchants"):
        page = visitor.page(f"/customer/{WHO}{path}?{then}")
        assert [form for form in page.all("form") if form.attributes["method"] == "post"] == [], path
        assert "5 January 2026" not in page.text, path
    home = visitor.page(f"/customer/{WHO}?{then}")
    assert "23 of 23 permissions were on" in home.text
    assert not any("d-7" in link for link in home.links)
    assert any("/decisions/d-3?" in link or "/decisions/d-2?" in link for link in home.links)
    assert visitor.page(f"{PAGE}?{then}").all("select")[0].text.startswith("December 2025")
    assert "Off since" not in visitor.page(f"/customer/{WHO}/purposes/marketing?{then}").text
    every = json.loads(visitor.client.get(f"{PAGE}.json?{then}").content)
    assert len(every) == 3
    visitor.page(f"/customer/{WHO}/decisions/d-7?{then}", status=404)


def test_the_sentence_of_the_month_is_that_of_the_log(bank: Bank, visitor: Visitor) -> None:
    month = uses_of_period(bank.context, WHO, since=bank.calendar.start_of(bank.calendar.day_of(at(4))), until=at(-1))
    assert month.shown == sum(bank.decision("d-7").action != "nothing" for _ in (1,))
    text = visitor.page(f"/customer/{WHO}").text
    assert f"showed you {'nothing' if not month.shown else '1 thing'}" in text
    titles: dict[str, str] = {name: of.title for name, of in bank.config.policy.sources.items()}
    for of in month.sources[:3]:
        title = titles[of.source]
        assert title[:1].lower() + title[1:] in text
    bank.ingest([cloudevent(0, "app.opened", NOW, "unread")])
    assert "This month we used nothing of yours, and showed you nothing." in visitor.page("/customer/unread").text
