"""What is coming: recurring payments, ninety days of balances in quantiles, and what may happen on the way.

::

    ledger -> Account -> find_streams -> payments ┐
                      -> happened (standing) -----┴-> align: Panel -> traits -> Model.ahead -> quantiles, chances
    many past days -> learning.fit -> Model (a forest of past situations, corrections from accounts it did not see)
"""

from marketofone.models.forecast.learning import fit, follow
from marketofone.models.forecast.model import Model
from marketofone.models.forecast.outlook import (
    QUANTILES,
    DayAhead,
    Expected,
    Forecast,
    Outlook,
    forecast,
    forecast_all,
)
from marketofone.models.forecast.streams import Payment, Stream, find_streams, project

__all__ = [
    "QUANTILES",
    "DayAhead",
    "Expected",
    "Forecast",
    "Model",
    "Outlook",
    "Payment",
    "Stream",
    "find_streams",
    "fit",
    "follow",
    "forecast",
    "forecast_all",
    "project",
]
