"""An account that two sources tell is recognised by its number, and what one of them covers counts once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from marketofone.consent.gate import Admitted, admit
from marketofone.consent.ledger import ConsentChange, fold
from marketofone.consent.policy import parse_policy
from marketofone.domain.event import Event
from marketofone.domain.fields import EventData
from marketofone.domain.moment import DAY, Calendar, Day, Instant, date_of
from marketofone.domain.money_events import (
    AccountOpened,
    BalanceStated,
    OpenBankingBalance,
    OpenBankingOrder,
    OpenBankingTransaction,
    OrderPlaced,
    TransactionBooked,
)
from marketofone.profile.coverage import EDGE_DAYS, GAP_DAYS
from marketofone.profile.ledger import NO_LEDGER, accounts, fold_ledger
from marketofone.profile.registers import fold_registers
from marketofone.profile.same_accounts import STALE_DAYS, Told, aliases_in, counted, counts_beside, told_twice

IBAN, OTHER = "DE89370400440532013000", "DE02120300000000202051"
UTC = Calendar("UTC")
FIRST = 20_000
POLICY = parse_policy("""
[purposes.insights]
title = "t"
notice = "n"
gives = "g"
sources = ["transactions", "open_banking"]
[sources]
transactions = { title = "t", notice = "n" }
open_banking = { title = "t", notice = "n" }
[channels]
app = { title = "t" }
""")
YES = fold(
    [
        ConsentChange(
            customer="c",
            change="grant",
            purposes=("insights",),
            sources=("transactions", "open_banking"),
            channels=("app",),
            since=Instant(0),
            until=Instant(2**60),
        )
    ]
)


def event(data: EventData, *, day: int = FIRST) -> Event:
    kinds = {
        AccountOpened: "account.opened",
        BalanceStated: "balance.stated",
        TransactionBooked: "transaction.booked",
        OpenBankingBalance: "openbanking.balance",
        OpenBankingTransaction: "openbanking.transaction",
        OrderPlaced: "order.placed",
        OpenBankingOrder: "openbanking.order",
    }
    return Event(
        id=repr((data, day)), producer="p", kind=kinds[type(data)], customer="c", at=Instant(day * DAY), data=data
    )


def here(minor: int = -100, *, account: str = IBAN, day: int = FIRST, currency: str = "EUR") -> Event:
    return event(TransactionBooked(account=account, amount_minor=minor, currency=currency), day=day)


def elsewhere(minor: int = -100, *, account: str = IBAN, day: int = FIRST, number: str | None = None) -> Event:
    data = OpenBankingTransaction(institution="x", account=account, amount_minor=minor, currency="EUR", number=number)
    return event(data, day=day)


def told(events: Sequence[Event], *, elsewhere: bool = False) -> Told:
    admitted = [one for one in admit(events, YES, policy=POLICY, now=Instant(2**59)) if isinstance(one, Admitted)]
    days = [one.day(UTC) for one in events]
    return Told(fold_registers({}, admitted), fold_ledger(NO_LEDGER, admitted, days=days), elsewhere=elsewhere)


def names(own: Sequence[Event], others: Sequence[Event]) -> list[tuple[str, str]]:
    return [(alias.account, name) for (name, _), alias in told_twice(told(own), told(others, elsewhere=True)).items()]


def test_an_account_is_recognised_by_its_number_in_its_currency() -> None:
    opened = event(AccountOpened(account="a", product="p", currency="EUR", number="DE89 3704 0044 0532 0130 00"))

    assert names([here()], [elsewhere()]) == [(IBAN, f"x/{IBAN}")]
    assert names([opened], [elsewhere()]) == [("a", f"x/{IBAN}")]
    assert names([opened], [elsewhere(account="1", number=IBAN)]) == [("a", "x/1")]
    assert names([here()], [elsewhere(account=OTHER)]) == []
    assert names([here(currency="USD")], [elsewhere()]) == []
    assert names([here(account="1")], [elsewhere(account="1")]) == []  # a number that only one bank knows


def counting(own: Sequence[Event], others: Sequence[Event]) -> list[Event]:
    twice = told_twice(told(own), told(others, elsewhere=True))
    return [one for one in others if counts_beside(one, twice, calendar=UTC)]


def test_movements_count_elsewhere_before_and_after_what_is_told_here() -> None:
    own = [here(day=FIRST), here(-700, day=FIRST + 10)]
    before, after = elsewhere(-5, day=FIRST - 1), elsewhere(-6, day=FIRST + 11)
    within = [elsewhere(-9, day=FIRST + ago) for ago in (0, 4, 10)]
    dated_otherwise = [elsewhere(day=FIRST - EDGE_DAYS), elsewhere(-700, day=FIRST + 10 + EDGE_DAYS)]
    long_ago = elsewhere(day=FIRST - EDGE_DAYS - 1)

    assert counting(own, [before, after, *within, *dated_otherwise, long_ago]) == [before, after, long_ago]


def test_what_stands_on_an_account_counts_as_told_here_until_that_is_old() -> None:
    def balance(day: int) -> Event:
        data = OpenBankingBalance(institution="x", account=IBAN, balance_minor=5, currency="EUR")
        return event(data, day=day)

    stated = event(BalanceStated(account=IBAN, balance_minor=7, currency="EUR", on=date_of(Day(FIRST))))
    recent, old = balance(FIRST + STALE_DAYS), balance(FIRST + STALE_DAYS + 1)

    assert counting([stated], [recent, old]) == [old]
    assert counting([here()], [recent]) == [recent]  # nothing says here what stands on it


def test_orders_count_as_told_elsewhere_until_any_is_told_here() -> None:
    terms: dict[str, Any] = {"account": IBAN, "currency": "EUR", "amount_minor": 5, "order": "so-1"}
    there = event(OpenBankingOrder(institution="x", **terms), day=FIRST)

    assert counting([here()], [elsewhere(day=FIRST + 9), there])[-1] == there
    assert counting([here(), event(OrderPlaced(**terms), day=FIRST)], [elsewhere(day=FIRST + 9), there])[1:] == []


def merged(events: Sequence[Event]) -> list[Event]:
    aliases = aliases_in(told(events))
    return [as_counted for one in events if (as_counted := counted(one, aliases, calendar=UTC)) is not None]


NUMBERED = event(AccountOpened(account="giro", product="p", currency="EUR", number=IBAN), day=FIRST - 1)


@given(
    days=st.lists(st.integers(0, 60), min_size=1, max_size=9),
    start=st.integers(0, 60),
    length=st.integers(0, 60),
    swapped=st.booleans(),
)
def test_what_two_names_of_one_source_tell_of_the_same_days_counts_once_and_all_else_counts(
    days: list[int],
    start: int,
    length: int,
    swapped: bool,  # noqa: FBT001 - a case
) -> None:
    one, other = ("giro", IBAN)[:: -1 if swapped else 1]
    everything = [here(account=one, day=FIRST + day) for day in days]
    again = [here(account=other, day=FIRST + day) for day in days if start <= day <= start + length]

    found = merged([NUMBERED, *again, *everything])

    moved = [(one.day(UTC) - FIRST, one.data.account) for one in found if isinstance(one.data, TransactionBooked)]
    assert sorted(moved) == [(day, "giro") for day in sorted(days)]


def test_what_another_name_tells_of_a_long_gap_counts() -> None:
    ends = [here(account="giro", day=FIRST + day) for day in (0, GAP_DAYS + 1)]
    between = [here(-7, account=IBAN, day=FIRST + day) for day in (0, 9, GAP_DAYS)]

    assert len(merged([NUMBERED, *ends, *between])) == 1 + len(ends) + 2
    assert len(merged([NUMBERED, *ends, here(account="giro", day=FIRST + 5), *between])) == 1 + len(ends) + 1


def test_the_name_that_tells_balances_is_believed_and_the_given_name_is_shown() -> None:
    plain = [here(minor, account="giro", day=FIRST + 5) for minor in (-1, -2)]
    stated = event(BalanceStated(account=IBAN, balance_minor=7, currency="EUR", on=date_of(Day(FIRST + 5))))
    believed = here(-3, day=FIRST + 5)

    found = merged([NUMBERED, *plain, believed, stated])

    assert [getattr(one.data, "amount_minor", None) for one in found] == [None, -3, None]
    assert {getattr(one.data, "account", None) for one in found} == {"giro"}


DAYS = st.lists(st.integers(FIRST, FIRST + 30), max_size=8)


@given(own=DAYS, others=DAYS)
def test_put_together_an_account_has_every_movement_of_both_sources_in_the_order_of_days(
    own: list[int], others: list[int]
) -> None:
    one = told([here(day=day) for day in own]).ledger
    other = told([elsewhere(day=day) for day in others]).ledger

    read = accounts([one, other], same={f"x/{IBAN}": IBAN})

    assert [account.name for account in read] == [IBAN] * bool(own or others)
    assert [day for account in read for day in account.days] == sorted(own + others)
