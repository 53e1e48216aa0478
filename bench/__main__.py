"""Measure everything and print it: ``python -m bench [--quick] [--json]``."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter

import msgspec

from bench import (
    asking,
    beside,
    changing,
    choosing,
    classifying,
    clicking,
    crowd,
    deciding,
    foreseeing,
    importing,
    ingesting,
    over_http,
    paging,
    proving,
    reading,
    remembering,
    resting,
    scoring,
    workers,
)
from bench.figures import Figure, table
from bench.town import FULL, QUICK, Scale, build, widened

PARTS = ("town", "crowd", "memory", "files", "classes", "consents", "pages")


def town_figures(scale: Scale, *, folder: Path, peers_python: Path) -> Iterator[Figure]:
    """Measure on a town of simulated lives: decisions, features, forecasts, proof."""
    town = build(folder / "town", scale)
    wide = widened(town, folder / "wide")
    with wide.open() as bank:
        yield from deciding.measure(bank, wide, count=scale.decisions)
    with town.open() as bank:
        yield from deciding.measure(bank, town, count=scale.decisions)
        yield from deciding.measure_more(bank, town, count=scale.decisions)
        yield from scoring.measure(bank, town, count=50 * scale.decisions)
        yield from choosing.measure(folder=folder, count=scale.choices, peers_python=peers_python)
        yield from reading.measure(bank, town, rounds=scale.rounds)
        people = deciding.served(bank, town)
    yield from over_http.measure(town, people, seconds=scale.seconds)
    with town.open() as bank:
        yield from foreseeing.measure(bank, town, rounds=1)  # moves money later than what is asked for above
        yield from proving.measure(bank)
        yield from changing.measure(bank, town)


def crowd_figures(scale: Scale, *, folder: Path) -> Iterator[Figure]:
    """Measure on a crowd of thousands: arrivals, decisions beside them, what rests, several workers."""
    some = crowd.build(folder / "crowd", people=scale.crowd, events=scale.past, forecasts=True)
    with some.open() as bank:
        yield from ingesting.measure(bank, some, folder=folder, events=scale.arrivals)
    yield from beside.measure(some, seconds=scale.seconds)
    yield from workers.measure(some, seconds=scale.seconds, turns=scale.turns)
    with some.open() as bank:
        yield from clicking.measure(bank, some, events=scale.heavy)
        yield from resting.measure(bank, some, folder=folder / "resting", people=scale.crowd)
    yield from workers.measure_server(
        folder / "served", people=scale.crowd, past=scale.past, seconds=scale.seconds, turns=scale.turns
    )


def memory_figures(scale: Scale, *, folder: Path) -> Iterator[Figure]:
    """Measure the memory of long readings on a small bank and on a large one."""
    least, most = scale.memory
    small, large = (
        crowd.build(folder / f"memory-{events}", people=scale.crowd, events=events // scale.crowd, forecasts=False)
        for events in (least, most)
    )
    yield from remembering.measure(small, large, events=(least, most))


def measure(scale: Scale, *, folder: Path, peers_python: Path, parts: Sequence[str] = PARTS) -> Iterator[Figure]:
    """Measure every figure of some parts; each bank is proven to hold."""
    if "town" in parts:
        yield from town_figures(scale, folder=folder, peers_python=peers_python)
    if "crowd" in parts:
        yield from crowd_figures(scale, folder=folder)
    if "memory" in parts:
        yield from memory_figures(scale, folder=folder)
    if "files" in parts:
        yield from importing.measure(folder=folder, rows=scale.heavy // 2)
    if "consents" in parts:
        yield from asking.measure(folder=folder, people=scale.allowing, checks=scale.checks)
    if "pages" in parts:
        yield from paging.measure(folder=folder, people=scale.readers)
    if "classes" in parts:
        yield from classifying.measure(folder=folder, rows=scale.classes, peers_python=peers_python)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fast look, in less than a minute")
    parser.add_argument("--json", action="store_true", help="one document instead of a table")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part; may be given again")
    asked = parser.parse_args()
    began, figures, machine = (
        perf_counter(),
        [],
        f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before",
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        scale, parts = QUICK if asked.quick else FULL, asked.part or PARTS
        for figure in measure(scale, folder=Path(folder), peers_python=choosing.PEERS_PYTHON, parts=parts):
            figures.append(figure)
            print(f"{perf_counter() - began:6.1f} s  {figure.own.name}", file=sys.stderr)
    if asked.json:
        print(msgspec.json.format(msgspec.json.encode({"machine": machine, "figures": figures})).decode())
    else:
        print(machine, table(figures), sep="\n")


if __name__ == "__main__":
    main()
