"""Ways to recommend from who holds what: ours, what it replaced, and the usual peers.

Each has settings to choose from. What is learned once (counts, similarities) serves all settings of a method.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketofone.models.recommend.co_counts import count
from marketofone.models.recommend.ease import Regularisation, weights_of

Floats: TypeAlias = NDArray[np.float32]
Held: TypeAlias = NDArray[np.bool_]
"""Who (row) holds what (column)."""
Setting: TypeAlias = Mapping[str, float]
Scores: TypeAlias = Callable[[Setting], Floats]
"""Gives under a setting how much speaks for each item, for each person learned from."""


@dataclass(frozen=True)
class Recommender:
    """A way to recommend, and the settings among which a validation chooses; the first is taken without one."""

    name: str
    settings: Sequence[Setting]
    learn: Callable[[Held], Scores]


def item_weights(held: Held) -> Callable[[Setting], Floats]:
    """Count, then give our own weights of all items under a setting; of an item that no person holds they are 0."""
    names = [f"{number:09d}" for number in range(held.shape[1])]
    counts = count([frozenset(names[place] for place in np.flatnonzero(row)) for row in held])
    places = [int(name) for name in counts.products]

    def under(setting: Setting) -> Floats:
        rule = Regularisation(shrink=setting["shrink"], strength=setting["strength"], order=int(setting["order"]))
        weights = np.zeros((held.shape[1], held.shape[1]), dtype=np.float32)
        weights[np.ix_(places, places)] = weights_of(counts, rule, invert=_quickly)
        return weights

    return under


def _quickly(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """Invert in any order: a score needs no bytes, and a log may have thousands of items."""
    return np.asarray(np.linalg.inv(gram), dtype=np.float64)


def _ours(held: Held) -> Scores:
    weights = item_weights(held)
    return lambda setting: held.astype(np.float32) @ weights(setting)


def _popularity(held: Held) -> Scores:
    popular = np.broadcast_to(held.sum(axis=0, dtype=np.float32), held.shape)
    return lambda _: popular


def _cosine(held: Held, *, shrink: float) -> Floats:
    """Give the cosine of the holders of each pair of items, shape (items, items), 0 of an item with itself."""
    numbers = held.astype(np.float32)
    together = numbers.T @ numbers
    roots = np.sqrt(together.diagonal())
    cosine = together / np.maximum(np.multiply.outer(roots, roots) + shrink, 1.0)
    np.fill_diagonal(cosine, 0.0)
    return np.asarray(cosine)


def _noisy_or(held: Held) -> Scores:
    doubts = np.log1p(-np.minimum(_cosine(held, shrink=20.0), 0.999))
    return lambda _: np.asarray(-(held.astype(np.float32) @ doubts))


def _nearest(held: Held) -> Scores:
    cosine = _cosine(held, shrink=0.0)

    def under(setting: Setting) -> Floats:
        kept = min(int(setting["nearest"]), len(cosine))
        least = -np.partition(-cosine, kept - 1, axis=0)[kept - 1]
        return np.asarray(held.astype(np.float32) @ np.where(cosine >= least, cosine, np.float32(0.0)))

    return under


def _factors(held: Held) -> Scores:
    from implicit.als import AlternatingLeastSquares  # noqa: PLC0415 - a peer that may be missing
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - only here

    rows: Any = csr_matrix(held.astype(np.float32))

    def under(setting: Setting) -> Floats:
        model = AlternatingLeastSquares(
            factors=int(setting["factors"]),
            alpha=setting["alpha"],
            regularization=setting["regularisation"],
            random_state=7,
            num_threads=1,
        )
        model.fit(rows, show_progress=False)
        return np.asarray(model.user_factors @ model.item_factors.T, dtype=np.float32)

    return under


def _settings(names: Sequence[str], *values: Sequence[float]) -> list[Setting]:
    return [dict(zip(names, each, strict=True)) for each in values]


_PLAIN = ((20, 1, 1), (20, 0.3, 1), (20, 5, 1), (20, 8, 1))
_SHARP = ((20, 1, 2), (20, 3, 2), (20, 4, 2), (20, 2.5, 4), (20, 3, 4), (20, 4, 4), (40, 2.5, 4), (40, 3, 4))
OURS = Recommender("marketofone", _settings(("shrink", "strength", "order"), *_PLAIN, *_SHARP), _ours)
POPULARITY = Recommender("popularity", [{}], _popularity)
_ALS = ((32, 2, 20), (32, 2, 10), (32, 1, 10), (24, 2, 20), (48, 2, 20))
PEERS = (
    POPULARITY,
    Recommender("cosine, noisy or (what was before)", [{}], _noisy_or),
    Recommender("item-kNN, cosine", _settings(("nearest",), (50,), (20,), (100,), (200,)), _nearest),
    Recommender("implicit ALS", _settings(("factors", "alpha", "regularisation"), *_ALS), _factors),
)


def present(recommenders: Sequence[Recommender]) -> list[Recommender]:
    """Leave out the peer whose library is not installed."""
    return [one for one in recommenders if one.learn is not _factors or find_spec("implicit") is not None]
