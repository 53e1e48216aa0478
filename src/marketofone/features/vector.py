"""The vector: every feature of one person at one moment, as far as a permit allows.

1. Only states of sources that some permit opens are looked at. Their rows lie side by side, still sorted.
2. The windows of the catalogue are shifted from ages at the moment asked about to ages in each state, and all of them
   are read at once (``windows.read``).
3. Features are filled in by what they are made of: one number, a mean, a ratio, events kept whole, the rhythm of days.
4. For each permit, what any refused source has a part in is hidden: NaN, and marked.

The vector is exact at any moment that is not before the newest event of the states. Before that the caller replays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.consent.gate import Permit
from marketofone.domain.errors import SchemaChanged, StateAhead
from marketofone.domain.event import SOURCES
from marketofone.domain.moment import Calendar, Day, Instant
from marketofone.features.abroad import day_abroad
from marketofone.features.catalogue import Catalogue
from marketofone.features.layout import thing_hash
from marketofone.features.reads import Abroad, Ratios, Reads, Regular, Single, bits_of
from marketofone.features.regular import REACH, Payday, regular_total, regular_trend
from marketofone.features.state import KEPT, MONEY, LiveState, schema_of, side_by_side
from marketofone.features.windows import NO_ROWS, Rows, read
from marketofone.profile.account_types import LIQUID, account_shares, account_types
from marketofone.profile.view import Profile, view

Values = NDArray[np.float64]
Truths = NDArray[np.bool_]


class Seen(Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """What one purpose may know of one person at one moment.

    Shapes
    ------
    values float64[n], known bool[n], hidden bool[n], in the order of the catalogue's features.

    ``values`` is NaN where a feature is not known, or hidden because a source in its lineage is refused. What is hidden
    is never known.
    """

    values: Values
    known: Truths
    hidden: Truths
    catalogue: Catalogue
    sources: frozenset[str]
    states: Mapping[str, LiveState]

    def get(self, name: str) -> float | None:
        """Give one value, None when it is unknown or hidden."""
        value = self.values.item(self.catalogue.index[name])
        return value if value == value else None  # noqa: PLR0124 - only NaN differs from itself

    @cached_property
    def visible(self) -> Values:
        """The values with those left out that are hidden, whatever stands there."""
        return np.where(self.hidden, np.nan, self.values)

    @cached_property
    def profile(self) -> Profile:
        """The profile as far as the permitted sources tell."""
        return view({source: state.registers for source, state in self.states.items()}, sources=self.sources)


def see(
    states: Mapping[str, LiveState], *, permit: Permit, catalogue: Catalogue, calendar: Calendar, now: Instant
) -> Seen:
    """See one person for one purpose. Raises as :func:`see_all` does."""
    return see_all(states, permits=(permit,), catalogue=catalogue, calendar=calendar, now=now)[permit.purpose]


def see_all(
    states: Mapping[str, LiveState],
    *,
    permits: Sequence[Permit],
    catalogue: Catalogue,
    calendar: Calendar,
    now: Instant,
) -> dict[str, Seen]:
    """See one person for several purposes, reading the windows once.

    Raises
    ------
    StateAhead
        When a permitted state holds anything later than ``now``.
    SchemaChanged
        When a permitted state was folded under other declarations, or in another timezone.
    """
    opened = frozenset[str]().union(*(permit.sources for permit in permits))
    used = [states[source] for source in sorted(states) if source in opened]
    if any(state.schema != schema_of(catalogue, calendar) for state in used):
        raise SchemaChanged
    if any(state.latest > now for state in used):
        raise StateAhead
    found = {state.source: state for state in used}
    distinct = dict.fromkeys(permit.sources for permit in permits)
    alone = {source: state.alone or state for source, state in found.items()}
    told = [(alone, _values(list(alone.values()), catalogue=catalogue, calendar=calendar, now=now))]
    if any(state.beside is not None or state.alone is not None for state in used):  # for whom both are open
        beside = side_by_side(found, sources=opened)  # an account that both tell counts once
        told.append((beside, _values(list(beside.values()), catalogue=catalogue, calendar=calendar, now=now)))
    masked = {}
    for sources in distinct:
        chosen, values = told[-1 if sources >= MONEY else 0]
        masked[sources] = _masked(values, list(chosen.values()), sources=sources, catalogue=catalogue)
    return {permit.purpose: masked[permit.sources] for permit in permits}


def unchanged_until(states: Iterable[LiveState], *, catalogue: Catalogue, calendar: Calendar, now: Instant) -> Instant:
    """Give the first moment after ``now`` at which a value may be another one although nothing came.

    That is the next midnight, or before it the moment at which something leaves a window of seconds, or ends.
    """
    until = calendar.start_of(Day(calendar.day_of(now) + 1))
    return min([until, *(end for state in states for end in _ends(state, catalogue.reads, now=now))])


def _ends(state: LiveState, reads: Reads, *, now: Instant) -> Iterator[Instant]:
    exact = reads.clock == 2 * SOURCES.index(state.source) + 1
    begins, keys = reads.base[exact], state.rows[0]
    edges = begins + np.maximum(reads.ages[1, exact] - (now - state.latest), 0)
    last = keys.searchsorted(edges)
    held = last > keys.searchsorted(begins)
    yield from (Instant(now + left) for left in (edges[held] - keys[last[held] - 1]).tolist())
    for register, *_, amount in KEPT.iter_unpack(state.kept):
        if amount > now and any(single.how == "active" for single in reads.singles[register]):
            yield Instant(amount)
    for of in reads.abroad[state.source]:
        held_abroad = state.registers.get(of.register)
        if of.exact and held_abroad is not None and held_abroad.at + of.window > now:
            yield Instant(held_abroad.at + of.window)


def _masked(values: Values, states: Sequence[LiveState], *, sources: frozenset[str], catalogue: Catalogue) -> Seen:
    hidden = (catalogue.reads.lineage & ~bits_of(sources)) != 0
    allowed = np.where(hidden, np.nan, values)
    return Seen(
        values=allowed,
        known=~np.isnan(allowed),
        hidden=hidden,
        catalogue=catalogue,
        sources=sources,
        states={state.source: state for state in states if state.source in sources},
    )


def _values(used: Sequence[LiveState], *, catalogue: Catalogue, calendar: Calendar, now: Instant) -> Values:
    reads = catalogue.reads
    today = calendar.day_of(now)
    clocks, heard = [0] * (2 * len(SOURCES)), [0] * len(SOURCES)
    for state in used:
        place = SOURCES.index(state.source)
        clocks[2 * place], clocks[2 * place + 1] = today - state.newest_day, now - state.latest
        heard[place] = today + 1 - state.first_day
    rows = np.concatenate([state.rows for state in used], axis=1) if used else NO_ROWS
    ages = reads.ages - np.array(clocks, dtype=np.int64)[reads.clock]
    spans = read(rows, edges=np.maximum(ages, 0) + reads.base).ravel()
    values = np.full(len(catalogue.features), np.nan)
    values[reads.cells.feature] = spans[reads.cells.cell]
    values[reads.ratios.feature] = _ratios(spans, reads.ratios, heard=np.array(heard, dtype=np.int64))
    for feature, value in _singles(used, reads.singles, today=today, now=now).items():
        values[feature] = value
    for regular in reads.regulars:
        late, known = clocks[2 * regular.source], heard[regular.source]
        paydays = _paydays(rows, base=regular.base, late=late, today=today)
        values[regular.feature] = _regular(regular, paydays, today=today, days_known=known)
    for state in used:
        _without_abroad(values, state, reads.abroad[state.source], spans, today=today, now=now)
    values[(reads.lineage & ~bits_of([state.source for state in used])) != 0] = np.nan
    return values


def _ratios(spans: NDArray[np.int64], of: Ratios, *, heard: NDArray[np.int64]) -> Values:
    days = heard[of.source] - of.skip
    whole = spans[of.whole]
    usual = np.where((whole > 0) & (days >= of.need), whole, np.nan) * of.length
    part = spans[of.part].astype(np.float64)  # the product of a large sum and days does not fit in 64 bits
    ratios: Values = part * np.minimum(of.cap, days) / usual - of.offset
    return ratios


def _without_abroad(
    values: Values, state: LiveState, of: Sequence[Abroad], spans: NDArray[np.int64], *, today: int, now: Instant
) -> None:
    """Leave unknown what would be nothing in the bank's currency while such money came in another one."""
    for feature, how, register, rows, window, exact in of:
        held = state.registers.get(register)
        if held is None:
            continue
        days = today - day_abroad(held)
        if how == "since":
            values[feature] = np.fmin(values[feature], days)
            continue
        nothing = spans[rows] == 0 if rows else values[feature] <= (-1 if how == "regular_trend" else 0)
        if nothing and (now - held.at if exact else days) < window:
            values[feature] = np.nan


