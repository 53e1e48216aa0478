"""Extra pay that is a general custom: the half of a June salary that a person new to the bank has not shown yet."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from statistics import median_low

from msgspec.structs import replace

from marketofone.models.forecast.streams import STEADY, Stream, with_half_yearly

COMMON = 0.6
_ENOUGH = 20

Way = tuple[str | None, str | None]
"""How an income reads: operation and category."""


def extra_pay(streams: Iterable[Stream]) -> dict[Way, dict[int, float]]:
    """Learn from many people's streams in which calendar months most incomes of one kind pay more, and how much.

    A month counts when at least ``COMMON`` of the incomes known in it paid more, and at least 20 did; half a year after
    such a month counts too as long as hardly anybody's income is known there.

    Shapes
    ------
    result : operation and category to calendar month to factor of the usual amount.
    """
    paid: defaultdict[Way, defaultdict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    usual: Counter[tuple[Way, int]] = Counter()
    for stream in filter(is_income, streams):
        way = (stream.operation, stream.category)
        usual.update((way, month) for month in stream.usual_months)
        for month in stream.seen_bonus:
            paid[way][month].append(stream.bonus[month] / stream.amount_minor)
    custom: dict[Way, dict[int, float]] = {}
    for way, months in paid.items():
        common = {
            month: median_low(factors)
            for month, factors in months.items()
            if len(factors) >= max(_ENOUGH, COMMON * (len(factors) + usual[way, month]))
        }
        known = {month for month in range(1, 13) if usual[way, month] >= _ENOUGH}
        custom[way] = with_half_yearly(common, usual_months=known)
    return custom


def expecting(streams: Iterable[Stream], *, extra: Mapping[Way, Mapping[int, float]]) -> tuple[Stream, ...]:
    """Let incomes expect extra pay in the months in which it is the custom and theirs is not known."""
    return tuple(_expecting(stream, extra=extra) if is_income(stream) else stream for stream in streams)


def is_income(stream: Stream) -> bool:
    """Say whether a stream is pay of a steady amount every month."""
    return stream.amount_minor > 0 and stream.rhythm == "monthly" and stream.spread <= STEADY


def _expecting(stream: Stream, *, extra: Mapping[Way, Mapping[int, float]]) -> Stream:
    custom = extra.get((stream.operation, stream.category), {})
    more = {month: factor for month, factor in custom.items() if month not in stream.usual_months}
    bonus = {month: round(stream.amount_minor * factor) for month, factor in more.items()}
    return replace(stream, bonus=bonus | stream.bonus)
