"""Races by the million, and a dated record of what they covered and found.

``python tests/model/interleaving_campaign.py --races 1000000 --record docs/campaign`` runs them;
``--seed N`` runs race N alone and prints what happened in it, point by point.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from campaign_record import add, commit
from interleaved_bank import PEOPLE, Interleaved
from interleavings import TOGETHER, Races, Sizes

import marketofone
from marketofone import wiring
from marketofone.domain.moment import Instant

CHUNK = 40 * TOGETHER
"""Races for which people are prepared once; who they are is drawn from the number of the first."""
Found = list[tuple[int, str]]


def chunk(first: int, upto: int, *, deadline: float, fitted: Path) -> tuple[Sizes, Found]:
    """Run the races of a chunk, or those of them that come before a deadline."""
    if time.monotonic() > deadline:
        return Sizes(), []
    gc.disable()  # a search through everything costs more than the races of a bank leave behind
    with tempfile.TemporaryDirectory(dir=_memory()) as scratch:
        interleaved = Interleaved(Path(scratch), fitted=fitted, seed=first)
        races, found = Races(interleaved), Found()
        for start in range(first, upto, TOGETHER):
            if time.monotonic() > deadline:
                break
            found += [(seed, wrong) for seed, wrong, _ in races.run(start, min(upto, start + TOGETHER))]
            gc.collect()
        interleaved.close()
    return races.sizes, found


def campaign(first: int, races: int, *, at_once: int, deadline: float) -> Iterator[tuple[Sizes, Found]]:
    """Run races in some processes, from the first of a bank on; gives what each chunk covered and found."""
    first -= first % TOGETHER
    with tempfile.TemporaryDirectory() as scratch:
        fitted = _fitted(Path(scratch))
        with ProcessPoolExecutor(at_once, max_tasks_per_child=1) as pool:
            starts = range(first - first % CHUNK, first + races, CHUNK)
            run = partial(chunk, deadline=deadline, fitted=fitted)
            asked = [pool.submit(run, max(first, at), min(at + CHUNK, first + races)) for at in starts]
            for one in as_completed(asked):
                yield one.result()


def replay(number: int) -> str:
    """Run one race, after those before it in its bank; gives what happened in it, and what is wrong."""
    with tempfile.TemporaryDirectory(dir=_memory()) as scratch:
        fitted = _fitted(Path(scratch))
        interleaved = Interleaved(Path(scratch), fitted=fitted, seed=number - number % CHUNK)
        (found,) = Races(interleaved).run(number, number + 1, told=True)
        interleaved.close()
    _, wrong, history = found
    return "\n".join([*history, wrong or "nothing is wrong"])


def _memory() -> Path | None:
    memory = Path("/dev/shm")  # noqa: S108 - a disk in memory, where there is one
    return memory if memory.is_dir() else None


def _fitted(scratch: Path) -> Path:
    """Fit the language model once for all banks."""
    wiring.lay_out(scratch / "first")
    marketofone.open(scratch / "first", now=Instant(0)).close()
    return scratch / "first" / wiring.DATA


def told(sizes: Sizes, found: Found, *, took: str, first: int) -> str:
    """Write the record."""
    acts = ", ".join(f"{name} {times:,}" for name, times in sizes.acts.most_common())
    points = ", ".join(f"{name} {times:,}" for name, times in sizes.points.most_common())
    pairs = ", ".join(f"{one} with {other} {times:,}" for (one, other), times in sizes.overlaps.most_common(12))
    wrong = "\n".join(f"- race {seed}: {what}" for seed, what in found[:20])
    return f"""Races of one no with one to three tasks that read, send, answer or learn, each under a seed of its own.

| | |
| --- | --- |
| races | {sizes.races:,}, from number {first} on, each about one of {PEOPLE} people of its bank |
| points at which another task could have run | {sum(sizes.points.values()):,}, {sizes.switches:,} switches |
| acts | {sum(sizes.acts.values()):,}: {sizes.given:,} answered, {sizes.refused:,} refused |
| pairs of acts that overlapped | {sum(sizes.overlaps.values()):,}, {len(sizes.overlaps)} different pairs |
| races in which somebody's word fell between another's question and answer | {sizes.between:,} |
| lessons owed and dropped, in the races that end with a look at versions | {sizes.owed:,} |
| took | {took}, Python {sys.version.split()[0]} |

Acts: {acts}. Points: {points}. The most frequent pairs: {pairs}.

{wrong or "The guarantee held in every race."}
"""


def main() -> None:
    """Run races, or one again; fails when the guarantee does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--races", type=int, default=1_000_000)
    parser.add_argument(
        "--first", type=int, default=0, help="the number of the first race; its bank begins with it or before"
    )
    parser.add_argument("--seed", type=int, help="run one race alone, by its number, and print it")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--minutes", type=float, default=10_000.0, help="begin no further bank after so many")
    parser.add_argument("--record", type=Path, help="the folder of the records")
    asked = parser.parse_args()
    if asked.seed is not None:
        print(replay(asked.seed))  # noqa: T201
        return
    began, runs_on, sizes, found = time.monotonic(), commit(), Sizes(), Found()
    deadline = began + 60 * asked.minutes
    for more, wrong in campaign(asked.first, asked.races, at_once=asked.at_once, deadline=deadline):
        sizes.add(more)
        found += wrong
    took = f"{time.monotonic() - began:,.0f} s in {asked.at_once} processes"
    text = told(sizes, sorted(found), took=took, first=asked.first)
    print(text)  # noqa: T201
    if asked.record is not None:
        add(asked.record, title=f"interleavings, commit {runs_on}", text=text)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
