"""What a payment is: what comes back is no income, what moves between own accounts is neither earned nor spent."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from situations import NOW, pays, says, sent, values

from marketofone import Bank
from marketofone.domain.moment import DAY
from proofs import proven

SALARY = 200_000


def salary(*, ago: int = 12) -> bytes:
    return pays("anna", SALARY, "salary", at=NOW - ago * DAY, counterparty="ACME GmbH")


def plain(minor: int, *, ago: int, **more: str | int) -> bytes:
    """Move money without a category, as most feeds tell it."""
    facts: dict[str, Any] = {"account": "account-anna", "amount_minor": minor, "currency": "EUR", **more}
    return sent("transaction.booked", "anna", at=NOW - ago * DAY, **facts)


def elsewhere(minor: int, *, ago: int, **more: str | int) -> bytes:
    facts: dict[str, Any] = {"institution": "other", "account": "x", "amount_minor": minor, "currency": "EUR", **more}
    return sent("openbanking.transaction", "anna", at=NOW - ago * DAY, **facts)


@pytest.mark.parametrize("told", [{}, {"category": "shopping"}, {"operation": "chargeback"}, {"text": "Erstattung"}])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_purchase_that_comes_back_nets_whatever_is_told_of_it(
    bank: Bank, told: dict[str, str], order: tuple[int, ...]
) -> None:
    says(bank, "anna")
    rows = [
        salary(),
        plain(-90_000, ago=10, category="shopping", merchant="Lamp House", counterparty="Lamp House"),
        plain(90_000, ago=4, counterparty="Lamp House", **told),
    ]
    for place in order:
        bank.ingest([rows[place]], now=NOW)

    known = values(bank, "anna")

    assert (known["income_30d"], known["spend_30d"], known["days_since_income"]) == (SALARY, 0, 12)
    assert known["savings_rate_90d"] == 1.0
    proven(bank)


def test_money_between_two_accounts_here_is_neither_income_nor_spending(bank: Bank) -> None:
    says(bank, "anna")
    opened = [
        sent("account.opened", "anna", account=name, product=of, currency="EUR")
        for name, of in (("account-anna", "current_account"), ("pot", "savings_account"))
    ]
    moved = [
        plain(-150_000, ago=3, counterparty="pot"),
        plain(150_000, ago=3, account="pot", counterparty="account-anna"),
    ]
    bank.ingest([*opened, salary(), *moved], now=NOW)

    known = values(bank, "anna")

    assert (known["income_30d"], known["spend_30d"]) == (SALARY, 0)


def test_money_moved_to_another_bank_is_not_spent_twice(bank: Bank) -> None:
    says(bank, "anna")
    rows = [
        salary(),
        plain(-150_000, ago=5, counterparty="Eva Novak"),
        elsewhere(150_000, ago=5, counterparty="Eva Novak"),
        elsewhere(-20_000, ago=4, category="groceries"),
    ]
    bank.ingest(rows, now=NOW)

    known = values(bank, "anna")

    assert (known["spend_30d"], known["other_bank_spend_30d"]) == (0, 20_000)


@pytest.mark.parametrize(
    "told", [{}, {"category": "loan"}, {"category": "savings"}, {"category": "tax"}, {"category": "cash"}]
)
def test_a_large_sum_that_comes_in_is_no_income(bank: Bank, told: dict[str, str]) -> None:
    says(bank, "anna")
    rows = [
        pays("anna", SALARY, "salary", at=NOW - (10 + 30 * month) * DAY, counterparty="ACME", balance_minor=500_000)
        for month in range(6)
    ]
    bank.ingest([*rows, plain(1_500_000, ago=3, balance_minor=2_000_000, **told)], now=NOW)

    assert values(bank, "anna")["income_30d"] == SALARY
    said = {event.event: event.probability for event in bank.forecast("anna", now=NOW).events}
    assert said.get("income_change", 0.0) < 0.5


def test_a_salary_that_no_word_names_is_known_when_it_came_three_times(bank: Bank) -> None:
    says(bank, "anna")
    for month in range(5, -1, -1):
        text = f"ABRECHNUNG {month} PERS 4711"
        bank.ingest([plain(SALARY, ago=2 + 30 * month, counterparty="Nordwind GmbH", text=text)], now=NOW)

    assert values(bank, "anna")["income_90d"] == 3 * SALARY


def test_a_joint_booking_is_seen_by_each_holder_who_allows_it(bank: Bank) -> None:
    for one in ("anna", "boris"):
        says(bank, one)
        rent = sent(
            "transaction.booked", one, id="t-1", account="joint", amount_minor=-80_000, currency="EUR", category="rent"
        )
        assert bank.ingest([rent], now=NOW).events == 1

    assert [values(bank, one)["spend_30d"] for one in ("anna", "boris")] == [80_000, 80_000]


PAYEES = {
    "Hindi": ("किराना दुकान", "करन दकन"),
    "Thai": ("ป้าแดง", "ปาแดง"),
    "Japanese": ("東京ガス", "東京カス"),
    "Arabic": ("مطعمُ", "مطعمِ"),
    "Vietnamese": ("Phở Má", "Phò Mả"),
    "Korean": ("한국전력", "서울가스"),
    "Polish": ("Łódź", "Lodz"),
    "Georgian": ("ბანკი", "ბანკა"),
    "Hebrew": ("בית קפה", "בית קפא"),
    "Greek": ("Καφέ Οδυσσεύς", "Καφή Οδυσσεύς"),
    "Irish": ("O'Neill's Pub", "O'Hara's Bar"),
    "French": ("Café de l'Été", "Café d'Hiver"),
}


@pytest.mark.parametrize("script", PAYEES)
def test_payees_of_every_script_are_shown_as_they_are_written_and_kept_apart(bank: Bank, script: str) -> None:
    says(bank, "anna")
    for payee, minor, ago in zip(PAYEES[script], (-2_500, -7_500), (5, 12), strict=True):
        rows = [plain(minor, ago=ago + 30 * month, category="subscription", counterparty=payee) for month in range(7)]
        bank.ingest(rows, now=NOW)

    shown = {(payment.what, payment.amount_minor) for payment in bank.spending("anna", now=NOW).standing}

    assert shown == set(zip(PAYEES[script], (2_500, 7_500), strict=True))


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("MCDONALD'S 1234 BERLIN", "McDonald's"),
        ("SQ *JOE'S CAFÉ", "Joe's Café"),
        ("Café de l'Été GmbH", "Café de l'Été"),
        ("IJsselmeer BV", "IJsselmeer"),
        ("FILMSTREAM.COM 0800", "Filmstream.com"),
        ("PAYPAL *किराना दुकान", "किराना दुकान"),
        ("ร้านป้าแดง Co Ltd", "ร้านป้าแดง"),
        ("4711/815", "4711/815"),
    ],
)
def test_a_payee_has_one_name_wherever_spending_is_told(bank: Bank, printed: str, name: str) -> None:
    says(bank, "anna")
    rows = [plain(-2_500, ago=5 + 30 * month, category="subscription", counterparty=printed) for month in range(7)]
    bank.ingest(rows, now=NOW)

    told = bank.spending("anna", now=NOW)

    assert [payment.what for payment in told.standing] == [name]
    assert all(name in insight.text for insight in told.insights)
    assert {merchant.name for merchant in bank.merchants("anna", now=NOW)} <= {name}


def test_spellings_of_one_name_on_statements_are_one_payee(bank: Bank) -> None:
    says(bank, "anna")
    names = ["Café Müller", "Cafe\u0301 Mu\u0308ller", "CAFE MULLER", "Café  Müller "]
    rows = [
        plain(-2_500, ago=5 + 30 * month, category="subscription", counterparty=names[month % 4]) for month in range(7)
    ]
    bank.ingest(rows, now=NOW)

    assert len(bank.spending("anna", now=NOW).standing) == 1
