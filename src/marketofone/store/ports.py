"""What the services ask of a store, whichever engine keeps it.

Every customer has a *journal* of its own: entries n = 1, 2, 3 ..., each chained to the one before. The bank has one
more, under the subject number 0. There is no other order. All entries become leaves of one Merkle log.

A *unit of work* is a value, computed before: what must still stand, what is appended, and what is kept beside it. Under
its locks the store only compares and appends; units about different customers need not wait for each other.

The store sees subject numbers and sealed bytes. Names and keys are in a key store of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal, NamedTuple, Protocol, Self

from msgspec import Struct

from marketofone.audit.journal_chain import GENESIS
from marketofone.domain.moment import Instant
from marketofone.store.inspection import Inspection

BANK = 0
"""The subject number of the bank's own journal."""

EntryKind = Literal[
    "ingest",
    "signal",
    "consent",
    "identity",
    "decision",
    "outcome",
    "forecast",
    "use",
    "amendment",
    "erasure",
    "account",
    "signs",
    "history",
    "hold",
    "case",
    "delegate",
    "document",
    "ruling",
    "rollback",
    "version",
    "checkpoint",
    "letters",
    "rates",
    "promotion",
    "help",
]
"""``account``: who holds one together. ``signs``: what was seen after a yes. ``history``: what another bank told.
``hold``: what the law keeps. ``case``: what was asked of a person. ``delegate``: who may act for them. ``signal``: what
may change an answer. ``help``: what a permission helps those who gave it."""

CODES: dict[EntryKind, int] = {
    "ingest": 1,
    "signal": 2,
    "consent": 3,
    "identity": 4,
    "decision": 5,
    "outcome": 6,
    "forecast": 7,
    "use": 8,
    "amendment": 9,
    "erasure": 10,
    "account": 11,
    "signs": 12,
    "history": 13,
    "hold": 14,
    "case": 15,
    "delegate": 17,
    "document": 32,
    "ruling": 33,
    "rollback": 34,
    "version": 35,
    "checkpoint": 36,
    "letters": 37,
    "rates": 38,
    "promotion": 39,
    "help": 16,
}
"""How a kind is stored. A number once given stays."""

GUARDING: frozenset[EntryKind] = frozenset(
    {
        *("signal", "consent", "identity", "decision", "outcome", "amendment", "erasure", "account"),
        *("history", "delegate", "document", "ruling", "rollback", "promotion"),
    }
)
"""The kinds that can change an answer: each moves the guard of its journal by one."""


class Head(Struct, frozen=True, gc=False):
    """Where a journal ends: its last entry, how many entries moved its guard, the last stamp and the last instant."""

    subject: int
    n: int = 0
    hash: bytes = GENESIS
    guard: int = 0
    stamp: int = 0
    recorded: Instant = Instant(0)


class Guards(NamedTuple):
    """The guard of the bank's journal, that of another, and when its last entry was recorded; 0 where it has none."""

    bank: int
    own: int
    recorded: Instant

    @classmethod
    def of(cls, heads: Mapping[int, Head], subject: int) -> Self:
        """Take them from heads that were read together."""
        return cls(heads[BANK].guard, heads[subject].guard, heads[subject].recorded)


class Draft(Struct, frozen=True, gc=False):
    """An entry to append. ``body`` is sealed; ``digest`` is its SHA-256; ``commitment`` is salted.

    ``keys`` recognise events that the entry keeps: none of them may be in the journal already, or twice in the unit.
    """

    subject: int
    kind: EntryKind
    at: Instant
    body: bytes
    digest: bytes
    commitment: bytes
    keys: tuple[int, ...] = ()


class Entry(Struct, frozen=True, gc=False):
    """One entry of a journal, as kept."""

    subject: int
    n: int
    stamp: int
    kind: EntryKind
    at: Instant
    recorded: Instant
    body: bytes
    commitment: bytes
    hash: bytes


class Expectation(Struct, frozen=True, gc=False):
    """What must still stand of a journal: its guard, and where ``n`` is given, its last entry."""

    guard: int
    n: int | None = None


