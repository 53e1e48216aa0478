"""Standing payments and subscriptions: what is paid again and again, what changed about it, and what is due next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Literal

import numpy as np
from msgspec import Struct

from marketofone.models.forecast.counterparties import normal_name
from marketofone.models.forecast.groups import normal_kind
from marketofone.models.forecast.spending.finding import Finding, FindingKind, cause
from marketofone.models.forecast.streams import BUCKET, Stream, project
from marketofone.profile.ledger import Account, Kind

STEADY = 0.2
DUE_DAYS = 7
_SAME_AMOUNT = 0.1
_NEWS_DAYS = 62
_SURE = 0.7
_TWICE = 2
_OFF_DAYS = 3
_OFTEN_DAYS = 27
_MANY = 4  # payments; fewer are a habit only when they are equal
_LOOSE = frozenset({"cash", "interest", "penalty_interest", "transfer", "groceries", "dining"})

State = Literal["new", "changed_price", "duplicate", "ended", "active"]


class Standing(Struct, frozen=True, kw_only=True):
    """One payment out that comes back, how it stands, and when it is due.

    ``before_minor`` is the old price of one that changed; ``since_day`` is the day from which the state holds:
    the first payment, the first one at the new price, the first one of the later of two, or the last one ever.

    Units
    -----
    Days since 1970-01-01; minor units of ``currency``, positive.
    """

    account: str
    currency: str
    what: str
    operation: str | None
    category: str | None
    counterparty: str | None
    amount_minor: int
    yearly_minor: int
    rhythm: str
    state: State
    since_day: int
    before_minor: int | None
    next_day: int | None
    next_minor: int | None
    hits: int
    hit_rate: float


def standing_payments(accounts: Sequence[Account], *, streams: Sequence[Stream], as_of: int) -> tuple[Standing, ...]:
    """Give the payments out that come back and those that ended lately, the dearest in a year first.

    ``streams`` are those that :func:`is_standing` lets pass.
    """
    opened = {account.name: int(account.days[0]) for account in accounts if account.days.size}
    currencies = {account.name: account.currency for account in accounts}
    paid = _last_paid(accounts, as_of=as_of)
    twins = {id(later): max(one.first_day, later.first_day) for one, later in _doubled(streams)}
    found = [
        _told(stream, currencies[stream.account], twins.get(id(stream)), opened[stream.account], as_of)
        for stream in streams
        if stream.status != "ended"
        or (_lately(stream.last_day + stream.period_days, stream, as_of) and paid[_kind(stream)] <= stream.last_day)
    ]
    return tuple(sorted(found, key=lambda of: (of.state == "ended", -of.yearly_minor, of.since_day)))


def subscription_findings(standing: Iterable[Standing], *, as_of: int) -> Iterator[Finding]:
    """Say what is new about standing payments, and which are due in the next seven days."""
    kinds: dict[str, FindingKind] = {
        "new": "subscription_new",
        "changed_price": "subscription_price",
        "duplicate": "subscription_duplicate",
        "ended": "subscription_ended",
    }
    for of in standing:
        if of.state in kinds:
            yield _finding(of, kinds[of.state], day=of.since_day, now_minor=of.amount_minor)
        if of.next_day is not None and of.next_minor is not None and of.next_day <= as_of + DUE_DAYS:
            yield _finding(of, "payment_due", day=of.next_day, now_minor=of.next_minor)


def _finding(of: Standing, kind: FindingKind, *, day: int, now_minor: int) -> Finding:
    due = kind == "payment_due"
    usual = of.before_minor if kind == "subscription_price" else of.amount_minor if due else None
    who = normal_name(of.counterparty or "") or of.category or of.operation
    # What is due is a new cause every month; a state is one cause from its first day on.
    return Finding(
        id=cause(kind, of.account, who, of.category, of.amount_minor, day // DUE_DAYS if due else day),
        kind=kind,
        account=of.account,
        category=of.category,
        counterparty=of.counterparty,
        day=day,
        now_minor=now_minor,
        usual_minor=usual,
        currency=of.currency,
        evidence={"payments": float(of.hits), "hit_rate": of.hit_rate, "yearly_minor": float(of.yearly_minor)},
        strength=of.hit_rate * (1 - 1 / of.hits),
    )


def is_standing(stream: Stream) -> bool:
    """Say whether somebody arranged for a payment; what only happens to come back is everyday spending."""
    few = stream.hits < _MANY
    near = stream.spread <= (BUCKET - 1 if few else STEADY)
    period = (stream.last_day - stream.first_day) / max(stream.hits - 1, 1)
    dated = not few or abs(period - stream.period_days) <= _OFF_DAYS
    # Twice is enough where the third would come late, and never for something that is over already.
    often = stream.hits > _TWICE or (stream.period_days > _OFTEN_DAYS and stream.status != "ended")
    sure = stream.hit_rate >= _SURE and near and dated and often
    return sure and stream.amount_minor < 0 and stream.category not in _LOOSE


def _last_paid(accounts: Sequence[Account], *, as_of: int) -> dict[Kind, int]:
    """Give when money went out last by kind, on any account: what is paid still, in whatever rhythm, has not ended."""
    paid: dict[Kind, int] = {}
    for account in accounts:
        known = account.until(as_of)
        out = known.amounts < 0
        last = np.full(len(account.kinds), -1, dtype=np.int64)
        np.maximum.at(last, known.of[out], known.days[out])
        for kind, day in zip(map(normal_kind, account.kinds), last.tolist(), strict=True):
            paid[kind] = max(day, paid.get(kind, -1))
    return paid


def _kind(stream: Stream) -> Kind:
    return normal_kind(Kind(stream.operation, stream.category, stream.counterparty))


def _lately(day: float, stream: Stream, as_of: int) -> bool:
    """Say whether something is news still: two months, or two payments of a slower rhythm."""
    return as_of - day <= max(_NEWS_DAYS, 2 * stream.period_days)


def _doubled(streams: Sequence[Stream]) -> Iterator[tuple[Stream, Stream]]:
    """Give pairs that run side by side to one counterparty, of about the same amount; the later one second."""
    active = [stream for stream in streams if stream.counterparty and stream.status != "ended"]
    for pair in combinations(active, 2):
        one, later = sorted(pair, key=lambda stream: stream.first_day)
        same = normal_name(one.counterparty or "") == normal_name(later.counterparty or "")
        near = abs(one.amount_minor - later.amount_minor) <= _SAME_AMOUNT * abs(one.amount_minor)
        if same and near and one.category == later.category and one.last_day > later.first_day:
            yield one, later


def _told(stream: Stream, currency: str, twin: int | None, opened: int, as_of: int) -> Standing:
    state, since, before = _state(stream, twin, opened, as_of)
    due = next(iter(project([stream], from_day=as_of, horizon=round(stream.period_days) + DUE_DAYS)), None)
    return Standing(
        account=stream.account,
        currency=currency,
        what=stream.what,
        operation=stream.operation,
        category=stream.category,
        counterparty=stream.counterparty,
        amount_minor=-stream.amount_minor,
        yearly_minor=-stream.yearly_minor,
        rhythm=stream.rhythm,
        state=state,
        since_day=since,
        before_minor=before,
        next_day=None if due is None else due.day,
        next_minor=None if due is None else -due.amount_minor,
        hits=stream.hits,
        hit_rate=stream.hit_rate,
    )


def _state(stream: Stream, twin: int | None, opened: int, as_of: int) -> tuple[State, int, int | None]:
    if stream.status == "ended":
        return "ended", stream.last_day, None
    if twin is not None:
        return "duplicate", twin, None
    if stream.change is not None and _lately(stream.change.since_day, stream, as_of):
        return "changed_price", stream.change.since_day, -stream.change.before_minor
    # Everything is new to those who just came; only what could have been paid before and was not is.
    if _lately(stream.first_day, stream, as_of) and stream.first_day - opened > stream.period_days:
        return "new", stream.first_day, None
    return "active", stream.first_day, None
