"""A payment to an own account is an own transfer as soon as any event tells whose the account's number is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from situations import NOW, pays, says, sent, values

import marketofone
from marketofone import Bank
from marketofone.domain.moment import DAY, Day, date_of
from marketofone.services.intake.ingest import ingest
from proofs import proven

NUMBER, WRITTEN = "DE02120300000000202051", "DE02 1203 0000 0000 2020 51"
MOVED = 50_000
THERE: dict[str, Any] = {"institution": "x", "currency": "EUR"}
TELLS: dict[str, dict[str, Any]] = {
    "a balance elsewhere with a number": {
        "kind": "openbanking.balance", "account": "pot", "number": WRITTEN, "balance_minor": 1, **THERE,
    },
    "a balance elsewhere": {"kind": "openbanking.balance", "account": NUMBER, "balance_minor": 1, **THERE},
    "a payment elsewhere with a number": {
        "kind": "openbanking.transaction", "account": "pot", "number": NUMBER, "amount_minor": -1, "category": "cash",
        **THERE,
    },
    "a payment elsewhere": {
        "kind": "openbanking.transaction", "account": NUMBER, "amount_minor": -1, "category": "cash", **THERE,
    },
    "an order elsewhere": {
        "kind": "openbanking.order", "account": NUMBER, "amount_minor": 1, "next_on": "2026-01-20", **THERE,
    },
    "a balance here": {
        "kind": "balance.stated", "account": NUMBER, "balance_minor": 1, "currency": "EUR",
        "on": date_of(Day(NOW // DAY - 1)).isoformat(),
    },
    "a payment here": {
        "kind": "transaction.booked", "account": NUMBER, "amount_minor": -1, "currency": "EUR", "category": "cash",
    },
    "an order here": {
        "kind": "order.placed", "account": NUMBER, "amount_minor": 1, "currency": "EUR", "next_on": "2026-01-20",
    },
    "an account": {"kind": "account.opened", "account": "pot", "product": "savings", "currency": "EUR",
        "number": NUMBER},
}  # fmt: skip


def payment(customer: str, to: str = NUMBER) -> bytes:
    """Pay something that looks like a purchase, but for the number it goes to."""
    return pays(customer, -MOVED, "groceries", at=NOW - 3 * DAY, account="giro", counterparty_account=to)


def balance(customer: str, number: str | None = NUMBER, *, at: int = NOW, id: str | None = None) -> bytes:  # noqa: A002
    told = {} if number is None else {"number": number}
    return sent("openbanking.balance", customer, at=at, id=id, account="pot", balance_minor=1, **THERE, **told)


def spent(bank: Bank, customer: str) -> float:
    return values(bank, customer)["spend_30d"]


def test_it_is_known_whichever_event_tells_the_number(bank: Bank) -> None:
    for customer, (_, told) in zip("abcdefghi", TELLS.items(), strict=True):
        says(bank, customer)
        bank.ingest([payment(customer)], now=NOW)
        assert spent(bank, customer) == MOVED
        bank.ingest([sent(customer=customer, **told)], now=NOW)

    seen = {by: spent(bank, customer) for customer, by in zip("abcdefghi", TELLS, strict=True)}

    assert {by: left for by, left in seen.items() if left > 1} == {}
    proven(bank)


def test_an_account_keeps_the_numbers_it_had_whichever_of_them_is_told_last(bank: Bank) -> None:
    other = "AT611904300234573201"
    says(bank, "anna")
    bank.ingest([payment("anna"), payment("anna", to=other)], now=NOW)

    left = []
    for days, number in enumerate([NUMBER, other, NUMBER], start=1):
        bank.ingest([balance("anna", number, at=NOW - 4 * DAY + days * DAY)], now=NOW)
        left.append(spent(bank, "anna"))

    assert left == [MOVED, 0, 0]
    proven(bank)


def test_another_number_of_an_account_is_new_and_one_that_was_taken_back_is_new_again(bank: Bank) -> None:
    other = "AT611904300234573201"
    says(bank, "anna")
    bank.ingest([payment("anna"), payment("anna", to=other), balance("anna", at=NOW - DAY, id="first")], now=NOW)
    assert spent(bank, "anna") == MOVED

    bank.ingest([balance("anna", other, id="second")], now=NOW)
    assert spent(bank, "anna") == 0

    for id in ("first", "second"):  # noqa: A001 - the word of CloudEvents
        row = {**json.loads(sent("event.removed", "anna")), "data": {"type": "openbanking.balance", "id": id}}
        bank.ingest([json.dumps(row).encode()], now=NOW)
    assert spent(bank, "anna") == 2 * MOVED
    bank.ingest([balance("anna")], now=NOW)
    assert spent(bank, "anna") == MOVED
    proven(bank)


def test_only_a_number_that_is_new_opens_a_look_also_in_the_next_process(bank: Bank, project: Path) -> None:
    says(bank, "anna")
    bank.ingest([payment("anna"), balance("anna", at=NOW - 5 * DAY)], now=NOW)

    def opens(open_bank: Bank, row: bytes) -> bool:
        ingest(open_bank.context, [row], now=NOW)
        return bool(open_bank.context.left_open)

    assert not opens(bank, balance("anna"))
    assert not opens(bank, balance("anna", None))
    bank.close()
    with marketofone.open(project, now=NOW) as later:
        later.context.left_open.clear()
        assert not opens(later, balance("anna"))
        assert opens(later, balance("anna", "AT611904300234573201"))
