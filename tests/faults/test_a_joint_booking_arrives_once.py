"""What is booked on a joint account arrives once, and each holder sees it who allows it."""

from __future__ import annotations

import json
from functools import partial
from itertools import count, permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from situations import NOW, at_once, gives_up, pays, said_in, says, sent, shares, values

from marketofone import Bank
from marketofone.domain.moment import DAY, Instant
from marketofone.services.intake.ingest import IngestReport
from marketofone.services.intake.joint_accounts import MOST_HOLDERS
from marketofone.services.intake.letters import reasons
from proofs import proven, recorded

RENT, FOOD = -80_000, -9_000


def opens(customer: str, *, at: int = NOW - 300 * DAY, account: str = "joint", role: str = "owner") -> bytes:
    return sent("account.opened", customer, at=at, account=account, product="current", currency="EUR", role=role)


def books(customer: str, minor: int = RENT, category: str = "rent", **more: object) -> bytes:
    return pays(customer, minor, category, **{"account": "joint", "balance_minor": 500_000, **more})  # type: ignore[arg-type]


def removes(customer: str, id: str, *, kind: str = "transaction.booked") -> bytes:  # noqa: A002 - the word of CloudEvents
    event = json.loads(sent("event.removed", customer))
    return json.dumps({**event, "data": {"type": kind, "id": id}}).encode()


def spent(bank: Bank, customer: str) -> float:
    return values(bank, customer)["spend_30d"]


@pytest.fixture
def couple(bank: Bank) -> Bank:
    """Give a bank where Anna and Boris hold an account together."""
    for who in ("anna", "boris"):
        says(bank, who)
    bank.ingest([opens("anna"), opens("boris", role="second_user")], now=NOW)
    return bank


@pytest.mark.parametrize("about", ["anna", "boris", "joint"])
def test_a_booking_about_any_holder_or_the_account_is_seen_by_both_and_counts_as_one_row(
    couple: Bank, about: str
) -> None:
    rows = [books(about, id="1"), books(about, FOOD, "groceries", id="2")]

    report = couple.ingest(rows, now=NOW)

    assert (report.rows, report.events, report.duplicates, report.dead_letters) == (2, 2, 0, 0)
    for who in ("anna", "boris"):
        known = values(couple, who)
        assert (known["spend_30d"], known["balance_last"]) == (-RENT - FOOD, 500_000)
    again = couple.ingest(rows, now=NOW)
    assert (again.rows, again.events, again.duplicates) == (2, 0, 2)
    assert (spent(couple, "anna"), spent(couple, "boris")) == (-RENT - FOOD, -RENT - FOOD)
    assert "joint" not in {customer.name for customer in couple.context.keys.customers()}
    proven(couple)


def test_a_copy_for_each_holder_under_one_id_is_still_taken_once_each(couple: Bank) -> None:
    report = couple.ingest([books("anna", id="1"), books("boris", id="1")], now=NOW)

    assert (report.rows, report.events) == (2, 2)
    assert (spent(couple, "anna"), spent(couple, "boris")) == (-RENT, -RENT)
    assert couple.ingest([books("anna", id="1"), books("boris", id="1")], now=NOW).duplicates == 2
    proven(couple)


@pytest.mark.parametrize(("allows", "refuses"), [("anna", "boris"), ("boris", "anna")])
@pytest.mark.parametrize("about", ["anna", "boris", "joint"])
def test_the_no_of_one_holder_neither_closes_nor_opens_what_the_other_sees(
    bank: Bank, allows: str, refuses: str, about: str
) -> None:
    says(bank, allows)
    opened = [opens("anna"), opens("boris"), opens(allows, account="own")]
    bank.ingest(opened, now=NOW)

    rows = [books(about, id="1"), pays(allows, FOOD, "groceries", id="2", account="own")]
    bank.ingest(rows, now=NOW)

    assert spent(bank, allows) == -RENT - FOOD
    assert not values(bank, refuses).get("spend_30d")
    proven(bank)

    says(bank, refuses)  # what was not kept may be sent again, and is the other holder's by then
    bank.ingest([*opened, *rows], now=NOW)
    assert (spent(bank, allows), spent(bank, refuses)) == (-RENT - FOOD, -RENT)
    proven(bank)


def test_a_holder_sees_what_is_booked_since_they_are_one(bank: Bank) -> None:
    for who in ("anna", "boris"):
        says(bank, who)
    bank.ingest([opens("anna"), books("anna", id="before", at=NOW - 5 * DAY)], now=NOW)
    bank.ingest([opens("boris", at=NOW - 3 * DAY)], now=NOW)

    rows = [books("anna", id="before", at=NOW - 5 * DAY), books("anna", FOOD, "groceries", id="since")]
    report = bank.ingest(rows, now=NOW)

    assert (report.events, report.duplicates) == (1, 1)
    assert (spent(bank, "anna"), spent(bank, "boris")) == (-RENT - FOOD, -FOOD)
    proven(bank)


