"""An account that is told here and as one at another bank counts once; where one is refused, what the other tells."""

from __future__ import annotations

import json
from itertools import permutations

import pytest
from situations import NOW, gives_up, pays, says, sent, shares, values

from marketofone import Bank
from marketofone.domain.moment import DAY, Day, date_of
from proofs import proven

IBAN = "DE89370400440532013000"
FOOD, PAY = -9_000, 250_000


def opens(customer: str, account: str, **more: object) -> bytes:
    facts = {"account": account, "product": "current", "currency": "EUR", **more}
    return sent("account.opened", customer, at=NOW - 300 * DAY, **facts)  # type: ignore[arg-type]


def moves(customer: str, minor: int, account: str) -> bytes:
    """Move money without a word about what it is."""
    return sent("transaction.booked", customer, account=account, amount_minor=minor, currency="EUR")


def tells(customer: str, minor: int, category: str, *, ago: int = 0, account: str = IBAN, **more: object) -> bytes:
    facts = {"institution": "x", "account": account, "amount_minor": minor, "currency": "EUR", "category": category}
    return sent("openbanking.transaction", customer, at=NOW - ago * DAY, **facts, **more)  # type: ignore[arg-type]


def states(customer: str, minor: int, *, ago: int = 0, account: str = IBAN, **more: object) -> bytes:
    facts = {"institution": "x", "account": account, "balance_minor": minor, "currency": "EUR"}
    return sent("openbanking.balance", customer, at=NOW - ago * DAY, **facts, **more)  # type: ignore[arg-type]


def both_tell(customer: str = "anna") -> list[bytes]:
    """Tell one account by its IBAN twice, and what only the other bank knows: an older payment, another account."""
    here = [
        pays(customer, PAY, "salary", at=NOW - 20 * DAY, account=IBAN, balance_minor=400_000),
        pays(customer, FOOD, "groceries", at=NOW - DAY, account=IBAN, balance_minor=391_000),
    ]
    again = [
        tells(customer, PAY, "salary", ago=20),
        tells(customer, FOOD, "groceries", ago=1),
        states(customer, 391_000),
    ]
    only_there = [
        tells(customer, 2 * FOOD, "groceries", ago=27),
        tells(customer, 3 * FOOD, "groceries", ago=2, account="other"),
        states(customer, 5_000, account="other"),
    ]
    return [*here, *again, *only_there]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_stands_and_moves_on_it_counts_once_whatever_comes_first(bank: Bank, order: tuple[int, ...]) -> None:
    says(bank, "anna")
    rows = both_tell()
    for place in order:
        bank.ingest(rows[place::3], now=NOW)
        values(bank, "anna")  # folded in between

    known = values(bank, "anna")

    assert (known["income_30d"], known["spend_30d"], known["balance_last"]) == (PAY, -FOOD, 391_000)
    assert (known["other_bank_spend_30d"], known["other_bank_balance"]) == (-5 * FOOD, 5_000)
    assert bank.profile("anna", now=NOW).liquid.total_minor == 396_000
    ahead = bank.forecast("anna", now=NOW)
    assert ahead.liquid.total_minor == 396_000
    assert [account.account for account in ahead.accounts] == [IBAN, "x/other"]
    bank.decide("anna", occasion="app.opened", now=NOW)
    proven(bank)


def test_a_merchant_counts_what_was_paid_once(bank: Bank) -> None:
    says(bank, "anna")
    rows = [
        pays("anna", FOOD, "groceries", account=IBAN, merchant="Shop"),
        tells("anna", FOOD, "groceries", merchant="Shop"),
    ]
    bank.ingest(rows, now=NOW)

    assert [(one.name, one.payments) for one in bank.merchants("anna", now=NOW)] == [("Shop", 1)]
    says(bank, "anna", "withdraw", source="transactions")
    assert [(one.name, one.payments) for one in bank.merchants("anna", now=NOW)] == [("Shop", 1)]
    proven(bank)


@pytest.mark.parametrize("refused", ["transactions", "open_banking"])
def test_where_one_source_is_refused_the_other_counts_whole(bank: Bank, refused: str) -> None:
    says(bank, "anna")
    bank.ingest(both_tell(), now=NOW)
    values(bank, "anna")
    says(bank, "anna", "withdraw", source=refused)

    known = values(bank, "anna")

    if refused == "transactions":
        assert (known["other_bank_spend_30d"], known["other_bank_balance"]) == (-6 * FOOD, 396_000)
        assert "balance_last" not in known
    else:
        assert (known["spend_30d"], known["balance_last"]) == (-FOOD, 391_000)
        assert "other_bank_balance" not in known
    bank.decide("anna", occasion="app.opened", now=NOW)
    proven(bank)


