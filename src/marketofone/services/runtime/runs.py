"""Many people in one unit of work: whom others moved is computed again, and no other waits for them.

Things are worked through in the order given. People who all differ make a *run*: they are read at one moment, computed
together beside the store, and appended together. A person who comes again begins the next run, which sees what was
appended.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from marketofone.domain.errors import Moved
from marketofone.domain.moment import Instant
from marketofone.projection.person import Person
from marketofone.projection.records import Record
from marketofone.projection.snapshot import Snapshot
from marketofone.services.runtime.app_context import STRICT_ATTEMPTS, AppContext, attempts
from marketofone.store.keystore import Customer
from marketofone.store.ports import BANK, DecisionName, Draft, Expectation, Head, Reader, Unit

TOGETHER = 256
"""People in one run: it is computed on one snapshot of the store, and repeated when the bank's policy moves."""

T = TypeVar("T")
A = TypeVar("A")


class Written(Struct, frozen=True, gc=False):
    """An entry to append about a person.

    ``name`` is the mark under which it is asked for again; ``lesson`` says whether it waits to be learned from;
    ``counts`` are names of counts that it adds 1 to each, ``most`` what some of them may come to.
    """

    draft: Draft
    record: Record
    name: bytes | None = None
    lesson: bool = False
    counts: tuple[str, ...] = ()
    most: Mapping[str, int] = {}


class Computed(Struct, Generic[A], frozen=True, gc=False):
    """What was computed for a person: the answer, and what is appended of it, if anything is."""

    person: Person
    answer: A
    written: Written | None


class Proved(NamedTuple, Generic[A]):
    """An answer, and the entry that proves it; None where nothing was appended."""

    answer: A
    entry: Head | None


Compute = Callable[[Reader, Snapshot, Sequence[tuple[Person, T]]], Sequence[Computed[A]]]
ComputeOne = Callable[[Reader, Snapshot, Person, T], Computed[A]]
RunSize = Callable[[Reader, Snapshot], int]


def in_runs(
    context: AppContext,
    things: Sequence[tuple[Customer, T]],
    *,
    compute: Compute[T, A],
    now: Instant | None = None,
    size: RunSize | None = None,
    strict: bool = False,
) -> list[Proved[A]]:
    """Compute something for each of many customers and append it; gives the answers in the order of the things.

    ``now`` is when it is recorded: without it, each run at the last instant that an entry of it is about. ``size`` says
    how many people may be in the next run, where what one of them takes is not there for the others. Where it is
    ``strict``, whatever arrives about somebody makes it computed again, at most twice.

    Raises
    ------
    UnknownCustomer
        When no entry names a customer. The runs before are appended already.
    StoreBusy
        When others moved all of a run each time it was computed.
    """
    answers: dict[int, Proved[A]] = {}
    waiting = deque(range(len(things)))
    while waiting:
        for attempt in attempts():
            with context.store.read() as reader:
                snapshot = context.snapshot(reader)
                most = TOGETHER if size is None else min(TOGETHER, size(reader, snapshot))
                run = _next_run(reader, snapshot, things, waiting, compute, most=most)
            released = _released(context, snapshot, run, now=now, strict=strict and attempt < STRICT_ATTEMPTS)
            answers.update(released)
            waiting.extendleft(place for place in reversed(run) if place not in released)
            if released:
                break
    return [answers[place] for place in range(len(things))]


def one_by_one(compute: ComputeOne[T, A]) -> Compute[T, A]:
    """Compute for each person of a run alone."""

    def each(reader: Reader, snapshot: Snapshot, run: Sequence[tuple[Person, T]]) -> list[Computed[A]]:
        return [compute(reader, snapshot, person, thing) for person, thing in run]

    return each


def append(
    context: AppContext,
    snapshot: Snapshot,
    computed: Sequence[Computed[A]],
    *,
    now: Instant | None = None,
    strict: bool = False,
) -> list[Proved[A]]:
    """Append what was computed for people who all differ, in one unit of work.

    It is released only if the guards of all their ids and of the bank stand where they stood; when ``strict``, if
    nothing at all arrived about them.

    Raises
    ------
    Moved
        Nothing of it is kept.
    """
    written = [(one.person, one.written) for one in computed if one.written is not None]
    if not written:
        return [Proved(one.answer, None) for one in computed]
    expects: dict[int, Expectation] = {BANK: Expectation(snapshot.bank.guard)}
    together: dict[int, tuple[int, ...]] = {}
    for person, _ in written:
        expects.update(person.expects(strict=strict))
        together.update(person.together)
    unit = Unit(
        now=max(one.draft.at for _, one in written) if now is None else now,
        expects=expects,
        together=together,
        drafts=[one.draft for _, one in written],
        names=[DecisionName(one.name, place) for place, (_, one) in enumerate(written) if one.name is not None],
        lessons=[place for place, (_, one) in enumerate(written) if one.lesson],
        tallies=Counter(name for _, one in written for name in one.counts),
        most=_least(one.most for _, one in written),
    )
    heads = context.store.commit(unit)
    for (person, one), head in zip(written, heads, strict=True):
        context.follow(person.states[one.draft.subject], one.draft, head, one.record)
    entries = iter(heads)
    return [Proved(one.answer, None if one.written is None else next(entries)) for one in computed]


def _least(each: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Give for each count the least that anybody allows."""
    found: dict[str, int] = {}
    for most in each:
        for name, count in most.items():
            found[name] = min(count, found.get(name, count))
    return found


def _next_run(
    reader: Reader,
    snapshot: Snapshot,
    things: Sequence[tuple[Customer, T]],
    waiting: deque[int],
    compute: Compute[T, A],
    *,
    most: int,
) -> dict[int, Computed[A]]:
    """Take people who all differ from the front of the queue; gives what was computed for each, by place."""
    run: dict[int, tuple[Person, T]] = {}
    people: set[int] = set()
    heads = reader.heads([things[place][0].subject for place in islice(waiting, most)])
    while waiting and len(run) < most:
        customer, thing = things[waiting[0]]
        person = snapshot.person_of(customer, head=heads[customer.subject])
        if not people.isdisjoint(person.states):
            break
        people.update(person.states)
        run[waiting.popleft()] = (person, thing)
    return dict(zip(run, compute(reader, snapshot, list(run.values())), strict=True))


def _released(
    context: AppContext, snapshot: Snapshot, run: dict[int, Computed[A]], *, now: Instant | None, strict: bool
) -> dict[int, Proved[A]]:
    """Append what was computed for those whom no other moved meanwhile; gives their answers."""
    still = run
    while still:
        try:
            return dict(
                zip(still, append(context, snapshot, list(still.values()), now=now, strict=strict), strict=True)
            )
        except Moved as error:
            moved = error.subjects
            still = {
                place: one
                for place, one in still.items()
                if one.written is None or (BANK not in moved and moved.isdisjoint(one.person.states))
            }
    return {}
