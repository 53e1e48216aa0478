"""A forecast brings help in time, tells of one cause once, and never becomes a reason to lend or to sell."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from one_person import (
    ACTIONS_TEXT,
    BOOK,
    CREDIT,
    FEATURES,
    LIFE,
    NOW,
    approved,
    ask,
    consents,
    decision_input,
    drawn,
    foreseen,
    open_to,
    stage_of,
)

from marketofone.decide.catalogue import parse_actions
from marketofone.decide.engine import decide
from marketofone.decide.forecast_facts import BAND, MOVED_DAYS, RISKY, ForecastFacts, told_at
from marketofone.domain.decision import Notification
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.moment import DAY, Instant
from marketofone.governance.guardrails import Contact

CHANCES = st.integers(0, 100).map(lambda percent: percent / 100)
EVENTS = st.sampled_from(["below_zero", "below_buffer", "below_own_floor", "large_expense", "income_drop"])
HELD = decision_input(LIFE, board=approved(*CREDIT))
OFTEN = settings(max_examples=60, deadline=None)


def open_with(forecast: ForecastFacts | None, **changes: object) -> set[str]:
    held = msgspec.structs.replace(HELD, forecast=forecast, **changes)
    return open_to(decide(ask(), held, BOOK))


def contact(told: Notification, *, at: int) -> Contact:
    return Contact(action="shortfall_warning", kind="alert", at=Instant(at), channel="app", notification=told)


@OFTEN
@given(event=st.sampled_from(["below_zero", "below_buffer"]), one=CHANCES, other=CHANCES)
def test_a_higher_chance_of_running_short_never_opens_a_credit(event: str, one: float, other: float) -> None:
    less, more = (
        open_with(foreseen((event, acceptance_probability))) & set(CREDIT)
        for acceptance_probability in sorted((one, other))
    )
    assert more <= less


@pytest.mark.parametrize("horizon", [30, 60, 90])
def test_a_material_risk_at_any_horizon_closes_every_credit_and_says_why(horizon: int) -> None:
    events = foreseen(("below_zero", 0.0)).events
    risky = tuple(msgspec.structs.replace(a, probability=RISKY) if a.horizon_days == horizon else a for a in events)
    decision = decide(ask(), msgspec.structs.replace(HELD, forecast=foreseen(events=risky)), BOOK)
    assert {stage_of(decision, credit)[1] for credit in CREDIT if stage_of(decision, credit)[0] == "guarded"} == {
        "credit_protection: the account may run short"
    }
    assert open_to(decision).isdisjoint(CREDIT)
    assert not open_with(foreseen(events=events)).isdisjoint(CREDIT), "or this test says nothing"


def test_who_is_below_zero_already_may_run_short_though_no_chance_is_told_of_falling_there() -> None:
    told = msgspec.structs.replace(foreseen(), events=(), low_point_minor=-1.0)
    decision = decide(ask(), msgspec.structs.replace(HELD, forecast=told), BOOK)
    found = {stage_of(decision, credit)[1] for credit in CREDIT if stage_of(decision, credit)[0] == "guarded"}
    assert found == {"credit_protection: the account may run short"}


def test_no_credit_is_open_while_money_moved_since_the_bank_looked_ahead() -> None:
    assert open_with(foreseen(), money_moved=True).isdisjoint(CREDIT)
    assert open_with(foreseen(), money_moved=True) == open_with(foreseen()) - set(CREDIT)


@pytest.mark.parametrize("forecast", [None, foreseen(events=())], ids=["nobody looked", "it abstained"])
def test_where_nobody_can_tell_whether_money_runs_short_no_credit_is_open(forecast: ForecastFacts | None) -> None:
    assert open_with(forecast).isdisjoint(CREDIT)
    assert not open_with(foreseen()).isdisjoint(CREDIT), "or this test says nothing"


@pytest.mark.parametrize("driver", ["", ":", "groceries:Shop", "rent:landlord"])
def test_a_shortfall_is_not_told_again_because_another_payment_is_blamed(driver: str) -> None:
    told = Notification(event="below_zero", cause="below_zero:rent:landlord", day=20_242, probability=0.6)
    now = Notification(event="below_zero", cause=f"below_zero:{driver}", day=20_241, probability=0.7)
    assert told_at(now, [contact(told, at=NOW - DAY)], settled={}) == NOW - DAY
    later = msgspec.structs.replace(now, day=20_242 + MOVED_DAYS + 1)
    assert told_at(later, [contact(told, at=NOW - DAY)], settled={}) is None


def test_a_large_expense_of_another_payment_is_told_on_its_own() -> None:
    told = Notification(event="large_expense", cause="large_expense:rent:landlord", day=20_242, probability=0.6)
    other, unnamed = (msgspec.structs.replace(told, cause=f"large_expense:{driver}") for driver in ("tax:office", ":"))
    assert told_at(other, [contact(told, at=NOW - DAY)], settled={}) is None
    assert told_at(unnamed, [contact(told, at=NOW - DAY)], settled={}) == NOW - DAY


def test_a_forecast_that_may_not_be_looked_at_any_more_closes_credit_whatever_it_said() -> None:
    said = consents(("insights", "transactions"))
    for acceptance_probability in (0.0, 0.9):
        held = decision_input(
            LIFE, board=approved(*CREDIT), said=said, forecast=foreseen(("below_zero", acceptance_probability))
        )
        assert open_to(decide(ask(), held, BOOK)).isdisjoint(CREDIT)


def test_a_help_that_needs_more_days_than_there_are_is_not_shown_and_says_so() -> None:
    late = msgspec.structs.replace(HELD, forecast=foreseen(("below_zero", 0.55), first=6))
    stage = stage_of(decide(ask(), late, BOOK), "move_due_date")
    assert stage == ("not_eligible", "too late to help: expected in 6 days, it takes 7")
    assert "move_due_date" in open_with(foreseen(("below_zero", 0.55), first=7))
    assert "shortfall_warning" in open_with(foreseen(("below_zero", 0.55), first=1))


def test_lead_time_is_counted_from_the_day_of_the_decision_not_of_the_forecast() -> None:
    assert "move_due_date" in open_with(foreseen(("below_zero", 0.55), first=17, age_days=10))
    assert "move_due_date" not in open_with(foreseen(("below_zero", 0.55), first=16, age_days=10))


def test_when_a_forecast_is_made_nothing_is_sold() -> None:
    for channel in ("app", "push", "email"):
        held = decision_input([*LIFE], channel=channel, board=approved(*CREDIT))
        decision = decide(ask(occasion="forecast.made", channel=channel), held, BOOK)
        told = {BOOK.catalogue.action(candidate.action).marketing for candidate in decision.candidates}
        assert told == {False}


@pytest.mark.parametrize(
    ("lines", "shape"),
    [
        ("kind = 'offer'\neligible = 'shortfall_30d > 0.5'", "because of a forecast alone"),
        ("kind = 'life_match'\neligible = 'True'\nabout = 'large_expense'", "because of a forecast alone"),
        ("kind = 'offer'\ncredit = true\neligible = 'shortfall_30d < 0.1 and app_opens_7d > 1'", "reads a forecast"),
        ("kind = 'nudge'\nlead_days = 3", "lead_days without about"),
    ],
)
def test_a_document_cannot_make_a_forecast_sell(lines: str, shape: str) -> None:
    text = f"{ACTIONS_TEXT}\n[[actions]]\nid = 'odd'\ntitle = 'Odd'\ntext = 'Odd.'\n{lines}\n"
    with pytest.raises(MalformedDocument, match=shape):
        parse_actions(text, features=FEATURES)


def test_what_was_told_is_kept_with_the_decision_and_said_with_its_day_and_its_driver() -> None:
    held = decision_input(LIFE, exploration=0.0, forecast=foreseen(("below_zero", 0.55), first=3))
    decision = decide(ask(), held, BOOK)
    day = held.forecast.made_on + 3 if held.forecast else None
    assert decision.notification == Notification(
        event="below_zero", cause="below_zero:rent:landlord", day=day, probability=0.55
    )
    assert "it is expected around 18 June 2026, mostly because of rent" in [reason.text for reason in decision.reasons]
    again = msgspec.structs.replace(held, contacts=(contact(decision.notification, at=NOW - 2 * DAY),))
    assert stage_of(decide(ask(), again, BOOK), "shortfall_warning") == (
        "guarded",
        "told_already: 2 days ago, and nothing has changed since",
    )


@OFTEN
@given(
    steps=st.lists(st.tuples(st.integers(1, 20), EVENTS, CHANCES, st.integers(0, 60), st.booleans()), max_size=25),
    drivers=st.lists(st.sampled_from(["rent:landlord", "loan:bank", ":"]), min_size=25, max_size=25),
)
def test_a_cause_is_told_again_only_when_it_was_settled_or_moved_or_became_more_likely(
    steps: list[tuple[int, str, float, int, bool]], drivers: list[str]
) -> None:
    told: list[tuple[Notification, Instant]] = []
    settled: dict[str, Instant] = {}
    today = 20_000
    for (wait, event, acceptance_probability, ahead, calm), driver in zip(steps, drivers, strict=False):
        today += wait
        now = Instant(today * DAY)
        if calm:
            settled[event] = now
        new = Notification(
            event=event, cause=f"{event}:{driver}", day=today + ahead, probability=acceptance_probability
        )
        if told_at(new, [contact(old, at=at) for old, at in told], settled=settled) is None:
            for old, at in told:
                same = old.cause == new.cause and settled.get(event, 0) < at
                assert (
                    not same
                    or abs((old.day or 0) - (today + ahead)) > MOVED_DAYS
                    or acceptance_probability >= old.probability + BAND
                )
            told.append((new, now))


@pytest.mark.parametrize(
    ("told", "now", "covered"),
    [("below_zero", "below_buffer", True), ("below_buffer", "below_zero", False), ("below_zero", "income_drop", False)],
)
def test_a_graver_shortfall_holds_for_a_milder_one_of_the_same_driver_and_not_the_other_way(
    told: str, now: str, *, covered: bool
) -> None:
    before, new = (
        Notification(event=event, cause=f"{event}:rent:landlord", day=20_000, probability=0.5) for event in (told, now)
    )
    assert (told_at(new, [contact(before, at=5)], settled={}) is not None) is covered


@OFTEN
@given(number=st.integers(0, 10**6), acceptance_probability=CHANCES, event=EVENTS)
def test_nothing_that_sells_opens_because_a_forecast_turned_worse(
    number: int, acceptance_probability: float, event: str
) -> None:
    selling = {action.id for action in BOOK.offered if action.marketing}
    held = msgspec.structs.replace(HELD, forecast=foreseen(("below_zero", 0.0)))
    worse = msgspec.structs.replace(HELD, forecast=foreseen(("below_zero", 0.0), (event, acceptance_probability)))
    calm, after = (open_to(decide(ask(number), drawn(of, number), BOOK)) & selling for of in (held, worse))
    assert after <= calm
