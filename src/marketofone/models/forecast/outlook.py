"""Ninety days ahead for one person: quantiles of every end-of-day balance, and the chance of falling short.

Everything said about a future is counted on the same equally likely paths, so it cannot contradict itself: quantiles
never cross, a chance grows with the horizon and with the floor, and is at least the share of any single day.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from marketofone.domain.moment import Day, date_of
from marketofone.domain.money import Money
from marketofone.models.forecast.errors import PATHS, ErrorTable, Situation, expected, silence, situation
from marketofone.models.forecast.history import Movement, history, together
from marketofone.models.forecast.streams import Payment

Paths = NDArray[np.int64]

HORIZONS = (30, 60, 90)
QUANTILES = tuple(tenth / 10 for tenth in range(1, 10))
TOTAL = "total"
_DRIVERS = 3
_AT = np.arange(1, 10) * PATHS // 10


class DayAhead(Struct, frozen=True):
    """One day: the end-of-day balance at the quantiles 0.1 to 0.9, in minor units."""

    day: int
    quantiles: tuple[int, ...]


class Outlook(Struct, frozen=True, kw_only=True):
    """One account, or the sum of several: ninety days, or none and the reason why."""

    account: str
    accounts: tuple[str, ...]
    days: tuple[DayAhead, ...]
    abstains: str | None = None


class Expected(Struct, frozen=True, kw_only=True):
    """Something that may happen within a number of days, how likely, when, and because of what.

    The dates hold the middle 80 % of the paths on which it happens; both are None where it happens on none. ``cause``
    is a key that stays the same from day to day, ``event:category:counterparty`` of the main driver.
    """

    event: str
    horizon_days: int
    probability: float
    expected_from: int | None
    expected_to: int | None
    drivers: tuple[str, ...]
    cause: str = ""


class Forecast(Struct, frozen=True, kw_only=True):
    """What is ahead of a person at the end of the day ``as_of``.

    ``events`` are about ``total``, the sum over the accounts that can be forecast; it is None when none can.
    """

    as_of: int
    currency: str
    accounts: tuple[Outlook, ...]
    total: Outlook | None
    payments: tuple[Payment, ...]
    events: tuple[Expected, ...]


def forecast(movements: Sequence[Movement], *, as_of: int, currency: str, errors: ErrorTable) -> Forecast:
    """Look ahead on a person's accounts; all amounts are in one currency.

    Movements after ``as_of`` are not looked at, and their order matters only where one day tells two balances.

    Shapes
    ------
    Each outlook has 90 days of nine quantiles, or none and says why.

    Units
    -----
    Minor units of ``currency``; days since 1970-01-01.

    Examples
    --------
    >>> from marketofone.models.forecast.errors import prior_errors
    >>> forecast([], as_of=0, currency="EUR", errors=prior_errors()).total is None
    True
    """
    by_account: dict[str, list[Movement]] = {}
    for move in movements:
        if move.day <= as_of:
            by_account.setdefault(move.account, []).append(move)
    accounts: list[Outlook] = []
    seen: dict[str, Situation] = {}
    for account in sorted(by_account):
        past = history(by_account[account], as_of=as_of)
        silent = silence(past)
        days: tuple[DayAhead, ...] = ()
        if silent is None:
            seen[account] = situation(past, payments=expected(by_account[account], as_of=as_of))
            days = _days(errors.ahead(seen[account]), as_of=as_of)
        accounts.append(Outlook(account=account, accounts=(account,), days=days, abstains=silent))
    ahead = Forecast(as_of=as_of, currency=currency, accounts=tuple(accounts), total=None, payments=(), events=())
    if not seen:
        return ahead
    whole = total(list(seen.values()))
    paths = errors.ahead(whole)
    return replace(
        ahead,
        total=Outlook(account=TOTAL, accounts=tuple(seen), days=_days(paths, as_of=as_of)),
        payments=whole.payments,
        events=_events(whole, paths, currency=currency),
    )


def total(accounts: Sequence[Situation]) -> Situation:
    """Give the sum over a person's accounts as one: what moves between them cancels out, so its errors do not add up.

    At least one account is needed.
    """
    if len(accounts) == 1:
        return accounts[0]
    past = together([account.past for account in accounts])
    payments = sorted(
        (payment for account in accounts for payment in account.payments),
        key=lambda payment: (payment.day, payment.amount_minor),
    )
    return situation(past, payments=payments)


def _days(paths: Paths, *, as_of: int) -> tuple[DayAhead, ...]:
    ranked = np.sort(paths.T, axis=1)
    # Between two neighbours: a quantile below a floor has at least its share of paths below that floor.
    quantiles = (ranked[:, _AT - 1] + ranked[:, _AT]) // 2
    return tuple(DayAhead(as_of + ahead, tuple(row)) for ahead, row in enumerate(quantiles.tolist(), start=1))


def _events(whole: Situation, paths: Paths, *, currency: str) -> tuple[Expected, ...]:
    floors = {"below_zero": 0, "below_buffer": whole.turnover // 10, "below_own_floor": whole.floor}
    return tuple(
        _shortfall(event, floor, whole, paths[:, :horizon], currency=currency)
        for event, floor in floors.items()
        for horizon in HORIZONS
    )


def _shortfall(event: str, floor: int, whole: Situation, paths: Paths, *, currency: str) -> Expected:
    as_of, below = whole.past.as_of, paths < floor
    days = np.sort(below[below.any(axis=1)].argmax(axis=1)) + as_of + 1
    first, last = (int(days[days.size // 10]), int(days[(days.size * 9 - 1) // 10])) if days.size else (None, None)
    ahead = Expected(
        event=event,
        horizon_days=paths.shape[1],
        probability=days.size / PATHS,
        expected_from=first,
        expected_to=last,
        drivers=_drivers(whole, upto=last or as_of, currency=currency),
        cause=_cause(event, _weighty(whole, upto=last or as_of)),
    )
    if (whole.past.balance or 0) >= floor:
        return ahead
    there = ("the balance is there already",)
    return replace(ahead, probability=1.0, expected_from=as_of, expected_to=as_of, drivers=there)


def _drivers(whole: Situation, *, upto: int, currency: str) -> tuple[str, ...]:
    """Name the largest payments due by a day, of those that weigh at least a twentieth of the monthly turnover."""
    named = tuple(_words(payment, currency=currency) for payment in _weighty(whole, upto=upto)[:_DRIVERS])
    return named or ("everyday spending, no single dated payment",)


def _weighty(whole: Situation, *, upto: int) -> list[Payment]:
    weighty = [p for p in whole.payments if p.day <= upto and -p.amount_minor * 20 >= whole.turnover]
    return sorted(weighty, key=lambda payment: (payment.amount_minor, payment.day))


def _cause(event: str, weighty: Sequence[Payment]) -> str:
    if not weighty:
        return f"{event}::"
    stream = weighty[0].stream
    return f"{event}:{stream.category or stream.operation or 'payment'}:{stream.counterparty or ''}"


def _words(payment: Payment, *, currency: str) -> str:
    stream, on = payment.stream, date_of(Day(payment.day))
    what = (stream.category or stream.operation or "payment").replace("_", " ")
    whom = f" to {stream.counterparty}" if stream.counterparty else ""
    return f"{what}{whom}: {Money(minor=-payment.amount_minor, currency=currency).text} around {on.day} {on:%B %Y}"
