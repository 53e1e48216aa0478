"""Verify one journal: the chain, its head, what it says, and everything that is kept beside it.

Whatever an entry determines is made again from the entry and compared. Of a customer who was forgotten there is no key:
the chain still verifies, and nothing may stand beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from marketofone.audit.journal_chain import Break, ChainChecker, ChainedEntry, Header
from marketofone.audit.sealed_box import Box
from marketofone.consent.ledger import ConsentEntry, Consents, Validity
from marketofone.consent.licence import GOVERNED, Licences, licensed, unlimited_in_time
from marketofone.consent.policy import ConsentPolicy
from marketofone.domain.cloudevents import parse_event
from marketofone.domain.errors import MarketOfOneError, SchemaChanged, StoreError
from marketofone.domain.event import ACCOUNT_OPENED, Event, InferenceCorrected
from marketofone.domain.moment import Instant
from marketofone.domain.rates import KnownRates, ReferenceRates
from marketofone.features.state_form import from_bytes, is_of_earlier_format, to_bytes
from marketofone.profile.inferences import in_force
from marketofone.projection import codec, reducer
from marketofone.projection.amendments import is_taken_back, taken_back
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.counts import counted
from marketofone.projection.folding import admitted, fold_more
from marketofone.projection.lineage import NOTHING_WITHHELD
from marketofone.projection.parted import is_parted, names_of, parted_from, source_of
from marketofone.projection.records import (
    AccountRecord,
    ConsentRecord,
    ForecastRecord,
    HistoryRecord,
    IdentityRecord,
    IngestRecord,
    KeptEvent,
    OutcomeRecord,
    SignsRecord,
)
from marketofone.projection.reducer import CORE, NOTHING, reduce
from marketofone.services.intake.joint_accounts import mark_of
from marketofone.services.intake.own_numbers import told_by
from marketofone.services.runtime.directory import NUMBER, SHARER, decision_mark, event_number, number_mark, sharer_mark
from marketofone.store.keystore import Customer, KeyStore
from marketofone.store.ports import GUARDING, Entry, Head, Kept, Reader

FAULTS = {
    "missing": "is missing",
    "doubled": "stands there twice",
    "added": "was added",
    "foreign": "belongs to another journal",
    "altered": "was altered",
    "disordered": "is out of order",
}
UNFINISHED = "its customer is being forgotten, and the key still exists: forget them again"
ALWAYS = Instant(2**62)
_SHORT = 6  # digits of a subject number that a problem names


class Facts(Struct, frozen=True, kw_only=True):
    """What the bank's journal says that other journals are held against.

    ``taught`` are by subject the outcome entries that a version learned from or dropped, ``rates`` what reference
    tables said, by the entry that says it.
    """

    configs: tuple[BankConfig, ...]
    taught: Mapping[int, Collection[int]]
    rates: ReferenceRates


class Found(Struct, frozen=True, kw_only=True):
    """What a walk through journals found: counts of what ought to be kept, and problems in words.

    ``lessons`` are outcomes that taught and are in no version. ``unreadable`` counts journals without a key
    that ended otherwise than by an erasure.
    """

    journals: int = 0
    entries: int = 0
    forgotten: int = 0
    unreadable: int = 0
    keys: int = 0
    links: int = 0
    names: int = 0
    lessons: tuple[tuple[int, int], ...] = ()
    snapshots: int = 0
    tallies: Mapping[str, int] = {}
    broken: tuple[str, ...] = ()
    views: tuple[str, ...] = ()

    def __add__(self, other: Found) -> Found:
        sums = {
            name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__ if name != "tallies"
        }
        return Found(**sums, tallies=dict(Counter(self.tallies) + Counter(other.tallies)))


def name_of(subject: int) -> str:
    """Name a journal in words, without personal data."""
    return f"journal {str(subject)[:_SHORT]}…" if subject else "the bank's journal"


def walk(reader: Reader, head: Head, problems: list[str], *, box: Box | None) -> Iterator[tuple[Entry, Any]]:
    """Walk through a journal, entry by entry, each with its record where it opens; problems are added on the way."""
    checker = ChainChecker(head.subject)
    guard, stamp, recorded, name = 0, 0, Instant(0), name_of(head.subject)
    try:
        for entry in reader.entries(head.subject):
            broken = checker.check(_chained(entry))
            if broken is not None:
                problems.append(_told(name, broken))
                return
            guard, stamp, recorded = guard + (entry.kind in GUARDING), entry.stamp, entry.recorded
            yield entry, None if box is None else _opened(entry, box, problems, name=name)
    except StoreError as error:
        problems.append(f"{name}: {error}")
        return
    end = checker.ends_at(head.n, head=head.hash)
    if end is not None:
        problems.append(f"{_told(name, end)}: its table of heads says otherwise")
    elif (guard, stamp, recorded) != (head.guard, head.stamp, head.recorded):
        problems.append(f"{name}: its guard, stamp or last instant in the table of heads was altered")


def verify_customer(reader: Reader, keys: KeyStore, facts: Facts, head: Head) -> Found:
    """Verify the journal of one customer."""
    problems: list[str] = []
    try:
        customer = keys.customer(head.subject)
    except StoreError as error:
        return Found(journals=1, broken=(f"{name_of(head.subject)}: {error}",))
    if customer is None:
        return _without_key(reader, keys, head)
    views = _Views(reader, keys, facts, customer)
    entries = 0
    for entry, record in walk(reader, head, problems, box=customer.box):
        entries += 1
        if record is not None:
            try:
                views.add(entry, record)
            except (MarketOfOneError, msgspec.DecodeError) as error:
                problems.append(f"{views.name}, entry {entry.n}: {error}")
    return views.found(broken=tuple(problems), entries=entries)


class _Views:
    """Makes again what is kept beside one journal, from its entries."""

    def __init__(self, reader: Reader, keys: KeyStore, facts: Facts, customer: Customer) -> None:
        self.name = name_of(customer.subject)
        self._reader, self._keys, self._facts, self._customer = reader, keys, facts, customer
        self._snapshots = reader.snapshots(customer.subject)
        self._state = NOTHING
        self._event_keys: set[int] = set()
        self._removed: dict[str, set[bytes]] = {}
        self._corrections: dict[str, Event] = {}
        self._licences: dict[str, Licences] = {}  # as of the snapshots of the source whose data come with them
        self._links: set[bytes] = set()
        self._numbers: set[str] = set()
        self._sharers: set[int] = set()
        self._decisions = 0
        self._lessons: list[tuple[int, int]] = []
        self._taught = facts.taught.get(customer.subject, ())
        self._tallies: Counter[str] = Counter()
        self._events: dict[str, list[tuple[KeptEvent, Event]]] = {name: [] for name in self._snapshots if name != CORE}
        self._problems: list[str] = []
        self._is_ending = False

    def add(self, entry: Entry, record: Any) -> None:
        """Take in one more entry."""
        self._is_ending = entry.kind == "erasure"
        self._add_to_core(entry, record)
        if isinstance(record, IngestRecord):
            self._add_events(entry, record)
        elif isinstance(record, IdentityRecord | AccountRecord):
            self._add_link(entry, record)
        elif isinstance(record, ConsentRecord | HistoryRecord):
            self._event_keys.update(event_number(key, subject=entry.subject) for key in filter(None, (record.key,)))
        elif isinstance(record, OutcomeRecord | SignsRecord):
            if record.waits and entry.n not in self._taught:
                self._lessons.append((entry.subject, entry.n))
        elif isinstance(record, ForecastRecord):
            self._check_rates(entry, record)
        elif entry.kind == "decision":
            self._decisions += 1
            self._tallies.update(counted(entry, record))
            if (entry.subject, entry.n) not in self._reader.decisions(decision_mark(self._keys, record.decision.id)):
                self._problems.append(f"decision {entry.n} is not found under its name")

    def found(self, *, broken: tuple[str, ...], entries: int) -> Found:
        """Compare, and give what was found."""
        subject = self._customer.subject
        if self._is_ending:
            return Found(
                journals=1, entries=entries, unreadable=1, broken=broken, views=(f"{self.name}: {UNFINISHED}",)
            )
        if not broken:
            self._compare(subject)
        return Found(
            journals=1,
            entries=entries,
            keys=len(self._event_keys),
            links=len(self._links),
            names=self._decisions,
            lessons=tuple(self._lessons),
            snapshots=len(self._snapshots),
            tallies=self._tallies,
            broken=broken,
            views=tuple(f"{self.name}: {problem}" for problem in self._problems),
        )

    def _add_to_core(self, entry: Entry, record: Any) -> None:
        core = self._snapshots.get(CORE)
        if core is not None and self._state.n < core.n:
            self._state = reduce(self._state, entry, record)
            if self._state.n == core.n and not self._is_core(core):
                self._problems.append("the snapshot of what it says is not what its entries say")

    def _add_events(self, entry: Entry, record: IngestRecord) -> None:
        self._tallies.update(counted(entry, record))
        for kept in record.events:
            if kept.kind == ACCOUNT_OPENED and kept.reading is not None:
                self._links.add(mark_of(kept.reading))
            if kept.body is None:
                continue
            event = parse_event(kept.body)
            self._numbers.update(told_by(event))
            self._event_keys.add(event_number(event.key, subject=entry.subject))
            for gone in taken_back(event):
                self._removed.setdefault(gone.source, set()).update(gone.keys)
            if isinstance(event.data, InferenceCorrected):
                self._corrections[event.data.inference] = event
            for name in names_of(GOVERNED):
                if name in self._snapshots and entry.n <= self._snapshots[name].n:
                    self._licences[name] = licensed(self._licences.get(name, ()), [event], recorded=entry.recorded)
            for name in names_of(kept.source):
                if name in self._snapshots and entry.n <= self._snapshots[name].n:
                    self._events[name].append((kept, event))

    def _check_rates(self, entry: Entry, record: ForecastRecord) -> None:
        known = KnownRates(record.rests_on.bank, self._facts.rates)
        if any(known.newest(rate.of, rate.to, day=rate.day) != rate for rate in record.summary.rates):
            self._problems.append(f"forecast {entry.n} counts at a rate that no table said before it")

    def _add_link(self, entry: Entry, record: IdentityRecord | AccountRecord) -> None:
        if isinstance(record, AccountRecord):
            (self._links.add if record.holds else self._links.discard)(record.account)
            self._sharers.update(record.holders)
            return
        if not record.own:
            return
        (self._links.add if record.linked else self._links.discard)(record.key)
        self._tallies.update(counted(entry, record))
        if record.event is not None:
            self._event_keys.add(event_number(parse_event(record.event).key, subject=self._customer.subject))

    def _compare(self, subject: int) -> None:
        known = self._reader.known([(subject, key) for key in sorted(self._event_keys)])
        if len(known) != len(self._event_keys):
            self._problems.append("an event that it keeps would not be recognised again")
        self._compare_links(subject)
        core = self._snapshots.get(CORE)
        if core is not None and self._state.n != core.n:
            self._problems.append("the snapshot of what it says lies behind its end")
        for name, snapshot in self._snapshots.items():
            events = [pair for pair in self._events.get(name, ()) if not is_taken_back(pair[1], self._removed)]
            if name != CORE and not self._holds(snapshot, events):
                self._problems.append(f"the snapshot of {name!r} is not what its entries say")

    def _compare_links(self, subject: int) -> None:
        """Compare what it is linked with; earlier releases did not link numbers that were told, and sharers."""
        kept = self._reader.keys_of(subject)
        known = {number_mark(self._keys, name) for name in self._numbers}
        known |= {sharer_mark(self._keys, of) for of in self._sharers - {subject}}
        told = {key for key in kept if key[0] in (NUMBER, SHARER)}
        if sorted(self._links | told) != kept or not told <= known:
            self._problems.append("what it is linked with is not what its entries say")
        self._links |= told

    def _is_core(self, core: Kept) -> bool:
        """Say whether a snapshot says what the entries say; one of an earlier release may say it in fewer words."""
        plain = codec.kept(core, box=self._customer.box)
        if plain is None or reducer.is_of_earlier_format(plain):
            return plain is not None
        return reducer.from_bytes(plain) == self._state

    def _holds(self, snapshot: Kept, events: list[tuple[KeptEvent, Event]]) -> bool:
        """Say whether events fold into a snapshot, under the declarations it was folded under.

        What an earlier release wrote in another format is not read, so it rests on nothing that could be wrong.
        """
        plain = codec.kept(snapshot, box=self._customer.box)
        if plain is None or not events:
            return False
        plain, withheld = parted_from(plain) if is_parted(snapshot.name) else (plain, NOTHING_WITHHELD)
        withheld = withheld._replace(journals=frozenset({snapshot.subject})) if is_parted(snapshot.name) else withheld
        for config in self._facts.configs:
            if is_of_earlier_format(plain, catalogue=config.features, calendar=config.calendar):
                return True
            try:
                from_bytes(plain, catalogue=config.features, calendar=config.calendar)
            except SchemaChanged:
                continue
            licences = unlimited_in_time(self._licences.get(snapshot.name, ()))
            consents = _allowing_all(config.policy, licences=licences)
            allowed = admitted(
                events,
                consents=consents,
                config=config,
                now=ALWAYS,
                withheld=withheld,
                corrected=in_force(self._corrections.values()),
            )
            folded = fold_more({}, allowed, config=config).get(source_of(snapshot.name))
            if folded is not None and to_bytes(folded) == plain:
                return True
        return False


def _allowing_all(policy: ConsentPolicy, *, licences: Licences) -> Consents:
    """Give consents that admit every source: what a state says depends on the journal alone, not on who may look."""
    words = tuple(policy.words.values()), tuple(policy.sources), tuple(policy.channels)
    said = ConsentEntry(Validity(granted=True, since=Instant(0), until=None), *words)
    return Consents(1, (said,), licences=licences)


def _without_key(reader: Reader, keys: KeyStore, head: Head) -> Found:
    problems: list[str] = []
    entries, last = 0, ""
    for entry, _ in walk(reader, head, problems, box=None):
        entries, last = entries + 1, entry.kind
    name = name_of(head.subject)
    beside = len(reader.snapshots(head.subject)), len(reader.keys_of(head.subject))
    views: list[str] = []
    if not keys.is_absent:
        if head.subject not in keys.forgotten():
            asked = "the key store does not tell it" if last == "erasure" else "nobody asked to forget it"
            problems.append(f"{name}: its key is missing, and {asked}")
        if any(beside):
            views.append(f"{name}: its customer was forgotten, and something is kept beside it: forget them again")
    return Found(
        journals=1,
        entries=entries,
        forgotten=1,
        unreadable=int(last != "erasure"),
        snapshots=beside[0],
        links=beside[1],
        broken=tuple(problems),
        views=tuple(views),
    )


def _chained(entry: Entry) -> ChainedEntry:
    header = Header(entry.subject, entry.n, entry.stamp, entry.kind, entry.at, entry.recorded)
    return ChainedEntry(header, sha256(entry.body).digest(), entry.commitment, entry.hash)


def _opened(entry: Entry, box: Box, problems: list[str], *, name: str) -> Any:
    try:
        return codec.proved(entry, box=box)
    except (StoreError, msgspec.DecodeError, ValueError) as error:
        problems.append(f"{name}: {error}" if isinstance(error, StoreError) else f"{name}, entry {entry.n}: unreadable")
        return None


def _told(name: str, broken: Break) -> str:
    return f"{name}: entry {broken.n} {FAULTS[broken.fault]}"


def add_up(found: Iterable[Found]) -> Found:
    """Add up what was found in several journals."""
    total = Found()
    for one in found:
        total += one
    return total
