"""What engineers see of the data: what arrived, how fresh it is, what was kept aside, and what nothing told.

It is made of counts, of the reasons of dead letters, and of when journals were written last. No journal is opened, so
it is no use of anything about a person.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from msgspec import Struct

from marketofone.domain.moment import DAY, Day, Instant, date_of, day_number
from marketofone.projection.counts import TOLD, UNCATEGORISED, UNKNOWN
from marketofone.projection.journals import HOLDS_EVENTS
from marketofone.services.intake.letters import LetterReason, reasons
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.ports import Reader

WEEKS = 26
MOST_MONTHS, MOST_YEARS = 36, 40
SAMPLE = 1_000
"""Journals that are asked when they were written last. Their numbers are random, so the first are a fair sample."""
SILENCES = (7, 30, 90, 365)
_MONDAY = 3  # days from a Monday to the first of January 1970
_MONTHS = 12

Counts = Mapping[str, int]


class Arrived(Struct, frozen=True):
    """Events of a source in a week, by how the gate judged them."""

    admitted: int = 0
    refused: int = 0
    gap: int = 0

    @property
    def all(self) -> int:
        """All of them."""
        return self.admitted + self.refused + self.gap


class Freshness(Struct, frozen=True, kw_only=True):
    """How fresh a source is: days of its last arrival and of the newest event, None where nothing ever arrived."""

    source: str
    total: Arrived
    last: str | None
    newest: str | None
    silent_days: int | None


class Silence(Struct, frozen=True, kw_only=True):
    """Of how many customers nothing arrived for so many days. ``whole`` says that all were asked, not a sample."""

    customers: int
    whole: bool
    never: int
    since: tuple[tuple[int, int], ...]


class Movements(Struct, frozen=True, kw_only=True):
    """Movements that are about a period: how many, and of how many the category or everything is not told."""

    period: str
    movements: int
    uncategorised: int
    unknown: int

    @property
    def share(self) -> float | None:
        """The share without a category."""
        return (self.uncategorised + self.unknown) / self.movements if self.movements else None


class DataOverview(Struct, frozen=True, kw_only=True):
    """Everything that the page of the data shows.

    ``weeks`` begin on Mondays (UTC); ``periods`` are months, or years where there are many. ``arrived`` and ``about``
    hold the numbers of a source in that order; ``earlier`` counts events about times before the first period. ``found``
    counts what movements turned out to be later.
    """

    weeks: tuple[str, ...]
    arrived: dict[str, tuple[Arrived, ...]]
    periods: tuple[str, ...]
    about: dict[str, tuple[int, ...]]
    earlier: int
    freshness: tuple[Freshness, ...]
    silence: Silence
    letters: tuple[LetterReason, ...]
    movements: tuple[Movements, ...]
    untold: tuple[tuple[str, int], ...]
    words: tuple[tuple[str, int], ...]
    found: int


def overview(context: AppContext, *, now: Instant) -> DataOverview:
    """Look over the data of a bank."""
    with context.store.read() as reader:
        counts = reader.tallies()
        silence = _silence(reader, now=now)
        known = list(context.snapshot(reader).config.policy.sources)
    arrived = _by_day(counts)
    periods = _periods({name[-1] for name in _named(counts, "about")})
    about = {of: n for of, n in _summed(counts, "about", periods).items() if n}
    today = Day(now // DAY)
    weeks = _weeks(max([today, *(day for days in arrived.values() for day in days)]))
    sources = [*known, *sorted(arrived.keys() - set(known))]
    return DataOverview(
        weeks=tuple(str(date_of(week)) for week in weeks),
        arrived={source: _in_weeks(arrived[source], weeks) for source in sources if source in arrived},
        periods=periods,
        about={
            source: tuple(about.get((source, period), 0) for period in periods)
            for source in sources
            if source in arrived
        },
        earlier=sum(n for (_, period), n in about.items() if period not in set(periods)),
        freshness=tuple(_fresh(source, arrived.get(source, {}), counts, today=today) for source in sources),
        silence=silence,
        letters=tuple(reasons(context)),
        movements=tuple(_movements(counts, periods)),
        untold=_most(counts, "untold "),
        words=_most(counts, "category "),
        found=sum(n for name, n in counts.items() if name.startswith("found ")),
    )


def counts(context: AppContext) -> dict[str, int]:
    """Count what is kept."""
    with context.store.read() as reader:
        counted = reader.tallies(of="events.") | reader.tallies(of="letters")
    return {"customers": len(context.keys.subjects())} | counted


def _named(counts: Counts, first: str) -> dict[tuple[str, ...], int]:
    """Give the counts whose names begin with a word, by the words after it."""
    return {tuple(words[1:]): n for name, n in counts.items() if n and (words := name.split(" "))[0] == first}


def _by_day(counts: Counts) -> dict[str, dict[Day, Arrived]]:
    verdicts: dict[str, dict[Day, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for (source, verdict, on), n in _named(counts, "arrived").items():
        verdicts[source][day_number(date.fromisoformat(on))][verdict] += n
    return {source: {day: Arrived(**of) for day, of in days.items()} for source, days in verdicts.items()}


def _together(some: Iterable[Arrived]) -> Arrived:
    several = list(some)
    return Arrived(*(sum(getattr(one, name) for one in several) for name in Arrived.__struct_fields__))


def _weeks(last: Day) -> list[Day]:
    """Give the Mondays of the last weeks, the first first."""
    monday = last - (last + _MONDAY) % 7
    return [Day(monday - 7 * ago) for ago in range(WEEKS - 1, -1, -1)]


def _in_weeks(days: Mapping[Day, Arrived], weeks: Sequence[Day]) -> tuple[Arrived, ...]:
    return tuple(_together(of for day, of in days.items() if week <= day < week + 7) for week in weeks)


def _periods(months: set[str]) -> tuple[str, ...]:
    """Give all months between the first and the last, or years where these are many.

    Examples
    --------
    >>> _periods({"2025-11", "2026-01"}), _periods({"2020-01", "2024-01"})
    (('2025-11', '2025-12', '2026-01'), ('2020', '2021', '2022', '2023', '2024'))
    """
    if not months:
        return ()
    first, last = ((int(month[:4]) * _MONTHS + int(month[5:]) - 1) for month in (min(months), max(months)))
    if last - first < MOST_MONTHS:
        return tuple(f"{of // _MONTHS:04d}-{of % _MONTHS + 1:02d}" for of in range(first, last + 1))
    years = range(max(first // _MONTHS, last // _MONTHS - MOST_YEARS + 1), last // _MONTHS + 1)
    return tuple(f"{year:04d}" for year in years)


def _summed(counts: Counts, first: str, periods: Sequence[str]) -> dict[tuple[str, ...], int]:
    """Add counts of months up to those of periods; the month is the last word of their names."""
    length = len(periods[0]) if periods else 0
    summed: Counter[tuple[str, ...]] = Counter()
    for (*words, month), n in _named(counts, first).items():
        summed[*words, month[:length]] += n
    return dict(summed)


def _fresh(source: str, days: Mapping[Day, Arrived], counts: Counts, *, today: Day) -> Freshness:
    newest = max((name[-1] for name in _named(counts, "newest") if name[0] == source), default=None)
    last = max(days, default=None)
    return Freshness(
        source=source,
        total=_together(days.values()),
        last=None if last is None else str(date_of(last)),
        newest=newest,
        silent_days=None if last is None else max(today - last, 0),
    )


def _silence(reader: Reader, *, now: Instant) -> Silence:
    asked = reader.subjects(limit=SAMPLE + 1)
    whole, asked = len(asked) <= SAMPLE, asked[:SAMPLE]
    last = reader.last(asked, kinds=HOLDS_EVENTS)
    since = [(days, sum(now - at >= days * DAY for at in last.values())) for days in SILENCES]
    return Silence(customers=len(asked), whole=whole, never=len(asked) - len(last), since=tuple(since))


def _movements(counts: Counts, periods: Sequence[str]) -> list[Movements]:
    by: Counter[tuple[str, str]] = Counter()
    for (_, how, period), n in _summed(counts, "movements", periods).items():
        by[how, period] += n
    return [
        Movements(
            period=period,
            movements=by[TOLD, period] + by[UNCATEGORISED, period] + by[UNKNOWN, period],
            uncategorised=by[UNCATEGORISED, period],
            unknown=by[UNKNOWN, period],
        )
        for period in periods
    ]


def _most(counts: Counts, begin: str) -> tuple[tuple[str, int], ...]:
    found = [(name.removeprefix(begin), n) for name, n in counts.items() if n and name.startswith(begin)]
    return tuple(sorted(found, key=lambda one: (-one[1], one[0])))
