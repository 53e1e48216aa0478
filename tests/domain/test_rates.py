"""Money is converted by a named rate only, rounded in one place, and as of what was known."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.errors import MalformedEvent
from marketofone.domain.fields import MAX_MINOR
from marketofone.domain.moment import Day
from marketofone.domain.money import Rate, converted, decimals_of
from marketofone.domain.rates import DailyRate, KnownRates, Pair, ReferenceRates, daily_rate, is_fresh

MINOR = st.integers(-MAX_MINOR, MAX_MINOR)
CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD", "HUF"])  # of two, none, three and two decimals
WORTH = st.fractions(Fraction(1, 10**6), 10**6, max_denominator=10**9)
TODAY = Day(20_634)  # 2026-06-30


@st.composite
def rates(draw: st.DrawFn) -> Rate:
    worth = draw(WORTH)
    return Rate("ECB", TODAY, draw(CURRENCIES), draw(CURRENCIES), worth.numerator, worth.denominator)


def exact(minor: int, rate: Rate) -> Fraction:
    scale = Fraction(10) ** (decimals_of(rate.to) - decimals_of(rate.of))
    return minor * Fraction(rate.numerator, rate.denominator) * scale


@given(minor=MINOR, rate=rates())
def test_an_amount_is_rounded_half_to_even_to_minor_units(minor: int, rate: Rate) -> None:
    assert converted(minor, rate) == round(exact(minor, rate))  # Python rounds fractions half to even
    assert converted(-minor, rate) == -converted(minor, rate)


@given(one=MINOR, other=MINOR, rate=rates())
def test_more_money_is_never_worth_less_and_a_sum_is_right_but_for_its_rounding(
    one: int, other: int, rate: Rate
) -> None:
    assert (converted(one, rate) <= converted(other, rate)) if one <= other else True
    assert abs(converted(one, rate) + converted(other, rate) - converted(one + other, rate)) <= 1


@given(minor=MINOR, rate=rates())
def test_there_and_back_again_is_lost_no_more_than_half_a_unit_of_the_other_currency(minor: int, rate: Rate) -> None:
    back = Rate(rate.table, rate.day, rate.to, rate.of, rate.denominator, rate.numerator)

    again = converted(converted(minor, rate), back)

    assert abs(again - minor) <= exact(1, back) / 2 + Fraction(1, 2)


def known(*words: tuple[int, str, list[DailyRate]]) -> KnownRates:
    tables = ReferenceRates()
    for n, table, said in words:
        tables = tables.after([(n, table, said)], n=n)
    assert all(tables.told(Pair(table, rate.base, rate.quote), rate.day, upto=n) == rate
               for n, table, said in words for rate in said)  # fmt: skip
    return KnownRates(tables.n, tables)


def euro(quote: str, worth: str, *, day: int = TODAY) -> DailyRate:
    return daily_rate(Day(day), "EUR", quote, Decimal(worth))


@given(pounds=st.decimals("0.001", 1000, places=6), yen=st.decimals("0.001", 1000, places=6), minor=MINOR)
def test_a_rate_through_the_base_is_that_of_both_steps(pounds: Decimal, yen: Decimal, minor: int) -> None:
    tables = known((1, "ECB", [euro("GBP", str(pounds)), euro("JPY", str(yen))]))

    there, back = (tables.newest(*pair, day=TODAY) for pair in (("GBP", "JPY"), ("JPY", "GBP")))

    assert there is not None
    assert back is not None
    assert Fraction(there.numerator, there.denominator) == Fraction(yen) / Fraction(pounds)
    assert there.numerator * back.numerator == there.denominator * back.denominator
    assert converted(minor, there) == round(exact(minor, there))


def test_the_newest_rate_up_to_the_day_counts_for_a_week_and_both_steps_are_of_one_day() -> None:
    tables = known(
        (1, "ECB", [euro("GBP", "0.8546", day=TODAY - 7), euro("JPY", "169.12", day=TODAY - 8)]),
        (2, "ECB", [euro("GBP", "0.8541", day=TODAY + 1), euro("GBP", "0.8500", day=TODAY - 8)]),
    )
    direct, crossed = (tables.newest(*pair, day=TODAY) for pair in (("GBP", "EUR"), ("GBP", "JPY")))

    assert direct is not None
    assert crossed is not None
    assert (direct.day, is_fresh(direct, day=TODAY)) == (TODAY - 7, True)
    assert (crossed.day, is_fresh(crossed, day=TODAY)) == (TODAY - 8, False)
    assert crossed.figure == "198.965"
    assert tables.newest("GBP", "EUR", day=TODAY - 9) is None
    assert tables.newest("GBP", "CHF", day=TODAY) is None


def test_a_pair_as_it_is_quoted_counts_before_others_of_the_day_and_of_equals_the_first_table() -> None:
    tables = known(
        (1, "B", [euro("GBP", "0.8")]),
        (2, "A", [euro("GBP", "0.9"), daily_rate(TODAY, "GBP", "EUR", Decimal("1.1"))]),
        (3, "0", [euro("GBP", "0.5", day=TODAY - 1)]),
    )
    rate = tables.newest("GBP", "EUR", day=TODAY)

    assert rate is not None
    assert rate.text == "GBP at 1.1 EUR of 2026-06-30, A"


def test_who_asks_as_of_an_earlier_entry_gets_what_was_known_then() -> None:
    tables = known((4, "ECB", [euro("GBP", "0.8")]), (9, "ECB", [euro("GBP", "0.5")]))

    told = [KnownRates(n, tables.rates).newest("EUR", "GBP", day=TODAY) for n in (3, 4, 8, 9)]

    assert [None if rate is None else rate.figure for rate in told] == [None, "0.8", "0.8", "0.5"]
    assert tables.told(Pair("ECB", "EUR", "GBP"), TODAY) == euro("GBP", "0.50")


@pytest.mark.parametrize("worth", ["0", "-1", "NaN", "Infinity", "1e18", "0.0000000000000001", "1e999999", "1e-999999"])
def test_what_can_be_no_rate_is_refused(worth: str) -> None:
    with pytest.raises(MalformedEvent):
        euro("GBP", worth)


@given(worth=st.decimals("0.000000000000001", 999_999_999, allow_nan=False))
def test_a_rate_is_kept_as_it_was_written(worth: Decimal) -> None:
    try:
        rate = euro("GBP", str(worth))
    except MalformedEvent:
        assert len(worth.as_tuple().digits) > 18 or -int(worth.as_tuple().exponent) > 15
    else:
        assert Fraction(rate.digits, 10**rate.decimals) == Fraction(worth)
