"""Payments that come back: found in the past, projected into the future.

Movements of one account belong together when direction, operation, category and the normal form of the counterparty
agree; where no counterparty is named, or its payments keep no rhythm, amounts within 2 % do. A group is a stream when
its gaps keep a rhythm with a hit rate of at least 60 % and its amounts stay near each other.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import count, pairwise, takewhile
from typing import Literal, NamedTuple

from msgspec import Struct

from marketofone.domain.fields import Nature
from marketofone.domain.moment import Day, date_of
from marketofone.models.forecast.due_days import DueDay, Moved, days_apart, due_day, month_and_day, working_day
from marketofone.models.forecast.groups import Group, groups
from marketofone.models.forecast.history import heard_until
from marketofone.profile.ledger import Account
from marketofone.profile.orders import Order

BUCKET = 1.02
HIT_RATE = 0.6
BONUS = 1.2
SPREAD = 0.35
STEADY = 0.1
_EXTRA = 3.0
_SURE = 0.9
_RECENT = 6
_LATE_DAYS = 5
_TWICE = 2
_YEAR_MONTHS = 12
_YEAR_DAYS = 365.24
_HALF_YEAR = 6

Rhythm = Literal["weekly", "biweekly", "four_weekly", "monthly", "two_monthly", "quarterly", "half_yearly", "yearly"]
Status = Literal["early", "mature", "ended"]


class _Beat(NamedTuple):
    shortest: int
    longest: int
    days: float
    months: int


_BEATS: dict[Rhythm, _Beat] = {
    "weekly": _Beat(6, 8, 7.0, 0),
    "biweekly": _Beat(12, 16, 14.0, 0),
    "four_weekly": _Beat(27, 29, 28.0, 0),
    "monthly": _Beat(25, 36, 30.44, 1),
    "two_monthly": _Beat(55, 67, 60.88, 2),
    "quarterly": _Beat(83, 99, 91.31, 3),
    "half_yearly": _Beat(174, 192, 182.62, 6),
    "yearly": _Beat(355, 375, 365.24, 12),
}
_RHYTHMS = {gap: name for name, beat in _BEATS.items() for gap in range(beat.shortest, beat.longest + 1)}


class Change(Struct, frozen=True):
    """A stream's amount was ``before_minor`` for at least two payments, and is another one since a day."""

    before_minor: int
    since_day: int


class Stream(Struct, frozen=True, kw_only=True):
    """A payment that comes back; ``nature`` is what the last one was.

    ``amount_minor`` is the usual amount, ``bonus`` the amount in calendar months where more is expected (month to
    amount); it was paid in the months ``seen_bonus``, and the usual amount in the ``usual_months``.
    ``spread`` is by what share one amount usually differs from the one before it. ``anchor`` is the day of the month
    (31: its last day), or the day of the week (0 is Monday) of weekly rhythms; ``moved`` says what a weekend does to
    it. ``early`` streams were seen twice, ``ended`` ones missed their last date by more than half a period.
    """

    account: str
    operation: str | None
    category: str | None
    counterparty: str | None
    amount_minor: int
    bonus: dict[int, int]
    seen_bonus: frozenset[int]
    usual_months: frozenset[int]
    change: Change | None
    spread: float
    rhythm: Rhythm
    anchor: int
    moved: Moved
    hit_rate: float
    hits: int
    first_day: int
    last_day: int
    status: Status
    nature: Nature | None = None

    @property
    def what(self) -> str:
        """What it is called: by what is bought, else by its nature, else by the way it is paid."""
        nature = None if self.nature == "spending" else self.nature
        return (self.category or nature or self.operation or "payment").replace("_", " ")

    @property
    def yearly_minor(self) -> int:
        """What it adds up to in a year, without what more is paid in some months."""
        beat = _BEATS[self.rhythm]
        return round(self.amount_minor * (_YEAR_MONTHS / beat.months if beat.months else _YEAR_DAYS / beat.days))

    @property
    def period_days(self) -> float:
        """The days from one payment to the next."""
        return _BEATS[self.rhythm].days

    def dates(self, *, after: int, upto: int) -> Iterator[int]:
        """Give the days on which the stream is expected next; one that is a few days late is expected tomorrow."""
        late: Moved = "not" if self.moved == "not" else "after"
        for day in takewhile(lambda day: day <= upto, self._beats()):
            if day > after - _LATE_DAYS:
                yield day if day > after else working_day(after + 1, moved=late)

    def _beats(self) -> Iterator[int]:
        beat = _BEATS[self.rhythm]
        if not beat.months:
            return count(self.last_day + int(beat.days), int(beat.days))
        due = DueDay(self.anchor, self.moved)
        return (due.in_month(later) for later in count(due.month_of(self.last_day) + beat.months, beat.months))


