"""A payment that a feed tells as pending, and as booked under another id, counts once, though no event says so."""

from __future__ import annotations

import json
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
from marketofone.domain.errors import UnknownCustomer
from marketofone.domain.moment import DAY
from marketofone.importers.formats import FORMATS, QIF, TABLES
from marketofone.services.intake.pendings import FILES
from proofs import proven

COFFEE, DINNER = -450, -4_500
_CUSTOMERS = count()


def waits(id: str, minor: int = DINNER, *, ago: int = 3, of: str = "anna", **more: object) -> bytes:  # noqa: A002
    return pays(of, minor, "dining", at=NOW - ago * DAY, id=id, status="pending", merchant="Inn at the Oak", **more)


def booked(id: str, minor: int = DINNER, *, ago: int = 1, of: str = "anna", **more: object) -> bytes:  # noqa: A002
    return pays(of, minor, "dining", at=NOW - ago * DAY, id=id, **{"merchant": "Inn at the Oak", **more})


def spent(bank: Bank) -> float:
    return values(bank, "anna")["spend_30d"]


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_pending_payment_counts_once_when_it_is_booked_in_any_order(
    bank: Bank, order: tuple[int, ...], *, together: bool
) -> None:
    says(bank, "anna")
    rows = [booked("other", COFFEE, merchant="Kiosk"), waits("p-1"), booked("b-9")]
    if together:
        bank.ingest([rows[place] for place in order], now=NOW)
    else:
        for place in order:
            bank.ingest([rows[place]], now=NOW)
            values(bank, "anna")  # folded in between

    assert spent(bank) == -(COFFEE + DINNER)
    assert bank.ingest(rows, now=NOW).duplicates == 3
    assert spent(bank) == -(COFFEE + DINNER)
    proven(bank)


