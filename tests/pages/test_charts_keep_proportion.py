"""Charts say with lengths what the tables beside them say with numbers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.web.charts import Fan, Mark, bars, round_levels, whiskers

AMOUNTS = st.lists(st.floats(-1e9, 1e9).filter(lambda amount: abs(amount) > 1e-3), min_size=1, max_size=12)


def marks(amounts: list[float]) -> list[Mark]:
    return [Mark(label="a reason of some length", amount=amount, value="", tone="for") for amount in amounts]


@given(AMOUNTS)
def test_bars_are_as_long_as_their_amounts_and_stay_inside(amounts: list[float]) -> None:
    chart = bars(marks(amounts))
    reach = max(0.0, *amounts) - min(0.0, *amounts)
    for row in chart.rows:
        assert row.width == pytest.approx(max(100 * abs(row.mark.amount) / reach, 0.4), abs=0.03)
        begins_at_zero = row.x if row.mark.amount > 0 else row.x + row.width
        assert begins_at_zero == pytest.approx(chart.zero, abs=0.5)
        assert -0.01 <= row.x <= 100.01
        assert row.at + 12 <= chart.height


def test_whiskers_hold_their_dot_in_the_middle() -> None:
    chart = whiskers([Mark(label="x", amount=3.0, spread=2.0, draw=6.0, value="", tone="calm")])
    row = chart.rows[0]
    assert row.dot == pytest.approx(row.x + row.width / 2, abs=0.01)
    assert row.draw > row.x + row.width


def test_a_fan_has_its_largest_amounts_on_top_and_its_days_from_left_to_right() -> None:
    quantiles = [(day - 10, day, day + 10) for day in range(90)]
    drawn = Fan(quantiles)
    first, *_, last = (tuple(float(part) for part in point.split(",")) for point in drawn.median.split())
    assert first[0] == 0
    assert last[0] == 1000
    assert last[1] < first[1]
    assert drawn.x(89) == 100
    assert drawn.y(quantiles[89][1]) == pytest.approx(last[1] / 10, abs=0.01)
    assert len(drawn.bands) == 1
    assert drawn.bounds[0] < 0 < drawn.bounds[1]
    assert drawn.y(drawn.bounds[1]) == 0
    assert all(0 < drawn.y(level) < 100 for level in drawn.levels)


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**9))
def test_levels_are_few_round_and_within_bounds(low: int, reach: int) -> None:
    levels = round_levels(low, low + reach, count=4)
    assert len(levels) <= 6
    assert all(low <= level <= low + reach for level in levels)
    steps = {after - before for before, after in pairwise(levels)}
    assert all(str(step).rstrip("0") in {"1", "2", "5"} for step in steps)
