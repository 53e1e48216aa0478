"""A store in memory, for simulations: what ``store/ports.py`` asks for, as short as can be, and nothing is durable.

It knows no lock and no thread: whoever uses it takes turns (``schedule.py``). That it answers as the embedded store
does is a test of the simulator: the same seed gives the same history on both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from marketofone.audit.journal_chain import Header, entry_hash
from marketofone.audit.merkle import Frontier, leaf_hash
from marketofone.domain.errors import Moved
from marketofone.domain.moment import Instant
from marketofone.store.counting import added_by, exceeds
from marketofone.store.inspection import Sizes
from marketofone.store.ports import (
    BANK,
    GUARDING,
    DeadLetter,
    Entry,
    EntryKind,
    Guards,
    Head,
    Kept,
    Lesson,
    Reason,
    Sealed,
    Unit,
)

Journals = dict[int, list[Entry]]


class State(Struct, frozen=True):
    """Everything at one moment. ``journals`` and ``rows`` only grow, and are shared: heads say how far they go.

    Whatever else there is is never changed: a unit of work puts another in its place.
    """

    journals: Journals
    rows: list[Entry]
    length: int = 0
    heads: Mapping[int, Head] = {}
    keys: Mapping[int, frozenset[int]] = {}
    kept: Mapping[int, Mapping[str, Kept]] = {}
    links: frozenset[tuple[bytes, int]] = frozenset()
    names: Mapping[bytes, tuple[tuple[int, int], ...]] = {}
    lessons: Mapping[int, Lesson] = {}
    last_lesson: int = 0
    states: Mapping[bytes, bytes] = {}
    tallies: Mapping[str, int] = {}
    letters: tuple[DeadLetter, ...] = ()
    log: Frontier = Frontier()

    def copied(self) -> State:
        """Give the same, that grows by itself."""
        return replace(self, journals={of: list(each) for of, each in self.journals.items()}, rows=list(self.rows))


class MemoryReader:
    """A consistent snapshot of a store in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    def head(self, subject: int) -> Head:
        return self._state.heads.get(subject) or Head(subject)

    def heads(self, subjects: Sequence[int]) -> dict[int, Head]:
        return {subject: self.head(subject) for subject in subjects}

    def entries(
        self,
        subject: int,
        *,
        after: int = 0,
        upto: int | None = None,
        kinds: Sequence[EntryKind] | None = None,
        newest_first: bool = False,
    ) -> Iterator[Entry]:
        end = self.head(subject).n if upto is None else min(upto, self.head(subject).n)
        found = self._state.journals.get(subject, [])[after:end]
        among = found if kinds is None else [entry for entry in found if entry.kind in kinds]
        return iter(among[::-1] if newest_first else among)

    def subjects(self, *, after: int = BANK, limit: int) -> list[int]:
        return sorted(subject for subject in self._state.heads if subject > after)[:limit]

    def known(self, keys: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
        none = frozenset[int]()
        return {(subject, key) for subject, key in keys if key in self._state.keys.get(subject, none)}

    def last(self, subjects: Sequence[int], *, kinds: Sequence[EntryKind]) -> dict[int, Instant]:
        each = ((of, next(self.entries(of, kinds=kinds, newest_first=True), None)) for of in subjects)
        return {of: entry.recorded for of, entry in each if entry is not None}

    def recent(self, *, kinds: Sequence[EntryKind], limit: int) -> list[Entry]:
        return [entry for entry in self._all()[::-1] if entry.kind in kinds][:limit]

    def sealed(self) -> Sealed:
        log = self._state.log
        return Sealed(size=log.size, root=log.root(), waiting=self._state.length - log.size)

    def leaves(self, *, after: int = 0, limit: int) -> list[bytes]:
        return [entry.hash for entry in self._sealed_rows()[after : after + limit]]

    def leaf_of(self, subject: int, n: int) -> int | None:
        places = self.places(limit=self._state.log.size)
        return places.index((subject, n)) if (subject, n) in places else None

    def places(self, *, after: int = 0, limit: int) -> list[tuple[int, int]]:
        return [(entry.subject, entry.n) for entry in self._sealed_rows()[after : after + limit]]

    def snapshots(self, subject: int, *, names: Sequence[str] | None = None) -> dict[str, Kept]:
        kept = sorted(self._state.kept.get(subject, {}).items())
        return {name: one for name, one in kept if names is None or name in names}

    def keys_of(self, subject: int) -> list[bytes]:
        return sorted(key for key, of in self._state.links if of == subject)

    def holders(self, key: bytes, *, limit: int) -> list[int]:
        return sorted(of for linked, of in self._state.links if linked == key)[:limit]

    def decisions(self, name: bytes) -> list[tuple[int, int]]:
        return sorted(self._state.names.get(name, ()))

    def named(self, names: Collection[bytes]) -> set[bytes]:
        return {name for name in names if name in self._state.names}

    def state(self, digest: bytes) -> bytes | None:
        return self._state.states.get(digest)

    def lessons(self, *, limit: int) -> list[Lesson]:
        return [lesson for _, lesson in sorted(self._state.lessons.items())][:limit]

    def letters(self, *, limit: int) -> list[DeadLetter]:
        return list(self._state.letters[::-1][:limit])

    def reasons(self) -> list[Reason]:
        raise NotImplementedError

    def tallies(self, *, of: str = "") -> dict[str, int]:
        return {name: n for name, n in sorted(self._state.tallies.items()) if name.startswith(of)}

    def sizes(self) -> Sizes:
        raise NotImplementedError

    def damage(self) -> list[str]:
        return []

    def _all(self) -> list[Entry]:
        return self._state.rows[: self._state.length]

    def _sealed_rows(self) -> list[Entry]:
        return self._state.rows[: self._state.log.size]


class MemoryStore:
    """What :class:`marketofone.store.ports.Store` promises but for durability, for one thread at a time."""

    def __init__(self, state: State | None = None) -> None:
        self.state = State({}, []) if state is None else state.copied()

    @contextmanager
    def read(self) -> Iterator[MemoryReader]:
        yield MemoryReader(self.state)

    def guards(self, subject: int) -> Guards:
        return Guards.of(MemoryReader(self.state).heads((BANK, subject)), subject)

    def commit(self, unit: Unit) -> list[Head]:
        state = self.state
        _compare(unit, state)
        keys = _with_keys(unit, state)
        heads = dict(state.heads)
        entries, after = _appended(unit, heads)
        for entry in entries:
            state.journals.setdefault(entry.subject, []).append(entry)
        state.rows.extend(sorted(entries, key=lambda entry: entry.subject))
        self.state = replace(
            state,
            length=state.length + len(entries),
            heads=heads,
            keys=keys,
            kept=_kept(unit, state),
            links=_linked(unit, state),
            names=_named(unit, state, entries),
            **_learned(unit, state, entries),
            states=_states(unit, state),
            tallies=_added(state.tallies, added_by(unit, after)),
            letters=(*state.letters, *unit.letters),
        )
        return after

    def seal(self, *, limit: int = 100_000) -> Sealed:
        state = self.state
        rows = state.rows[state.log.size : min(state.length, state.log.size + limit)]
        self.state = replace(state, log=state.log.extended(leaf_hash(entry.hash) for entry in rows))
        return MemoryReader(self.state).sealed()

    def copy_to(self, target: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is open."""


def _compare(unit: Unit, state: State) -> None:
    reader = MemoryReader(state)
    moved = {
        of
        for of, expected in unit.expects.items()
        if (head := reader.head(of)).guard != expected.guard or expected.n not in (None, head.n)
    }
    for key, count in unit.holders.items():
        found = reader.holders(key, limit=count + 1)
        if len(found) != count:
            moved |= {*found, *(link.subject for link in unit.links if link.key == key)} or {*unit.expects}
    if moved or exceeds(unit, state.tallies):
        raise Moved(subjects=frozenset(moved or {draft.subject for draft in unit.drafts}))


def _with_keys(unit: Unit, state: State) -> Mapping[int, frozenset[int]]:
    asked = [(draft.subject, key) for draft in unit.drafts for key in draft.keys]
    taken = MemoryReader(state).known(asked) | {pair for pair in asked if asked.count(pair) > 1}
    if taken:
        raise Moved(subjects=frozenset(subject for subject, _ in taken))
    keys = {of: found for of, found in state.keys.items() if of not in unit.forgotten} if asked else state.keys
    for subject, key in asked:
        keys = {**keys, subject: keys.get(subject, frozenset()) | {key}}
    return keys


def _appended(unit: Unit, heads: dict[int, Head]) -> tuple[list[Entry], list[Head]]:
    """Chain the drafts; gives the entries, and the head right after each. ``heads`` go along."""
    made, after = list[Entry](), list[Head]()
    for draft in unit.drafts:
        before = heads.get(draft.subject) or Head(draft.subject)
        others = [heads[of].stamp for of in unit.together.get(draft.subject, ()) if of in heads]
        n, stamp, recorded = before.n + 1, max(before.stamp, *others, 0) + 1, max(before.recorded, unit.now)
        header = Header(draft.subject, n, stamp, draft.kind, draft.at, recorded)
        link = entry_hash(header, body_digest=draft.digest, commitment=draft.commitment, previous=before.hash)
        made.append(Entry(draft.subject, n, stamp, draft.kind, draft.at, recorded, draft.body, draft.commitment, link))
        guard = before.guard + (draft.kind in GUARDING)
        heads[draft.subject] = head = Head(draft.subject, n, link, guard, stamp, recorded)
        after.append(head)
    return made, after


def _kept(unit: Unit, state: State) -> Mapping[int, Mapping[str, Kept]]:
    if not (unit.drop or unit.snapshots or unit.forgotten):
        return state.kept
    found = {of: dict(each) for of, each in state.kept.items() if of not in unit.forgotten}
    for subject, name in unit.drop:
        found.get(subject, {}).pop(name, None)
    for one in unit.snapshots:
        before = found.setdefault(one.subject, {}).get(one.name)
        if before is None or one.n >= before.n:
            found[one.subject][one.name] = one
    return found


def _linked(unit: Unit, state: State) -> frozenset[tuple[bytes, int]]:
    links = state.links
    for link in unit.links:
        pair = frozenset({(link.key, link.subject)})
        links = links | pair if link.linked else links - pair
    return links if not unit.forgotten else frozenset(pair for pair in links if pair[1] not in unit.forgotten)


def _named(unit: Unit, state: State, entries: Sequence[Entry]) -> Mapping[bytes, tuple[tuple[int, int], ...]]:
    if not unit.names:
        return state.names
    names = dict(state.names)
    for one in unit.names:
        place = (entries[one.draft].subject, entries[one.draft].n)
        before = names.get(one.name, ())
        if place[0] not in dict(before):
            names[one.name] = (*before, place)
    return names


def _learned(unit: Unit, state: State, entries: Sequence[Entry]) -> dict[str, Any]:
    if not (unit.lessons or unit.learned or unit.forgotten):
        return {"lessons": state.lessons, "last_lesson": state.last_lesson}
    lessons, last = dict(state.lessons), state.last_lesson
    for place in unit.lessons:
        last += 1
        lessons[last] = Lesson(last, entries[place].subject, entries[place].n)
    gone = {*unit.learned, *(row for row, lesson in lessons.items() if lesson.subject in unit.forgotten)}
    return {"lessons": {row: one for row, one in lessons.items() if row not in gone}, "last_lesson": last}


def _states(unit: Unit, state: State) -> Mapping[bytes, bytes]:
    if not (unit.states or unit.destroyed):
        return state.states
    return {of: body for of, body in {**state.states, **unit.states}.items() if of not in unit.destroyed}


def _added(tallies: Mapping[str, int], more: Sequence[tuple[str, int]]) -> Mapping[str, int]:
    return {**tallies, **{name: tallies.get(name, 0) + n for name, n in more}} if more else tallies
