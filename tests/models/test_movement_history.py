"""Payments side by side: pairs, answers and rhythms tell what no payment tells alone. All payments are invented."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.moment import Day, day_number
from marketofone.domain.money_events import Movement, OpenBankingTransaction
from marketofone.domain.reading import MovementReading
from marketofone.models.movement.history import Fact, OwnAccount, fact_of, understand
from marketofone.models.movement.row import read_movement
from marketofone.models.movement.taxonomy import CATEGORIES, INCOME, NATURES
from payment_lives import PAYMENTS

GIRO = OwnAccount(account="giro", numbers=("DE02 1203 0000 0000 2020 51",), type="current")
POT = OwnAccount(account="pot", numbers=("DE02 5001 0517 0137 0750 30",), type="savings")
CARD = OwnAccount(account="card", type="card")
HOUSE = OwnAccount(account="house", type="mortgage")
OWN = (GIRO, POT, CARD, HOUSE)
HOLDER = "Eva Novak"


def fact(on: str, amount: int, *, institution: str | None = None, **told: Any) -> Fact:
    at = date.fromisoformat(on)
    words: dict[str, Any] = {"account": "giro", "amount_minor": amount, "currency": "EUR", "booked": at, **told}
    alone = OpenBankingTransaction(institution=institution, **words) if institution else Movement(**words)
    return fact_of(alone, day=day_number(at), given=read_movement(alone))


def natures(facts: Sequence[Fact], *, own: Sequence[OwnAccount] = OWN, holder: str | None = HOLDER) -> list[str | None]:
    return [one.nature for one in understand(facts, accounts=own, holder=holder)]


def monthly(amount: int, *, months: int = 6, day: int = 28, **told: Any) -> list[Fact]:
    return [fact(f"2026-{month:02}-{day:02}", amount, **told) for month in range(1, months + 1)]


# --- Own money ---


def test_the_number_of_an_own_account_tells_a_transfer_however_it_is_spaced() -> None:
    facts = [fact("2026-06-11", -1_500_00, counterparty_account="de025001 05170137 075030")]
    assert natures(facts) == ["own_transfer"]


def test_both_legs_between_own_accounts_are_transfers_where_each_names_the_other() -> None:
    facts = [
        fact("2026-06-10", 2_000_00, category="salary"),
        fact("2026-06-11", -1_500_00, counterparty="pot"),
        fact("2026-06-11", 1_500_00, account="pot", counterparty="giro"),
    ]
    assert natures(facts) == ["salary", "own_transfer", "own_transfer"]


def test_money_moved_to_another_bank_is_no_income_and_no_spending() -> None:
    facts = [
        fact("2026-06-10", 2_000_00, category="salary"),
        fact("2026-06-11", -1_500_00, counterparty="Eva Novak"),
        fact("2026-06-11", 1_500_00, account="x", institution="other", counterparty="Eva Novak"),
        fact("2026-06-12", -200_00, account="x", institution="other", category="groceries"),
    ]
    assert natures(facts) == ["salary", "own_transfer", "own_transfer", "spending"]
    assert natures(facts, holder=None) == ["salary", "own_transfer", "own_transfer", "spending"]


def test_the_own_name_tells_a_transfer_though_the_other_leg_is_not_seen() -> None:
    assert natures([fact("2026-06-11", -500_00, counterparty="NOVÁK EVA")]) == ["own_transfer"]


def test_a_transfer_has_no_merchant_and_no_category() -> None:
    (told,) = understand([fact("2026-06-11", -500_00, merchant="Rewe", counterparty="pot")], accounts=OWN)
    assert (told.nature, told.category, told.merchant) == ("own_transfer", None, None)


def test_a_salary_is_none_of_ones_own_name() -> None:
    assert natures([fact("2026-06-11", 2_000_00, counterparty="Eva Novak", text="GEHALT JUNI")]) == ["salary"]


@pytest.mark.parametrize(("arrives", "paired"), [("2026-06-13", True), ("2026-06-14", True), ("2026-06-15", False)])
def test_a_pair_stands_at_most_three_days_apart(arrives: str, paired: bool) -> None:  # noqa: FBT001
    leaves = fact("2026-06-11", -500_00, account="giro")
    told = natures([leaves, fact(arrives, 500_00, account="x")], own=[GIRO])
    assert (told == ["own_transfer", "own_transfer"]) is paired


def test_two_that_leave_and_one_that_arrives_leave_a_doubt_that_a_closer_day_ends() -> None:
    doubt = [fact("2026-06-11", -500_00), fact("2026-06-11", -500_00), fact("2026-06-11", 500_00, account="x")]
    assert natures(doubt) == [None, None, None]
    closer = [fact("2026-06-09", -500_00), fact("2026-06-11", -500_00), fact("2026-06-11", 500_00, account="x")]
    assert natures(closer) == [None, "own_transfer", "own_transfer"]


def test_equal_transfers_are_told_by_count() -> None:
    facts = [fact("2026-06-11", -500_00)] * 2 + [fact("2026-06-12", 500_00, account="pot")] * 2
    assert natures(facts) == ["own_transfer"] * 4


def test_a_purchase_is_no_transfer_because_the_same_amount_arrives_elsewhere() -> None:
    facts = [fact("2026-06-11", -50_00, text="REWE SAGT DANKE"), fact("2026-06-11", 50_00, account="x")]
    assert natures(facts)[0] == "spending"


@pytest.mark.parametrize("named", ["leaves", "arrives"])
def test_a_little_less_arrives_than_was_sent_where_one_side_names_the_other(named: str) -> None:
    to, of = ({"counterparty": "side"}, {}) if named == "leaves" else ({}, {"counterparty": "giro"})
    own = [GIRO, OwnAccount(account="side", type="current")]
    leaves = fact("2026-06-11", -1_000_00, **to)

    def told(arrived: int, on: str = "2026-06-12", *more: Fact, **said: Any) -> int:
        arrives = fact(on, arrived, **{"account": "side", **of, **said})
        return natures([leaves, arrives, *more], own=own).count("own_transfer")

    again = fact("2026-06-12", 990_00, account="side") if named == "leaves" else fact("2026-06-11", -999_00)
    assert told(995_00) == 2
    assert told(940_00) == told(1_005_00) == told(995_00, "2026-06-15") == told(995_00, "2026-06-10") == 1
    assert told(995_00, currency="USD") == told(995_00, "2026-06-12", again) == 1
    assert told(995_00, text="SALARY JUNE") == (1 if named == "leaves" else 2)


def test_a_transfer_never_pairs_two_currencies() -> None:
    facts = [fact("2026-06-11", -500_00), fact("2026-06-11", 500_00, account="x", currency="USD")]
    assert natures(facts) == [None, None]


# --- Debts ---


def test_a_card_bill_is_paid_on_one_account_and_arrives_on_the_card() -> None:
    facts = [fact("2026-06-11", -430_00, text="EINZUG 4711"), fact("2026-06-12", 430_00, account="card")]
    assert natures(facts) == ["card_bill", "card_bill"]


def test_what_is_paid_with_the_card_stays_spending() -> None:
    facts = [
        fact("2026-06-01", -30_00, account="card", text="REWE SAGT DANKE"),
        fact("2026-06-02", -400_00, account="card", text="HOTEL SEEBLICK"),
        fact("2026-06-11", -430_00, text="KREDITKARTENABRECHNUNG"),
        fact("2026-06-11", 430_00, account="card"),
    ]
    assert natures(facts) == ["spending", "spending", "card_bill", "card_bill"]


@pytest.mark.parametrize(("debt", "nature"), [("house", "loan_payment"), ("card", "card_bill")])
def test_the_rate_of_a_mortgage_and_the_bill_of_a_card_are_one_on_both_accounts(debt: str, nature: str) -> None:
    facts = [
        one
        for month in range(1, 7)
        for one in (
            fact(f"2026-{month:02}-10", -900_00, category="loan", counterparty="loan"),
            fact(f"2026-{month:02}-10", 900_00, account=debt, category="loan", counterparty="own"),
        )
    ]
    assert set(natures(facts)) == {nature}


def test_money_on_a_mortgage_account_pays_it_though_nobody_sees_from_where() -> None:
    assert natures([fact("2026-06-11", 900_00, account="house")]) == ["loan_payment"]


# --- Answers ---


@pytest.mark.parametrize("more", [{}, {"category": "shopping"}, {"text": "chargeback"}])
def test_a_refund_nets_the_purchase_it_answers(more: dict[str, str]) -> None:
    facts = [
        fact("2026-06-10", 2_000_00, category="salary", counterparty="ACME GmbH"),
        fact("2026-06-12", -900_00, category="shopping", merchant="Lamp House", counterparty="Lamp House"),
        fact("2026-06-18", 900_00, counterparty="Lamp House", **more),
    ]
    salary, purchase, refund = understand(facts, accounts=OWN, holder=HOLDER)
    assert (salary.nature, purchase.nature, refund.nature) == ("salary", "spending", "refund")
    assert purchase.category == refund.category == "shopping"


def test_what_was_paid_back_once_is_not_paid_back_again() -> None:
    facts = [
        fact("2026-06-01", -100_00, merchant="Quillon", category="shopping"),
        fact("2026-06-10", 60_00, counterparty="Quillon"),
        fact("2026-06-11", 60_00, counterparty="Quillon"),
    ]
    assert natures(facts) == ["spending", "refund", None]


@pytest.mark.parametrize(("on", "nature"), [("2026-05-01", "refund"), ("2026-08-01", None), ("2025-12-31", None)])
def test_a_refund_comes_after_its_purchase_within_half_a_year(on: str, nature: str | None) -> None:
    facts = [
        fact("2026-01-02", -100_00, merchant="Quillon", category="shopping"),
        fact(on, 100_00, counterparty="Quillon"),
    ]
    assert natures(facts)[1] == nature


def test_a_debit_that_comes_back_takes_the_category_of_the_debit() -> None:
    facts = [
        fact("2026-06-01", -90_00, text="ABSCHLAG STROM", counterparty="Stadtwerke"),
        fact("2026-06-04", 90_00, text="RUECKLASTSCHRIFT"),
    ]
    _, back = understand(facts, accounts=OWN)
    assert (back.nature, back.category) == ("returned_debit", "utilities")
    assert back.confidence > facts[1].given.confidence


def test_a_reversal_eleven_days_later_stays_one_but_is_not_matched() -> None:
    facts = [fact("2026-06-01", -90_00, text="ABSCHLAG STROM"), fact("2026-06-12", 90_00, text="STORNO")]
    _, back = understand(facts, accounts=OWN)
    assert (back.nature, back.category) == ("reversal", None)


def test_money_back_under_the_same_mandate_is_the_debit_come_back() -> None:
    facts = [
        fact("2026-06-01", -90_00, counterparty="Fit Club", mandate="M-1"),
        fact("2026-06-04", 90_00, counterparty="Fit Club", mandate="M-1"),
    ]
    assert natures(facts)[1] == "returned_debit"


# --- Rhythms ---


def test_one_payer_who_pays_each_month_pays_a_salary() -> None:
    wage = [
        fact(on, amount, counterparty="Nordlicht GmbH")
        for on, amount in [("2026-01-30", 2_400_00), ("2026-02-27", 2_480_00), ("2026-03-31", 2_390_00)]
    ]
    assert natures(wage) == ["salary"] * 3
    assert natures(wage[:2]) == [None, None]


def test_a_bonus_does_not_break_the_rhythm() -> None:
    wage = monthly(2_400_00, counterparty="Nordlicht GmbH")
    told = natures([*wage, fact("2026-03-12", 9_000_00, counterparty="Nordlicht GmbH")])
    assert told == ["salary"] * 6 + [None]


def test_a_named_salary_names_the_others_of_the_same_payer() -> None:
    wage = monthly(2_400_00, counterparty="Nordlicht GmbH")
    named = fact("2026-07-28", 2_400_00, counterparty="Nordlicht GmbH", text="GEHALT JULI")
    assert natures([*wage, named]) == ["salary"] * 7


def test_a_pension_stays_a_pension_and_a_friend_stays_a_friend() -> None:
    pension = monthly(1_400_00, counterparty="Rentenkasse", text="RENTE")
    friend = monthly(400_00, day=3, counterparty="Anna Schmidt")
    assert natures([*pension, *friend]) == ["pension"] * 6 + ["other_income"] * 6


def test_interest_each_month_is_no_salary() -> None:
    assert natures(monthly(12_00, counterparty="Bank AG", text="ZINSEN")) == ["interest"] * 6


def test_a_small_sum_each_month_is_no_salary_beside_a_large_one() -> None:
    wage = monthly(2_400_00, counterparty="Nordlicht GmbH")
    assert natures([*wage, *monthly(30_00, day=5, counterparty="Panel Club GmbH")])[6:] == [None] * 6


def test_a_sum_that_is_paid_back_in_instalments_is_a_loan() -> None:
    wage = monthly(2_400_00, counterparty="Nordlicht GmbH")
    loan = fact("2026-01-10", 15_000_00, counterparty="Hanse Geld AG")
    rates = [fact(f"2026-{month:02}-12", -320_00, counterparty="Hanse Geld AG") for month in range(2, 7)]
    assert natures([*wage, loan, *rates]) == ["salary"] * 6 + ["loan_paid_out"] + ["loan_payment"] * 5


def test_a_large_equal_payment_each_month_to_one_person_is_taken_for_rent() -> None:
    wage = monthly(2_400_00, counterparty="Nordlicht GmbH")
    rent = monthly(-800_00, day=3, counterparty="Karl Winter")
    told = understand([*wage, *rent], accounts=OWN)[6:]
    assert {(one.nature, one.category) for one in told} == {("spending", "rent")}
    assert all(one.confidence < 0.7 for one in told)


def test_a_small_payment_each_month_to_a_person_is_not() -> None:
    wage = monthly(2_400_00, counterparty="Nordlicht GmbH")
    told = understand([*wage, *monthly(-80_00, day=3, counterparty="Karl Winter")], accounts=OWN)[6:]
    assert {one.category for one in told} != {"rent"}


def test_a_loan_paid_out_changes_no_income() -> None:
    wage = monthly(2_000_00, day=10, category="salary", counterparty="ACME")
    for told in ({"category": "loan"}, {}, {"category": "savings"}, {"category": "tax"}, {"category": "cash"}):
        said = understand([*wage, fact("2026-06-15", 15_000_00, **told)], accounts=OWN)
        assert said[-1].nature not in INCOME


# --- Lives ---


@pytest.mark.parametrize("style", sorted({payment.style for payment in PAYMENTS}))
def test_side_by_side_the_payments_of_a_life_are_what_each_told_alone(style: str) -> None:
    life = [payment.movement() for payment in PAYMENTS if payment.style == style]
    facts = [
        fact_of(payment, day=Day(20_000 + 3 * place), given=read_movement(payment))
        for place, payment in enumerate(life)
    ]
    kept = [one.given.nature == told for one, told in zip(facts, natures(facts), strict=True) if one.given.nature]
    assert sum(kept) / len(kept) >= 0.97


# --- Laws ---

NAMES = ("Lamp House", "Nordlicht GmbH", "Karl Winter", "Eva Novak", "giro", None)
TEXTS = ("GEHALT", "MIETE", "STORNO", "RUECKLASTSCHRIFT", "REFUND", "REWE", "UMBUCHUNG", None)
FACTS = st.builds(
    lambda day, amount, account, counterparty, text, mandate: fact(
        f"2026-{1 + day // 28:02}-{1 + day % 28:02}",
        amount,
        account=account,
        counterparty=counterparty,
        text=text,
        mandate=mandate,
    ),
    st.integers(0, 150),
    st.sampled_from([sign * amount for sign in (-1, 1) for amount in (50_00, 100_00, 500_00, 2_000_00)]),
    st.sampled_from(["giro", "pot", "card", "house", "x"]),
    st.sampled_from(NAMES),
    st.sampled_from(TEXTS),
    st.sampled_from([None, None, "M-1"]),
)


@given(st.lists(FACTS, max_size=40).flatmap(lambda facts: st.tuples(st.just(facts), st.permutations(facts))))
def test_the_order_in_which_payments_arrive_never_matters(both: tuple[list[Fact], list[Fact]]) -> None:
    facts, shuffled = both
    first = Counter(zip(facts, understand(facts, accounts=OWN, holder=HOLDER), strict=True))
    assert first == Counter(zip(shuffled, understand(shuffled, accounts=OWN[::-1], holder=HOLDER), strict=True))


@given(st.lists(FACTS, max_size=40))
def test_signs_hold_and_what_is_said_is_said_in_known_words(facts: list[Fact]) -> None:
    for one, told in zip(facts, understand(facts, accounts=OWN, holder=HOLDER), strict=True):
        assert told.nature is None or told.nature in NATURES
        assert told.category is None or told.category in CATEGORIES
        assert one.amount_minor > 0 or told.nature not in INCOME | {"refund"}
        assert one.amount_minor < 0 or told.nature != "spending"
        assert (told.nature is None) == (told.confidence == 0)


@given(st.lists(FACTS, max_size=40))
def test_history_speaks_of_each_payment_that_spoke_for_itself(facts: list[Fact]) -> None:
    for one, told in zip(facts, understand(facts, accounts=OWN, holder=HOLDER), strict=True):
        assert one.given.nature is None or told.nature is not None


def test_no_payments_mean_nothing() -> None:
    assert understand([], accounts=OWN) == []


def test_a_payment_without_a_word_stays_unsaid() -> None:
    assert understand([fact("2026-06-01", 12_00)], accounts=[GIRO]) == [
        MovementReading(because="too little says what it is")
    ]
