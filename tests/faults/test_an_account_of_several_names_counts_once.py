"""An account under several names of one source counts once: its number decides, in whatever order it is told."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from situations import NOW, gives_up, pays, says, sent, shares, values

from marketofone import Bank
from marketofone.domain.moment import DAY, Day, date_of
from proofs import proven

IBAN, WRITTEN, AT_HOME = "DE89370400440532013000", "de89 3704 0044 0532 0130 00", "37040044/532013000"
FOOD, PAY = -9_000, 250_000


def opens(customer: str, account: str, **more: object) -> bytes:
    facts: dict[str, Any] = {"account": account, "product": "current", "currency": "EUR", **more}
    return sent("account.opened", customer, at=NOW - 300 * DAY, **facts)


def on(ago: int) -> str:
    return date_of(Day(NOW // DAY - ago)).isoformat()


def stands(minor: int, *, ago: int, account: str = IBAN) -> bytes:
    return sent("balance.stated", "anna", account=account, balance_minor=minor, currency="EUR", on=on(ago))


def tells(institution: str, minor: int, category: str, *, ago: int = 0, **more: object) -> bytes:
    facts = {"institution": institution, "account": IBAN, "amount_minor": minor, "currency": "EUR", **more}
    return sent("openbanking.transaction", "anna", at=NOW - ago * DAY, category=category, **facts)  # type: ignore[arg-type]


def rests(institution: str, minor: int, *, ago: int = 0, **more: object) -> bytes:
    facts = {"institution": institution, "account": IBAN, "balance_minor": minor, "currency": "EUR", **more}
    return sent("openbanking.balance", "anna", at=NOW - ago * DAY, **facts)  # type: ignore[arg-type]


def two_files(number: str = IBAN, name: str = IBAN) -> list[bytes]:
    """Tell one account by a table until a week ago, and by a statement that goes on; and another account."""
    lived = [(ago, FOOD) for ago in range(60, 0, -2)]
    table = [
        opens("anna", "giro", number=number),
        pays("anna", PAY, "salary", at=NOW - 20 * DAY, account="giro"),
        *(pays("anna", minor, "groceries", at=NOW - ago * DAY, account="giro") for ago, minor in lived if ago > 7),
    ]
    statement = [
        pays("anna", PAY, "salary", at=NOW - 20 * DAY, account=name),
        *(pays("anna", minor, "groceries", at=NOW - ago * DAY, account=name) for ago, minor in lived if ago < 40),
        stands(391_000, ago=1, account=name),
    ]
    return [*table, *statement, pays("anna", -500, "dining", account="pot", balance_minor=5_000)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_two_files_of_one_account_count_once_whatever_comes_first(bank: Bank, order: tuple[int, ...]) -> None:
    says(bank, "anna")
    rows = two_files()
    for place in order:
        bank.ingest(rows[place::3], now=NOW)
        values(bank, "anna")  # folded in between

    known = values(bank, "anna")

    assert (known["income_30d"], known["spend_30d"], known["balance_last"]) == (PAY, -14 * FOOD + 500, 396_000)
    assert bank.profile("anna", now=NOW).liquid.total_minor == 396_000
    ahead = bank.forecast("anna", now=NOW)
    assert [account.account for account in ahead.accounts] == ["giro", "pot"]
    assert ahead.liquid.total_minor == 396_000
    merchants = {one.name: one.payments for one in bank.merchants("anna", now=NOW)}
    assert not merchants or max(merchants.values()) <= 30
    bank.decide("anna", occasion="app.opened", now=NOW)
    proven(bank)


@pytest.mark.parametrize(("number", "name"), [(WRITTEN, IBAN), (AT_HOME, IBAN), (IBAN, AT_HOME), ("77", "77")])
def test_the_number_is_the_same_however_it_is_written(bank: Bank, number: str, name: str) -> None:
    says(bank, "anna")
    bank.ingest(two_files(number, name), now=NOW)

    known = values(bank, "anna")

    assert (known["income_30d"], known["balance_last"]) == (PAY, 396_000)


def test_an_earlier_stretch_and_a_later_one_of_a_table_leave_what_the_statement_tells_between_them(bank: Bank) -> None:
    says(bank, "anna")
    table = [pays("anna", FOOD, "groceries", at=NOW - ago * DAY, account="giro") for ago in (85, 80, 2)]
    statement = [pays("anna", FOOD, "groceries", at=NOW - ago * DAY, account=IBAN) for ago in (85, 80, 45, 40, 2)]

    bank.ingest([opens("anna", "giro", number=IBAN), *table, *statement], now=NOW)

    assert values(bank, "anna")["spend_90d"] == -5 * FOOD
    proven(bank)


def test_other_numbers_and_other_currencies_stay_accounts_of_their_own(bank: Bank) -> None:
    says(bank, "anna")
    rows = [
        opens("anna", "giro", number=IBAN),
        pays("anna", FOOD, "groceries", account="giro", balance_minor=1_000),
        pays("anna", FOOD, "groceries", account="DE02120300000000202051", balance_minor=2_000),
        pays("anna", FOOD, "groceries", account="****1111", balance_minor=4_000),
        pays("anna", FOOD, "groceries", account="XXXX1111", balance_minor=8_000),
    ]
    bank.ingest([*rows, pays("anna", FOOD, "cash", account=IBAN, currency="USD", balance_minor=5)], now=NOW)

    known = values(bank, "anna")

    assert (known["spend_30d"], known["balance_last"]) == (-4 * FOOD, 15_000)


def test_its_limit_its_share_and_its_orders_count_under_whichever_name_they_are_told(bank: Bank) -> None:
    says(bank, "anna")
    terms: dict[str, Any] = {"currency": "EUR", "amount_minor": 7_000, "category": "tuition", "next_on": on(-9)}
    orders = [sent("order.placed", "anna", account=name, order="so-1", **terms) for name in ("giro", IBAN)]
    movements = [pays("anna", -100, "cash", at=NOW - ago * DAY, account=IBAN) for ago in range(1, 60)]
    told = opens("anna", "giro", number=IBAN, limit_minor=50_000, share=0.5)
    bank.ingest([*movements, stands(10_000, ago=1), *orders, told], now=NOW)

    ahead = bank.forecast("anna", now=NOW)

    assert ([one.account for one in ahead.accounts], ahead.liquid.total_minor) == (["giro"], 5_000)
    assert [one.amount_minor for one in ahead.payments if one.ordered] == [-7_000]
    assert values(bank, "anna")["balance_last"] == 5_000
    proven(bank)


def two_banks() -> list[bytes]:
    """Tell one account by two other banks, of which one ended a while ago."""
    one = [tells("Bank X", FOOD, "groceries", ago=ago) for ago in (25, 20, 15)]
    other = [tells("Fetcher", FOOD, "groceries", ago=ago, account="7", number=WRITTEN) for ago in (20, 15, 5)]
    return [*one, rests("Bank X", 80_000, ago=15), *other, rests("Fetcher", 70_000, account="7", number=IBAN)]


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_what_two_other_banks_tell_of_one_account_counts_once(bank: Bank, order: tuple[int, ...]) -> None:
    says(bank, "anna")
    rows = two_banks()
    for place in order:
        bank.ingest(rows[place::2], now=NOW)
        values(bank, "anna")

    known = values(bank, "anna")

    assert (known["other_bank_spend_30d"], known["other_bank_balance"]) == (-4 * FOOD, 70_000)
    assert [one.account for one in bank.forecast("anna", now=NOW).accounts] == ["Fetcher/7"]
    bank.decide("anna", occasion="app.opened", now=NOW)

    bank.ingest([pays("anna", FOOD, "groceries", at=NOW - ago * DAY, account=IBAN) for ago in (25, 1)], now=NOW)
    known = values(bank, "anna")  # told here as well
    assert (known["spend_30d"], known.get("other_bank_spend_30d", 0)) == (-2 * FOOD, 0)
    proven(bank)


def test_the_end_of_the_licence_of_one_bank_leaves_what_the_other_tells(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest(two_banks(), now=NOW)
    assert values(bank, "anna")["other_bank_spend_30d"] == -4 * FOOD

    bank.ingest([sent("openbanking.licensed", "anna", institution="Fetcher", scopes=[])], now=NOW)

    known = values(bank, "anna")
    assert (known["other_bank_spend_30d"], known["other_bank_balance"]) == (-3 * FOOD, 80_000)
    proven(bank)


def test_a_bank_is_the_same_however_its_name_is_written_and_its_licence_holds(bank: Bank) -> None:
    says(bank, "anna")
    rows = [
        tells("Bank X", FOOD, "groceries", ago=3, account="7"),
        tells("BANK  x", FOOD, "groceries", ago=3, account="7"),
        rests("bank x", 5_000, account="7", ago=3),
        rests("Bank X", 6_000, account="7"),
    ]
    bank.ingest(rows, now=NOW)

    known = values(bank, "anna")
    assert (known["other_bank_spend_30d"], known["other_bank_balance"]) == (-FOOD, 6_000)

    bank.ingest([sent("openbanking.licensed", "anna", institution="bank X", scopes=["balances"])], now=NOW)
    known = values(bank, "anna")
    assert (known.get("other_bank_spend_30d", 0), known["other_bank_balance"]) == (0, 6_000)

    narrower: dict[str, Any] = {"institution": "BANK X", "scopes": ["transactions"]}
    bank.ingest([sent("openbanking.licensed", "anna", at=NOW + 1, **narrower)], now=NOW + 1)  # type: ignore[arg-type]
    assert "other_bank_balance" not in values(bank, "anna", now=NOW + 1)
    proven(bank)


def test_two_ids_of_one_person_hold_together_what_each_of_them_holds(bank: Bank) -> None:
    for who in ("anna", "boris"):
        says(bank, who)
    halves = [opens("anna", "giro", number=IBAN, share=0.5), opens("boris", IBAN, share=0.5)]
    booked = [pays("anna", FOOD, "groceries", account="giro"), pays("boris", FOOD, "groceries", account=IBAN)]
    bank.ingest([*halves, *booked, stands(10_000, ago=0, account="giro")], now=NOW)
    bank.ingest(
        [sent("balance.stated", "boris", account=IBAN, balance_minor=10_000, currency="EUR", on=on(0))], now=NOW
    )
    apart = values(bank, "anna")

    shares(bank, "mail", "anna", "boris")

    known = values(bank, "boris")
    assert (apart["balance_last"], known["balance_last"], known["spend_30d"]) == (5_000, 10_000, -FOOD)
    assert bank.profile("anna", now=NOW).liquid.total_minor == 10_000
    bank.decide("anna", occasion="app.opened", now=NOW)
    gives_up(bank, "mail", "boris")
    assert values(bank, "boris")["balance_last"] == 5_000
    proven(bank)


def orders(account: str, minor: int, *, currency: str = "EUR") -> bytes:
    facts = {"account": account, "currency": currency, "amount_minor": minor, "next_on": on(-10), "every": "month"}
    return sent("order.placed", "anna", order=f"so-{minor}", **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize("named", ["giro", IBAN])
def test_an_order_counts_under_whichever_name_of_the_account_it_is_told(bank: Bank, named: str) -> None:
    says(bank, "anna")
    lived = [pays("anna", -2_000, "groceries", at=NOW - ago * DAY, account="giro") for ago in range(99, 0, -3)]
    bank.ingest([opens("anna", "giro", number=IBAN), *lived, stands(200_000, ago=0, account="giro")], now=NOW)
    bank.ingest([orders("giro", 5_000, currency="USD"), orders(named, 70_000)], now=NOW)

    ahead = bank.forecast("anna", now=NOW)

    assert [one.account for one in ahead.accounts] == ["giro"]
    assert [pay.amount_minor for pay in ahead.payments if pay.ordered] == [-70_000] * 3
    assert ahead.total is not None
    assert ahead.total.days[-1].quantiles[4] < 50_000
    proven(bank)


def test_a_bank_whose_name_holds_a_stroke_is_one_bank(bank: Bank) -> None:
    says(bank, "anna")
    here = pays("anna", FOOD, "groceries", at=NOW - DAY, account=IBAN, balance_minor=100_000)
    there = [tells("Danske Bank A/S", FOOD, "groceries", ago=1), rests("Danske Bank A/S", 100_000)]
    bank.ingest([here, *there], now=NOW)

    liquid = bank.profile("anna", now=NOW).liquid
    assert liquid is not None
    assert liquid.total_minor == 100_000
    proven(bank)
