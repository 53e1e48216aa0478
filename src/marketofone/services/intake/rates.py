"""Reference tables of daily rates become part of the bank: entries of its own journal, each row at most once.

A row gives the rates of a day. What a table said already is a duplicate. A rate that differs from what the table said
of the same day and pair corrects it from here on; what rested on the earlier one is replayed with that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from marketofone.domain.errors import MalformedEvent, MalformedRequest
from marketofone.domain.moment import Instant
from marketofone.domain.rates import DailyRate, KnownRates, Pair
from marketofone.projection import codec
from marketofone.projection.records import RatesRecord
from marketofone.projection.reference_rates import packed
from marketofone.services.intake.ingest import BatchReport, ingest
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.services.runtime.population import together
from marketofone.store.ports import BANK, Expectation, Unit

RatesRow = tuple[DailyRate, ...] | MalformedEvent
_IN_AN_ENTRY = 10_000  # rates
_LONGEST_NAME = 64


class _New(NamedTuple):
    """Of some rows, what their table did not say yet, and how many rows say nothing new or correct something."""

    rates: list[DailyRate]
    duplicates: int
    corrections: int


class RatesImport:
    """Takes the rows of one table in; ``corrections`` counts those that said something else than the table before.

    Raises
    ------
    MalformedRequest
        When a table cannot be called so.
    """

    def __init__(self, context: AppContext, *, table: str, now: Instant) -> None:
        if not 0 < len(table) <= _LONGEST_NAME or not table.isprintable():
            shape, fix = f"text of {len(table)} characters", f"write at most {_LONGEST_NAME} that can be printed"
            raise MalformedRequest(field="table", shape=shape, fix=fix)
        self._context = context
        self._table = table
        self._now = now
        self.corrections = 0

    def take(self, rows: Sequence[RatesRow]) -> BatchReport:
        """Take a batch of rows in: each counts as an event, a duplicate or a dead letter. Durable when it returns."""
        bad = [row for row in rows if isinstance(row, MalformedEvent)]
        report = ingest(self._context, bad, now=self._now) if bad else BatchReport()
        good = [row for row in rows if not isinstance(row, MalformedEvent)]
        if good:
            told, corrections = _append(self._context, good, table=self._table, now=self._now)
            report, self.corrections = report + told, self.corrections + corrections
        return report


@repeated
def _append(
    context: AppContext, rows: Sequence[tuple[DailyRate, ...]], *, table: str, now: Instant
) -> tuple[BatchReport, int]:
    with context.store.read() as reader:
        head = reader.head(BANK)
        new = _new(rows, table=table, known=context.snapshot(reader).rates)
    drafts = [
        codec.draft(
            "rates", RatesRecord(context.actor, table, packed(some)), subject=BANK, box=context.keys.bank, at=now
        )
        for some in together(new.rates, size=_IN_AN_ENTRY)
    ]
    unit = Unit(now=now, expects={BANK: Expectation(head.guard, head.n)}, drafts=drafts)
    heads = context.store.commit(unit) if drafts else []
    events = len(rows) - new.duplicates
    report = BatchReport(rows=len(rows), events=events, duplicates=new.duplicates, entries=tuple(heads))
    return report, new.corrections


def _new(rows: Sequence[tuple[DailyRate, ...]], *, table: str, known: KnownRates) -> _New:
    fresh: dict[tuple[Pair, int], DailyRate] = {}
    duplicates = corrections = 0
    for row in rows:
        before = [_told(rate, table=table, known=known, fresh=fresh) for rate in row]
        duplicates += before == list(row)
        corrections += any(told not in (None, rate) for told, rate in zip(before, row, strict=True))
        fresh |= {_place(rate, table): rate for told, rate in zip(before, row, strict=True) if told != rate}
    return _New(list(fresh.values()), duplicates, corrections)


def _told(
    rate: DailyRate, *, table: str, known: KnownRates, fresh: dict[tuple[Pair, int], DailyRate]
) -> DailyRate | None:
    place = _place(rate, table)
    return fresh.get(place) or known.told(place[0], rate.day)


def _place(rate: DailyRate, table: str) -> tuple[Pair, int]:
    return Pair(table, rate.base, rate.quote), rate.day
