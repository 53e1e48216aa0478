"""On the Czech bank's own customers: better than the last value, with nothing learned from after the cut-off."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from marketofone.domain.event import Event, TransactionBooked
from marketofone.domain.moment import Calendar, day_number
from marketofone.importers import berka
from marketofone.models.forecast import QUANTILES, Movement, fit_errors, forecast
from marketofone.models.forecast.errors import silence
from marketofone.models.forecast.history import history

CUT = day_number(date(1993, 12, 31))
WINDOWS = range(day_number(date(1993, 4, 1)), CUT - 89, 15)
AHEAD = np.arange(1, 91)
Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def histories(data: Path) -> list[list[Movement]]:
    calendar = Calendar("Europe/Prague")
    by_account: dict[str, list[Movement]] = {}
    for row in berka.read(data / "berka").rows:
        if isinstance(row, Event) and isinstance(booked := row.data, TransactionBooked):
            day = calendar.day_of(row.at)
            if day <= CUT + 90:
                move = Movement(
                    day,
                    booked.account,
                    booked.amount_minor,
                    booked.category,
                    booked.operation,
                    booked.counterparty,
                    booked.balance_minor,
                )
                by_account.setdefault(booked.account, []).append(move)
    return list(by_account.values())


def weighted_quantile_loss(quantiles: Floats, came: Floats) -> float:
    error = came[..., None] - quantiles
    levels = np.array(QUANTILES)
    pinball = np.maximum(levels * error, (levels - 1) * error)
    return float(2 * pinball.sum(axis=(0, 1)).mean() / np.abs(came).sum())


def came_after(movements: list[Movement], day: int) -> Floats:
    return history(movements, as_of=day + 90).closing(day + AHEAD).astype(np.float64)


def last_value(histories: list[list[Movement]], judged: list[list[Movement]]) -> Floats:
    """The yardstick: the last balance, with errors of the same windows pooled over the same customers."""
    errors = []
    for movements in histories:
        for day in WINDOWS:
            past = history(movements, as_of=day)
            if silence(past) is None:
                errors.append((came_after(movements, day) - (past.balance or 0)) / past.turnover())
    pooled = np.quantile(np.array(errors), QUANTILES, axis=0).T
    pasts = [history(movements, as_of=CUT) for movements in judged]
    return np.array([(past.balance or 0) + past.turnover() * pooled for past in pasts])


def test_it_beats_the_last_value_with_pooled_errors_in_a_january_nobody_has_seen(
    histories: list[list[Movement]],
) -> None:
    judged = [movements for movements in histories if movements[0].day <= CUT - 120]
    errors = fit_errors(histories, as_of_days=WINDOWS, known_until=CUT)
    totals = [forecast(movements, as_of=CUT, currency="CZK", errors=errors).total for movements in judged]
    quantiles = np.array([[at.quantiles for at in total.days] for total in totals if total], dtype=np.float64)
    came = np.array([came_after(movements, CUT) for movements in judged])
    assert len(judged) == len(quantiles) > 600
    ours = weighted_quantile_loss(quantiles, came)
    assert ours < 0.26
    assert ours < 0.92 * weighted_quantile_loss(last_value(histories, judged), came)
