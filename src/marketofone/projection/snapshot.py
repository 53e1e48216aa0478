"""What can be seen at one moment of the journals, live or replayed: the bank, its documents, and people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from marketofone.consent.gate import Permit
from marketofone.domain.moment import Instant
from marketofone.domain.rates import KnownRates
from marketofone.features.state import MONEY, LiveState
from marketofone.features.vector import Seen
from marketofone.projection import codec
from marketofone.projection.bank_config import BankConfig, read_config
from marketofone.projection.bank_state import BankState
from marketofone.projection.journals import JournalReader
from marketofone.projection.lineage import NOTHING_WITHHELD, Withheld, resting
from marketofone.projection.live import EVERY_SOURCE, Projection
from marketofone.projection.person import Person
from marketofone.projection.recent import Recent
from marketofone.store.keystore import Customer, KeyStore
from marketofone.store.ports import BANK, Head, Journals

_CONFIGS = 8


class Configs:
    """Documents as values, read once for each version of them."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys
        self._read: Recent[str, BankConfig] = Recent(room=_CONFIGS)

    def at(self, reader: JournalReader | Journals, bank: BankState) -> BankConfig:
        """Give the documents that are in force."""
        return self.of(reader, bank, entry=bank.documents)

    def of(self, reader: JournalReader | Journals, bank: BankState, *, entry: int) -> BankConfig:
        """Give the documents that an entry of the bank's journal recorded."""
        digest = bank.digests[entry]
        known = self._read.get(digest)
        if known is None:
            found = next(iter(reader.entries(BANK, after=entry - 1, upto=entry)))
            known = read_config(codec.read(found, box=self._keys.bank).texts)
            self._read.put(digest, known)
        return known

    def keep(self, config: BankConfig) -> None:
        """Remember documents that were read already."""
        self._read.put(config.digest, config)


class Snapshot:
    """One moment of the journals."""

    def __init__(self, reader: JournalReader, *, projection: Projection, configs: Configs) -> None:
        self.reader = reader
        self.bank = projection.bank(reader)
        self.config = configs.at(reader, self.bank)
        self._projection = projection

    @property
    def rates(self) -> KnownRates:
        """What reference tables say a currency is worth in another."""
        return self._projection.rates(self.reader, self.bank)

    def person(self, name: str) -> Person:
        """Give the person of a customer.

        Raises
        ------
        UnknownCustomer
        """
        return self._projection.person(self.reader, name)

    def person_of(self, customer: Customer, *, head: Head | None = None) -> Person:
        """Give the person of a customer; ``head`` is where their journal ends, where that was read already.

        Raises as :meth:`person` does.
        """
        return self._projection.person_of(self.reader, customer, head=head)

    def states(
        self,
        person: Person,
        *,
        now: Instant,
        sources: Iterable[str] = EVERY_SOURCE,
        judged: Instant | None = None,
        alone: bool = False,
    ) -> dict[str, LiveState]:
        """Give a person's live state by source, as far as the gate opens it, holding nothing later than ``now``.

        What movements turned out to be rests on these sources only; ``alone`` adds what each of them says by itself,
        for a reader who may use one and not the other.
        """
        found = self._states(person, now, frozenset(sources), judged)
        return self._each_alone(found, person, now, judged) if alone else found

    def seen(
        self, person: Person, *, permits: Sequence[Permit], now: Instant, judged: Instant | None = None
    ) -> dict[str, Seen]:
        """See a person for several purposes, as far as the gate opens them and ``judged`` as :meth:`states` says."""
        states = self.states(person, now=now, judged=judged, alone=True)
        sights = self._projection.sights
        return sights.see(person.asked.subject, states, permits=permits, config=self.config, now=now)

    def _each_alone(
        self, found: dict[str, LiveState], person: Person, now: Instant, judged: Instant | None
    ) -> dict[str, LiveState]:
        if not found.keys() >= MONEY:
            return found
        resting_on_both = [
            of for of in MONEY if resting(found[of].registers, Withheld(MONEY - {of})) != NOTHING_WITHHELD
        ]
        alone = {of: self._states(person, now, frozenset({of}), judged)[of] for of in resting_on_both}
        return {of: replace(state, alone=alone.get(of)) for of, state in found.items()}

    def _states(
        self, person: Person, now: Instant, sources: frozenset[str], judged: Instant | None
    ) -> dict[str, LiveState]:
        return self._projection.states(self.reader, person, config=self.config, now=now, sources=sources, judged=judged)