def _paydays(rows: Rows, *, base: int, late: int, today: int) -> tuple[Payday, ...]:
    """Give the days of a series within reach, ascending, each with its sum; ages count from ``late`` days ago."""
    keys = rows[0]
    newest, oldest = keys.searchsorted([base + max(-late, 0), base + max(REACH - late, 0)]).tolist()
    days = (today - late + base - keys[newest:oldest][::-1]).tolist()
    return tuple(zip(days, rows[1, newest:oldest][::-1].tolist(), strict=True))


def _regular(regular: Regular, paydays: tuple[Payday, ...], *, today: int, days_known: int) -> float:
    if regular.how == "regular_total":
        return regular_total(paydays, today=today)
    trend = regular_trend(paydays, today=today, days_known=days_known)
    return np.nan if trend is None else trend


def _singles(
    used: Sequence[LiveState], singles: Mapping[int, Sequence[Single]], *, today: int, now: Instant
) -> dict[int, int]:
    values = {single.feature: 0 for of in singles.values() for single in of if single.how == "active"}
    owed, shares = _owed(used), _shares(used)
    for register, thing, day, _, _, amount in KEPT.iter_unpack(b"".join([state.kept for state in used])):
        for feature, how, window, spendable in singles[register]:
            if how == "last":
                if day > today - window and not (spendable and thing in owed):
                    part = round(amount * shares[thing]) if spendable and thing in shares else amount
                    values[feature] = values.get(feature, 0) + part
            elif how == "active":
                values[feature] |= amount > now
            else:
                values[feature] = min(values.get(feature, today - day), today - day)
    return values


def _shares(used: Sequence[LiveState]) -> dict[int, float]:
    """Give how much of an account is the person's, by the things of a series per account."""
    return {thing_hash(name): share for state in used for name, share in account_shares(state.registers).items()}


def _owed(used: Sequence[LiveState]) -> set[int]:
    """Give the accounts on which what stands is owed or put away, as things of a series per account."""
    types = {name: of for state in used for name, of in account_types(state.registers).items()}
    return {thing_hash(name) for name, of in types.items() if of not in LIQUID}
