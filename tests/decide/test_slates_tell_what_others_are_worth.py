"""Slates of one policy tell what another's are worth: by its probabilities under what really stood above."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
import pytest
from one_person import LIFE, ask, compiled, decision_input, drawn

from marketofone.decide.decision_input import DecisionInput
from marketofone.decide.engine import decide, shares_at_places
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Decision
from marketofone.learn.off_policy.slates import Slates, independent, rips

SLOTS, LOGGED, DRAWN = 3, 900, 500
NEARLY = 7.0
HEAD = '[occasions."app.opened"]\nchannel = "app"\nbegun_by = "customer"\n'
KINDS = ("feature", "insight", "nudge", "feature", "insight")
BANK = compiled(
    "most_of_a_kind = 1\nchannels = ['app']\n"
    + HEAD
    + "".join(
        f"[[actions]]\nid = 'a{number}'\nkind = '{kind}'\ntitle = 'One'\ntext = 'One of five.'\n"
        f"value_minor = {1_000 + 300 * number}\nchance = 0.3\n"
        for number, kind in enumerate(KINDS)
    )
)
WORTH = {"a0": 9.0, "a1": 1.0, "a2": 4.0, "a3": 2.0, "a4": 7.0, NOTHING: 0.0}


def slate(held: DecisionInput, number: int) -> Decision:
    return decide(msgspec.structs.replace(ask(number), slots=SLOTS), drawn(held, number), BANK)


def rewards(made: Decision) -> list[float]:
    """What each place brings: less further down, and nothing where what stands above brings nearly as much."""
    actions = [place.action for place in made.places]
    above = [0.0, *(WORTH[one] for one, _ in pairwise(actions))]
    each = enumerate(zip(actions, above, strict=True))
    told = [WORTH[one] * 0.7**place * (before < NEARLY) for place, (one, before) in each]
    return told + [0.0] * (SLOTS - len(told))


def weights(made: Decision, target: DecisionInput) -> list[float]:
    actions = [place.action for place in made.places]
    shares = shares_at_places(made.request, drawn(target, 0), BANK, actions=actions)
    told = [share[place.action] / place.propensity for share, place in zip(shares, made.places, strict=True)]
    return told + [1.0] * (SLOTS - len(told))


@pytest.mark.slow
def test_what_is_weighed_down_to_a_place_is_what_the_other_would_bring_and_places_alone_are_not() -> None:
    logging = decision_input(LIFE, config=BANK, exploration=0.6)
    order = np.array([3.0, 9.0, 1.0, 5.0, 7.0, 0.5])
    target = decision_input(LIFE, config=BANK, assignment="catalogue", order=order, exploration=0.2)
    log = [slate(logging, number) for number in range(LOGGED)]
    slates = Slates(np.array([rewards(made) for made in log]), np.array([weights(made, target) for made in log]))
    truth = np.array([sum(rewards(slate(target, 10_000 + number))) for number in range(DRAWN)])
    found, alone = rips(slates), independent(slates)
    error = np.hypot(found.scores.std() / LOGGED**0.5, truth.std() / DRAWN**0.5)
    assert abs(slates.weights.prod(axis=1).mean() - 1.0) < 0.15
    assert abs(found.value - truth.mean()) < 3.5 * error
    assert abs(alone.value - truth.mean()) > abs(found.value - truth.mean())
