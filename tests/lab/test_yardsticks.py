"""The policy is judged beside yardsticks, also on the days on which it does nothing, and with all later effects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from msgspec.structs import replace

from marketofone.domain.action import Action, Kind
from marketofone.domain.decision import Assignment
from marketofone.domain.moment import DAY, Calendar, Day, Instant
from marketofone.domain.outcome import Verdict
from marketofone.lab.simulate.choice import Choice
from marketofone.lab.simulate.life import lives_of
from marketofone.lab.simulate.span import span_of
from marketofone.lab.simulate.truth import Truth
from marketofone.lab.simulate.twins import Twins
from marketofone.lab.simulate.visible import best_visible
from marketofone.lab.simulate.yardsticks import acceptance, captured, compare

Answers = dict[tuple[Assignment, int, Verdict], int]
PEOPLE, DAYS = 12, 60
WORTH = np.array([0.0, 1.0, 3.0])
ALL = (0, 1, 2)
THEN = Instant(0)


def action(name: str, kind: Kind) -> Action:
    return Action(id=name, kind=kind, title="A title", text="A text", value_minor=900)


ACTIONS = (action("nothing", "nothing"), action("budget_hint", "nudge"), action("month_in_review", "insight"))


@pytest.fixture(scope="module")
def start() -> Instant:
    return Calendar("Europe/Prague").start_of(Day(20_000))


@pytest.fixture(scope="module")
def twins() -> Twins:
    span = span_of(Calendar("Europe/Prague"), first=Day(20_000), days=DAYS)
    lives = lives_of(PEOPLE, seed=3, span=span)
    return Twins(Truth(lives, ACTIONS, span=span, seed=3), [()] * PEOPLE, seed=3)


def choice(
    chosen: int,
    *,
    person: int = 0,
    at: Instant = THEN,
    values: Sequence[float] = tuple(WORTH),
    seen: Sequence[float] = (0.0,),
    by: Assignment = "policy",
) -> Choice:
    rows = np.array([[1.0, *seen]] * len(ALL), dtype=np.float32)
    return Choice(
        person=person, at=at, by=by, chosen=chosen, learned=1, allowed=ALL, values=np.array(values), seen=rows
    )


def varied(*, people: int = PEOPLE, each: int = 8) -> list[Choice]:
    """Give choices in which what is seen tells which of two actions is worth something, and noise stands beside it."""
    rng = np.random.default_rng(1)
    made = []
    for person in range(people):
        for _ in range(each):
            told, noise = rng.choice([-1.0, 1.0]), rng.normal()
            made.append(choice(0, person=person, values=(0.0, 50 * told, -50 * told), seen=(told, noise)))
    return made


def test_a_decision_to_do_nothing_counts_for_every_yardstick(twins: Twins, start: Instant) -> None:
    choices = [choice(2, person=0, at=start), choice(0, person=1, at=Instant(start + DAY))]

    found = compare(choices, twins=twins, years=1.0)

    taken = round((3.0 - 8 / 3) / (6.0 - 8 / 3), 4)
    assert found["omniscient"][0] == found["hindsight_ranking"][0] == taken
    assert found["visible"][0] is not None


def test_the_control_group_and_moments_without_a_choice_are_not_judged(twins: Twins, start: Instant) -> None:
    judged = choice(2, at=start)
    others = [choice(0, person=2, at=start, by="control"), replace(choice(0, person=1, at=start), allowed=(0,))]

    found = compare([judged, *others], twins=twins, years=1.0)

    assert found["gained_minor"] == compare([judged], twins=twins, years=1.0)["gained_minor"]
    assert found["gain_minor"]["control"].others == 1
    assert "control" not in compare([judged], twins=twins, years=1.0)["gain_minor"]


def test_nothing_is_said_about_a_policy_that_never_had_a_choice(twins: Twins) -> None:
    assert compare([replace(choice(0), allowed=(0,))], twins=twins, years=1.0) == {}


def test_the_visible_oracle_reads_what_is_seen() -> None:
    choices = varied()

    assert best_visible(choices, actions=ACTIONS) == [one.first(one.values) for one in choices]


def test_the_visible_oracle_leaves_people_in_peace_where_nothing_is_worth_it() -> None:
    choices = [choice(1, person=person, values=(0.0, -5.0, -3.0)) for person in range(PEOPLE)]

    assert set(best_visible(choices, actions=ACTIONS)) == {0}


def test_the_visible_oracle_that_sees_nothing_keeps_to_one_order_for_everybody() -> None:
    rng = np.random.default_rng(2)
    worth = rng.normal([0.0, 40.0, 60.0], [0.0, 5.0, 5.0], size=(90, 3))
    choices = [choice(1, person=number % 30, values=values) for number, values in enumerate(worth)]

    assert set(best_visible(choices, actions=ACTIONS)) == {2}


@pytest.mark.parametrize("person", [0, PEOPLE - 1])
def test_nobodys_own_truth_is_in_what_the_visible_oracle_chooses_for_them(person: int) -> None:
    choices = varied(each=3)
    other = [replace(was, values=np.array([0.0, -1e3, 1e3])) if was.person == person else was for was in choices]

    before, after = (best_visible(made, actions=ACTIONS) for made in (choices, other))

    own = [place for place, was in enumerate(choices) if was.person == person]
    assert [after[place] for place in own] == [before[place] for place in own]


def test_a_twin_for_whom_everybody_else_stays_silent_is_never_tired(twins: Twins, start: Instant) -> None:
    moments = [choice(1, at=Instant(start + day * DAY)) for day in range(20)]

    always = twins.live(moments, lambda _: 1)
    last_only = twins.live(moments, lambda one: int(one is moments[-1]))

    assert always[0] == twins.live(moments[:1], lambda _: 1)[0], "the first is the same for both"
    assert last_only[:-1].tolist() == [0.0] * 19
    assert always[-1] < last_only[-1], "to be addressed every day wears the last one down"


def test_a_policy_that_is_its_own_learned_ranking_gains_nothing_over_it(twins: Twins, start: Instant) -> None:
    moments = [choice(1, person=person, at=Instant(start + DAY)) for person in range(PEOPLE)]
    worths = twins.live(moments, lambda _: 1)
    lived = [
        replace(one, values=np.array([0.0, worth, -1e6])) for one, worth in zip(moments, worths.tolist(), strict=True)
    ]

    gain = compare(lived, twins=twins, years=1.0)["gain_minor"]["learned_ranking"]

    assert (gain.value_minor, gain.low, gain.high, gain.people) == (0, 0, 0, PEOPLE)


def test_who_always_chooses_best_captures_everything() -> None:
    best = captured([choice(2, person=person) for person in range(3)])

    assert best is not None
    assert (best.share, best.low, best.high, best.n) == (1.0, 1.0, 1.0, 3)
    assert captured([choice(1, values=(1.0, 1.0, 1.0))]) is None, "where all are alike there is nothing to gain"


def test_acceptance_is_compared_over_people_with_those_for_whom_chance_chose() -> None:
    said: Answers = {("policy", person, "accepted"): 1 for person in range(20)}
    said["policy", 0, "ignored"] = 20
    by_chance: Answers = {("control", person, "declined"): 2 for person in range(20, 40)}

    found = acceptance(said | by_chance)

    assert found["accepted"] == {"policy": 0.5, "random": 0.0}
    assert found["accepted_gain"].low < found["accepted_gain"].share == 0.5 < found["accepted_gain"].high
    assert (found["accepted_gain"].people, found["accepted_gain"].others) == (20, 20)
    assert acceptance(said) == {"accepted": {"policy": 0.5, "random": None}}, "nobody to compare with"
