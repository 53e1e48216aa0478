"""Measure everything and print it: ``python -m bench [--quick] [--json]``."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import msgspec

from bench import choosing, deciding, foreseeing, ingesting, over_http, proving, reading
from bench.figures import Figure, table
from bench.town import FULL, QUICK, Scale, build


def measure(scale: Scale, *, folder: Path, peers_python: Path) -> Iterator[Figure]:
    """Measure every figure on one bank, which is proven to hold at the end."""
    town = build(folder / "bank", scale)
    with town.open() as bank:
        yield from ingesting.measure(bank, town, folder=folder, sizes=scale.batches)
        yield from deciding.measure(bank, town, count=scale.decisions)
        yield choosing.measure(folder=folder, count=scale.choices, peers_python=peers_python)
        yield from reading.measure(bank, town, rounds=scale.rounds)
        people = deciding.served(bank, town)
    yield over_http.measure(town, people, seconds=scale.seconds)
    with town.open() as bank:
        yield from foreseeing.measure(bank, town, rounds=1)  # moves money later than what is asked for above
        yield from proving.measure(bank)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fast look, in less than a minute")
    parser.add_argument("--json", action="store_true", help="one document instead of a table")
    asked = parser.parse_args()
    began, figures, machine = (
        perf_counter(),
        [],
        f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before",
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for figure in measure(QUICK if asked.quick else FULL, folder=Path(folder), peers_python=choosing.PEERS_PYTHON):
            figures.append(figure)
            print(f"{perf_counter() - began:6.1f} s  {figure.own.name}", file=sys.stderr)
    if asked.json:
        print(msgspec.json.format(msgspec.json.encode({"machine": machine, "figures": figures})).decode())
    else:
        print(machine, table(figures), sep="\n")


if __name__ == "__main__":
    main()