class Kept(Struct, frozen=True, gc=False):
    """A snapshot: what a journal says up to entry ``n``, sealed. It is never the truth, and may be dropped."""

    subject: int
    name: str
    n: int
    body: bytes


class LinkChange(Struct, frozen=True, gc=False):
    """A strong key (hashed) is linked with a customer, or such a link is taken back."""

    key: bytes
    subject: int
    linked: bool


class DecisionName(Struct, frozen=True, gc=False):
    """The name (hashed) under which a decision is asked for again; ``draft`` is its place in the unit."""

    name: bytes
    draft: int


class DeadLetter(Struct, frozen=True):
    """Input that could not become an event: the reason, and the sealed input where it may be kept."""

    at: Instant
    field: str
    shape: str
    fix: str
    raw: bytes | None


class Reason(Struct, frozen=True):
    """Why input could not become an event: of how many dead letters, and when of the last."""

    field: str
    shape: str
    fix: str
    rows: int
    last: Instant


class Lesson(Struct, frozen=True, gc=False):
    """An outcome that waits to be learned from: its place in the queue, and its entry."""

    row: int
    subject: int
    n: int


class Unit(Struct, frozen=True, kw_only=True):
    """A unit of work.

    Parameters
    ----------
    now
        The instant at which it is recorded. In each journal it never steps back.
    expects
        By subject: what must still stand, also of journals that are read and not written.
    holders
        By strong key (hashed): how many customers must still be linked with it. When it moved, ``Moved`` names those
        who are linked now (some of them, where they are more than expected) and those whose link the unit changes;
        where there are none, all subjects that the unit expects something of or writes.
    drafts
        What is appended, in order.
    together
        By subject: all subjects of the person, where these are several. A stamp is one more than the largest of them.
    snapshots, drop
        What is kept beside the journals (a newer one stays), and which snapshots go: (subject, name). They go first.
    links, names, letters, tallies, most
        Changes of links; names of decisions; dead letters; counts to add to; what some may come to at most (``Moved``).
    daily
        Draft by draft, counts to add to under the day on which it is recorded (``counting``); empty where none has any.
    lessons, learned
        Places of drafts that wait to be learned from; rows of the queue that were learned from.
    states, destroyed
        By SHA-256: sealed states of a version; those that go.
    forgotten
        Subjects of whom nothing stays beside their journal: no snapshot, link, name, event key or waiting lesson.
    """

    now: Instant
    expects: Mapping[int, Expectation] = {}
    holders: Mapping[bytes, int] = {}
    drafts: Sequence[Draft] = ()
    together: Mapping[int, tuple[int, ...]] = {}
    snapshots: Sequence[Kept] = ()
    drop: Sequence[tuple[int, str]] = ()
    links: Sequence[LinkChange] = ()
    names: Sequence[DecisionName] = ()
    letters: Sequence[DeadLetter] = ()
    tallies: Mapping[str, int] = {}
    most: Mapping[str, int] = {}
    daily: Sequence[Mapping[str, int]] = ()
    lessons: Sequence[int] = ()
    learned: Sequence[int] = ()
    states: Mapping[bytes, bytes] = {}
    destroyed: Sequence[bytes] = ()
    forgotten: Sequence[int] = ()


class Sealed(Struct, frozen=True):
    """How far the Merkle log goes: its size, its root, and how many entries wait to become leaves."""

    size: int
    root: bytes
    waiting: int


