r"""How much one unit of context can matter, and how far single outcomes lie apart: learned from all that they said.

A bank's features come in any unit, so how far a slope may lie from its start cannot be a constant; nor can the noise,
of which context explains a lot in one bank and little in another. So all prior slopes of a head are multiplied by one
*scale*, and all its stated variances by one *noise*: those on a grid under which the outcomes of all actions were most
likely, with a stated prior around 1. Both are found together: with too much noise, outcomes seem to speak for slopes
that are too small. Noise is no less than a quarter of what is stated, so that a row of equal answers is no certainty;
a scale is no less than a half, for a quarter did worse on the data of ``bench/classifying.py`` (chosen after a look).

An arm is kept as its outcomes left it with both at 1, and what it says of them depends on nothing else; so does its
belief under them. Whoever is forgotten is forgotten here, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketofone.models.bandit.arm import Arm, FloatArray

Evidence: TypeAlias = NDArray[np.float32]
"""What an action says of each scale and noise: logarithms, up to a constant. Shape (g, f)."""

GRID: FloatArray = 2.0 ** np.arange(-1.0, 7.0)
"""The scales that are looked at: from a half to 64."""
NOISES: FloatArray = 2.0 ** (np.arange(-4.0, 5.0) / 2.0)
"""What stated variances are multiplied by: from a quarter to 4."""
# The logarithms of both have a standard deviation of log 4 and of log 2, before the first outcome.
_PRIOR: NDArray[np.floating] = -0.5 * np.add.outer(
    np.square(np.log(GRID) / np.log(4.0)), np.square(np.log(NOISES) / np.log(2.0))
)
_ONE = int(np.flatnonzero(NOISES == 1.0)[0])


class Sizes(NamedTuple):
    """How many times as wide as stated slopes may be, and how many times the stated variance an outcome has."""

    scale: float
    noise: float


AS_STATED = Sizes(1.0, 1.0)


def evidence(arm: Arm, start: Arm, *, own: FloatArray, whole: FloatArray) -> Evidence:
    r"""Say how likely the outcomes of one action were under each scale of :data:`GRID` and noise of :data:`NOISES`.

    Parameters
    ----------
    arm, start
        The belief as outcomes left it, and as it was. An arm that does not know the squares of its rewards says nothing
        of the noise.
    own
        Prior precisions under which the arm was kept, in the unit of its weights. Shape (d,).
    whole
        Prior variances of the weights, together with what actions share, under scale 1. Shape (d,); the first belongs
        to the intercept, which no scale moves.

    Returns
    -------
    array
        Shape (g, f): logarithms, up to a constant.

    Notes
    -----
    The prior variance of the intercept is taken as the noise times ``whole[0]``, so that it can be taken out once. With
    the precision P and the pull h that n outcomes left on the slopes, :math:`P = Q \Lambda Q'`, :math:`z = Q'h` in the
    units of ``whole``, what remains R of the squares around the start, and :math:`u = s^2 / f`:
    :math:`-(n \log f + \sum \log(1 + u \lambda) + (R - \sum u z^2 / (1 + u \lambda)) / f) / 2`.
    Source: the evidence of Bayesian linear regression (Bishop 2006, section 3.5); actions are added up as if they
    shared nothing (a composite likelihood, Varin, Reid and Firth 2011).

    Examples
    --------
    >>> from marketofone.models.bandit.arm import prior_arm, update
    >>> start = prior_arm(2, start=0.0, level=1.0, slope=0.1, noise=0.1)
    >>> steep = update(update(start, np.array([1.0, 1.0]), reward=4.0), np.array([1.0, -1.0]), reward=-4.0)
    >>> found = evidence(steep, start, own=np.array([1.0, 100.0]), whole=np.array([1.0, 0.01]))
    >>> float(GRID[found.max(axis=1).argmax()])
    32.0
    """
    told = np.linalg.inv(arm.covariance)
    precision, pull = told - np.diag(own), told @ (arm.mean - start.mean)
    unknown = math.isnan(arm.squares)
    squares = 0.0 if unknown else arm.squares / arm.noise**2
    around = squares - start.mean @ (2.0 * pull + precision @ start.mean)
    rest = precision[0, 0] + 1.0 / whole[0]
    slopes = precision[1:, 1:] - np.outer(precision[1:, 0], precision[0, 1:]) / rest
    weighted = np.sqrt(whole[1:])
    values, vectors = np.linalg.eigh(weighted[:, np.newaxis] * slopes * weighted)
    along = vectors.T @ (weighted * (pull[1:] - precision[1:, 0] * pull[0] / rest))
    wide = np.divide.outer(np.square(GRID), NOISES)[..., np.newaxis]
    widths = 1.0 + wide * np.maximum(values, 0.0)
    left = around - pull[0] * pull[0] / rest - (wide * np.square(along) / widths).sum(axis=-1)
    said = -0.5 * (arm.n * np.log(NOISES) + np.log(widths).sum(axis=-1) + left / NOISES)
    if unknown:
        said[:] = said[:, [_ONE]]
    found: Evidence = said.astype(np.float32)
    return found


def likeliest(said: Iterable[Evidence]) -> Sizes:
    """Give the sizes that the evidence of all actions makes most likely; as stated where there is none.

    Examples
    --------
    >>> likeliest([])
    Sizes(scale=1.0, noise=1.0)
    """
    together = _PRIOR + sum((one.astype(np.float64) for one in said), np.zeros(_PRIOR.shape))
    scale, noise = np.unravel_index(int(together.argmax()), together.shape)
    return Sizes(float(GRID[scale]), float(NOISES[noise]))


def rescaled(
    mean: FloatArray, covariance: FloatArray, *, start: FloatArray, change: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Give beliefs as they would be, had each weight begun with another precision.

    That is one more observation of each weight, of what it started with; where the prior widens, one is taken away.
    Each step is a product or a sum of two numbers, so it comes out the same to the bit on every processor.

    Parameters
    ----------
    mean, covariance
        k beliefs: shapes (k, d) and (k, d, d).
    start
        The means that they started with. Shape (k, d).
    change
        How much more precise each weight began. Shape (k, d).

    Notes
    -----
    Source: Sherman and Morrison (1950), once for each weight.

    Examples
    --------
    >>> one, start = np.array([[1.0]]), np.array([[0.0]])
    >>> [part.tolist() for part in rescaled(one, one[..., np.newaxis], start=start, change=np.array([[1.0]]))]
    [[[0.5]], [[[0.5]]]]
    """
    mean, covariance = mean.copy(), covariance.copy()
    step = np.empty_like(covariance)
    for place in range(mean.shape[1]):
        by = change[:, place]
        if not by.any():
            continue
        gain = covariance[:, place].copy()
        share = by / (1.0 + by * gain[:, place])
        mean += gain * (share * (start[:, place] - mean[:, place]))[:, np.newaxis]
        np.multiply(gain[:, :, np.newaxis], gain[:, np.newaxis], out=step)
        step *= share[:, np.newaxis, np.newaxis]
        covariance -= step
    return mean, covariance
