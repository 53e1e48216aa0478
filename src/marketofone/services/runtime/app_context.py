"""What every service is handed: the store, the keys, what was folded of the journals, and the language model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial, wraps
from itertools import count
from random import random
from typing import Any, ParamSpec, TypeVar

from marketofone.domain.errors import Moved, StoreBusy, StoreError
from marketofone.domain.moment import Instant
from marketofone.learn.join import LessonFacts
from marketofone.models.language.model import LanguageModel
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.live import Projection
from marketofone.projection.recent import Recent
from marketofone.projection.records import Record
from marketofone.projection.reducer import SubjectState, reduce
from marketofone.projection.snapshot import Configs, Snapshot
from marketofone.projection.versions import PolicySnapshot, VersionReader
from marketofone.services.runtime.combining import Combiner
from marketofone.services.runtime.renewal import Renewal
from marketofone.services.runtime.right_of_way import RightOfWay
from marketofone.store.keystore import KeyStore
from marketofone.store.ports import BANK, Draft, Entry, Head, Reader, Store

P = ParamSpec("P")
R = TypeVar("R")

PATIENCE = 10.0
"""For how many seconds a unit of work is computed again while others move what it rests on."""

_NEVER = Instant(0)
_JOURNALS = 100_000  # numbers
_LESSONS = 10_000
_PEOPLE = 100_000
_DERIVED = 4

STRICT_ATTEMPTS = 2
"""How often it is computed again for arrivals that cannot change the answer."""


class Turns:
    """Lets the threads of a process take turns with a customer: none computes what another is about to move."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, tuple[threading.RLock, int]] = {}

    @contextmanager
    def take(self, customer: str) -> Iterator[None]:
        """Wait for the turn, and have it while the block runs; its holder may take it again."""
        with self._lock:
            turn, waiting = self._held.get(customer, (threading.RLock(), 0))
            self._held[customer] = (turn, waiting + 1)
        try:
            with turn:
                yield
        finally:
            with self._lock:
                turn, waiting = self._held.pop(customer)
                if waiting > 1:
                    self._held[customer] = (turn, waiting - 1)


