"""Cuts of the power: whatever a disk may hold after one, the bank opens, and all that was acknowledged is there.

A process works in a new bank while every call that changes a file is written down (``traced.py``). The power goes
between any two of them; what a disk may hold then (``disk.py``) is opened with the real code. Some cuts come while the
bank recovers from an earlier one.

``python tests/model/power_cuts.py --cuts 200 --record docs/campaign`` draws them. From one number on the same acts and
the same moments among the calls are drawn; which call stands there may differ a little, for the engine has threads.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from campaign_record import add, commit
from disk import Call, Disk
from documents import CHANNELS, CONSENTED, DAY, SOURCES, write
from interleaved_bank import BEGIN, RULES, change
from traced import TOLD, can_trace, traced

import marketofone
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.domain.errors import MarketOfOneError
from marketofone.domain.moment import Instant

CHILD = Path(__file__).with_name("power_child.py")
EACH = 20
"""Cuts of one run of the process."""
LATER = Instant(BEGIN + DAY)
CUT_OFF = "a write was cut off"
"""What a verification says of a log that ends within a write: it cannot know that nobody was told of it. The log is
written anew when the bank is closed, or in time by whoever writes."""
Told = dict[str, Any]


class Ran(NamedTuple):
    """What one process did: what was told before it, its folder before, and its calls."""

    told: Sequence[Told]
    before: Path
    calls: Sequence[Call]


def run(scratch: Path, *, seed: int, after: Ran | None = None, fault: str = "none") -> Ran:
    """Let a process work in a new bank, or in what a cut of another left, and write down its calls."""
    folder, before = scratch / "bank", scratch / "before"
    if after is None:
        write(before, RULES)
    else:
        shutil.copytree(after.before, before)
    shutil.copytree(before, folder)
    paths = [*sys.path, str(CHILD.parent), str(CHILD.parents[1] / "support")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    program = [str(CHILD), str(folder), str(scratch / TOLD), str(seed), fault]
    calls = traced(program, scratch, environment=environment)
    return Ran([] if after is None else after.told, before, calls)


def cut(ran: Ran, scratch: Path, *, seed: int) -> tuple[str, Ran]:
    """Cut the power at a moment that is drawn; gives what was going on, and what there is and was told by then."""
    rng = random.Random(seed)
    moment = rng.randrange(len(ran.calls) + 1)
    disk, folder = Disk(scratch / "bank", begins=ran.before), scratch / f"cut-{seed}"
    for call in ran.calls[:moment]:
        disk.do(call)
    folder.mkdir()
    disk.cut(folder, rng=rng)
    told = [json.loads(call.data) for call in ran.calls[:moment] if call.kind == "told"]
    following = ran.calls[moment] if moment < len(ran.calls) else Call("told", "the end")
    return f"{following.kind} {_plain(following.path)}", Ran([*ran.told, *told], folder, ())


def _plain(path: str) -> str:
    return re.sub(r"[.]\d+$", "", Path(path).name)  # a process writes the key under its own number first


def wrong_after(folder: Path, told: Sequence[Told]) -> str:
    """Open what is on the disk, and compare it with what was acknowledged; gives what is wrong."""
    try:
        with patch.object(wiring, "_language", lambda *_, **__: None):
            with closing(marketofone.open(folder, now=LATER)) as bank:
                wrong = next(_wrong(bank, told), "")
            wrong = wrong or next(_opened_keys(folder, told), "")
            with closing(marketofone.open(folder, now=LATER)) as bank:
                return wrong or next(_goes_on(bank, told), "")
    except MarketOfOneError as error:
        return f"it does not open, or breaks off: {type(error).__name__}: {error}"


def _wrong(bank: Bank, told: Sequence[Told]) -> Iterator[str]:
    keys = bank.context.keys
    begun = {one["customer"] for one in told if one["what"] == "erasing"}
    for one in told:
        if one["what"] in ("opened", "erasing"):
            continue
        name = one["customer"]
        known = keys.find((name,)).get(name)
        if one["what"] == "erased":
            if known is not None:
                yield f"{name} was forgotten, and is known again"
        elif name not in begun:
            if known is None:
                yield f"{name} said something, and is unknown"
                return
            with bank.context.store.read() as reader:
                found = next(iter(reader.entries(known.subject, after=one["n"] - 1, upto=one["n"])), None)
            if found is None or found.hash.hex() != one["hash"]:
                yield f"entry {one['n']} of {name} ({one['what']}) was acknowledged, and is lost"
    for name in sorted(begun & keys.find(begun).keys()):
        bank.erase(name, ground="asked for it", now=LATER)  # one that was under way is finished by the same call
    others = [one for one in bank.verify().problems if CUT_OFF not in one]
    if others:
        yield f"it does not verify: {others}"


def _opened_keys(folder: Path, told: Sequence[Told]) -> Iterator[str]:
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for one in told:
        if one["what"] == "erased" and one["key"] and bytes.fromhex(one["key"]) in kept:
            yield f"the key of {one['customer']}, who was forgotten, is still in a file"


def _goes_on(bank: Bank, told: Sequence[Told]) -> Iterator[str]:
    """Verify once more, then say no for somebody, and find that it holds."""
    verified = bank.verify()
    if not verified.ok:
        yield f"it does not verify when it is opened again: {verified.problems}"
    gone = {one["customer"] for one in told if one["what"] == "erasing"}
    name = next(one for one in ("c-0", "c-1", "c-2", "c-3", "c-4", "c-9") if one not in gone)
    bank.consent(change(name, "withdraw", CONSENTED, SOURCES, CHANNELS, since=LATER), now=LATER)
    if any(cell.state == "granted" for cell in bank.consents(name, now=LATER).cells if cell.purpose in CONSENTED):
        yield f"{name} said no afterwards, and it does not hold"


def campaign(cuts: int, *, seed: int, fault: str = "none") -> Iterator[tuple[int, str, str]]:
    """Draw cuts, some of each run; gives for each its number, what was going on, and what is wrong.

    Every other run goes on in what the last cut of the one before left: then the power goes while that is recovered.
    """
    left: Ran | None = None
    with tempfile.TemporaryDirectory() as name:
        for first in range(seed, seed + cuts, EACH):
            scratch = Path(name).resolve() / f"run-{first}"
            scratch.mkdir()
            ran = run(scratch, seed=first, after=left, fault=fault)
            for number in range(first, min(first + EACH, seed + cuts)):
                where, after = cut(ran, scratch, seed=number)
                copied = shutil.copytree(after.before, scratch / f"copy-{number}")
                yield number, where, wrong_after(copied, after.told)
            left = after if left is None else None


def told_of(where: Counter[str], wrong: Sequence[str], *, seed: int, took: float) -> str:
    """Write the record."""
    found = "\n".join(f"- {one}" for one in wrong[:20])
    each = ", ".join(f"{name} {times}" for name, times in where.most_common())
    return f"""A process worked in a new bank, and the power went between two of its calls to the kernel.

| | |
| --- | --- |
| cuts | {sum(where.values()):,}, numbers from {seed} on, {EACH} in each run of the process |
| what would have come next | {each} |
| took | {took:,.0f} s, Python {sys.version.split()[0]} |

{found or "The bank opened each time, and nothing that was acknowledged was lost."}
"""


def main() -> None:
    """Cut the power; fails when something that was acknowledged is lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="the number of the first cut")
    parser.add_argument("--fault", default="none", help="a fault to plant, by its words in planted_cuts.py")
    parser.add_argument("--record", type=Path, help="the folder of the records")
    asked = parser.parse_args()
    if not can_trace():
        sys.exit("strace is needed, and may not look into processes here")
    began, runs_on, where, wrong = time.monotonic(), commit(), Counter[str](), list[str]()
    for number, at, what in campaign(asked.cuts, seed=asked.first, fault=asked.fault):
        where[at] += 1
        if what:
            wrong.append(f"cut {number}, before {at}: {what}")
            print(wrong[-1], flush=True)  # noqa: T201
    text = told_of(where, wrong, seed=asked.first, took=time.monotonic() - began)
    print(text)  # noqa: T201
    if asked.record is not None:
        add(asked.record, title=f"cuts of the power, commit {runs_on}", text=text)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
