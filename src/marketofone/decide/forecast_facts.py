"""What the last forecast said, as decisions use it: facts for expressions, dates for lead times, causes told once.

A cause is told once. It may be told again when a later forecast found it settled (not likely any more at any horizon),
when its date moved by more than two weeks, or when it became more likely by a whole band. The band is measured from
what was told, so a chance that wavers around a limit does not ring twice; one that falls is good news and rings never.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.decision import Notification
from marketofone.domain.languages import message
from marketofone.domain.moment import Instant
from marketofone.features.declare import Unit
from marketofone.governance.guardrails import Contact

RISKY = 0.1  # from this chance on, running short at any horizon is material: no credit is offered any more
SETTLED = 0.1  # below this chance at every horizon, a cause is settled
MOVED_DAYS = 14
BAND = 0.2
SHORTFALLS: tuple[str, ...] = ("below_own_floor", "below_buffer", "below_zero")  # from mild to grave
_LENDING_STOPS: tuple[str, ...] = ("below_buffer", "below_zero")


class Fact(NamedTuple):
    """One number of a forecast that expressions may name: in words, its unit, and a typical difference of it."""

    title: str
    unit: Unit
    scale: float


CHANCES: dict[str, tuple[str, int]] = {
    "shortfall_30d": ("below_zero", 30),
    "shortfall_60d": ("below_zero", 60),
    "shortfall_90d": ("below_zero", 90),
    "buffer_30d": ("below_buffer", 30),
    "own_floor_30d": ("below_own_floor", 30),
    "large_expense_60d": ("large_expense", 60),
    "income_drop_30d": ("income_drop", 30),
    "income_drop_60d": ("income_drop", 60),
}
DATES: dict[str, str] = {
    "days_to_shortfall": "below_zero",
    "days_to_large_expense": "large_expense",
    "days_to_income_drop": "income_drop",
}
_HAPPENINGS: dict[str, str] = {
    "below_zero": message("your account runs short"),
    "below_buffer": message("less than three days of money are left"),
    "below_own_floor": message("your balance falls below its usual lowest point"),
    "large_expense": message("a large expense falls due"),
    "income_drop": message("your income falls by more than a fifth"),
}
_CHANCE = message("the chance that %(text_what)s within %(number)s days")
_DAYS_UNTIL = message("days until %(text_what)s, if it does")
FACTS: dict[str, Fact] = {
    **{
        name: Fact(_CHANCE % {"text_what": _HAPPENINGS[event], "number": horizon}, "share", 0.2)
        for name, (event, horizon) in CHANCES.items()
    },
    **{name: Fact(_DAYS_UNTIL % {"text_what": _HAPPENINGS[event]}, "days", 10.0) for name, event in DATES.items()},
    "low_point_minor": Fact(message("the lowest balance expected within 90 days"), "minor", 100_000.0),
    "idle_minor": Fact(message("money that will most likely not be needed for 90 days"), "minor", 100_000.0),
    "forecast_age_days": Fact(message("days since the forecast"), "days", 10.0),
}
CHANGEABLE: frozenset[str] = frozenset({*CHANCES, "low_point_minor", "idle_minor"})
"""The facts a person can do something about; a date or an age is nobody's doing."""


class PredictedEvent(Struct, frozen=True, array_like=True):
    """What may happen within some days of a forecast.

    ``first`` and ``last`` are the range in which it is expected, in days from the forecast; None where it happens on no
    path. ``cause`` names its main driver: ``event:category:counterparty``.
    """

    event: str
    horizon_days: int
    probability: float
    first: int | None
    last: int | None
    cause: str

    @property
    def middle(self) -> int | None:
        """The middle of the range, in days from the forecast."""
        return None if self.first is None or self.last is None else (self.first + self.last) // 2