@dataclass
class AppContext:
    """Everything plugged in, built once by ``wiring``; documents follow what any process recorded last.

    ``actor`` says who acts where a request does not say it. ``derived`` remembers what was made of the bank's whole
    journal up to an entry, ``lessons`` what was learned from and may have to be learned again, by its entry.
    ``found_last`` remembers where in a journal the last movement stood that was sent again.
    ``regrouped`` are customers whose person changed since it was last asked what that does to lessons.
    ``left_open`` are customers about whose money only all movements together can say something more, ``unresolved``
    those of whom something stayed open then: the next movement may answer it. ``told_numbers`` are hashes of what own
    accounts are called that were told before, by customer, with the guard of the journal as of which that was asked.
    ``money_moved`` are customers whose money moved since they were looked ahead for, where ``looks_ahead`` is there: it
    wakes the thread that looks ahead beside the way.
    ``signs_looked`` is when it was last looked whether acceptances came of age whose early signs are to be read, and
    ``signs_until`` the last version whose lessons were looked at then.
    ``none_pending`` is the guard of a journal as of which no pending movement of it waits for its booking any more.
    ``in_force`` are the documents that were in force as of a guard of the bank's journal.
    ``reopen`` opens the same bank in another process, to read only where it is asked to.
    """

    store: Store
    keys: KeyStore
    read_language: Callable[[], LanguageModel]
    projection: Projection
    configs: Configs
    versions: VersionReader
    renewal: Renewal
    actor: str = "system"
    reads_only: bool = False
    turns: Turns = field(default_factory=Turns)
    combiner: Combiner[Any, Any] = field(default_factory=Combiner)
    right_of_way: RightOfWay = field(default_factory=RightOfWay)
    derived: Recent[tuple[str, int], object] = field(default_factory=partial(Recent, room=_DERIVED))
    lessons: Recent[tuple[int, int], LessonFacts] = field(default_factory=partial(Recent, room=_LESSONS))
    found_last: Recent[int, int] = field(default_factory=partial(Recent, room=_JOURNALS))
    regrouped: set[int] = field(default_factory=set)
    left_open: set[int] = field(default_factory=set)
    unresolved: set[int] = field(default_factory=set)
    money_moved: set[int] = field(default_factory=set)
    looks_ahead: Callable[[], None] | None = None
    told_numbers: Recent[int, tuple[int, frozenset[int]]] = field(default_factory=partial(Recent, room=_PEOPLE))
    signs_looked: Instant = _NEVER
    signs_until: int = 0
    none_pending: Recent[int, int] = field(default_factory=partial(Recent, room=_PEOPLE))
    in_force: tuple[int, BankConfig] | None = None
    reopen: Callable[..., AppContext] | None = None

    @cached_property
    def language(self) -> LanguageModel:
        """The language model, read when it is first needed."""
        return self.read_language()

    def to_read(self) -> AppContext:
        """Give the same, where other processes of a pool open the bank to read only."""
        return self if self.reopen is None else replace(self, reopen=partial(self.reopen, read_only=True))

    def snapshot(self, reader: Reader, *, projection: Projection | None = None) -> Snapshot:
        """Look at what a reader shows; with a projection of its own, a long reading leaves no trace in memory."""
        return Snapshot(reader, projection=projection or self.projection, configs=self.configs)

    @property
    def config(self) -> BankConfig:
        """The documents in force."""
        known = self.in_force
        if known is None or known[0] != self.store.guards(BANK).bank:
            with self.store.read() as reader:
                guard, config = reader.head(BANK).guard, self.snapshot(reader).config
            self.in_force = known = (guard, config)
        return known[1]

    def policy(self, reader: Reader, snapshot: Snapshot) -> PolicySnapshot:
        """Give the version that decides, laid out for the documents in force."""
        return self.versions.policy(reader, snapshot.bank, snapshot.bank.decides, config=snapshot.config)

    def follow(self, before: SubjectState, draft: Draft, head: Head, record: Record) -> None:
        """Remember what a journal says after an entry that was appended, where it was known up to the one before."""
        if before.n == head.n - 1:
            entry = Entry(
                subject=draft.subject,
                n=head.n,
                stamp=head.stamp,
                kind=draft.kind,
                at=draft.at,
                recorded=head.recorded,
                body=draft.body,
                commitment=draft.commitment,
                hash=head.hash,
            )
            self.projection.advanced(draft.subject, reduce(before, entry, record))

    def close(self) -> None:
        """Finish what is waiting and close."""
        self.renewal.close()
        if not self.reads_only:
            with suppress(StoreError):  # what could not be sealed now is sealed next time
                while self.store.seal().waiting:
                    pass
        self.store.close()
        self.keys.close()


def one_of(subjects: set[int]) -> int | None:
    """Take one out; None where none is left, for another thread may take some."""
    with suppress(KeyError):
        return subjects.pop()
    return None


def attempts() -> Iterator[int]:
    """Count attempts at a unit of work, with a little patience between them, never the same for two who compete.

    Raises
    ------
    StoreBusy
        When others moved what it rests on for too long.
    """
    end = time.monotonic() + PATIENCE
    for attempt in count():
        yield attempt
        if time.monotonic() > end:
            raise StoreBusy("others changed what this rests on each time it was computed; try again")
        time.sleep(random() * 0.001 * 2 ** min(attempt, 6))  # noqa: S311 - no one gains by foreseeing it


def repeated(work: Callable[P, R]) -> Callable[P, R]:
    """Make a function that commits one unit of work read and compute it again while others move what it rests on.

    Raises
    ------
    StoreBusy
        When others moved it for too long.
    """

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in attempts():
            with suppress(Moved):
                return work(*args, **kwargs)
        raise AssertionError("attempts end with an error")

    return run