class Payment(Struct, frozen=True, kw_only=True):
    """A payment expected on a day, because it came regularly, or because an order says so.

    Where ``amount_minor`` is a person's part of it, ``whole_minor`` is all of it.
    """

    day: int
    amount_minor: int
    stream: Stream | Order
    whole_minor: int | None = None

    @property
    def told_minor(self) -> int:
        """What people are told of it: all of it."""
        return self.amount_minor if self.whole_minor is None else self.whole_minor


def find_streams(account: Account, *, as_of: int) -> tuple[Stream, ...]:
    """Find the payments that come back, as far as known at the end of the day ``as_of``.

    Where an account is not heard of any more, none of them has ended: what was due since may have been paid.

    Source
    ------
    Keys, rhythms and hit rate as measured on the standing-order table of a Czech bank.

    Examples
    --------
    >>> import numpy as np
    >>> from marketofone.profile.ledger import Kind
    >>> at = np.array([4, 35, 63, 94])
    >>> rent = Account("a", "EUR", (Kind("transfer", "rent", "Landlord"),), at, at * 0 - 900_00, at * 0, at)
    >>> [(stream.rhythm, stream.anchor, stream.amount_minor) for stream in find_streams(rent, as_of=100)]
    [('monthly', 5, -90000)]
    """
    past, heard = account.until(as_of), heard_until(account, as_of=as_of)
    return tuple(stream for group in groups(past) for stream in _streams(group, account.name, heard))


def project(streams: Iterable[Stream], *, from_day: int, horizon: int) -> tuple[Payment, ...]:
    """Give the payments expected in the ``horizon`` days after ``from_day``, by day.

    Examples
    --------
    >>> import numpy as np
    >>> from marketofone.profile.ledger import Kind
    >>> at = np.array([4, 35, 63, 94])
    >>> rent = Account("a", "EUR", (Kind("transfer", "rent", "Landlord"),), at, at * 0 - 900_00, at * 0, at)
    >>> streams = find_streams(rent, as_of=100)
    >>> [str(date_of(payment.day)) for payment in project(streams, from_day=100, horizon=60)]
    ['1970-05-05', '1970-06-05']
    """
    payments = [
        Payment(day=day, amount_minor=stream.bonus.get(date_of(Day(day)).month, stream.amount_minor), stream=stream)
        for stream in streams
        if stream.status != "ended"
        for day in stream.dates(after=from_day, upto=from_day + horizon)
    ]
    return tuple(sorted(payments, key=lambda payment: (payment.day, payment.amount_minor)))


def _streams(group: Group, account: str, as_of: int) -> list[Stream]:
    """Find what comes back in a group: the whole of it, several payments every month, or payments of one amount."""
    named = group.kind.counterparty is not None
    whole = _stream(group, account=account, as_of=as_of, named=True) if named else None
    plain = whole is not None and whole.rhythm != "biweekly" and whole.hit_rate == 1 and whole.hits == len(group.days)
    if named and not plain and max(map(abs, group.amounts)) <= BONUS * min(map(abs, group.amounts)):
        found = [_stream(chain, account=account, as_of=as_of, named=True) for chain in _chains(group)]
        several = [stream for stream in found if stream is not None and stream.rhythm == "monthly"]
        if len(several) > 1 and sum(stream.hits for stream in several) >= _SURE * len(group.days):
            return several
    if whole is not None:
        return [whole]
    parts = [_stream(part, account=account, as_of=as_of, named=False) for part in _buckets(group)]
    return [part for part in parts if part is not None]


