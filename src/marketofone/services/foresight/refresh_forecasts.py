"""Look ahead again where it may matter: for those whose money moved since the last time, and who are not calm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.domain.moment import DAY, Instant
from marketofone.models.forecast.history import history_of, silence
from marketofone.models.forecast.known_payments import unseen
from marketofone.models.forecast.risk_prefilter import SCREENED, cleared, shortfall_bound
from marketofone.profile.account_types import LIQUID
from marketofone.profile.ledger import Account
from marketofone.projection.person import Person
from marketofone.services.foresight.forecast import outdated, question
from marketofone.services.foresight.forecast_population import forecast_some
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.population import Known, population, together
from marketofone.services.runtime.uses import append_unmoved, use_of
from marketofone.store.ports import Draft

FRESH = 30 * DAY  # a forecast that is older is made again in any case
_SPAN = 180  # days of the past that the prefilter looks at
_SHORTEST = 60
_MONTH = 30
_TOGETHER = 512  # people screened at once


class RefreshedForecasts(Struct, frozen=True, kw_only=True):
    """How many people were looked ahead for again, and for how many nothing could have changed."""

    looked: int
    calm: int


def refresh_forecasts(context: AppContext, *, now: Instant) -> RefreshedForecasts:
    """Look ahead again for all who allow it and for whom it may matter: the cheap way through a night.

    A full forecast is made where there is none, where money moved since, where it is older than 30 days, and where the
    closed-form prefilter does not clear a person. All others keep the one they have, or none; that their money was
    looked at is a use all the same.
    """
    looked = calm = 0
    with context.store.read() as reader:
        config = context.snapshot(reader).config
    today = config.calendar.day_of(now)
    for some in together(population(context, question(config, now)), size=_TOGETHER):
        people = [one for one in some if one.open]
        due = _due(people, today=today, now=now)
        named = {one.person.name for one in due}
        forecast_some(context, due, now=now)
        passed_over = [one for one in people if one.person.name not in named]
        append_unmoved(context, passed_over, entry=lambda one: _use(context, one, now=now), now=now)
        looked += len(due)
        calm += len(people) - len(due)
    return RefreshedForecasts(looked=looked, calm=calm)


def _use(context: AppContext, one: Known, *, now: Instant) -> tuple[Person, Draft | None]:
    return one.person, use_of(one.person, "screened", one.uses, actor=context.actor, at=now)


def _due(people: Sequence[Known], *, today: int, now: Instant) -> list[Known]:
    money = [one.accounts() for one in people]
    due = []
    for one, accounts, safe in zip(people, money, prefilter(money, as_of=today).tolist(), strict=True):
        summary = one.person.forecast
        if summary is None:
            again = any(silence(account.until(today), as_of=today) is None for account in accounts)
        else:
            fresh = now - FRESH < summary.at <= now
            again = not (safe and fresh) or outdated(one.person, now=now)
        if again:
            due.append(one)
    return due


def prefilter(people: Sequence[Sequence[Account]], *, as_of: int) -> NDArray[np.bool_]:
    """Say who will most likely not run short within 90 days, whatever a full forecast says; never on too little.

    Shapes
    ------
    One entry per person, as ``people``, each the accounts of one.
    """
    rows = [_flows(accounts, as_of=as_of) for accounts in people]
    orders = np.array([_first_due(accounts, as_of=as_of) for accounts in people]).reshape(-1, SCREENED[-1])
    headroom, drift, spread = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    known = ~np.isnan(headroom)
    # What comes regularly counts as chance here, and of orders only what they take: on the safe side.
    bound = shortfall_bound(headroom[known], due=orders[known], drift=drift[known], spread=spread[known])
    clear = np.zeros(len(rows), dtype=np.bool_)
    clear[known] = cleared(bound)
    return clear


def _first_due(accounts: Sequence[Account], *, as_of: int) -> NDArray[np.float64]:
    """Give what orders take of which the past shows nothing, added up by each day ahead."""
    taken = np.zeros(SCREENED[-1])
    for account in accounts:
        if account.orders and account.type in LIQUID:
            for payment in unseen(account.until(as_of), as_of=as_of, span=_SPAN):
                taken[payment.day - as_of - 1 :] += min(0, payment.amount_minor)
    return taken


def _flows(accounts: Sequence[Account], *, as_of: int) -> tuple[float, float, float]:
    """Give what can be spent, and the mean and the spread of a day; NaN where that is not known well enough."""
    limit = sum(account.limit for account in accounts if account.type in LIQUID)
    past = [history_of(account, as_of) for account in accounts if account.type in LIQUID]
    days = np.concatenate([one.days for one in past]) if past else np.zeros(0, dtype=np.int64)
    length = min(_SPAN, as_of - int(days.min()) + 1) if days.size else 0
    mixed = len({account.currency for account in accounts}) > 1
    if length < _SHORTEST or mixed or any(one.balance is None for one in past):
        return np.nan, np.nan, np.nan
    ago = as_of - days
    amounts = np.concatenate([one.amounts for one in past])
    daily = np.bincount(ago[ago < length], weights=amounts[ago < length], minlength=length)
    monthly = np.lib.stride_tricks.sliding_window_view(daily, _MONTH).sum(axis=1)
    spread = max(float(daily.std()), float(monthly.std()) / _MONTH**0.5)  # days are not independent of each other
    return float(limit + sum(one.balance or 0 for one in past)), float(daily.mean()), spread
