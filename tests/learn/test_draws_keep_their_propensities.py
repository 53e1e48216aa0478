"""Actions are drawn as often as decisions say, and where they are not, that is found and said before all else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from marketofone.domain.decision import Assignment, Candidate, Candidates, Decision, Reason
from marketofone.domain.moment import Instant
from marketofone.learn.draws import Draws
from marketofone.learn.impact import measure
from marketofone.learn.ratio import ERROR
from marketofone.learn.rewards import Prices
from marketofone.learn.tallies import Treated, Worth

NAMES = ("loan", "tip", "nothing")


def decided(shares: list[float], *, drawn: int, number: int = 0) -> Decision:
    fared = [
        Candidate(action=name, stage="scored", propensity=share) for name, share in zip(NAMES, shares, strict=True)
    ]
    return Decision(
        id=f"d-{number}",
        customer=f"c-{number}",
        occasion="app.opened",
        channel="app",
        at=Instant(number),
        action=NAMES[drawn],
        propensity=shares[drawn],
        assignment="policy",
        reasons=(Reason(text="your starting point", feature=None, source=None, term=0.0),),
        not_used=(),
        candidates=Candidates.of(fared),
        uses=(),
        context=(1.0,),
        guardrails=(),
        epoch=0,
        position=0,
        documents="0",
    )


def drawn_many(seed: int, *, n: int, odds: float = 1.0) -> list[Decision]:
    """Draw with probabilities that differ each time; the first action has its odds multiplied beside what is logged."""
    generator = np.random.default_rng(seed)
    logged = generator.dirichlet((1.0, 1.0, 1.0), size=n)
    true = logged * (odds, 1.0, 1.0)
    places = (generator.random((n, 1)) > (true / true.sum(axis=1, keepdims=True)).cumsum(axis=1)).sum(axis=1)
    return [decided(list(map(float, logged[at])), drawn=min(int(places[at]), 2), number=at) for at in range(n)]


def ever_fails(decisions: list[Decision], *, every: int) -> bool:
    draws, found = Draws(), False
    for number, one in enumerate(decisions, start=1):
        draws.add(one)
        found = found or (number % every == 0 and draws.check().fails)
    return found


def test_draws_that_keep_their_propensities_are_not_called_broken_and_others_are() -> None:
    assert not any(ever_fails(drawn_many(seed, n=800), every=20) for seed in range(4))
    assert ever_fails(drawn_many(1, n=1_500, odds=1.5), every=20)


@pytest.mark.slow
def test_who_looks_every_day_calls_draws_broken_at_most_as_often_as_stated() -> None:
    runs = 300
    assert sum(ever_fails(drawn_many(seed, n=1_500), every=25) for seed in range(runs)) / runs <= 2 * ERROR
    assert sum(ever_fails(drawn_many(seed, n=2_000, odds=1.4), every=100) for seed in range(20)) >= 19


@given(weights=st.tuples(*(st.floats(0.01, 1.0) for _ in NAMES)))
def test_the_evidence_is_a_martingale(weights: tuple[float, ...]) -> None:
    """On average over what is drawn next, the evidence is what it was."""
    shares = [weight / sum(weights) for weight in weights]
    mean = 0.0
    for place, share in enumerate(shares):
        draws = Draws()
        draws.add(decided(shares, drawn=place))
        mean += share * float(np.mean([np.exp(logs / 2.0**32) for logs in draws.evidence.values()]))

    assert mean == pytest.approx(1.0, abs=1e-6)


def test_what_could_only_be_one_action_says_nothing() -> None:
    draws = Draws()
    draws.add(decided([1.0, 0.0, 0.0], drawn=0))

    assert (draws.decisions, draws.check().actions) == (0, ())


def test_impact_says_first_that_actions_are_not_drawn_as_decisions_say() -> None:
    worth = Worth(prices=Prices(values={"loan": 100, "tip": 10}, costs={}), marketing={"loan"})
    shares: dict[Assignment, float] = {"policy": 1.0}
    treated = [
        Treated(person=one.customer, decision=one, outcomes=(), declared=shares)
        for one in drawn_many(3, n=900, odds=2.5)
    ]

    found = measure(treated, worth=worth, chances={}, level=0.95)
    kept = measure(
        [structs.replace(one, decision=made) for one, made in zip(treated, drawn_many(3, n=900), strict=True)],
        worth=worth,
        chances={},
        level=0.95,
    )

    assert any("as their propensities say" in warning for warning in found.warnings)
    assert found.draws.actions[0].action == "loan"
    assert found.draws.actions[0].drawn > found.draws.actions[0].expected
    assert not any("as their propensities say" in warning for warning in kept.warnings)
    (policy,) = (of for of in kept.ratio.groups if of.assignment == "policy")
    assert (policy.people, policy.decisions, kept.ratio.unit) == (900, 900, "people")