def test_who_was_taken_for_a_holder_by_mistake_sees_nothing_from_then_on(couple: Bank) -> None:
    says(couple, "eve")
    mistake = json.loads(opens("eve"))
    couple.ingest([json.dumps(mistake).encode(), books("anna", id="1")], now=NOW)
    assert spent(couple, "eve") == -RENT

    couple.ingest([removes("eve", mistake["id"], kind="account.opened")], now=NOW)
    couple.ingest([books("boris", FOOD, "groceries", id="2")], now=NOW)

    assert (spent(couple, "anna"), spent(couple, "boris"), spent(couple, "eve")) == (-RENT - FOOD, -RENT - FOOD, -RENT)
    proven(couple)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_is_taken_back_or_replaced_is_so_for_each_holder_whatever_comes_first(
    couple: Bank, order: tuple[int, ...]
) -> None:
    rows = [
        [books("anna", id="wrong"), books("boris", FOOD, "groceries", id="pending", status="pending")],
        [removes("boris", "wrong")],
        [books("anna", 2 * FOOD, "groceries", id="booked", replaces="pending")],
    ]
    for place in order:
        couple.ingest(rows[place], now=NOW)
        values(couple, "anna")  # folded in between
    couple.ingest([books("boris", FOOD, "groceries", id="corrected")], now=NOW)
    couple.ingest([books("anna", 3 * FOOD, "groceries", id="corrected")], now=NOW)

    assert (spent(couple, "anna"), spent(couple, "boris")) == (-5 * FOOD, -5 * FOOD)
    proven(couple)


def test_a_booking_that_was_of_an_own_account_goes_from_the_other_holder(couple: Bank) -> None:
    couple.ingest([opens("anna", account="own"), opens("boris", account="his"), books("anna", id="1")], now=NOW)

    couple.ingest([books("anna", id="2", replaces="1", account="own")], now=NOW)

    assert spent(couple, "anna") == -RENT
    assert not spent(couple, "boris")
    proven(couple)


@pytest.mark.parametrize("pieces", [1, 2])
@pytest.mark.parametrize("replaces", [None, "1"])
def test_what_moves_to_an_own_account_goes_from_the_other_holder_also_under_its_id_and_in_one_batch(
    couple: Bank, pieces: int, replaces: str | None
) -> None:
    moved = {"id": "1"} if replaces is None else {"id": "2", "replaces": replaces}
    rows = [books("boris", id="1"), books("boris", FOOD, "groceries", account="own", **moved)]

    for some in [rows] if pieces == 1 else [[row] for row in rows]:
        report = couple.ingest(some, now=NOW)
        assert report.rows == report.events == len(some)

    assert spent(couple, "boris") == -FOOD
    assert not spent(couple, "anna")
    proven(couple)


def test_what_moves_to_an_own_account_and_back_is_not_lost(couple: Bank) -> None:
    for account, minor in (("joint", RENT), ("own", RENT), ("joint", FOOD)):
        couple.ingest([books("boris", minor, "groceries", id="1", account=account)], now=NOW)

    assert (spent(couple, "boris"), spent(couple, "anna")) == (-FOOD, -FOOD)
    couple.ingest([removes("boris", "1")], now=NOW)
    assert not spent(couple, "boris")
    assert not spent(couple, "anna")
    proven(couple)


