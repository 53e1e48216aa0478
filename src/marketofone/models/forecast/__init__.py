"""What is coming: recurring payments, ninety days of balances in quantiles, and what may happen on the way.

::

    ledger -> Account -> find_streams -> payments ┐
                      -> labels (baseline) -------┴-> align: Panel -> features -> Model.ahead -> quantiles, chances
    many past days -> learning.fit -> Model (a forest of past situations, corrections from accounts it did not see)
"""

from marketofone.models.forecast.account_forecast import (
    QUANTILES,
    AccountForecast,
    DayAhead,
    Expected,
    Forecast,
    forecast,
    forecast_all,
)
from marketofone.models.forecast.learning import fit, fit_to_bytes, follow
from marketofone.models.forecast.model import Model
from marketofone.models.forecast.sample import Sample
from marketofone.models.forecast.streams import Payment, Stream, find_streams, project

__all__ = [
    "QUANTILES",
    "AccountForecast",
    "DayAhead",
    "Expected",
    "Forecast",
    "Model",
    "Payment",
    "Sample",
    "Stream",
    "find_streams",
    "fit",
    "fit_to_bytes",
    "follow",
    "forecast",
    "forecast_all",
    "project",
]
