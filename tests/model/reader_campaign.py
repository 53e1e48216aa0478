"""The campaign against the readers of files: each is given damaged files for a while, and a dated record is written.

``make campaign READERS="--minutes 10 --seed 1"``: minutes of processor time for each reader, from a seed on. A fault is
told with its seed: ``attack(name, seed)`` of ``tests/support/file_attacks.py`` makes the same file again.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from campaign_record import add

from file_attacks import TARGETS, attack

ENOUGH = 5  # faults of one reader


class FilesRead(NamedTuple):
    """How many damaged files a reader was given, how many it did not refuse as a whole, and what was wrong."""

    name: str
    files: int
    read: int
    wrong: list[str]


def attacked(name: str, *, seed: int, seconds: float) -> FilesRead:
    """Give damaged files to a reader for some seconds of processor time."""
    files = read = 0
    wrong: list[str] = []
    began = time.process_time()
    while time.process_time() - began < seconds and len(wrong) < ENOUGH:
        one = attack(name, seed + files)
        if one.wrong:
            wrong.append(f"{name}, seed {seed + files}, {len(one.content)} bytes:\n{one.wrong}")
        files, read = files + 1, read + one.read
    return FilesRead(name, files, read, wrong)


def record(folder: Path, done: list[FilesRead], *, minutes: float, seed: int) -> Path:
    """Write the record of this day; a second one of a day stands below the first."""
    rows = "".join(f"| {one.name} | {one.files:,} | {one.read:,} |\n" for one in sorted(done))
    faults = [f"```\n{wrong}\n```" for one in done for wrong in one.wrong]
    found = "\n\n".join(faults) or "No reader broke, and no row was lost unsaid."
    text = f"""{minutes:g} minutes of processor time for each reader, seeds from {seed} on, {os.cpu_count()} cores.

| format | damaged files | not refused as a whole |
| --- | --- | --- |
{rows}
{found}
"""
    return add(folder, title="readers of files", text=text)


def main() -> None:
    """Attack each reader; fails when one broke or lost a row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of processor time for each reader")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", type=Path, help="the folder of the records")
    asked = parser.parse_args()
    done: list[FilesRead] = []
    with Pool() as pool:
        for one in pool.imap_unordered(partial(attacked, seed=asked.seed, seconds=asked.minutes * 60), TARGETS):
            done.append(one)
            print(f"{one.name}: {one.files:,} files, {one.read:,} read", *one.wrong, sep="\n", flush=True)  # noqa: T201
    if asked.record is not None:
        print(record(asked.record, done, minutes=asked.minutes, seed=asked.seed))  # noqa: T201
    sys.exit(any(one.wrong for one in done))


if __name__ == "__main__":
    main()
