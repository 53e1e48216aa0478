"""What a recorded decision rested on, folded again from nothing: prefixes of journals, documents, a version.

A replay compares what is decided on it, and whoever asks what would have changed a decision is answered from it.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from marketofone.domain.decision import Decision, Request
from marketofone.projection import codec
from marketofone.projection.bank_state import BankState, reduce_bank
from marketofone.projection.live import Projection
from marketofone.projection.person import Person
from marketofone.projection.prefix import EntryReader, PrefixReader
from marketofone.projection.records import DecisionRecord
from marketofone.projection.snapshot import Configs, Snapshot
from marketofone.projection.versions import PolicySnapshot
from marketofone.services.decisions.decide import compute
from marketofone.services.runtime import often
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.keystore import Customer
from marketofone.store.ports import BANK, Reader


class BankHistory:
    """The bank's journal at each of its entries."""

    def __init__(self, context: AppContext, reader: Reader) -> None:
        state = BankState(digests={}, versions={})
        self._states: list[BankState] = []
        for entry in reader.entries(BANK):
            state = reduce_bank(state, entry, codec.read(entry, box=context.keys.bank))
            self._states.append(state)
        self._ends = [one.n for one in self._states]

    @staticmethod
    def of(context: AppContext, reader: Reader) -> BankHistory:
        """Give it as a reader shows it: made once, for a replay asks for it with every few customers."""
        n = reader.head(BANK).n
        known = context.derived.get(("history", n))
        if not isinstance(known, BankHistory):
            known = BankHistory(context, reader)
            context.derived.put(("history", n), known)
        return known

    @property
    def last(self) -> BankState:
        """The bank's journal as it stands."""
        return self._states[-1]

    def at(self, n: int) -> BankState:
        """Give what the bank's journal said up to an entry."""
        return self._states[bisect_right(self._ends, n) - 1]


class PrefixSnapshot(Snapshot):
    """One moment of the journals, given by the entries that something rests on."""

    def __init__(
        self, reader: PrefixReader, journals: Reader, bank: BankState, *, projection: Projection, configs: Configs
    ) -> None:
        self.reader = reader
        self.bank = bank
        self.config = configs.at(journals, bank)
        self._projection = projection


class Rests(NamedTuple):
    """What one decision rested on."""

    snapshot: Snapshot
    person: Person
    policy: PolicySnapshot

    def decide(self, request: Request, *, secret: bytes) -> Decision:
        """Decide on it again."""
        often.decided()
        return compute(self.snapshot, self.person, request, policy=self.policy, secret=secret)


def is_replayable(context: AppContext, history: BankHistory, record: DecisionRecord) -> bool:
    """Say whether a decision can be recomputed: not where it rests on somebody who was forgotten."""
    if any(context.keys.customer(subject) is None for subject, _ in record.rests_on.journals):
        return False
    version = context.versions.version(history.last, record.rests_on.version)
    return history.last.destroyed.isdisjoint(version.decides_by)


def as_it_was(
    context: AppContext,
    reader: Reader,
    history: BankHistory,
    record: DecisionRecord,
    *,
    journals: EntryReader,
    projection: Projection,
) -> PrefixSnapshot:
    """Give the moment that a decision rests on; ``journals`` walks through journals, ``projection`` remembers folds."""
    rests_on = record.rests_on
    prefix = PrefixReader(journals, {**dict(rests_on.journals), BANK: rests_on.bank})
    bank = history.at(rests_on.bank)
    return PrefixSnapshot(prefix, reader, bank, projection=projection, configs=context.configs)


def put_together(
    context: AppContext,
    reader: Reader,
    history: BankHistory,
    record: DecisionRecord,
    *,
    customer: Customer,
    journals: EntryReader,
    projection: Projection,
) -> Rests:
    """Fold what a decision rested on; takes what :func:`as_it_was` takes.

    Raises
    ------
    MarketOfOneError
        When something of it cannot be read.
    """
    snapshot = as_it_was(context, reader, history, record, journals=journals, projection=projection)
    person = snapshot.person_of(customer)
    policy = context.versions.policy(reader, history.last, record.rests_on.version, config=snapshot.config)
    return Rests(snapshot, person, policy)
