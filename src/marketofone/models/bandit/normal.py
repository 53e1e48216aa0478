"""The normal distribution as decisions need it: fast, and the same to the bit on every processor.

Its distribution function P and density p are kept at every 256th between -8 and 8. Between these, with d the distance
to the nearest kept place c,

    P(c + d) = P(c) + p(c) d (1 - cd/2 + ((cd)^2 - d^2)/6 - ...)

so each value costs two look-ups and a few multiplications. The table is made once, of our own ``exp``.
"""

from __future__ import annotations

import math
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from marketofone.models.bandit.arm import FloatArray
from marketofone.models.bandit.reproducible import exp

END = 8.0
"""Beyond it nothing is distinguished: a draw lies there once in 10^15."""
PER_UNIT = 256
LAST = int(END) * PER_UNIT
WIDTH = 1.0 / PER_UNIT
_BEYOND = 6.22096057427178e-16  # the distribution function at -8


def _density(z: FloatArray) -> FloatArray:
    return exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)


def _tables() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give places from -8 to 8, the distribution function and the density there; one cell after another is added."""
    places = np.arange(-LAST, 1, dtype=np.float64) * WIDTH
    middle = places[:-1] + 0.5 * WIDTH
    square = middle * middle
    bend = (square - 1.0) * (WIDTH**2 / 24.0) + ((square - 6.0) * square + 3.0) * (WIDTH**4 / 1920.0)
    cells = WIDTH * _density(middle) * (1.0 + bend)
    lower = np.array([*accumulate(cells.tolist(), initial=_BEYOND)])
    lower[-1] = 0.5
    below, density = np.concatenate([lower, 1.0 - lower[-2::-1]]), _density(np.concatenate([places, -places[-2::-1]]))
    below[-1], density[-1] = 1.0, 0.0  # what is constant further up must not add up to anything
    return np.concatenate([places, -places[-2::-1]]), below, density


_PLACES, BELOW, DENSITY = _tables()
_AROUND_BELOW, _AROUND_DENSITY = (np.roll(table, -LAST) for table in (BELOW, DENSITY))  # -1 is the last
_AT_MOST = np.roll(BELOW, -LAST - 1)  # the distribution function one place further
_BEHIND = np.roll(BELOW[::-1], -LAST)  # what lies above a place
LOWER = BELOW[: LAST + 1]


def distribution(z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give the standard normal distribution function and density.

    Parameters
    ----------
    z
        Of any shape but (). Beyond 8 on either side it counts as 8. It is overwritten.

    Returns
    -------
    tuple of arrays
        Of that shape, with absolute errors below 1e-12 and 1e-9; the first is never 0.

    Examples
    --------
    >>> [part.round(6).tolist() for part in distribution(np.array([1.0]))]
    [[0.841345], [0.241971]]
    """
    np.minimum(z, END, out=z)
    np.maximum(z, -END, out=z)
    near = z * PER_UNIT
    np.rint(near, out=near)
    place = near.astype(np.intp)
    near *= WIDTH
    z -= near  # the distance d
    near *= z  # cd
    curve = near * near
    bend = z * z
    curve -= bend
    curve *= 1.0 / 6.0
    np.multiply(near, -0.5, out=bend)
    bend += curve
    bend += 1.0
    bend *= z
    density = _AROUND_DENSITY.take(place)
    bend *= density
    below = _AROUND_BELOW.take(place)
    below += bend
    curve *= 3.0
    curve -= near
    curve += 1.0
    density *= curve
    return below, density


def bounds(z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give the least kept numbers that the distribution function, and what it lacks to 1, do not exceed.

    Both are too large by 0.002 at most, and by a part of 0.03; ``z`` counts as in :func:`distribution`.

    Examples
    --------
    >>> [part.round(3).tolist() for part in bounds(np.array([0.001]))]
    [[0.502], [0.5]]
    """
    place = _cell(z)
    return _AT_MOST.take(place), _BEHIND.take(place)


def _cell(z: FloatArray) -> NDArray[np.intp]:
    z *= PER_UNIT
    np.floor(z, out=z)
    np.minimum(z, LAST - 1.0, out=z)
    np.maximum(z, -float(LAST), out=z)
    return z.astype(np.intp)


def quantile(share: FloatArray) -> FloatArray:
    """Give the number below which a share of the normal distribution lies: normal draws, from uniform ones.

    Parameters
    ----------
    share
        Shape (k,), between 0 and 1.

    Returns
    -------
    array
        Shape (k,), between -8 and 8, with an error below 1e-9.

    Notes
    -----
    Source: the series of the inverse function around the nearest kept place below (Steinbrecher and Shaw 2008, eq. 6).

    Examples
    --------
    >>> quantile(np.array([0.5, 0.975, 0.0])).round(6).tolist()
    [0.0, 1.959964, -8.0]
    """
    tail, upper = np.minimum(share, 1.0 - share), share > 1.0 - share
    place = np.maximum(LOWER.searchsorted(tail, side="right") - 1, 0)
    step = np.maximum(tail - LOWER[place], 0.0) / DENSITY[place]
    lower = np.zeros(share.shape)
    for factor in INVERSE.take(place, axis=1):
        lower *= step
        lower += factor
    return np.where(upper, -lower, lower)


def _inverse(c: FloatArray) -> FloatArray:
    """Give the factors of the series of the inverse function around places, the highest power first."""
    square = c * c
    fifth = ((24.0 * square + 46.0) * square + 7.0) / 120.0
    return np.stack([fifth, c * (6.0 * square + 7.0) / 24.0, (2.0 * square + 1.0) / 6.0, 0.5 * c, np.ones(c.shape), c])


INVERSE = _inverse(_PLACES[: LAST + 1])
