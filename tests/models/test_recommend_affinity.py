"""What people hold together says what else somebody may want; what they are interested in, which content fits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketofone.domain.errors import MalformedDocument, MalformedRequest
from marketofone.models.recommend import content_match, fit_affinity, from_bytes, revise, to_bytes

SETTINGS = settings(deadline=None, max_examples=100)
PRODUCT = st.sampled_from(["card", "fund", "giro", "home", "loan", "save"])
HELD = st.frozensets(PRODUCT)
PEOPLE = st.lists(HELD, max_size=30)
NOTHING_ROW: frozenset[str] = frozenset()


@SETTINGS
@given(PEOPLE)
def test_learning_person_by_person_equals_fitting_everybody(people: list[frozenset[str]]) -> None:
    affinity = fit_affinity([], shrink=5.0)
    for held in people:
        affinity = revise(affinity, before=NOTHING_ROW, after=held)

    assert affinity == fit_affinity(people, shrink=5.0)
    assert to_bytes(affinity) == to_bytes(fit_affinity(people[::-1], shrink=5.0))


@SETTINGS
@given(PEOPLE, HELD)
def test_forgetting_a_person_leaves_no_trace(people: list[frozenset[str]], held: frozenset[str]) -> None:
    before = fit_affinity(people, shrink=5.0)

    assert revise(revise(before, before=NOTHING_ROW, after=held), before=held, after=NOTHING_ROW) == before


@SETTINGS
@given(PEOPLE, HELD, PRODUCT)
def test_scores_lie_between_nothing_and_certainty(
    people: list[frozenset[str]], held: frozenset[str], product: str
) -> None:
    affinity = fit_affinity(people, shrink=2.0)

    assert 0.0 <= affinity.score(held, product) <= 1.0
    assert affinity.score(held, product) == affinity.score(held - {product}, product)
    assert from_bytes(to_bytes(affinity)) == affinity


@SETTINGS
@given(PEOPLE, HELD, HELD, PRODUCT)
def test_holding_more_never_speaks_against_a_product(
    people: list[frozenset[str]], held: frozenset[str], more: frozenset[str], product: str
) -> None:
    affinity = fit_affinity(people, shrink=2.0)

    assert affinity.score(held | more, product) >= affinity.score(held, product) - 1e-12


def test_few_holders_say_less_than_many() -> None:
    few = fit_affinity([frozenset({"card", "loan"})] * 2, shrink=10.0)
    many = fit_affinity([frozenset({"card", "loan"})] * 200, shrink=10.0)

    assert few.score({"card"}, "loan") == pytest.approx(2 / 12)
    assert many.score({"card"}, "loan") == pytest.approx(200 / 210)


def test_a_product_nobody_holds_with_mine_scores_zero() -> None:
    affinity = fit_affinity([frozenset({"card"}), frozenset({"loan"})], shrink=1.0)

    assert affinity.score({"card"}, "loan") == 0.0
    assert affinity.score({"card"}, "never seen") == 0.0
    assert affinity.score(NOTHING_ROW, "card") == 0.0


def test_a_hidden_product_ranks_higher_than_by_popularity() -> None:
    generator = np.random.default_rng(4)
    tastes = [[f"{taste}{number}" for number in range(6)] for taste in "abcd"]
    everything = [name for taste in tastes for name in taste]
    people = [
        frozenset(name for name in everything if generator.random() < (0.6 if name in tastes[i % 4] else 0.08))
        for i in range(600)
    ]
    affinity = fit_affinity(people[:400], shrink=10.0)
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


def test_what_was_never_counted_cannot_be_forgotten() -> None:
    with pytest.raises(MalformedRequest):
        revise(fit_affinity([], shrink=1.0), before=frozenset({"card"}), after=NOTHING_ROW)
    with pytest.raises(MalformedRequest):
        fit_affinity([], shrink=-1.0)
    with pytest.raises(MalformedDocument):
        from_bytes(b"not an affinity")


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
