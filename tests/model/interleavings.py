"""A simulator of interleavings: races between a no and whoever reads, learns or sends, each under a seed of its own.

``python tests/model/interleavings.py --races 1000000 --record docs/campaign`` runs them; ``--seed N`` runs race N alone
and prints everything that happened in it, in order. What a race must keep to stands in ``race_law.py``.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from typing import Any

from documents import CHANNELS, CONSENTED, DAY, HOUR, SOURCES
from interleaved_bank import NOW, Interleaved, Somebody, change
from memory_store import MemoryStore
from product import event_of
from race_law import Answered, Appended, Law, lessons_in, shows, wrong_answers, wrong_checks, wrong_uses
from reference import Happened
from schedule import Stuck

from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange, What
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MarketOfOneError
from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.projection.records import ConsentRecord
from marketofone.services.learning import debts
from marketofone.services.rights.consent_service import change_at_once
from marketofone.store.ports import BANK, Draft, Entry, Head, Reader, Store, Unit

Act = tuple[str, Callable[[], Any]]
TOGETHER = 240
"""Races in one bank; each is about another person of it."""
READERS = {
    "decide": 16,
    "decide the same": 12,
    "send": 20,
    "page": 16,
    "forecast": 10,
    "profile": 16,
    "check": 8,
    "arrive": 5,
    "answer": 3,
    "ask": 2,
    "keep": 2,
    "why": 0.5,
}
"""What others do meanwhile, and how often in proportion."""
_NOES: tuple[What, ...] = ("withdraw", "withdraw", "withdraw", "object", "pause")
_UNDOES: dict[What, What] = {"withdraw": "grant", "object": "lift", "pause": "resume"}
_LEARNS = 0.002
"""In how many races somebody learns: a version takes many times as long as anything else."""
_LOOKED_AT = 256
"""Of the races in which something was taken back or learned, one of so many ends with a look at versions and debts."""


@dataclass
class Sizes:
    """What so many races covered."""

    races: int = 0
    points: Counter[str] = field(default_factory=Counter)
    switches: int = 0
    acts: Counter[str] = field(default_factory=Counter)
    overlaps: Counter[tuple[str, str]] = field(default_factory=Counter)
    between: int = 0
    given: int = 0
    refused: int = 0
    owed: int = 0

    def add(self, other: Sizes) -> None:
        """Add what other races covered."""
        for name in self.__dataclass_fields__:
            total, more = getattr(self, name), getattr(other, name)
            if isinstance(total, Counter):
                total.update(more)
            else:
                setattr(self, name, total + more)


@dataclass
class Race:
    """One race: what its tasks do to one person, and what was recorded of it."""

    seed: int
    bank: Bank
    person: Somebody
    sizes: Sizes
    history: list[str] | None = None
    appended: list[Appended] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)

    def tasks(self) -> list[list[Act]]:
        """Draw what each task does: one says no, and one to three read, in any order."""
        rng = random.Random(self.seed)
        readers = [self._reader(rng) for _ in range(rng.choice((1, 1, 1, 1, 2, 3)))]
        if rng.random() < _LEARNS:
            readers[-1] = [("learn", partial(self.bank.learning.now, Instant(NOW)))]
        tasks = [self._no(rng), *readers]
        rng.shuffle(tasks)
        return tasks

    def _no(self, rng: random.Random) -> list[Act]:
        what, name = rng.choice(_NOES), rng.choice(self.person.ids)
        changes = [self._change(what, name, rng)]
        if rng.random() < 0.15:
            changes.append(change(name, "pause", (rng.choice(CONSENTED),), since=NOW, until=NOW + DAY))
        acts: list[Act] = [(what, partial(self._say, changes))]
        if rng.random() < 0.15:
            undo = _UNDOES[what]
            words = changes[0].purposes, changes[0].sources, changes[0].channels
            until = NOW + DAY if undo == "grant" else None
            acts.append((undo, partial(self._say, [change(name, undo, *words, since=NOW, until=until)])))
        return acts

    def _change(self, what: What, name: str, rng: random.Random) -> ConsentChange:
        if what == "object":
            return change(name, what, since=NOW)
        purposes = CONSENTED if rng.random() < 0.6 else tuple(rng.sample(CONSENTED, rng.randint(1, 3)))
        if what == "pause":
            return change(name, what, purposes, since=NOW, until=NOW + DAY)
        sources = SOURCES if rng.random() < 0.7 else (rng.choice(SOURCES),)
        channels = CHANNELS if rng.random() < 0.8 else (rng.choice(CHANNELS),)
        return change(name, what, purposes, sources, channels, since=NOW)

    def _say(self, changes: Sequence[ConsentChange]) -> None:
        if len(changes) > 1:
            head = change_at_once(self.bank.context, changes, now=Instant(NOW))
            self.bank.learning.owe([head.subject], now=Instant(NOW))
        else:
            self.bank.consent(changes[0], now=Instant(NOW))

    def _reader(self, rng: random.Random) -> list[Act]:
        what = rng.choices(list(READERS), list(READERS.values()))[0]
        name, now, bank = rng.choice(self.person.ids), Instant(NOW), self.bank
        owner, made = rng.choice(self.person.decided or ((name, f"n{self.seed}"),))
        ask = partial(bank.decide, occasion="opened", channel="app", now=now)
        works: Mapping[str, Callable[[], Any]] = {
            "decide": partial(ask, name, id=f"n{self.seed}-{rng.randrange(2)}"),
            "decide the same": partial(bank.decide, owner, id=made, occasion="opened", channel="app", now=now),
            "send": partial(bank.decision, made, customer=owner, now=now),
            "page": partial(bank.show_forecast, name, now=now),
            "forecast": partial(bank.forecast, name, now=now),
            "profile": partial(bank.profile, name, now=now),
            "ask": partial(ask, name, as_of=Instant(NOW - 12 * HOUR)),
            "why": partial(bank.otherwise, made, customer=owner, now=now),
            "arrive": partial(self._arrive, name, rng.choice(("transaction.booked", "app.opened", "app.failed"))),
            "answer": partial(bank.outcome, made, "accepted", customer=owner, now=now),
            "check": partial(
                bank.permit, name, purpose=rng.choice(CONSENTED), channel=rng.choice((None, *CHANNELS)), now=now
            ),
            "keep": bank.context.renewal.keep,  # type: ignore[attr-defined]
        }
        acts: list[Act] = [(what, works[what])]
        if what == "decide" and rng.random() < 0.5:  # a message that waits, and is asked for again when it is sent
            acts.append(("send", partial(bank.decision, works[what].keywords["id"], customer=name, now=now)))  # type: ignore[attr-defined]
        return acts * 2 if what == "check" else acts  # the second is answered by what is remembered

    def _arrive(self, name: str, kind: str) -> None:
        happened = Happened(f"{name}-{self.seed}-{kind}", kind, NOW - HOUR)
        self.bank.ingest([event_of(name, happened)], now=Instant(NOW))


class Races:
    """Races in one bank after the other; race N is the same whether or not those before it ran in this process."""

    def __init__(self, interleaved: Interleaved, *, make: Callable[[Any], Store] = MemoryStore) -> None:
        self._interleaved, self._make = interleaved, make
        self._schedule = interleaved.schedule
        self._race: Race | None = None
        self.sizes = Sizes()

    def run(self, number: int, upto: int, *, told: bool = False) -> Iterator[tuple[int, str, list[str]]]:
        """Run the races from a number up to another, exclusive; gives those in which something is wrong.

        With ``told`` it gives every race from ``number`` on, with its history. Races before it in its bank run first.
        """
        first = number - number % TOGETHER
        while first < upto:
            for seed, wrong, history in self._in_one_bank(first, min(upto, first + TOGETHER), told=told):
                if seed >= number and (wrong or told):
                    yield seed, wrong, history
            first += TOGETHER

    def _in_one_bank(self, first: int, upto: int, *, told: bool) -> Iterator[tuple[int, str, list[str]]]:
        prepared = self._interleaved.prepared
        order = list(prepared.people)
        random.Random(first).shuffle(order)
        store = self._make(prepared.state)
        with self._interleaved.opened(store, seed=first, appended=self._follow) as bank:
            for seed, person in zip(range(first, upto), order, strict=False):
                self.sizes.races += 1
                race = Race(seed, bank, person, self.sizes, [] if told else None)
                wrong = self._run(race)
                yield seed, wrong, race.history or []
                if wrong:  # what comes after it in this bank may follow from it
                    return

    def _run(self, race: Race) -> str:
        law, subjects = self._before(race)
        tasks = race.tasks()
        self._race, self._schedule.tell = race, partial(self._point, race.history)
        works = [partial(self._work, race, place, acts) for place, acts in enumerate(tasks)]
        try:
            self._schedule.run(works, seed=race.seed)
        except (Stuck, AssertionError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            return f"a task broke off: {type(error).__name__}: {error}"
        finally:
            self._race = None
        self._count(race)
        wrong = (
            wrong_checks(law.copied(), race.appended, race.answered)
            or wrong_uses(law, race.appended)
            or wrong_answers(race.appended, race.answered, subjects)
        )
        taking_back = any(one.what in {"withdraw", "learn"} for one in race.answered)
        return wrong or (
            self._wrong_versions(race, law, subjects) if taking_back and race.seed % _LOOKED_AT == 0 else ""
        )

    def _before(self, race: Race) -> tuple[Law, frozenset[int]]:
        context = race.bank.context
        with context.store.read() as reader:
            members = context.snapshot(reader).person(race.person.ids[0]).members
            said = {
                one.subject: [
                    codec.read(entry, box=one.box).change for entry in reader.entries(one.subject, kinds=("consent",))
                ]
                for one in members
            }
        return Law(said), frozenset(said)

    def _work(self, race: Race, task: int, acts: Sequence[Act]) -> None:
        for what, act in acts:
            began = len(race.appended)
            try:
                answer = act()
                self.sizes.given += 1
            except MarketOfOneError as error:
                answer = error
                self.sizes.refused += 1
            race.answered.append(Answered(task, what, answer, began, len(race.appended)))
            if race.history is not None:
                race.history.append(f"task {task}: {what} -> {_told(answer)}")

    def _point(self, history: list[str] | None, label: str, task: int) -> None:
        self.sizes.points[label] += 1
        if history is not None:
            history.append(f"task {task} at {label}")

    def _follow(self, unit: Unit, heads: Sequence[Head]) -> None:
        race = self._race
        if race is None:
            return
        keys = race.bank.context.keys
        for draft, head in zip(unit.drafts, heads, strict=True):
            owner = keys.customer(draft.subject) if draft.subject != BANK else None
            record = codec.read(_entry(draft, head), box=keys.bank if owner is None else owner.box)
            race.appended.append(Appended(draft.subject, head.n, record, self._schedule.task))
            if race.history is not None:
                race.history.append(f"task {self._schedule.task} appended {type(record).__name__} as entry {head.n}")

    def _wrong_versions(self, race: Race, law: Law, subjects: frozenset[int]) -> str:
        """Find a lesson that may not teach and is not named as a debt, or is in use after the debt was paid."""
        context, now = race.bank.context, Instant(NOW)
        with context.store.read() as reader:
            snapshot = context.snapshot(reader)
            used = lessons_in(context.versions.records(reader), snapshot.bank.version)
            theirs = {place for place in used if place[0] in subjects}
            owed = {place for place in theirs if not law.may_teach(self._decision_of(race, reader, place))}
            named = debts.debt_of(context, reader, snapshot, now=now, subjects=subjects).owed
        if named != owed:
            return f"the debt names {sorted(named)}, and owed are {sorted(owed)}"
        self.sizes.owed += len(owed)
        race.bank.learning.owe(subjects, now=now)
        race.bank.learning.now(now)
        with context.store.read() as reader:
            bank = context.snapshot(reader).bank
            left = lessons_in(context.versions.records(reader), bank.version) & owed
        if left or race.bank.debt(now=now):
            return f"after the debt was paid the version in use holds {sorted(left)}"
        return ""

    def _decision_of(self, race: Race, reader: Reader, place: tuple[int, int]) -> Decision:
        owner = race.bank.context.keys.customer(place[0])
        assert owner is not None
        lesson = codec.read(next(reader.entries(owner.subject, after=place[1] - 1, upto=place[1])), box=owner.box)
        decisions = (codec.read(one, box=owner.box) for one in reader.entries(owner.subject, kinds=("decision",)))
        made: Decision = next(one.decision for one in decisions if one.decision.id == lesson.outcome.decision)
        return made

    def _count(self, race: Race) -> None:
        """Note what a race covered: which two acts overlapped, and whether a no fell between reading and release."""
        sizes = self.sizes
        sizes.switches += self._schedule.switches
        sizes.acts.update(one.what for one in race.answered)
        for one, other in combinations(race.answered, 2):
            if one.task != other.task and one.began < other.ended and other.began < one.ended:
                sizes.overlaps[min(one.what, other.what), max(one.what, other.what)] += 1
        said = [at for at, entry in enumerate(race.appended) if isinstance(entry.record, ConsentRecord)]
        sizes.between += any(
            one.began <= at < one.ended and race.appended[at].task != one.task for one in race.answered for at in said
        )


def _entry(draft: Draft, head: Head) -> Entry:
    return Entry(
        draft.subject, head.n, head.stamp, draft.kind, draft.at, head.recorded, draft.body, draft.commitment, head.hash
    )


def _told(answer: object) -> str:
    """Say what an answer was without what it held."""
    if isinstance(answer, MarketOfOneError):
        return f"{type(answer).__name__}: {answer}"
    return f"{type(answer).__name__} that shows {sorted(shows(answer))}"
