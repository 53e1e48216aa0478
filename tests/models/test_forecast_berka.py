"""On the Czech bank's own customers: better than the last value, with nothing learned from after the cut-off."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from marketofone.domain.event import Event
from marketofone.domain.moment import Calendar, day_number
from marketofone.importers import berka
from marketofone.lab.evaluation.peers import last_value
from marketofone.lab.judge import accounts_in
from marketofone.models.forecast import QUANTILES, Model, fit, forecast_all
from marketofone.models.forecast.history import history_of
from marketofone.profile.ledger import Account

pytestmark = pytest.mark.slow

CUT = day_number(date(1993, 12, 31))
AHEAD = np.arange(1, 91)
TEACHERS = 80  # of some eight hundred, so that it is quick
SEED = 7
Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def accounts(data: Path) -> list[Account]:
    """Give the accounts that were four months old on the last day of 1993, in a random order."""
    events = [row for row in berka.read(data / "berka").rows if isinstance(row, Event)]
    read = accounts_in(events, calendar=Calendar("Europe/Prague"))
    old = sorted((one for one in read if one.days[0] <= CUT - 120), key=lambda one: one.name)
    return [old[at] for at in np.random.default_rng(SEED).permutation(len(old))]


@pytest.fixture(scope="module")
def model(accounts: list[Account]) -> Model:
    return fit(accounts[:TEACHERS], known_until=CUT, seed=SEED, boosting=False)


def looked_ahead(accounts: list[Account], *, model: Model) -> Floats:
    made = forecast_all([([one], "CZK") for one in accounts], as_of=CUT, model=model)
    return np.array([[at.quantiles for at in one.total.days] for one in made if one.total], dtype=np.float64)


def weighted_quantile_loss(quantiles: Floats, came: Floats) -> float:
    error = came[..., None] - quantiles
    levels = np.array(QUANTILES)
    pinball = np.maximum(levels * error, (levels - 1) * error)
    return float(2 * pinball.sum(axis=(0, 1)).mean() / np.abs(came).sum())


def test_it_beats_the_last_value_with_pooled_errors_in_a_january_nobody_has_seen(
    accounts: list[Account], model: Model
) -> None:
    assert 1 not in model.months
    quantiles = looked_ahead(accounts, model=model)
    came = np.array([history_of(one, CUT + 90).closing(CUT + AHEAD) for one in accounts], dtype=np.float64)
    assert len(accounts) == len(quantiles) > 600
    # The yardstick learns from everybody.
    naive = last_value([one.until(CUT) for one in accounts], CUT)([one.until(CUT) for one in accounts], CUT).quantiles
    ours, theirs = weighted_quantile_loss(quantiles, came), weighted_quantile_loss(naive, came)
    assert ours < 0.26
    assert ours < 0.91 * theirs, (ours, theirs)
    inside = (quantiles[..., 0] <= came) & (came <= quantiles[..., 8])
    assert 0.7 < inside.mean() < 0.9


def test_what_comes_after_the_cut_off_leaves_no_trace_in_the_model_or_the_forecast(
    accounts: list[Account], model: Model
) -> None:
    few = accounts[:8]
    changed = [
        replace(
            one,
            amounts=np.where(one.days > CUT, -7 * one.amounts, one.amounts),
            of=np.where(one.days > CUT, 0, one.of),
            balances=np.where(one.days > CUT, 0, one.balances),
        )
        for one in few
    ]
    learned = fit(few, known_until=CUT, seed=SEED, boosting=False)
    assert learned.windows
    assert fit(changed, known_until=CUT, seed=SEED, boosting=False).to_bytes() == learned.to_bytes()
    assert (looked_ahead(changed, model=model) == looked_ahead(few, model=model)).all()