def _chains(group: Group) -> list[Group]:
    """Part payments of about one amount into those that each keep their own day of the month; four weeks do not."""
    chains: list[Group] = []
    beat = _BEATS["monthly"]
    for day, amount in zip(group.days, group.amounts, strict=True):
        near = [
            (days_apart(day, chain.days[-1]), at)
            for at, chain in enumerate(chains)
            if beat.shortest <= day - chain.days[-1] <= beat.longest and days_apart(day, chain.days[-1]) <= _LATE_DAYS
        ]
        if not near:
            chains.append(Group(group.kind, [], []))
        chain = chains[min(near)[1]] if near else chains[-1]
        chain.days.append(day)
        chain.amounts.append(amount)
    return [
        chain for chain in chains if len(chain.days) > 1 and days_apart(chain.days[-1], chain.days[0]) <= _LATE_DAYS
    ]


def _buckets(group: Group) -> list[Group]:
    """Part a group by amounts; two payments without a common counterparty prove nothing."""
    sizes = sorted([abs(amount) for amount in group.amounts])
    if not any(third <= BUCKET * first for first, third in zip(sizes, sizes[_TWICE:], strict=False)):
        return []
    parts: list[list[tuple[int, int]]] = []
    least = 0
    for amount, day in sorted([(abs(amount), day) for day, amount in zip(group.days, group.amounts, strict=True)]):
        if not parts or amount > BUCKET * least:
            parts.append([])
            least = amount
        parts[-1].append((day, amount))
    many = [Group(group.kind, *map(list, zip(*sorted(part), strict=True))) for part in parts if len(part) > _TWICE]
    if group.amounts[0] > 0:
        return [_with_bonuses(group, part) for part in many]
    return [part._replace(amounts=[-amount for amount in part.amounts]) for part in many]


def _with_bonuses(group: Group, part: Group) -> Group:
    """Give part of an income together with what was paid in its place in months that it left out, if that was more."""
    paid, days, amounts = part.amounts[-1], part.days, part.amounts
    least, most = BONUS * paid, _EXTRA * paid
    beat = _BEATS["monthly"]
    for day, amount in zip(group.days, group.amounts, strict=True):
        if not least < amount <= most:
            continue
        at = bisect(days, day)
        gaps = [abs(day - days[near]) for near in (at - 1, at) if 0 <= near < len(days)]
        if all(beat.shortest <= gap <= beat.longest for gap in gaps):
            days.insert(at, day)
            amounts.insert(at, amount)
    return part


