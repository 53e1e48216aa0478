"""Our own forecast, asked in the same way as its peers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from marketofone.learn.evaluation.peers import STRIDE_DAYS
from marketofone.learn.evaluation.protocol import Ahead, Method, Predict
from marketofone.learn.evaluation.scores import QUANTILES
from marketofone.models.forecast import HORIZON, Forecast, Movement, fit_errors, forecast
from marketofone.models.forecast.happened import EVENTS, WITHIN_DAYS
from marketofone.profile.ledger import UNTOLD, Account

Floats = NDArray[np.float64]


def fit(accounts: Sequence[Account], known_until: int) -> Predict:
    """Learn the pooled errors of the projected paths."""
    first = min((int(account.days[0]) for account in accounts), default=known_until)
    days = range(known_until - HORIZON, first, -STRIDE_DAYS)
    errors = fit_errors([_movements(one) for one in accounts], as_of_days=days, known_until=known_until)

    def predict(asked: Sequence[Account], as_of: int) -> Ahead:
        looks = [
            forecast(_movements(account), as_of=as_of, currency=account.currency, errors=errors) for account in asked
        ]
        return Ahead(np.array([_path(look) for look in looks]), np.array([_chances(look) for look in looks]))

    return predict


OURS = Method("marketofone", fit)


def _path(look: Forecast) -> Floats:
    if look.total is None:
        return np.full((HORIZON, QUANTILES.size), np.nan)
    return np.array([day.quantiles for day in look.total.days], dtype=np.float64)


def _chances(look: Forecast) -> Floats:
    chances = np.full((len(EVENTS), len(WITHIN_DAYS)), np.nan)
    for event in look.events:
        chances[EVENTS.index(event.event), WITHIN_DAYS.index(event.horizon_days)] = event.probability
    return chances


def _movements(account: Account) -> list[Movement]:
    rows = zip(
        *(column.tolist() for column in (account.days, account.amounts, account.of, account.balances)), strict=True
    )
    return [
        Movement(
            day,
            account.name,
            amount,
            category=account.kinds[of].category,
            operation=account.kinds[of].operation,
            counterparty=account.kinds[of].counterparty,
            balance_minor=None if balance == UNTOLD else balance,
        )
        for day, amount, of, balance in rows
    ]
