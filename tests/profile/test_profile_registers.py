"""Registers remember the last word, whatever order events arrive in, and a view opens only what is permitted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from marketofone.consent.gate import Admitted
from marketofone.domain.event import ArrearsChanged, CareFlagged, Event, LifeDeclared, PersonDescribed
from marketofone.domain.fields import EventData
from marketofone.domain.moment import DAY, Day, Instant, date_of, instant_of
from marketofone.domain.money_events import (
    AccountOpened,
    OpenBankingBalance,
    OrderPlaced,
    ProductClosed,
    ProductOpened,
    TransactionBooked,
)
from marketofone.profile.orders import limits_of, orders_of
from marketofone.profile.registers import Registers, fold_registers, pack, unpack
from marketofone.profile.view import Account, Balance, Life, view

NOTHING: Registers = {}


def event(kind: str, data: EventData, *, at: int, name: str = "e") -> Event:
    return Event(id=f"{name}-{at}", producer="test", kind=kind, customer="c-1", at=Instant(at), data=data)


def folded(events: Sequence[Event]) -> Registers:
    return fold_registers(NOTHING, [Admitted(event=each) for each in events])


MADE = st.lists(
    st.tuples(
        st.one_of(
            st.builds(
                ProductOpened,
                product=st.sampled_from(["card", "loan"]),
                account=st.just("a"),
                payment_minor=st.none() | st.integers(0, 2),
                months=st.just(3),
            ),
            st.builds(
                OrderPlaced,
                account=st.sampled_from(["a", "b"]),
                amount_minor=st.none() | st.integers(0, 2),
                currency=st.just("EUR"),
                order=st.sampled_from([None, "so-1", "so-2"]),
                ended=st.booleans(),
            ),
            st.builds(
                AccountOpened,
                account=st.just("a"),
                product=st.just("giro"),
                currency=st.just("EUR"),
                limit_minor=st.none() | st.integers(0, 2),
            ),
            st.builds(ProductClosed, product=st.sampled_from(["card", "loan"])),
            st.builds(PersonDescribed, region=st.sampled_from([None, "north", "south"])),
            st.builds(
                TransactionBooked,
                account=st.sampled_from(["a", "b"]),
                amount_minor=st.just(1),
                currency=st.just("EUR"),
                balance_minor=st.none() | st.integers(-5, 5),
            ),
        ),
        st.integers(0, 3),
    ),
    max_size=12,
)
KINDS = {
    ProductOpened: "product.opened",
    ProductClosed: "product.closed",
    PersonDescribed: "person.described",
    TransactionBooked: "transaction.booked",
    OrderPlaced: "order.placed",
    AccountOpened: "account.opened",
}


@given(data=st.data(), made=MADE)
def test_the_order_and_the_batches_of_events_do_not_matter(
    data: st.DataObject, made: list[tuple[EventData, int]]
) -> None:
    events = [event(KINDS[type(facts)], facts, at=at, name=str(n)) for n, (facts, at) in enumerate(made)]
    shuffled = data.draw(st.permutations(events))
    cut = data.draw(st.integers(0, len(events)))

    first = unpack(pack(folded(shuffled[:cut])))
    live = fold_registers(first, [Admitted(event=each) for each in shuffled[cut:]])

    assert pack(live) == pack(folded(events))
    # A duplicate changes nothing.
    assert pack(fold_registers(live, [Admitted(event=each) for each in events])) == pack(live)


def test_the_view_shows_what_the_events_said() -> None:
    here = folded(
        [
            event("account.opened", AccountOpened(account="a", product="current", currency="EUR", statement="m"), at=1),
            event("product.opened", ProductOpened(product="card"), at=2),
            event("product.opened", ProductOpened(product="loan"), at=3),
            event("product.closed", ProductClosed(product="loan"), at=4),
            event("person.described", PersonDescribed(birth_year=1980, sex="female", region="north"), at=5),
            event(
                "transaction.booked",
                TransactionBooked(account="a", amount_minor=-1, currency="EUR", balance_minor=70),
                at=6,
            ),
        ]
    )
    there = folded(
        [
            event(
                "openbanking.balance",
                OpenBankingBalance(institution="i", account="x", balance_minor=9, currency="CZK"),
                at=7,
            )
        ]
    )
    lived = folded([event("life.declared", LifeDeclared(event="child"), at=8)])
    profile = view(
        {"transactions": here, "open_banking": there, "life_events": lived},
        sources={"transactions", "open_banking", "life_events"},
    )

    assert (profile.birth_year, profile.region) == (1980, "north")
    assert profile.holdings == {"card": 2, "current": 1}
    assert profile.accounts == {"a": Account(opened=Instant(1), product="current", currency="EUR", role="owner")}
    assert profile.statements == {"a": "m"}
    assert profile.balances == {"a": Balance(at=Instant(6), minor=70, currency="EUR")}
    assert profile.other_balances == {"i/x": Balance(at=Instant(7), minor=9, currency="CZK")}
    assert profile.life == {"child": Life(at=Instant(8), confidence=1.0)}


def test_the_last_word_about_an_order_counts_and_a_limit_is_that_which_was_told_last() -> None:
    def rent(amount: int | None, *, at: int, name: str | None = "so-1", **facts: Any) -> Event:
        data = OrderPlaced(account="a", amount_minor=amount, currency="EUR", order=name, **facts)
        return event("order.placed", data, at=at)

    def giro(limit: int | None, *, at: int) -> Event:
        data = AccountOpened(account="a", product="giro", currency="EUR", limit_minor=limit)
        return event("account.opened", data, at=at)

    events = [
        *(rent(90, at=1), rent(95, at=3), rent(None, at=2, name="dd-1", direction="in")),
        *(rent(7, at=4, name=None, next_on=date(2026, day, 1)) for day in (1, 1, 2)),
        *(giro(500, at=1), giro(700, at=3), giro(None, at=4)),
    ]
    registers = folded(events)
    assert sorted((one.amount_minor or 0, one.sign, one.told) for one in orders_of(registers)) == [
        (-95, -1, 3),
        (-7, -1, 4),
        (-7, -1, 4),
        (0, 1, 2),
    ]
    assert limits_of(registers) == {("a", "EUR"): 700}
    assert view({"transactions": registers}, sources={"transactions"}).limits == {"a": 700}


def test_a_loan_is_an_order_for_every_month_until_it_is_given_up() -> None:
    paid: dict[str, Any] = {"payment_minor": 900, "months": 12, "account": "a"}
    taken = event("product.opened", ProductOpened(product="loan", principal_minor=1, **paid), at=30 * DAY)
    agreed = ProductOpened(product="loan", principal_minor=2, first_on=date(1970, 3, 15), **paid)
    loans = orders_of(folded([taken, event("product.opened", agreed, at=1)]))
    assert [(one.amount_minor, date_of(one.first_on or Day(0)).isoformat(), one.ended) for one in loans] == [
        (-900, "1970-02-28", False),
        (-900, "1970-03-15", False),
    ]
    closed = event("product.closed", ProductClosed(product="loan"), at=31 * DAY)
    assert [one.ended for one in orders_of(folded([closed, taken]))] == [True]


def test_sources_that_are_not_permitted_are_not_looked_at() -> None:
    lived = folded([event("life.declared", LifeDeclared(event="child"), at=8)])

    assert view({"life_events": lived}, sources={"transactions"}).life == {}


def test_sex_is_remembered_nowhere() -> None:
    described = folded([event("person.described", PersonDescribed(sex="female", region="north"), at=5)])

    assert list(described) == ["region"]
    assert b"female" not in pack(described)


def test_care_ends_at_its_end_and_arrears_when_they_are_paid() -> None:
    end = datetime(2026, 6, 1, tzinfo=UTC)
    flagged = event("care.flagged", CareFlagged(driver="health", until=end), at=1)
    late = event("arrears.changed", ArrearsChanged(in_arrears=True), at=2)
    paid = event("arrears.changed", ArrearsChanged(in_arrears=False), at=3)

    def profile_after(*events: Event) -> tuple[bool, bool, bool]:
        profile = view({"protection": folded(events)}, sources={"protection"})
        now = instant_of(end)
        return profile.in_arrears, profile.vulnerable(Instant(now - DAY)), profile.vulnerable(now)

    assert profile_after() == (False, False, False)
    assert profile_after(flagged, late) == (True, True, False)
    assert profile_after(flagged, late, paid) == (False, True, False)
    assert profile_after(event("care.flagged", CareFlagged(driver="health"), at=2)) == (False, True, True)
