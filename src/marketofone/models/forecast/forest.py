"""A forest that finds the past situations most like a present one, and gives what followed them.

Extremely randomised trees are grown over the inputs of past situations so that those in one leaf went on alike. What is
kept of each leaf is a few of its situations: together the leaves of all trees give equally likely continuations. So one
forest answers every question about the future, and its answers cannot contradict each other.

The trees are kept as plain arrays: the same bytes are read on every machine, whatever grew them.

Source
------
Geurts, Ernst and Wehenkel (2006), "Extremely randomized trees"; Meinshausen (2006), "Quantile regression forests".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

LEAF = np.uint8(255)
_MOST_INPUTS = 255
_TOGETHER = 4  # trees that are grown at once


class Forest(Struct, frozen=True):
    """Grown trees, one after the other.

    Shapes
    ------
    roots : int32[trees]
    inputs : uint8[nodes]
        Which input a node asks about; 255 in a leaf.
    limits : float32[nodes]
        Up to this value it goes on with ``next``, above it with the node after that.
    next : int32[nodes]
        In a leaf the row of ``members``.
    members : uint16 or int32[leaves, kept]
        Situations of each leaf.
    """

    trees: int
    kept: int
    roots: bytes
    inputs: bytes
    limits: bytes
    next: bytes
    members: bytes

    def alike(self, rows: NDArray[np.float32]) -> NDArray[np.int64]:
        """Give for each row the past situations most like it, ``trees * kept`` of them, some more than once.

        Shapes
        ------
        rows : float32[n, inputs]
        result : int64[n, trees * kept]
        """
        inputs, limits = np.frombuffer(self.inputs, np.uint8), np.frombuffer(self.limits, np.float32)
        following = np.frombuffer(self.next, np.int32)
        node = np.tile(np.frombuffer(self.roots, np.int32), (len(rows), 1))
        of = np.arange(len(rows))[:, None]
        while True:
            asked = inputs[node]
            inner = asked != LEAF
            if not inner.any():
                break
            above = rows[of, np.where(inner, asked, 0)] > limits[node]
            node = np.where(inner, following[node] + above, node)
        members = np.frombuffer(self.members, np.int32).reshape(-1, self.kept)
        return members[following[node]].reshape(len(rows), -1).astype(np.int64)


def grow(
    rows: NDArray[np.float32], aims: NDArray[np.float64], *, trees: int, leaf: int, kept: int, seed: int
) -> Forest:
    """Grow a forest.

    Parameters
    ----------
    rows, aims
        Inputs and what followed, one row per situation; shapes ``(n, inputs)`` and ``(n, outputs)``.
    leaf
        The fewest situations in a leaf.
    kept
        How many situations of each leaf are kept.

    Examples
    --------
    >>> rows = np.arange(100, dtype=np.float32)[:, None]
    >>> forest = grow(rows, rows.astype(float), trees=20, leaf=2, kept=2, seed=7)
    >>> near = forest.alike(rows[50:51])
    >>> near.shape, bool(abs(near.mean() - 50) < 3)
    ((1, 40), True)
    """
    from sklearn.ensemble import ExtraTreesRegressor  # noqa: PLC0415 - a second to load, and only learning needs it

    if rows.shape[1] > _MOST_INPUTS:
        raise ValueError(f"a forest takes at most {_MOST_INPUTS} inputs")
    rng, seeds = np.random.default_rng(seed), np.random.RandomState(seed)
    nodes: list[tuple[NDArray[np.generic], ...]] = []
    roots, at, leaves = [], 0, 0
    for start in range(0, trees, _TOGETHER):  # a grown tree holds fifty times of what is kept of it
        some = min(_TOGETHER, trees - start)
        grown = ExtraTreesRegressor(some, min_samples_leaf=leaf, max_features=0.7, n_jobs=-1, random_state=seeds)
        for tree in grown.fit(rows, aims).estimators_:
            flat = _flat(tree.tree_, tree.apply(rows), kept=kept, rng=rng)
            inputs, limits, following, members = flat
            is_leaf = inputs == LEAF
            following[is_leaf] += leaves
            following[~is_leaf] += at
            roots.append(at)
            at, leaves = at + len(inputs), leaves + len(members)
            nodes.append(flat)
    inputs, limits, following, members = (np.concatenate(part) for part in zip(*nodes, strict=True))
    return Forest(
        trees=trees,
        kept=kept,
        roots=np.array(roots, np.int32).tobytes(),
        inputs=inputs.astype(np.uint8).tobytes(),
        limits=limits.astype(np.float32).tobytes(),
        next=following.astype(np.int32).tobytes(),
        members=members.astype(np.int32).tobytes(),
    )


def _flat(
    tree: Any, leaf_of: NDArray[np.int64], *, kept: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int32], NDArray[np.int32]]:
    """Give the nodes of a tree in an order in which two children stand side by side, and members of its leaves."""
    left, right = tree.children_left, tree.children_right
    walk = [0]
    for node in walk:
        if left[node] >= 0:
            walk += [left[node], right[node]]
    order = np.array(walk)
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order))
    inner = left[order] >= 0
    inputs = np.where(inner, tree.feature[order], LEAF).astype(np.uint8)
    leaves = order[~inner]
    following = np.zeros(len(order), np.int32)
    following[inner] = place[left[order[inner]]]
    following[~inner] = np.arange(len(leaves))
    return inputs, tree.threshold[order].astype(np.float32), following, _members(leaf_of, leaves, kept=kept, rng=rng)


def _members(
    leaf_of: NDArray[np.int64], leaves: NDArray[np.int64], *, kept: int, rng: np.random.Generator
) -> NDArray[np.int32]:
    shuffled = rng.permutation(len(leaf_of))
    order = shuffled[np.argsort(leaf_of[shuffled], kind="stable")]
    starts = np.searchsorted(leaf_of[order], leaves)
    counts = np.searchsorted(leaf_of[order], leaves, side="right") - starts
    return order[starts[:, None] + np.arange(kept) % counts[:, None]].astype(np.int32)
