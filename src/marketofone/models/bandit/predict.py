"""What the beliefs say about many actions at once: lines, and the scores that chance and worth make together.

A weighted sum of Gaussian weights is a Gaussian number, so what a line says is known by its mean and its spread: one
length per action instead of a draw of all its weights. It comes out the same to the bit on every processor: everything
is added up in a fixed order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.errors import MalformedRequest
from marketofone.models.bandit.arm import Arm, FloatArray
from marketofone.models.bandit.manner import Manner
from marketofone.models.bandit.reproducible import Singles, factors, fold, lengths

LEAST_CHANCE, MOST_CHANCE = 0.005, 0.97
"""A line may leave the range of a chance; a chance does not."""


class Scores(NamedTuple):
    """The score of each action as one Gaussian, in minor units; in its mean the benefit of the doubt. Shapes: (k,)."""

    mean: FloatArray
    spread: FloatArray
    chance: FloatArray
    doubt: FloatArray


Rows: TypeAlias = NDArray[np.intp]


class Leaning(NamedTuple):
    """How one person differs from what lines say of everybody: first chances, then worths. Shapes: (2, k).

    All chances are ``factor`` times as large. Then ``kept`` is left of what is expected of an action, and ``added``
    comes beside it, from the person's own answers to this action.
    """

    factor: float
    kept: FloatArray
    added: FloatArray

    def of(self, rows: Rows, dimensions: int = 1) -> Leaning:
        """Give that of some actions, to stand beside arrays of so many dimensions."""
        shape = (2, rows.size, *[1] * (dimensions - 1))
        return Leaning(self.factor, self.kept[:, rows].reshape(shape), self.added[:, rows].reshape(shape))


@lru_cache(maxsize=16)
def no_leaning(k: int) -> Leaning:
    """Give the leaning of somebody of whom nothing is known."""
    kept, added = np.ones((2, k)), np.zeros((2, k))
    kept.flags.writeable = added.flags.writeable = False
    return Leaning(1.0, kept, added)


class SparseLeaning(NamedTuple):
    """A :class:`Leaning` of somebody who answered to few actions: for each of these what is kept, and what is added.

    The four numbers are what is kept of a chance and of a worth, and what is added to them.
    """

    factor: float
    own: Mapping[int, tuple[float, float, float, float]]

    def over(self, k: int) -> Leaning:
        """Give the same over all k actions."""
        nobody = no_leaning(k)
        if not self.own:
            return nobody._replace(factor=self.factor)
        kept, added = nobody.kept.copy(), nobody.added.copy()
        for row, four in self.own.items():
            kept[0, row], kept[1, row], added[0, row], added[1, row] = four
        kept.flags.writeable = added.flags.writeable = False  # as those of nobody: the same loops are compiled for both
        return Leaning(self.factor, kept, added)


@dataclass(frozen=True, eq=False)
class Arms:
    """The beliefs about k actions, stacked: ``mean`` (k, d), ``covariance`` (k, d, d).

    ``around`` are beliefs with the same covariances around other means, where there are any: factors are found there.
    """

    mean: FloatArray
    covariance: FloatArray
    around: Arms | None = None

    def __post_init__(self) -> None:
        self.mean.flags.writeable = False
        self.covariance.flags.writeable = False

    @cached_property
    def factor(self) -> Singles:
        """The factors of the covariances; see :func:`.reproducible.factors`."""
        return factors(self.covariance) if self.around is None else self.around.factor

    def some(self, rows: Rows) -> Arms:
        """Give some of them, copied."""
        return Arms(mean=self.mean[rows], covariance=self.covariance[rows])

    def with_mean(self, mean: FloatArray) -> Arms:
        """Give the same covariances around other means."""
        return Arms(mean=mean, covariance=self.covariance, around=self)

    def moved(self, learned: Mapping[str, Arm], *, rows: Mapping[str, int]) -> Arms:
        """Put what was learned of some actions, by name, in the place of what was believed of them."""
        if not learned:
            return self
        return self.replaced(np.array([rows[action] for action in learned], np.intp), stack([*learned.values()]))

    def replaced(self, rows: Rows, arms: Arms) -> Arms:
        """Put others in the place of some; where factors were found already, only theirs are found anew."""
        mean, covariance = self.mean.copy(), self.covariance.copy()
        mean[rows], covariance[rows] = arms.mean, arms.covariance
        after = Arms(mean=mean, covariance=covariance)
        if "factor" in vars(self):  # a cached property lies among an object's own attributes
            found = self.factor.copy()
            if rows.size:
                found[rows] = arms.factor
            vars(after)["factor"] = found
        return after


def stack(arms: Sequence[Arm]) -> Arms:
    """Stack beliefs of one dimension, in their order. Stacking copies: keep the result between decisions.

    Raises
    ------
    MalformedRequest
        When there is no belief, or their dimensions differ.
    """
    if len({arm.mean.size for arm in arms}) != 1:
        raise MalformedRequest(field="arms", shape="no common dimension", fix="stack arms of one feature catalogue")
    return Arms(mean=np.stack([arm.mean for arm in arms]), covariance=np.stack([arm.covariance for arm in arms]))


def predict(arms: Arms, contexts: FloatArray, *, rows: Rows | None = None) -> tuple[FloatArray, FloatArray]:
    """Give the mean and the spread (standard deviation) of what each action's line says, each in its own context.

    Parameters
    ----------
    arms
        k stacked beliefs.
    contexts
        Shape (k, d): one context per action, or per row where only some are asked for.
    rows
        Which actions; all by default.

    Returns
    -------
    tuple of arrays
        Mean and spread, shape (k,), in the unit of the rewards. An action's do not depend on others, to the bit.

    Raises
    ------
    MalformedRequest
        When the contexts do not fit the arms.

    Notes
    -----
    Source: Agrawal and Goyal (2013), Thompson sampling for contextual bandits with linear payoffs; the draw of the
    weights is replaced by the distribution of their sum.

    Examples
    --------
    >>> from marketofone.models.bandit.arm import prior_arm
    >>> arms = stack([prior_arm(2, start=0.1, level=0.5, slope=0.5, noise=1.0)])
    >>> mean, spread = predict(arms, np.array([[1.0, 0.0]]))
    >>> mean.tolist(), spread.tolist()
    ([0.1], [0.5])
    """
    means, of = (arms.mean, arms.factor) if rows is None else (arms.mean[rows], arms.factor[rows])
    if contexts.shape != means.shape:
        raise MalformedRequest(
            field="contexts", shape=f"shape {contexts.shape}", fix=f"give numbers of shape {means.shape}"
        )
    return fold((means * contexts).T.copy()), np.sqrt(lengths(of, contexts))


def predict_along(
    arms: Arms, contexts: FloatArray, *, places: slice, steps: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Give mean and spread of lines along single entries of the context.

    Parameters
    ----------
    arms, contexts
        k beliefs, each in its own context; shape (k, d).
    places
        The n entries that are moved, one at a time.
    steps
        By how much; shape (k, n, g).

    Returns
    -------
    tuple of arrays
        Shape (k, n, g): ``m + w t`` and the root of ``q + 2 g t + c t t``.
    """
    gains = fold(arms.covariance.transpose(1, 0, 2) * contexts.T[:, :, np.newaxis])  # each is its own transpose
    mean, variance = fold((arms.mean * contexts).T.copy()), fold((gains * contexts).T.copy())
    bends = np.diagonal(arms.covariance, axis1=1, axis2=2)[:, places, np.newaxis]
    moved = variance[:, np.newaxis, np.newaxis] + steps * (2.0 * gains[:, places, np.newaxis] + steps * bends)
    lines = mean[:, np.newaxis, np.newaxis] + arms.mean[:, places, np.newaxis] * steps
    return lines, np.sqrt(np.maximum(moved, 0.0))


def combined(
    chance: tuple[FloatArray, FloatArray],
    worth: tuple[FloatArray, FloatArray],
    *,
    leaning: Leaning,
    costs: FloatArray,
    manner: Manner,
) -> Scores:
    """Put two lines together, each a mean and a spread, for a person who leans as told.

    Notes
    -----
    Source: the variance of a product of two independent numbers is ``(p s_v)^2 + (v s_p)^2 + (s_p s_v)^2``
    (Goodman 1960).
    """
    (p_kept, v_kept), (p_added, v_added) = leaning.kept, leaning.added
    p = np.minimum(np.clip(chance[0], LEAST_CHANCE, MOST_CHANCE) * leaning.factor, MOST_CHANCE) * p_kept + p_added
    p_spread, v, v_spread = chance[1] * leaning.factor * p_kept, worth[0] * v_kept + v_added, worth[1] * v_kept
    spread = np.sqrt(np.square(p * v_spread) + np.square(v * p_spread) + np.square(p_spread * v_spread))
    doubt = manner.doubt * spread
    return Scores(mean=p * v - costs + doubt, spread=manner.draw * spread, chance=p, doubt=doubt)
