"""What a person's own information says to them: their profile, and insights compared only with themselves."""

from __future__ import annotations

from msgspec import Struct

from marketofone.consent.gate import permit
from marketofone.domain.moment import Instant
from marketofone.features.vector import Seen, see
from marketofone.flow.equipment import Equipment
from marketofone.flow.rights import must_exist
from marketofone.flow.spending import CHANNEL, PURPOSE, Insight, spending
from marketofone.flow.stored import StoredView


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


def profile(kit: Equipment, customer: str, *, now: Instant) -> ProfileView:
    """Show what is known about a person, restricted to what they allow."""
    with kit.store.read() as reader:
        must_exist(reader, customer)
        view = StoredView(reader, kit, committed=True)
        person = view.person(customer)
        leave = permit(
            PURPOSE, view.consents(person), customer=person, channel=CHANNEL, policy=kit.book.policy, now=now
        )
        states = view.states(person, now=now)
    seen = see(states, permit=leave, catalogue=kit.book.features, calendar=kit.book.calendar, now=now)
    return ProfileView(
        customer=customer,
        person=person,
        epoch=leave.epoch,
        known=_known(kit, seen),
        hidden=tuple(
            feature.name for feature, hidden in zip(kit.book.features.features, seen.hidden, strict=True) if hidden
        ),
        refused=dict(leave.refused),
    )


def insights(kit: Equipment, customer: str, *, now: Instant) -> list[Insight]:
    """Give what stands out in a person's own numbers: what their spending says, then ratios to their own habit.

    Ratios that are furthest from the habit come first.
    """
    known = profile(kit, customer, now=now).known
    habits = {of.name for of in kit.book.features.features if of.how == "habit" and of.owner == "insights"}
    ratios = [item for item in known if item.name in habits and item.value > 0]
    ratios.sort(key=lambda item: -max(item.value, 1 / item.value))
    return [
        *spending(kit, customer, now=now).insights,
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


def _known(kit: Equipment, seen: Seen) -> tuple[Known, ...]:
    return tuple(
        Known(
            name=feature.name,
            title=feature.title,
            value=float(value),
            unit=feature.unit,
            sources=tuple(sorted(feature.lineage)),
        )
        for feature, value, known in zip(kit.book.features.features, seen.values, seen.known, strict=True)
        if known
    )
