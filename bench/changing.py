"""A diff of decisions: past decisions made again with another ``actions.toml``, and their worth compared."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter, process_time

from bench.figures import Aim, Figure, Row, rate
from bench.town import Town
from marketofone.bank import Bank
from marketofone.services.proof.changes import Change

# A million decisions in 20 and in 10 minutes of two cores, each of them busy all the time.
_MUST, _AIM = 1_000_000 / (2 * 20 * 60), 1_000_000 / (2 * 10 * 60)
_STOPPED = 'id = "action_000"'


def measure(bank: Bank, town: Town) -> Iterator[Figure]:
    """Compare all past decisions with what they would be without one action, on one core and on two."""
    change = Change(document="actions.toml", text=_without_one(town))
    began, busy = perf_counter(), process_time()
    alone = bank.diff(change)
    seconds, cpu = perf_counter() - began, process_time() - busy
    if not alone.decisions or not alone.changes:
        raise AssertionError("nothing was compared, or nothing changed")
    yield Figure(
        own=rate("diff: decisions compared, a second of CPU", "decisions/s", count=alone.decisions, seconds=cpu),
        aim=Aim(of="rate", bound=round(_AIM), must=round(_MUST), above=True),
    )
    began = perf_counter()
    both = bank.diff(change, workers=2)
    wall = perf_counter() - began
    if (both.otherwise, both.bytes) != (alone.otherwise, alone.bytes):
        raise AssertionError("two processes found something else than one")
    yield Figure(
        own=Row(
            name="diff on two cores against one, start of processes included", unit="x", values={"wall": seconds / wall}
        )
    )


def _without_one(town: Town) -> str:
    """Let one action never be eligible."""
    head, found, rest = (town.folder / "actions.toml").read_text(encoding="utf-8").partition(_STOPPED)
    before, _, condition = rest.partition("eligible = ")
    return f'{head}{found}{before}eligible = "spend_30d < 0 - 1"\n{condition.partition(chr(10))[2]}'
