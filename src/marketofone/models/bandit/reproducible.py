"""Arithmetic whose result is the same to the bit on every processor.

IEEE 754 fixes ``+ - * /`` and the square root of two numbers, so element by element arrays come out alike everywhere.
It does not fix in which order a vector unit or BLAS adds up, nor what a C library says of ``exp``. So decisions use:

1. *Sums in a fixed order*: the second half is added to the first until one is left (:func:`fold`).
2. *Sums without rounding*: on a grid so coarse that every product and every partial sum is a whole number of steps
   below 2^53, no order makes a difference, and BLAS may choose (:func:`exact_products`).
3. *Functions of our own*: :func:`exp` here, the normal distribution in :mod:`.normal`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marketofone.models.bandit.arm import FloatArray

_MANTISSA = 53  # bits in which a number is kept exactly
CONTEXT_BITS, CONTEXT_END = 22, 2.0
_LEAST_EXPONENT = -400  # of a matrix: smaller ones count as 0, for the product of two steps must not vanish
LOG2 = 0.6931471805599453
LOG2_HIGH, LOG2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10  # n times the first, of 32 bits, is exact
EXP_FACTORS = tuple(1.0 / math.factorial(power) for power in range(14, -1, -1))


def fold(values: FloatArray, *, by: np.ufunc = np.add) -> FloatArray:
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
    first: FloatArray = values[0]
    return first


def on_grid(matrices: FloatArray) -> FloatArray:
    """Round symmetric matrices so that :func:`exact_products` of them is exact; shape (k, d, d).

    Each is rounded to a step of its own, a power of two: its largest entry holds some 2^26 of them where d is 32.

    Examples
    --------
    >>> on_grid(np.array([[[1.0, 0.25], [0.25, 1e-10]]])).tolist()
    [[[1.0, 0.25], [0.25, 0.0]]]
    """
    step = _steps(matrices, finer=0)[..., np.newaxis, np.newaxis]
    rounded: FloatArray = np.rint(matrices / step) * step
    return rounded


def whole_numbers(matrices: FloatArray) -> tuple[NDArray[np.int32], FloatArray]:
    """Give matrices from :func:`on_grid` of 3 dimensions or more as whole numbers, and the step of each.

    They take half the room. The largest entry may have been rounded up to a power of two: so the step is half of its
    own, or the same.

    Examples
    --------
    >>> numbers, steps = whole_numbers(on_grid(np.diag([1.0, 0.25, 0.5])[np.newaxis]))
    >>> (numbers * steps).tolist()
    [[[1.0, 0.0, 0.0], [0.0, 0.25, 0.0], [0.0, 0.0, 0.5]]]
    """
    steps = _steps(matrices, finer=1)
    return (matrices / steps[:, np.newaxis, np.newaxis]).astype(np.int32), steps


def _steps(matrices: FloatArray, *, finer: int) -> FloatArray:
    bits = _MANTISSA - CONTEXT_BITS - (matrices.shape[-1] - 1).bit_length() + finer
    _, exponent = np.frexp(np.abs(matrices).max(axis=(-1, -2), initial=0.0))
    steps: FloatArray = np.ldexp(1.0, np.maximum(exponent, _LEAST_EXPONENT) - bits)
    return steps


def exact_products(matrices: FloatArray, contexts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Multiply each matrix by its context, without any rounding on the way.

    Parameters
    ----------
    matrices
        Shape (k, d, d), from :func:`on_grid`.
    contexts
        Shape (k, d). They are rounded to 2^-21, or to 22 bits of a row's largest entry where that is 2 or more.

    Returns
    -------
    tuple of arrays
        The products and the contexts as rounded, each of shape (k, d).

    Notes
    -----
    Source: the splitting of factors by Ozaki, Ogita, Oishi and Rump (2012), of which one part is kept.

    Examples
    --------
    >>> exact_products(np.array([[[2.0, 1.0], [1.0, 4.0]]]), np.array([[1.0, 0.25]]))[0].tolist()
    [[2.25, 2.0]]
    """
    step: FloatArray | float = CONTEXT_END / 2**CONTEXT_BITS
    if not np.abs(contexts).max(initial=0.0) < CONTEXT_END:  # each row by itself: nothing depends on who stands beside
        _, exponent = np.frexp(np.abs(contexts).max(axis=1))
        step = np.ldexp(1.0, np.maximum(exponent, 1) - CONTEXT_BITS)[:, np.newaxis]
    rounded: FloatArray = contexts / step
    np.rint(rounded, out=rounded)
    rounded *= step
    return np.matmul(matrices, rounded[:, :, np.newaxis])[:, :, 0], rounded


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
