"""Who may run short reads first when, by how much and how likely, what helps, and whom to call."""

from __future__ import annotations

from datetime import timedelta

from page_visitor import NOW, Visitor, cloudevent, year_of
from test_what_is_coming_is_shown import running_out, welcome

from marketofone.bank import Bank
from marketofone.domain.moment import DAY, Instant, instant_of
from marketofone.services.foresight.forecast import CustomerForecast
from marketofone.services.foresight.running_short import HELP_FROM, running_short

HELP = "You need not sort this out alone"


def risk(ahead: CustomerForecast) -> float:
    return max((event.probability for event in ahead.events if event.event == "below_zero"), default=0.0)


def moved(customer: str, more: int) -> list[bytes]:
    """Give somebody a payment of today that lifts or lowers what is left."""
    facts = {"account": "a1", "amount_minor": more, "currency": "EUR", "category": "other"}
    return [cloudevent(9_000, "transaction.booked", NOW, customer, **facts, balance_minor=40_000 - 2_700 + more)]


def test_everybody_above_one_in_five_sees_help_and_a_contact_on_their_page(town: Bank, visitor: Visitor) -> None:
    risks = dict[str, float]()
    for number, more in enumerate((-60_000, -20_000, -2_000, 20_000, 60_000, 150_000, 400_000, 2_000_000)):
        name = f"cushion-{number}"
        welcome(town, name)
        town.ingest([*running_out(name, until=NOW - timedelta(days=1)), *moved(name, more)])
        risks[name] = risk(town.show_forecast(name))
    assert min(risks.values()) <= HELP_FROM < max(risks.values())
    for name, chance in risks.items():
        page = visitor.page(f"/customer/{name}/forecast")
        called = any(link.startswith("tel:") for link in page.links)
        assert (HELP in page.text and called) == (chance > HELP_FROM), (name, chance)
        assert any(button.text == "Call me back" for button in page.all("button")) == (chance > HELP_FROM)


def test_the_answer_comes_first_with_day_amount_chance_and_horizon(town: Bank, visitor: Visitor) -> None:
    welcome(town, "soon")
    town.ingest(running_out("soon", until=NOW))
    page = visitor.page("/customer/soon/forecast")
    answer = next(one.text for one in page.all("p") if one.attributes.get("class") == "subject")
    assert "you may be short by up to" in answer
    assert "EUR" in answer
    assert "chance" in answer
    assert answer.endswith(("within 30 days.", "within 60 days.", "within 90 days."))
    assert "Ask whether this can be paid later" in page.text
    headings = [heading.text for heading in page.all("h2")]
    assert headings.index("In short") < headings.index(HELP) < headings.index("Your balance, day by day")


def test_nobody_is_told_to_pay_for_food_later(town: Bank) -> None:
    welcome(town, "hungry")
    food = [
        cloudevent(7_000 + ago, "transaction.booked", NOW - timedelta(days=ago), "hungry", account="a1",
                   amount_minor=-30_000, currency="EUR", category="groceries", merchant="Daily Foods")
        for ago in range(210, 0, -14)
    ]  # fmt: skip
    town.ingest([*running_out("hungry", until=NOW), *food])
    ahead = town.show_forecast("hungry")
    assert "groceries" in {one.what for one in ahead.payments}, "they come like a bill"
    bills = [step.bill.what for short in running_short(ahead) for step in short.steps if step.bill is not None]
    assert set(bills) == {"rent"}


def test_who_is_below_zero_reads_that_and_until_when(town: Bank, visitor: Visitor) -> None:
    welcome(town, "below")
    town.ingest([*running_out("below", until=NOW - timedelta(days=1)), *moved("below", -60_000)])
    page = visitor.page("/customer/below/forecast")
    answer = next(one.text for one in page.all("p") if one.attributes.get("class") == "subject")
    assert "below zero now: \N{MINUS SIGN}227.00 EUR" in answer
    assert "Nearly certain" not in page.text
    assert "Your accounts together fall below zero" not in page.text
    assert HELP in page.text


def test_own_savings_are_the_first_step_and_accounts_have_names(town: Bank, visitor: Visitor) -> None:
    welcome(town, "saver")
    savings = {"account": "machine-7f3a", "currency": "EUR"}
    opened = cloudevent(8_000, "account.opened", NOW - timedelta(days=300), "saver", **savings,
                        product="savings_account", type="savings")  # fmt: skip
    kept = cloudevent(8_001, "transaction.booked", NOW - timedelta(days=290), "saver", **savings, amount_minor=900_000,
                      category="savings", balance_minor=900_000)  # fmt: skip
    town.ingest([*running_out("saver", until=NOW), opened, kept])
    page = visitor.page("/customer/saver/forecast")
    assert "from your savings account to your current account" in page.text
    assert "machine-7f3a" not in page.text
    assert "last booking on" in page.text


def test_who_is_calm_is_told_so_and_nothing_is_pressed_on_them(town: Bank, visitor: Visitor) -> None:
    welcome(town, "calm")
    town.ingest(year_of("calm", until=NOW))
    page = visitor.page("/customer/calm/forecast")
    assert "We do not see you running short" in page.text
    assert HELP not in page.text


def test_what_was_known_on_a_past_day_offers_no_call_back_of_today(town: Bank, visitor: Visitor) -> None:
    welcome(town, "past")
    town.ingest(running_out("past", until=NOW - timedelta(days=2)))
    ago = Instant(instant_of(NOW) - DAY)
    assert risk(town.show_forecast("past", as_of=ago)) > HELP_FROM
    page = visitor.page("/customer/past/forecast?as_of=2026-01-04")
    assert HELP in page.text
    assert not any(button.text == "Call me back" for button in page.all("button"))
