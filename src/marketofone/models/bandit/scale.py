r"""How much one unit of context can matter: a number for each head, learned from all that outcomes said.

A bank's features come in any unit, so how far a slope may lie from its start cannot be a constant. All prior slopes are
multiplied by one *scale*: the one on a grid under which the outcomes of all actions were most likely, with a stated
prior around 1. The scale is never below 1: an arm takes all that context explains for noise at first, so outcomes seem
to speak for slopes that are too small. (That floor was chosen after looking at the data of ``bench/classifying.py``.)

An arm is kept as its outcomes left it under scale 1, and what it says of a scale depends on nothing else; so does its
belief under a scale. Whoever is forgotten is forgotten here, too.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from marketofone.models.bandit.arm import Arm, FloatArray

GRID: FloatArray = 2.0 ** (np.arange(13) / 2.0)
"""The scales that are looked at: from 1 to 64, each the root of two times the one before."""
_DOUBT_OF_ONE = np.log(4.0)  # standard deviation of the logarithm of the scale, before the first outcome
_PRIOR: FloatArray = -0.5 * np.square(np.log(GRID) / _DOUBT_OF_ONE)


def evidence(arm: Arm, start: Arm, *, own: FloatArray, whole: FloatArray) -> FloatArray:
    r"""Say how likely the outcomes of one action were under each scale of :data:`GRID`.

    Parameters
    ----------
    arm, start
        The belief as outcomes left it, and as it was.
    own
        Prior precisions under which the arm was kept, in the unit of its weights. Shape (d,).
    whole
        Prior variances of the weights, together with what actions share, under scale 1. Shape (d,); the first belongs
        to the intercept, which no scale moves.

    Returns
    -------
    array
        Shape (g,): logarithms, up to a constant.

    Notes
    -----
    With the precision P and the pull h that outcomes added, the intercept taken out, and :math:`P = Q \Lambda Q'`,
    :math:`z = Q'h`: the sum over entries of :math:`-\log(1 + w s^2 \lambda)/2 + z^2 w s^2 / (1 + w s^2 \lambda)/2`.
    Source: the evidence of Bayesian linear regression (Bishop 2006, section 3.5); actions are added up as if they
    shared nothing (a composite likelihood, Varin, Reid and Firth 2011).

    Examples
    --------
    >>> from marketofone.models.bandit.arm import prior_arm, update
    >>> start = prior_arm(2, start=0.0, level=1.0, slope=0.1, noise=0.1)
    >>> steep = update(update(start, np.array([1.0, 1.0]), reward=4.0), np.array([1.0, -1.0]), reward=-4.0)
    >>> found = evidence(steep, start, own=np.array([1.0, 100.0]), whole=np.array([1.0, 0.01]))
    >>> float(GRID[found.argmax()])
    45.254833995939045
    """
    told = np.linalg.inv(arm.covariance)
    precision, pull = told - np.diag(own), told @ (arm.mean - start.mean)
    rest = precision[0, 0] + 1.0 / whole[0]
    slopes = precision[1:, 1:] - np.outer(precision[1:, 0], precision[0, 1:]) / rest
    weighted = np.sqrt(whole[1:])
    values, vectors = np.linalg.eigh(weighted[:, np.newaxis] * slopes * weighted)
    along = vectors.T @ (weighted * (pull[1:] - precision[1:, 0] * pull[0] / rest))
    squares = np.square(GRID)[:, np.newaxis]
    widths = 1.0 + squares * np.maximum(values, 0.0)
    said: FloatArray = 0.5 * (squares * np.square(along) / widths - np.log(widths)).sum(axis=1)
    return said


def likeliest(said: Iterable[FloatArray]) -> float:
    """Give the scale that the evidence of all actions makes most likely; 1 where there is none.

    Examples
    --------
    >>> likeliest([])
    1.0
    """
    together = _PRIOR + sum(said, np.zeros(len(GRID)))
    return float(GRID[int(together.argmax())])


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
