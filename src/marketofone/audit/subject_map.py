"""The map of heads: one root commits to the last entry of every journal, so that no older one can be shown.

1. An item is ``(subject, n, head)``: the journal of this subject ends with entry ``n``, whose hash is ``head``.
2. Items stand in ascending order of their subjects; each is a leaf of an RFC 6962 tree, under a tag of its own.
3. ``map root = SHA-256(tag, number of items, root of the tree)``. The number is needed: without it, a proof could claim
   a smaller map, in which two items are neighbours that are none.
4. A ``Presence`` is an item and its path. An ``Absence`` is the two neighbours between which the subject would stand.

Limits: the maker of the map could put a subject in twice or out of order; who rebuilds the map from the journals
finds it, a single proof cannot. A proof of absence tells two other subjects' random numbers and their heads.

Units: ``n`` counts entries from 1; indexes count items from 0; hashes have 32 bytes.

Source
------
RFC 6962, section 2.1 (the tree); sorted trees with neighbours as proofs of absence: Nuckolls, Martel and Stubblebine,
"Certifying data from multiple sources" (2003).
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from msgspec import Struct

from marketofone.audit import merkle

_LEAF = struct.Struct(">16sQQ32s")
_LEAF_TAG = b"subject-map-item"
_ROOT = struct.Struct(">16sQ32s")
_ROOT_TAG = b"subject-map-root"


class Head(NamedTuple):
    """Where a subject's journal ends: its last entry's number and hash."""

    subject: int
    n: int
    head: bytes


class Presence(Struct, frozen=True, kw_only=True):
    """Proves that an item stands at ``index`` in a map of ``size`` items."""

    item: Head
    index: int
    size: int
    path: tuple[bytes, ...]


class Absence(Struct, frozen=True, kw_only=True):
    """Proves that no item lies between two neighbours. ``left`` is None before the first, ``right`` after the last."""

    left: Presence | None
    right: Presence | None


class SubjectMap:
    """The map of one checkpoint, ready to give proofs.

    Raises
    ------
    ValueError
        When the items are not in ascending order of their subjects, or one has no place in a map.

    Examples
    --------
    >>> heads = SubjectMap([Head(3, 9, bytes(32)), Head(8, 1, bytes(32))])
    >>> proof = heads.prove(3)
    >>> isinstance(proof, Presence) and proof.item.n
    9
    >>> verify_presence(proof, root=heads.root())
    True
    >>> verify_absence(heads.prove(5), subject=5, root=heads.root())
    True
    """

    def __init__(self, items: Iterable[Head]) -> None:
        self._items: Sequence[Head] = tuple(items)
        self._tree = merkle.Tree(tuple(_leaves(self._items)))

    def root(self) -> bytes:
        """Give the root of the map."""
        return _bind(len(self._items), tree=self._tree.root(len(self._items)))

    def prove(self, subject: int) -> Presence | Absence:
        """Prove where a subject's journal ends, or that the map holds no such journal."""
        place = bisect_left(self._items, subject, key=lambda item: item.subject)
        if place < len(self._items) and self._items[place].subject == subject:
            return self._presence(place)
        return Absence(
            left=self._presence(place - 1) if place else None,
            right=self._presence(place) if place < len(self._items) else None,
        )

    def _presence(self, index: int) -> Presence:
        size = len(self._items)
        return Presence(item=self._items[index], index=index, size=size, path=self._tree.inclusion(index, size=size))


def map_root(items: Iterable[Head]) -> bytes:
    """Give the root of the map over items in ascending order of their subjects, in one pass and O(log n) memory.

    Raises
    ------
    ValueError
        When the items are not in ascending order of their subjects, or one has no place in a map.

    Examples
    --------
    >>> map_root([Head(3, 9, bytes(32))]) == SubjectMap([Head(3, 9, bytes(32))]).root()
    True
    """
    whole = merkle.Frontier().extended(_leaves(items))
    return _bind(whole.size, tree=whole.root())


def verify_presence(proof: Presence | Absence, *, root: bytes) -> bool:
    """Say whether a proof shows that its item stands in the map with this root."""
    if not isinstance(proof, Presence) or not 0 <= proof.index < proof.size < 1 << 63:
        return False
    try:
        node = _leaf(proof.item)
    except ValueError:
        return False
    tree = merkle.root_of_path(node, index=proof.index, size=proof.size, path=proof.path)
    return tree is not None and _bind(proof.size, tree=tree) == root


def verify_absence(proof: Presence | Absence, *, subject: int, root: bytes) -> bool:
    """Say whether a proof shows that the map with this root holds no item of the subject."""
    if not isinstance(proof, Absence):
        return False
    left, right = proof.left, proof.right
    if left is None and right is None:
        return root == map_root(())
    if any(side is not None and not verify_presence(side, root=root) for side in (left, right)):
        return False
    return (
        _are_neighbours(left, right)
        and (left is None or left.item.subject < subject)
        and (right is None or subject < right.item.subject)
    )


def _are_neighbours(left: Presence | None, right: Presence | None) -> bool:
    if left is None:
        return right is not None and right.index == 0
    return left.index + 1 == (left.size if right is None else right.index)


def _leaves(items: Iterable[Head]) -> Iterator[bytes]:
    before = -1
    for item in items:
        if item.subject <= before:
            raise ValueError("the items of a map are not in ascending order of their subjects")
        before = item.subject
        yield _leaf(item)


def _leaf(item: Head) -> bytes:
    if len(item.head) != merkle.HASH_BYTES:
        raise ValueError("the head of a journal is not a hash of 32 bytes")
    try:
        return merkle.leaf_hash(_LEAF.pack(_LEAF_TAG, item.subject, item.n, item.head))
    except struct.error:
        raise ValueError("a subject or a number of entries is negative or too large") from None


def _bind(size: int, *, tree: bytes) -> bytes:
    return sha256(_ROOT.pack(_ROOT_TAG, size, tree)).digest()
