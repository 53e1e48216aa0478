"""Scores and propensities as compiled loops: the same numbers to the bit as the arrays of numpy, several times faster.

Each function says in loops what its namesake says in arrays (:mod:`.predict`, :mod:`.propensity`, :mod:`.normal`,
:mod:`.reproducible`), in the same order. The compiler may not move, merge or fuse operations on floating-point numbers:
it is asked for no fast mathematics, and nothing of the C library's mathematics is called.

What was compiled is kept beside this file, or in the user's cache, under the file's time stamp. Constants that are
imported here are compiled in: when one of them changes, touch this file. Only :mod:`.kernel` loads it; it needs numba.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketofone.models.bandit import propensity as of
from marketofone.models.bandit.arm import FloatArray
from marketofone.models.bandit.loop_sums import compiled, exact_sum, fold_both, fold_product, fold_rows, fold_sum
from marketofone.models.bandit.normal import END, LAST, PER_UNIT, WIDTH
from marketofone.models.bandit.predict import LEAST_CHANCE, MOST_CHANCE
from marketofone.models.bandit.propensity import Rows
from marketofone.models.bandit.reproducible import EXP_FACTORS, LOG2, LOG2_HIGH, LOG2_LOW, Singles

Work: TypeAlias = tuple[NDArray[np.int32], FloatArray, FloatArray, FloatArray]

_REACH, _OCTAVE, _NODES, _WEIGHTS = of.REACH, of.OCTAVE, of.NODES, of.WEIGHTS
_COARSE, _PARTS, _FACTORS = of.COARSE, np.array(of.PARTS), np.array(EXP_FACTORS)
_STEP = LOG2 / _OCTAVE


@compiled
def sinh(powers: FloatArray, slopes: FloatArray) -> None:
    """Put the hyperbolic sine in the place of each power, and the cosine beside it."""
    octaves, rests, grown = np.empty(powers.size), np.empty(powers.size), np.zeros(powers.size)
    for i in range(powers.size):
        octaves[i] = np.rint(powers[i] / LOG2)
        rests[i] = (powers[i] - octaves[i] * LOG2_HIGH) - octaves[i] * LOG2_LOW
    for factor in _FACTORS:
        for i in range(powers.size):
            grown[i] = grown[i] * rests[i] + factor
    for i in range(powers.size):
        e = math.ldexp(grown[i], int(octaves[i]))
        powers[i], slopes[i] = 0.5 * (e - 1.0 / e), 0.5 * (e + 1.0 / e)


@compiled
def lengths(of: Singles, context: Singles, moved: Singles) -> None:
    """Put the squares into ``moved`` (d) of which the length of a factor times a context is made."""
    dim, none = context.size, np.float32(0.0)
    four = dim // 4 * 4
    for i in range(dim):
        moved[i] = none
    for j in range(0, four, 4):
        a, b, c, d = context[j], context[j + 1], context[j + 2], context[j + 3]
        first, second, third, fourth = of[j], of[j + 1], of[j + 2], of[j + 3]
        for i in range(dim):
            moved[i] += (first[i] * a + second[i] * b) + (third[i] * c + fourth[i] * d)
    for j in range(four, dim):
        a, first = context[j], of[j]
        for i in range(dim):
            moved[i] += first[i] * a
    for i in range(dim):
        moved[i] *= moved[i]


@compiled
def lines(
    chances: FloatArray,
    chance_factors: Singles,
    worths: FloatArray,
    worth_factors: Singles,
    rows: Rows,
    contexts: FloatArray,
) -> FloatArray:
    """Give means and variances of both lines of rows, each in its own context, shape (4, rows)."""
    dim = contexts.shape[1]
    told, context = np.empty((4, rows.size)), np.empty(dim, dtype=np.float32)
    p, v, p_moved, v_moved = np.empty(dim), np.empty(dim), np.empty(dim, np.float32), np.empty(dim, np.float32)
    for place in range(rows.size):
        row, given = rows[place], contexts[place]
        chance, worth = chances[row], worths[row]
        for j in range(dim):
            context[j], p[j], v[j] = given[j], chance[j] * given[j], worth[j] * given[j]
        lengths(chance_factors[row], context, p_moved)
        lengths(worth_factors[row], context, v_moved)
        told[0, place], told[1, place] = fold_both(p, v, dim)
        told[2, place], told[3, place] = fold_both(p_moved, v_moved, dim)
    return told


@compiled
def combine(
    told: FloatArray,
    count: int,
    costs: FloatArray,
    factors: FloatArray,
    leanings: FloatArray,
    benefit: float,
    drawn: float,
) -> None:
    """Put scores in the place of what both lines of actions say, column by column; see :func:`.predict.combined`.

    In ``leanings`` stand what is kept of a chance and of a worth, and what is added to them.
    """
    for a in range(count):
        chance, p_spread = told[0, a], math.sqrt(told[2, a]) * factors[a] * leanings[0, a]
        p = min(min(max(chance, LEAST_CHANCE), MOST_CHANCE) * factors[a], MOST_CHANCE) * leanings[0, a] + leanings[2, a]
        v, v_spread = told[1, a] * leanings[1, a] + leanings[3, a], math.sqrt(told[3, a]) * leanings[1, a]
        first, second, third = p * v_spread, v * p_spread, p_spread * v_spread
        spread = math.sqrt(first * first + second * second + third * third)
        doubt = benefit * spread
        told[0, a] = p * v - costs[a] + doubt
        told[1, a] = drawn * spread
        told[2, a] = p
        told[3, a] = doubt


@compiled
def score(  # noqa: PLR0913, PLR0917 - compiled functions take arrays, and no names
    chances: FloatArray,
    chance_factors: Singles,
    worths: FloatArray,
    worth_factors: Singles,
    costs: FloatArray,
    rows: Rows,
    contexts: FloatArray,
    factor: float,
    kept: FloatArray,
    added: FloatArray,
    benefit: float,
    drawn: float,
) -> FloatArray:
    """Score rows, each in its own context: means, spreads, chances and doubts, shape (4, rows)."""
    scores = lines(chances, chance_factors, worths, worth_factors, rows, contexts)
    leanings = np.empty(scores.shape)
    for place in range(rows.size):
        for head in range(2):
            leanings[head, place], leanings[2 + head, place] = kept[head, rows[place]], added[head, rows[place]]
    combine(scores, rows.size, costs[rows], np.full(rows.size, factor), leanings, benefit, drawn)
    return scores


@compiled
def distribution(  # noqa: PLR0913, PLR0917
    at: float,
    mean: FloatArray,
    spread: FloatArray,
    below: FloatArray,
    density: FloatArray,
    work: Work,
    hazards: FloatArray,
    alive: int,
) -> float:
    """Give the product of the distribution functions at one point, and how each density compares with its own.

    It goes in steps of one kind, for vector units.
    """
    places, bends, curves, falls = work
    for a in range(alive):
        z = (at - mean[a]) / spread[a]
        z = max(min(z, END), -END)
        near = np.rint(z * PER_UNIT)
        places[a] = np.int32(near)
        near *= WIDTH
        z -= near
        near *= z
        square = z * z
        curve = (near * near - square) * (1.0 / 6.0)
        bends[a] = ((near * -0.5 + curve) + 1.0) * z
        curves[a] = (curve * 3.0 - near) + 1.0
    for a in range(alive):
        place = np.uint32(places[a] + np.int32(LAST))
        falls[a] = below[place] + bends[a] * density[place]
        hazards[a] = density[place] * curves[a]
    for a in range(alive):
        hazards[a] /= falls[a]
    return fold_product(falls, alive)


@compiled
def workplace(rivals: int) -> Work:
    """Give scratch for :func:`distribution`."""
    return np.empty(rivals, dtype=np.int32), np.empty(rivals), np.empty(rivals), np.empty(rivals)


@compiled
def quantile(share: FloatArray, lower: FloatArray, density: FloatArray, inverse: FloatArray) -> FloatArray:
    """Give the normal draw of each share."""
    draws = np.empty(share.size)
    for i in range(share.size):
        tail = min(share[i], 1.0 - share[i])
        place = max(int(np.searchsorted(lower, tail, side="right")) - 1, 0)
        step = max(tail - lower[place], 0.0) / density[place]
        draw = 0.0
        for power in range(inverse.shape[0]):
            draw = draw * step + inverse[power, place]
        draws[i] = -draw if share[i] > 1.0 - share[i] else draw
    return draws


@compiled
def mesh(low_spread: float, highest: float) -> tuple[float, int]:
    """Give the width of the mesh near the low end, and its length in parts of an octave."""
    width = 2.0 * _REACH * low_spread
    ratio = highest / width
    mantissa, octaves = math.frexp(ratio + math.sqrt(ratio * ratio + 1.0))
    return width, max(_OCTAVE * (octaves - 1) + int(np.searchsorted(_PARTS, 2.0 * mantissa)), 1)


@compiled
def cells(at: float, mean: FloatArray, spread: FloatArray, places: NDArray[np.int32]) -> None:
    """Put the cell of the table into its place in which a point lies, as each of some rivals sees it."""
    for a in range(mean.size):
        cell = np.floor((at - mean[a]) / spread[a] * PER_UNIT)
        places[a] = np.int32(max(min(cell, LAST - 1.0), -float(LAST)))


@compiled
def fallen(below: FloatArray, places: NDArray[np.int32], products: FloatArray) -> float:
    """Bound from above how likely it is that as many rivals as ``products`` has places draw less."""
    for a in range(products.size):
        products[a] = below[np.uint32(places[a] + np.int32(LAST + 1))]
    return fold_product(products, products.size)


@compiled
def beyond_it(below: FloatArray, places: NDArray[np.int32], each: FloatArray) -> None:
    """Bound from above how likely each rival draws more."""
    for a in range(each.size):
        each[a] = below[np.uint32(np.int32(LAST) - places[a])]


@compiled
def ends_of(
    mean: FloatArray, spread: FloatArray, below: FloatArray, at: FloatArray, highest: FloatArray, beyond: FloatArray
) -> tuple[float, float]:
    """Give how far the low end moves up, and where the range ends."""
    points, strongest, work = at.size, min(mean.size, of.STRONGEST), np.empty(mean.size)
    places = np.empty(mean.size, dtype=np.int32)
    decided = int(np.searchsorted(highest, of.DECIDED))
    low = at[max(decided - 1, 0)]
    if decided > 0:
        high = at[decided]
        for _ in range(of.FINER):
            middle = 0.5 * (low + high)
            cells(middle, mean[:strongest], spread[:strongest], places)
            if fallen(below, places, work[:strongest]) < of.DECIDED:
                low = middle
            else:
                high = middle
    first = points
    while first > 0:
        work[:] = beyond[first - 1]
        if not fold_sum(work, mean.size) <= of.BEYOND:
            break
        first -= 1
    if first == 0 or first == points:  # noqa: PLR1714 - compiled loops know no sets of numbers
        return low, np.inf
    before, top = at[first - 1], at[first]
    for _ in range(of.FINER):
        middle = 0.5 * (before + top)
        cells(middle, mean, spread, places)
        beyond_it(below, places, work)
        if fold_sum(work, mean.size) <= of.BEYOND:
            top = middle
        else:
            before = middle
    return low, top


@compiled
def narrow(
    mean: FloatArray, spread: FloatArray, ends: FloatArray, below: FloatArray
) -> tuple[float, float, FloatArray]:
    """Give how far the low end moves up, where the range ends, and the bound of each rival's chance."""
    rivals, points = mean.size, _COARSE.size
    width, length = mesh(spread.min(), -ends[0])
    strongest, places = min(rivals, of.STRONGEST), np.empty(rivals, dtype=np.int32)
    at, highest, products = np.empty(points), np.empty(points), np.empty(strongest)
    beyond, at[:] = np.empty((points, rivals)), length * _STEP * _COARSE
    sinh(at, np.empty(points))
    for t in range(points):
        at[t] *= width
        cells(at[t], mean, spread, places)
        beyond_it(below, places, beyond[t])
        highest[t] = fallen(below, places, products)
    low, top = ends_of(mean, spread, below, at, highest, beyond)
    chances = beyond[0] * highest[0]
    for t in range(points - 1):
        beyond[t] *= highest[t + 1] - highest[t]
    fold_rows(beyond, points - 1, rivals)
    chances += beyond[0]
    return low, top, chances


