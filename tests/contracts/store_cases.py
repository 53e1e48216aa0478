"""The engines that keep the contract of ``store/ports.py``, and the small things its suite is written with.

To add an engine, add a row to ``ENGINES``: a function that opens the store which belongs to a folder, whoever asks, in
this process or in another one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from marketofone.audit import merkle
from marketofone.audit.journal_chain import GENESIS, Header, entry_hash, leaf_hash
from marketofone.domain.moment import Instant
from marketofone.store.ports import Draft, Entry, EntryKind, Expectation, Reader, Store, Unit
from marketofone.store.sqlite.store import SqliteStore
from postgres_server import open_postgres

ENGINES: dict[str, Callable[[Path], Store]] = {"postgres": open_postgres, "sqlite": SqliteStore}

NOW = Instant(1_700_000_000_000_000)


def draft(
    subject: int = 1, kind: EntryKind = "ingest", *, body: bytes = b"body", keys: Sequence[int] = (), at: Instant = NOW
) -> Draft:
    return Draft(
        subject=subject,
        kind=kind,
        at=at,
        body=body,
        digest=sha256(body).digest(),
        commitment=sha256(b"salt" + body).digest(),
        keys=tuple(keys),
    )


def drafts(*subjects: int, kind: EntryKind = "ingest") -> Unit:
    return Unit(now=NOW, drafts=[draft(subject, kind) for subject in subjects])


def guarded(subject: int, guard: int, *, kind: EntryKind = "decision", n: int | None = None, body: bytes = b"") -> Unit:
    """Make a unit that appends one entry, if the guard stands."""
    return Unit(now=NOW, expects={subject: Expectation(guard, n)}, drafts=[draft(subject, kind, body=body)])


def journal(reader: Reader, subject: int) -> list[Entry]:
    return list(reader.entries(subject))


def chain_holds(entries: Sequence[Entry]) -> bool:
    """Say whether a whole journal is numbered from 1 and each entry's hash follows from its content and the former."""
    previous = GENESIS
    for n, entry in enumerate(entries, 1):
        header = Header(
            subject=entry.subject,
            n=n,
            stamp=entry.stamp,
            kind=entry.kind,
            at=entry.at,
            recorded=entry.recorded,
        )
        digest = sha256(entry.body).digest()
        previous = entry_hash(header, body_digest=digest, commitment=entry.commitment, previous=previous)
        if entry.n != n or entry.hash != previous:
            return False
    return True


def log_holds(reader: Reader) -> bool:
    """Say whether the sealed log and the journals tell the same, and the root follows from the leaves."""
    sealed = reader.sealed()
    leaves, places = reader.leaves(limit=10**6), reader.places(limit=10**6)
    entries = {(e.subject, e.n): e.hash for subject in {s for s, _ in places} for e in reader.entries(subject)}
    return (
        len(leaves) == len(places) == sealed.size
        and merkle.root(map(leaf_hash, leaves)) == sealed.root
        and [entries[place] for place in places] == leaves
        and all(reader.leaf_of(subject, n) == number for number, (subject, n) in enumerate(places))
    )
