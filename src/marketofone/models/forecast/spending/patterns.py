"""Micro-patterns: shifts that mean more together than apart, and open a gentle check-in.

Each pattern was named beforehand with the way of each shift in it, so it is one question, not many: it is there when
every one of its shifts is there at the level ``SURE`` (intersection-union test, Berger 1982). Of synthetic people who
change nothing, fewer than one in a hundred is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from marketofone.models.forecast.spending.finding import Finding, cause
from marketofone.models.forecast.spending.shifts import Shift, matters

SURE = 0.05

# What must be there together: the category, and whether its trips became more.
PATTERNS: dict[str, dict[str, bool]] = {
    "eating_out_more": {"dining": True, "groceries": False},
    "under_strain": {"fees": True, "groceries": False},
    "cash_instead": {"cash": True, "groceries": False},
}


def pattern_findings(tested: Iterable[Shift], *, scale: float, currency: str, as_of: int) -> Iterator[Finding]:
    """Give the micro-patterns that are there, as check-ins."""
    trips = {shift.category: shift for shift in tested if shift.measure == "trips" and matters(shift, scale=scale)}
    for name, needed in PATTERNS.items():
        parts = [trips[category] for category, more in needed.items() if _is_there(trips.get(category), more=more)]
        if len(parts) == len(needed):
            yield Finding(
                id=cause("check_in", name),
                kind="check_in",
                account=None,
                category=None,
                counterparty=None,
                day=as_of,
                now_minor=sum(part.now_minor for part in parts),
                usual_minor=sum(part.usual_minor for part in parts),
                currency=currency,
                evidence={
                    f"{part.category}_{key}": value
                    for part in parts
                    for key, value in (("now", part.now), ("usual", part.usual))
                },
                strength=1 - max(part.p_value for part in parts) / 2,
                pattern=name,
            )


def _is_there(shift: Shift | None, *, more: bool) -> bool:
    return shift is not None and shift.more == more and shift.p_value <= 2 * SURE  # p values are two-sided
