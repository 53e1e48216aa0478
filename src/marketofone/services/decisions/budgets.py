"""Budgets of actions for a day: what is used up, as a decision finds it when it is asked.

Contacts are counted with the decisions that make them, in the same unit of work; a decision writes down which actions
it found used up, so a replay counts nothing. The unit names the most that each count may come to: of decisions that are
made at the same moment, those that came too late are computed again, and find it used up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from marketofone.decide.engine import charge_of
from marketofone.domain.moment import Instant
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.counts import charges
from marketofone.projection.snapshot import Snapshot
from marketofone.services.runtime.runs import TOGETHER
from marketofone.store.ports import Reader


def closed(reader: Reader, config: BankConfig, at: Instant) -> tuple[str, ...]:
    """Name the actions of which nothing is left for an instant."""
    return tuple(name for name, left in _left(reader, config, at=at) if left <= 0)


def most(config: BankConfig, charged: Sequence[str], *, at: Instant) -> Mapping[str, int]:
    """Give the most that each count may come to which a decision adds to, by what it took from budgets."""
    if not charged:
        return {}
    allowed, day = _allowances(config, at=at), config.calendar.day_of(at)
    by_charge = {charge_of(name, day=day): count for name, count in allowed.items()}
    return dict(zip(charges(charged), (by_charge[charge] for charge in charged), strict=True))


def room(reader: Reader, snapshot: Snapshot, *, moments: Sequence[Instant]) -> int:
    """Say for how many people may be decided side by side: for no more than the least that is left of a budget."""
    if not snapshot.config.actions.budgets:
        return TOGETHER
    lefts = [left for at in set(moments) for _, left in _left(reader, snapshot.config, at=at)]
    return min((left for left in lefts if left > 0), default=TOGETHER)


def _left(reader: Reader, config: BankConfig, *, at: Instant) -> Iterator[tuple[str, int]]:
    for name, allowed in _allowances(config, at=at).items():
        (count,) = charges([charge_of(name, day=config.calendar.day_of(at))])
        yield name, allowed - reader.tallies(of=count).get(count, 0)


def _allowances(config: BankConfig, *, at: Instant) -> dict[str, int]:
    """Give how much of each budget may have been taken by an instant."""
    if not config.actions.budgets:
        return {}
    return config.compiled.allowances(minute_of_day=config.calendar.minute_of_day(at))
