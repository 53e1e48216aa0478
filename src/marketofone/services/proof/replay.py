"""Fold every prefix that a decision rests on again, from nothing, and compare the decision byte for byte.

It goes through a few journals at a time, so its memory is bounded by a few customers. What it folds is what a live
decision folds, by the same reducer; only snapshots are left aside. It writes nothing, and no reading of it is a use.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from marketofone.audit.sealed_box import Box
from marketofone.domain.errors import MarketOfOneError, StoreError, UnknownCustomer
from marketofone.projection import codec
from marketofone.projection.live import Projection
from marketofone.projection.recent import Recent
from marketofone.projection.records import DecisionRecord
from marketofone.services.decisions.rests import BankHistory, is_replayable, put_together
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.pool import in_pieces
from marketofone.store.keystore import Customer
from marketofone.store.ports import BANK, Entry, EntryKind, Reader

TOGETHER = 64
"""Customers in one piece: the more, the less often a version is laid out again."""
_REMEMBERED = 128  # entries of one customer: most are asked for twice or more, soon after each other
_LAST = 2**63 - 1
Step = Callable[[int, int], None]
_ENCODE = msgspec.msgpack.Encoder().encode


class ReplayReport(Struct, frozen=True, kw_only=True):
    """What a replay found.

    ``unreplayable`` counts decisions that rest on somebody who was forgotten. ``first_difference`` names the first
    decision that differs by its id, or by its entry where it cannot be read.
    """

    entries: int = 0
    decisions: int = 0
    differences: int = 0
    unreplayable: int = 0
    first_difference: str | None = None

    def __add__(self, other: ReplayReport) -> ReplayReport:
        return ReplayReport(
            entries=self.entries + other.entries,
            decisions=self.decisions + other.decisions,
            differences=self.differences + other.differences,
            unreplayable=self.unreplayable + other.unreplayable,
            first_difference=self.first_difference or other.first_difference,
        )


def replay(
    context: AppContext, subjects: Sequence[int] | None = None, *, workers: int = 1, step: Step | None = None
) -> ReplayReport:
    """Recompute every decision, or those of some customers, and compare it byte for byte."""
    own = 0
    if subjects is None:
        with context.store.read() as reader:
            subjects, own = reader.subjects(limit=2**31), reader.head(BANK).n
    report, done = ReplayReport(entries=own), 0
    for one in in_pieces(context.to_read(), _replay_some, subjects, size=TOGETHER, workers=workers):
        report += one
        done = min(done + TOGETHER, len(subjects))
        if step is not None:
            step(done, len(subjects))
    return report


def _replay_some(context: AppContext, subjects: Sequence[int]) -> ReplayReport:
    """Replay some customers side by side, in the order of versions, so that each version is laid out once."""
    with context.store.read() as reader:
        history = BankHistory.of(context, reader)
        journals = [WalkedJournal(context, reader, subject) for subject in subjects]
        report = ReplayReport()
        for found in in_order_of_versions(journals):
            report += _compared(context, reader, history, found)
        return sum((journal.report for journal in journals), report)


def in_order_of_versions(journals: Iterable[WalkedJournal]) -> Iterator[Found]:
    """Give the decisions of some journals, those of one version together where each journal allows it."""
    return merge(*(journal.decisions() for journal in journals), key=_version_of)


class Found(NamedTuple):
    """A recorded decision, its customer, and their journal, walked through up to it."""

    customer: Customer
    journal: WalkedJournal
    record: DecisionRecord


def _version_of(found: Found) -> int:
    return found.record.rests_on.version


class _Records:
    """Reads each entry once: events are folded by the gate and by source, decisions are compared and folded, too."""

    def __init__(self) -> None:
        self._last: Recent[tuple[int, int], Any] = Recent(room=_REMEMBERED)

    def read(self, entry: Entry, *, box: Box) -> Any:
        """Read an entry, or remember it."""
        place = (entry.subject, entry.n)
        record = self._last.get(place)
        if record is None:
            record = codec.read(entry, box=box)
            self._last.put(place, record)
        return record


class WalkedJournal:
    """One customer's journal, walked through decision by decision, and what was folded of it on the way.

    ``report`` says of it what needs no recomputing: how many entries it has, and decisions that cannot be read.
    """

    def __init__(self, context: AppContext, reader: Reader, subject: int) -> None:
        self.subject = subject
        self.customer = context.keys.customer(subject)
        self.report = ReplayReport()
        self._reader = reader
        self._records = _Records()
        self.projection = Projection(context.keys, read=self._records.read)
        self._passed: deque[Entry] = deque(maxlen=_REMEMBERED)

    def decisions(self) -> Iterator[Found]:
        """Give decisions in order."""
        self.report += ReplayReport(entries=self._reader.head(self.subject).n)
        for entry in self._reader.entries(self.subject):
            self._passed.append(entry)
            if entry.kind != "decision":
                continue
            if self.customer is None:
                self.report += ReplayReport(decisions=1, unreplayable=1)
                continue
            try:
                record = self._records.read(entry, box=self.customer.box)
            except StoreError:  # altered: it says nothing any more, not even its id
                difference = f"entry {entry.n} of a journal"
                self.report += ReplayReport(decisions=1, differences=1, first_difference=difference)
            else:
                yield Found(self.customer, self, record)

    def entries(
        self, subject: int, *, after: int = 0, upto: int | None = None, kinds: Sequence[EntryKind] | None = None
    ) -> Iterable[Entry]:
        """Walk through a journal; what was passed just now of this one is not read again."""
        first = self._passed[0].n if self._passed else _LAST
        if subject != self.subject or upto is None or after + 1 < first:
            return self._reader.entries(subject, after=after, upto=upto, kinds=kinds)
        passed = islice(self._passed, after + 1 - first, upto + 1 - first)
        return (entry for entry in passed if kinds is None or entry.kind in kinds)


def _compared(context: AppContext, reader: Reader, history: BankHistory, found: Found) -> ReplayReport:
    customer, journal, record = found
    if not is_replayable(context, history, record):
        return ReplayReport(decisions=1, unreplayable=1)
    recorded = record.decision
    try:
        rests = put_together(
            context, reader, history, record, customer=customer, journals=journal, projection=journal.projection
        )
        again = rests.decide(recorded.request, secret=context.keys.secret)
        same = _ENCODE(again) == _ENCODE(recorded) and rests.person.journals == record.rests_on.journals
    except (MarketOfOneError, UnknownCustomer):
        same = False
    return ReplayReport(decisions=1, differences=int(not same), first_difference=None if same else recorded.id)
