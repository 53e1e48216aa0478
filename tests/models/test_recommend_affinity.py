"""Affinity: integer counts that forget exactly, weights in closed form, and what content says of new products."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketofone.domain.errors import MalformedDocument, MalformedRequest
from marketofone.models.recommend import (
    Affinity,
    FormerAffinity,
    Regularisation,
    content_match,
    fit_affinity,
    from_bytes,
    revise,
    to_bytes,
)
from marketofone.models.recommend.co_counts import UNIT, count
from marketofone.models.recommend.content import content_weights
from marketofone.models.recommend.ease import in_fixed_order, weights_of

SETTINGS = settings(deadline=None, max_examples=60)
PRODUCT = st.sampled_from(["card", "fund", "giro", "home", "loan", "save"])
HELD = st.frozensets(PRODUCT)
PEOPLE = st.lists(HELD, max_size=30)
NOTHING: frozenset[str] = frozenset()
RULE = Regularisation(shrink=5.0, strength=0.5, order=2)


def affinity_of(people: list[frozenset[str]], rule: Regularisation = RULE) -> Affinity:
    return fit_affinity(people, regularisation=rule)


@SETTINGS
@given(PEOPLE)
def test_learning_person_by_person_in_any_order_equals_fitting_everybody_to_the_byte(
    people: list[frozenset[str]],
) -> None:
    affinity = affinity_of([])
    for held in people:
        affinity = revise(affinity, before=NOTHING, after=held)

    assert to_bytes(affinity) == to_bytes(affinity_of(people))
    assert to_bytes(affinity) == to_bytes(affinity_of(people[::-1]))


@SETTINGS
@given(PEOPLE, HELD)
def test_forgetting_a_person_equals_never_having_known_them_to_the_byte(
    people: list[frozenset[str]], held: frozenset[str]
) -> None:
    known = affinity_of([*people, held])

    assert to_bytes(revise(known, before=held, after=NOTHING)) == to_bytes(affinity_of(people))


@SETTINGS
@given(PEOPLE, HELD, HELD)
def test_a_person_whose_holdings_change_counts_as_they_are_now(
    people: list[frozenset[str]], before: frozenset[str], after: frozenset[str]
) -> None:
    changed = revise(affinity_of([*people, before]), before=before, after=after)

    assert to_bytes(changed) == to_bytes(affinity_of([*people, after]))


@SETTINGS
@given(PEOPLE, HELD, PRODUCT)
def test_scores_lie_between_nothing_and_certainty(
    people: list[frozenset[str]], held: frozenset[str], product: str
) -> None:
    assert 0.0 <= affinity_of(people).score(held, product) <= 1.0


@SETTINGS
@given(PEOPLE, HELD, PRODUCT)
def test_an_affinity_that_was_read_scores_as_the_one_that_was_written(
    people: list[frozenset[str]], held: frozenset[str], product: str
) -> None:
    affinity = affinity_of(people)
    back = from_bytes(to_bytes(affinity))

    assert isinstance(back, Affinity)
    assert back.score(held, product) == affinity.score(held, product)
    assert to_bytes(back) == to_bytes(affinity)


def test_scores_rest_on_the_weights_that_lie_in_the_bytes_and_nothing_is_solved_again() -> None:
    stored = msgspec.msgpack.decode(to_bytes(affinity_of([frozenset({"card", "loan"})] * 9)))
    stored["weights"] = np.array([[0.0, 0.25], [0.5, 0.0]], dtype="<f4").tobytes()
    back = from_bytes(msgspec.msgpack.encode(stored))

    assert (back.score({"card"}, "loan"), back.score({"loan"}, "card")) == (0.25, 0.5)


@SETTINGS
@given(PEOPLE, HELD, PRODUCT)
def test_nothing_speaks_for_what_is_held_or_was_dismissed(
    people: list[frozenset[str]], held: frozenset[str], product: str
) -> None:
    affinity = affinity_of(people)

    assert affinity.score(held | {product}, product) == 0.0
    assert affinity.score(held, product, dismissed={product}) == 0.0


def test_what_was_dismissed_says_nothing_of_other_products() -> None:
    affinity = affinity_of([frozenset({"card", "loan", "fund"})] * 9)

    assert affinity.score({"card"}, "loan", dismissed={"fund"}) == affinity.score({"card"}, "loan") > 0.0


def test_few_holders_say_less_than_many() -> None:
    few = affinity_of([frozenset({"card", "loan"})] * 2)
    many = affinity_of([frozenset({"card", "loan"})] * 200)

    assert 0.0 < few.score({"card"}, "loan") < many.score({"card"}, "loan")


def test_a_product_nobody_holds_with_mine_scores_zero() -> None:
    affinity = affinity_of([frozenset({"card"}), frozenset({"loan"})])

    assert affinity.score({"card"}, "loan") == 0.0
    assert affinity.score({"card"}, "never seen") == 0.0
    assert affinity.score(NOTHING, "card") == 0.0


def test_what_is_explained_by_another_product_speaks_less_than_its_cosine_says() -> None:
    """Everybody with a fund has a card, and half the cards come with a loan: the fund says nothing of loans itself."""
    people = [frozenset({"card", "loan"})] * 50 + [frozenset({"card"})] * 30
    people += [frozenset({"card", "fund"})] * 10 + [frozenset({"card", "fund", "loan"})] * 10
    affinity = affinity_of(people, Regularisation(shrink=0.0, strength=0.01, order=1))

    assert affinity.score({"card", "fund"}, "loan") < affinity.score({"card"}, "loan")


def test_a_hidden_product_ranks_higher_than_by_popularity() -> None:
    generator = np.random.default_rng(4)
    tastes = [[f"{taste}{number}" for number in range(6)] for taste in "abcd"]
    everything = [name for taste in tastes for name in taste]
    people = [
        frozenset(name for name in everything if generator.random() < (0.6 if name in tastes[i % 4] else 0.08))
        for i in range(600)
    ]
    affinity = affinity_of(people[:400])
    popular = {name: sum(name in held for held in people[:400]) for name in everything}

    by_affinity, by_popularity = [], []
    for held in people[400:]:
        if len(held) < 2:
            continue
        hidden = sorted(held)[int(generator.integers(len(held)))]
        rest = held - {hidden}
        others = [name for name in everything if name not in rest]
        scores = {name: affinity.score(rest, name) for name in others}
        by_affinity.append(np.mean([scores[name] < scores[hidden] for name in others]))
        by_popularity.append(np.mean([popular[name] < popular[hidden] for name in others]))

    assert np.mean(by_affinity) > 0.70
    assert np.mean(by_affinity) > np.mean(by_popularity) + 0.15


@pytest.mark.parametrize("order", [1, 2, 4, 8])
def test_weights_are_those_of_the_closed_form(order: int) -> None:
    """Against the same equations written down once more, in floating point throughout."""
    rng = np.random.default_rng(order)
    people = [frozenset(f"p{n}" for n in np.flatnonzero(rng.random(9) < 0.4)) for _ in range(80)]
    rule = Regularisation(shrink=10.0, strength=0.7, order=order)
    numbers = np.array([[f"p{n}" in held for n in range(9)] for held in people], dtype=np.float64)
    shares = numbers / np.maximum(numbers.sum(axis=1, keepdims=True), 1.0)
    own, holders = (numbers * shares).sum(axis=0), numbers.sum(axis=0)
    roots = np.sqrt(own * (1 + 10.0 / holders))
    gram = np.linalg.matrix_power(numbers.T @ shares / np.multiply.outer(roots, roots), order)
    inverse = np.linalg.inv(gram + 0.7**order * np.eye(9))
    expected = -inverse / inverse.diagonal() * roots / roots[:, None]
    np.fill_diagonal(expected, 0.0)

    assert weights_of(count(people), rule) == pytest.approx(expected, abs=1e-5)


def test_the_inverse_in_a_fixed_order_is_the_inverse() -> None:
    rng = np.random.default_rng(1)
    some = rng.standard_normal((40, 60))
    gram = some @ some.T + np.eye(40)

    assert in_fixed_order(gram) == pytest.approx(np.linalg.inv(gram), rel=1e-9, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    "masked", [{"OPENBLAS_CORETYPE": "Prescott"}, {"OPENBLAS_CORETYPE": "Zen", "NPY_DISABLE_CPU_FEATURES": "X86_V4"}]
)
def test_the_same_people_give_the_same_bytes_on_other_processors(masked: dict[str, str]) -> None:
    script = Path(__file__).with_name("affinity_bytes.py")
    here, there = (
        subprocess.run([sys.executable, script], env={**os.environ, **more}, capture_output=True, check=True).stdout
        for more in ({}, masked)
    )
    assert len(here.strip()) == 2 * sha256().digest_size
    assert here == there


def test_a_person_counts_as_one_however_much_they_hold() -> None:
    counts = count([frozenset({"card"}), frozenset({"card", "loan", "fund"})])

    assert counts.products == ("card", "fund", "loan")
    assert int(counts.together.sum()) == UNIT + 3 * UNIT
    assert counts.holders().tolist() == [2.0, 1.0, 1.0]


def test_a_product_that_nobody_holds_is_recommended_by_what_it_is_about() -> None:
    affinity = affinity_of([frozenset({"card", "lounge"})] * 30 + [frozenset({"fund", "save"})] * 30)
    tags = {"lounge": {"travel"}, "save": {"savings"}, "fund": {"savings"}, "roaming": {"travel"}, "bare": set[str]()}
    told = affinity.with_content(tags)

    assert affinity.score({"card"}, "roaming") == 0.0
    assert told.score({"card"}, "roaming") > 0.0
    assert told.score({"lounge"}, "roaming") > 0.0
    assert told.score({"save"}, "roaming") == 0.0
    assert told.score({"card"}, "bare") == 0.0


def test_content_leaves_the_weights_of_what_is_held_and_the_bytes_as_they_were() -> None:
    affinity = affinity_of([frozenset({"card", "lounge"})] * 30)
    told = affinity.with_content({"card": {"travel"}, "lounge": {"travel"}, "roaming": {"travel"}})

    assert to_bytes(told) == to_bytes(affinity)
    assert told.score({"card"}, "lounge") == affinity.score({"card"}, "lounge")


def test_the_closest_in_content_counts_most() -> None:
    weights = np.zeros((3, 3), dtype=np.float32)
    weights[0, 1], weights[0, 2] = 0.5, 0.1
    tags = {"near": {"travel", "card"}, "far": {"travel", "home", "child"}, "new": {"travel", "card"}}
    found = content_weights(tags, products=["mine", "near", "far"], weights=weights)

    assert found["new"]["mine"] == pytest.approx(0.5, abs=0.02)


def test_an_affinity_of_the_former_form_is_read_and_scores_as_it_did() -> None:
    """Ten hold both, one holds a card alone: the cosine is halved at twenty; two products convince each on its own."""
    pairs = (
        ("card", "card", 11),
        ("card", "loan", 10),
        ("fund", "fund", 10),
        ("fund", "loan", 10),
        ("loan", "loan", 10),
    )
    former = from_bytes(msgspec.msgpack.encode({"shrink": 20.0, "together": pairs}))

    assert isinstance(former, FormerAffinity)
    one, other = 10 / (110**0.5 + 20), 10 / 30
    assert former.score({"card"}, "loan", dismissed={"loan"}) == pytest.approx(one)
    assert former.score({"card", "fund"}, "loan") == pytest.approx(1 - (1 - one) * (1 - other))
    assert former.with_content({"new": {"travel"}}) is former


def test_what_was_never_counted_cannot_be_forgotten() -> None:
    with pytest.raises(MalformedRequest):
        revise(affinity_of([]), before=frozenset({"card"}), after=NOTHING)
    with pytest.raises(MalformedRequest):
        revise(
            affinity_of([frozenset({"card"}), frozenset({"loan"})]), before=frozenset({"card", "loan"}), after=NOTHING
        )


@pytest.mark.parametrize("wrong", [{"shrink": -1.0}, {"strength": 0.0}, {"order": 3}])
def test_a_rule_out_of_range_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(MalformedRequest):
        Regularisation(**{"shrink": 1.0, "strength": 1.0, "order": 1, **wrong})  # type: ignore[arg-type]


def test_bytes_that_are_no_affinity_are_refused() -> None:
    whole = msgspec.msgpack.decode(to_bytes(affinity_of([frozenset({"card"})])))
    for blob in (b"not an affinity", msgspec.msgpack.encode({**whole, "weights": b""})):
        with pytest.raises(MalformedDocument):
            from_bytes(blob)


@SETTINGS
@given(
    st.dictionaries(PRODUCT, st.floats(-10.0, 10.0, allow_subnormal=False)),
    st.lists(PRODUCT, max_size=6),
    st.floats(0.1, 100.0),
)
def test_content_matches_in_one_scale_whatever_the_order(
    interests: dict[str, float], tags: list[str], scale: float
) -> None:
    match = content_match(interests, tags)

    assert 0.0 <= match <= 1.0
    assert content_match(dict(reversed(interests.items())), [*tags[::-1], *tags]) == match
    assert content_match({name: weight * scale for name, weight in interests.items()}, tags) == pytest.approx(
        match, abs=1e-9
    )


def test_content_fits_by_what_is_shared() -> None:
    assert content_match({"travel": 2.0}, ["travel"]) == 1.0
    assert content_match({"travel": 2.0}, ["home"]) == 0.0
    assert content_match({"travel": 2.0}, []) == 0.0
    assert content_match({}, ["travel"]) == 0.0
    assert content_match({"travel": -1.0}, ["travel"]) == 0.0
    assert content_match({"travel": 1.0}, ["travel", "food"]) == pytest.approx(0.5**0.5)
