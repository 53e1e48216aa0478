"""Compiled sums: in the order of :func:`.reproducible.fold`, and without any rounding but the last.

:mod:`.loops` compiles them in: when something changes here, touch that file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

from marketofone.models.bandit.arm import FloatArray
from marketofone.models.bandit.reproducible import Real

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function, keep what was compiled, and let other threads run meanwhile."""
    made: Callable[P, R] = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return made


@compiled
def fold_both(values: NDArray[Real], others: NDArray[Real], left: int) -> tuple[Real, Real]:
    """Add two rows up in the order of :func:`.reproducible.fold`; they are overwritten."""
    while left > 1:
        half = left // 2
        for i in range(half):
            values[i] += values[left - half + i]
            others[i] += others[left - half + i]
        left -= half
    return values[0], others[0]


@compiled
def fold_product(values: FloatArray, left: int) -> float:
    """Multiply what stands first in a row in the same order; it is overwritten."""
    while left > 1:
        half = left // 2
        for i in range(half):
            values[i] *= values[left - half + i]
        left -= half
    return values[0]  # type: ignore[no-any-return]


@compiled
def fold_sum(values: FloatArray, left: int) -> float:
    """Add up what stands first in a row in the same order; it is overwritten."""
    while left > 1:
        half = left // 2
        for i in range(half):
            values[i] += values[left - half + i]
        left -= half
    return values[0]  # type: ignore[no-any-return]


@compiled
def fold_rows(values: NDArray[Real], left: int, columns: int) -> None:
    """Add rows up in the same order, column by column, into the first row."""
    while left > 1:
        half = left // 2
        for i in range(half):
            into, more = values[i], values[left - half + i]
            for j in range(columns):
                into[j] += more[j]
        left -= half


@compiled
def exact_sum(values: FloatArray) -> float:
    """Add up without any rounding but the last, as ``math.fsum`` does (Shewchuk 1997)."""
    partials, n = np.empty(values.size + 1), 0
    for value in values:
        x, kept = value, 0
        for i in range(n):
            y = partials[i]
            if abs(x) < abs(y):
                x, y = y, x
            high = x + y
            low = y - (high - x)
            if low != 0.0:
                partials[kept] = low
                kept += 1
            x = high
        partials[kept] = x
        n = kept + 1
    n -= 1
    high, low = partials[n], 0.0
    while n > 0:
        n -= 1
        x, y = high, partials[n]
        high = x + y
        low = y - (high - x)
        if low != 0.0:
            break
    if n > 0 and (
        (low < 0.0 and partials[n - 1] < 0.0) or (low > 0.0 and partials[n - 1] > 0.0)
    ):  # half a unit, and more
        twice = 2.0 * low
        beyond = high + twice
        if beyond - high == twice:
            high = beyond
    return high  # type: ignore[no-any-return]