def _stream(group: Group, *, account: str, as_of: int, named: bool) -> Stream | None:
    days, amounts = _by_day(group)
    gaps = [after - before for before, after in pairwise(days)]
    rhythm = _RHYTHMS.get(sorted(gaps)[(len(gaps) - 1) // 2]) if gaps else None
    if rhythm is None:
        return None
    if rhythm == "monthly" and len(gaps) > _TWICE and max(gaps) <= _BEATS["four_weekly"].longest:
        rhythm = "four_weekly"
    beat = _BEATS[rhythm]
    on_beat = 1 + sum([beat.shortest <= gap <= beat.longest for gap in gaps])
    hit_rate = on_beat / max(len(days), 1 + round((days[-1] - days[0]) / beat.days))
    spread = _spread(amounts)
    likely = hit_rate >= HIT_RATE and spread <= (SPREAD if beat.months < _HALF_YEAR else STEADY)
    # Where no person is named, only what is the same again and again comes back by more than chance.
    sure = len(days) > (_TWICE if beat.months == 1 and hit_rate >= _SURE else _TWICE + 1) and spread <= BUCKET - 1
    if not likely or not (named or sure):
        return None
    months = [month_and_day(day)[0] for day in days]
    regular, seen = _bonuses(amounts, months)
    seen = seen if spread <= STEADY and beat.months else {}
    usual_months = frozenset(months[at] for at in regular) - seen.keys()
    more = with_half_yearly(seen, usual_months=usual_months) if amounts[-1] > 0 else seen
    usual = _usual([amounts[at] for at in regular])
    due = due_day(days, income=amounts[-1] > 0) if beat.months else DueDay((days[-1] + 3) % 7, "not")
    ended = as_of - days[-1] > 1.5 * beat.days + 3
    return Stream(
        account=account,
        operation=group.kind.operation,
        category=group.kind.category,
        counterparty=group.kind.counterparty,
        amount_minor=usual,
        bonus={month: round(usual * factor) for month, factor in more.items()},
        seen_bonus=frozenset(seen),
        usual_months=usual_months,
        change=_change([(days[at], amounts[at]) for at in regular]),
        spread=spread,
        rhythm=rhythm,
        anchor=due.anchor,
        moved=due.moved,
        hit_rate=hit_rate,
        hits=len(days),
        first_day=days[0],
        last_day=days[-1],
        status="ended" if ended else "mature" if len(days) > _TWICE or beat.months >= _HALF_YEAR else "early",
        nature=group.kind.nature,
    )


def _by_day(group: Group) -> tuple[list[int], list[int]]:
    if len(set(group.days)) == len(group.days):
        return group.days, group.amounts
    sums: dict[int, int] = {}
    for day, amount in zip(group.days, group.amounts, strict=True):
        sums[day] = sums.get(day, 0) + amount
    return list(sums), list(sums.values())


def _bonuses(amounts: Sequence[int], months: Sequence[int]) -> tuple[list[int], dict[int, float]]:
    """Give where the usual amounts stand, and in which calendar months alone it was clearly more, by which factor.

    A larger credit that nothing followed yet may be a bonus or a raise: it counts as neither.
    """
    sizes = [abs(amount) for amount in amounts]
    if max(sizes) <= BONUS * min(sizes):
        return list(range(len(amounts))), {}
    regular: list[int] = []
    factors: dict[int, float] = {}
    last = len(amounts) - 1
    for at, (amount, month) in enumerate(zip(amounts, months, strict=True)):
        around = [amounts[near] for near in ((regular[-1] if regular else at + 2), at + 1) if near <= last]
        more = bool(around) and BONUS * max(map(abs, around)) < abs(amount) <= _EXTRA * max(map(abs, around))
        if more and len(around) == _TWICE and (regular or _near(*around)):
            factors[month] = abs(amount) / max(map(abs, around))
        elif not (more and at == last and amount > 0):
            regular.append(at)
            factors.pop(month, None)
    return regular, factors


def with_half_yearly(factors: Mapping[int, float], *, usual_months: AbstractSet[int]) -> dict[int, float]:
    """Expect extra pay half a year later too, unless that month is known to pay as usual."""
    later = {(month + _HALF_YEAR - 1) % _YEAR_MONTHS + 1: factor for month, factor in factors.items()}
    return {month: factor for month, factor in later.items() if month not in usual_months} | dict(factors)


def _near(one: int, other: int) -> bool:
    return abs(one - other) <= (BUCKET - 1) * abs(other)


def _usual(amounts: Sequence[int]) -> int:
    """Give what is paid now: the last amount where it, or a steady one before it, was told by two; else the middle."""
    *before, last = amounts[-3:]
    told = len(before) > 0 and _near(last, before[-1])
    moved = len(before) > 1 and _near(*before) and abs(last - before[-1]) <= SPREAD * abs(before[-1])
    recent = sorted(amounts[-_RECENT:], key=abs)
    return last if told or moved else recent[(len(recent) - 1) // 2]


def _spread(amounts: Sequence[int]) -> float:
    steps = sorted(abs(after - before) / abs(before) for before, after in pairwise(amounts[-_RECENT:]))
    return steps[len(steps) // 2] if steps else 0.0


def _change(hits: Sequence[tuple[int, int]]) -> Change | None:
    """Give the last change of an amount that had been steady."""
    last = hits[-1][1]
    if hits[0][1] == last == hits[len(hits) // 2][1]:
        return None
    steady = list(takewhile(lambda hit: _near(hit[1], last), reversed(hits)))
    before = hits[: -len(steady)][-_TWICE:]
    if len(before) < _TWICE or not _near(before[0][1], before[1][1]):
        return None
    return Change(before_minor=before[1][1], since_day=steady[-1][0])
