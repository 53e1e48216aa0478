"""Charts say with lengths what the tables beside them say with numbers."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.web.charts import (
    COLUMN,
    LETTER,
    NARROWEST,
    Fan,
    Mark,
    Series,
    Signs,
    bars,
    columns,
    round_levels,
    signs,
    whiskers,
    window,
)

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


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=40))
def test_columns_are_as_high_as_their_parts_and_stand_on_one_line(numbers: list[tuple[int, int]]) -> None:
    other = [(5, 0)]
    chart = columns([Series("one", "", ("for", "against"), numbers), Series("other", "", ("for", "against"), other)])
    first, second = chart.rows
    highest = max((sum(parts) for parts in numbers), default=0) or 1
    drawn = iter(first.parts)
    for place, parts in enumerate(numbers):
        foot = float(first.base)
        for tone, amount in zip(("for", "against"), parts, strict=True):
            if amount:
                part = next(drawn)
                assert part.tone == tone
                assert part.x == pytest.approx(100 * place / len(numbers), abs=0.01)
                assert part.height == pytest.approx(max(COLUMN * amount / highest, 1), abs=0.01)
                assert part.y + part.height == pytest.approx(foot, abs=0.02)
                foot = part.y
    assert next(drawn, None) is None
    assert all(part.y >= first.base - COLUMN - 2 for part in first.parts)
    assert first.base < second.y < second.base < chart.height


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


FAN = Fan([(day - 10, day, day + 10) for day in range(90)])
WORDS = st.lists(
    st.tuples(st.integers(0, 89), st.text(min_size=1, max_size=16)), max_size=6, unique_by=lambda sign: sign[0]
)


def extents(hung: Signs, *, width: float) -> list[tuple[int, float, float]]:
    """Give lane, begin and end of every sign in pixels of a chart of this width."""
    spans = []
    for sign in hung.signs:
        at, length = sign.x * width / 100, len(sign.text) * LETTER
        spans.append((sign.lane, at - length, at) if sign.ends else (sign.lane, at, at + length))
    return spans


@given(WORDS, st.floats(NARROWEST, 1_400))
def test_words_on_a_chart_never_lie_over_each_other_nor_stick_out(texts: list[tuple[int, str]], width: float) -> None:
    hung = signs(FAN, texts)
    spans = extents(hung, width=width)
    assert sorted(sign.text for sign in hung.signs) == sorted(text for _, text in texts)
    assert {lane for lane, _, _ in spans} == set(range(hung.lanes))
    assert all(begin >= -0.1 and end <= width + 0.1 for _, begin, end in spans)
    for (lane, begin, end), (other, left, right) in combinations(spans, 2):
        assert lane != other or end <= left + 0.1 or right <= begin + 0.1


@given(st.integers(0, 89), st.integers(0, 89), st.integers(5, 28))
def test_words_of_a_shaded_window_stay_on_the_narrowest_chart(one: int, other: int, letters: int) -> None:
    shaded = window(FAN, min(one, other), max(one, other), text="x" * letters)
    share = {"start": 0.0, "middle": 0.5, "end": 1.0}[shaded.anchor]
    begin = shaded.at * NARROWEST / 100 - share * letters * LETTER
    assert begin >= -0.1
    assert begin + letters * LETTER <= NARROWEST + 0.1
