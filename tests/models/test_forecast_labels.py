"""What really happened after a day is told by the definitions, and only where it was observed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.event import Event
from marketofone.domain.moment import Calendar, day_number
from marketofone.importers import berka
from marketofone.lab.judge import accounts_in
from marketofone.models.forecast.history import History, history_of
from marketofone.models.forecast.labels import EVENTS, WITHIN_DAYS, Labels, labels
from marketofone.profile.ledger import UNTOLD, Account, Kind

SALARY, RENT, INTEREST = (
    Kind("transfer_in", "salary", "employer"),
    Kind("transfer_out", "rent", "landlord"),
    Kind(None, "interest", None),
)
KINDS = (SALARY, RENT, INTEREST)
FIRST = day_number(date(2025, 1, 1))
Moves = list[tuple[int, int, int]]


def account(moves: Moves) -> Account:
    days, amounts, of = np.array(sorted(moves), dtype=np.int64).T
    return Account("a", "EUR", KINDS, days, amounts, of, np.cumsum(amounts))


def months(*, upto: int, salary: int = 1_000, bonus: tuple[int, ...] = ()) -> Moves:
    """Live from January 2025: a salary on the 10th, half as much again in some months, and rent on the 20th."""
    moves: Moves = [(FIRST, 500, 0)]
    for month in range(1, upto + 1):
        year, at = 2025 + (month - 1) // 12, (month - 1) % 12 + 1
        moves.append((day_number(date(year, at, 10)), salary * 3 // 2 if at in bonus else salary, 0))
        moves.append((day_number(date(year, at, 20)), -salary, 1))
    return moves


def after(moves: Moves, day: date, *, until: int | None = None) -> Labels:
    whole = account(moves)
    known_until = int(whole.days[-1]) if until is None else until
    return labels(whole, after=np.array([day_number(day)]), known_until=known_until)


def told(truth: Labels, event: str) -> list[float]:
    return [float(value) for value in truth.events[0, EVENTS.index(event)]]


def test_a_steady_life_brings_no_event() -> None:
    truth = after(months(upto=12), date(2025, 7, 1))
    assert (truth.events == 0).all()
    assert np.isinf(truth.lead).all()
    assert truth.turnover.tolist() == truth.income.tolist() == truth.latest_income.tolist() == [1_000.0]


def test_a_large_debit_is_told_from_its_day_on_and_may_drain_the_account() -> None:
    day = day_number(date(2025, 7, 1))
    truth = after([*months(upto=12), (day + 41, -2_100, 1)], date(2025, 7, 1))
    for event in ("large_expense", "below_zero", "below_buffer", "below_own_floor"):
        assert told(truth, event) == [0.0, 1.0, 1.0]
        assert truth.lead[0, EVENTS.index(event)] == 41
    assert told(truth, "income_change") == [0.0, 0.0, 0.0]


def test_two_debits_of_one_day_are_not_one_large_expense() -> None:
    day = day_number(date(2025, 7, 1)) + 15
    assert (
        told(after([*months(upto=12), (day, -700, 1), (day, -700, 1)], date(2025, 7, 1)), "large_expense") == [0.0] * 3
    )


def test_an_account_that_is_there_already_cannot_fall() -> None:
    truth = after([*months(upto=12), (day_number(date(2025, 6, 30)), -2_000, 1)], date(2025, 7, 1))
    for event in ("below_zero", "below_buffer", "below_own_floor"):
        assert np.isnan(told(truth, event)).all()
    assert not np.isnan(told(truth, "large_expense")).any()


def test_income_that_ends_is_a_change_and_a_drop_and_more_of_it_is_a_change_only() -> None:
    lost = after(
        [move for move in months(upto=12) if move[1] < 0 or move[0] < day_number(date(2025, 8, 1))], date(2025, 7, 1)
    )
    assert told(lost, "income_change") == told(lost, "income_drop") == [0.0, 1.0, 1.0]
    more = after([*months(upto=12), (day_number(date(2025, 7, 3)), 300, 0)], date(2025, 7, 1))
    assert told(more, "income_change") == [1.0, 1.0, 1.0]
    assert told(more, "income_drop") == [0.0, 0.0, 0.0]


def test_interest_is_no_income() -> None:
    day = day_number(date(2025, 7, 1))
    assert told(after([*months(upto=12), (day + 3, 900, 2)], date(2025, 7, 1)), "income_change") == [0.0] * 3


def test_a_first_bonus_is_a_change_and_a_known_one_is_not() -> None:
    moves = months(upto=24, bonus=(6, 12))
    assert told(after(moves, date(2025, 5, 31)), "income_change")[0] == 1.0
    assert told(after(moves, date(2025, 11, 30)), "income_change")[0] == 0.0
    assert told(after(moves, date(2026, 5, 31)), "income_change")[0] == 0.0


def test_after_a_bonus_the_usual_income_is_no_drop() -> None:
    truth = after(months(upto=18, bonus=(12,), salary=1_000), date(2025, 12, 31))
    assert truth.income[0] == 1_000
    assert told(truth, "income_drop") == [0.0] * 3


def test_what_was_not_observed_is_not_told() -> None:
    truth = after(months(upto=12), date(2025, 7, 1), until=day_number(date(2025, 8, 15)))
    observed = day_number(date(2025, 8, 15)) - day_number(date(2025, 7, 1))
    assert np.isnan(truth.balances[0]).tolist() == [ahead >= observed for ahead in range(90)]
    assert np.isnan(truth.events[0]).tolist() == [[False, True, True]] * len(EVENTS)


def test_an_account_that_fell_silent_is_observed_for_one_month_more() -> None:
    moves = months(upto=6)
    truth = after(moves, date(2025, 6, 10), until=FIRST + 900)
    assert int((~np.isnan(truth.balances)).sum()) == 40


def test_a_young_account_has_no_floor_and_no_usual_income() -> None:
    truth = after(months(upto=6), date(2025, 1, 20))
    for event in ("below_buffer", "below_own_floor", "large_expense", "income_change", "income_drop"):
        assert np.isnan(told(truth, event)).all()
    assert not np.isnan(told(truth, "below_zero")).any()


def test_an_account_whose_balance_nobody_told_still_has_flows() -> None:
    whole = account(months(upto=12))
    silent = replace(whole, balances=np.full_like(whole.balances, UNTOLD))
    truth = labels(silent, after=np.array([day_number(date(2025, 7, 1))]), known_until=int(whole.days[-1]))
    assert np.isnan(truth.balances).all()
    assert np.isnan(told(truth, "below_zero")).all()
    assert told(truth, "large_expense") == [0.0] * 3


MOVES = st.lists(
    st.tuples(st.integers(FIRST, FIRST + 400), st.integers(-3_000, 3_000), st.integers(0, 2)), min_size=1, max_size=60
)


@given(MOVES, st.lists(st.integers(0, 400), min_size=2, max_size=6))
def test_days_asked_together_are_told_as_one_by_one(moves: Moves, offsets: list[int]) -> None:
    whole = account(moves)
    days = int(whole.days[0]) + np.array(offsets)
    both = labels(whole, after=days, known_until=FIRST + 420)
    for at, day in enumerate(days):
        alone = labels(whole, after=np.array([day]), known_until=FIRST + 420)
        for name, value in vars(alone).items():
            np.testing.assert_array_equal(vars(both)[name][at], value[0], err_msg=name)


def usual_turnover(past: History) -> int:
    """Give the larger of the median inflow and outflow of the last six whole blocks of thirty days, at least 1."""
    sides: list[list[int]] = [[], []]
    for block in range(min(6, past.length // 30)):
        of = past.amounts[(past.as_of - past.days) // 30 == block].tolist()
        for side, sign in zip(sides, (1, -1), strict=True):
            side.append(sum(max(0, sign * amount) for amount in of))
    return max(1, *(int(median(side)) for side in sides))


@given(MOVES, st.integers(0, 300))
def test_events_agree_with_the_history_and_never_unhappen_further_ahead(moves: Moves, offset: int) -> None:
    whole = account(moves)
    day = int(whole.days[0]) + offset
    truth = labels(whole, after=np.array([day]), known_until=FIRST + 500)
    past = history_of(whole, day)
    if past.length >= 30:
        assert truth.turnover[0] == usual_turnover(past)
    observed = ~np.isnan(truth.events[0, :, -1])
    assert (np.diff(truth.events[0][observed], axis=1) >= 0).all()
    lead = truth.lead[0][observed]
    assert ((lead[:, None] <= np.array(WITHIN_DAYS)) == truth.events[0][observed]).all()
    assert truth.events[0, 5, 2] != 1 or truth.events[0, 4, 2] == 1


def test_what_is_later_than_the_last_known_day_changes_nothing() -> None:
    moves = months(upto=12)
    day, until = date(2025, 7, 1), day_number(date(2025, 11, 1))
    one, other = after(moves, day, until=until), after([*moves, (until + 1, -90_000, 1)], day, until=until)
    for name, value in vars(one).items():
        np.testing.assert_array_equal(vars(other)[name], value, err_msg=name)


@pytest.mark.slow
def test_the_czech_bank_has_as_many_events_as_were_counted_before(data: Path) -> None:
    events = [row for row in berka.read(data / "berka").rows if isinstance(row, Event)]
    cut, end = day_number(date(1993, 12, 31)), day_number(date(1994, 3, 31))
    old = [one for one in accounts_in(events, calendar=Calendar("Europe/Prague")) if one.days[0] <= cut - 119]
    assert len(old) == 606
    came = np.concatenate([labels(one, after=np.array([cut]), known_until=end).events for one in old])
    counts = {event: int(np.nansum(came[:, at, 2])) for at, event in enumerate(EVENTS)}
    assert counts["below_zero"] == pytest.approx(16, abs=2)
    assert counts["below_buffer"] == pytest.approx(22, abs=2)
    assert counts["below_own_floor"] == pytest.approx(305, abs=15)
