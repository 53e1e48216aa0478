"""Arithmetic whose result is the same to the bit on every processor.

IEEE 754 fixes ``+ - * /`` and the square root of two numbers, so element by element arrays come out alike everywhere.
It does not fix in which order a vector unit or BLAS adds up, nor what a C library says of ``exp``. So decisions use:

1. *Sums in a fixed order*: the second half is added to the first until one is left (:func:`fold`), or fours are added
   one after another (:func:`lengths`).
2. *Factors of our own*: a covariance is kept as ``L L'``, found column by column (:func:`factors`).
3. *Functions of our own*: :func:`exp` here, the normal distribution in :mod:`.normal`.
"""

from __future__ import annotations

import math
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from marketofone.models.bandit.arm import FloatArray

Singles: TypeAlias = NDArray[np.float32]
Real = TypeVar("Real", np.float32, np.float64)

_NOTHING = 2.0**-40  # of a diagonal entry: a smaller rest is what rounding left of none
LOG2 = 0.6931471805599453
LOG2_HIGH, LOG2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10  # n times the first, of 32 bits, is exact
EXP_FACTORS = tuple(1.0 / math.factorial(power) for power in range(14, -1, -1))


def fold(values: NDArray[Real], *, by: np.ufunc = np.add) -> NDArray[Real]:
    """Add up along the first axis, or combine by another operation, in a fixed order. The values are overwritten.

    Parameters
    ----------
    values
        Shape (n, ...) with n of at least 1; scratch, for it is worked on in place.
    by
        ``np.add`` or ``np.multiply``.

    Returns
    -------
    array
        Shape (...): a view of the first of the values.

    Notes
    -----
    Source: pairwise summation (Higham 1993), whose error grows with the logarithm of n.

    Examples
    --------
    >>> fold(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])).tolist()
    [9.0, 12.0]
    """
    left = len(values)
    while left > 1:
        half = left // 2
        by(values[:half], values[left - half : left], out=values[:half])
        left -= half
    first: NDArray[Real] = values[0]
    return first


def factors(covariance: FloatArray) -> Singles:
    """Give the lower triangle L of each covariance ``L L'``, in single precision: half the room, twice the speed.

    A length ``|L' x|`` is as precise as its parts, however much smaller it is than they are in other directions: what
    single precision leaves out is one part in 10^6 of a spread. A direction in which nothing is uncertain gets zeros.

    Parameters
    ----------
    covariance
        Shape (k, d, d), symmetric; no eigenvalue is negative.

    Returns
    -------
    array
        Shape (k, d, d), zero above the diagonal.

    Notes
    -----
    Source: the outer-product form of Cholesky's factorisation (Golub and Van Loan 2013, algorithm 4.2.2), where one
    column after another is taken away from what is left.

    Examples
    --------
    >>> factors(np.array([[[4.0, 2.0], [2.0, 2.0]]])).tolist()
    [[[2.0, 0.0], [1.0, 1.0]]]
    """
    rest, found = covariance.copy(), np.zeros(covariance.shape, dtype=np.float32)
    least = np.diagonal(covariance, axis1=1, axis2=2) * _NOTHING
    for j in range(covariance.shape[-1]):
        pivot = rest[:, j, j]
        some = pivot > least[:, j]
        root = np.sqrt(np.where(some, pivot, 1.0))
        column = np.where(some[:, np.newaxis], rest[:, j:, j] / root[:, np.newaxis], 0.0)
        found[:, j:, j] = column
        rest[:, j:, j:] -= column[:, :, np.newaxis] * column[:, np.newaxis, :]
    return found


def lengths(of: Singles, contexts: FloatArray) -> FloatArray:
    """Give the squares of the lengths ``|L' x|``, each of a factor of its own and a context of its own.

    Parameters
    ----------
    of
        Shape (k, d, d), from :func:`factors`.
    contexts
        Shape (k, d). They are rounded to single precision.

    Examples
    --------
    >>> lengths(factors(np.array([[[4.0, 2.0], [2.0, 2.0]]])), np.array([[1.0, -1.0]])).tolist()
    [2.0]
    """
    parts = of * contexts.astype(np.float32)[:, :, np.newaxis]
    dim = contexts.shape[1]
    four = dim // 4 * 4
    pairs = parts[:, 0:four:2] + parts[:, 1:four:2]
    moved = np.zeros(contexts.shape, dtype=np.float32)
    for part in (*np.moveaxis(pairs[:, ::2] + pairs[:, 1::2], 1, 0), *np.moveaxis(parts[:, four:dim], 1, 0)):
        moved += part
    np.multiply(moved, moved, out=moved)
    return fold(moved.T.copy()).astype(np.float64)


def exp(power: FloatArray) -> FloatArray:
    """Give e to a power, with a relative error below 1e-15, for powers between -700 and 700.

    Notes
    -----
    Source: reduction by the logarithm of 2 in two parts (Cody and Waite 1980), then the Taylor series.

    Examples
    --------
    >>> exp(np.array([0.0, 1.0])).round(12).tolist()
    [1.0, 2.718281828459]
    """
    octaves = np.rint(power / LOG2)
    rest = (power - octaves * LOG2_HIGH) - octaves * LOG2_LOW
    series = np.zeros(power.shape)
    for factor in EXP_FACTORS:
        series = series * rest + factor
    grown: FloatArray = np.ldexp(series, octaves.astype(np.int64))
    return grown
