"""The live state of one person and one data source: registers, window rows, events kept whole, and the ledger.

One fold, two drivers: the live one folds each batch into the state as it was kept, the replay folds everything visible
at once (``fold(None, events, ...)``). The fold is commutative, so both end in the same bytes.

Many states are folded at once: what is done to numbers is done to those of all states side by side. ``state_form.py``
writes and reads their bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from marketofone.consent.gate import Admitted
from marketofone.domain.errors import SchemaChanged
from marketofone.domain.moment import Calendar, Day, Instant
from marketofone.domain.reading import Reading
from marketofone.features.abroad import MoneyAbroad, with_abroad
from marketofone.features.catalogue import Catalogue
from marketofone.features.declare import MAX_EXACT
from marketofone.features.layout import Bounds, Layout
from marketofone.features.windows import NO_ROWS, Rows, aged, reduced
from marketofone.profile.ledger import NO_LEDGER, Ledger, fold_ledger
from marketofone.profile.registers import Register, Registers, fold_registers
from marketofone.profile.same_accounts import NO_ALIASES, Aliases

HERE, ELSEWHERE = "transactions", "open_banking"
"""The sources of accounts here and at other banks."""
MONEY = frozenset({HERE, ELSEWHERE})
"""Both, whose movements are looked at together."""
AdmittedEvent = tuple[Admitted, Reading | None]
KEPT = struct.Struct("<HIiq16sq")
_TOGETHER = 128  # states folded at once: their rows stay in the processor's cache

Single = tuple[int, int, int, int, bytes, int]


class LiveState(Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """What is remembered of one person from one source.

    ``schema`` names the declarations and the timezone it was folded under. ``latest`` is the newest instant folded,
    ``newest_day`` and ``first_day`` the newest and the first day. ``rows`` are explained in ``windows.py``. ``kept``
    holds single events as records of ``KEPT`` (register, thing, day, instant, key, value), sorted by register and
    thing. ``beside`` is the same without accounts that the source of accounts here tells, too (``side_by_side``), and
    ``alone`` where movements are what they are by this source only. Both are worked out when somebody looks, and None
    where nothing differs. ``aliases`` are the names of accounts that have several in this source: what is told
    under them is folded as it counts.
    """

    schema: str
    source: str
    latest: Instant
    newest_day: Day
    first_day: Day
    bounds: Bounds
    rows: Rows
    kept: bytes
    registers: Registers
    ledger: Ledger
    beside: LiveState | None = None
    aliases: Aliases = NO_ALIASES
    alone: LiveState | None = None


class _Batch(NamedTuple):
    """One state and the events to be folded into it, with their days; the newest of all, and the first day."""

    before: LiveState
    events: Sequence[AdmittedEvent]
    days: Sequence[Day]
    latest: Instant
    newest: Day


def fold(
    state: LiveState | None,
    events: Sequence[AdmittedEvent],
    *,
    catalogue: Catalogue,
    calendar: Calendar,
    currency: str | None = None,
) -> LiveState:
    """Fold admitted events of one source into a state, as :func:`fold_all` does."""
    return fold_all([(state, events)], catalogue=catalogue, calendar=calendar, currency=currency)[0]


def fold_all(
    batches: Sequence[tuple[LiveState | None, Sequence[AdmittedEvent]]],
    *,
    catalogue: Catalogue,
    calendar: Calendar,
    currency: str | None = None,
) -> list[LiveState]:
    """Fold admitted events, none of them folded before, into the state of their person and source.

    Parameters
    ----------
    batches
        For each state (None when there was none) at least one event, in any order, each with what its text was read as.
    currency
        The bank's: amounts in others are not added to its own. None where all are in one.

    Raises
    ------
    SchemaChanged
        When a state was folded under other declarations, or in another timezone.
    ValueError
        When there is no event, or they are of several sources.
    """
    together = [_batch(state, events, catalogue=catalogue, calendar=calendar) for state, events in batches]
    folded: list[LiveState] = []
    for start in range(0, len(together), _TOGETHER):
        folded += _folded(together[start : start + _TOGETHER], layout=catalogue.layout, currency=currency)
    return folded


def _batch(
    state: LiveState | None, events: Sequence[AdmittedEvent], *, catalogue: Catalogue, calendar: Calendar
) -> _Batch:
    sources = {admitted.event.source for admitted, _ in events} | ({state.source} if state is not None else set())
    if not events or len(sources) > 1:
        raise ValueError("fold takes events of one source, at least one")
    days = [admitted.event.day(calendar) for admitted, _ in events]
    latest = max([admitted.event.at for admitted, _ in events])
    schema = schema_of(catalogue, calendar)
    before = state or _nothing_yet(sources.pop(), at=latest, day=days[0], bounds=catalogue.layout.bounds, schema=schema)
    if before.schema != schema:
        raise SchemaChanged
    return _Batch(before, events, days, max(latest, before.latest), max(*days, before.newest_day))


def _folded(batches: Sequence[_Batch], *, layout: Layout, currency: str | None) -> list[LiveState]:
    keys: list[int] = []
    amounts: list[int] = []
    found = [
        _collect(batch, owner << layout.key_bits, layout=layout, currency=currency, keys=keys, amounts=amounts)
        for owner, batch in enumerate(batches)
    ]
    more = np.array((keys, amounts, [1] * len(keys)), dtype=np.int64)
    parts = _split(_joined(batches, more, layout=layout), len(batches), key_bits=layout.key_bits)
    heard = ([admitted for admitted, _ in batch.events] for batch in batches)
    return [
        LiveState(
            schema=before.schema,
            source=before.source,
            latest=latest,
            newest_day=newest,
            first_day=min(*days, before.first_day),
            bounds=before.bounds,
            rows=rows,
            kept=_keep(before.kept, single, firsts=layout.firsts) if single else before.kept,
            registers=with_abroad(fold_registers(before.registers, events), abroad),
            ledger=fold_ledger(before.ledger, events, days=days),
        )
        for (before, _, days, latest, newest), events, (single, abroad), rows in zip(
            batches, heard, found, parts, strict=True
        )
    ]


def emptied(state: LiveState) -> LiveState:
    """Give the state of a source that tells nothing more."""
    return replace(state, rows=NO_ROWS, kept=b"", registers={}, ledger=NO_LEDGER)


def side_by_side(states: Mapping[str, LiveState], *, sources: Container[str]) -> dict[str, LiveState]:
    """Give the states of some sources as they count beside each other: an account that two of them tell counts once."""
    chosen = {source: state for source, state in states.items() if source in sources}
    if HERE not in chosen:
        return chosen
    return {source: state if state.beside is None else state.beside for source, state in chosen.items()}


def schema_of(catalogue: Catalogue, calendar: Calendar) -> str:
    """Name what the numbers of a state mean: the declarations behind its slots, and the timezone behind its days."""
    return _schema(catalogue.digest, calendar.timezone)


@lru_cache(maxsize=16)
def _schema(declarations: str, timezone: str) -> str:
    return blake2b(f"{declarations}\0{timezone}".encode(), digest_size=16).hexdigest()


def _nothing_yet(source: str, *, at: Instant, day: Day, bounds: Mapping[str, Bounds], schema: str) -> LiveState:
    return LiveState(
        schema=schema,
        source=source,
        latest=at,
        newest_day=day,
        first_day=day,
        bounds=bounds[source],
        rows=NO_ROWS,
        kept=b"",
        registers={},
        ledger=NO_LEDGER,
    )


def _collect(
    batch: _Batch, base: int, *, layout: Layout, currency: str | None, keys: list[int], amounts: list[int]
) -> tuple[list[Single], list[MoneyAbroad]]:
    """Add the rows of a batch, as old as they are beside the newest of all; give single events, and money abroad."""
    single: list[Single] = []
    abroad: list[MoneyAbroad] = []
    for (admitted, reading), on in zip(batch.events, batch.days, strict=True):
        event = admitted.event
        matcher = layout.matchers.get(event.kind)
        if matcher is None:
            continue
        data = event.data
        instants, days = batch.latest - event.at, batch.newest - on
        foreign = currency is not None and getattr(data, "currency", currency) != currency
        for money, value_of, thing_of, rows, registers, elsewhere in matcher(data, reading):
            value = value_of(data)
            if value is None:
                continue
            if money and foreign:
                abroad.append((elsewhere, Register(event.at, event.key, on)))
                continue
            thing = thing_of(data)
            for key, horizon, exact, mark in rows:
                age = instants if exact else days
                if age < horizon:
                    keys.append(base + key + age)
                    amounts.append(thing if mark else value)
            if registers:
                single.extend((slot, thing, on, event.at, event.key, value) for slot in registers)
    return single, abroad


def _joined(batches: Sequence[_Batch], more: Rows, *, layout: Layout) -> Rows:
    """Age the rows of all states and put the new ones in; keys carry the numbers of their states above the slots."""
    before = [batch.before for batch in batches]
    sizes = [state.rows.shape[1] for state in before]
    numbers = np.arange(len(before)) << layout.key_bits
    bounds = np.array([state.bounds for state in before], dtype=np.int64).T
    days = np.array([batch.newest - batch.before.newest_day for batch in batches])
    instants = np.array([min(batch.latest - batch.before.latest, MAX_EXACT) for batch in batches])
    rows = np.concatenate([state.rows for state in before], axis=1)
    rows[0], keep = aged(
        rows[0],
        days=days.repeat(sizes),
        microseconds=instants.repeat(sizes),
        bounds=bounds.repeat(sizes, axis=1),
        horizon=layout.horizon,
    )
    rows[0] += numbers.repeat(sizes)
    rows = np.concatenate((rows if keep.all() else rows[:, keep], more), axis=1)
    return reduced(rows, marks=rows[0] >= (bounds[1] + numbers)[rows[0] >> layout.key_bits])


def _split(rows: Rows, states: int, *, key_bits: int) -> list[Rows]:
    ends = rows[0].searchsorted(np.arange(1, states + 1) << key_bits).tolist()
    rows[0] &= (1 << key_bits) - 1
    # Copies, so that a state that is kept does not keep the numbers of all others alive.
    return [rows[:, start:end].copy() for start, end in zip([0, *ends], ends, strict=False)]


def _keep(kept: bytes, single: list[Single], *, firsts: frozenset[int]) -> bytes:
    held: dict[tuple[int, int], Single] = {(one[0], one[1]): one for one in KEPT.iter_unpack(kept)}
    for one in single:
        slot, thing = one[:2]
        rival = held.get((slot, thing))
        # The day counts first: what corrects an old movement is told today, and is as old as that movement.
        if rival is None or (one[2:5] > rival[2:5]) != (slot in firsts):
            held[slot, thing] = one
    return b"".join([KEPT.pack(*held[place]) for place in sorted(held)])