@compiled
def panels(  # noqa: PLR0913, PLR0917
    mean: FloatArray,
    spread: FloatArray,
    ends: FloatArray,
    below: FloatArray,
    density: FloatArray,
    width: float,
    length: int,
    count: int,
) -> FloatArray:
    """Integrate over so many panels."""
    rivals, nodes = mean.size, _NODES.size
    together = max(1, of.CELLS // (nodes * rivals))
    step = length * _STEP / count
    chances, work = np.zeros(rivals), workplace(rivals)
    at, slopes, hazards = (
        np.empty(nodes * together + 1),
        np.empty(nodes * together + 1),
        np.empty((nodes * together, rivals)),
    )
    for first in range(0, count, together):
        used = nodes * (min(first + together, count) - first)
        for n in range(used):
            at[n] = step * ((first + n // nodes) + _NODES[n % nodes])
        at[used] = step * first
        sinh(at[: used + 1], slopes)
        alive = max(int(np.searchsorted(ends, -width * at[used])), 1)
        for n in range(used):
            fell = distribution(width * at[n], mean, spread, below, density, work, hazards[n], alive)
            fell *= width * (0.5 * step * slopes[n] * _WEIGHTS[n % nodes])
            for a in range(alive):
                hazards[n, a] *= fell
        fold_rows(hazards, used, alive)
        chances[:alive] += hazards[0, :alive]
    return chances / spread


@compiled
def integrate(
    mean: FloatArray,
    spread: FloatArray,
    ends: FloatArray,
    below: FloatArray,
    density: FloatArray,
    top: float,
    known: float,
) -> FloatArray:
    """Give the chances of rivals; with more panels while the sum is no 1."""
    width, length = mesh(spread.min(), min(-ends[0], top))
    reach = of.PANEL if mean.size > of.SMOOTH else of.PANEL_OF_FEW
    count = max(-(-length // reach), of.FEW_PANELS)
    chances = np.zeros(mean.size)
    for _ in range(of.HALVINGS):
        chances = panels(mean, spread, ends, below, density, width, length, count)
        if abs(known + exact_sum(chances) - 1.0) < of.OFF:
            break
        count *= 2
    return chances


@compiled
def propensities(mean: FloatArray, spread: FloatArray, below: FloatArray, density: FloatArray) -> FloatArray:
    """Give the probability that each action's draw is the highest; nothing where a number is none."""
    if not (math.isfinite(mean.sum() + spread.sum()) and spread.min() >= 0.0):
        return np.empty(0)
    chances, widest = np.zeros(mean.size), spread.max()
    low = (mean - _REACH * spread).max()
    sure = np.empty(mean.size, dtype=np.bool_)
    holder = -1
    for i in range(mean.size):
        sure[i] = spread[i] <= max(of.SURE * abs(mean[i]), of.NARROWEST * widest)
        if sure[i] and (holder < 0 or mean[i] > mean[holder]):
            holder = i
    if holder >= 0:
        low = max(low, mean[holder])
    upper = mean + _REACH * spread
    rows = np.flatnonzero((upper > low) & ~sure)
    rows = rows[np.argsort(-upper[rows], kind="mergesort")]
    means, spreads, ends = mean[rows] - low, spread[rows], low - upper[rows]
    known = 0.0
    if holder >= 0 and mean[holder] >= low:  # the known score wins when every draw falls short of it
        beside, work, known = np.empty(rows.size), workplace(rows.size), 1.0
        if rows.size:
            known = distribution(mean[holder], mean[rows], spread[rows], below, density, work, beside, rows.size)
        chances[holder] = known
    top = np.inf
    if rows.size > of.FEW:
        further, top, bounds = narrow(means, spreads, ends, below)
        top -= further
        kept = np.flatnonzero((bounds > of.NEVER) & (ends < -further))
        rows, means, spreads, ends = rows[kept], means[kept] - further, spreads[kept], ends[kept] + further
    if rows.size:
        chances[rows] = integrate(means, spreads, ends, below, density, top, known)
    return chances / exact_sum(chances)
