"""What the journeys ask of a store, whichever engine keeps it.

The *journal* is the truth: every ingest batch, consent change, decision, outcome, ruling, forecast, document and
trained model is one entry with a sequence number, in one total order, hash-chained. Events hang on their ingest entry.
Everything else (consents as they stand, live state, models, links between identities) is a view that can be rebuilt
from the journal.

``Store.read`` gives a consistent snapshot. ``Store.commit`` runs a unit of work alone, in the order of arrival, and
returns when it is durable; several waiting units share one flush to disk. A unit that raises leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol, TypeVar

from msgspec import Struct

from marketofone.audit.chain import Link
from marketofone.domain.moment import Instant

T = TypeVar("T")

Verdict = Literal["admitted", "refused", "gap"]
EntryKind = Literal["document", "ingest", "consent", "decision", "outcome", "ruling", "forecast", "model"]


class Entry(Struct, frozen=True, kw_only=True):
    """One entry of the journal. ``body`` is None once it was erased; the link in the chain stays."""

    seq: int
    kind: EntryKind
    at: Instant
    customer: str | None
    body: bytes | None
    link: Link


class NewEvent(Struct, frozen=True, gc=False):
    """One event to keep. ``body`` is the CloudEvents JSON, or None when it was refused and need not be kept."""

    key: bytes
    customer: str
    source: str
    kind: str
    at: Instant
    verdict: Verdict
    body: bytes | None
    reading: bytes | None


class StoredEvent(NewEvent, frozen=True, gc=False):
    """One event as kept: under an entry of the journal, at a row of its own."""

    seq: int
    row: int


class DeadLetter(Struct, frozen=True):
    """A dead letter: input that could not become an event, kept aside with the reason."""

    at: Instant
    field: str
    shape: str
    fix: str
    raw: bytes


class Reader(Protocol):
    """A consistent snapshot."""

    def position(self) -> int:
        """Give the sequence number of the last entry, 0 when there is none."""

    def entry(self, seq: int) -> Entry | None:
        """Give one entry."""

    def entries(
        self,
        *,
        kinds: Sequence[EntryKind] | None = None,
        customers: Sequence[str] | None = None,
        after: int = 0,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> Iterator[Entry]:
        """Walk through the journal in order, or from its end; ``after`` is exclusive."""

    def changes(self, *, after: int) -> list[tuple[EntryKind, str | None]]:
        """Say of every entry after a sequence number what it is and whom it is about."""
        ...

    def decision(self, decision_id: str) -> Entry | None:
        """Give the journal entry of a decision."""

    def events(
        self, *, customers: Sequence[str] | None = None, after: int = 0, upto: int | None = None
    ) -> Iterator[StoredEvent]:
        """Walk through events by row (``after`` exclusive), of entries up to the sequence number ``upto``."""

    def known(self, keys: Sequence[bytes]) -> set[bytes]:
        """Say which event keys were seen before."""

    def customers(self) -> Iterator[str]:
        """List every customer an event or a consent names, in a stable order."""

    def person(self, customer: str) -> str:
        """Give the person a customer is: the smallest customer id linked with it, itself when there is none."""

    def members(self, person: str) -> tuple[str, ...]:
        """Give every customer id of a person, sorted."""

    def holder(self, key_kind: str, key: str) -> str | None:
        """Give the smallest customer id linked to a strong key."""

    def epoch(self, person: str) -> int:
        """Give the consent epoch of a person, 0 when nothing was ever said."""

    def consents(self, person: str) -> bytes | None:
        """Give a person's consents as they stand, as they were put."""

    def states(self, person: str) -> dict[str, bytes]:
        """Give a person's live state by source."""

    def model(self, name: str) -> bytes | None:
        """Give a model state."""

    def models(self, *, prefix: str, after: int) -> dict[str, bytes]:
        """Give the model states of a name prefix that changed after a sequence number."""

    def document(self, name: str) -> str | None:
        """Give the text of a document of the bank project as last recorded."""

    def letters(self, *, limit: int) -> Iterator[DeadLetter]:
        """Give dead letters, newest first."""

    def counts(self) -> Mapping[str, int]:
        """Count what is kept: events by verdict, entries by kind, letters, customers."""


class Writer(Reader, Protocol):
    """A unit of work: reads see its own writes."""

    def append(self, kind: EntryKind, *, at: Instant, customer: str | None, body: bytes) -> Entry:
        """Append an entry to the journal and to its chain."""

    def index_decision(self, decision_id: str, *, seq: int) -> None:
        """Make a decision's entry findable by its id.

        Raises
        ------
        DecisionExists
            When the id is taken.
        """

    def add_events(self, events: Sequence[NewEvent], *, seq: int) -> None:
        """Keep events under the ingest entry ``seq``. Their keys must be new (ask :meth:`known` first)."""

    def add_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Keep dead letters."""

    def link(self, *, key_kind: str, key: str, customer: str) -> None:
        """Link a customer to a strong key."""

    def unlink(self, *, key_kind: str, key: str, customer: str) -> None:
        """Take such a link back."""

    def put_consents(self, person: str, *, epoch: int, body: bytes) -> None:
        """Put a person's consents as they stand."""

    def put_state(self, person: str, source: str, body: bytes) -> None:
        """Put a person's live state of one source."""

    def drop_state(self, person: str, source: str) -> None:
        """Remove a person's live state of one source."""

    def put_model(self, name: str, body: bytes, *, seq: int) -> None:
        """Put a model state, changed by the entry ``seq``."""

    def put_document(self, name: str, text: str) -> None:
        """Put the text of a document."""


class Store(Protocol):
    """Where everything is kept."""

    def read(self) -> AbstractContextManager[Reader]:
        """Open a consistent snapshot."""

    def commit(self, work: Callable[[Writer], T]) -> T:
        """Run a unit of work alone and give its result once it is durable.

        Raises
        ------
        StoreBusy
            When another process holds the store for too long.
        """

    def close(self) -> None:
        """Finish what is waiting and close."""
