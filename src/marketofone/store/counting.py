"""Counts by day: what entries hold, counted under the day on which each of them is recorded.

Only a store knows that day: an entry is recorded when its unit is, or later where its journal has seen a later instant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

from marketofone.domain.moment import DAY, Day, Instant, date_of
from marketofone.store.ports import Head, Unit


def dated(name: str, recorded: Instant) -> str:
    """Give the name of a count on the day (UTC) of an instant.

    Examples
    --------
    >>> dated("arrived app admitted", Instant(DAY))
    'arrived app admitted 1970-01-02'
    """
    return _on(name, recorded // DAY)


def added_by(unit: Unit, after: Sequence[Head]) -> list[tuple[str, int]]:
    """Give what a unit adds to counts, by name; ``after`` are the heads right after its drafts."""
    counts = dict(unit.tallies)
    # A unit may hold thousands of drafts, most of which share what they count: that is added up by its identity.
    shared = {id(of): of for of in unit.daily}
    alike = Counter(zip(map(id, unit.daily), [head.recorded // DAY for head in after], strict=False))
    for (of, day), times in alike.items():
        for name, n in shared[of].items():
            on = _on(name, day)
            counts[on] = counts.get(on, 0) + n * times
    return sorted(counts.items())


def exceeds(unit: Unit, stored: Mapping[str, int]) -> bool:
    """Say whether a unit would bring a count above the most that it may come to; ``stored`` are those that stand.

    Examples
    --------
    >>> unit = Unit(now=Instant(0), tallies={"charged": 2}, most={"charged": 3})
    >>> exceeds(unit, {"charged": 1}), exceeds(unit, {"charged": 2})
    (False, True)
    """
    return any(stored.get(name, 0) + unit.tallies.get(name, 0) > most for name, most in unit.most.items())


@lru_cache(maxsize=10_000)
def _on(name: str, day: int) -> str:
    return f"{name} {date_of(Day(day))}"
