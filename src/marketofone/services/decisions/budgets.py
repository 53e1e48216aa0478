"""Budgets of actions for a day: what is used up, as a decision finds it when it is asked.

Contacts are counted with the decisions that make them, in the same unit of work; a decision writes down which actions
it found used up, so a replay counts nothing. Decisions that are made at the same moment do not see each other: a budget
may be exceeded by as many as are made side by side, and no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from marketofone.decide.engine import charge_of
from marketofone.domain.moment import Day, Instant
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.counts import charges
from marketofone.projection.snapshot import Snapshot
from marketofone.services.runtime.runs import TOGETHER
from marketofone.store.ports import Reader


def closed(reader: Reader, config: BankConfig, day: Day) -> tuple[str, ...]:
    """Name the actions of which nothing is left for a day."""
    return tuple(name for name, left in _left(reader, config, day=day) if left <= 0)


def room(reader: Reader, snapshot: Snapshot, *, moments: Sequence[Instant]) -> int:
    """Say for how many people may be decided side by side: for no more than the least that is left of a budget."""
    config = snapshot.config
    if not config.actions.budgets:
        return TOGETHER
    days = {config.calendar.day_of(at) for at in moments}
    left = [left for day in days for _, left in _left(reader, config, day=day)]
    return min((one for one in left if one > 0), default=TOGETHER)


def _left(reader: Reader, config: BankConfig, *, day: Day) -> Iterator[tuple[str, int]]:
    for name, most in config.actions.budgets.items():
        (count,) = charges([charge_of(name, day=day)])
        yield name, most - reader.tallies(of=count).get(count, 0)
