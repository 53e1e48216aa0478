"""Eligibility expressions say what they say, and can say nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.decide.conditions import conditions_of
from marketofone.decide.expressions import (
    Expression,
    Known,
    Threshold,
    Value,
    namespace_of,
    parse_expression,
)
from marketofone.domain.errors import BadExpression

KNOWN = {
    "salary": Known(type="number", sources=frozenset({"transactions"})),
    "trips": Known(type="number", sources=frozenset({"location", "transactions"})),
    "channel": Known(type="text", sources=frozenset()),
    "begun_by_customer": Known(type="truth", sources=frozenset()),
}

SYMBOLS = ("<", "<=", ">", ">=", "==", "!=")


def parsed(text: str) -> Expression:
    return parse_expression(text, field="tea.eligible", known=KNOWN)


def holds(text: str, **values: float | str | bool) -> bool:
    named = {"salary": math.nan, "trips": math.nan, "channel": "app", "begun_by_customer": True, **values}
    return parsed(text).holds(namespace_of([], named, holdings={"card": 0}, days_since={"child": 12.5}))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("salary > 2 and trips < 5", True),
        ("1 < trips <= 3 < salary", True),
        ("salary / trips == 2.5", True),
        ("salary / 0 > 1 or salary / 0 <= 1", False),
        ("not (salary < 5) and -trips < 0", True),
        ("min(salary, trips) == 2 and max(salary, trips, 9) == 9 and abs(0 - trips) == 2", True),
        ('holds("card") and not holds("mortgage")', True),
        ('life("child") < 120', True),
        ('life("move") < 120', False),
        ("known(salary) and salary != trips", True),
        ('channel == "app" and channel != "push" and begun_by_customer', True),
        ("5 <= salary == salary", True),
        ("True", True),
    ],
)
def test_an_expression_means_what_it_reads_like(text: str, answer: bool) -> None:  # noqa: FBT001 - a table
    assert holds(text, salary=5.0, trips=2.0) is answer


@pytest.mark.parametrize("symbol", ["<", "<=", ">", ">=", "==", "!="])
def test_what_is_not_known_compares_as_false(symbol: str) -> None:
    assert not holds(f"salary {symbol} 1")
    assert not holds(f"1 {symbol} salary")
    assert not holds(f"min(salary, 1) {symbol} 1")
    assert not holds(f"max(1, salary) {symbol} 1")
    assert not holds("known(salary)")


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("salary.real > 1", "salary.real"),
        ("__import__('os')", "__import__"),
        ("[x for x in channel]", "x for x"),
        ("(lambda: True)()", "lambda"),
        ("salary ** 9 > 1", "salary ** 9"),
        ("channel[0] == 'a'", "channel[0]"),
        ("mood > 1", "mood"),
        ("divide(1, 2) > 1", "divide"),
        ("holds(channel)", "holds(channel)"),
        ("life('child', 'move') < 1", "life"),
        ("known(1)", "known(1)"),
        ("salary", "salary"),
        ("salary and trips", "salary"),
        ("channel > 1", "1"),
        ("salary > 'much'", "much"),
        ("salary in (1, 2)", "salary in"),
        ("salary is 1", "salary is"),
        ("(salary > 1) == True", "salary > 1"),
        ("salary > 1e99", "1e+99"),
        ("salary > 1j", "1j"),
        ("f'{salary}' == 'x'", "f'"),
        ("(salary := 1) > 0", ":="),
        ("salary >", "salary >"),
        ("", ""),
        ("(" * 500 + "True" + ")" * 500, ""),
        ("not " * 100 + "True", "deep"),
        (" or ".join(["salary > 1"] * 200), "characters"),
    ],
)
def test_everything_else_is_refused_when_it_is_loaded_naming_the_action_and_the_token(text: str, token: str) -> None:
    with pytest.raises(BadExpression) as refusal:
        parsed(text)
    assert refusal.value.field == "tea.eligible"
    assert token in refusal.value.shape


def test_an_expression_tells_what_it_reads_and_where_its_thresholds_are() -> None:
    expression = parsed('2 < trips and not (salary != 7 or life("child") < 9) and salary <= -1')
    assert expression.names == {"trips", "salary"}
    assert expression.sources == {"transactions", "location", "life_events"}
    assert expression.thresholds == (
        Threshold(name="trips", symbol=">", bound=2.0),
        Threshold(name="salary", symbol="==", bound=7.0),
        Threshold(name="life:child", symbol=">=", bound=9.0),
        Threshold(name="salary", symbol="<=", bound=-1.0),
    )


ATOMS = st.sampled_from(
    [
        *(f"{name} {symbol} {bound}" for name in ("salary", "trips") for symbol in SYMBOLS for bound in (-1, 0, 2)),
        *("2 < trips <= 3", "1 >= salary", "0 == trips", "trips != salary", "salary / trips > 2", "True"),
        *("channel == 'app'", "holds('loan')", "life('child') < 9", "begun_by_customer", "known(trips)"),
    ]
)
TEXTS = st.recursive(
    ATOMS,
    lambda parts: st.one_of(
        st.lists(parts, min_size=2, max_size=3).map(lambda some: f"({' and '.join(some)})"),
        st.lists(parts, min_size=2, max_size=3).map(lambda some: f"({' or '.join(some)})"),
        parts.map("not ({})".format),
    ),
    max_leaves=6,
)
NUMBERS = st.one_of(st.floats(), st.integers(-2, 4).map(float))


@given(texts=st.lists(TEXTS, max_size=6), salary=NUMBERS, trips=NUMBERS)
def test_conditions_compiled_together_answer_as_each_does_alone(texts: list[str], salary: float, trips: float) -> None:
    expressions = [parsed(text) for text in texts]
    features = {"salary": salary, "trips": trips}
    facts: dict[str, Value] = {"channel": "app", "begun_by_customer": False}
    namespace = namespace_of(features.items(), facts, holdings={"loan": 1}, days_since={"child": 3.0})
    conditions = conditions_of(expressions, places={"salary": 1, "trips": 0})
    other = namespace_of([("salary", 1.0), ("trips", 1.0)], facts, holdings={}, days_since={})
    together = conditions.held(np.array([[trips, salary], [1.0, 1.0]]), [namespace, other])
    assert together.tolist() == [[expression.holds(seen) for expression in expressions] for seen in (namespace, other)]


@given(text=st.text(alphabet="salrytip <>=!()+-*/.0123456789'\"andornt", max_size=30))
def test_any_text_is_either_refused_or_safe_to_evaluate(text: str) -> None:
    try:
        expression = parsed(text)
    except BadExpression:
        return
    assert expression.holds(namespace_of([("salary", 1.0), ("trips", 0.0)], {}, holdings={}, days_since={})) in {
        True,
        False,
    }
