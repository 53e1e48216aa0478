"""What can be seen now, or could be seen at some earlier entries: snapshots and tails, folded by one reducer.

A :class:`Projection` remembers what it folded. Everything it remembers names the entry up to which it was folded, so it
is never stale: a reader that sees more entries makes it fold more, one that sees fewer makes it fold anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from marketofone.audit.sealed_box import Box
from marketofone.consent.gate import admissible_sources
from marketofone.consent.licence import GOVERNED, run_out
from marketofone.domain.errors import SchemaChanged, UnknownCustomer
from marketofone.domain.event import SOURCES
from marketofone.domain.moment import Instant
from marketofone.domain.rates import KnownRates
from marketofone.features.state import MONEY, AdmittedEvent, LiveState, schema_of
from marketofone.features.state_form import from_bytes, to_bytes
from marketofone.projection import codec, reducer
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.bank_state import BankState, reduce_bank
from marketofone.projection.beside import Beside
from marketofone.projection.folding import Folded, admitted, fold_more, kept_events
from marketofone.projection.journals import HOLDS_EVENTS, JournalReader, kept_of
from marketofone.projection.lineage import NOTHING_WITHHELD, Withheld, resting, withheld_from
from marketofone.projection.parted import is_parted, name_parted, names_of, parted_from, source_of, with_withheld
from marketofone.projection.person import Person
from marketofone.projection.recent import Recent
from marketofone.projection.reducer import CORE, NOTHING, Removed, SubjectState, reduce
from marketofone.projection.reference_rates import RatesReader
from marketofone.projection.several import Several, stands
from marketofone.projection.sights import Sights
from marketofone.store.keystore import Customer, KeyStore
from marketofone.store.ports import BANK, Entry, Head, Kept

EVERY_SOURCE = frozenset(SOURCES)
NOTHING_ENDED = frozenset[str]()
RENEW_AFTER = 64  # entries in a tail, or events folded of it: then its snapshot is renewed beside the way
_PEOPLE = 100_000
_STATES = 8_192

Renew = Callable[[Kept], None]
"""Takes a snapshot that should be kept, unless consent or identity have changed since."""


class Read(Protocol):
    """Reads the record of an entry."""

    def __call__(self, entry: Entry, *, box: Box) -> Any:
        """Read one."""
        ...


class _Found(NamedTuple):
    """The states of one id without licences, and what they stand for: the last entry of each source, and documents."""

    last: tuple[Mapping[str, int], Mapping[str, Removed], frozenset[str]]
    config: BankConfig
    states: Mapping[str, LiveState]


class Projection:
    """What was folded of journals, remembered.

    Parameters
    ----------
    keys
        Names and keys.
    renew
        Takes snapshots that should be kept; without it none is read or written, as a replay wants it.
    read
        Reads an entry; a replay, which has read it already, remembers it.
    people, states
        Of how many journals, and how many of their sources, it remembers what was folded.
    """

    def __init__(
        self,
        keys: KeyStore,
        *,
        renew: Renew | None = None,
        read: Read = codec.read_to_fold,
        people: int = _PEOPLE,
        states: int = _STATES,
    ) -> None:
        self._keys = keys
        self._renew = renew
        self._read = read
        self._bank = BankState()
        self._rates = RatesReader(keys)
        self._subjects: Recent[int, SubjectState] = Recent(room=people)
        self._folded: Recent[tuple[int, str], Folded] = Recent(room=states)  # by the name of the snapshot
        self._parted: Recent[tuple[int, str], Folded] = Recent(room=states)
        self._found: Recent[int, _Found] = Recent(room=max(states // len(SOURCES), 1))
        self._several = Several(states=states)
        self._beside = Beside(people=people, states=states)
        self.sights = Sights(people=max(states // len(SOURCES), 1))
        self._kept: Recent[tuple[int, str], int] = Recent(room=people)  # the last entry of snapshots

    def apart(self, *, room: int) -> Projection:
        """Give another that remembers a few people only, for a reading that passes each person once."""
        places = room * len(SOURCES)
        other = Projection(self._keys, renew=self._renew, read=self._read, people=places, states=places)
        other._bank, other._rates = self._bank, self._rates
        return other

    def bank(self, reader: JournalReader) -> BankState:
        """Give what the bank's journal says."""
        n = reader.head(BANK).n
        state = self._bank if self._bank.n <= n else BankState(digests={}, versions={})
        if state.n == 0:
            state = BankState(digests={}, versions={})
        if state.n < n:
            for entry in reader.entries(BANK, after=state.n, upto=n):
                state = reduce_bank(state, entry, codec.read(entry, box=self._keys.bank))
            if state.n >= self._bank.n:
                self._bank = state
        return state

    def rates(self, reader: JournalReader, bank: BankState) -> KnownRates:
        """Give what reference tables of rates say."""
        return self._rates.upto(reader, bank.rates)

    def person(self, reader: JournalReader, name: str) -> Person:
        """Give the person of a customer.

        Raises
        ------
        UnknownCustomer
            When no journal names this customer.
        """
        asked = self._keys.find((name,)).get(name)
        if asked is None:
            raise UnknownCustomer
        return self.person_of(reader, asked)

    def person_of(self, reader: JournalReader, asked: Customer, *, head: Head | None = None) -> Person:
        """Give the person of a customer. Raises as :meth:`person` does."""
        head = head or reader.head(asked.subject)
        if head.n == 0:
            raise UnknownCustomer
        own = self.subject(reader, asked, head=head)
        if not own.members:
            return Person(asked, (asked,), {asked.subject: head}, {asked.subject: own})
        members = [asked if of == asked.subject else self._keys.customer(of) for of in own.members]
        present = sorted((one for one in members if one is not None), key=lambda one: one.name)
        heads = {asked.subject: head, **reader.heads([of.subject for of in present if of is not asked])}
        states = {
            of.subject: own if of is asked else self.subject(reader, of, head=heads[of.subject]) for of in present
        }
        return Person(asked, tuple(present), heads, states)

    def subject(self, reader: JournalReader, customer: Customer, *, head: Head) -> SubjectState:
        """Give what one journal says up to a head."""
        known = self._subjects.get(customer.subject)
        if known is not None and known.n == head.n:
            state = known
        else:
            state = known if known is not None and known.n < head.n else self._snapshot(reader, customer, n=head.n)
            for entry in reader.entries(customer.subject, after=state.n, upto=head.n):
                state = reduce(state, entry, self._read(entry, box=customer.box))
            self.advanced(customer.subject, state)
        if self._is_late(customer, CORE, n=state.n):
            self._renew_now(customer, CORE, reducer.to_bytes(state), n=state.n)
        return state

    def states(
        self,
        reader: JournalReader,
        person: Person,
        *,
        config: BankConfig,
        now: Instant,
        sources: frozenset[str] = EVERY_SOURCE,
        judged: Instant | None = None,
    ) -> dict[str, LiveState]:
        """Give a person's live state by source, as far as the gate opens it, holding nothing later than ``now``.

        ``judged`` is the moment at which permission is judged, where that is another.
        """
        judge = now if judged is None else judged
        kept = frozenset[str]().union(*(state.sources for state in person.states.values()))
        wanted = kept & sources & admissible_sources(person.consents, policy=config.policy, now=judge)
        if not wanted:
            return {}
        of_one = len(person.members) == 1
        found = (
            self._of_one(reader, person, wanted, config, judge)
            if of_one
            else self._several.states(reader, person, wanted, config, judged=judge)
        )
        if any(state.latest > now for state in found.values()):
            found = self._from_beginning(reader, person, wanted, config, now=now, judged=judge)
        return self._beside.settled(reader, person, found, config, now=now, judged=judge)

    def forget(self, subject: int) -> None:
        """Forget what was folded of a customer."""
        self._subjects.drop(subject)
        self._several.forget(subject)
        self._beside.forget(subject)
        self.sights.forget(subject)
        for source in SOURCES:
            self.drop(subject, source)

    def drop(self, subject: int, source: str) -> None:
        """Forget what was folded of one source of a customer."""
        self.sights.forget(subject)
        self._found.drop(subject)
        for name in names_of(source):
            self._memory(name).drop((subject, name))
            self._kept.drop((subject, name))

    def advanced(self, subject: int, state: SubjectState) -> None:
        """Remember what a journal says after entries that this process appended."""
        known = self._subjects.get(subject)
        if known is None or known.n < state.n:
            self._subjects.put(subject, state)

    def remembered(self, subject: int) -> SubjectState | None:
        """Give what is remembered of a journal, up to whatever entry."""
        return self._subjects.get(subject)

    def _of_one(
        self, reader: JournalReader, person: Person, wanted: frozenset[str], config: BankConfig, judged: Instant
    ) -> dict[str, LiveState]:
        """Give the states of one id: where something rests on what is withheld, those in which nothing does."""
        licences, own = person.consents.licences, person.own
        last = (own.sources, own.removed, wanted)
        known = None if licences else self._found.get(person.asked.subject)
        if known is not None and known.config is config and known.last == last:
            return dict(known.states)
        over = run_out(licences, judged)
        whole = {source: Folded(0, None, over if source == GOVERNED else NOTHING_ENDED) for source in wanted}
        found = self._up_to_now(reader, person, whole, config, judged)
        withheld = withheld_from(wanted, licences, now=judged, journals=person.states)
        rests_on = {source: resting(found[source].registers, withheld) for source in MONEY & found.keys()}
        apart = {
            name_parted(source, withheld): whole[source]._replace(withheld=scopes)
            for source, scopes in rests_on.items()
            if scopes != NOTHING_WITHHELD
        }
        if apart:
            found |= self._up_to_now(reader, person, apart, config, judged, withheld=withheld)
        if not licences:
            self._found.put(person.asked.subject, _Found(last, config, found))
        return dict(found)

    def _up_to_now(
        self,
        reader: JournalReader,
        person: Person,
        asked: Mapping[str, Folded],
        config: BankConfig,
        judged: Instant,
        withheld: Withheld = NOTHING_WITHHELD,
    ) -> dict[str, LiveState]:
        """Fold what is new of some sources of one id into what is known of them; gives the states by source.

        ``asked`` says under which name each is remembered and kept, and what is not in it.
        """
        one, own = person.asked, person.own
        known = {name: self._known(one, name, blank, own, config) for name, blank in asked.items()}
        missing = [name for name, folded in known.items() if folded is None and not asked[name].ended]
        kept = reader.snapshots(one.subject, names=missing) if missing and self._renew else {}
        before = {
            source_of(name): folded or self._opened(kept.get(name), one, own, name, asked[name], config)
            for name, folded in known.items()
        }
        behind = {source: folded.n for source, folded in before.items() if folded.n < own.sources[source]}
        states: dict[str, LiveState | None] = {source: folded.state for source, folded in before.items()}
        more: dict[str, list[AdmittedEvent]] = {}
        if behind:
            tail = reader.entries(one.subject, after=min(behind.values()), upto=own.n, kinds=HOLDS_EVENTS)
            records = ((entry.n, self._read(entry, box=one.box)) for entry in tail)
            events = kept_events(records, after=behind, removed=own.removed_keys)
            more = admitted(
                events,
                consents=person.consents,
                config=config,
                now=judged,
                before=states,
                withheld=withheld,
                corrected=person.corrected,
            )
            states = fold_more(states, more, config=config)
        for name, blank in asked.items():
            source = source_of(name)
            if known[name] is None or source in behind:  # else what is remembered says all there is
                folded = blank._replace(n=own.n, state=states[source])
                self._remember(one, name, folded, heavy=len(more.get(source, ())) >= RENEW_AFTER)
        return {source: state for source, state in states.items() if state is not None}

    def _memory(self, name: str) -> Recent[tuple[int, str], Folded]:
        return self._parted if is_parted(name) else self._folded

    def _known(
        self, customer: Customer, name: str, blank: Folded, own: SubjectState, config: BankConfig
    ) -> Folded | None:
        """Give what is remembered of a state that can be folded further; None where there is none.

        What was folded before an event of the source was taken back cannot be used, nor what was folded with or
        without other institutions: nothing can be unfolded. What is kept was folded with all of them.
        """
        folded = self._memory(name).get((customer.subject, name))
        if folded is None or folded[2:] != blank[2:] or not stands(folded.n, own, source_of(name)):
            return None
        known_schema = None if folded.state is None else folded.state.schema
        return folded if known_schema in (None, schema_of(config.features, config.calendar)) else None

    def _opened(
        self,
        kept: Kept | None,
        customer: Customer,
        own: SubjectState,
        name: str,
        blank: Folded,
        config: BankConfig,
    ) -> Folded:
        """Give what a state was kept as; 0 entries where it cannot be used."""
        plain = None if kept is None or not stands(kept.n, own, source_of(name)) else codec.kept(kept, box=customer.box)
        if kept is None or plain is None:
            return blank
        self._kept.put((kept.subject, kept.name), kept.n)
        plain, withheld = parted_from(plain) if is_parted(name) else (plain, NOTHING_WITHHELD)
        if withheld == blank.withheld:
            with suppress(SchemaChanged):  # it is folded again, under the documents in force
                return blank._replace(
                    n=kept.n, state=from_bytes(plain, catalogue=config.features, calendar=config.calendar)
                )
        return blank

    def _remember(self, customer: Customer, name: str, folded: Folded, *, heavy: bool) -> None:
        memory = self._memory(name)
        known = memory.get((customer.subject, name))
        if known is None or known.n <= folded.n:
            memory.put((customer.subject, name), folded)
        late = not folded.ended and (heavy or self._is_late(customer, name, n=folded.n))
        if late and folded.state is not None:
            plain = to_bytes(folded.state)
            kept = with_withheld(plain, folded.withheld) if is_parted(name) else plain
            self._renew_now(customer, name, kept, n=folded.n)

    def _is_late(self, customer: Customer, name: str, *, n: int) -> bool:
        """Say whether the tail of a snapshot has grown long, where snapshots are kept at all."""
        return self._renew is not None and n - (self._kept.get((customer.subject, name)) or 0) >= RENEW_AFTER

    def _renew_now(self, customer: Customer, name: str, plain: bytes, *, n: int) -> None:
        if self._renew is not None:
            self._kept.put((customer.subject, name), n)
            self._renew(codec.keep(name, plain, subject=customer.subject, n=n, box=customer.box))

    def _from_beginning(
        self,
        reader: JournalReader,
        person: Person,
        wanted: frozenset[str],
        config: BankConfig,
        *,
        now: Instant,
        judged: Instant,
    ) -> dict[str, LiveState]:
        pairs = ((kept, event) for kept, event in kept_of(reader, person, wanted) if event.at <= now)
        withheld = withheld_from(wanted, person.consents.licences, now=judged, journals=person.states)
        by_source = admitted(
            pairs,
            consents=person.consents,
            config=config,
            now=judged,
            withheld=withheld,
            corrected=person.corrected,
        )
        folded = fold_more({}, by_source, config=config)
        return {source: state for source, state in folded.items() if state is not None}

    def _snapshot(self, reader: JournalReader, customer: Customer, *, n: int) -> SubjectState:
        kept = reader.snapshots(customer.subject, names=(CORE,)).get(CORE) if self._renew else None
        if kept is None or kept.n > n:
            return NOTHING
        self._kept.put((kept.subject, kept.name), kept.n)
        plain = codec.kept(kept, box=customer.box)
        return NOTHING if plain is None else reducer.from_bytes(plain) or NOTHING
