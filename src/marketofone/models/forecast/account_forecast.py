"""Ninety days ahead for people: quantiles of every end-of-day balance, and what may happen, when and because of what.

People are looked ahead for side by side; each alone gets the same answer. What is said of a person is said of the sum
over their accounts, for what moves between them cancels out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.languages import message
from marketofone.domain.moment import Day, date_of
from marketofone.domain.money import Money
from marketofone.models.forecast.history import heard_until, history_of, silence
from marketofone.models.forecast.known_payments import announced, between_own, payments_ahead, together, with_card_bills
from marketofone.models.forecast.labels import EVENTS, WITHIN_DAYS, baseline
from marketofone.models.forecast.model import SHORTFALLS, Ahead, Model
from marketofone.models.forecast.panel import Look, Panel, align, look_from
from marketofone.models.forecast.shares import own_account, own_payments
from marketofone.models.forecast.streams import Payment
from marketofone.profile.account_types import LIQUID
from marketofone.profile.ledger import UNTOLD, Account
from marketofone.profile.orders import Order

QUANTILES = tuple(tenth / 10 for tenth in range(1, 10))
TOTAL = "total"
RUNS_SHORT = "below_zero"
"""What it is called that money runs short: it falls below zero, or below what may be overdrawn."""
_DRIVERS = 3
_TWENTIETH = 20
_AROUND = 3
_THERE = message("the balance is there already")
_INCOME_ABOVE = message("income of the last 30 days was %(number)s %% above the three months' mean")
_INCOME_BELOW = message("income of the last 30 days was %(number)s %% below the three months' mean")
_LARGE_ONES = message("large payments of your own past, no dated one")
_EVERY_DAY = message("everyday spending, no single dated payment")
When = Literal["on", "gone", "around"]
Whom = Literal["to", "from", "nobody"]
_DRIVER: Mapping[tuple[When, Whom], str] = {
    ("on", "to"): message("%(text_what)s to %(name)s: %(money)s on %(day)s"),
    ("on", "from"): message("%(text_what)s from %(name)s: %(money)s on %(day)s"),
    ("on", "nobody"): message("%(text_what)s: %(money)s on %(day)s"),
    ("gone", "to"): message("%(text_what)s to %(name)s: %(money)s not any more, usual around %(day)s"),
    ("gone", "from"): message("%(text_what)s from %(name)s: %(money)s not any more, usual around %(day)s"),
    ("gone", "nobody"): message("%(text_what)s: %(money)s not any more, usual around %(day)s"),
    ("around", "to"): message("%(text_what)s to %(name)s: %(money)s around %(day)s"),
    ("around", "from"): message("%(text_what)s from %(name)s: %(money)s around %(day)s"),
    ("around", "nobody"): message("%(text_what)s: %(money)s around %(day)s"),
}
"""How a payment that is behind an event is told: whether an order names its day, and whom it goes to or comes from."""


class DayAhead(Struct, frozen=True, gc=False):
    """One day: the end-of-day balance at the quantiles 0.1 to 0.9, in minor units."""

    day: int
    quantiles: tuple[int, ...]


class Expected(Struct, frozen=True, kw_only=True):
    """Something that may happen within a number of days, how likely, when, and because of what.

    The dates hold the middle 80 % of the paths on which it happens; both are None where it happens on none. ``cause``
    names the event and its main driver, as long as they are the same.
    """

    event: str
    horizon_days: int
    probability: float
    expected_from: int | None
    expected_to: int | None
    drivers: tuple[str, ...]
    cause: str = ""


class AccountForecast(Struct, frozen=True, kw_only=True):
    """One account, or the sum of several: ninety days, or none and the reason why.

    Where no balance is known, it is ``relative``: its days tell changes from the end of ``as_of``. ``balance`` is what
    stands on it then, in minor units, None where no movement told.
    """

    account: str
    accounts: tuple[str, ...]
    days: tuple[DayAhead, ...]
    abstains: str | None = None
    relative: bool = False
    balance: int | None = None
    short: tuple[Expected, ...] = ()
    """How likely it is that it falls below what it may be overdrawn, by horizon."""


class Forecast(Struct, frozen=True, kw_only=True):
    """What is ahead of a person at the end of the day ``as_of``.

    ``events`` are about ``total``, the sum over the accounts whose balance is known, each by the person's share of it:
    those that can be forecast, and what rests on the others. Where no balance is known at all, it is the sum of their
    changes, and no event is about running short. It is None when none can be forecast. An event about which the model
    abstains is not among them, nor one about incomes where nothing was heard of late. ``turnover`` is the person's
    usual monthly turnover, 0 if unknown, and ``limit`` how far the accounts may be overdrawn together: running short
    is falling below that. ``payments`` are known also where nothing else is.
    """

    as_of: int
    currency: str
    accounts: tuple[AccountForecast, ...]
    total: AccountForecast | None
    payments: tuple[Payment, ...]
    events: tuple[Expected, ...]
    turnover: int = 0
    limit: int = 0


class _Row(NamedTuple):
    """One line of the panel: an account, or the sum of a person's accounts."""

    look: Look
    panel: Panel
    ahead: Ahead
    at: int


