"""What a person's own information says to them: their profile, and insights compared only with themselves."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from marketofone.domain.moment import Instant
from marketofone.features.declare import unit_of
from marketofone.features.state import MONEY, LiveState
from marketofone.features.vector import Seen, see
from marketofone.profile.currencies import common_currency
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.person import Person
from marketofone.projection.records import Scope
from marketofone.projection.snapshot import Snapshot
from marketofone.services.foresight.liquid_money import LiquidMoney, liquid_money
from marketofone.services.foresight.spending import Insight, spending_of
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.population import accounts_of, same_in, shares_of, told_in
from marketofone.services.runtime.uses import read_person


class Known(Struct, frozen=True, kw_only=True):
    """One feature of a person, in words."""

    name: str
    title: str
    value: float
    unit: str
    sources: tuple[str, ...]


class ProfileView(Struct, frozen=True, kw_only=True):
    """What is known about a person for understanding their money, and what is hidden because they said so.

    ``liquid`` is what they can spend, over all accounts that they allow.
    """

    customer: str
    person: str
    epoch: int
    known: tuple[Known, ...]
    hidden: tuple[str, ...]
    refused: dict[str, str]
    liquid: LiquidMoney


def profile(context: AppContext, customer: str, *, now: Instant, as_of: Instant | None = None) -> ProfileView:
    """Show what is known about a person, restricted to what they allow; the reading is a use.

    Raises
    ------
    MalformedRequest
        When the moment that is asked about lies ahead.
    UnknownCustomer
    """

    def look(
        snapshot: Snapshot, person: Person, judged: Instant, moment: Instant
    ) -> tuple[ProfileView, tuple[Scope, ...]]:
        return _profile(snapshot, person, now=judged, as_of=moment)

    return read_person(context, customer, what="profile", now=now, as_of=as_of, look=look)


def insights(context: AppContext, customer: str, *, now: Instant, as_of: Instant | None = None) -> list[Insight]:
    """Give what stands out in a person's own numbers: what their spending says, then ratios to their own habit.

    Ratios that are furthest from the habit come first. The reading is a use. Raises as :func:`profile` does.
    """

    def look(
        snapshot: Snapshot, person: Person, judged: Instant, moment: Instant
    ) -> tuple[list[Insight], tuple[Scope, ...]]:
        return insights_of(snapshot, person, now=judged, as_of=moment)

    return read_person(context, customer, what="insights", now=now, as_of=as_of, look=look)


def insights_of(
    snapshot: Snapshot, person: Person, *, now: Instant, as_of: Instant
) -> tuple[list[Insight], tuple[Scope, ...]]:
    """Give what stands out, as :func:`insights` does, and the scopes that were read for it."""
    shown, uses = _profile(snapshot, person, now=now, as_of=as_of)
    spent, more = spending_of(snapshot, person, now=now, as_of=as_of)
    return [*spent.insights, *_ratios(shown, snapshot.config)], (*uses, *more)


def _ratios(shown: ProfileView, config: BankConfig) -> list[Insight]:
    habits = {of.name for of in config.features.features if of.how == "habit" and unit_of(of.of) == "minor"}
    ratios = [item for item in shown.known if item.name in habits and item.value > 0]
    ratios.sort(key=lambda item: -max(item.value, 1 / item.value))
    return [
        Insight(
            name=item.name,
            text=f"{item.title}: {item.value:.1f} times your habit",
            value=item.value,
            unit=item.unit,
        )
        for item in ratios
    ]


def _profile(
    snapshot: Snapshot, person: Person, *, now: Instant, as_of: Instant
) -> tuple[ProfileView, tuple[Scope, ...]]:
    config, judged = snapshot.config, person.judged(now)
    purpose = config.policy.serving("insights")
    opened = person.permit(purpose, policy=config.policy, now=judged)
    states = snapshot.states(person, now=as_of, sources=opened.sources, judged=judged)
    seen = see(states, permit=opened, catalogue=config.features, calendar=config.calendar, now=as_of)
    shown = ProfileView(
        customer=person.asked.name,
        person=person.name,
        epoch=opened.epoch,
        known=_known(config, seen),
        hidden=tuple(
            feature.name for feature, hidden in zip(config.features.features, seen.hidden, strict=True) if hidden
        ),
        refused=dict(opened.withheld),
        liquid=_liquid(snapshot, states, day=config.calendar.day_of(as_of)),
    )
    return shown, tuple((purpose, source) for source in sorted(opened.sources))


def _liquid(snapshot: Snapshot, states: Mapping[str, LiveState], *, day: int) -> LiquidMoney:
    told = told_in(states, sources=MONEY & states.keys())
    accounts = accounts_of(told.values(), same=same_in(states))
    counted = common_currency(accounts, otherwise=snapshot.config.settings.currency, rates=snapshot.rates, day=day)
    return liquid_money(accounts, shares=shares_of(told.values()), counted=counted, day=day)


def _known(config: BankConfig, seen: Seen) -> tuple[Known, ...]:
    return tuple(
        Known(
            name=feature.name,
            title=feature.title,
            value=float(value),
            unit=feature.unit,
            sources=tuple(sorted(feature.lineage)),
        )
        for feature, value, known in zip(config.features.features, seen.values, seen.known, strict=True)
        if known
    )
