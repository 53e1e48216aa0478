"""One check for all doors, before anything is written; and one bad row never stops the others."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest
from msgspec.structs import replace
from situations import NOW, pays, runs_short, says, sent, spends, values

from marketofone import Bank
from marketofone.decide.catalogue import FORECAST_MADE
from marketofone.domain.decision import Decision, Request
from marketofone.domain.errors import (
    ConsentRefused,
    DecisionExists,
    MalformedRequest,
    MarketOfOneError,
    UnknownCustomer,
    UnknownDecision,
)
from marketofone.domain.fields import MAX_MINOR
from marketofone.domain.moment import HOUR, Instant
from marketofone.domain.outcome import Outcome
from marketofone.governance.board import Ruling
from proofs import proven, recorded

ODD_VALUES = {
    "NaN": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "a float": 1250.0,
    "a fraction": 0.5,
    "yes": True,
    "text": "1250",
    "a decimal": Decimal(1250),
    "a NumPy integer": np.int64(1250),
    "a NumPy float": np.float64("nan"),
    "too much": MAX_MINOR + 1,
    "too little": -MAX_MINOR - 1,
    "huge": 10**30,
    "a list": [1250],
}


@pytest.fixture
def shown(bank: Bank) -> Decision:
    """Show something to a person."""
    says(bank, "c-1")
    bank.ingest([*spends("c-1"), sent("app.opened", "c-1")], now=NOW)
    made = (bank.decide("c-1", occasion="app.opened", now=Instant(NOW + step)) for step in range(50))
    return next(one for one in made if one.action != "nothing")


@pytest.mark.parametrize("what", ODD_VALUES)
def test_a_value_that_is_no_whole_number_is_refused_at_every_door_and_leaves_no_trace(
    bank: Bank, shown: Decision, what: str
) -> None:
    odd = ODD_VALUES[what]
    bad = Outcome(decision=shown.id, verdict="valued", at=NOW, value_minor=odd)  # type: ignore[arg-type]
    good = Outcome(decision=shown.id, verdict="accepted", at=NOW)
    for send in (
        lambda: bank.outcome(shown.id, "valued", value_minor=odd, now=NOW),  # type: ignore[arg-type]
        lambda: bank.record_outcomes([bad]),
        lambda: bank.record_outcomes([good, bad]),
        lambda: bank.record_outcomes([bad, good]),
    ):
        with pytest.raises(MalformedRequest) as raised:
            send()
        assert raised.value.field == "value_minor"
    assert recorded(bank, "outcome") == 0

    assert bank.outcome(shown.id, "accepted", now=Instant(NOW + HOUR)).learned
    assert bank.outcome(shown.id, "valued", value_minor=-1_250, now=Instant(NOW + HOUR)).learned
    bank.decide("c-1", occasion="app.opened", now=Instant(NOW + HOUR))
    bank.ingest([sent("identity.linked", one, key_kind="email_hash", key="h") for one in ("c-1", "c-2")], now=NOW)
    says(bank, "c-1", "withdraw", now=NOW + 2 * HOUR)
    assert bank.impact().finding
    proven(bank)


@pytest.mark.parametrize("verdict", ["accepted", "declined", "ignored"])
def test_a_value_goes_with_its_verdict_only(bank: Bank, shown: Decision, verdict: str) -> None:
    with pytest.raises(MalformedRequest):
        bank.outcome(shown.id, verdict, value_minor=5, now=NOW)  # type: ignore[arg-type]
    with pytest.raises(MalformedRequest):
        bank.outcome(shown.id, "valued", now=NOW)


@pytest.mark.parametrize(
    "odd",
    [{"verdict": "liked"}, {"why": 7}, {"why": "x" * 100_000}, {"why": "\\ud800"}, {"verdict": None}, {"why": None}],
    ids=str,
)
def test_an_outcome_that_could_not_be_read_again_is_refused(
    bank: Bank, shown: Decision, odd: dict[str, object]
) -> None:
    said = {"verdict": "declined", "why": "not now", **odd}
    if odd.get("why") == "\\ud800":
        said["why"] = "\ud800"
    with pytest.raises(MarketOfOneError):
        bank.outcome(shown.id, now=NOW, **said)  # type: ignore[arg-type]
    assert recorded(bank, "outcome") == 0
    assert bank.outcome(shown.id, "declined", now=shown.at).learned


def test_many_outcomes_are_all_checked_before_the_first_is_written(bank: Bank, shown: Decision) -> None:
    good = Outcome(decision=shown.id, verdict="accepted", at=Instant(NOW + 1_000))
    with pytest.raises(UnknownDecision):
        bank.record_outcomes([good, Outcome(decision="no-such-decision", verdict="accepted", at=NOW)])
    assert recorded(bank, "outcome") == 0
    assert [one.learned for one in bank.record_outcomes([good])] == [True]


BAD_ROWS: list[object] = [
    b"",
    b"null",
    b"\xff\xfe",
    b"[" * 5_000,
    b'{"a":' * 5_000,
    b"{}",
    b"1" * 70_000,
    pays("c-1", 1, "x").replace(b'"EUR"', b'"EURO"'),
    pays("c-1", MAX_MINOR + 1, "x"),
    json.dumps({**json.loads(pays("c-1", 1, "x")), "time": "1491-01-01T00:00:00Z"}).encode(),
    json.dumps({**json.loads(pays("c-1", 1, "x")), "time": "99999-01-01T00:00:00Z"}).encode(),
    json.dumps({**json.loads(pays("c-1", 1, "x")), "subject": "x" * 10_000}).encode(),
    json.dumps({**json.loads(pays("c-1", 1, "x")), "id": ""}).encode(),
    pays("c-1", 1, "x").replace(b'"amount_minor": 1,', b'"amount_minor": NaN,'),
    pays("c-1", 1, "x").replace(b'"amount_minor": 1,', b'"amount_minor": 1e400,'),
    {"not": "an event"},
    {"data": {1, 2}},
    {"id": float("nan")},
    {**json.loads(pays("c-1", 1, "x")), "data": object()},
    {**json.loads(pays("c-1", 1, "x")), "subject": "\ud800"},
    7,
    None,
    "text",
    object(),
]


@pytest.mark.parametrize("place", range(len(BAD_ROWS)))
def test_one_bad_row_never_stops_a_batch(bank: Bank, place: int) -> None:
    says(bank, "c-1")
    rows = [pays("c-1", -5, "dining"), BAD_ROWS[place], pays("c-1", -5, "dining")]
    report = bank.ingest(rows, now=NOW)  # type: ignore[arg-type]
    assert (report.rows, report.events, report.dead_letters) == (3, 2, 1)
    assert values(bank, "c-1")["dining_30d"] == 10


BAD_REQUESTS = {
    "nobody knows them": ({"customer": "nobody-knows"}, UnknownCustomer),
    "an occasion that is none": ({"occasion": "tea.time"}, MalformedRequest),
    "a channel that is none": ({"channel": "pigeon"}, MalformedRequest),
    "an id that is taken": ({"id": "taken"}, DecisionExists),
    "an id that rests on a no": ({"id": "refused", "customer": "c-9"}, ConsentRefused),
}


@pytest.mark.parametrize("what", BAD_REQUESTS)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_one_request_that_is_refused_stops_no_other(bank: Bank, what: str, place: int) -> None:
    for customer in ("c-0", "c-1", "c-2", "c-9"):
        says(bank, customer)
        bank.ingest(spends(customer), now=NOW)
    bank.decide("c-1", occasion="forecast.made", channel="app", id="taken", now=NOW)
    bank.decide("c-9", occasion="app.opened", id="refused", now=NOW)
    says(bank, "c-9", "withdraw")
    changes, error = BAD_REQUESTS[what]
    good = [Request(id=f"r-{n}", customer=f"c-{n}", occasion="app.opened", channel="app", at=NOW) for n in range(3)]
    bad = replace(Request(id="bad", customer="c-1", occasion="app.opened", channel="app", at=NOW), **changes)
    asked = [*good[:place], bad, *good[place:]]

    made = bank.decide_each(asked)
    assert isinstance(made[place], error)
    others = [one for number, one in enumerate(made) if number != place]
    assert [one.customer for one in others if isinstance(one, Decision)] == ["c-0", "c-1", "c-2"]
    with pytest.raises(error):
        bank.decide_all(asked)
    assert bank.decide_all(good) == others
    proven(bank)


def test_people_are_decided_for_in_the_order_given_however_often_they_are_named(bank: Bank) -> None:
    for number in range(3):
        says(bank, f"c-{number}")
        bank.ingest(spends(f"c-{number}"), now=NOW)
    asked = [
        Request(id=f"r-{step}", customer=f"c-{step % 3}", occasion="app.opened", channel="app", at=NOW)
        for step in range(12)
    ]
    made = bank.decide_all(asked)
    assert [(one.id, one.customer) for one in made] == [(one.id, one.customer) for one in asked]
    assert bank.decide_all(asked) == made
    proven(bank)


def test_intervening_goes_on_for_all_when_an_id_is_taken_or_somebody_is_unknown(bank: Bank) -> None:
    people = [f"c-{number}" for number in range(8)]
    for customer in people:
        says(bank, customer)
        bank.ingest(runs_short(customer), now=NOW)
        bank.forecast(customer, now=NOW)
    with bank.context.store.read() as reader:
        summary = bank.context.snapshot(reader).person("c-3").forecast
    assert summary is not None
    bank.rule(Ruling(ruling="stop", scope="*", by="the board", at=NOW))
    for channel in ("push", "app"):  # whoever foresees the name cannot block anybody but themselves
        taken = bank.context.keys.mark(FORECAST_MADE, channel, str(summary.at), "c-3").hex()
        bank.decide("c-3", occasion="app.opened", id=taken, now=NOW)
        bank.decide("c-4", occasion="app.opened", id=taken, now=NOW)
    bank.rule(Ruling(ruling="resume", scope="*", by="the board", at=NOW))
    made = bank.intervene([*people, "nobody-knows", ""], now=NOW)
    assert {one.customer for one in made} == set(people) - {"c-3"}
    assert {one.customer for one in bank.intervene(now=NOW)} <= set(people)
    proven(bank)


def test_intervening_goes_on_for_the_others_when_one_took_their_yes_back_in_between(bank: Bank) -> None:
    people = [f"c-{number}" for number in range(4)]
    for customer in people:
        says(bank, customer)
        bank.ingest(runs_short(customer), now=NOW)
        bank.forecast(customer, now=NOW)
    first = bank.intervene(people, now=NOW)
    assert {one.customer for one in first} == set(people)
    says(bank, "c-1", "withdraw", source="transactions")
    says(bank, "c-2", "withdraw", channel="push")
    again = bank.intervene(people, now=NOW)
    assert "c-1" not in {one.customer for one in again}
    proven(bank)


def test_a_name_that_no_customer_can_have_is_unknown_and_stops_no_other(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest(spends("anna"), now=NOW)
    half = "\ud800"
    requests = [
        Request(id="d-1", customer=name, occasion="app.opened", channel="app", at=NOW) for name in (half, "anna")
    ]

    refused, decided = bank.decide_each(requests)

    assert isinstance(refused, UnknownCustomer)
    assert isinstance(decided, Decision)
    for ask in (bank.profile, bank.forecast, bank.insights, bank.spending, bank.merchants):
        with pytest.raises(UnknownCustomer):
            ask(half, now=NOW)
    with pytest.raises(UnknownDecision):
        bank.decision(half, now=NOW)
    with pytest.raises(MalformedRequest):
        bank.erase("anna", ground=half, now=NOW)
    assert bank.profile("anna", now=NOW).customer == "anna"
    proven(bank)
