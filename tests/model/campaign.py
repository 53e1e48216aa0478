"""The campaign: as many random histories, races and kills as one likes, and a dated record of what they found.

``make campaign ARGS="--histories 5000 --races 500 --kills 200 --seed 1"``, or ``--minutes 10`` to stop after a while.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from campaign_record import add, commit
from erasures import kill_erasing
from histories import Operation, drawn, run, shrunk, told
from kills import kill
from product import make_template
from races import race


@dataclass
class Campaign:
    """What was done, and what was found."""

    seed: int
    steps: int
    template: Path
    deadline: float
    did: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)
    commit: str = field(default_factory=commit)  # as it began

    def histories(self, many: int) -> None:
        """Run histories; one that differs is shrunk."""
        for seed in range(self.seed, self.seed + many):
            if time.monotonic() > self.deadline:
                return
            operations = drawn(seed, steps=self.steps)
            wrong = run(operations, self.template)
            self.did["histories"] += 1
            self.operations.update(name for name, _ in operations)
            if wrong:
                self.tell(f"history {seed}", self.shrunk(operations, wrong))

    def shrunk(self, operations: list[Operation], wrong: str) -> str:
        """Shrink what differs; chance of the product may make a shorter history pass, then the first word stands."""
        small = shrunk(operations, lambda shorter: run(shorter, self.template))
        return f"{told(small)}\n{run(small, self.template) or wrong}"

    def rounds(self, what: str, many: int, one: Callable[[int], str]) -> None:
        """Run races or kills, until this round's time is up."""
        for seed in range(self.seed, self.seed + many):
            if time.monotonic() > self.deadline:
                return
            wrong = one(seed)
            self.did[what] += 1
            if wrong:
                self.tell(f"{what} {seed}", wrong)

    def tell(self, where: str, wrong: str) -> None:
        """Write down what was found."""
        self.found.append(f"{where}:\n{wrong}")
        print(self.found[-1], flush=True)  # noqa: T201

    def record(self, folder: Path, *, seconds: float) -> Path:
        """Write the record of this day; a second one of a day stands below the first."""
        steps = sum(self.operations.values())
        each = ", ".join(f"{name} {times:,}" for name, times in self.operations.most_common())
        found = "\n\n".join(f"```\n{one}\n```" for one in self.found) or "Nothing differed."
        text = f"""| | |
| --- | --- |
| histories | {self.did["histories"]:,}, of {self.steps} steps and a beginning |
| operations in them | {steps:,}, everything visible compared after each |
| races between threads | {self.did["races of threads"]:,}, of 2 to 8 threads over two open banks on one folder |
| races between processes | {self.did["races of processes"]:,}, of two processes; kill -9 of one in every other |
| kills | {self.did["kills"]:,}, kill -9 of a process in the middle of a history |
| killed erasures | {self.did["erasures"]:,}, kill -9 in the middle of an erasure, which is finished afterwards |
| seeds | from {self.seed} on |
| took | {seconds:,.0f} s on {os.cpu_count()} cores, Python {sys.version.split()[0]} |

Operations: {each}.

{found}
"""
        return add(folder, title=f"commit {self.commit}", text=text)


def _race(template: Path, between: str, seed: int) -> str:
    return race(seed, template, between=between, threads=2 + seed % 7, steps=16)


def main() -> None:
    """Run a campaign; fails when anything differed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=5_000)
    parser.add_argument("--races", type=int, default=500)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--steps", type=int, default=40, help="of a history")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=10_000.0, help="stop after so many")
    parser.add_argument("--record", type=Path, help="the folder of the records")
    asked = parser.parse_args()
    began = time.monotonic()
    share = asked.minutes * 60 / 5
    with tempfile.TemporaryDirectory() as scratch:
        template = make_template(Path(scratch) / "bank")
        campaign = Campaign(asked.seed, asked.steps, template, began)
        for what, many, one in (
            ("kills", asked.kills, lambda seed: kill(seed, template, steps=asked.steps)),
            ("erasures", asked.kills, lambda seed: kill_erasing(seed, template, steps=asked.steps)),
            ("races of threads", asked.races, partial(_race, template, "threads")),
            ("races of processes", asked.races, partial(_race, template, "processes")),
        ):
            campaign.deadline = time.monotonic() + share
            campaign.rounds(what, many, one)
        campaign.deadline = began + 5 * share
        campaign.histories(asked.histories)
    if asked.record is not None:
        print(campaign.record(asked.record, seconds=time.monotonic() - began))  # noqa: T201
    sys.exit(bool(campaign.found))


if __name__ == "__main__":
    main()
