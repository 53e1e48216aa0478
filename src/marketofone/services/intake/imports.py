"""An import: what a file gives is taken in, and what became of its rows is told, with reasons for those that are bad.

Balances and accounts that are found beside the rows are taken in as well; they are no rows of the input, and are
counted apart. Where a file breaks off, what came before is in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from marketofone.domain.errors import MalformedDocument, MalformedEvent
from marketofone.services.intake.ingest import MAX_BATCH, BatchReport, IngestReport
from marketofone.services.runtime.population import together

_NUMBER = re.compile(r"\d+")
_NO_NUMBER = "…"
T = TypeVar("T")
IngestBatch = Callable[[Sequence[T]], BatchReport]


class Item(NamedTuple, Generic[T]):
    """What one place of a file gives; ``is_row`` says whether it is a row of the input."""

    line: int | None
    incoming: T
    is_row: bool = True


class Reason(Struct, frozen=True, kw_only=True):
    """Why some rows are bad: where, what stood there, what to write, how many, and the first line where it is known."""

    field: str
    shape: str
    fix: str
    rows: int
    line: int | None


class Imported(Struct, frozen=True, kw_only=True):
    """What became of a file: its rows, and whether it breaks off. Reasons are also those of what was found beside.

    ``refusals`` say why rows may not be used, each with how many.
    """

    report: IngestReport
    reasons: tuple[Reason, ...]
    refusals: dict[str, int]
    broken: MalformedDocument | None

    @property
    def is_whole(self) -> bool:
        """Whether all of it could be read and taken."""
        return not self.reasons and not self.report.dead_letters and self.broken is None


def take_in(items: Iterable[Item[T]], *, ingest_batch: IngestBatch[T]) -> Imported:
    """Take in what a file gives, in durable batches, by whatever takes what the file holds.

    Raises
    ------
    MalformedDocument
        When the file breaks off before anything could be read.
    """
    report, reasons, given = IngestReport(), Reasons(), UntilBroken(items)
    refusals = Counter[str]()
    for batch in together(given, size=MAX_BATCH):
        for is_row in (False, True):  # rows are judged by what is found beside them
            part = [item for item in batch if item.is_row is is_row]
            if part:
                told = ingest_batch([item.incoming for item in part])
                reasons.add_all(told, part)
                if is_row:
                    report += told
                    for why, rows in told.refusals:
                        refusals[why] += rows
    if given.broken is not None and not report.rows:
        raise given.broken
    return Imported(report=report, reasons=reasons.told(), refusals=dict(refusals), broken=given.broken)


class UntilBroken(Generic[T]):
    """Gives items up to where the file breaks off, and keeps why it does."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = items
        self.broken: MalformedDocument | None = None

    def __iter__(self) -> Iterator[T]:
        try:
            yield from self._items
        except MalformedDocument as error:
            self.broken = error


class Reasons:
    """Gathers why rows are bad; shapes that differ only in their numbers are one.

    Examples
    --------
    >>> reasons = Reasons()
    >>> for line, letters in ((7, 5), (9, 12)):
    ...     shape = f"text of {letters} characters"
    ...     reasons.add(MalformedEvent(field="booked", shape=shape, fix="write a date"), line=line)
    >>> [(reason.shape, reason.rows, reason.line) for reason in reasons.told()]
    [('text of … characters', 2, 7)]
    """

    def __init__(self) -> None:
        self._held: dict[tuple[str, str, str], Reason] = {}

    def add_all(self, report: BatchReport, items: Sequence[Item[T]]) -> None:
        """Count what was bad in a batch."""
        lines = {id(item.incoming): item.line for item in items} if report.faults else {}
        for incoming, error in report.faults:
            self.add(error, line=lines.get(id(incoming)))

    def add(self, error: MalformedEvent, *, line: int | None) -> None:
        """Count one bad row."""
        masked = _NUMBER.sub(_NO_NUMBER, error.shape)
        key = (error.field, masked, error.fix)
        held = self._held.get(key)
        if held is None:
            self._held[key] = Reason(field=error.field, shape=error.shape, fix=error.fix, rows=1, line=line)
            return
        first = min((one for one in (held.line, line) if one is not None), default=None)
        shape = held.shape if held.shape == error.shape else masked
        self._held[key] = Reason(field=held.field, shape=shape, fix=held.fix, rows=held.rows + 1, line=first)

    def told(self) -> tuple[Reason, ...]:
        """Give the reasons, that of most rows first."""
        return tuple(sorted(self._held.values(), key=lambda reason: -reason.rows))
