"""The whole decision in process: permit, features, 100 actions scored, drawn, explained, committed in a group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, process_time, thread_time
from uuid import uuid4

from bench.figures import Aim, Figure, quantiles, rate
from bench.town import ACTIONS, OCCASION, Town
from marketofone.bank import Bank
from marketofone.domain.decision import STAGE_CODES, Decision, Request
from marketofone.domain.moment import Instant
from marketofone.domain.outcome import Verdict
from marketofone.models.bandit import kernel

THREADS = 4
MILLISECONDS = 1_000.0
_TAUGHT = 0.3


def measure(bank: Bank, town: Town, *, count: int) -> Iterator[Figure]:
    """Decide for everybody in turn: first one after the other, then from several threads at once.

    CPU is that of the whole process, writer and all. Of threads that ask at once one works for several, so there no
    decision has a time of its own, and the mean is given.
    """
    kernel.load()  # as every process that decides often does by itself
    people = served(bank, town)
    teach(bank, people, town=town, count=count // 10)
    actions = sum(action.role is not None for action in bank.catalogue.actions)
    about = f"decide in process, {ACTIONS} eligible of {actions:,} actions"
    alone = [_timed(bank, people[number % len(people)], town=town, name=f"alone-{number}") for number in range(count)]
    cpu = quantiles(f"{about}: CPU", "ms", [MILLISECONDS * cpu for cpu, _ in alone])
    yield Figure(own=cpu, aim=Aim(of="p50", bound=0.3, must=0.8, above=False))
    yield Figure(own=cpu, aim=Aim(of="p99", bound=1.0, must=2.0, above=False))
    yield Figure(own=quantiles(f"{about}: wall, one thread", "ms", [MILLISECONDS * wall for _, wall in alone]))
    began, busy = perf_counter(), process_time()
    with ThreadPoolExecutor(THREADS) as threads:
        walls = list(
            threads.map(
                lambda number: _timed(bank, people[number % len(people)], town=town, name=f"bench-{number}")[1],
                range(count),
            )
        )
    seconds, busy = perf_counter() - began, process_time() - busy
    yield Figure(own=quantiles(f"{about}: wall, {THREADS} threads", "ms", [MILLISECONDS * wall for wall in walls]))
    yield Figure(own=rate(f"{about}: {THREADS} threads", "decisions/s", count=count, seconds=seconds))
    yield Figure(own=rate(f"{about}: {THREADS} threads", "decisions/CPU s", count=count, seconds=busy))


def measure_more(bank: Bank, town: Town, *, count: int) -> Iterator[Figure]:
    """Decide for many people at once, as in a night; and ask what would have changed a decision."""
    people, now = served(bank, town), Instant(town.now + 1)
    requests = [
        Request(id=f"night-{n}", customer=people[n % len(people)], occasion=OCCASION, channel="app", at=now)
        for n in range(count)
    ]
    busy = process_time()
    made = bank.decide_all(requests)
    name, seconds = f"decide for many, {ACTIONS} actions, with reasons", process_time() - busy
    yield Figure(
        own=rate(name, "decisions/CPU s", count=count, seconds=seconds),
        aim=Aim(of="rate", bound=10_000.0, must=3_000.0, above=True),
    )
    took = []
    for decision in made[: max(count // 10, 1)]:
        began = thread_time()
        bank.otherwise(decision.id, customer=decision.customer, now=now)
        took.append(MILLISECONDS * (thread_time() - began))
    yield Figure(own=quantiles("ask what would have changed a decision: CPU", "ms", took))


def served(bank: Bank, town: Town) -> tuple[str, ...]:
    """Give the people for whom all actions are open: whoever has payments and app visits meets every condition."""
    people = tuple(person for person in town.people if _open_to(_ask(bank, person, town=town, name=uuid4().hex)))
    if not people:
        raise AssertionError("nobody sees all actions")
    return people


def _open_to(decision: Decision) -> bool:
    """Count by the bytes of the stages: to look at each of a thousand candidates takes as long as the decision."""
    scored = sum(decision.candidates.stages.count(STAGE_CODES[stage]) for stage in ("scored", "chosen"))
    return scored == ACTIONS + 1  # doing nothing is always there as well


def teach(bank: Bank, people: Sequence[str], *, town: Town, count: int) -> None:
    """Let the bank hear what followed some decisions, so that no arm is measured at its prior only."""
    for number in range(count):
        decision = _ask(bank, people[number % len(people)], town=town, name=f"taught-{number}")
        verdict: Verdict = "accepted" if number % 10 < 10 * _TAUGHT else "ignored"
        if decision.action != "nothing":
            bank.outcome(decision.id, verdict, now=Instant(town.now + 1))


def _timed(bank: Bank, person: str, *, town: Town, name: str) -> tuple[float, float]:
    """Decide, and give the seconds of the whole process' CPU, and of the wall, that passed meanwhile."""
    wall, cpu = perf_counter(), process_time()
    decision = _ask(bank, person, town=town, name=name)
    timed = process_time() - cpu, perf_counter() - wall
    if not _open_to(decision):
        raise AssertionError(f"{decision.customer} does not see all actions any more")
    return timed


def _ask(bank: Bank, person: str, *, town: Town, name: str) -> Decision:
    return bank.decide(person, occasion=OCCASION, id=name, now=Instant(town.now + 1))
