"""What a unit of work locks, in which order, and what it compares afterwards.

All lock in this order, so that none waits in a circle: strong keys, journals of customers, the bank.

1. *Keys*: advisory locks by a hash of the key, ascending; shared where the key is only expected. A key has no row to
   lock: such a row would outlast the last customer who is linked with it. A unit with very many keys locks all of them
   by one lock, which every other unit with keys shares; the table of locks in the server's memory is small. A count
   that may come to so much and no more is locked like a key that changes.
2. *Journals*, ascending: the rows in ``heads``, which are made first where they are missing. Row locks rather than
   advisory ones, because their number has no limit (a batch names thousands), and because locking gives the head.
3. *The bank*: its policy is an advisory lock, shared by who expects it, exclusive for who writes what can change an
   answer. So a thousand decisions at once write nothing to a row that all of them would have to change. The bank's
   journal itself is its row, which only units that write or expect its last entry lock: a version or a checkpoint makes
   no decision wait.

A row that was locked is given as it stands after the wait: ``FOR UPDATE`` under READ COMMITTED reads it again. All else
is compared in a statement of its own, which sees whatever was committed before the last lock was had.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b
from typing import Literal, NamedTuple, Self

import psycopg

from marketofone.audit.journal_chain import GENESIS
from marketofone.domain.errors import Moved
from marketofone.store.counting import exceeds
from marketofone.store.ports import BANK, GUARDING, Head, Unit
from marketofone.store.postgres.connection import Connection, Row
from marketofone.store.postgres.schema import ALL_KEYS, LOCKS, POLICY

MANY_KEYS = 500
_BEGIN = b"BEGIN ISOLATION LEVEL READ COMMITTED"
_ALL_KEYS = {
    False: f"SELECT pg_advisory_xact_lock_shared({LOCKS}, {ALL_KEYS})".encode(),
    True: f"SELECT pg_advisory_xact_lock({LOCKS}, {ALL_KEYS})".encode(),
}
_KEY = {False: b"SELECT pg_advisory_xact_lock_shared(%b)", True: b"SELECT pg_advisory_xact_lock(%b)"}
_POLICY = {
    "shared": f"SELECT pg_advisory_xact_lock_shared({LOCKS}, {POLICY})".encode(),
    "exclusive": f"SELECT pg_advisory_xact_lock({LOCKS}, {POLICY})".encode(),
}
_MAKE = b"""
INSERT INTO heads (subject, n, hash, guard, stamp, recorded)
SELECT s, 0, %b, 0, 0, 0 FROM unnest(%b::bigint[]) AS s
WHERE NOT EXISTS (SELECT FROM heads WHERE heads.subject = s) ORDER BY s ON CONFLICT DO NOTHING
"""
_LOCK = b"""
SELECT subject, n, hash, guard, stamp, recorded FROM heads
WHERE subject = ANY(%b::bigint[]) ORDER BY subject FOR NO KEY UPDATE
"""
_BANK = b"SELECT subject, n, hash, guard, stamp, recorded FROM heads WHERE subject = 0"
# One more than expected shows that there are more: a key that very many share costs no more than another.
_HOLDERS = b"""
SELECT expected.key, found.subject FROM unnest(%b::bytea[], %b::bigint[]) AS expected (key, customers)
CROSS JOIN LATERAL (SELECT subject FROM links WHERE key = expected.key LIMIT expected.customers + 1) AS found
"""


_COUNTS = b"SELECT name, sum(n)::bigint FROM tallies WHERE name = ANY(%b::text[]) GROUP BY name"


class Locks(NamedTuple):
    """What a unit locks, each kind in the order in which it is locked.

    ``keys`` are pairs of the number of a lock and whether it is exclusive.
    """

    keys: list[tuple[int, bool]]
    subjects: list[int]
    policy: Literal["shared", "exclusive"] | None
    bank_journal: bool

    @classmethod
    def of(cls, unit: Unit) -> Self:
        """Work out what a unit locks."""
        written = {draft.subject for draft in unit.drafts}
        members = {member for subject in written for member in unit.together.get(subject, ())}
        subjects = written.union(members, unit.expects)
        expected = unit.expects.get(BANK)
        exclusive = any(draft.subject == BANK and draft.kind in GUARDING for draft in unit.drafts)
        changed = {_lock_of(link.key) for link in unit.links}
        counts = {_lock_of(name.encode()) for name in unit.most}  # no other transaction adds to them meanwhile
        keys = changed.union(counts, map(_lock_of, unit.holders))
        return cls(
            keys=[(key, key in changed or key in counts) for key in sorted(keys)],
            subjects=sorted(subjects - {BANK}),
            policy="exclusive" if exclusive else "shared" if expected else None,
            bank_journal=BANK in written | members or (expected is not None and expected.n is not None),
        )


class Held(NamedTuple):
    """What stands, now that the locks are had: heads, (key, customer) of expected keys, and counts that have a limit.

    Of a key that more customers hold than expected, one more than that stands there.
    """

    heads: dict[int, Head]
    holders: list[tuple[bytes, int]]
    counts: dict[str, int]


def begin(connection: Connection, unit: Unit, *, locks: Locks) -> Held:
    """Begin the transaction of a unit, take its locks, and read what stands; all of it in one round trip."""
    answers: list[psycopg.Cursor[Row]] = []
    with connection.pipeline():
        connection.execute(_BEGIN)
        _lock_keys(connection, locks.keys)
        if locks.subjects:
            connection.execute(_MAKE, (GENESIS, locks.subjects))
            answers.append(connection.execute(_LOCK, (locks.subjects,), binary=True))
        if locks.policy is not None:
            connection.execute(_POLICY[locks.policy])
        if locks.bank_journal:
            answers.append(connection.execute(_BANK + b" FOR NO KEY UPDATE", binary=True))
        elif locks.policy is not None:
            answers.append(connection.execute(_BANK, binary=True))
        if unit.holders:
            holders = connection.execute(_HOLDERS, (list(unit.holders), list(unit.holders.values())), binary=True)
        if unit.most:
            counts = connection.execute(_COUNTS, (list(unit.most),), binary=True)
    heads = {row[0]: Head(*row) for answer in answers for row in answer.fetchall()}
    return Held(
        heads,
        [(key, subject) for key, subject in holders.fetchall()] if unit.holders else [],
        {name: int(count) for name, count in counts.fetchall()} if unit.most else {},
    )


def compare(unit: Unit, *, held: Held) -> None:
    """Compare what a unit expects with what stands.

    Raises
    ------
    Moved
        When something does not stand any more. Where it is a key, the port says whom it names.
    """
    moved = {
        subject
        for subject, expected in unit.expects.items()
        if held.heads[subject].guard != expected.guard or expected.n not in {None, held.heads[subject].n}
    }
    holders: dict[bytes, set[int]] = {key: set() for key in unit.holders}
    for key, subject in held.holders:
        holders[key].add(subject)
    for key, found in holders.items():
        if len(found) != unit.holders[key]:
            found.update(link.subject for link in unit.links if link.key == key)
            moved |= found or {*unit.expects, *(draft.subject for draft in unit.drafts)}
    if moved or exceeds(unit, held.counts):
        raise Moved(subjects=frozenset(moved or {draft.subject for draft in unit.drafts}))


def twice(pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Give the (subject, event key) pairs that stand more than once."""
    return {pair for pair, times in Counter(pairs).items() if times > 1}


def _lock_keys(connection: Connection, keys: list[tuple[int, bool]]) -> None:
    if not keys:
        return
    many = len(keys) > MANY_KEYS
    connection.execute(_ALL_KEYS[many])
    for number, exclusive in () if many else keys:
        connection.execute(_KEY[exclusive], (number,))


def _lock_of(key: bytes) -> int:
    return int.from_bytes(blake2b(key, digest_size=8).digest(), signed=True)