def forecast(accounts: Sequence[Account], *, as_of: int, currency: str, model: Model) -> Forecast:
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
    >>> forecast([], as_of=0, currency="EUR", model=Model()).total is None
    True
    """
    return forecast_all([(accounts, currency)], as_of=as_of, model=model)[0]


def forecast_all(people: Sequence[tuple[Sequence[Account], str]], *, as_of: int, model: Model) -> list[Forecast]:
    """Look ahead for many people at once, each with their accounts and the currency of these."""
    extra = model.customs
    known = [with_card_bills([account.until(as_of) for account in accounts], as_of=as_of) for accounts, _ in people]
    why = [[silence(account, as_of=as_of) for account in accounts] for accounts in known]
    rest = [_resting(accounts, silent, as_of=as_of) for accounts, silent in zip(known, why, strict=True)]
    looks: list[Look] = []
    for accounts, silent, resting in zip(known, why, rest, strict=True):
        heard = [account for account, reason in zip(accounts, silent, strict=True) if reason is None]
        own = [look_from(_based(account), as_of, extra=extra) for account in heard]
        summed = [own[at] for at in _summed(heard, resting)]
        is_summed = summed and _is_sum([*(look.account for look in summed), *resting])
        looks += [*own, _together(summed, resting, as_of=as_of)] if is_summed else own
    rows = _rows(looks, model=model)
    return [
        _person(accounts, silent, resting, rows, as_of=as_of, currency=currency)
        for accounts, silent, resting, (_, currency) in zip(known, why, rest, people, strict=True)
    ]


def _based(account: Account) -> Account:
    """Give an account a balance to start from: nought at its last movement, where none is known."""
    if account.tells_balance:
        return account
    balances = account.balances.copy()
    balances[-1] = 0
    return dataclasses.replace(account, balances=balances)


def _summed(heard: Sequence[Account], resting: Sequence[Account]) -> list[int]:
    """Give the places of the accounts that are summed: those that tell a balance, or all where none does."""
    telling = [at for at, account in enumerate(heard) if account.tells_balance]
    return telling if telling or resting else list(range(len(heard)))


def _is_sum(accounts: Sequence[Account]) -> bool:
    """Say whether the sum over some accounts is another than the only one of them."""
    return len(accounts) > 1 or any(account.share != 1 for account in accounts)


def _resting(accounts: Sequence[Account], silent: Sequence[str | None], *, as_of: int) -> list[Account]:
    """Give the accounts that cannot be forecast but hold a known balance: savings that do not move are money too."""
    return [
        account
        for account, reason in zip(accounts, silent, strict=True)
        if reason is not None and account.type in LIQUID and history_of(account, as_of).balance is not None
    ]


def _together(looks: Sequence[Look], resting: Sequence[Account], *, as_of: int) -> Look:
    """Give the sum over a person's accounts, each by their share of it, as one; what moves between them cancels out."""
    shared = [*(look.account for look in looks), *resting]
    accounts = [own_account(account) for account in shared]
    starts = np.cumsum([0, *(len(account.kinds) for account in accounts)])
    days = np.concatenate([account.days for account in accounts])
    order = np.argsort(days, kind="stable")
    balances = np.full(len(days), UNTOLD)
    balances[-1] = sum(round((history_of(account, as_of).balance or 0) * account.share) for account in shared)
    whole = Account(
        TOTAL,
        accounts[0].currency,
        tuple(kind for account in accounts for kind in account.kinds),
        days[order],
        np.concatenate([account.amounts for account in accounts])[order],
        np.concatenate([account.of + start for account, start in zip(accounts, starts, strict=False)])[order],
        balances,
        limit=sum(account.limit for account in accounts),
    )
    expected = [look.payments[0] for look in looks] + [payments_ahead(account, (), as_of=as_of) for account in resting]
    parts = [own_payments(ahead, share=account.share) for ahead, account in zip(expected, shared, strict=True)]
    return Look(whole, baseline(whole, days=np.array([as_of])), [together(parts)])


