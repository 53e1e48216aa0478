"""Actions: the things the bank may do for one person, and the words that go with them."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct, field

from marketofone.domain.event import Source
from marketofone.domain.fields import Minor, PositiveMinor, Text, Word
from marketofone.domain.items import item_of
from marketofone.domain.role import Role
from marketofone.domain.schedule import Schedule

Kind = Literal["insight", "alert", "nudge", "offer", "feature", "place_offer", "life_match", "outreach", "nothing"]
KINDS_OF_ACTION: tuple[Kind, ...] = get_args(Kind)
ForeseenEvent = Literal[
    "below_zero", "below_buffer", "below_own_floor", "large_expense", "income_change", "income_drop"
]
MARKETING: frozenset[Kind] = frozenset({"offer", "place_offer", "life_match"})
ASKING: frozenset[Kind] = frozenset({"insight", "nudge", "feature"})
"""The kinds that may ask for a permission: none that sells, and none that a person in distress still hears."""

ROLE_OF: dict[Kind, Role | None] = {
    "insight": "insights",
    "alert": "insights",
    "nudge": "insights",
    "feature": "personalisation",
    "offer": "marketing",
    "place_offer": "marketing",
    "life_match": "marketing",
    "outreach": "care",
    "nothing": None,
}

NOTHING = "nothing"


class Budget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What there is of an action for a day, for all people together: contacts, or money by what showing it costs.

    With a ``pace`` it is there little by little, over the hours of the day in which the action may be shown.
    """

    contacts_a_day: Annotated[int, Meta(ge=1)] | None = None
    minor_a_day: Annotated[int, Meta(ge=1)] | None = None
    pace: Literal["day"] | None = None

    def contacts(self, *, cost_minor: int) -> int | None:
        """Give how often it may be shown in a day; None where nothing limits it.

        Examples
        --------
        >>> Budget(contacts_a_day=500, minor_a_day=10_000).contacts(cost_minor=40)
        250
        """
        paid = self.minor_a_day // cost_minor if self.minor_a_day is not None and cost_minor else None
        return min((most for most in (self.contacts_a_day, paid) if most is not None), default=None)


class Action(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing the bank may do.

    ``value_minor`` is what a person's acceptance is expected to be worth to bank and person over 12 months before
    anything was learned, and may be negative; ``cost_minor`` is spent when the action is shown. ``eligible`` is an
    expression over features and facts; ``tags`` are matched with the person's interests; ``product`` and ``feature``
    (when set) are what a person holds, and which function of the app they use, after accepting. ``about`` names what a
    forecast must have foreseen for the action to answer it; it helps only ``lead_days`` or more before that is
    expected. ``next`` tells what happens after a yes. Without ``channels`` it has those that the document names for all
    actions. ``schedule`` says when it may be shown, ``placements`` where; without them it may be shown anywhere.
    ``budget`` is what there is of it for a day. ``asks`` is the source that it asks for, for the purpose that its kind
    serves.
    """

    id: Word
    kind: Kind
    title: Text
    text: Text
    next: Text | None = None
    eligible: str = "True"
    value_minor: Minor = 0
    cost_minor: PositiveMinor = 0
    acceptance_probability: Annotated[float, Meta(gt=0.0, lt=1.0)] = field(default=0.05, name="chance")
    channels: Annotated[tuple[Word, ...], Meta(min_length=1)] = ()
    occasions: tuple[Word, ...] = ()
    tags: tuple[Word, ...] = ()
    needs: tuple[Source, ...] = ()
    product: Word | None = None
    feature: Word | None = None
    credit: bool = False
    personal_price: bool = False
    about: ForeseenEvent | None = None
    lead_days: Annotated[int, Meta(ge=0, le=90)] = 0
    schedule: Schedule | None = None
    placements: tuple[Word, ...] = ()
    budget: Budget | None = None
    asks: Source | None = None

    @property
    def role(self) -> Role | None:
        """What the purpose must serve under which this action may use information; None when it uses none."""
        return ROLE_OF[self.kind]

    @property
    def item(self) -> str | None:
        """What a person has after accepting, among what people have (``domain/items.py``); None when it is nothing."""
        if self.product is not None:
            return item_of("transactions", self.product)
        return None if self.feature is None else item_of("app", self.feature)

    @property
    def marketing(self) -> bool:
        """Whether the action sells something."""
        return self.kind in MARKETING
