"""Daily series are judged as the archive does it: the last 56 days, gaps filled, errors scaled by the week."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from marketofone.importers.tables import series
from marketofone.lab.evaluation.nn5 import HORIZON, PUBLISHED, cash_machines, filled

FIRST_DAY = 9_572


def test_the_errors_of_a_peer_are_scaled_by_the_difference_to_the_week_before() -> None:
    days = np.arange(170)
    whole = np.stack([days % 7 + (days // 7 % 2) + 1.0] * 2)
    found = cash_machines(
        whole, first_day=FIRST_DAY, peers={"off by two": lambda past, horizon: past[:, -horizon:] + 2}
    )
    assert (found.series, found.days, found.same_stretch) == (2, 170, False)
    assert found.same_run_mean_mase["off by two"] == pytest.approx(2.0)
    assert found.published_mean_mase == PUBLISHED


def test_no_gap_is_filled_with_what_came_later() -> None:
    whole = np.tile(np.arange(1.0, 8.0), 30)[None, :]
    gap = whole.copy()
    gap[0, 20] = np.nan
    later = gap.copy()
    later[0, -HORIZON:] *= 50
    seen: list[float] = []

    def watch(
        past: np.ndarray[tuple[int, int], np.dtype[np.float64]], horizon: int
    ) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        seen.append(float(past[0, 20]))
        return past[:, -horizon:]

    for table in (gap, later):
        cash_machines(table, first_day=FIRST_DAY, peers={"watch": watch})
    assert seen == [whole[0, 20]] * 2
    assert not np.isnan(filled(gap, by=gap)).any()


@pytest.mark.slow
@pytest.mark.usefixtures("lightgbm")
def test_on_the_cash_machines_it_is_better_than_level_and_week(data: Path) -> None:
    file = data / "nn5_daily_atm" / "nn5_open.csv.gz"
    if not file.exists():
        pytest.skip("the NN5 table is absent")
    first, table = series.read(file)
    assert len(table) == 111
    found = cash_machines(table[::10], first_day=first, peers={})  # all of them take a minute
    assert found.mean_mase < found.same_run_mean_mase["level and week"]
