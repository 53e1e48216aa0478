r"""The exact probability with which Thompson sampling chooses each action.

Every action draws a normal score and the highest wins. Action a wins with

.. math:: P(a) = \int \varphi_a(t) \prod_{b \ne a} \Phi_b(t)\, dt = \int F(t) \frac{\varphi_a(t)}{\Phi_a(t)}\, dt

where F is the distribution of the highest score: one integral in one dimension for all actions together.

1. *Low*: nothing is decided below the best of all lower ends (mean - 7 spreads), nor below a score known for sure.
2. *Rivals*: the actions whose upper end (mean + 7 spreads) lies above it. The range of each contains the low end, so
   none alive at a distance x above it has a spread below x / 14: what must be resolved gets coarser with the distance.
   Hence the mesh ``t = low + width * sinh(u)``, even in u: linear near the low end, logarithmic far away.
   Spreads a million times apart cost a dozen panels more, not a million.
3. *Narrow*: F at a few points bounds each chance from above (by parts: the integral of 1 - Phi_a over dF). Who can
   hardly win is left out, and the low end moves up to where something is decided.
4. *Integrate* by Gauss-Legendre panels of 16 nodes, leaving out those whose upper end lies below a panel.

The sum must be 1, which makes it the check: when it is off by more than 1e-7 (hundreds of equal rivals, where F is a
steep step) the panels are halved. What is left is divided out.
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from marketofone.domain.errors import MalformedRequest
from marketofone.models.bandit.arm import FloatArray

_REACH = 7.0  # spreads; a draw lies further up once in 10^12
_SURE = 1e-15  # of the mean: a smaller spread is lost in rounding when a draw is added to the mean
_NARROWEST = 1e-100  # of the widest spread: smaller ones count as known, to bound the number of panels
_NEVER = 2.5e-13  # the bound holds up to a factor of 4: it counts a rival among its own opponents
_DECIDED = 1e-12  # below this value of F nobody wins
_FEW = 4  # rivals: with so few, narrowing costs more than it saves
_STRONGEST = 64  # rivals are enough to bound F from above
_OFF = 1e-7
_HALVINGS = 5
_PANEL = 1.4
_ABSCISSAE, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_NODES = (_ABSCISSAE + 1.0) / 2.0
_CELLS = 8_192  # numbers worked on at once: several panels of few rivals, one panel of many
_PEAK = 0.5 / math.sqrt(2.0 * math.pi)  # of the normal density, and half: the rule is for an interval of length 2
_COARSE = np.linspace(0.0, 1.0, 16)

_Rows: TypeAlias = NDArray[np.intp]
_Flags: TypeAlias = NDArray[np.bool_]


class _Rivals(NamedTuple):
    """Actions that may win, by falling upper ends; means and ends are measured from the low end."""

    rows: _Rows
    mean: FloatArray
    spread: FloatArray
    below: FloatArray  # minus the upper end, so that it rises and can be searched

    def mesh(self) -> tuple[float, float]:
        """Give the width of the mesh near the low end, and its length in u."""
        width = 2.0 * _REACH * float(self.spread.min())
        return width, math.asinh(-float(self.below[0]) / width)

    def above(self, low: float, *, kept: _Flags) -> _Rivals:
        """Keep some, and of them those that reach above a higher low end."""
        kept = kept & (self.below < -low)
        return _Rivals(self.rows[kept], self.mean[kept] - low, self.spread[kept], self.below[kept] + low)


def propensities(mean: FloatArray, spread: FloatArray) -> FloatArray:
    """Give the probability that each action's draw is the highest.

    Parameters
    ----------
    mean, spread
        Shape (k,), in one unit: mean and standard deviation of each action's score. A spread of 0 is a known score;
        among known scores that tie the first wins.

    Returns
    -------
    array
        Shape (k,), sums to 1. Absolute error below 1e-6; an action that wins less than once in 10^12 gets 0.

    Raises
    ------
    MalformedRequest
        When there is no action, a number is not finite, or a spread is negative.

    Notes
    -----
    Source: the integral is the multinomial-probit choice probability (Train 2009, ch. 5) with independent errors; for
    the mesh see the head of this module.

    Examples
    --------
    >>> propensities(np.array([0.0, 0.0, -9.0]), np.array([1.0, 1.0, 0.5])).round(6).tolist()
    [0.5, 0.5, 0.0]
    """
    _check(mean, spread)
    chances = np.zeros(mean.size)
    sure = spread <= np.maximum(_SURE * np.abs(mean), _NARROWEST * spread.max())
    low = float((mean - _REACH * spread).max())
    holder = -1
    if sure.any():
        holder = int(np.where(sure, mean, -np.inf).argmax())
        low = max(low, float(mean[holder]))
    rivals = _rivals(mean, spread, low=low, sure=sure)
    known = 0.0
    if holder >= 0:  # the known score wins when every draw falls short of it
        known = chances[holder] = float(ndtr((mean[holder] - mean[rivals.rows]) / rivals.spread).prod())
    if rivals.rows.size:
        rivals = _narrow(rivals)
        chances[rivals.rows] = _integrate(rivals, known=known)
    chances /= chances.sum()
    return chances


def mix(chances: FloatArray, *, floor: float) -> FloatArray:
    """Mix choice probabilities with the uniform ones: no action falls below ``floor / k``. A floor of 1 is a lottery.

    Raises
    ------
    MalformedRequest
        When there is nothing to choose from or the floor is no probability.

    Examples
    --------
    >>> mix(np.array([1.0, 0.0]), floor=0.5).tolist()
    [0.75, 0.25]
    """
    if not chances.size or not 0.0 <= floor <= 1.0:
        raise MalformedRequest(field="floor", shape="nothing to choose, or no probability", fix="offer at least one")
    return (1.0 - floor) * chances + floor / chances.size


def _check(mean: FloatArray, spread: FloatArray) -> None:
    if mean.ndim != 1 or mean.shape != spread.shape or not mean.size:
        raise MalformedRequest(field="mean", shape=f"shapes {mean.shape}, {spread.shape}", fix="give k and k numbers")
    if not (math.isfinite(mean.sum() + spread.sum()) and spread.min() >= 0.0):
        raise MalformedRequest(field="spread", shape="not finite, or negative", fix="give finite means and spreads")


def _rivals(mean: FloatArray, spread: FloatArray, *, low: float, sure: _Flags) -> _Rivals:
    upper = mean + _REACH * spread
    rows = np.flatnonzero((upper > low) & ~sure)
    rows = rows[np.argsort(-upper[rows], kind="stable")]
    return _Rivals(rows, mean[rows] - low, spread[rows], low - upper[rows])


def _narrow(rivals: _Rivals) -> _Rivals:
    if rivals.rows.size <= _FEW:
        return rivals
    width, length = rivals.mesh()
    points = width * np.sinh(length * _COARSE)
    z = (points - rivals.mean[:, np.newaxis]) / rivals.spread[:, np.newaxis]
    highest = ndtr(z[:_STRONGEST]).prod(axis=0)
    np.maximum(z, 0.0, out=z)
    beyond = np.exp(-0.5 * z * z)  # no less than 1 - Phi
    chances = beyond[:, :-1] @ np.diff(highest) + beyond[:, 0] * highest[0]
    undecided = max(int(highest.searchsorted(_DECIDED)) - 1, 0)
    return rivals.above(float(points[undecided]), kept=chances > _NEVER)


def _integrate(rivals: _Rivals, *, known: float) -> FloatArray:
    width, length = rivals.mesh()
    panels = 1 + math.ceil(length / _PANEL)
    for _ in range(_HALVINGS):
        chances = _panels(rivals, width=width, step=length / panels, panels=panels)
        if abs(known + float(chances.sum()) - 1.0) < _OFF:
            break
        panels *= 2
    return chances


def _panels(rivals: _Rivals, *, width: float, step: float, panels: int) -> FloatArray:
    chances = np.zeros(rivals.rows.size)
    together = max(1, _CELLS // (_NODES.size * rivals.rows.size))
    for panel in range(0, panels, together):
        alive = int(rivals.below.searchsorted(-width * math.sinh(step * panel))) or 1
        u = step * (np.arange(panel, min(panel + together, panels))[:, np.newaxis] + _NODES)
        z = (width * np.sinh(u).ravel() - rivals.mean[:alive, np.newaxis]) / rivals.spread[:alive, np.newaxis]
        np.maximum(z, -30.0, out=z)  # keeps the ratio below finite where F is 0 anyway
        below = ndtr(z)
        weights = (_WEIGHTS * (step * width) * np.cosh(u)).ravel() * below.prod(axis=0)
        z *= z
        z *= -0.5
        hazard = np.exp(z, out=z)
        hazard /= below
        chances[:alive] += hazard @ weights
    return _PEAK * chances / rivals.spread
