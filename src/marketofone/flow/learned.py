"""Everything that was learned, as one value: an arm and a value belief per action, and what is held together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketofone.decide.playbook import Playbook
from marketofone.domain.action import Action
from marketofone.features.catalogue import Catalogue
from marketofone.learn.values import ValueBelief, prior_belief
from marketofone.learn.values import from_bytes as belief_from
from marketofone.models.bandit import Arm, Arms
from marketofone.models.bandit import from_bytes as arm_from
from marketofone.models.recommend import Affinity
from marketofone.models.recommend import from_bytes as affinity_from

PREFIX = "learned:"
AFFINITY = PREFIX + "affinity"


@dataclass(frozen=True)
class Learned:
    """What was learned up to a position of the journal. What is absent is still at its prior."""

    position: int
    arms: Mapping[str, Arm]
    values: Mapping[str, ValueBelief]
    affinity: Affinity | None


UNTAUGHT = Learned(position=0, arms={}, values={}, affinity=None)


def arm_name(action: str, *, features: Catalogue) -> str:
    """Name the model state of an action's arm; another feature schema starts another arm."""
    return f"{PREFIX}arm:{features.digest[:8]}:{action}"


def value_name(action: str) -> str:
    """Name the model state of an action's value belief."""
    return f"{PREFIX}value:{action}"


def with_models(learned: Learned, models: Mapping[str, bytes], *, features: Catalogue, position: int) -> Learned:
    """Give what was learned after some model states changed."""
    if not models:
        return learned
    arms, values, affinity = dict(learned.arms), dict(learned.values), learned.affinity
    own = arm_name("", features=features)
    for name, body in models.items():
        if name.startswith(own):
            arms[name.removeprefix(own)] = arm_from(body)
        elif name.startswith(value_name("")):
            values[name.removeprefix(value_name(""))] = belief_from(body)
        elif name == AFFINITY:
            affinity = affinity_from(body)
    return Learned(position=position, arms=arms, values=values, affinity=affinity)


def belief_of(learned: Learned, action: Action) -> ValueBelief:
    """Give the belief about what an acceptance is worth, the prior when nothing was heard."""
    return learned.values.get(action.id) or prior_belief(action.value_minor)


@dataclass(frozen=True, eq=False)
class Mind:
    """What was learned, laid out in the order in which a playbook offers its actions."""

    learned: Learned
    playbook: Playbook
    arms: Arms
    values: NDArray[np.float64]
    affinity: Affinity | None


def mind_of(learned: Learned, *, playbook: Playbook, before: Mind | None) -> Mind:
    """Lay out what was learned for a playbook; of what was laid out before, only the rows that moved are new."""
    expected = [belief_of(learned, action).expected_minor for action in playbook.offered]
    same = before if before is not None and before.playbook is playbook else None
    return Mind(
        learned=learned,
        playbook=playbook,
        arms=playbook.stacked(learned.arms) if same is None else _moved(same, learned),
        values=np.array(expected, dtype=np.float64),
        affinity=learned.affinity,
    )


def _moved(before: Mind, learned: Learned) -> Arms:
    mean, covariance = before.arms.mean.copy(), before.arms.covariance.copy()
    for row, action in enumerate(before.playbook.offered):
        arm = learned.arms.get(action.id)
        if arm is not None and arm is not before.learned.arms.get(action.id):
            mean[row], covariance[row] = arm.mean, arm.covariance
    return Arms(mean=mean, covariance=covariance)
