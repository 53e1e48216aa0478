"""The tree of errors is the one that is drawn; decisions need reasons; money keeps its currency."""

from __future__ import annotations

import inspect
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain import errors
from marketofone.domain.action import KINDS_OF_ACTION, MARKETING, ROLE_OF, Action
from marketofone.domain.decision import Decision, Reason
from marketofone.domain.errors import (
    BadInput,
    ChainBroken,
    Conflict,
    MalformedRequest,
    MarketOfOneError,
    NotFound,
    Refused,
    StoreError,
)
from marketofone.domain.money import Money

DRAWING = inspect.getdoc(errors) or ""
CLASSES = {
    name: error
    for name, error in vars(errors).items()
    if inspect.isclass(error) and issubclass(error, MarketOfOneError)
}


def drawn() -> dict[str, str]:
    """Read the drawing: each error with its parent."""
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in DRAWING.splitlines():
        found = re.match(r"^    ([│├└─ ]*)([A-Z]\w+)", line)
        if found:
            depth = len(found[1]) // 4
            above[depth:] = [found[2]]
            if depth:
                parents[found[2]] = above[depth - 1]
    return parents


def test_the_tree_of_errors_is_the_one_that_is_drawn() -> None:
    assert drawn() == {
        name: error.__bases__[0].__name__ for name, error in CLASSES.items() if error is not MarketOfOneError
    }
    assert all(len(error.__bases__) == 1 for error in CLASSES.values())


def test_one_except_catches_everything_raised_on_purpose_and_nothing_else() -> None:
    branches = {error for error in CLASSES.values() if MarketOfOneError in error.__bases__}
    assert branches == {BadInput, NotFound, Refused, Conflict, StoreError}
    assert not any(issubclass(error, ValueError | KeyError | OSError) for error in CLASSES.values())


@given(field=st.text(max_size=9), shape=st.text(max_size=9), fix=st.text(max_size=9))
def test_an_error_carries_what_its_caller_must_know(field: str, shape: str, fix: str) -> None:
    for branch in (error for error in CLASSES.values() if issubclass(error, BadInput)):
        raised = branch(field=field, shape=shape, fix=fix)
        assert (raised.field, raised.shape, raised.fix) == (field, shape, fix)
        assert str(raised) == f"{field}: {shape}; {fix}"
    assert Refused(why=shape).why == shape
    assert ChainBroken(seq=7).seq == 7
    assert "7" in str(ChainBroken(seq=7))


def test_what_does_not_exist_is_said_in_one_word() -> None:
    leaves = [error for error in CLASSES.values() if error.__bases__ == (NotFound,)]
    said = {str(leaf()) for leaf in leaves}
    assert len(said) == len(leaves) == 5
    assert all(sentence.startswith("there is no such ") for sentence in said)


DECISION = {
    "id": "d-1",
    "customer": "c-1",
    "occasion": "app.opened",
    "channel": "app",
    "at": 0,
    "action": "nothing",
    "propensity": 1.0,
    "assignment": "policy",
    "because": [{"text": "nothing fits", "feature": None, "source": None, "term": 0.0}],
    "not_used": [],
    "candidates": [],
    "uses": [],
    "context": [],
    "guardrails": [],
    "epoch": 0,
    "position": 0,
    "documents": "0",
}


def test_a_decision_without_reasons_cannot_be_made_nor_read() -> None:
    whole = msgspec.convert(DECISION, Decision)
    assert whole.reasons == (Reason(text="nothing fits", feature=None, source=None, term=0.0),)
    with pytest.raises(MalformedRequest) as raised:
        msgspec.structs.replace(whole, reasons=())
    assert raised.value.field == "because"
    with pytest.raises(MalformedRequest):
        msgspec.json.decode(msgspec.json.encode({**DECISION, "because": []}), type=Decision)


@pytest.mark.parametrize("propensity", [0.0, -0.1, 1.1, float("nan")])
def test_a_decision_needs_the_probability_it_was_drawn_with(propensity: float) -> None:
    with pytest.raises(MalformedRequest) as raised:
        msgspec.convert({**DECISION, "propensity": propensity}, Decision)
    assert raised.value.field == "propensity"


def test_a_decision_survives_as_bytes() -> None:
    whole = msgspec.convert(DECISION, Decision)
    again = msgspec.json.decode(msgspec.json.encode(whole), type=Decision)
    assert again == whole
    assert msgspec.json.encode(again) == msgspec.json.encode(whole)


@pytest.mark.parametrize("kind", KINDS_OF_ACTION)
def test_every_kind_of_action_has_its_purpose_and_only_selling_is_marketing(kind: str) -> None:
    action = msgspec.convert({"id": "a", "kind": kind, "title": "A", "text": "A."}, Action)
    assert action.role == ROLE_OF[action.kind]
    assert action.marketing == (action.role == "marketing") == (kind in MARKETING)


AMOUNTS = st.integers(-(10**15), 10**15)


@given(one=AMOUNTS, other=AMOUNTS)
def test_amounts_of_one_currency_add_up_exactly(one: int, other: int) -> None:
    both = Money(minor=one, currency="EUR") + Money(minor=other, currency="EUR")
    assert both == Money(minor=one + other, currency="EUR")


def test_two_currencies_never_add_up() -> None:
    with pytest.raises(MalformedRequest) as raised:
        Money(minor=1, currency="EUR") + Money(minor=1, currency="CZK")
    assert raised.value.field == "currency"


@pytest.mark.parametrize("currency", ["", "euro", "eur", "EU", "EURO", "E1R", "XXQ", "XAU", "XXX"])
def test_what_is_no_currency_is_refused(currency: str) -> None:
    with pytest.raises(MalformedRequest) as raised:
        Money(minor=1, currency=currency)
    assert raised.value.field == "currency"
    assert not currency or currency not in str(raised.value)


@given(minor=AMOUNTS)
def test_an_amount_reads_as_what_it_is(minor: int) -> None:
    amount, currency = Money(minor=minor, currency="EUR").text.split(" ")
    assert currency == "EUR"
    assert int(amount.replace(",", "").replace(".", "")) == minor


@pytest.mark.parametrize(
    ("minor", "text"), [(-5, "-0.05 EUR"), (0, "0.00 EUR"), (123_456_789, "1,234,567.89 EUR"), (-100, "-1.00 EUR")]
)
def test_small_and_large_amounts_read_well(minor: int, text: str) -> None:
    assert Money(minor=minor, currency="EUR").text == text
