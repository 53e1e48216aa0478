"""Proof: decisions recomputed from the journals, on one core and on two, and entries verified."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter, process_time

from bench.figures import Aim, Figure, Row, rate
from marketofone.bank import Bank


def measure(bank: Bank) -> Iterator[Figure]:
    """Replay and verify everything that was measured before; both must hold."""
    began, busy = perf_counter(), process_time()
    replayed = bank.replay()
    alone, cpu = perf_counter() - began, process_time() - busy
    if replayed.differences or not replayed.decisions:
        raise AssertionError(f"{replayed.differences} of {replayed.decisions} decisions differ")
    yield Figure(
        own=rate("replay, byte for byte, a second of CPU", "decisions/s", count=replayed.decisions, seconds=cpu),
        aim=Aim(of="rate", bound=1_000.0, must=600.0, above=True),
    )
    began = perf_counter()
    bank.replay(workers=2)
    both = perf_counter() - began
    yield Figure(
        own=Row(
            name="replay on two cores against one, start of processes included", unit="x", values={"wall": alone / both}
        ),
        aim=Aim(of="wall", bound=1.9, must=1.7, above=True),
    )
    began = perf_counter()
    verified = bank.verify()
    seconds = perf_counter() - began
    if not verified.ok:
        raise AssertionError("the journals do not hold")
    yield Figure(own=rate("verify: entries", "entries/s", count=verified.entries, seconds=seconds))
