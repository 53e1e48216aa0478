"""What is coming: recurring payments, ninety days of balances in quantiles, and the chance of falling short.

::

    movements -> streams -> payments ┐
    movements -> history ------------┴-> situation -> (error table) -> paths -> quantiles, events
"""

from marketofone.models.forecast.errors import HORIZON, ErrorTable, fit_errors, prior_errors
from marketofone.models.forecast.history import Movement
from marketofone.models.forecast.outlook import QUANTILES, DayAhead, Expected, Forecast, Outlook, forecast, total
from marketofone.models.forecast.streams import Payment, Stream, find_streams, project

__all__ = [
    "HORIZON",
    "QUANTILES",
    "DayAhead",
    "ErrorTable",
    "Expected",
    "Forecast",
    "Movement",
    "Outlook",
    "Payment",
    "Stream",
    "find_streams",
    "fit_errors",
    "forecast",
    "prior_errors",
    "project",
    "total",
]
