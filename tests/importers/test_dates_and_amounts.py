"""Dates and amounts are read as people write them, and what another way of writing would read otherwise is refused."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.importers.tables.amounts import DecimalSign, amount_reader, amount_style, currency_beside
from marketofone.importers.tables.cells import Cell
from marketofone.importers.tables.dates import Order, date_reader, date_style

FORMS: dict[Order, tuple[str, ...]] = {
    "DMY": ("{d:02}.{m:02}.{y}", "{d}/{m}/{y}", "{d:02}-{m:02}-{y}", "{d:02}{m:02}{y}", "{d:02}.{m:02}.{s:02}"),
    "MDY": ("{m:02}/{d:02}/{y}", "{m}/{d}/{y}", "{m:02}{d:02}{y}"),
    "YMD": ("{y}-{m:02}-{d:02}", "{y}/{m}/{d}", "{y}{m:02}{d:02}", "{y}.{m:02}.{d:02}", "{s:02}{m:02}{d:02}"),
}
DAYS = st.dates(date(2000, 1, 1), date(2068, 12, 31))
AMOUNTS = st.decimals(Decimal("-99999999.99"), Decimal("99999999.99"), places=2)


@pytest.mark.parametrize(("order", "form"), [(order, form) for order, forms in FORMS.items() for form in forms])
@given(day=DAYS)
def test_a_date_is_read_in_its_order(order: Order, form: str, day: date) -> None:
    written = form.format(y=day.year, m=day.month, d=day.day, s=day.year % 100)

    assert date_reader(order)(written) == day
    assert date_reader(order)(f"{written} 23:59:59") == day
    assert date_reader(order)(f"{written}T08:30Z") == day


@pytest.mark.parametrize(
    "written",
    ["3 Jun 2026", "3. června 2026", "3 czerwca 2026", "Jun 3, 2026", "June 3rd, 2026", "3 juin 2026", "03-Jun-26"],
)
def test_months_are_known_by_their_names(written: str) -> None:
    assert date_reader("DMY")(written) == date(2026, 6, 3)


def test_a_spreadsheet_holds_dates_and_numbers_of_days() -> None:
    read = date_reader("DMY")

    assert read(date(2026, 6, 3)) == read(datetime(2026, 6, 3, 14, 5)) == read(Decimal(46176)) == date(2026, 6, 3)  # noqa: DTZ001 - as a spreadsheet has it


@pytest.mark.parametrize("written", ["", "tea", "31.02.2026", "2026-13-01", "12.50", "1.1.0001", Decimal("12.5")])
def test_what_is_no_date_is_refused(written: Cell) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - several reasons, one kind
        date_reader("DMY")(written)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("1404/01/01", date(2025, 3, 21)), ("1403-12-30", date(2025, 3, 20)), ("30/12/1399", date(2021, 3, 20)),
        ("۱۴۰۴/۰۶/۳۱", date(2025, 9, 22)), ("1404/07/01 12:30", date(2025, 9, 23)), ("14051229", date(2027, 3, 20)),
    ],
)  # fmt: skip
def test_years_of_iran_are_those_of_its_calendar(written: str, day: date) -> None:
    assert date_reader("YMD" if written[2] != "/" else "DMY")(written) == day


def test_years_of_iran_have_each_day_once() -> None:
    read, lengths = date_reader("YMD"), [31] * 6 + [30] * 6
    days: list[date] = []
    for year, month in product(range(1370, 1421), range(1, 13)):
        for day in range(1, lengths[month - 1] + 1):
            with suppress(ValueError):
                days.append(read(f"{year}/{month}/{day}"))

    assert days == [date(1991, 3, 21) + timedelta(days=after) for after in range(len(days))]
    assert days[-1] == date(2042, 3, 20)


@pytest.mark.parametrize("order", ["DMY", "MDY"])
@given(days=st.lists(DAYS.filter(lambda day: day.day > 12), min_size=1))
def test_a_number_above_twelve_decides_the_order(order: Order, days: Sequence[date]) -> None:
    written = [FORMS[order][1].format(y=day.year, m=day.month, d=day.day) for day in days]

    assert date_style(written) == (order, 1.0, True)


def test_dates_that_only_rise_in_one_order_are_in_that_order() -> None:
    style = date_style(["01/06/2026", "02/06/2026", "11/06/2026", "01/07/2026", "02/07/2026"])

    assert style == ("DMY", 1.0, True)


def test_a_year_of_two_digits_comes_first_only_where_days_would_scatter_over_decades() -> None:
    assert date_style(["26-06-01", "26-06-02", "26-06-11"]).order == "YMD"
    assert date_style(["01-06-26", "02-06-26", "11-06-26"]).order == "DMY"


def grouped(amount: Decimal, *, decimal: str, group: str, india: bool = False) -> str:
    whole, _, places = f"{abs(amount):.2f}".partition(".")
    last, rest = whole[-3:], whole[:-3]
    size = 2 if india else 3
    parts = [rest[max(0, end - size) : end] for end in range(len(rest), 0, -size)][::-1]
    return group.join([*parts, last]) + decimal + places


@pytest.mark.parametrize(
    ("decimal", "group"),
    [(".", ","), (",", "."), (".", "'"), (",", " "), (",", "\xa0"), (".", "’"), (".", "")],  # noqa: RUF001 - as banks print
)
@given(amount=AMOUNTS)
def test_an_amount_is_read_with_its_groups_and_its_sign_wherever_it_stands(
    decimal: DecimalSign, group: str, amount: Decimal
) -> None:
    read, plain = amount_reader(decimal), grouped(amount, decimal=decimal, group=group)
    forms = [f"-{plain}", f"{plain}-", f"({plain})", f"− {plain} €", f"-EUR {plain}"] if amount < 0 else [  # noqa: RUF001 - as banks print
        plain, f"+{plain}", f"{plain} Kč", f"£{plain}", f"{plain} CR"
    ]  # fmt: skip

    assert [read(form) for form in forms] == [amount] * len(forms)
    assert [amount_reader(decimal, positive="out")(form) for form in forms[:4]] == [-amount] * 4


@given(amount=AMOUNTS)
def test_groups_of_two_as_in_india_are_read(amount: Decimal) -> None:
    written = grouped(amount, decimal=".", group=",", india=True)

    assert amount_reader(".")(written) == abs(amount)


@pytest.mark.parametrize(("sign", "written"), [(1, "12.50 CR"), (-1, "12.50 Dr."), (-1, "12.50 D"), (1, "12.50C")])
def test_words_of_book_keeping_mean_the_same_whatever_a_plain_number_is(sign: int, written: str) -> None:
    for positive in ("in", "out"):
        assert amount_reader(".", positive=positive)(written) == sign * Decimal("12.50")


@pytest.mark.parametrize("written", ["12,5", "1,2345.00", "1.2.3", "12.50 apples", "", "-", "1e5", "NaN", "2026-06-01"])
def test_what_another_way_of_writing_would_read_otherwise_is_refused(written: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - several reasons, one kind
        amount_reader(".")(written)


@pytest.mark.parametrize(
    ("cells", "decimal", "sure"),
    [
        (["1.234,50"], ",", True),
        (["1,234.50"], ".", True),
        (["12,5", "1.234"], ",", True),
        (["1.234.567"], ",", True),
        (["1'234", "0.50"], ".", True),
        (["1.234", "5.678"], ".", False),
        (["0.125"], ".", True),
        (["12", "13"], ".", True),
    ],
)
def test_the_sign_before_decimals_is_found(cells: Sequence[Cell], decimal: str, sure: bool) -> None:  # noqa: FBT001 - a case
    assert tuple(amount_style(cells)) == (decimal, 1.0, sure)


@pytest.mark.parametrize(
    ("written", "code", "sure"),
    [
        ("12 €", "EUR", True),
        ("R$ 5,00", "BRL", True),
        ("$5", "USD", False),
        ("PLN 5", "PLN", True),
        ("5 kr", "SEK", False),
    ],
)
def test_the_currency_beside_an_amount_is_known(written: str, code: str, sure: bool) -> None:  # noqa: FBT001 - a case
    assert currency_beside(written) == (code, sure)
