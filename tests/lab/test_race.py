"""Other ways to decide live through the same moments, each with its own outcomes, beside the present one."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from marketofone.cli import terminal
from marketofone.domain.action import Action, Kind
from marketofone.domain.moment import DAY, HOUR, Calendar, Day, Instant
from marketofone.lab.simulate.choice import Choice
from marketofone.lab.simulate.learners import Boosted, Discounting, FeelGood, OneOrder, Refitted
from marketofone.lab.simulate.life import lives_of
from marketofone.lab.simulate.race import race
from marketofone.lab.simulate.rivals import AS_IT_IS, RIVALS, Raced, race_all
from marketofone.lab.simulate.seeds import Seed, gather
from marketofone.lab.simulate.span import span_of
from marketofone.lab.simulate.truth import Mood, Truth
from marketofone.lab.simulate.twins import Twins
from marketofone.models.bandit import Arm, Learned, Outcome, OwnAnswers, Policy, Start

PEOPLE, DAYS, EACH = 12, 360, 40
ALL = (0, 1, 2, 3)


def action(name: str, kind: Kind, *, value: int) -> Action:
    return Action(id=name, kind=kind, title="A title", text="A text", value_minor=value, acceptance_probability=0.2)


ACTIONS = (
    action("nothing", "nothing", value=0),
    action("budget_hint", "nudge", value=900),
    action("month_in_review", "insight", value=900),
    action("funds", "offer", value=900),
)
START = Start(actions=ACTIONS[1:], dim=1, fits=())


@pytest.fixture(scope="module")
def begins() -> Instant:
    return Calendar("Europe/Prague").start_of(Day(20_000))


@pytest.fixture(scope="module")
def twins() -> Twins:
    span = span_of(Calendar("Europe/Prague"), first=Day(20_000), days=DAYS)
    return Twins(Truth(lives_of(PEOPLE, seed=4, span=span), ACTIONS, span=span, seed=4), [()] * PEOPLE, seed=4)


@pytest.fixture(scope="module")
def choices(twins: Twins, begins: Instant) -> list[Choice]:
    """Give what was allowed at some moments of all people; all that is seen of an action is that it is there."""
    rng = np.random.default_rng(1)
    moments = sorted((int(rng.integers(DAYS)) * DAY + 18 * HOUR, person) for person in [*range(PEOPLE)] * EACH)
    seen = np.array([[0.0], [1.0], [1.0], [1.0]], dtype=np.float32)
    return [_choice(twins, person, Instant(begins + after), seen) for after, person in moments]


def _choice(twins: Twins, person: int, at: Instant, seen: np.ndarray) -> Choice:
    values = twins.truth.expected_values(person, mood=Mood(at=at, tired=0.0, holds=frozenset()))
    return Choice(person=person, at=at, by="policy", chosen=0, learned=0, allowed=ALL, values=values, seen=seen)


def lived(choices: list[Choice], twins: Twins, *, seed: int) -> list[float]:
    rival = Learned(Policy(START))
    worth: list[float] = race(rival, choices, truth=twins.truth, holds=twins.holds, seed=seed).worth.tolist()
    return worth


def test_the_same_luck_gives_the_same_life(choices: list[Choice], twins: Twins) -> None:
    assert lived(choices, twins, seed=1) == lived(choices, twins, seed=1) != lived(choices, twins, seed=2)


def test_a_policy_learns_in_a_race_and_leaves_chance_behind(choices: list[Choice], twins: Twins) -> None:
    half = len(choices) // 2
    chance = twins.live_by_chance(choices, lives=2)
    lives = [lived(choices, twins, seed=seed) for seed in range(6)]  # a dozen people: one life is mostly luck

    assert np.mean([sum(life[half:]) for life in lives]) > 1.2 * chance[half:].sum()


def test_every_rival_races(choices: list[Choice], twins: Twins) -> None:
    assert set(race_all(choices[:40], start=START, twins=twins, seed=1, years=1.0)) == set(RIVALS)


def test_nobody_of_the_control_group_races(choices: list[Choice], twins: Twins) -> None:
    control = [replace(choice, by="control") for choice in choices]

    assert race_all(control, start=START, twins=twins, seed=1, years=1.0) == {}


def test_what_a_discounting_rival_learned_counts_half_after_half_a_year() -> None:
    rival = Discounting(Policy(START))
    rival.hear([Outcome("chance", "funds", np.ones(1), 1.0)] * 20)
    told, said = precision_added(rival), rival.beliefs.stacked["chance"].mean[2, 0]

    for _ in range(180):
        rival.hear([])

    assert precision_added(rival) == pytest.approx(told / 2.0, rel=1e-6)
    assert rival.beliefs.stacked["chance"].mean[2, 0] < said  # and goes back to where it began


def precision_added(rival: Learned) -> float:
    arm, start = rival.states["chance:funds"], rival.policy.at_start["chance:funds"]
    assert isinstance(arm, Arm)
    return float(1.0 / arm.covariance[0, 0] - 1.0 / start.covariance[0, 0])


def test_races_of_several_seeds_stand_beside_the_policy_as_it_is() -> None:
    gains = ((10.0, 30.0), (20.0, 30.0), (30.0, 60.0))
    names = (AS_IT_IS, "wild")
    races = [{name: raced(gain) for name, gain in zip(names, both, strict=True)} for both in gains]
    seeds = [Seed(seed=number, seconds=1.0, policy={}, race=of) for number, of in enumerate(races)]

    together = gather(seeds, customers=10, days=60)

    assert list(together.race) == ["wild", AS_IT_IS]
    wild = together.race["wild"]
    assert (wild.gain_minor, wild.beside_minor, wild.error, wild.above, wild.seeds) == (40.0, 20.0, 5.8, 3, 3)
    assert wild.last_quarter == 2.0  # the mean of 30, 30 and 60 as a part of 20: not the mean of the parts
    assert "+20 +- 6" in terminal.text_for_people("seeds", together)


def raced(gain: float) -> Raced:
    return Raced(gain_minor=gain, accepted=0.1, last_quarter=(gain, 20.0), ahead=0.5)


def test_a_race_tells_what_the_order_would_have_gained_that_the_same_outcomes_taught(
    choices: list[Choice], twins: Twins
) -> None:
    rival = OneOrder(Policy(START), share=1.0)

    lived = race(rival, choices, truth=twins.truth, holds=twins.holds, seed=1)

    policy, order = lived.beside.T
    half = len(choices) // 2
    assert len(lived.beside) == len(choices)
    assert (policy[half:] == order[half:]).mean() > 0.8  # by then what was declared hardly counts; some is explored
    assert policy[half:].mean() > 0.0


def test_feel_good_sampling_believes_more_in_what_was_best() -> None:
    rival, plain = FeelGood(Policy(START), feel=1.0), Learned(Policy(START))
    ones, rows, nothing = np.ones((3, 1)), np.arange(3), OwnAnswers()

    before = rival.score(ones, own=nothing, rows=rows).chance
    after = rival.score(ones, own=nothing, rows=rows).chance

    assert before.tolist() == plain.score(ones, own=nothing, rows=rows).chance.tolist()
    assert sorted(after > before) == [False, False, True]


def fitted(rival: Boosted | Refitted, chances: list[float]) -> Boosted | Refitted:
    """Tell exactly so many of those a yes who bear no mark, the second, the first, and both."""
    cells = [
        (np.array([1.0, mark // 2, mark % 2]), one < 350 * chances[mark]) for mark in range(4) for one in range(350)
    ]
    order = np.random.default_rng(2).permutation(len(cells)).tolist()
    outcomes = [Outcome("chance", "funds", cells[place][0], float(cells[place][1])) for place in order]
    for night in range(7):
        rival.hear(outcomes[200 * night : 200 * (night + 1)])
    return rival


ONE_MARK, FUNDS = np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]), np.array([2, 2])


@pytest.mark.slow  # trees load slowly
def test_trees_find_what_no_line_says() -> None:
    rival = fitted(Boosted(Policy(Start(actions=ACTIONS[1:], dim=3, fits=()))), [0.2, 0.8, 0.8, 0.2])

    chance = rival.score(ONE_MARK, own=OwnAnswers(), rows=FUNDS).chance

    assert rival.line(ONE_MARK, FUNDS).max() < 0.6
    assert chance.min() > 0.7


def test_what_is_fitted_again_each_night_multiplies_odds_where_a_line_adds_chances() -> None:
    rival = fitted(Refitted(Policy(Start(actions=ACTIONS[1:], dim=3, fits=()))), [0.05, 0.3, 0.3, 0.8])

    chance = rival.score(ONE_MARK, own=OwnAnswers(), rows=FUNDS).chance

    assert chance.tolist() == pytest.approx([0.3, 0.3], abs=0.03)
    assert rival.line(ONE_MARK, FUNDS).min() > 0.34
