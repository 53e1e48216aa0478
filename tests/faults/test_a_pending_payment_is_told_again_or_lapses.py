"""A pending payment that a feed tells again under another id counts once, and one that is never booked lapses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from situations import NOW, pays, said_in, says, sent, values

import marketofone
from bank_projects import Projects
from marketofone import Bank
from marketofone.domain.moment import DAY, HOUR, Instant, text_of
from proofs import proven

COFFEE, DINNER = -450, -4_500
_CUSTOMERS = count()


def waits(id: str, minor: int = DINNER, *, ago: int = 3, of: str = "anna", **more: object) -> bytes:  # noqa: A002
    facts = {"merchant": "Inn at the Oak", **more}
    return pays(of, minor, "dining", at=NOW - ago * DAY, id=id, status="pending", **facts)


def booked(id: str, minor: int = DINNER, *, ago: int = 1, of: str = "anna", **more: object) -> bytes:  # noqa: A002
    return pays(of, minor, "dining", at=NOW - ago * DAY, id=id, **{"merchant": "Inn at the Oak", **more})


def spent(bank: Bank, of: str = "anna") -> float:
    return -values(bank, of)["spend_30d"]


@pytest.fixture(scope="module")
def lasting(lasting_projects: Projects, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    with marketofone.open(lasting_projects.lay_out(tmp_path_factory.mktemp("again") / "bank"), now=NOW) as opened:
        yield opened


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_is_told_again_as_pending_and_then_booked_counts_once_in_any_order(
    bank: Bank, order: tuple[int, ...]
) -> None:
    says(bank, "anna")
    rows = [waits("p-1"), waits("p-2"), booked("b-9")]
    for place in order:
        bank.ingest([rows[place]], now=NOW)
        assert spent(bank) == DINNER

    assert bank.ingest(rows, now=NOW).duplicates == 3
    assert spent(bank) == DINNER
    proven(bank)


@settings(max_examples=20)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.integers(0, 3), st.randoms(use_true_random=False))
def test_lists_told_in_any_order_count_as_many_purchases_as_the_longest_tells_or_are_booked(
    lasting: Bank, lists: list[int], books: int, random: object
) -> None:
    of = f"c-{next(_CUSTOMERS)}"
    says(lasting, of)
    told = [[waits(f"p-{list_}-{one}", of=of) for one in range(size)] for list_, size in enumerate(lists)]
    told += [[booked(f"b-{one}", of=of)] for one in range(books)]
    random.shuffle(told)  # type: ignore[attr-defined]
    for rows in told:
        lasting.ingest(rows, now=NOW)

    assert spent(lasting, of) == max(*lists, books) * DINNER


def test_what_was_found_of_lists_is_proved_and_folds_again(lasting: Bank) -> None:
    proven(lasting)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_who_tells_all_that_pends_each_time_tells_a_second_purchase_beside_the_first(
    bank: Bank, order: tuple[int, int]
) -> None:
    says(bank, "anna")
    lists = [[waits("p-1")], [waits("p-1"), waits("p-2")]]
    for place in order:
        bank.ingest(lists[place], now=NOW)
    assert spent(bank) == 2 * DINNER

    for rows in ([booked("b-1")], lists[1]):
        bank.ingest(rows, now=NOW)
    assert spent(bank) == 2 * DINNER
    bank.ingest([booked("b-2")], now=NOW)
    assert spent(bank) == 2 * DINNER
    proven(bank)


@pytest.mark.parametrize(
    "second",
    [
        waits("p-2", ago=2),
        waits("p-2", DINNER - 1),
        waits("p-2", merchant="Inn at the Elm"),
        waits("p-2", reference="7"),
        waits("p-2", account="another"),
        pays("anna", DINNER, "dining", at=NOW - 3 * DAY + HOUR, id="p-2", status="pending", merchant="Inn at the Oak"),
    ],
)
def test_another_day_hour_amount_text_reference_or_account_tells_another_purchase(bank: Bank, second: bytes) -> None:
    says(bank, "anna")
    for row in (waits("p-1"), second):
        bank.ingest([row], now=NOW)

    assert spent(bank) in {2 * DINNER, 2 * DINNER - 1}


def test_what_its_bank_withdraws_stands_for_no_other(bank: Bank) -> None:
    says(bank, "anna")
    gone = sent("event.removed", "anna", type="transaction.booked", id="p-1")
    bank.ingest([waits("p-1"), waits("p-2")], now=NOW)
    for rows in ([waits("p-3"), waits("p-4")], [gone], [waits("p-5")]):
        bank.ingest(rows, now=NOW)

    assert spent(bank) == 2 * DINNER
    proven(bank)


def test_a_pending_payment_at_another_bank_that_is_told_again_counts_once(bank: Bank) -> None:
    says(bank, "anna")
    for name in ("p-1", "p-2"):
        facts = {"institution": "other", "account": "x", "currency": "EUR", "amount_minor": -900, "status": "pending"}
        bank.ingest([sent("openbanking.transaction", "anna", id=name, at=NOW - 2 * DAY, **facts)], now=NOW)

    assert values(bank, "anna")["other_bank_spend_30d"] == 900


def test_holders_of_one_account_count_once_what_is_told_again(bank: Bank) -> None:
    for one in ("anna", "boris"):
        says(bank, one)
        facts = {"account": "joint", "product": "current_account", "currency": "EUR", "role": "joint"}
        bank.ingest([sent("account.opened", one, at=NOW - 90 * DAY, **facts)], now=NOW)
    for rows in ([waits("p-1", account="joint")], [waits("p-2", of="boris", account="joint")]):
        bank.ingest(rows, now=NOW)
    assert [spent(bank, one) for one in ("anna", "boris")] == [DINNER, DINNER]

    bank.ingest([waits("p-2", account="joint"), waits("p-3", account="joint")], now=NOW)
    assert [spent(bank, one) for one in ("anna", "boris")] == [2 * DINNER, 2 * DINNER]
    proven(bank)


def later(ago: int, kind: str) -> bytes:
    """Tell that the account is known up to a day: by a booking, or by a balance."""
    if kind == "booking":
        return booked(f"other-{ago}", COFFEE, ago=ago, merchant="Kiosk")
    on = text_of(Instant(NOW - ago * DAY))[:10]
    number = f"k-{ago}"
    return sent("balance.stated", "anna", id=number, account="account-anna", balance_minor=5, currency="EUR", on=on)


@pytest.mark.parametrize("kind", ["booking", "balance"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_is_not_booked_two_weeks_later_lapses(bank: Bank, order: tuple[int, int], kind: str) -> None:
    says(bank, "anna")
    rest = COFFEE if kind == "booking" else 0
    rows = [waits("p-1", ago=20), later(6, kind)]
    for place in order:
        bank.ingest([rows[place]], now=NOW)
    assert spent(bank) == DINNER + rest, "it may still be booked"

    bank.ingest([later(5, kind)], now=NOW)
    assert spent(bank) == 2 * rest
    assert any("lapsed" in str(record) for record in said_in(bank, "anna"))
    assert bank.ingest(rows, now=NOW).duplicates == 2
    assert spent(bank) == 2 * rest

    bank.ingest([booked("b-1", ago=4)], now=NOW)
    assert spent(bank) == 2 * rest + DINNER, "what is booked after all counts"
    proven(bank)


def test_what_another_account_or_producer_tells_lapses_nothing(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([waits("p-1", ago=20)], now=NOW)
    bank.ingest([booked("b-1", COFFEE, account="another")], now=NOW)

    assert spent(bank) == DINNER + COFFEE


def test_what_lapsed_opens_no_more_looks(bank: Bank) -> None:
    says(bank, "anna")
    known = booked("b-1", COFFEE, merchant="Kiosk", nature="spending")
    for row in (waits("p-1", ago=20, nature="spending"), later(7, "balance"), known):
        bank.ingest([row], now=NOW)
    bank.learning.by_itself = False
    bank.context.left_open.clear()
    bank.ingest([booked("b-2", COFFEE, ago=0, merchant="Kiosk", nature="spending")], now=NOW)

    assert not bank.context.left_open


TIPS = {25: 7, 16: 0, 9: 5}


@settings(max_examples=20)
@given(st.permutations(range(12)), st.lists(st.booleans(), min_size=12, max_size=12))
def test_what_waits_is_booked_is_told_again_and_lapses_is_the_same_in_any_order(
    lasting: Bank, order: list[int], cuts: list[bool]
) -> None:
    of = f"c-{next(_CUSTOMERS)}"
    says(lasting, of)
    amounts = {28: 1, 25: 2, 22: 4, 16: 8, 9: 16, 2: 32}  # too different for one to be another with a tip
    rows = [waits(f"p-{ago}", DINNER * times, ago=ago, of=of) for ago, times in amounts.items()]
    rows += [booked(f"b-{ago}", DINNER * amounts[ago] - tip, ago=ago - 2, of=of) for ago, tip in TIPS.items()]
    rows += [booked(f"k-{ago}", COFFEE, ago=ago, of=of, merchant="Kiosk") for ago in (20, 10, 4)]
    batch: list[bytes] = []
    for place, cut in zip(order, cuts, strict=True):
        batch.append(rows[place])
        if cut:
            lasting.ingest(batch, now=NOW)
            batch = []
    lasting.ingest(batch, now=NOW)

    assert spent(lasting, of) == (2 + 8 + 16 + 32) * DINNER - sum(TIPS.values()) + 3 * COFFEE


def test_what_lapsed_in_any_order_is_proved_and_folds_again(lasting: Bank) -> None:
    proven(lasting)


def test_what_waits_lapses_in_the_next_process(project: Path) -> None:
    for row in (waits("p-1", ago=20), later(1, "booking")):
        with marketofone.open(project, now=NOW) as bank:
            says(bank, "anna")
            bank.ingest([row], now=NOW)
            assert spent(bank) in {DINNER, COFFEE}
    with marketofone.open(project, now=NOW) as bank:
        assert spent(bank) == COFFEE
        proven(bank)
