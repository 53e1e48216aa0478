"""Proof: decisions recomputed from the journal, and entries of the chain checked, per second."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

from bench.figures import Figure, rate
from marketofone.bank import Bank


def measure(bank: Bank) -> Iterator[Figure]:
    """Replay and verify everything that was measured before; both must hold."""
    began = perf_counter()
    replayed = bank.replay()
    seconds = perf_counter() - began
    if replayed.differences or not replayed.decisions:
        raise AssertionError(f"{replayed.differences} of {replayed.decisions} decisions differ")
    yield Figure(own=rate("replay, byte for byte", "decisions/s", count=replayed.decisions, seconds=seconds))
    began = perf_counter()
    verified = bank.verify()
    seconds = perf_counter() - began
    if not verified.ok:
        raise AssertionError("the chain does not hold")
    events = sum(number for name, number in bank.counts().items() if name.startswith("events."))
    yield Figure(own=rate("verify: entries", "entries/s", count=verified.entries, seconds=seconds))
    yield Figure(own=rate("verify: events behind them", "events/s", count=events, seconds=seconds))