@pytest.mark.parametrize("pieces", [1, 2, 4])
def test_what_moves_between_an_own_account_and_the_joint_one_stands_where_it_was_told_last(
    couple: Bank, pieces: int
) -> None:
    moves = [("joint", RENT), ("own", RENT), ("joint", FOOD), ("own", 2 * FOOD), ("joint", 3 * FOOD)]
    rows = [books("boris", minor, "groceries", id="1", account=account) for account, minor in moves]

    for piece in range(pieces):
        couple.ingest(rows[piece * len(rows) // pieces : (piece + 1) * len(rows) // pieces], now=NOW)
        values(couple, "anna")  # folded in between
    assert (spent(couple, "boris"), spent(couple, "anna")) == (-3 * FOOD, -3 * FOOD)
    couple.ingest(rows, now=NOW)  # the same file again
    couple.ingest(rows[1::2], now=NOW)
    assert (spent(couple, "boris"), spent(couple, "anna")) == (-3 * FOOD, -3 * FOOD)

    couple.ingest([books("boris", 4 * FOOD, "groceries", id="1", account="own")], now=NOW)
    assert (spent(couple, "boris"), spent(couple, "anna") or 0) == (-4 * FOOD, 0)
    proven(couple)


def test_who_holds_an_account_is_known_wherever_it_stands_among_what_arrives_and_when_it_comes_late(bank: Bank) -> None:
    for who in ("anna", "boris"):
        says(bank, who)
    early = books("joint", id="early")
    assert bank.ingest([early], now=NOW).refused == 1  # whose it is was not told

    assert bank.ingest([books("joint", FOOD, "groceries", id="1"), opens("anna"), opens("boris")], now=NOW).events == 3
    assert (spent(bank, "anna"), spent(bank, "boris")) == (-FOOD, -FOOD)
    bank.ingest([early], now=NOW)

    assert (spent(bank, "anna"), spent(bank, "boris")) == (-RENT - FOOD, -RENT - FOOD)
    proven(bank)


def test_a_holder_never_sees_what_a_forgotten_one_did_before_they_shared_an_account(bank: Bank) -> None:
    for who in ("anna", "boris"):
        says(bank, who)
    bank.ingest([opens("anna"), opens("boris", at=NOW - 3 * DAY)], now=NOW)
    bank.erase("anna", ground="asked", now=NOW)
    rows = [books("anna", id="before", at=NOW - 5 * DAY), books("anna", FOOD, "groceries", id="since")]

    for _ in range(2):
        report = bank.ingest(rows, now=NOW)
        assert (report.rows, report.dead_letters) == (2, 1)
        assert spent(bank, "boris") == -FOOD
        bank.ingest([opens("boris", at=NOW - 3 * DAY)], now=NOW)  # told again: alone by now
    proven(bank)


def test_what_one_holder_takes_back_of_an_own_account_leaves_the_own_account_of_the_other(couple: Bank) -> None:
    couple.ingest([opens("anna", account="hers"), opens("boris", account="his")], now=NOW)
    both = [pays("anna", RENT, "rent", id="1", account="hers"), pays("boris", RENT, "rent", id="1", account="his")]
    couple.ingest(both, now=NOW)

    couple.ingest([removes("anna", "1")], now=NOW)
    couple.ingest([pays("anna", FOOD, "cash", id="2", account="hers", replaces="1")], now=NOW)

    assert (spent(couple, "anna"), spent(couple, "boris")) == (-FOOD, -RENT)
    proven(couple)


def test_two_ids_of_one_person_count_a_joint_booking_once_and_each_for_themselves_once_apart(couple: Bank) -> None:
    couple.ingest([books("joint", id="1")], now=NOW)

    shares(couple, "mail", "anna", "boris")
    assert (spent(couple, "anna"), values(couple, "boris")["balance_last"]) == (-RENT, 500_000)
    couple.ingest([books("anna", FOOD, "groceries", id="2")], now=NOW)
    assert spent(couple, "boris") == -RENT - FOOD
    couple.decide("anna", occasion="app.opened", now=NOW)

    gives_up(couple, "mail", "boris")
    assert (spent(couple, "anna"), spent(couple, "boris")) == (-RENT - FOOD, -RENT - FOOD)
    proven(couple)


def test_who_is_forgotten_leaves_the_journal_of_the_other_holder(couple: Bank) -> None:
    couple.ingest([books("anna", id="1")], now=NOW)

    couple.erase("anna", ground="asked", now=NOW)
    report = couple.ingest([books("anna", FOOD, "groceries", id="2"), books("boris", FOOD, "cash", id="3")], now=NOW)

    assert (report.rows, report.events) == (2, 2)
    assert spent(couple, "boris") == -RENT - 2 * FOOD
    proven(couple)


def test_once_its_last_holder_is_forgotten_what_is_booked_on_an_account_is_turned_away_with_the_reason(
    couple: Bank,
) -> None:
    couple.ingest([books("joint", id="1")], now=NOW)
    for who in ("anna", "boris"):
        couple.erase(who, ground="asked", now=NOW)

    for _ in range(2):
        report = couple.ingest([books("joint", id="2"), removes("joint", "1"), removes("anna", "1")], now=NOW)
        assert (report.rows, report.events, report.dead_letters, report.duplicates) == (3, 0, 1, 2)
    assert "joint" not in {customer.name for customer in couple.context.keys.customers()}
    assert [one.shape for one in reasons(couple.context)] == ["an account of which no holder is known"]

    says(couple, "cleo")
    couple.ingest([opens("cleo", at=NOW)], now=NOW)  # it has a holder again
    couple.ingest([books("joint", FOOD, "groceries", id="3")], now=NOW)
    assert spent(couple, "cleo") == -FOOD
    proven(couple)


@pytest.mark.parametrize("told", ["anna", "boris", "joint"])
def test_a_removal_about_a_forgotten_holder_reaches_the_one_who_is_left(couple: Bank, told: str) -> None:
    couple.ingest([books(told, id="1"), books(told, FOOD, "groceries", id="2")], now=NOW)
    couple.erase("anna", ground="asked", now=NOW)

    gone = removes("anna", "1")
    report = couple.ingest([gone], now=NOW)
    assert (report.rows, report.events, report.duplicates, report.dead_letters) == (1, 1, 0, 0)
    assert spent(couple, "boris") == -FOOD
    assert couple.ingest([gone], now=NOW).duplicates == 1
    proven(couple)


def test_a_removal_about_a_forgotten_holder_leaves_what_another_did_alone(couple: Bank) -> None:
    couple.ingest([opens("boris", account="own"), books("boris", account="own", id="1")], now=NOW)
    couple.erase("anna", ground="asked", now=NOW)

    report = couple.ingest([removes("anna", "1"), removes("anna", "unknown")], now=NOW)
    assert (report.rows, report.duplicates, report.dead_letters) == (2, 2, 0)
    assert spent(couple, "boris") == -RENT


@pytest.mark.parametrize(("forgotten", "left"), [("anna", "boris"), ("boris", "anna")])
def test_what_is_taken_back_of_an_account_before_it_comes_is_known_to_each_holder(
    couple: Bank, forgotten: str, left: str
) -> None:
    report = couple.ingest([removes("joint", "1")], now=NOW)
    assert (report.rows, report.events, report.duplicates) == (1, 1, 0)
    assert couple.ingest([removes("joint", "2"), removes("joint", "2")], now=NOW).rows == 2
    couple.erase(forgotten, ground="asked", now=NOW)
    couple.ingest([books("joint", id="1"), books("joint", FOOD, "groceries", id="3")], now=NOW)

    assert spent(couple, left) == -FOOD
    proven(couple)


def test_what_a_holder_takes_back_before_it_comes_tells_the_other_nothing(couple: Bank) -> None:
    before = len(said_in(couple, "anna"))
    couple.ingest([removes("boris", "of-an-own-account")], now=NOW)

    assert len(said_in(couple, "anna")) == before


def test_more_holders_than_an_account_can_have_see_only_what_is_sent_about_them(bank: Bank) -> None:
    crowd = [f"member-{number}" for number in range(MOST_HOLDERS + 1)]
    for who in (crowd[0], crowd[1]):
        says(bank, who)
    bank.ingest([opens(who) for who in crowd[:-1]], now=NOW)
    bank.ingest([books(crowd[0], id="1")], now=NOW)
    assert spent(bank, crowd[1]) == -RENT

    bank.ingest([opens(crowd[-1])], now=NOW)
    bank.ingest([books(crowd[0], FOOD, "groceries", id="2")], now=NOW)

    assert (spent(bank, crowd[0]), spent(bank, crowd[1])) == (-RENT - FOOD, -RENT)
    proven(bank)


def test_an_account_of_one_customer_asks_nothing_of_other_journals(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([opens("anna"), books("anna", id="1")], now=NOW)

    assert recorded(bank, "account") == 0
    assert spent(bank, "anna") == -RENT
    proven(bank)


def test_holders_who_open_an_account_at_the_same_moment_share_it(bank: Bank) -> None:
    crowd = ["anna", "boris", "cleo", "dan"]
    for who in crowd:
        says(bank, who)

    def arrives(who: str) -> IngestReport:
        return bank.ingest([opens(who), books(who, FOOD, "groceries", id=who)], now=NOW)

    at_once([partial(arrives, who) for who in crowd])
    bank.ingest([books(who, FOOD, "groceries", id=who) for who in crowd], now=NOW)  # sent again: nothing counts twice

    assert {spent(bank, who) for who in crowd} == {-len(crowd) * FOOD}
    proven(bank)


ROUNDS = count()
HAPPENED = st.lists(
    st.tuples(
        st.sampled_from(["anna", "boris", "joint"]),
        st.sampled_from(["book", "remove"]),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=6,
    unique=True,
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(happened=HAPPENED, swaps=st.randoms(use_true_random=False))
def test_both_holders_know_the_same_in_whatever_order_it_arrives(
    couple: Bank, happened: list[tuple[str, str, int]], swaps: object
) -> None:
    number = next(ROUNDS)  # all rounds in one bank: each on an account of its own
    account, pair = f"joint-{number}", ("anna", "boris")
    couple.ingest([opens(who, account=account) for who in pair], now=NOW)
    before = spent(couple, "anna")
    swaps.shuffle(happened)  # type: ignore[attr-defined]

    for about, what, id in happened:  # noqa: A001 - the word of CloudEvents
        name, of = account if about == "joint" else about, f"{number}-{id}"
        row = removes(name, of) if what == "remove" else books(name, FOOD, "groceries", id=of, account=account)
        couple.ingest([row], now=NOW)

    removed = {of for _, what, of in happened if what == "remove"}
    booked = {of for _, what, of in happened if what == "book"}
    assert spent(couple, "anna") - before == -FOOD * len(booked - removed)
    assert spent(couple, "boris") == spent(couple, "anna")
    proven(couple)


def test_a_bad_row_about_an_account_makes_no_customer_of_it(couple: Bank) -> None:
    bad = json.loads(books("joint"))
    bad["data"]["amount_minor"] = "much"
    assert couple.ingest([json.dumps(bad).encode()], now=NOW).dead_letters == 1

    couple.ingest([books("joint", id="1")], now=NOW)

    assert (spent(couple, "anna"), spent(couple, "boris")) == (-RENT, -RENT)
    proven(couple)


def test_what_stands_on_a_shared_account_counts_by_the_share_of_each_holder_and_what_moves_counts_whole(
    bank: Bank,
) -> None:
    for who in ("anna", "boris"):
        says(bank, who)
    halves = [json.loads(opens(who)) for who in ("anna", "boris")]
    for half, share in zip(halves, (0.25, 0.75), strict=True):
        half["data"]["share"] = share
    bank.ingest([json.dumps(half).encode() for half in halves], now=NOW)
    bank.ingest([books("anna", balance_minor=500_001)], now=NOW)

    assert (values(bank, "anna")["balance_last"], values(bank, "boris")["balance_last"]) == (125_000, 375_001)
    assert (spent(bank, "anna"), spent(bank, "boris")) == (-RENT, -RENT)
    assert bank.profile("anna", now=NOW).liquid.total_minor == 125_000
    assert bank.forecast("boris", now=NOW).liquid.total_minor == 375_001
    halves[0]["data"]["share"], halves[0]["id"] = 1.5, "more than all of it"
    assert bank.ingest([json.dumps(halves[0]).encode()], now=NOW).dead_letters == 1
    proven(bank)


@pytest.mark.parametrize("with_own", [False, True])
def test_the_sum_ahead_begins_with_the_share_and_the_account_itself_and_its_payments_are_told_whole(
    bank: Bank,
    with_own: bool,  # noqa: FBT001 - a case
) -> None:
    says(bank, "anna")
    half = json.loads(opens("anna"))
    half["data"]["share"] = 0.5
    balance, rows, monthly = 300_000, [], {10: (RENT, "rent"), 20: (260_000, "salary")}
    for ago in range(120, 0, -1):
        minor, category = monthly.get(ago % 30, (-4_000, "cash"))
        balance += minor
        rows.append(books("anna", minor, category, at=NOW - ago * DAY, balance_minor=balance, merchant=category))
    own = [pays("anna", -100, "cash", at=NOW - DAY, account="pot", balance_minor=50_000)] if with_own else []
    bank.ingest([json.dumps(half).encode(), *rows, *own], now=NOW)

    ahead = bank.forecast("anna", now=NOW)

    joint = next(account for account in ahead.accounts if account.account == "joint")
    assert ahead.total is not None
    assert ahead.liquid.total_minor == balance // 2 + 50_000 * with_own
    (whole, total), middle = (one.days[0].quantiles for one in (joint, ahead.total)), 4
    assert abs(whole[middle] - balance) < balance // 20
    assert abs(total[middle] - ahead.liquid.total_minor) < balance // 20
    assert {one.amount_minor for one in ahead.payments if one.what == "rent"} == {RENT}
    rents = [text for event in ahead.events for text in event.drivers if text.startswith("rent")]
    assert all("800.00" in text for text in rents)
    bank.decide("anna", occasion="app.opened", now=NOW)
    proven(bank)


def test_an_order_and_a_balance_of_a_joint_account_reach_each_holder(couple: Bank) -> None:
    stated = sent("balance.stated", "anna", account="joint", balance_minor=7_700, currency="EUR", on="2026-01-04")
    couple.ingest([stated], now=NOW)

    assert values(couple, "boris")["balance_last"] == 7_700
    assert couple.profile("boris", now=Instant(NOW)).customer == "boris"
    proven(couple)
