"""A planted offer draws clicks and does harm, and the policy is judged by how much of that harm it avoids."""

from __future__ import annotations

import json
from datetime import date
from importlib.resources import files

import numpy as np
import pytest
from click.testing import CliRunner

from marketofone.cli import main, terminal
from marketofone.decide.catalogue import parse_actions
from marketofone.domain.action import Action
from marketofone.domain.moment import Calendar, Instant, day_number
from marketofone.features.catalogue import load_catalogue
from marketofone.lab.simulate.bait import ACTION, BAIT, avoided
from marketofone.lab.simulate.choice import Choice, Vector
from marketofone.lab.simulate.life import lives_of
from marketofone.lab.simulate.seeds import gather
from marketofone.lab.simulate.span import span_of
from marketofone.lab.simulate.truth import Mood, Truth

TEMPLATE = files("marketofone") / "template"
ACTIONS_TEXT, FEATURES_TEXT = (
    (TEMPLATE / name).read_text(encoding="utf-8") for name in ("actions.toml", "features.py")
)
PEOPLE, DAYS, SEED = 12, 60, 5


def catalogue(text: str) -> tuple[Action, ...]:
    return parse_actions(text, features=load_catalogue(FEATURES_TEXT)).actions


def chances_and_values(actions: tuple[Action, ...]) -> tuple[Vector, Vector]:
    span = span_of(Calendar("Europe/Prague"), first=day_number(date(2024, 9, 1)), days=DAYS)
    truth = Truth(lives_of(PEOPLE, seed=SEED, span=span), actions, span=span, seed=SEED)
    moods = [Mood(at=span.at(day, minute=1_180), tired=1.0, holds=frozenset()) for day in range(0, DAYS, 10)]
    each = [(person, mood) for person in range(PEOPLE) for mood in moods]
    chances: Vector = np.mean([truth.acceptance_probabilities(person, mood=mood) for person, mood in each], axis=0)
    values: Vector = np.mean([truth.expected_values(person, mood=mood) for person, mood in each], axis=0)
    return chances, values


def test_the_planted_offer_is_taken_more_than_any_other_loses_value_and_moves_nothing_else() -> None:
    plain, planted = catalogue(ACTIONS_TEXT), catalogue(ACTIONS_TEXT + ACTION)
    before, (chances, values) = chances_and_values(plain), chances_and_values(planted)
    bait = [action.id for action in planted].index(BAIT)
    offers = [place for place, action in enumerate(planted) if action.marketing and place != bait]

    assert chances[bait] > 2.0 * chances[offers].max()
    assert values[bait] < 0.0 < planted[bait].value_minor
    others = [place for place in range(len(planted)) if place != bait]
    assert np.array_equal(chances[others], before[0])
    assert np.array_equal(values[others], before[1])


def choice(chosen: int, *, allowed: tuple[int, ...] = (0, 1, 2)) -> Choice:
    return Choice(
        person=0,
        at=Instant(0),
        by="policy",
        chosen=chosen,
        learned=0,
        allowed=allowed,
        values=np.array([0.0, 5.0, -30.0]),
        seen=np.zeros((3, 1), dtype=np.float32),
    )


def test_the_share_is_how_much_of_the_harm_of_the_lot_is_avoided_where_it_could_be_shown() -> None:
    told = avoided([choice(2), *[choice(1)] * 8, choice(0, allowed=(0, 1))], bait=2)

    assert told["decisions"] == 9
    assert told["avoided"] == [pytest.approx(1.0 - (30.0 / 9.0) / 10.0, abs=1e-3), 1.0]
    assert told["shown"]["policy"] == [pytest.approx(1.0 / 9.0, abs=1e-3), 0.0]
    assert avoided([choice(0, allowed=(0, 1))], bait=2)["avoided"] == [None, None]


@pytest.mark.slow
def test_a_policy_that_sees_what_acceptances_turn_out_to_be_worth_stops_showing_it() -> None:
    # What an acceptance is worth is told after 60 to 90 days, so the last quarter must begin long after that.
    words = ["demo", "--seeds", "1", "--seed", "102", "--customers", "30", "--days", "300", "--click-bait"]

    done = CliRunner().invoke(main, [*words, "--json"])

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    (all_, last), shown = found["mean"]["click_bait"]["avoided"], found["mean"]["click_bait"]["shown"]
    assert all_ < last
    assert last > 0.9
    assert shown["policy"][1] < shown["random"][1]


def test_click_bait_is_planted_in_many_banks_that_are_only_judged() -> None:
    refused = CliRunner().invoke(main, ["demo", "--click-bait", "--no-serve"])

    assert refused.exit_code == 2
    assert "--click-bait judges many banks" in refused.output
    assert "planted" not in terminal.text_for_people("seeds", gather([], customers=10, days=60))
