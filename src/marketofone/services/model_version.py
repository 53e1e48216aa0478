"""Everything that was learned, as one value: an arm and a value posterior per action, and what is held together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketofone.decide.compiled_catalogue import CompiledCatalogue
from marketofone.domain.action import Action
from marketofone.features.catalogue import Catalogue
from marketofone.learn.values import ValuePosterior, prior_value
from marketofone.learn.values import from_bytes as belief_from
from marketofone.models.bandit import Arm, Arms
from marketofone.models.bandit import from_bytes as arm_from
from marketofone.models.recommend import Affinity
from marketofone.models.recommend import from_bytes as affinity_from

PREFIX = "learned:"
AFFINITY = PREFIX + "affinity"


@dataclass(frozen=True)
class ModelVersion:
    """What was learned up to a position of the journal. What is absent is still at its prior."""

    position: int
    arms: Mapping[str, Arm]
    values: Mapping[str, ValuePosterior]
    affinity: Affinity | None


UNTRAINED = ModelVersion(position=0, arms={}, values={}, affinity=None)


def arm_name(action: str, *, features: Catalogue) -> str:
    """Name the model state of an action's arm; another feature schema starts another arm."""
    return f"{PREFIX}arm:{features.digest[:8]}:{action}"


def value_name(action: str) -> str:
    """Name the model state of an action's value belief."""
    return f"{PREFIX}value:{action}"


def with_models(
    model_version: ModelVersion, models: Mapping[str, bytes], *, features: Catalogue, position: int
) -> ModelVersion:
    """Give what was learned after some model states changed."""
    if not models:
        return model_version
    arms, values, affinity = dict(model_version.arms), dict(model_version.values), model_version.affinity
    own = arm_name("", features=features)
    for name, body in models.items():
        if name.startswith(own):
            arms[name.removeprefix(own)] = arm_from(body)
        elif name.startswith(value_name("")):
            values[name.removeprefix(value_name(""))] = belief_from(body)
        elif name == AFFINITY:
            affinity = affinity_from(body)
    return ModelVersion(position=position, arms=arms, values=values, affinity=affinity)


def posterior_of(model_version: ModelVersion, action: Action) -> ValuePosterior:
    """Give the belief about what an acceptance is worth, the prior when nothing was heard."""
    return model_version.values.get(action.id) or prior_value(action.value_minor)


@dataclass(frozen=True, eq=False)
class PolicySnapshot:
    """What was learned, laid out in the order in which a compiled catalogue offers its actions."""

    model_version: ModelVersion
    compiled: CompiledCatalogue
    arms: Arms
    values: NDArray[np.float64]
    affinity: Affinity | None


def policy_snapshot_of(
    model_version: ModelVersion, *, compiled: CompiledCatalogue, before: PolicySnapshot | None
) -> PolicySnapshot:
    """Lay out what was learned for a compiled catalogue; of an earlier layout, only the rows that moved are new."""
    expected = [posterior_of(model_version, action).expected_minor for action in compiled.offered]
    same = before if before is not None and before.compiled is compiled else None
    return PolicySnapshot(
        model_version=model_version,
        compiled=compiled,
        arms=compiled.stacked(model_version.arms) if same is None else _moved(same, model_version),
        values=np.array(expected, dtype=np.float64),
        affinity=model_version.affinity,
    )


def _moved(before: PolicySnapshot, model_version: ModelVersion) -> Arms:
    mean, covariance = before.arms.mean.copy(), before.arms.covariance.copy()
    for row, action in enumerate(before.compiled.offered):
        arm = model_version.arms.get(action.id)
        if arm is not None and arm is not before.model_version.arms.get(action.id):
            mean[row], covariance[row] = arm.mean, arm.covariance
    return Arms(mean=mean, covariance=covariance)
