"""Choosing: one draw per action, the highest wins; now and then any of them, so that all stay measurable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketofone.domain.errors import MalformedRequest
from marketofone.models.bandit.arm import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """What was drawn: the chosen row, every action's sample, and whether the choice was uniform exploration."""

    chosen: int
    samples: FloatArray
    explored: bool


def draw(mean: FloatArray, spread: FloatArray, *, floor: float, generator: np.random.Generator) -> Draw:
    """Choose one action by Thompson sampling, or uniformly with probability ``floor``.

    The chosen row has the probability ``mix(propensities(mean, spread), floor=floor)[chosen]``; a floor of 1 is the
    control group. Ties go to the first. The generator moves by the same amount whatever is chosen.

    ``mean`` and ``spread``, shape (k,), are the actions' scores in one unit; the generator is seeded from the decision,
    so that the draw can be repeated. Source: Thompson (1933).

    Raises
    ------
    MalformedRequest
        When there is nothing to choose from or the floor is no probability.

    Examples
    --------
    >>> made = draw(np.array([1.0, 2.0]), np.zeros(2), floor=0.0, generator=np.random.default_rng(7))
    >>> made.chosen, made.samples.tolist()
    (1, [1.0, 2.0])
    """
    _check(mean.size, floor=floor)
    explored = bool(generator.random() < floor)
    uniform = int(generator.integers(mean.size))
    samples = mean + spread * generator.standard_normal(mean.size)
    return Draw(chosen=uniform if explored else int(samples.argmax()), samples=samples, explored=explored)


def mix(chances: FloatArray, *, floor: float) -> FloatArray:
    """Mix choice probabilities with the uniform ones: no action falls below ``floor / k``.

    Raises
    ------
    MalformedRequest
        When there is nothing to choose from or the floor is no probability.

    Examples
    --------
    >>> mix(np.array([1.0, 0.0]), floor=0.5).tolist()
    [0.75, 0.25]
    """
    _check(chances.size, floor=floor)
    return (1.0 - floor) * chances + floor / chances.size


def _check(size: int, *, floor: float) -> None:
    if size == 0 or not 0.0 <= floor <= 1.0:
        raise MalformedRequest(field="draw", shape="nothing to choose, or no probability", mend="offer at least one")
