"""Scores say what their definitions say, whatever the order of the rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, mean_pinball_loss, roc_auc_score

from marketofone.lab.evaluation import bootstrap, scores

Floats = NDArray[np.float64]

CHANCES = st.integers(2, 40).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, n, elements=st.integers(0, 8).map(lambda eighth: eighth / 8)),
        arrays(np.bool_, n).map(lambda came: came.astype(np.float64)),
        st.permutations(range(n)),
    )
)


def test_the_quantile_loss_is_twice_the_mean_pinball_loss() -> None:
    rng = np.random.default_rng(1)
    came, quantiles = rng.normal(size=(50, 1)), np.sort(rng.normal(size=(50, 1, 9)), axis=2)
    losses = [
        mean_pinball_loss(came[:, 0], quantiles[:, 0, at], alpha=level) for at, level in enumerate(scores.QUANTILES)
    ]
    assert scores.pinball(quantiles, came).mean() == pytest.approx(2 * np.mean(losses))


def test_no_other_quantiles_lose_less_than_the_true_ones() -> None:
    came = np.random.default_rng(2).normal(size=(4_001, 1))
    true = np.quantile(came, scores.QUANTILES)

    def loss(quantiles: Floats) -> float:
        return float(scores.pinball(np.broadcast_to(quantiles, (*came.shape, 9)), came).sum())

    for move in (-0.3, -0.02, 0.02, 0.3):
        for at in range(9):
            assert loss(true) <= loss(true + move * (np.arange(9) == at)) + 1e-9


def test_losses_are_weighted_by_the_balance_in_each_third() -> None:
    came = np.repeat([[10.0, 20.0, 40.0]], 30, axis=1).reshape(1, 3, 30).swapaxes(0, 0).reshape(1, 90)
    loss = np.ones((1, 90))
    assert scores.weighted_loss(loss, came) == pytest.approx(
        {"1-30": 1 / 10, "31-60": 1 / 20, "61-90": 1 / 40, "1-90": 3 / 70}
    )


def test_an_account_that_never_moved_does_not_count_in_the_scaled_error() -> None:
    error = scores.scaled_error(np.ones((2, 90)), np.zeros((2, 90)), np.array([0.5, 0.0]))
    assert error == {"1-30": 2.0, "31-60": 2.0, "61-90": 2.0, "1-90": 2.0}


@given(
    arrays(np.float64, (3, 90, 9), elements=st.floats(-1e6, 1e6)),
    arrays(np.float64, (3, 90), elements=st.floats(-1e6, 1e6)),
)
def test_coverage_is_a_share_and_the_order_of_rows_changes_nothing(quantiles: Floats, came: Floats) -> None:
    days = np.array([130.0, 200.0, 400.0])
    covered = scores.coverage(np.sort(quantiles, axis=2), came, days)
    assert set(covered) == {*scores.SPANS, *scores.HISTORY_CLASSES}
    assert all(0 <= share <= 1 for share in covered.values())
    turned = scores.coverage(np.sort(quantiles, axis=2)[::-1], came[::-1], days[::-1])
    assert turned == pytest.approx(covered)


@given(CHANCES)
def test_event_scores_do_not_depend_on_the_order_of_rows(rows: tuple[Floats, Floats, list[int]]) -> None:
    chance, came, order = rows
    lead = np.where(came == 1, np.arange(1.0, len(came) + 1), np.inf)
    one = scores.event_scores(chance, came, lead)
    other = scores.event_scores(chance[order], came[order], lead[order])
    for name in scores.EventScores.__struct_fields__:
        assert getattr(other, name) == pytest.approx(getattr(one, name), nan_ok=True)


def test_event_scores_agree_with_the_reference() -> None:
    rng = np.random.default_rng(4)
    chance = rng.random(300).round(1)
    came = (rng.random(300) < chance).astype(np.float64)
    scored = scores.event_scores(chance, came, np.ones(300))
    assert scored.auc == pytest.approx(roc_auc_score(came, chance))
    base = brier_score_loss(came, np.full(300, came.mean()))
    assert scored.brier_skill == pytest.approx(1 - brier_score_loss(came, chance) / base)


def test_rows_where_either_side_cannot_tell_are_left_out() -> None:
    chance, came = np.array([0.1, 0.9, math.nan, 0.5]), np.array([0.0, 1.0, 1.0, math.nan])
    scored = scores.event_scores(chance, came, np.array([math.inf, 3.0, 3.0, 3.0]))
    assert (scored.n, scored.happened, scored.auc, scored.lead_days) == (2, 1, 1.0, 3.0)


def test_nothing_is_scored_where_nothing_happened() -> None:
    scored = scores.event_scores(np.array([0.1, 0.2]), np.zeros(2), np.full(2, np.inf))
    assert math.isnan(scored.auc)
    assert math.isnan(scored.brier_skill)
    assert math.isnan(scored.recall)


def test_a_constant_chance_is_calibrated_when_it_is_the_base_rate() -> None:
    came = np.repeat([0.0, 1.0], 50)
    assert scores.calibration(np.full(100, 0.5), came)[0] == pytest.approx(0.0)
    assert scores.calibration(np.full(100, 0.8), came)[0] == pytest.approx(0.3)


def test_perfect_chances_score_the_noise_that_is_told_beside_the_error() -> None:
    rng = np.random.default_rng(5)
    chance = rng.random(600)
    errors = [scores.calibration(chance, (rng.random(600) < chance).astype(np.float64))[0] for _ in range(300)]
    assert np.mean(errors) == pytest.approx(scores.calibration(chance, chance)[1], rel=0.05)


def test_a_tenth_is_warned_and_a_tie_is_shared() -> None:
    chance, came = np.r_[1.0, np.full(19, 0.5)], np.r_[1.0, 1.0, np.zeros(18)]
    recall, precision, lead = scores.alerts(chance, came, np.r_[8.0, 4.0, np.full(18, np.inf)])
    assert recall == pytest.approx((1 + 1 / 19) / 2)
    assert precision == pytest.approx((1 + 1 / 19) / 2)
    assert lead == 6.0


def test_the_interval_of_a_loss_cut_holds_the_cut_and_narrows_with_more_accounts() -> None:
    rng = np.random.default_rng(5)
    widths = []
    for count in (30, 3_000):
        theirs = rng.random(count) + 1
        ours = theirs * (0.8 + 0.2 * rng.random(count))
        weights = bootstrap.draws(np.arange(count), times=200, seed=1)
        cut = bootstrap.loss_cut(ours, theirs, weights, level=0.9)
        assert cut.low < cut.value < cut.high
        widths.append(cut.high - cut.low)
    assert widths[1] < widths[0] / 5


def test_the_bootstrap_draws_whole_accounts_and_the_same_ones_for_a_seed() -> None:
    accounts = np.array([7, 7, 3, 9, 3])
    weights = bootstrap.draws(accounts, times=40, seed=2)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 2] == weights[:, 4]).all()
    assert (weights[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert (weights == bootstrap.draws(accounts, times=40, seed=2)).all()


@given(CHANCES)
def test_the_weighted_area_under_the_curve_is_that_of_the_repeated_rows(rows: tuple[Floats, Floats, list[int]]) -> None:
    chance, came, order = rows
    times = np.array(order) % 3
    area = bootstrap.auc(chance, came, times[None, :].astype(np.float64), level=0.9)
    repeated = np.repeat(chance, times), np.repeat(came, times)
    if 0 < repeated[1].sum() < len(repeated[1]):
        assert area.low == pytest.approx(roc_auc_score(repeated[1], repeated[0]))
    if 0 < came.sum() < len(came):
        assert area.value == pytest.approx(roc_auc_score(came, chance))
