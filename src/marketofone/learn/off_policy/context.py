"""What was known when it was decided, as numbers: columns of text or numbers become columns of like scale.

No reward is looked at, so a column's scale may come from all rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_WORDS = 20
_LEAST_SHARE = 0.01
_TAILS = (0.01, 0.99)


def encode(columns: Sequence[Sequence[str]], *, rows: int) -> Floats:
    """Encode columns of text: float64[rows, d].

    A column that holds numbers only is cut at its 1st and 99th percentile, centred and scaled; where cells are empty, a
    column more says so. Any other column becomes one column for each of its 20 commonest words that stand in at least
    1 % of the rows. Columns that are the same everywhere are left out.

    Examples
    --------
    >>> encode([["1", "3"], ["red", "blue"]], rows=2).tolist()
    [[-1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    """
    encoded = [part for column in columns for part in _encoded(column)]
    return np.column_stack(encoded) if encoded else np.zeros((rows, 0))


def _encoded(column: Sequence[str]) -> Iterator[Floats]:
    numbers = _numbers(column)
    if numbers is None:
        yield from _words(column)
        return
    empty = np.isnan(numbers)
    if empty.all():
        return
    if empty.any():
        yield empty.astype(np.float64)
    cut = np.clip(numbers, *np.quantile(numbers[~empty], _TAILS))
    spread = float(cut[~empty].std())
    if spread > 0.0:
        yield np.where(empty, 0.0, (cut - cut[~empty].mean()) / spread)


def _numbers(column: Sequence[str]) -> Floats | None:
    try:
        numbers = np.array([float(cell) if cell else np.nan for cell in column])
    except ValueError:
        return None
    return None if np.isinf(numbers).any() else numbers


def _words(column: Sequence[str]) -> Iterator[Floats]:
    counted = Counter(column)
    common = sorted(counted, key=lambda word: (-counted[word], word))[:MOST_WORDS]
    for word in sorted(common):
        if _LEAST_SHARE * len(column) <= counted[word] < len(column):
            yield np.array([float(cell == word) for cell in column])
