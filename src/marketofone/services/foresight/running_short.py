"""The answer first: when a person may be short, by how much, how likely that is, and what they can do by themselves.

It is read from a forecast alone, so it knows nothing that the forecast may not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from marketofone.models.forecast.account_forecast import RUNS_SHORT
from marketofone.services.foresight.forecast import AccountAhead, CustomerForecast, DayBalance, EventAhead, PaymentAhead

HELP_FROM = 0.2
"""Above this chance of running short, help and a contact stand on the page."""
_SHOWN_FROM = 0.1
_BILLS = 2
_CAN_WAIT = frozenset(
    {
        *("rent", "utilities", "telecom", "insurance", "tax", "health", "childcare", "education", "services"),
        *("loan", "loan_payment", "card_bill"),
    }
)
"""What comes with a bill whose date can be spoken about. A shop is not asked whether food can be paid later."""


class Step(Struct, frozen=True, kw_only=True):
    """What a person can do: move money from one account to another, or ask whether a bill can wait."""

    amount_minor: int
    currency: str
    source: str | None = None
    target: str | None = None
    bill: PaymentAhead | None = None


class RunningShort(Struct, frozen=True, kw_only=True):
    """Money that may run short: on which account, or all ``together``; how likely, when, by how much, and what helps.

    ``by_minor`` is how far it falls below the line where nine of ten futures are better. ``is_now`` says that it is
    there already: then ``until`` is the day on which the middle of the forecast is above the line again, between
    ``until_first`` and ``until_last`` in eight of ten futures; None where that is not within the forecast.
    """

    title: str
    together: bool
    currency: str
    chance: float
    horizon_days: int
    since: str | None
    latest: str | None
    by_minor: int
    drivers: tuple[str, ...]
    limit_minor: int
    is_now: bool = False
    balance_minor: int | None = None
    until: str | None = None
    until_first: str | None = None
    until_last: str | None = None
    steps: tuple[Step, ...] = ()

    @property
    def needs_help(self) -> bool:
        """Whether help and a contact must stand beside it."""
        return self.is_now or self.chance > HELP_FROM


def running_short(ahead: CustomerForecast) -> tuple[RunningShort, ...]:
    """Give what may run short: all accounts together, and each current account that others can help out."""
    if ahead.total is None or ahead.total.relative:
        return ()
    whole = _of(ahead, ahead.total, [event for event in ahead.events if event.event == RUNS_SHORT])
    alone = (_of(ahead, account, account.short) for account in ahead.accounts if account.type == "current")
    some = [one for one in alone if one is not None and (whole is None or any(step.source for step in one.steps))]
    return (*(() if whole is None else (whole,)), *(some if len(ahead.accounts) > 1 else ()))


def _of(ahead: CustomerForecast, account: AccountAhead, events: Sequence[EventAhead]) -> RunningShort | None:
    found = _told(events)
    if found is None or not account.days:
        return None
    line, is_now = -account.limit_minor, (account.balance_minor or 0) < -account.limit_minor
    within = account.days[: found.horizon_days]
    by = max(0, line - min(day.quantiles[0] for day in within))
    days = account.days
    return RunningShort(
        title=account.title,
        together=account is ahead.total,
        currency=account.currency,
        chance=found.probability,
        horizon_days=found.horizon_days,
        since=found.expected_from,
        latest=found.expected_to,
        by_minor=by,
        drivers=() if is_now else found.drivers,
        limit_minor=account.limit_minor,
        is_now=is_now,
        balance_minor=account.balance_minor,
        until=_above(days, line, at=len(days[0].quantiles) // 2) if is_now else None,
        until_first=_above(days, line, at=-1) if is_now else None,
        until_last=_above(days, line, at=0) if is_now else None,
        steps=tuple(_steps(ahead, account, by=by, until=found.expected_to or within[-1].day)),
    )


def _told(events: Sequence[EventAhead]) -> EventAhead | None:
    """Give the shortest horizon whose chance calls for help; else one that is worth a word; else none."""
    rows = sorted(events, key=lambda event: event.horizon_days)
    for least in (HELP_FROM, _SHOWN_FROM):
        for event in rows:
            if event.probability > least:
                return event
    return None


def _above(days: Sequence[DayBalance], line: int, *, at: int) -> str | None:
    return next((day.day for day in days if day.quantiles[at] >= line), None)


def _steps(ahead: CustomerForecast, account: AccountAhead, *, by: int, until: str) -> Iterator[Step]:
    """Give what can be moved from own savings, the largest first, and then the largest bills until then."""
    left = by
    for other, free in sorted(_free(ahead, account), key=lambda pair: -pair[1]):
        if left <= 0:
            break
        moved = min(left, free)
        left -= moved
        yield Step(amount_minor=moved, currency=account.currency, source=other.title, target=account.title)
    due = [one for one in ahead.payments if one.amount_minor < 0 and not one.own and one.day <= until]
    bills = [one for one in due if one.ordered or one.what in _CAN_WAIT]
    for bill in sorted(bills, key=lambda one: one.amount_minor)[:_BILLS] if left > 0 else ():
        yield Step(amount_minor=-bill.amount_minor, currency=ahead.currency, bill=bill)


def _free(ahead: CustomerForecast, account: AccountAhead) -> Iterator[tuple[AccountAhead, int]]:
    """Give the person's own accounts in the same currency that have more than they need themselves, and how much."""
    for other in ahead.accounts:
        is_own = other.share == 1 and other.type in ("current", "savings") and other.account != account.account
        if not is_own or other.currency != account.currency or other.balance_minor is None or account is ahead.total:
            continue
        lowest = min((day.quantiles[0] for day in other.days), default=other.balance_minor)
        free = min(lowest, other.balance_minor)
        if free > 0:
            yield other, free
