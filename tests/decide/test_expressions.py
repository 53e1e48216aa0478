"""Eligibility expressions say what they say, and can say nothing else."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.decide.expressions import (
    Expression,
    Known,
    Threshold,
    answers,
    compile_together,
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


@given(salary=st.floats(allow_nan=True), trips=st.floats(allow_nan=True))
def test_expressions_compiled_together_answer_as_they_do_alone(salary: float, trips: float) -> None:
    expressions = [parsed(text) for text in ("salary > 1", "trips != salary", "salary / trips > 2 or trips < 0")]
    namespace = namespace_of([("salary", salary), ("trips", trips)], {}, holdings={}, days_since={})
    together = answers(compile_together(expressions), namespace)
    assert together == tuple(expression.holds(namespace) for expression in expressions)


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
