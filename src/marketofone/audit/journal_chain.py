"""The hash chain of one journal: each entry commits to its header, its sealed body and everything before it.

1. ``commitment = BLAKE2b(key = salt; plain body)``. The salt is random and lies in the sealed body. The holder of both
   can prove what the body said; when the key of the body is destroyed, the commitment tells nothing.
2. ``hash = SHA-256(tag, header, digest of the ciphertext, commitment, hash before)``. All of it stands in clear, so a
   chain verifies without any key.
3. ``leaf_hash(hash)`` is the entry's leaf in the Merkle log over all journals.

The header names the subject, so an entry fits no other journal. Entries cut off at the end leave a chain that is whole:
``ChainChecker.ends_at`` compares with a number and a hash that were kept elsewhere (a checkpoint, an acknowledgement).

Units: instants are microseconds since 1970-01-01T00:00:00Z; ``n`` counts from 1; every hash has 32 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from hashlib import blake2b, sha256
from typing import Literal, NamedTuple

from msgspec import Struct

from marketofone.audit import merkle
from marketofone.domain.moment import Instant

GENESIS = bytes(32)
"""Stands where the first entry of a journal names the hash before it."""
BANK = 0
"""The subject of the bank's own journal."""
SALT_BYTES = range(16, 65)

_TAG = b"journal-entry-v1"
_ENCODING = struct.Struct(">16sQQQqq32s32s32s")  # the kind follows: it alone has no fixed length, so it stands last

Fault = Literal["missing", "doubled", "added", "foreign", "altered", "disordered"]


class Header(NamedTuple):
    """What stands in clear about an entry.

    Parameters
    ----------
    subject
        Whose journal: 0 for the bank, else a random positive number of 63 bits.
    n
        The number of the entry within its journal: 1, 2, 3 ...
    stamp
        One more than the largest stamp among the heads of all journals of the person.
    kind
        What kind of entry, such as ``consent``.
    at
        The instant the entry is about.
    recorded
        The instant at which it was recorded; never earlier than that of the entry before.
    """

    subject: int
    n: int
    stamp: int
    kind: str
    at: Instant
    recorded: Instant


class ChainedEntry(NamedTuple):
    """What verification reads of an entry: everything that its hash covers, and the hash."""

    header: Header
    body_digest: bytes
    commitment: bytes
    hash: bytes


class Break(Struct, frozen=True):
    """The first place where a chain does not hold.

    ``n`` is the number at which an entry was expected. ``fault`` says what stands there instead:

    - ``missing``: nothing, or a later entry;
    - ``doubled``: an earlier entry once more;
    - ``added``: an entry behind the last that was kept elsewhere;
    - ``foreign``: an entry of another journal;
    - ``altered``: an entry that does not agree with its hash or with the entry before;
    - ``disordered``: an entry that is whole, but whose stamp does not grow or whose recorded instant steps back.
    """

    n: int
    fault: Fault


def commitment(plain: bytes, *, salt: bytes) -> bytes:
    """Commit to a body without revealing it.

    Keyed BLAKE2b rather than HMAC-SHA256: it takes one call, and it hashes the length of its key. HMAC pads short keys
    with zeros and replaces long ones by their hash, so two different salts can open the same commitment.

    Parameters
    ----------
    plain
        The body before it is encrypted.
    salt
        At least 16 and at most 64 random bytes, used once, to be kept as secret as the body.

    Raises
    ------
    ValueError
        When the salt is too short or too long.

    Source
    ------
    RFC 7693, section 2.5 (keyed hashing).

    Examples
    --------
    >>> commitment(b"yes", salt=bytes(16)) == commitment(b"yes", salt=bytes(17))
    False
    """
    if len(salt) not in SALT_BYTES:
        raise ValueError("the salt of a commitment has 16 to 64 bytes")
    return blake2b(plain, digest_size=32, key=salt, person=_TAG).digest()