def _rows(looks: Sequence[Look], *, model: Model) -> Iterator[_Row]:
    if looks:
        panel = align(looks)
        ahead = model.ahead(panel)
        yield from (_Row(look, panel, ahead, at) for at, look in enumerate(looks))


def _person(
    accounts: Sequence[Account],
    silent: Sequence[str | None],
    resting: Sequence[Account],
    rows: Iterator[_Row],
    *,
    as_of: int,
    currency: str,
) -> Forecast:
    account_forecasts, heard = [], list[_Row]()
    spoken: list[tuple[DayAhead, ...]] = []
    for account, reason in zip(accounts, silent, strict=True):
        if reason is None:
            heard.append(next(rows))
            spoken.append(_days(heard[-1], as_of=as_of))
        account_forecasts.append(
            AccountForecast(
                account=account.name,
                accounts=(account.name,),
                days=spoken[-1] if reason is None else (),
                abstains=reason,
                relative=reason is None and not account.tells_balance,
                balance=history_of(account, as_of).balance,
                short=_short(heard[-1], as_of=as_of, currency=currency) if reason is None else (),
            )
        )
    ahead = Forecast(
        as_of=as_of, currency=currency, accounts=tuple(account_forecasts), total=None, payments=(), events=()
    )
    told = [account for account, reason in zip(accounts, silent, strict=True) if reason is None]
    places = _summed(told, resting)
    summed = [heard[at] for at in places]
    unknown = announced(_apart(accounts, silent, resting), as_of=as_of)
    if not summed:
        return replace(ahead, payments=_by_day([*unknown, *announced(resting, as_of=as_of)]))
    alone = not _is_sum([*(told[at] for at in places), *resting])
    whole = summed[0] if alone else next(rows)
    days = spoken[places[0]] if alone else _days(whole, as_of=as_of)
    relative = not (resting or told[places[0]].tells_balance)
    names = (*(row.look.account.name for row in summed), *(account.name for account in resting))
    return replace(
        ahead,
        total=AccountForecast(
            account=TOTAL,
            accounts=names,
            days=days,
            relative=relative,
            balance=None if relative else int(whole.panel.opening[whole.at]),
        ),
        payments=_by_day([*whole.look.payments[0].payments, *unknown]),
        events=tuple(_events(whole, as_of=as_of, currency=currency, relative=relative)),
        turnover=int(whole.panel.unit[whole.at]),
        limit=whole.look.account.limit,
    )


def _apart(accounts: Sequence[Account], silent: Sequence[str | None], resting: Sequence[Account]) -> Iterator[Account]:
    """Give the accounts whose money can be spent and of which too little is known to be in the sum."""
    summed = {id(account) for account in resting}
    for account, reason in zip(accounts, silent, strict=True):
        if reason is not None and account.type in LIQUID and id(account) not in summed:
            yield account


def _by_day(payments: Iterable[Payment]) -> tuple[Payment, ...]:
    return tuple(sorted(payments, key=lambda payment: (payment.day, payment.amount_minor)))


def _days(row: _Row, *, as_of: int) -> tuple[DayAhead, ...]:
    quantiles = row.ahead.quantiles[row.at].tolist()
    return tuple(DayAhead(as_of + ahead, tuple(of_day)) for ahead, of_day in enumerate(quantiles, start=1))


