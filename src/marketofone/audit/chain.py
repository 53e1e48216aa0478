"""The hash chain: each link commits to its content and to the link before it.

A link holds no content. It holds a *commitment* to the entry's body: BLAKE2b keyed with the entry's own random salt,
which is erased together with the body; what remains proves order and completeness, and tells nothing about anyone.

1. ``commitment = H(salt; customer, body)``: 32 bytes.
2. ``hash = H(seq, kind, at, commitment, previous hash)``: 32 bytes.
"""

from __future__ import annotations

import struct
from hashlib import blake2b

from msgspec import Struct

GENESIS = bytes(32)


class Link(Struct, frozen=True, kw_only=True):
    """One link of the chain. ``salt`` is None once the body was erased."""

    salt: bytes | None
    commitment: bytes
    hash: bytes


def commit_to(body: bytes, *, customer: str | None, salt: bytes) -> bytes:
    """Commit to a body and whom it is about, without revealing either.

    Examples
    --------
    >>> commit_to(b"x", customer="c-1", salt=bytes(16)) == commit_to(b"x", customer="c-2", salt=bytes(16))
    False
    """
    about = (customer or "").encode()
    return blake2b(struct.pack(">I", len(about)) + about + body, digest_size=32, key=salt).digest()


def link_hash(*, seq: int, kind: str, at: int, commitment: bytes, previous: bytes) -> bytes:
    """Bind an entry to its place and to everything before it."""
    return blake2b(
        struct.pack(">QqB", seq, at, len(kind)) + kind.encode() + commitment + previous, digest_size=32
    ).digest()


def forge(*, seq: int, kind: str, at: int, customer: str | None, body: bytes, salt: bytes, previous: bytes) -> Link:
    """Make the next link of the chain."""
    commitment = commit_to(body, customer=customer, salt=salt)
    return Link(
        salt=salt,
        commitment=commitment,
        hash=link_hash(seq=seq, kind=kind, at=at, commitment=commitment, previous=previous),
    )


def holds(
    link: Link, *, seq: int, kind: str, at: int, customer: str | None, body: bytes | None, previous: bytes
) -> bool:
    """Say whether a link agrees with its entry and with the link before it."""
    if body is not None and (
        link.salt is None or commit_to(body, customer=customer, salt=link.salt) != link.commitment
    ):
        return False
    return link.hash == link_hash(seq=seq, kind=kind, at=at, commitment=link.commitment, previous=previous)