def test_a_purpose_that_may_use_one_source_only_sees_all_of_it(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest(both_tell(), now=NOW)
    says(bank, "anna", "withdraw", source="transactions", purpose="insights")

    assert values(bank, "anna")["other_bank_balance"] == 396_000
    assert [account.account for account in bank.forecast("anna", now=NOW).accounts] == [f"x/{IBAN}", "x/other"]
    bank.decide("anna", occasion="app.opened", now=NOW)
    proven(bank)


def test_its_limit_and_its_orders_count_wherever_they_are_told(bank: Bank) -> None:
    says(bank, "anna")
    order = sent(
        "openbanking.order",
        "anna",
        institution="x",
        account=IBAN,
        currency="EUR",
        order="so-1",
        amount_minor=7_000,
        category="tuition",
        next_on=date_of(Day(NOW // DAY + 9)).isoformat(),
    )
    lived = [pays("anna", -100, "groceries", at=NOW - ago * DAY, account=IBAN) for ago in range(1, 60)]
    bank.ingest([*both_tell(), *lived, states("anna", 391_000, limit_minor=50_000), order], now=NOW)

    ahead = bank.forecast("anna", now=NOW)

    assert ahead.limit_minor == 50_000
    assert [one.amount_minor for one in ahead.payments if one.ordered] == [-7_000]
    bank.ingest([opens("anna", IBAN, limit_minor=20_000)], now=NOW)
    assert bank.forecast("anna", now=NOW).limit_minor == 20_000  # what is told here wins
    proven(bank)


def test_it_is_recognised_by_the_number_that_was_told_too(bank: Bank) -> None:
    says(bank, "anna")
    rows = [
        opens("anna", "a-1", number="DE89 3704 0044 0532 0130 00"),
        pays("anna", FOOD, "groceries", account="a-1", balance_minor=391_000),
        tells("anna", FOOD, "groceries", account="1", number=IBAN),
        states("anna", 391_000, account="1", number=IBAN),
    ]
    bank.ingest(rows, now=NOW)

    known = values(bank, "anna")

    assert (known["balance_last"], known["spend_30d"]) == (391_000, -FOOD)
    assert (known.get("other_bank_balance"), known.get("other_bank_spend_30d", 0)) in ((None, 0), (0, 0))
    proven(bank)


def test_a_statement_that_ends_goes_on_with_what_the_other_bank_tells(bank: Bank) -> None:
    says(bank, "anna")
    statement = [
        pays("anna", FOOD, "groceries", at=NOW - ago * DAY, account=IBAN, balance_minor=90_000) for ago in (200, 190)
    ]
    live = [tells("anna", FOOD, "groceries", ago=ago) for ago in (200, 190, 20, 10)]
    bank.ingest([*statement, *live, states("anna", 70_000)], now=NOW)

    known = values(bank, "anna")

    assert (known["other_bank_spend_30d"], known["other_bank_balance"]) == (-2 * FOOD, 70_000)
    assert not known.get("balance_last")
    assert known["spend_90d"] == 0
    proven(bank)


def test_money_moved_to_an_account_that_is_told_twice_is_an_own_transfer(bank: Bank) -> None:
    says(bank, "anna")
    again = {"institution": "x", "account": IBAN, "amount_minor": 50_000, "currency": "EUR"}
    rows = [
        moves("anna", -50_000, "giro"),
        moves("anna", 50_000, IBAN),
        sent("openbanking.transaction", "anna", **again),  # type: ignore[arg-type]
    ]
    bank.ingest([opens("anna", "giro"), opens("anna", IBAN, type="savings"), *rows], now=NOW)

    known = values(bank, "anna")

    assert (known["income_30d"], known["spend_30d"]) == (0, 0)
    proven(bank)


@pytest.mark.parametrize("less", ["removed", "licensed"])
def test_what_a_payment_turned_out_to_be_by_what_may_not_be_used_any_more_it_is_no_more(bank: Bank, less: str) -> None:
    says(bank, "anna")
    there = {"institution": "x", "account": "pot", "amount_minor": 50_000, "currency": "EUR"}
    bank.ingest([opens("anna", "giro"), moves("anna", -50_000, "giro")], now=NOW)
    bank.ingest([sent("openbanking.transaction", "anna", id="there", **there)], now=NOW)  # type: ignore[arg-type]
    assert spent(bank, "anna") == 0

    if less == "removed":
        named = {"type": "openbanking.transaction", "id": "there"}
        row = {**json.loads(sent("event.removed", "anna")), "data": named}
        bank.ingest([json.dumps(row).encode()], now=NOW)
    else:
        scopes: dict[str, object] = {"institution": "x", "scopes": ["balances"]}
        bank.ingest([sent("openbanking.licensed", "anna", **scopes)], now=NOW)  # type: ignore[arg-type]

    assert spent(bank, "anna") == 50_000
    proven(bank)


def moves_between(one: str, other: str) -> list[bytes]:
    return [opens(one, "giro"), opens(other, "pot"), moves(one, -50_000, "giro"), moves(other, 50_000, "pot")]


def spent(bank: Bank, customer: str) -> float:
    return values(bank, customer)["spend_30d"]


def test_money_between_two_ids_is_an_own_transfer_while_they_are_one_person(bank: Bank) -> None:
    for who in ("anna", "ann"):
        says(bank, who)
    bank.ingest(moves_between("anna", "ann"), now=NOW)
    assert spent(bank, "anna") == 50_000

    shares(bank, "mail", "anna", "ann")
    assert (spent(bank, "anna"), spent(bank, "ann")) == (0, 0)
    bank.decide("anna", occasion="app.opened", now=NOW)

    gives_up(bank, "mail", "ann")
    assert spent(bank, "anna") == 50_000
    assert values(bank, "ann")["income_30d"] == 0
    proven(bank)


def test_money_between_two_ids_stays_what_it_is_where_one_of_them_refuses(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest(moves_between("anna", "ann"), now=NOW)
    shares(bank, "mail", "anna", "ann")

    says(bank, "ann")
    bank.ingest([pays("ann", -1, "cash", account="pot")], now=NOW)
    says(bank, "ann", "withdraw", source="transactions")
    gives_up(bank, "mail", "ann")

    assert spent(bank, "anna") == 50_000
    proven(bank)
