"""An event that is taken back counts nowhere any more, whichever comes first, live and replayed alike."""

from __future__ import annotations

import json
from itertools import permutations

import pytest
from situations import NOW, pays, says, sent, shares, spends, values

from marketofone import Bank
from marketofone.domain.decision import Decision
from marketofone.domain.moment import DAY, Instant
from proofs import proven, recorded

SALARY = 240_000


def takes_back(customer: str, id: str, *, type: str = "transaction.booked", producer: str | None = None) -> bytes:  # noqa: A002
    """Take an event back, as its producer does."""
    event = json.loads(sent("event.removed", customer))
    event["data"] = {"type": type, "id": id, **({} if producer is None else {"producer": producer})}
    return json.dumps(event).encode()


def income(bank: Bank, customer: str) -> float:
    return values(bank, customer).get("income_30d", 0)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_whichever_comes_first_what_was_taken_back_is_not_counted(bank: Bank, order: tuple[int, ...]) -> None:
    says(bank, "anna")
    bank.ingest(spends("anna"), now=NOW)
    rows = [
        pays("anna", SALARY, "salary", id="right"),
        pays("anna", SALARY, "salary", id="wrong"),
        takes_back("anna", "wrong"),
    ]
    for place in order:
        assert bank.ingest([rows[place]], now=NOW).events == 1
        income(bank, "anna")  # folded in between

    assert income(bank, "anna") == SALARY
    proven(bank)


def test_it_is_taken_back_for_good_and_corrected_under_another_id(bank: Bank) -> None:
    says(bank, "anna")
    wrong = pays("anna", SALARY, "salary", id="wrong")
    report = bank.ingest([wrong, takes_back("anna", "wrong"), pays("anna", 2 * SALARY, "salary", id="new")], now=NOW)
    assert (report.events, income(bank, "anna")) == (3, 2 * SALARY)

    again = bank.ingest([wrong], now=NOW)
    assert (again.duplicates, income(bank, "anna")) == (1, 2 * SALARY)
    proven(bank)


def test_only_the_producer_that_is_named_is_meant(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([pays("anna", SALARY, "salary", id="1"), takes_back("anna", "1", producer="/other")], now=NOW)
    assert income(bank, "anna") == SALARY
    bank.ingest([takes_back("anna", "1", producer="/faults")], now=NOW)
    assert income(bank, "anna") == 0
    proven(bank)


def test_only_the_source_that_is_named_is_meant_whenever_it_is_looked_at(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([pays("anna", SALARY, "salary", id="1")], now=NOW)
    assert income(bank, "anna") == SALARY
    bank.ingest([takes_back("anna", "1", type="openbanking.transaction")], now=NOW)
    folded_before = income(bank, "anna")
    bank.context.projection.drop(bank.context.keys.find(("anna",))["anna"].subject, "transactions")

    assert folded_before == income(bank, "anna") == SALARY
    bank.ingest([takes_back("anna", "1")], now=NOW)
    assert income(bank, "anna") == 0
    proven(bank)


def test_a_mistake_does_not_come_back_with_a_later_yes(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([pays("anna", SALARY, "salary", id="wrong"), pays("anna", -100, "groceries")], now=NOW)
    says(bank, "anna", "withdraw")
    assert bank.ingest([takes_back("anna", "wrong")], now=NOW).refused == 0
    says(bank, "anna")
    assert income(bank, "anna") == 0
    proven(bank)


def test_of_one_person_it_goes_under_whichever_id_it_arrived(bank: Bank) -> None:
    for customer in ("anna", "boris"):
        says(bank, customer)
        bank.ingest([pays(customer, SALARY, "salary", id="both")], now=NOW)
    shares(bank, "k", "anna", "boris")
    assert income(bank, "anna") == SALARY
    bank.ingest([takes_back("boris", "both")], now=NOW)
    assert income(bank, "anna") == income(bank, "boris") == 0
    proven(bank)


def test_a_decision_follows_it_and_earlier_ones_are_replayed_as_they_were(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([*spends("anna"), pays("anna", SALARY, "salary", id="wrong")], now=NOW)
    bank.forecast("anna", now=NOW)
    before = bank.decide("anna", occasion="app.opened", now=NOW)
    bank.ingest([takes_back("anna", "wrong")], now=NOW)
    forecasts = recorded(bank, "forecast")
    after = bank.decide("anna", occasion="app.opened", now=Instant(NOW + DAY))

    assert scores(before) != scores(after)
    assert recorded(bank, "forecast") == forecasts + 1, "it is looked ahead again first"
    assert recorded(bank, "amendment") == 1
    proven(bank)


def scores(decision: Decision) -> list[tuple[str, float, float]]:
    """Give what a decision thinks of each action, whichever the draw took."""
    return [(one.action, one.mean, one.spread) for one in decision.candidates]


@pytest.mark.parametrize("type", ["event.removed", "identity.linked", "no.such.kind"])
def test_what_is_no_fact_about_a_person_cannot_be_taken_back(bank: Bank, type: str) -> None:  # noqa: A002
    says(bank, "anna")
    report = bank.ingest([takes_back("anna", "1", type=type)], now=NOW)
    assert report.dead_letters == 1
    with bank.context.store.read() as reader:
        (letter,) = reader.letters(limit=1)
    assert letter.field == "data.type"


def test_what_was_kept_of_it_as_a_snapshot_goes(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([*spends("anna", days=300), pays("anna", SALARY, "salary", id="wrong")], now=NOW)
    income(bank, "anna")
    bank.context.renewal.close()  # keeps what waits
    subject = bank.context.keys.find(("anna",))["anna"].subject
    with bank.context.store.read() as reader:
        assert "transactions" in reader.snapshots(subject)
    bank.ingest([takes_back("anna", "wrong")], now=NOW)
    with bank.context.store.read() as reader:
        assert "transactions" not in reader.snapshots(subject)
    assert income(bank, "anna") == 0
    proven(bank)
