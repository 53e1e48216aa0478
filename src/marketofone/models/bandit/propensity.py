r"""The exact probability with which Thompson sampling chooses each action.

Every action draws a normal score and the highest wins. Action a wins with

.. math:: P(a) = \int \varphi_a(t) \prod_{b \ne a} \Phi_b(t)\, dt = \int F(t) \frac{\varphi_a(t)}{\Phi_a(t)}\, dt

where F is the distribution of the highest score: one integral in one dimension for all actions together.

1. *Low*: nothing is decided below the best of all lower ends (mean - 7 spreads), nor below a score known for sure.
2. *Rivals*: the actions whose upper end (mean + 7 spreads) lies above it. The range of each contains the low end, so
   none alive at a distance x above it has a spread below x / 14: what must be resolved gets coarser with the distance.
   Hence the mesh ``t = low + width * sinh(u)``, even in u: linear near the low end, logarithmic far away.
   Spreads a million times apart cost a dozen panels more, not a million.
   Its length in u is rounded up to a 64th of an octave, so that meshes are made once, and not for each choice.
3. *Narrow*: F at a few points bounds each chance from above (by parts: the integral of 1 - Phi_a over dF). Who can
   hardly win is left out; the low end moves up to where something is decided (F is 1e-9 there), and the range ends
   where hardly any draw lies beyond (the sum of 1 - Phi_a is 4e-9): less than 5e-9 of all chances are cut off.
4. *Integrate* by Gauss-Legendre panels of 16 nodes, leaving out those whose upper end lies below a panel. On what is
   left two of them are enough, for tens of rivals as for a thousand.

The sum must be 1, which makes it the check: when it is off by more than 5e-7 (hundreds of equal rivals, where F is a
steep step) the panels are halved. What is left is divided out.

Everything here is added up in a fixed order (:mod:`.reproducible`), so a propensity is the same on every processor.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.errors import MalformedRequest
from marketofone.models.bandit.arm import FloatArray
from marketofone.models.bandit.normal import bounds, distribution
from marketofone.models.bandit.reproducible import LOG2, exp, fold

REACH = 7.0  # spreads; a draw lies further up once in 10^12
SURE = 1e-15  # of the mean: a smaller spread is lost in rounding when a draw is added to the mean
NARROWEST = 1e-100  # of the widest spread: smaller ones count as known, to bound the number of panels
NEVER = 2.5e-13  # the bound holds up to a factor of 4: it counts a rival among its own opponents
DECIDED = 1e-9  # below this value of F nobody wins
BEYOND = 4e-9  # so many draws at most lie beyond the end, together
FEW = 4  # rivals: with so few, narrowing costs more than it saves
SMOOTH = 16  # rivals
STRONGEST = 1_024  # rivals are enough to bound F from above
OFF = 5e-7
HALVINGS = 5
OCTAVE = 64  # parts of a factor of 2, in which the length of a mesh is measured
PARTS = exp(np.arange(OCTAVE + 1, dtype=np.float64) * (LOG2 / OCTAVE)).tolist()
PANEL = 128  # parts: as far as 16 nodes reach, where F is smooth
PANEL_OF_FEW = 48  # parts: the less rivals, the rougher is each one's part in F
FEW_PANELS = 2
# The rule of Gauss and Legendre for 16 nodes: numpy finds them by an eigenvalue routine, whose last digits vary.
_HALF_ABSCISSAE = (
    0.0950125098376374402,
    0.2816035507792589132,
    0.4580167776572273863,
    0.6178762444026437484,
    0.7554044083550030339,
    0.8656312023878317439,
    0.9445750230732325761,
    0.9894009349916499326,
)
_HALF_WEIGHTS = (
    0.1894506104550684963,
    0.1826034150449235889,
    0.1691565193950025382,
    0.1495959888165767321,
    0.1246289712555338721,
    0.0951585116824927848,
    0.0622535239386478929,
    0.0271524594117540949,
)
NODES = (np.array([*(-node for node in reversed(_HALF_ABSCISSAE)), *_HALF_ABSCISSAE]) + 1.0) / 2.0
WEIGHTS = np.array([*reversed(_HALF_WEIGHTS), *_HALF_WEIGHTS])
CELLS = 8_192  # numbers worked on at once: several panels of few rivals, one panel of many
COARSE = np.arange(16, dtype=np.float64) / 15.0
FINER = 3  # how often the step between two coarse points is halved to find an end of the range

Rows: TypeAlias = NDArray[np.intp]
_Flags: TypeAlias = NDArray[np.bool_]


class _Rivals(NamedTuple):
    """Actions that may win, by falling upper ends; means and ends are measured from the low end."""

    rows: Rows
    mean: FloatArray
    spread: FloatArray
    below: FloatArray  # minus the upper end, so that it rises and can be searched

    def mesh(self, *, top: float = math.inf) -> tuple[float, int]:
        """Give the width of the mesh near the low end, and its length in u up to the top, in parts of an octave."""
        width = 2.0 * REACH * float(self.spread.min())
        ratio = min(-float(self.below[0]), top) / width
        mantissa, octaves = math.frexp(ratio + math.sqrt(ratio * ratio + 1.0))
        return width, max(OCTAVE * (octaves - 1) + bisect_left(PARTS, 2.0 * mantissa), 1)

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
        Shape (k,), sums to 1. Absolute error below 1e-6; an action that wins less than once in 10^8 may get 0.

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
    sure = spread <= np.maximum(SURE * np.abs(mean), NARROWEST * spread.max())
    low = float((mean - REACH * spread).max())
    holder = -1
    if sure.any():
        holder = int(np.where(sure, mean, -np.inf).argmax())
        low = max(low, float(mean[holder]))
    rivals = _rivals(mean, spread, low=low, sure=sure)
    known = 0.0
    if holder >= 0 and mean[holder] >= low:  # the known score wins when every draw falls short of it
        short, _ = distribution((mean[holder] - mean[rivals.rows]) / rivals.spread)
        known = chances[holder] = float(fold(short, by=np.multiply)) if short.size else 1.0
    if rivals.rows.size:
        rivals, top = _narrow(rivals)
        chances[rivals.rows] = _integrate(rivals, top=top, known=known)
    chances /= math.fsum(chances.tolist())
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
    upper = mean + REACH * spread
    rows = np.flatnonzero((upper > low) & ~sure)
    rows = rows[np.argsort(-upper[rows], kind="stable")]
    return _Rivals(rows, mean[rows] - low, spread[rows], low - upper[rows])


def _narrow(rivals: _Rivals) -> tuple[_Rivals, float]:
    """Give those who may win, from where something is decided on, and where hardly anything is any more."""
    if rivals.rows.size <= FEW:
        return rivals, math.inf
    width, length = rivals.mesh()
    points = width * _coarse(length)
    highest, beyond = bounds((points[:, np.newaxis] - rivals.mean) / rivals.spread)
    highest = fold(highest[:, :STRONGEST].T.copy(), by=np.multiply)
    chances = beyond[0] * highest[0] + fold(beyond[:-1] * (highest[1:] - highest[:-1])[:, np.newaxis])
    low = _low(rivals, points, decided=int(highest.searchsorted(DECIDED)))
    top = _top(rivals, points, ended=fold(beyond.T.copy()) <= BEYOND)
    return rivals.above(low, kept=chances > NEVER), top - low


def _low(rivals: _Rivals, points: FloatArray, *, decided: int) -> float:
    """Give a point below which nothing is decided, just before the first of those where something is."""
    if decided == 0:
        return float(points[0])
    mean, spread = rivals.mean[:STRONGEST], rivals.spread[:STRONGEST]
    low, high = points[decided - 1 : decided + 1].tolist()
    for _ in range(FINER):
        middle = 0.5 * (low + high)
        if fold(bounds((middle - mean) / spread)[0], by=np.multiply) < DECIDED:
            low = middle
        else:
            high = middle
    return float(low)


def _top(rivals: _Rivals, points: FloatArray, *, ended: _Flags) -> float:
    """Give a point beyond which hardly any draw lies, just before the first of those of which that holds."""
    if not ended[-1] or ended[0]:
        return math.inf
    first = int(ended.argmax())
    low, high = points[first - 1 : first + 1].tolist()
    for _ in range(FINER):
        middle = 0.5 * (low + high)
        if fold(bounds((middle - rivals.mean) / rivals.spread)[1]) <= BEYOND:
            high = middle
        else:
            low = middle
    return float(high)


def _integrate(rivals: _Rivals, *, top: float, known: float) -> FloatArray:
    width, length = rivals.mesh(top=top)
    reach = PANEL if rivals.rows.size > SMOOTH else PANEL_OF_FEW
    panels = max(-(-length // reach), FEW_PANELS)
    for _ in range(HALVINGS):
        chances = _panels(rivals, width=width, length=length, panels=panels)
        if abs(known + math.fsum(chances.tolist()) - 1.0) < OFF:
            break
        panels *= 2
    return chances


def _panels(rivals: _Rivals, *, width: float, length: int, panels: int) -> FloatArray:
    starts, points, weights = _mesh(length, panels)
    chances = np.zeros(rivals.rows.size)
    together = max(1, CELLS // (NODES.size * rivals.rows.size))
    for panel in range(0, panels, together):
        alive = int(rivals.below.searchsorted(-width * starts[panel])) or 1
        nodes = slice(NODES.size * panel, NODES.size * (panel + together))
        z = width * points[nodes] - rivals.mean[:alive, np.newaxis]
        z /= rivals.spread[:alive, np.newaxis]
        below, hazard = distribution(z)
        hazard /= below
        parts = np.empty(hazard.T.shape)  # with nodes first, they are added up in one stroke
        np.multiply(hazard, fold(below, by=np.multiply) * (width * weights[nodes]), out=parts.T)
        chances[:alive] += fold(parts)
    return chances / rivals.spread


@lru_cache(maxsize=256)
def _mesh(length: int, panels: int) -> tuple[list[float], FloatArray, FloatArray]:
    """Give where panels start, and nodes and weights of all of them, for a width of 1 near the low end."""
    step = length * (LOG2 / OCTAVE) / panels
    starts, _ = _sinh(step * np.arange(panels, dtype=np.float64))
    points, slopes = _sinh(step * (np.arange(panels)[:, np.newaxis] + NODES))
    return starts.tolist(), points.ravel(), (0.5 * step * slopes * WEIGHTS).ravel()  # the rule is for a length of 2


@lru_cache(maxsize=256)
def _coarse(length: int) -> FloatArray:
    return _sinh(length * (LOG2 / OCTAVE) * COARSE)[0]


def _sinh(u: FloatArray) -> tuple[FloatArray, FloatArray]:
    grown = exp(u)
    return 0.5 * (grown - 1.0 / grown), 0.5 * (grown + 1.0 / grown)
