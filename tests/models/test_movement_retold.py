"""A pending payment is found again by what stays of it, and each that is told stands for at most one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from marketofone.models.movement.retold import DAYS, Seen, booked_by_now, told_with_more

INN = frozenset({"inn", "oak"})
WAITS = Seen("a:p-1", "a", "EUR", -4_500, 100, INN)

movements = st.builds(
    Seen,
    id=st.uuids().map(str),
    account=st.sampled_from("ab"),
    currency=st.sampled_from(("EUR", "USD")),
    amount=st.integers(-3, 3).map(lambda number: number * 450),
    day=st.integers(100, 130),
    words=st.sampled_from((frozenset[str](), INN, frozenset({"kiosk"}))),
)
several = st.lists(movements, max_size=8)


def booked(**changes: object) -> Seen:
    return WAITS._replace(id="a:b-9", **changes)  # type: ignore[arg-type]


def test_another_account_currency_sign_or_season_is_another_payment() -> None:
    for other in (
        booked(account="b"),
        booked(currency="USD"),
        booked(amount=4_500),
        booked(day=WAITS.day + DAYS + 1),
        booked(day=WAITS.day - 4),
        booked(amount=-9_000),
        booked(amount=-4_900, words=frozenset({"kiosk"})),
    ):
        assert not booked_by_now([WAITS], [other])


def test_what_was_told_before_the_pending_payment_may_not_be_booked_before_it() -> None:
    waits = WAITS._replace(told=7)
    for told, found in ((6, False), (7, False), (8, True)):
        assert bool(booked_by_now([waits], [booked(day=WAITS.day - 1, told=told)], earliest=0)) is found
        assert booked_by_now([waits], [booked(told=told)], earliest=0)


def test_a_reference_that_goes_on_is_the_payment_whatever_else_changed() -> None:
    waits = WAITS._replace(id="a:X-1:pending")
    assert booked_by_now([waits], [booked(amount=-8_000, day=140)._replace(id="a:X-1:20260604:-80")])
    assert booked_by_now([waits], [booked(amount=-800)._replace(id="a:X-1/1:20260604:-8")])
    assert not booked_by_now([waits], [booked(amount=-8_000)._replace(id="a:X-11:20260604:-80")])


@given(several, several)
def test_each_that_is_told_stands_for_one_in_any_order(pending: list[Seen], told: list[Seen]) -> None:
    found = booked_by_now(pending, told)
    assert found == booked_by_now(pending[::-1], told[::-1])
    assert found.keys() <= {one.id for one in pending}
    assert len(set(found.values())) == len(found)
    assert set(found.values()) <= {one.id for one in told}


@given(several)
def test_what_was_told_in_few_words_is_found_as_often_as_it_is_told_with_more(bare: list[Seen]) -> None:
    fewer = [one._replace(words=frozenset()) for one in bare]
    more = [one._replace(id=f"{one.id}+", words=INN) for one in bare]
    assert told_with_more(fewer, more) == {one.id for one in bare}
    assert len(told_with_more(fewer, more[1:])) == max(len(bare) - 1, 0)
    assert not told_with_more(fewer, [one._replace(words=frozenset()) for one in more])