class ForecastFacts(Struct, frozen=True, kw_only=True):
    """What the last forecast said, made for the purpose ``insights`` from the sources named.

    ``made_on`` is its day and ``age_days`` how many days ago that was; ``settled`` says when last a forecast found an
    event unlikely at every horizon. A number that was not forecast is NaN.
    """

    made_on: int
    age_days: int
    events: tuple[PredictedEvent, ...]
    low_point_minor: float
    idle_minor: float
    sources: frozenset[str]
    settled: Mapping[str, Instant] = {}

    def chance(self, event: str, horizon: int) -> float:
        """Give the probability of an event within a horizon; NaN when the forecast abstained."""
        return next((a.probability for a in self.events if (a.event, a.horizon_days) == (event, horizon)), math.nan)

    def nearest(self, event: str) -> PredictedEvent | None:
        """Give the shortest horizon that holds at least half of the chance of the longest; None when it abstained."""
        rows = sorted(
            (predicted for predicted in self.events if predicted.event == event),
            key=lambda predicted: predicted.horizon_days,
        )
        return next((predicted for predicted in rows if predicted.probability * 2 >= rows[-1].probability), None)

    def days_to(self, event: str) -> float:
        """Give the days until an event is expected, 0 when that is past; NaN when no date is known."""
        predicted = self.nearest(event)
        return (
            math.nan
            if predicted is None or predicted.middle is None
            else float(max(predicted.middle - self.age_days, 0))
        )

    def notification(self, event: str) -> Notification | None:
        """Give what a person is told of when an action is about an event."""
        predicted = self.nearest(event)
        if predicted is None:
            return None
        day = None if predicted.middle is None else self.made_on + predicted.middle
        return Notification(event=event, cause=predicted.cause, day=day, probability=predicted.probability)

    def risky(self) -> bool:
        """Say whether running short is a material risk at any horizon; who is below zero already runs it."""
        foreseen = (one.probability for one in self.events if one.event in _LENDING_STOPS)
        return self.low_point_minor < 0.0 or any(chance >= RISKY for chance in foreseen)

    def tells_of_shortfalls(self) -> bool:
        """Say whether it told how likely running short is; it abstains where too little is known."""
        return any(predicted.event in _LENDING_STOPS for predicted in self.events)

    def facts(self) -> dict[str, float]:
        """Give every fact by name."""
        return {
            **{name: self.chance(event, horizon) for name, (event, horizon) in CHANCES.items()},
            **{name: self.days_to(event) for name, event in DATES.items()},
            "low_point_minor": self.low_point_minor,
            "idle_minor": self.idle_minor,
            "forecast_age_days": float(self.age_days),
        }

    def changed(self, facts: Mapping[str, float]) -> ForecastFacts:
        """Give what would have been said with some changeable facts changed; other names are not looked at."""
        chances = {CHANCES[name]: new for name, new in facts.items() if name in CHANCES}
        events = tuple(
            replace(
                predicted, probability=chances.get((predicted.event, predicted.horizon_days), predicted.probability)
            )
            for predicted in self.events
        )
        plain = {name: new for name, new in facts.items() if name in CHANGEABLE and name not in CHANCES}
        return replace(self, events=events, **plain)


def told_at(
    notification: Notification, contacts: Iterable[Contact], *, settled: Mapping[str, Instant]
) -> Instant | None:
    """Give when this cause was last told, in a way that still holds; None when it may be told."""
    since = settled.get(notification.event)
    told = [
        contact.at
        for contact in contacts
        if contact.notification is not None
        and (since is None or contact.at > since)
        and _covers(contact.notification, notification)
    ]
    return max(told, default=None)


def _covers(told: Notification, now: Notification) -> bool:
    """Say whether one telling still holds for another: of two shortfalls around one date, the graver holds for both.

    What drives a shortfall is a guess that changes from night to night; the hole in the account is the same.
    """
    named = told.driver.strip(":") and now.driver.strip(":") and now.event not in SHORTFALLS
    if (named and told.driver != now.driver) or not _as_grave(told.event, now.event):
        return False
    if told.day is not None and now.day is not None and abs(now.day - told.day) > MOVED_DAYS:
        return False
    return told.event != now.event or now.probability < told.probability + BAND


def _as_grave(told: str, now: str) -> bool:
    if told in SHORTFALLS and now in SHORTFALLS:
        return SHORTFALLS.index(told) >= SHORTFALLS.index(now)
    return told == now
