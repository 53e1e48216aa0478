"""Races: threads, and processes, do random things to few people at once; then the journals are read back.

What was recorded must be a history that the reference bank could have had, one thing after the other (`recorded.py`).
Some are erased meanwhile, and a process may be killed: then another one does again what it had no answer to.
"""

from __future__ import annotations

import random
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from documents import HOUR
from histories import CUSTOMERS, KINDS, START, Differs, Drawing, Operation, wrong_in
from processes import Tell, at_once
from product import Product, answered
from recorded import NEVER, Crashed, Done, Recorded
from reference import Happened

SHARED = frozenset(
    {
        "consent",
        "objection",
        "pause",
        "resume",
        "ingest",
        "link",
        "decide",
        "outcome",
        "rule",
        "forecast",
        "profile",
        "ask",
        "recall",
        "erase",
    }
)
Part = list[Operation]
"""What one thread does, one thing after the other."""


@dataclass(frozen=True)
class Race:
    """What several threads do to few people."""

    seed: int
    threads: int = 4
    steps: int = 12

    def parts(self) -> Sequence[Part]:
        """Draw what each thread does: about the same two or three people, with names of decisions they share."""
        rng = random.Random(self.seed)
        customers = rng.sample(CUSTOMERS, rng.choice((2, 2, 3)))
        parts: list[Part] = []
        common = [Happened(f"common-{kind}", kind, START - HOUR) for kind in KINDS]
        for place in range(self.threads):
            drawing = Drawing(random.Random(rng.random()), customers=customers, prefix=f"e{place}", events=[*common])
            part = [*drawing.beginning(), *(drawing.one() for _ in range(4 * self.steps))]
            parts.append([one for one in part if one[0] in SHARED][: self.steps])
        if rng.random() < 0.5:  # threads that erase, not at the very beginning; two of them the same customer at times
            for part in rng.sample(parts, min(2, len(parts))):
                place = rng.randrange(len(part) // 3, len(part))
                now = part[place][1]["now"]
                part.insert(place, ("erase", {"customer": rng.choice(customers[:2]), "now": now}))
        return parts


def in_threads(race: Race, folder: Path) -> list[Done]:
    """Run a race between threads, over two open banks on one folder."""
    banks = [Product(folder, seed=race.seed), Product(folder, seed=race.seed + 1)]
    done: list[Done] = []
    try:
        _work_at_once([(banks[place % 2], part, done.append) for place, part in enumerate(race.parts())])
    finally:
        for bank in banks:
            bank.close()
    return done


def in_processes(race: Race, folder: Path) -> list[Done]:
    """Run a race between two processes, each with threads. In every other race the first is killed.

    Raises
    ------
    Differs
        When a process ended by itself before it had done everything.
    """
    rng = random.Random(race.seed)
    kill_after = rng.uniform(0.005, 0.01 * race.steps) if race.seed % 2 else None
    parts = race.parts()
    halves = parts[::2], parts[1::2]
    works = [partial(_in_process, folder, race.seed + number, half) for number, half in enumerate(halves)]
    first, second = at_once(works, kill_first_after=kill_after)
    told = [*first, *second]
    lost, left = _left_over(halves[0], first)
    if kill_after is not None and left:
        (again,) = at_once([partial(_in_process, folder, race.seed + 2, left)])
        told, left = [*told, *again], _left_over(left, again)[1]
    if left or _left_over(halves[1], second)[1]:
        raise Differs("a process ended by itself")
    return [*(one for _, one in told), *lost]


def _left_over(parts: Sequence[Part], told: Sequence[tuple[int, Done]]) -> tuple[list[Done], list[Part]]:
    """Give what may have been under way when a process was killed, and all it did not answer, part by part."""
    lost, left = [], []
    for place, part in enumerate(parts):
        done = [one for of, one in told if of == place]
        if rest := part[len(done) :]:
            lost.append(Done(done[-1].ended if done else 0, NEVER, *rest[0], answer="lost"))
            left.append(rest)
    return lost, left


def _in_process(folder: Path, seed: int, parts: Sequence[Part], tell: Tell) -> None:
    product = Product(folder, seed=seed)
    tell("ready")
    _work_at_once(
        [(product, part, lambda one, place=place: tell((place, one))) for place, part in enumerate(parts)]  # type: ignore[misc]
    )
    product.close()


def _work_at_once(works: Sequence[tuple[Product, Part, Callable[[Done], None]]]) -> None:
    barrier = threading.Barrier(len(works))
    workers = [threading.Thread(target=_work, args=(barrier, *work)) for work in works]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def _work(barrier: threading.Barrier, product: Product, part: Part, tell: Callable[[Done], None]) -> None:
    barrier.wait()
    for name, arguments in part:
        began = time.monotonic_ns()
        try:
            answer = answered(lambda n=name, a=arguments: getattr(product, n)(**a))
        except Exception:  # noqa: BLE001 - a crash is found below
            answer = Crashed(traceback.format_exc())
        tell(Done(began, time.monotonic_ns(), name, arguments, answer))


BETWEEN: dict[str, Callable[[Race, Path], list[Done]]] = {"threads": in_threads, "processes": in_processes}


def race(seed: int, template: Path, *, between: str, threads: int, steps: int) -> str:
    """Run one race; gives what is wrong, empty when nothing is."""

    def check(folder: Path) -> None:
        done = BETWEEN[between](Race(seed, threads, steps), folder)
        with closing(Product(folder, seed=seed + 3)) as product:
            Recorded(product, done).check()

    return wrong_in(template, check)


__all__ = ["BETWEEN", "race"]
