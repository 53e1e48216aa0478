"""Tests of a forecast show it nothing of the future, and every peer answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from marketofone.lab.evaluation import protocol
from marketofone.lab.evaluation.boosted import BOOSTED
from marketofone.lab.evaluation.ours import OURS, UNTAUGHT
from marketofone.lab.evaluation.peers import FAST
from marketofone.lab.evaluation.protocol import Ahead, Case, Method, Outcome, Predict, Split, answer, dated, rows_of
from marketofone.lab.evaluation.report import report
from marketofone.lab.evaluation.statistical import STATISTICAL
from marketofone.profile.ledger import Account

pytestmark = pytest.mark.slow

CUT = 19_960
LEARNED = (OURS, UNTAUGHT, *FAST, BOOSTED)


def case_of(accounts: Sequence[Account], *cuts: int) -> Case:
    test = dated(accounts, as_of=cuts, name="small")
    return Case(test, accounts, rows_of(accounts, test))


def asked_of(case: Case) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.ones(len(case.rows.account), dtype=bool)


def answered(method: Method, case: Case, split: Split) -> Outcome:
    ticks = count()
    return answer(method, case, asked=asked_of(case), split=split, seed=1, clock=lambda: float(next(ticks)))


def other_future(account: Account, *, after: int) -> Account:
    """Give the same account until a day, and twice the money with other signs from then on."""
    later = account.days > after
    moved = np.where(later, -2 * account.amounts, account.amounts)
    return replace(account, amounts=moved, balances=np.cumsum(moved))


@pytest.mark.slow
@pytest.mark.usefixtures("lightgbm", "few_trees")
@pytest.mark.parametrize("method", LEARNED, ids=lambda method: method.name)
def test_in_the_time_split_another_future_changes_no_forecast(small_bank: list[Account], method: Method) -> None:
    case = case_of(small_bank, CUT)
    one = answered(method, case, "time").ahead
    turned = [other_future(account, after=CUT) for account in small_bank]
    other = answered(method, Case(case.test, turned, case.rows), "time").ahead
    assert len(one.quantiles) == 30
    np.testing.assert_array_equal(one.quantiles, other.quantiles)
    np.testing.assert_array_equal(one.events, other.events)


@pytest.mark.parametrize("method", FAST, ids=lambda method: method.name)
def test_in_the_account_split_ones_own_other_future_changes_no_forecast(
    small_bank: list[Account], method: Method
) -> None:
    case = case_of(small_bank, CUT)
    folds = protocol.folds_of(small_bank, seed=1)
    turned = [other_future(one, after=CUT) if fold == 0 else one for one, fold in zip(small_bank, folds, strict=True)]
    before = answered(method, case, "account").ahead.quantiles
    after = answered(method, Case(case.test, turned, case.rows), "account").ahead.quantiles
    own = folds[case.rows.account] == 0
    np.testing.assert_array_equal(before[own], after[own])


def test_in_the_account_split_nobody_is_judged_by_what_was_learned_from_them(small_bank: list[Account]) -> None:
    asked: list[str] = []

    def fit(accounts: Sequence[Account], _known_until: int) -> Predict:
        learned_from = {account.name for account in accounts}

        def predict(accounts: Sequence[Account], as_of: int) -> Ahead:
            assert not learned_from & {account.name for account in accounts}
            assert all(account.days[-1] <= as_of for account in accounts)
            asked.extend(account.name for account in accounts)
            return Ahead(np.zeros((len(accounts), 90, 9)))

        return predict

    outcome = answered(Method("watchful", fit), case_of(small_bank, CUT), "account")
    assert sorted(asked) == sorted(account.name for account in small_bank)
    assert outcome.ahead.events is None
    assert outcome.fit_seconds == outcome.predict_seconds == 4.0


def test_folds_follow_the_name_and_not_the_place_of_an_account(small_bank: list[Account]) -> None:
    one = protocol.folds_of(small_bank, seed=1)
    other = protocol.folds_of(small_bank[::-1], seed=1)
    assert one.tolist() == other[::-1].tolist()
    assert np.bincount(one).min() >= len(small_bank) // protocol.FOLDS


def test_accounts_too_young_or_not_observed_to_the_end_are_not_judged(small_bank: list[Account]) -> None:
    early, late = 19_723 + protocol.MINIMUM_HISTORY, small_bank[0].days[-1] - 20
    rows = case_of(small_bank, early, int(late)).rows
    assert set(rows.as_of.tolist()) == {early}
    assert sorted(rows.account.tolist()) == [0, 1]


@pytest.mark.parametrize("method", STATISTICAL, ids=lambda method: method.name)
def test_classical_peers_answer_a_sample(small_bank: list[Account], method: Method) -> None:
    case = case_of(small_bank, CUT)
    few = protocol.sample_of(case.rows, count=3, seed=1)
    outcome = answer(method, case, asked=few, split="time", seed=1, clock=lambda: 0.0)
    told = ~np.isnan(outcome.ahead.quantiles).any(axis=(1, 2))
    assert told.tolist() == few.tolist()
    assert (np.diff(outcome.ahead.quantiles[few], axis=2) >= 0).all()


@pytest.mark.parametrize("method", STATISTICAL, ids=lambda method: method.name)
def test_classical_peers_expect_no_change_of_an_account_of_a_few_days(
    small_bank: list[Account], method: Method
) -> None:
    account, first = small_bank[0], int(small_bank[0].days[0])
    predict = method.fit([account], first)
    for day in range(first, first + 6):
        assert np.isfinite(predict([account], day).quantiles).all()


def test_the_report_compares_on_the_rows_that_both_answered(small_bank: list[Account]) -> None:
    case = case_of(small_bank, CUT)
    everything = asked_of(case)
    few = protocol.sample_of(case.rows, count=7, seed=1)
    naive, level = FAST
    outcomes = {
        "ours": answer(level, case, asked=everything, split="time", seed=1, clock=lambda: 0.0),
        "peer": answer(naive, case, asked=few, split="time", seed=1, clock=lambda: 0.0),
    }
    found = report(
        case, of=everything, split="time", asked={"ours": everything, "peer": few}, outcomes=outcomes, seed=1
    )
    assert [(line.method, line.asked, line.answered) for line in found.methods] == [("ours", 30, 30), ("peer", 7, 7)]
    (cut,) = found.cuts
    assert (cut.peer, cut.rows, cut.accounts) == ("peer", 7, 7)
    assert cut.wql["1-90"].low <= cut.wql["1-90"].value <= cut.wql["1-90"].high < 1


def test_a_method_that_sees_what_comes_would_be_perfect(small_bank: list[Account]) -> None:
    case = case_of(small_bank, CUT)
    seer = Outcome(Ahead(np.repeat(case.rows.balances[..., None], 9, axis=2), case.rows.events), 0.0, 0.0)
    everything = asked_of(case)
    found = report(case, of=everything, split="time", asked={"seer": everything}, outcomes={"seer": seer}, seed=1)
    (line,) = found.methods
    assert line.paths.wql["1-90"] == line.paths.scrps == 0.0
    assert line.paths.coverage["1-90"] == 1.0
    assert all(event.scores.calibration_error == 0.0 for event in line.events)


def test_the_days_of_the_loan_applicants_are_month_ends_two_months_apart_scored_together(
    small_bank: list[Account],
) -> None:
    test = protocol.loan_applicants(small_bank)
    assert test.pooled
    days = np.array(test.as_of).astype("datetime64[D]")
    assert [str(day) for day in days[[0, 1, -1]]] == ["1996-07-31", "1996-09-30", "1998-05-31"]