def entry_hash(header: Header, *, body_digest: bytes, commitment: bytes, previous: bytes) -> bytes:
    """Bind an entry to its place and to everything before it.

    One call packs and one hashes, because this runs for each entry while its journal is locked.

    Parameters
    ----------
    body_digest
        SHA-256 of the sealed body as it rests.
    previous
        The hash of entry n - 1; ``GENESIS`` for the first.

    Raises
    ------
    ValueError
        When a hash has not 32 bytes, or a number of the header does not fit 64 bits.

    Examples
    --------
    >>> first = Header(subject=7, n=1, stamp=1, kind="consent", at=Instant(5), recorded=Instant(6))
    >>> entry_hash(first, body_digest=bytes(32), commitment=bytes(32), previous=GENESIS).hex()[:16]
    'a6f50d30f17c4a5a'
    """
    if not len(body_digest) == len(commitment) == len(previous) == 32:  # noqa: PLR2004 - pack would pad or cut
        raise ValueError("the hashes that an entry commits to have 32 bytes each")
    subject, n, stamp, kind, at, recorded = header
    try:
        fixed = _ENCODING.pack(_TAG, subject, n, stamp, at, recorded, body_digest, commitment, previous)
    except struct.error:
        raise ValueError("a number in the header of an entry is no integer, negative or too large") from None
    return sha256(fixed + kind.encode()).digest()


def leaf_hash(entry: bytes) -> bytes:
    """Give the leaf of the Merkle log that stands for an entry with this hash.

    Source
    ------
    RFC 6962, section 2.1.

    Examples
    --------
    >>> leaf_hash(GENESIS) == merkle.leaf_hash(bytes(32))
    True
    """
    return merkle.leaf_hash(entry)


class ChainChecker:
    """Walks along one journal, entry by entry, and says where it first breaks.

    The walk may start behind an entry that was verified before: give that entry's number, hash, stamp and recorded
    instant.

    Examples
    --------
    >>> header = Header(subject=7, n=2, stamp=2, kind="consent", at=Instant(5), recorded=Instant(6))
    >>> ChainChecker(7).check(ChainedEntry(header, bytes(32), bytes(32), bytes(32)))
    Break(n=1, fault='missing')
    """

    def __init__(
        self, subject: int, *, n: int = 0, head: bytes = GENESIS, stamp: int = 0, recorded: Instant | None = None
    ) -> None:
        self.subject = subject
        self.n = n
        self.head = head
        self._stamp = stamp
        self._recorded = recorded

    def check(self, entry: ChainedEntry) -> Break | None:
        """Hold the next entry against the chain, and move on to it when it holds."""
        expected = self.n + 1
        try:
            fault = self._fault(entry, expected=expected)
        except (AttributeError, TypeError, ValueError):
            fault = "altered"  # a row altered from outside may hold anything, also text where a number stood
        if fault is not None:
            return Break(expected, fault)
        self.n, self.head = expected, entry.hash
        self._stamp, self._recorded = entry.header.stamp, entry.header.recorded
        return None

    def ends_at(self, n: int, *, head: bytes) -> Break | None:
        """Compare the end of the walk with what was kept elsewhere about the same journal at the same time."""
        if self.n != n:
            return Break(min(self.n, n) + 1, "missing" if self.n < n else "added")
        return None if self.head == head else Break(max(n, 1), "altered")

    def _fault(self, entry: ChainedEntry, *, expected: int) -> Fault | None:
        header, body_digest, committed, recorded_hash = entry
        if header.subject != self.subject:
            return "foreign"
        if header.n != expected:
            return "missing" if header.n > expected else "doubled"
        computed = entry_hash(header, body_digest=body_digest, commitment=committed, previous=self.head)
        if computed != recorded_hash:
            return "altered"
        steps_back = self._recorded is not None and header.recorded < self._recorded
        return "disordered" if steps_back or header.stamp <= self._stamp else None


def first_break(entries: Iterable[ChainedEntry], *, subject: int) -> Break | None:
    """Say where the journal of a subject first breaks, read from its first entry on; None when it holds.

    Examples
    --------
    >>> first_break([], subject=7) is None
    True
    """
    checker = ChainChecker(subject)
    return next((found for entry in entries if (found := checker.check(entry)) is not None), None)
