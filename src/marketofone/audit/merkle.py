"""The Merkle log: one root commits to every leaf and to their order, and short proofs show single facts about it.

1. A leaf is ``SHA-256(0x00, data)``, an inner node ``SHA-256(0x01, left, right)``: no node passes for a leaf.
2. A tree of n leaves splits at the largest power of two below n, so that old subtrees stay as the log grows.
3. ``Frontier`` keeps only the roots of the complete subtrees at the right edge, at most 63 hashes: enough to append.
4. ``Tree`` gives proofs. It reads leaves in pieces and remembers the roots of complete pieces of ``TILE`` leaves.
5. ``verify_inclusion`` and ``verify_consistency`` need a proof and two roots, and no leaves.

Units: sizes and indexes count leaves, from 0. Every hash has 32 bytes. Here "leaf" means the hash of a leaf.

Source
------
RFC 6962, section 2.1, and RFC 9162, section 2.1 (definitions; algorithms 2.1.3.2 and 2.1.4.2).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from itertools import islice
from typing import Self

from msgspec import Struct

Leaves = Sequence[bytes] | Callable[[int, int], Iterable[bytes]]
"""The leaves themselves, or a function that gives those from a start (inclusive) to an end (exclusive)."""

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
TILE = 1024
"""A proof reads about this many leaves once the tree has seen its complete pieces. A power of two."""

_FRONTIER_FORMAT = 1
_FRONTIER_HEAD = struct.Struct(">BQ")


def leaf_hash(data: bytes) -> bytes:
    """Hash the data of a leaf.

    Source
    ------
    RFC 6962, section 2.1.

    Examples
    --------
    >>> leaf_hash(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    r"""Hash two subtrees into their parent.

    Source
    ------
    RFC 6962, section 2.1.

    Examples
    --------
    >>> node_hash(leaf_hash(b""), leaf_hash(b"\x00")).hex()[:16]
    'fac54203e7cc696c'
    """
    return sha256(b"\x01" + left + right).digest()


class Frontier(Struct, frozen=True):
    r"""The right edge of a log: what a writer must keep to append leaves and to give the root.

    ``hashes`` are the roots of the complete subtrees, the largest first: one for each bit that is set in ``size``.

    Raises
    ------
    ValueError
        When the hashes do not fit the size.

    Examples
    --------
    >>> half = Frontier().extended([leaf_hash(b""), leaf_hash(b"\x00"), leaf_hash(b"\x10")])
    >>> half.size, len(half.hashes), half.root().hex()[:16]
    (3, 2, 'aeb6bcfe274b70a1')
    >>> Frontier.from_bytes(half.to_bytes()) == half
    True
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or self.size.bit_count() != len(self.hashes) or not _are_hashes(self.hashes):
            raise ValueError("the hashes of a frontier do not fit its size")

    def extended(self, leaves: Iterable[bytes]) -> Self:
        """Append leaves. This costs one hash per leaf, and O(log n) memory however many there are.

        Raises
        ------
        ValueError
            When a leaf is not a hash of 32 bytes.
        """
        size, stack = self.size, list(self.hashes)
        for leaf in leaves:
            if len(leaf) != HASH_BYTES:
                raise ValueError("a leaf of the log is not a hash of 32 bytes")
            node, full = leaf, size
            while full & 1:
                node, full = sha256(b"\x01" + stack.pop() + node).digest(), full >> 1
            stack.append(node)
            size += 1
        return type(self)(size, tuple(stack))

    def root(self) -> bytes:
        """Give the root of the log."""
        if not self.hashes:
            return EMPTY_ROOT
        *larger, node = self.hashes
        for left in reversed(larger):
            node = node_hash(left, node)
        return node

    def to_bytes(self) -> bytes:
        """Encode: one byte for the format, eight for the size, then the hashes."""
        return _FRONTIER_HEAD.pack(_FRONTIER_FORMAT, self.size) + b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Self:
        """Decode.

        Raises
        ------
        ValueError
            When the bytes are of another format, cut or too long.
        """
        if len(encoded) < _FRONTIER_HEAD.size:
            raise ValueError("the bytes of a frontier are cut")
        version, size = _FRONTIER_HEAD.unpack_from(encoded)
        if version != _FRONTIER_FORMAT:
            raise ValueError(f"a frontier of format {version}; this version reads format {_FRONTIER_FORMAT}")
        starts = range(_FRONTIER_HEAD.size, len(encoded), HASH_BYTES)
        return cls(size, tuple(encoded[start : start + HASH_BYTES] for start in starts))


class Tree:
    r"""A log whose leaves can be read again: it gives roots of old sizes, and proofs.

    The tree remembers the root of every complete, aligned piece of at least ``TILE`` leaves that it met. So the first
    proof reads all leaves, once and in pieces, and each further one about ``TILE``. Leaves must never change behind it;
    more may come.

    Parameters
    ----------
    leaves
        A sequence, or a function from (start, end) to the leaves between.

    Raises
    ------
    ValueError
        From every method, when a place lies outside of the log, or when the source gives another number of leaves.

    Examples
    --------
    >>> log = Tree([leaf_hash(bytes([number])) for number in range(5)])
    >>> path = log.inclusion(3, size=5)
    >>> verify_inclusion(leaf_hash(b"\x03"), index=3, size=5, path=path, root=log.root(5))
    True
    """

    def __init__(self, leaves: Leaves) -> None:
        self._read = leaves if callable(leaves) else _reader(leaves)
        self._known: dict[tuple[int, int], bytes] = {}

    def root(self, size: int) -> bytes:
        """Give the root of the first ``size`` leaves."""
        if size < 0:
            raise ValueError("the size of a log is negative")
        return self._subtree(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, *, size: int) -> tuple[bytes, ...]:
        """Prove that a leaf stands at ``index`` among the first ``size``: the audit path, from the leaf upwards.

        Source
        ------
        RFC 9162, section 2.1.3.1.
        """
        if not 0 <= index < size:
            raise ValueError("a leaf outside of the log has no proof of inclusion")
        path: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._subtree(middle, end))
                end = middle
            else:
                path.append(self._subtree(start, middle))
                start = middle
        return tuple(reversed(path))

    def consistency(self, old_size: int, *, size: int) -> tuple[bytes, ...]:
        """Prove that the first ``old_size`` leaves are the beginning of the first ``size``.

        Source
        ------
        RFC 9162, section 2.1.4.1. As there, the empty log and the same log need no proof: it is empty.
        """
        if not 0 <= old_size <= size:
            raise ValueError("a log is no continuation of a larger one")
        if old_size in {0, size}:
            return ()
        proof: list[bytes] = []
        start, end = 0, size
        while end != old_size:
            middle = start + _split(end - start)
            if old_size <= middle:
                proof.append(self._subtree(middle, end))
                end = middle
            else:
                proof.append(self._subtree(start, middle))
                start = middle
        if start:
            proof.append(self._subtree(start, end))
        return tuple(reversed(proof))

    def _subtree(self, start: int, end: int) -> bytes:
        size = end - start
        if size < TILE:
            return self._folded(start, end)
        complete = not size & (size - 1)  # a subtree of this shape always starts at a multiple of its size
        if complete and (start, end) in self._known:
            return self._known[start, end]
        if size == TILE:
            node = self._folded(start, end)
        else:
            middle = start + _split(size)
            node = node_hash(self._subtree(start, middle), self._subtree(middle, end))
        if complete:
            self._known[start, end] = node
        return node

    def _folded(self, start: int, end: int) -> bytes:
        piece = Frontier().extended(islice(self._read(start, end), end - start + 1))
        if piece.size != end - start:
            raise ValueError("the source of the leaves gives fewer or more than were asked for")
        return piece.root()


def root(leaves: Iterable[bytes]) -> bytes:
    """Give the root over leaves, in one pass and O(log n) memory.

    Examples
    --------
    >>> root([]) == EMPTY_ROOT
    True
    """
    return Frontier().extended(leaves).root()


def inclusion_proof(leaves: Leaves, *, index: int, size: int) -> tuple[bytes, ...]:
    """Prove one leaf of a log. For many proofs of one log make a ``Tree``, which remembers."""
    return Tree(leaves).inclusion(index, size=size)


def consistency_proof(leaves: Leaves, *, old_size: int, size: int) -> tuple[bytes, ...]:
    """Prove that a log continues an older one. For many proofs of one log make a ``Tree``, which remembers."""
    return Tree(leaves).consistency(old_size, size=size)


def verify_inclusion(leaf: bytes, *, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Say whether the path leads from the leaf at ``index`` to the root of ``size`` leaves.

    Limit: a root does not commit to the size of its log. Take both from one signed checkpoint.

    Source
    ------
    RFC 9162, section 2.1.3.2.
    """
    return root_of_path(leaf, index=index, size=size, path=path) == root


def root_of_path(leaf: bytes, *, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    r"""Give the root that a path leads to from the leaf at ``index``; None when it does not fit index and size.

    Source
    ------
    RFC 9162, section 2.1.3.2.

    Examples
    --------
    >>> root_of_path(leaf_hash(b""), index=0, size=2, path=[leaf_hash(b"\x00")]).hex()[:16]
    'fac54203e7cc696c'
    >>> root_of_path(leaf_hash(b""), index=0, size=2, path=[]) is None
    True
    """
    if not 0 <= index < size or not _are_hashes((leaf, *path)):
        return None
    place, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            node = node_hash(sibling, node)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        place, last = place >> 1, last >> 1
    return node if last == 0 else None


def verify_consistency(proof: Sequence[bytes], *, old_size: int, old_root: bytes, size: int, root: bytes) -> bool:
    """Say whether the log of ``size`` leaves begins with the log of ``old_size``.

    Source
    ------
    RFC 9162, section 2.1.4.2. The empty log is the beginning of every log.
    """
    if not 0 <= old_size <= size or not _are_hashes((old_root, root, *proof)):
        return False
    if old_size == size:
        return not proof and old_root == root
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    return bool(path) and _agrees(path, old_size=old_size, old_root=old_root, size=size, root=root)


def _agrees(path: Sequence[bytes], *, old_size: int, old_root: bytes, size: int, root: bytes) -> bool:
    place, last = old_size - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old, new = path[0], path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and old == old_root and new == root


def _split(size: int) -> int:
    """Give the largest power of two below a size of at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def _reader(leaves: Sequence[bytes]) -> Callable[[int, int], Iterable[bytes]]:
    return lambda start, end: leaves[start:end]


def _are_hashes(hashes: Iterable[bytes]) -> bool:
    return all(len(each) == HASH_BYTES for each in hashes)