class Journals(Protocol):
    """The journals."""

    def head(self, subject: int) -> Head:
        """Give where a journal ends; one that has no entry ends at 0."""

    def heads(self, subjects: Sequence[int]) -> dict[int, Head]:
        """Give where several journals end."""

    def entries(
        self,
        subject: int,
        *,
        after: int = 0,
        upto: int | None = None,
        kinds: Sequence[EntryKind] | None = None,
        newest_first: bool = False,
    ) -> Iterator[Entry]:
        """Walk through one journal in order, or from its end; ``after`` is exclusive, ``upto`` inclusive."""

    def subjects(self, *, after: int = BANK, limit: int) -> list[int]:
        """List customers that have a journal, ascending; ``after`` is exclusive."""

    def known(self, keys: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
        """Say which (subject, event key) pairs were kept before."""

    def last(self, subjects: Sequence[int], *, kinds: Sequence[EntryKind]) -> dict[int, Instant]:
        """Give when the last entry of some kinds was recorded, by journal; one that has none is left out."""

    def recent(self, *, kinds: Sequence[EntryKind], limit: int) -> list[Entry]:
        """Give the newest entries of some kinds over all journals, newest first."""


class Log(Protocol):
    """The Merkle log over all entries."""

    def sealed(self) -> Sealed:
        """Say how far the log goes."""

    def leaves(self, *, after: int = 0, limit: int) -> list[bytes]:
        """Give entry hashes of leaves in order; ``after`` counts the leaves that are passed over."""

    def leaf_of(self, subject: int, n: int) -> int | None:
        """Give the number (from 0) of an entry's leaf, None while it waits."""

    def places(self, *, after: int = 0, limit: int) -> list[tuple[int, int]]:
        """Give (subject, n) of leaves in order."""


class Snapshots(Protocol):
    """What journals say up to some entry, kept so that none folds from the beginning."""

    def snapshots(self, subject: int, *, names: Sequence[str] | None = None) -> dict[str, Kept]:
        """Give the snapshots of a journal by name."""


class Directory(Protocol):
    """Who is linked by which key, and the names of decisions."""

    def keys_of(self, subject: int) -> list[bytes]:
        """Give the strong keys that a customer is linked with, sorted."""

    def holders(self, key: bytes, *, limit: int) -> list[int]:
        """Give customers that are linked with a key, ascending, at most ``limit``."""

    def decisions(self, name: bytes) -> list[tuple[int, int]]:
        """Give (subject, n) of the decisions that have a name, ascending."""

    def named(self, names: Collection[bytes]) -> set[bytes]:
        """Give those of some names that a decision has."""


class Versions(Protocol):
    """States of versions, and the lessons that wait."""

    def state(self, digest: bytes) -> bytes | None:
        """Give a sealed state by its SHA-256."""

    def lessons(self, *, limit: int) -> list[Lesson]:
        """Give the lessons that wait, in the order in which they came."""


class DeadLetters(Protocol):
    """Input that could not become an event."""

    def letters(self, *, limit: int) -> list[DeadLetter]:
        """Give dead letters, newest first."""

    def reasons(self) -> list[Reason]:
        """Give why there are dead letters, each reason once, the most frequent first."""

    def tallies(self, *, of: str = "") -> dict[str, int]:
        """Give the counts that units of work added up, those whose names begin so."""


class Reader(Journals, Log, Snapshots, Directory, Versions, DeadLetters, Inspection, Protocol):
    """A consistent snapshot of everything."""


class Store(Protocol):
    """Where everything is kept."""

    def read(self) -> AbstractContextManager[Reader]:
        """Open a consistent snapshot."""

    def guards(self, subject: int) -> Guards:
        """Give the guards as they are now, of one moment. It takes less than a snapshot."""

    def commit(self, unit: Unit) -> list[Head]:
        """Carry out a unit of work and give, for each draft, the head right after it; durable when it returns.

        Raises
        ------
        Moved
            When something it expects does not stand any more, or an event key is taken. Nothing of it is kept.
        StoreBusy
            When another process holds the store for longer than the patience.
        StoreError
            When the store cannot be used, or a number does not fit 64 bits. Nothing of it is kept.
        """

    def seal(self, *, limit: int = 100_000) -> Sealed:
        """Give leaf numbers to entries that wait, ascending n within a journal."""

    def copy_to(self, target: str) -> None:
        """Write a copy of the data into a new folder, without keys; raises StoreError where a bank lies there."""

    def close(self) -> None:
        """Finish what is waiting and close."""
