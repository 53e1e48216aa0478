"""The decision input: everything one decision may look at, as one frozen value. A replay rebuilds exactly this."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.consent.gate import Permit
from marketofone.decide.asking import MINOR, NO_ASKS, AskFacts, Scope, why_spared
from marketofone.decide.forecast_facts import ForecastFacts
from marketofone.domain.action import Action
from marketofone.domain.decision import Assignment
from marketofone.domain.moment import Day, Instant
from marketofone.domain.role import Role
from marketofone.features.vector import Seen
from marketofone.governance.board import BoardState
from marketofone.governance.guardrails import Contact
from marketofone.models.bandit import Beliefs, OwnAnswers
from marketofone.models.recommend import Affinity, FormerAffinity
from marketofone.profile.view import Profile

ACTION_ROLES: tuple[Role, ...] = ("insights", "personalisation", "marketing", "care")  # those that actions have
FORECAST: Role = "forecast"
PROTECTION: Role = "protection"
UNDER_AGE = "the customer is under age"
PAYMENT_LATE = "a payment is late"
MAY_RUN_SHORT = "the account may run short"
CARE_ASKED = "special care was asked for"
MONEY_MOVED = "money moved since the bank looked ahead"
HARD_PRESSED = frozenset({PAYMENT_LATE, MAY_RUN_SHORT, CARE_ASKED})
"""Why a credit could hurt somebody who is in trouble, or may come into it."""


class DecisionInput(Struct, frozen=True, kw_only=True, gc=False):
    """What is known at the moment of a decision, behind the gate.

    Parameters
    ----------
    permits, seen
        By role: what may be looked at, and what is seen under exactly that permit. ``forecast`` and ``protection``
        stand beside :data:`ACTION_ROLES`; without the latter credit is never offered.
    contacts
        What the bank did for this person lately, and what was declined.
    beliefs
        What the active version believes about every action, in the order of ``CompiledCatalogue.offered``.
    own_answers
        What this person did with what was shown to them, and what came of it; nothing where they do not allow learning
        from it.
    forecast, money_moved
        What the last forecast said, if it still counts, and whether money moved since it was made.
    corrected
        The inferences that the person says are wrong.
    under_age
        Whether the person is known to be under age: no credit is offered to them.
    asking
        What decides whether they may be asked for a permission.
    assignment, order, exploration
        The group this person is in, the fixed order of its actions if it has one (``fixed_order.py``), and the share of
        decisions drawn uniformly.
    day, minute_of_day
        The bank's local day, and minutes since its midnight.
    seed
        What every random number of the decision comes from.
    epoch, position, documents
        The consent epoch, the last entry of the customer's journal, and the digest of the documents it rests on.
    """

    permits: Mapping[Role, Permit]
    seen: Mapping[Role, Seen]
    contacts: tuple[Contact, ...]
    board: BoardState
    beliefs: Beliefs
    own_answers: OwnAnswers
    affinity: Affinity | FormerAffinity | None
    forecast: ForecastFacts | None
    money_moved: bool
    assignment: Assignment
    order: NDArray[np.float64] | None
    exploration: float
    day: Day
    minute_of_day: int
    seed: bytes
    epoch: int
    position: int
    documents: str
    corrected: frozenset[str] = frozenset()
    under_age: bool = False
    asking: AskFacts = NO_ASKS

    @property
    def control(self) -> bool:
        """Whether this person is in the control group: everything is drawn by lot."""
        return self.assignment == "control"

    def allowed(self, role: Role) -> frozenset[str]:
        """Give the sources that may be read for a role; none without a permit."""
        permit = self.permits.get(role)
        return frozenset() if permit is None else permit.sources

    def purpose(self, role: Role) -> str:
        """Name the bank's purpose that serves a role."""
        permit = self.permits.get(role)
        return role if permit is None else permit.purpose

    def forecast_refused(self, role: Role) -> frozenset[str]:
        """Give the sources behind the forecast that may not be read for a role, or not to look ahead any more."""
        if self.forecast is None:
            return frozenset()
        return self.forecast.sources - (self.allowed(role) & self.allowed(FORECAST))

    def credit_could_hurt(self, now: Instant) -> str:
        """Say why a credit could hurt this person; empty when nothing says so."""
        if self.under_age:
            return UNDER_AGE
        seen = self.seen.get(PROTECTION)
        if seen is None or not self.allowed(PROTECTION):
            return "the bank cannot know whether it would hurt"
        if seen.profile.in_arrears:
            return PAYMENT_LATE
        if seen.profile.vulnerable(now):
            return CARE_ASKED
        if self.forecast_refused(FORECAST):
            return "the bank may not look whether it would hurt"
        return _why_no_debt(self.forecast) or (MONEY_MOVED if self.money_moved else "")

    def scope_asked(self, action: Action) -> Scope | None:
        """Give the permission that an action asks for, for the purpose behind its kind; None where it asks for none."""
        if action.asks is None or action.role is None:
            return None
        return self.purpose(action.role), action.asks

    def not_to_ask(self, asking: Iterable[tuple[int, Action, Profile]], *, now: Instant) -> Iterator[tuple[int, str]]:
        """Give those of some actions that may not ask this person, each with the reason.

        They come with their rows, and with the person as the purpose that is asked for sees them.
        """
        known = self.seen.get(PROTECTION) if self.allowed(PROTECTION) else None
        protection = None if known is None else known.profile
        for row, action, seen in asking:
            scope = self.scope_asked(action)
            why = "" if scope is None else self.asking.why_not(scope, now=now)
            why = why or (MINOR if self.under_age else "")
            why = why or why_spared(protection, seen, now=now, day=self.day, of_age=self.asking.of_age)
            if why:
                yield row, why


def _why_no_debt(forecast: ForecastFacts | None) -> str:
    if forecast is None:
        return "nobody looked ahead of late"
    if forecast.risky():
        return MAY_RUN_SHORT
    return "" if forecast.tells_of_shortfalls() else "too little is known to see whether it would hurt"
