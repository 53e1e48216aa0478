"""What a no changes: the last decisions before it, made again as if it had come before each of them.

A decision is folded from what it rested on then, and the consents of then are followed by the one entry that is asked
about. All else stays: documents, version, draws. So what is told is recomputed, and never guessed.

- *Nothing that is shut is shown.* What was decided is told only where it may still be shown. What would have been
  decided is told only where all that it reads may be used now, and that reading is a use.
- *A difference is the entry's.* Where another action comes out, the decision is first replayed without the entry, as
  an audit replays it: where an earlier release decided in another way, nothing is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.decision import Decision
from marketofone.domain.errors import MarketOfOneError
from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.projection.live import Projection
from marketofone.projection.person import Person
from marketofone.projection.records import DecisionRecord, Scope
from marketofone.projection.reducer import reduce
from marketofone.projection.snapshot import Snapshot
from marketofone.services.decisions.decide import compute
from marketofone.services.decisions.rests import BankHistory, Rests, is_replayable, put_together
from marketofone.services.decisions.visible import HIDDEN_ACTION, refusal_of, visible
from marketofone.services.rights.consent_history import change_entries
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.uses import read_person
from marketofone.store.ports import Entry, Reader

LATEST = 5
"""Decisions that are made again: the last before the entry."""


class MadeAgain(Struct, frozen=True, kw_only=True):
    """A decision that would have been another: as it may be shown now, and the actions that would have been chosen."""

    decision: Decision
    instead: tuple[str, ...]


class Consequence(Struct, frozen=True, kw_only=True):
    """What an entry would have changed of the last decisions before it.

    ``looked`` counts the decisions that were looked at, ``untold`` those of them of which it cannot be told.
    """

    looked: int = 0
    untold: int = 0
    differ: tuple[MadeAgain, ...] = ()


class _Found(Struct, frozen=True):
    """What was found of one decision: what would have been decided, None where it is the same; and what that read."""

    record: DecisionRecord
    instead: Decision | None = None
    untold: bool = False
    uses: tuple[Scope, ...] = ()


def consequence(context: AppContext, customer: str, n: int, *, now: Instant) -> Consequence:
    """Make the last decisions before a consent entry again, as if it had come before each of them.

    Raises
    ------
    UnknownCustomer
    UnknownEntry
        When no entry of this number in the customer's journal says something about consent.
    """

    def look(snapshot: Snapshot, person: Person, judged: Instant, _: Instant) -> tuple[Consequence, list[Scope]]:
        with context.store.read() as reader:
            again = _Again(context, reader, snapshot, person, entries=change_entries(reader, person, n), judged=judged)
            found = [again.made(record) for record in again.latest()]
        differ = tuple(
            MadeAgain(
                decision=visible(one.record, person, config=snapshot.config, now=judged), instead=_actions(one.instead)
            )
            for one in reversed(found)
            if one.instead is not None
        )
        told = Consequence(looked=len(found), untold=sum(one.untold for one in found), differ=differ)
        shown = [one.decision.uses for one in differ if one.decision.action != HIDDEN_ACTION]
        return told, [scope for uses in (*shown, *(one.uses for one in found)) for scope in uses]

    return read_person(context, customer, what="receipt", now=now, look=look)


class _Again:
    """Makes decisions of one customer again, in their order, so that each is folded from the one before."""

    def __init__(
        self,
        context: AppContext,
        reader: Reader,
        snapshot: Snapshot,
        person: Person,
        *,
        entries: Sequence[Entry],
        judged: Instant,
    ) -> None:
        self._context, self._reader, self._snapshot, self._person = context, reader, snapshot, person
        self._entries, self._judged = entries, judged
        self._records = [codec.read(entry, box=person.asked.box) for entry in entries]
        self._history = BankHistory.of(context, reader)
        self._projection = Projection(context.keys)

    def latest(self) -> Iterator[DecisionRecord]:
        """Give the last decisions before the entry, in their order."""
        owner = self._person.asked
        entries = self._reader.entries(owner.subject, kinds=("decision",), newest_first=True, upto=self._entries[0].n)
        for entry in reversed(list(islice(entries, LATEST))):
            yield codec.read(entry, box=owner.box)

    def made(self, record: DecisionRecord) -> _Found:
        """Make one again."""
        if not is_replayable(self._context, self._history, record):
            return _Found(record, untold=True)
        try:
            rests = put_together(
                self._context,
                self._reader,
                self._history,
                record,
                customer=self._person.asked,
                journals=self._reader,
                projection=self._projection,
            )
            return self._compared(record, rests)
        except MarketOfOneError:  # an earlier release kept what this one does not read
            return _Found(record, untold=True)

    def _compared(self, record: DecisionRecord, rests: Rests) -> _Found:
        made, after = record.decision, self._with_entry(rests.person)
        if not refusal_of(record, after, config=rests.snapshot.config, now=made.at):
            return _Found(record)  # it read nothing that the entry shuts
        other = self._decided(rests, after, made)
        if refusal_of(replace(record, decision=other), self._person, config=self._snapshot.config, now=self._judged):
            return _Found(record, untold=True)
        if _actions(other) == _actions(made):
            return _Found(record, uses=other.uses)
        as_recorded = self._decided(rests, rests.person, made) == made
        return _Found(record, other if as_recorded else None, untold=not as_recorded, uses=other.uses)

    def _with_entry(self, person: Person) -> Person:
        """Give a person as they were then, with the entry as the last thing that was said."""
        own = state = person.own
        for entry, record in zip(self._entries, self._records, strict=True):
            state = reduce(state, entry, record)
        return person.telling(replace(state, n=own.n, guard=own.guard))

    def _decided(self, rests: Rests, person: Person, made: Decision) -> Decision:
        secret = self._context.keys.secret
        return compute(rests.snapshot, person, made.request, policy=rests.policy, secret=secret)


def _actions(decision: Decision) -> tuple[str, ...]:
    return tuple(place.action for place in decision.places)