def _events(row: _Row, *, as_of: int, currency: str, relative: bool) -> Iterator[Expected]:
    chances = row.ahead.chances[row.at]
    heard = heard_until(row.look.account, as_of=as_of) == as_of
    for number, event in enumerate(EVENTS):
        if (relative and number < SHORTFALLS) or (not heard and event.startswith("income")):
            continue
        weighty = _weighty(row, event)
        for at, within in enumerate(WITHIN_DAYS):
            chance = float(chances[number, at])
            if np.isnan(chance):
                continue
            due = [payment for payment in weighty if payment.day <= as_of + within]
            first, last = _dates(row, number, at, due)
            if number < SHORTFALLS and last:
                due = [payment for payment in due if payment.day <= last]
            there = number < SHORTFALLS and row.ahead.there[row.at, number]
            lost = row.look.payments[0].gone
            said = (_words(payment, currency=currency, lost=payment in lost) for payment in due[:_DRIVERS])
            drivers = tuple(said) or (_unnamed(row, event),)
            yield Expected(
                event=event,
                horizon_days=within,
                probability=round(chance, 4),
                expected_from=first,
                expected_to=last,
                drivers=(_THERE,) if there else drivers,
                cause=_cause(event, due),
            )


def _short(row: _Row, *, as_of: int, currency: str) -> tuple[Expected, ...]:
    """Give the chances that an account by itself runs short, where what stands on it is known."""
    events = _events(row, as_of=as_of, currency=currency, relative=not row.look.account.tells_balance)
    return tuple(event for event in events if event.event == RUNS_SHORT)


def _dates(row: _Row, event: int, at: int, due: Sequence[Payment]) -> tuple[int | None, int | None]:
    """Give the days between which an event is expected."""
    as_of, within = int(row.panel.as_of[row.at]), WITHIN_DAYS[at]
    if event < SHORTFALLS:
        if row.ahead.there[row.at, event]:
            return as_of, as_of
        first, last = int(row.ahead.first[row.at, event, at]), int(row.ahead.last[row.at, event, at])
        return (as_of + first, as_of + last) if last else (None, None)
    if not due:
        return as_of + 1, as_of + within
    return max(as_of + 1, due[0].day - _AROUND), min(as_of + within, due[0].day + _AROUND)


def _weighty(row: _Row, event: str) -> list[Payment]:
    """Give the payments that may be behind an event, the largest first: a twentieth of a month's turnover or more.

    For a change of income these are the incomes that end, and then the others; for a large expense payments of half a
    month's turnover. What moves between own accounts is behind nothing: the person has it before and after.
    """
    ahead = row.look.payments[0]
    own = {id(one) for one in between_own(ahead.payments)}
    unit = row.panel.unit[row.at]
    sign = 1 if event.startswith("income") else -1
    least = unit / 2 if event == "large_expense" else unit / _TWENTIETH
    lost = ahead.gone if event.startswith("income") else ()
    return [
        one
        for some in (lost, ahead.payments)
        for one in sorted(some, key=lambda payment: (-sign * payment.amount_minor, payment.day))
        if sign * one.amount_minor >= least and id(one) not in own
    ]


def _unnamed(row: _Row, event: str) -> str:
    if event.startswith("income"):
        latest, usual = row.panel.latest_income[row.at], row.panel.income[row.at]
        share = round(100 * (latest / usual - 1)) if usual > 0 else 0
        return (_INCOME_ABOVE if share >= 0 else _INCOME_BELOW) % {"number": abs(share)}
    return _LARGE_ONES if event == "large_expense" else _EVERY_DAY


def _cause(event: str, weighty: Sequence[Payment]) -> str:
    if not weighty:
        return f"{event}::"
    stream = weighty[0].stream
    return f"{event}:{stream.category or stream.operation or 'payment'}:{stream.counterparty or ''}"


def _words(payment: Payment, *, currency: str, lost: bool) -> str:
    stream, on = payment.stream, date_of(Day(payment.day))
    whom: Whom = "nobody" if not stream.counterparty else "to" if payment.amount_minor < 0 else "from"
    when: When = "on" if isinstance(stream, Order) else "gone" if lost else "around"
    return _DRIVER[when, whom] % {
        "text_what": stream.what,
        "name": stream.counterparty,
        "money": Money(minor=abs(payment.told_minor), currency=currency).text,
        "day": f"{on.day} {on:%B %Y}",
    }
