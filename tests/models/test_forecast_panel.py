"""Accounts side by side, aligned on a day: calendars, closing balances, and the account's own month."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketofone.domain.moment import Day, date_of, day_number
from marketofone.models.forecast.features import features
from marketofone.models.forecast.history import History, history_of
from marketofone.models.forecast.labels import labels
from marketofone.models.forecast.panel import (
    SPAN,
    TRUST,
    Look,
    Panel,
    align,
    centre,
    expected_payments,
    own_month,
    same_day,
    timing,
)
from marketofone.profile.ledger import UNTOLD, Account, Kind

KINDS = (Kind("transfer", "salary", "Employer"), Kind("cash", "cash", None))
Live = Callable[..., Account]
Rows = list[tuple[int, int]]


def account(rows: Sequence[tuple[int, int]], *, told: Sequence[int] | None = None) -> Account:
    days, amounts = np.array(rows, dtype=np.int64).T
    balances = np.cumsum(amounts) if told is None else np.array(told, dtype=np.int64)
    return Account("a", "EUR", KINDS, days, amounts, (amounts < 0).astype(np.int64), balances)


def look(one: Account, *days: int, known_until: int | None = None) -> Look:
    at = np.array(days)
    payments = [expected_payments(one, as_of=day, extra={}) for day in days]
    return Look(one, labels(one, after=at, known_until=known_until or max(days)), payments)


@given(st.dates(date(1970, 1, 1), date(2200, 1, 1)), st.integers(-6, 6))
def test_the_same_day_of_another_month_is_the_last_one_where_the_month_is_too_short(of: date, months: int) -> None:
    there = date_of(Day(int(same_day(np.array([day_number(of)]), months=months)[0])))
    assert (there.year - of.year) * 12 + there.month - of.month == months
    assert there.day == of.day or (there.day < of.day and date_of(Day(day_number(there) + 1)).day == 1)


@pytest.mark.parametrize(
    ("of", "months", "there"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2023, 1, 31), 1, date(2023, 2, 28)),
        (date(2024, 3, 31), -1, date(2024, 2, 29)),
        (date(2024, 12, 31), 2, date(2025, 2, 28)),
        (date(2024, 5, 15), -5, date(2023, 12, 15)),
        (date(2024, 5, 31), 0, date(2024, 5, 31)),
    ],
)
def test_month_ends_are_clipped(of: date, months: int, there: date) -> None:
    assert date_of(Day(int(same_day(np.array([day_number(of)]), months=months)[0]))) == there


ROWS = st.lists(st.tuples(st.integers(1, 400), st.integers(-5_000, 5_000)), min_size=1, max_size=40).map(
    lambda rows: [(0, 100), *sorted(rows)]
)


def test_a_condensed_panel_knows_the_same_ways_ahead(live: Live) -> None:
    whole = align([look(live(seed), 19_100) for seed in range(4)])
    condensed, chosen = whole.condensed(), np.array([2, 0])
    assert condensed.closing.size == condensed.flows.size == condensed.due.size == 0
    for known in (centre, own_month, timing):
        np.testing.assert_array_equal(known(condensed), known(whole).astype(np.float32))
        np.testing.assert_array_equal(known(condensed.some(chosen)), known(condensed)[chosen])


@settings(deadline=None)
@given(ROWS, st.integers(30, 400))
def test_the_own_month_starts_anew_without_a_drift_after_each_whole_month(rows: Rows, as_of: int) -> None:
    run = own_month(align([look(account(rows), as_of)]))[0]
    assert run.shape == (90,)
    for months in (1, 2):
        after = int(same_day(np.array([as_of]), months=months)[0]) - as_of
        assert run[after - 1] == pytest.approx(0.0, abs=1e-9)
    first, second = int(same_day(np.array([as_of]), months=1)[0]) - as_of, 28
    np.testing.assert_allclose(run[first : first + second - 1], run[: second - 1])


@settings(deadline=None)
@given(ROWS, st.integers(0, 27))
def test_an_account_without_a_whole_month_has_no_own_month(rows: Rows, as_of: int) -> None:
    assert (own_month(align([look(account(rows), as_of)])) == 0).all()


def test_who_lives_alike_every_month_is_expected_to_live_so_again() -> None:
    starts = [day_number(date(2024, month, 1)) for month in range(1, 8)]
    rows = [move for start in starts for move in ((start + 9, 3_000), (start + 12, -2_000), (start + 19, -1_000))]
    panel = align([look(account(rows), starts[-1] + 20)])
    run = own_month(panel)[0] * panel.unit[0]
    # Six months known of six: weight 6 / 7. From 21 July to 8 August nothing; 3,000 have come by the 11th.
    assert run[:18] == pytest.approx(0.0)
    assert run[20] == pytest.approx(3_000 * 6 / 7)
    assert run[25] == pytest.approx(1_000 * 6 / 7)


def test_a_payment_that_comes_back_moves_the_centre_in_time_and_not_in_sum(live: Live) -> None:
    panel = align([look(live(1), 19_100)])
    path, due = centre(panel)[0], panel.due[0].sum(axis=0)
    assert due[-1] != 0
    known = path / TRUST - own_month(panel)[0]
    assert known[-1] == pytest.approx(0.0)
    assert np.diff(known * panel.unit[0] - due) == pytest.approx(-due[-1] / 90)


@settings(deadline=None, max_examples=25)
@given(ROWS, st.lists(st.integers(30, 400), min_size=1, max_size=4), ROWS)
def test_a_row_of_a_panel_is_what_the_account_is_alone_on_that_day(rows: Rows, days: list[int], other: Rows) -> None:
    one = account(rows)
    both = align([look(one, *days), look(account(other), 200)])
    assert isinstance(both, Panel)
    for at, day in enumerate(days):
        alone = align([look(one.until(day), day)])
        for name, value in vars(alone).items():
            if name == "ways":  # no panel is condensed here
                continue
            np.testing.assert_array_equal(vars(both)[name][at], value[0], err_msg=name)
        for calendar in (False, True):
            np.testing.assert_array_equal(features(both, calendar=calendar)[at], features(alone, calendar=calendar)[0])
        assert (centre(both)[at] == centre(alone)[0]).all()


@settings(deadline=None)
@given(ROWS, st.integers(30, 400))
def test_closing_balances_are_those_of_the_history_and_flows_their_changes(rows: Rows, as_of: int) -> None:
    one = account(rows)
    panel = align([look(one, as_of)])
    days = np.arange(as_of - SPAN, as_of + 1)
    known = days >= 0
    assert (panel.closing[0][known] == history_of(one, as_of).closing(days[known])).all()
    assert np.isnan(panel.closing[0][~known]).all()
    flows = panel.flows[0].sum(axis=0)
    since = max(0, SPAN - as_of)  # the first day opens with what had been there before
    np.testing.assert_allclose(flows[since:], np.diff(panel.closing[0])[since:])
    assert (panel.flows[0, :2, since:] >= 0).all()
    assert (panel.flows[0, 2:, since:] <= 0).all()


def test_inputs_are_known_numbers_and_mean_the_same_for_everybody(live: Live) -> None:
    young, old = live(1), live(2, days=400)
    rich = replace(old, amounts=old.amounts * 100, balances=old.balances * 100)
    panel = align([look(young, 19_035), look(old, 19_395), look(rich, 19_395)])
    for calendar in (False, True):
        inputs = features(panel, calendar=calendar)
        assert np.isfinite(inputs).all()
        differ = np.flatnonzero(~np.isclose(inputs[1], inputs[2], rtol=1e-4, atol=1e-4))
        assert differ.tolist() == [1]  # the size of the turnover itself
    assert features(panel, calendar=True).shape[1] == features(panel, calendar=False).shape[1] + 1


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_the_closing_balance_of_a_day_does_not_depend_on_the_order_of_its_movements(order: tuple[int, ...]) -> None:
    moves = [(5, 700), (5, -300), (5, 50)]
    told = [1_700, 1_400, 1_450]
    one = account([moves[at] for at in order], told=[told[at] for at in order])
    assert history_of(one, 5).balance == 1_450


def test_a_movement_without_a_balance_moves_the_balance_that_was_told_before() -> None:
    past = history_of(account([(5, 700), (8, -200)], told=[1_700, UNTOLD]), 9)
    assert past.closing(np.arange(4, 10)).tolist() == [1_000, 1_700, 1_700, 1_700, 1_500, 1_500]


def test_where_no_balance_was_told_none_is_known() -> None:
    past = history_of(account([(5, 700), (8, -200)], told=[UNTOLD, UNTOLD]), 9)
    assert isinstance(past, History)
    assert past.balance is None
    assert past.length == 4


def test_months_of_the_calendar_follow_one_another() -> None:
    days = np.arange(10_957, 11_400)
    backs = [same_day(days, months=-months) for months in range(7)]
    assert all((later - earlier > 26).all() and (later - earlier < 34).all() for later, earlier in pairwise(backs))
