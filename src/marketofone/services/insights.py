"""What a person's own information says to them: their profile, and insights compared only with themselves."""

from __future__ import annotations

from msgspec import Struct

from marketofone.consent.gate import permit
from marketofone.domain.moment import Instant
from marketofone.features.vector import Seen, see
from marketofone.services.app_context import AppContext
from marketofone.services.consent_service import must_exist
from marketofone.services.live_snapshot import LiveSnapshot
from marketofone.services.spending import CHANNEL, PURPOSE, Insight, spending


class Known(Struct, frozen=True, kw_only=True):
    """One feature of a person, in words."""

    name: str
    title: str
    value: float
    unit: str
    sources: tuple[str, ...]


class ProfileView(Struct, frozen=True, kw_only=True):
    """What is known about a person for understanding their money, and what is hidden because they said so."""

    customer: str
    person: str
    epoch: int
    known: tuple[Known, ...]
    hidden: tuple[str, ...]
    refused: dict[str, str]


def profile(context: AppContext, customer: str, *, now: Instant) -> ProfileView:
    """Show what is known about a person, restricted to what they allow."""
    with context.store.read() as reader:
        must_exist(reader, customer)
        snapshot = LiveSnapshot(reader, context, committed=True)
        person = snapshot.person(customer)
        granted = permit(
            PURPOSE, snapshot.consents(person), customer=person, channel=CHANNEL, policy=context.config.policy, now=now
        )
        states = snapshot.states(person, now=now)
    seen = see(states, permit=granted, catalogue=context.config.features, calendar=context.config.calendar, now=now)
    return ProfileView(
        customer=customer,
        person=person,
        epoch=granted.epoch,
        known=_known(context, seen),
        hidden=tuple(
            feature.name
            for feature, hidden in zip(context.config.features.features, seen.hidden, strict=True)
            if hidden
        ),
        refused=dict(granted.refused),
    )


def insights(context: AppContext, customer: str, *, now: Instant) -> list[Insight]:
    """Give what stands out in a person's own numbers: what their spending says, then ratios to their own habit.

    Ratios that are furthest from the habit come first.
    """
    known = profile(context, customer, now=now).known
    habits = {of.name for of in context.config.features.features if of.how == "habit" and of.owner == "insights"}
    ratios = [item for item in known if item.name in habits and item.value > 0]
    ratios.sort(key=lambda item: -max(item.value, 1 / item.value))
    return [
        *spending(context, customer, now=now).insights,
        *(
            Insight(
                name=item.name,
                text=f"{item.title}: {item.value:.1f} times your habit",
                value=item.value,
                unit=item.unit,
            )
            for item in ratios
        ),
    ]


def _known(context: AppContext, seen: Seen) -> tuple[Known, ...]:
    return tuple(
        Known(
            name=feature.name,
            title=feature.title,
            value=float(value),
            unit=feature.unit,
            sources=tuple(sorted(feature.lineage)),
        )
        for feature, value, known in zip(context.config.features.features, seen.values, seen.known, strict=True)
        if known
    )
