"""Our own forecast, asked in the same way as its peers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from marketofone.lab.evaluation.protocol import Ahead, Method, Predict
from marketofone.lab.evaluation.scores import QUANTILES
from marketofone.models.forecast import Forecast, Model, forecast_all
from marketofone.models.forecast import fit as learn
from marketofone.models.forecast.labels import AHEAD_DAYS, EVENTS, WITHIN_DAYS
from marketofone.profile.ledger import Account

Floats = NDArray[np.float64]

SEED = 7


def fit(accounts: Sequence[Account], known_until: int) -> Predict:
    """Learn the model, as a training of the bank does."""
    return _with(learn(accounts, known_until=known_until, seed=SEED))


def _with(model: Model) -> Predict:
    def predict(asked: Sequence[Account], as_of: int) -> Ahead:
        looks = forecast_all([([account], account.currency) for account in asked], as_of=as_of, model=model)
        return Ahead(np.array([_path(look) for look in looks]), np.array([_chances(look) for look in looks]))

    return predict


OURS = Method("marketofone", fit)
UNTAUGHT = Method("marketofone, untaught", lambda _accounts, _known_until: _with(Model()))


def _path(look: Forecast) -> Floats:
    if look.total is None:
        return np.full((AHEAD_DAYS, QUANTILES.size), np.nan)
    return np.array([day.quantiles for day in look.total.days], dtype=np.float64)


def _chances(look: Forecast) -> Floats:
    chances = np.full((len(EVENTS), len(WITHIN_DAYS)), np.nan)
    for event in look.events:
        chances[EVENTS.index(event.event), WITHIN_DAYS.index(event.horizon_days)] = event.probability
    return chances
