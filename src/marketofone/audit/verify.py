"""Verify the chain: walk through the journal and hold every entry against its link.

1. Entries are numbered 1, 2, 3 without a gap: a missing, doubled or moved entry shows as a wrong number.
2. A body agrees with its commitment; an erased entry has neither body nor salt.
3. A link's hash binds its place, its commitment and the hash before it.

Limit: entries cut off at the end leave a shorter chain that is whole. Whoever keeps a ``head`` elsewhere (a printed
report, the review board's minutes) can tell.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from msgspec import Struct

from marketofone.audit.chain import GENESIS, Link, holds

# seq, kind, at, customer, body, link
Recorded = tuple[int, str, int, str | None, bytes | None, Link]


class Verification(Struct, frozen=True, kw_only=True):
    """What a walk through the chain found.

    ``entries`` counts those that hold, ``head`` is the hash of the last of them, and ``broken_at`` the sequence number
    of the first that does not (or is missing).
    """

    entries: int
    ok: bool
    head: bytes
    broken_at: int | None


def verify(entries: Iterable[Recorded]) -> Verification:
    """Verify a journal from its first entry on, and stop at the first that does not hold.

    Examples
    --------
    >>> verify([]) == Verification(entries=0, ok=True, head=GENESIS, broken_at=None)
    True
    """
    verified, head = 0, GENESIS
    for recorded in entries:
        if not _follows(recorded, seq=verified + 1, previous=head):
            return Verification(entries=verified, ok=False, head=head, broken_at=verified + 1)
        verified, head = verified + 1, recorded[-1].hash
    return Verification(entries=verified, ok=True, head=head, broken_at=None)


def _follows(recorded: Recorded, *, seq: int, previous: bytes) -> bool:
    number, kind, at, customer, body, link = recorded
    if number != seq or (body is None) != (link.salt is None):
        return False
    try:
        return holds(link, seq=seq, kind=kind, at=at, customer=customer, body=body, previous=previous)
    except (AttributeError, TypeError, ValueError, struct.error):
        return False  # a row altered from outside may hold anything, also text where a number stood