@pytest.fixture(scope="module")
def lasting(lasting_projects: Projects, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    with marketofone.open(lasting_projects.lay_out(tmp_path_factory.mktemp("pending") / "bank"), now=NOW) as opened:
        yield opened


AMOUNTS = (DINNER, 3 * DINNER, 9 * DINNER)  # too different for one to be another with a tip


@settings(max_examples=20)
@given(st.permutations(range(2 * len(AMOUNTS))), st.lists(st.booleans(), min_size=6, max_size=6), st.integers(0, 3))
def test_what_is_booked_counts_once_in_any_order_and_in_any_batches(
    lasting: Bank, order: list[int], cuts: list[bool], late: int
) -> None:
    of = f"c-{next(_CUSTOMERS)}"
    says(lasting, of)
    rows = [waits(f"p-{minor}", minor, of=of) for minor in AMOUNTS]
    rows += [booked(f"b-{minor}", minor - late, of=of) for minor in AMOUNTS]
    batch: list[bytes] = []
    for place, cut in zip(order, cuts, strict=True):
        batch.append(rows[place])
        if cut:
            lasting.ingest(batch, now=NOW)
            batch = []
    lasting.ingest(batch, now=NOW)

    assert values(lasting, of)["spend_30d"] == sum(late - minor for minor in AMOUNTS)


def test_what_was_found_in_any_order_is_proved_and_folds_again(lasting: Bank) -> None:
    proven(lasting)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_payment_at_another_bank_counts_once_with_its_tip(bank: Bank, order: tuple[int, int]) -> None:
    says(bank, "anna")
    facts = {"institution": "other", "account": "x", "currency": "EUR", "merchant": "Inn at the Oak"}
    rows = [
        sent("openbanking.transaction", "anna", id="p", at=NOW - 2 * DAY, status="pending", amount_minor=-900, **facts),
        sent("openbanking.transaction", "anna", id="b", at=NOW - DAY, amount_minor=-1_000, **facts),
    ]
    for place in order:
        bank.ingest([rows[place]], now=NOW)

    assert values(bank, "anna")["other_bank_spend_30d"] == 1_000
    proven(bank)


def test_another_producer_account_or_bank_books_another_payment(bank: Bank) -> None:
    says(bank, "anna")
    other = json.dumps({**json.loads(booked("b-1")), "source": "/another"}).encode()
    bank.ingest([waits("p-1")], now=NOW)
    bank.ingest([other, booked("b-2", account="account-2")], now=NOW)

    assert spent(bank) == -3 * DINNER


def test_of_two_equal_pending_payments_of_which_one_is_booked_the_other_stays(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([waits("p-1"), waits("p-2")], now=NOW)
    for row in (booked("b-1"), booked("other", COFFEE, merchant="Kiosk")):
        bank.ingest([row], now=NOW)
        bank.learning.understand(now=NOW)
    assert spent(bank) == -(2 * DINNER + COFFEE)

    bank.ingest([booked("b-2", ago=0)], now=NOW)
    assert spent(bank) == -(2 * DINNER + COFFEE)
    proven(bank)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_says_which_payment_it_books_is_no_other(bank: Bank, order: tuple[int, ...]) -> None:
    says(bank, "anna")
    rows = [waits("p-1"), waits("p-2", ago=2), booked("b-1", replaces="p-1")]
    for place in order:
        bank.ingest([rows[place]], now=NOW)
    assert spent(bank) == -2 * DINNER

    bank.ingest([booked("b-1", DINNER - 50)], now=NOW)  # corrected
    assert spent(bank) == -(2 * DINNER - 50)
    proven(bank)


def test_a_corrected_pending_payment_goes_and_so_does_what_corrects_it_late(bank: Bank) -> None:
    says(bank, "anna")
    for row in (waits("p-1", 2 * DINNER), waits("p-1"), booked("b-1"), waits("p-1", DINNER - 10)):
        bank.ingest([row], now=NOW)

    assert spent(bank) == -DINNER
    proven(bank)


def test_a_payment_that_was_taken_back_by_its_bank_keeps_no_booking(bank: Bank) -> None:
    says(bank, "anna")
    data = {"type": "transaction.booked", "id": "p-1"}
    gone = {**json.loads(sent("event.removed", "anna")), "data": data}
    for row in (waits("p-1"), json.dumps(gone).encode(), waits("p-2"), booked("b-1")):
        bank.ingest([row], now=NOW)

    assert spent(bank) == -DINNER


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_is_pending_for_one_holder_and_booked_for_the_other_counts_once_for_each(
    bank: Bank, order: tuple[int, int]
) -> None:
    for one in ("anna", "boris"):
        says(bank, one)
        facts = {"account": "joint", "product": "current_account", "currency": "EUR", "role": "joint"}
        bank.ingest([sent("account.opened", one, at=NOW - 90 * DAY, **facts)], now=NOW)
    rows = [waits("p-1", account="joint"), booked("b-1", of="boris", account="joint")]
    for place in order:
        bank.ingest([rows[place]], now=NOW)

    assert [values(bank, one)["spend_30d"] for one in ("anna", "boris")] == [-DINNER, -DINNER]
    proven(bank)


def test_what_waits_is_known_to_the_next_process(project: Path) -> None:
    salary = pays("anna", 200_000, "salary", at=NOW - 2 * DAY)
    for row in (waits("p-1"), salary, booked("b-1")):
        with marketofone.open(project, now=NOW) as bank:
            if row is not salary:
                says(bank, "anna")
            bank.ingest([row], now=NOW)
    with marketofone.open(project, now=NOW) as bank:
        assert spent(bank) == -DINNER
        proven(bank)


def test_what_may_not_be_used_is_not_looked_at(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([waits("p-1")], now=NOW)
    says(bank, "anna", "withdraw")
    bank.ingest([booked("b-1")], now=NOW)
    assert not any("retold" in str(record) for record in said_in(bank, "anna"))

    says(bank, "anna")
    bank.ingest([booked("other", COFFEE, merchant="Kiosk")], now=NOW)
    assert spent(bank) == -(DINNER + COFFEE)


def test_who_is_forgotten_with_a_pending_payment_stays_forgotten(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([waits("p-1")], now=NOW)
    bank.erase("anna", ground="request", now=NOW)

    assert bank.ingest([booked("b-1")], now=NOW).dead_letters == 1
    with pytest.raises(UnknownCustomer):
        values(bank, "anna")


def test_who_has_nothing_pending_is_not_looked_at_again(bank: Bank) -> None:
    says(bank, "anna")
    bank.learning.by_itself = False
    bank.ingest([booked("b-1", nature="spending")], now=NOW)
    bank.context.left_open.clear()
    bank.ingest([booked("b-2", nature="spending")], now=NOW)
    assert not bank.context.left_open

    bank.ingest([waits("p-1", nature="spending")], now=NOW)
    assert bank.context.left_open


def test_of_every_format_of_files_the_import_compares() -> None:
    assert {*FORMATS, *TABLES, QIF} == FILES
