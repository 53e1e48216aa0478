"""What the bank may do: ``actions.toml`` as a value, every expression checked against the catalogue of features.

Expressions may name every feature, the facts of the last forecast (:data:`marketofone.decide.forecast_facts.FACTS`),
``channel``, ``occasion`` and ``begun_by_customer``.

A forecast may bring help and never a sale: no credit reads it, no offer rests on it alone, and on its own occasion
nothing is sold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from marketofone.decide import forecast_facts
from marketofone.decide.expressions import RESERVED, Expression, Known, parse_expression
from marketofone.domain.action import ASKING, KINDS_OF_ACTION, NOTHING, Action, Kind
from marketofone.domain.decision import MOST_SLOTS
from marketofone.domain.document import read_toml
from marketofone.domain.errors import MalformedDocument, MalformedRequest, UnknownAction
from marketofone.domain.event import SOURCES
from marketofone.domain.fields import Text, Word
from marketofone.domain.languages import Language
from marketofone.features.catalogue import Catalogue
from marketofone.governance.tiers import Tier, tier_of

DO_NOTHING = Action(
    id=NOTHING, kind="nothing", title="Leave you in peace", text="Nothing today: nothing here is worth your time."
)
FORECAST_SOURCES: frozenset[str] = frozenset({"transactions"})
FACTS: dict[str, Known] = {
    **{name: Known(type="number", sources=FORECAST_SOURCES) for name in forecast_facts.FACTS},
    "channel": Known(type="text", sources=frozenset()),
    "occasion": Known(type="text", sources=frozenset()),
    "begun_by_customer": Known(type="truth", sources=frozenset()),
}
FORESEEN: frozenset[str] = frozenset(forecast_facts.FACTS)
FORECAST_MADE = "forecast.made"
OfAKind = Annotated[int, Meta(ge=1, le=MOST_SLOTS)]


class Occasion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A moment at which a decision is asked for: through which channel, and who began the contact."""

    channel: Word
    begun_by: Literal["customer", "bank"]


class Fallback(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in a placement while nothing is decided for it: the same for everybody, and no contact."""

    title: Text
    text: Text


class Placement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where actions are shown: how many at most, and how many of a kind among them.

    ``most_of_a_kind`` keeps a slate diverse; without it that of the document holds. Where it ``orders``, its actions
    are parts of the app: all are there anyway, and only their order is decided, behind those that are ``pinned``.
    ``seen`` says of those who look at the first place how many look at each, from the first on; all where it is left
    out, as when the app tells ``ignored`` of what was on the screen only.
    """

    slots: Annotated[int, Meta(ge=1, le=MOST_SLOTS)] = 1
    most_of_a_kind: OfAKind | None = None
    fallback: Fallback | None = None
    orders: bool = False
    pinned: tuple[Word, ...] = ()
    seen: tuple[Annotated[float, Meta(ge=0.001, le=1.0)], ...] = ()

    def share(self, place: int) -> float:
        """Give how many look at a place, of those who look at the first; that is place 1."""
        return self.seen[place - 1] if self.seen else 1.0

    @property
    def fault(self) -> str:
        """What is wrong with it; empty where nothing is."""
        falls = list(self.seen) == sorted(self.seen, reverse=True)
        if self.seen and (self.orders or len(self.seen) != self.slots or self.seen[0] != 1.0 or not falls):
            return "shares that are not one for each of its slots, the first 1 and none above the one before"
        return ""


class ActionTexts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The texts of an action in another language; what its ``next`` says is left out where the action says nothing."""

    title: Text
    text: Text
    next: Text | None = None


class CatalogueTexts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All texts of ``actions.toml`` in one language: ``[translations.de.actions.budgets]`` and so on."""

    actions: dict[Word, ActionTexts] = {}


class _Document(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The actions, the occasions, the placements, and the channels of actions that name none."""

    channels: tuple[Word, ...] = ()
    most_of_a_kind: OfAKind = MOST_SLOTS
    occasions: dict[Word, Occasion]
    placements: dict[Word, Placement] = {}
    actions: tuple[Action, ...]
    translations: dict[Language, CatalogueTexts] = {}


@dataclass(frozen=True)
class ActionCatalogue:
    """Every occasion, and every action in the order of the document; doing nothing always comes first.

    An action needs what its expression reads, whether its author says so or not.
    """

    occasions: Mapping[str, Occasion]
    placements: Mapping[str, Placement]
    most_of_a_kind: int
    actions: tuple[Action, ...]
    expressions: tuple[Expression, ...]
    tiers: tuple[Tier, ...]
    translations: Mapping[Language, CatalogueTexts] = field(default_factory=dict)

    def said_in(self, language: Language) -> ActionCatalogue:
        """Give the same actions in the words of a language; one that is not translated stays as the bank wrote it."""
        texts = self.translations.get(language)
        if texts is None:
            return self
        said = (
            msgspec.structs.replace(one, title=of.title, text=of.text, next=of.next)
            if (of := texts.actions.get(one.id)) is not None
            else one
            for one in self.actions
        )
        return replace(self, actions=tuple(said), translations={})

    @property
    def offered(self) -> tuple[Action, ...]:
        """All actions but doing nothing: the order of arms, values and scores."""
        return self.actions[1:]

    def action(self, name: str) -> Action:
        """Give the action of an id.

        Raises
        ------
        UnknownAction
            When there is none.
        """
        found = next((action for action in self.actions if action.id == name), None)
        if found is None:
            raise UnknownAction
        return found

    def placement(self, name: str | None) -> Placement:
        """Give the placement of a name; without one, a slate may have as many places as there can be.

        Raises
        ------
        MalformedRequest
            When there is none.
        """
        if name is None:
            return Placement(slots=MOST_SLOTS, most_of_a_kind=self.most_of_a_kind)
        placement = self.placements.get(name)
        if placement is None:
            raise MalformedRequest(field="placement", shape="unknown", fix="use a placement of actions.toml")
        if placement.most_of_a_kind is None and not placement.orders:
            return msgspec.structs.replace(placement, most_of_a_kind=self.most_of_a_kind)
        return placement

    @cached_property
    def budgets(self) -> dict[str, int]:
        """How often an action may be shown in a day to all people together, of those that have a budget."""
        each = ((one.id, one.budget.contacts(cost_minor=one.cost_minor)) for one in self.offered if one.budget)
        return {name: most for name, most in each if most is not None}

    @cached_property
    def asks(self) -> dict[str, Action]:
        """The actions that ask for a permission, by their ids."""
        return {action.id: action for action in self.offered if action.asks is not None}

    @cached_property
    def _kinds(self) -> dict[str, Kind]:
        return {action.id: action.kind for action in self.offered}

    def contact_kind(self, name: str, *, placement: str | None) -> Kind | None:
        """Give the kind of an action as a contact; None for doing nothing, and for parts of the app put in order."""
        if placement is not None and self.placements[placement].orders:
            return None
        return self._kinds.get(name)

    @cached_property
    def parts(self) -> dict[str, tuple[str, str]]:
        """Parts of the app that are put in order, by what the app calls them: the placement, and the action."""
        each = ((one, placement) for one in self.offered for placement in one.placements)
        return {
            one.feature or one.id: (placement, one.id) for one, placement in each if self.placements[placement].orders
        }

    def in_order(self, placement: str, chosen: Iterable[str]) -> tuple[str, ...]:
        """Give all parts of the app that a placement orders: those pinned, those chosen, the others as declared."""
        declared = (action.id for action in self.offered if placement in action.placements)
        return tuple(dict.fromkeys((*self.placements[placement].pinned, *chosen, *declared)))

    def occasion(self, name: str) -> Occasion:
        """Give the occasion of a name.

        Raises
        ------
        MalformedRequest
            When there is none.
        """
        occasion = self.occasions.get(name)
        if occasion is None:
            raise MalformedRequest(field="occasion", shape="unknown", fix="use an occasion of actions.toml")
        return occasion


def vocabulary(features: Catalogue) -> dict[str, Known]:
    """Give every name an expression may use."""
    named = {feature.name: Known(type="number", sources=frozenset(feature.lineage)) for feature in features.features}
    for name in named:
        if name in FACTS or name in RESERVED:
            raise MalformedDocument(field=f"features.{name}", shape="a reserved name", fix="choose another name")
    return {**named, **FACTS}


def parse_actions(text: str, *, features: Catalogue) -> ActionCatalogue:
    """Read ``actions.toml``.

    Raises
    ------
    MalformedDocument
        Naming the field that breaks the contract.
    BadExpression
        Naming the action and the token that cannot be read.
    """
    document = read_toml(text, of=_Document, name="actions.toml")
    own = [action for action in document.actions if action.kind == NOTHING]
    nothing_first = (*(own or [DO_NOTHING]), *(action for action in document.actions if action.kind != NOTHING))
    known = vocabulary(features)
    expressions = tuple(
        parse_expression(action.eligible, field=f"actions.{action.id}.eligible", known=known)
        for action in nothing_first
    )
    complete = (_on_channels(action, document.channels) for action in nothing_first)
    actions = tuple(map(_needing_what_it_reads, complete, expressions))
    for action, expression in zip(actions, expressions, strict=True):
        _check(action, expression, document=document)
    for name, placement in document.placements.items():
        if placement.fault:
            fix = "write the shares of those who look at each place, or leave them out"
            raise MalformedDocument(field=f"placements.{name}.seen", shape=placement.fault, fix=fix)
    return ActionCatalogue(
        occasions=document.occasions,
        placements=document.placements,
        most_of_a_kind=document.most_of_a_kind,
        actions=actions,
        expressions=expressions,
        tiers=tuple(map(tier_of, actions)),
        translations=document.translations,
    )


def _on_channels(action: Action, usual: tuple[str, ...]) -> Action:
    return action if action.channels else msgspec.structs.replace(action, channels=usual)


def _needing_what_it_reads(action: Action, expression: Expression) -> Action:
    needs = expression.sources | frozenset(action.needs) | (FORECAST_SOURCES if action.about else frozenset())
    return msgspec.structs.replace(action, needs=tuple(source for source in SOURCES if source in needs))


def _check(action: Action, expression: Expression, *, document: _Document) -> None:
    nothing = action.kind == NOTHING
    foreseen = expression.names & FORESEEN
    alone = foreseen and not expression.names - FORESEEN
    priced = (
        action.eligible.strip() != "True"
        or action.cost_minor
        or action.value_minor
        or action.schedule
        or action.placements
        or action.budget
    )
    out_of_time = action.schedule is not None and action.schedule.contradicts_itself
    twice = sum(other.id == action.id for other in document.actions) > 1
    faults = (
        ((action.id == NOTHING) != nothing, "the id 'nothing' for another kind, or the other way round"),
        (nothing and priced, "a condition, a place, a time or a price on doing nothing"),
        (not nothing and action.id in KINDS_OF_ACTION, "the name of a kind: the board could not tell them apart"),
        (twice, "an id used twice"),
        (not nothing and not action.channels, "no channels, here or for all actions above [occasions]"),
        (not document.occasions.keys() >= set(action.occasions), "an occasion that is not declared under [occasions]"),
        *_places(action, document.placements),
        (action.credit and foreseen, "a loan that reads a forecast"),
        (action.marketing and (action.about or alone), "something sold because of a forecast alone"),
        (out_of_time, "a schedule that ends before it begins, or has only one of begin and end"),
        (
            action.budget is not None and action.budget.contacts(cost_minor=action.cost_minor) is None,
            "a budget that limits nothing: contacts_a_day, or minor_a_day beside cost_minor",
        ),
        (action.lead_days and action.about is None, "lead_days without about"),
        *_asking(action, document),
        (tier_of(action) is Tier.FORBIDDEN, "forbidden (tier 4: governance/tiers.py)"),
    )
    for wrong, shape in faults:
        if wrong:
            raise MalformedDocument(field=f"actions.{action.id}", shape=shape, fix="mend the action or leave it out")


def _asking(action: Action, document: _Document) -> Iterator[tuple[object, str]]:
    """Say of each fault of an action that asks for a permission whether it is there."""
    if action.asks is None:
        return
    sold = action.credit or action.product or action.feature or action.about
    known = [document.occasions[name] for name in action.occasions if name in document.occasions]
    orders = any(document.placements[name].orders for name in action.placements if name in document.placements)
    yield action.kind not in ASKING, f"asks, in a kind that asks for no permission: use {', '.join(sorted(ASKING))}"
    yield sold, "asks beside credit, product, feature or about: an action that asks does nothing else"
    yield any(of.begun_by == "bank" for of in known), "asks on an occasion that the bank begins: it only asks who came"
    yield orders, "asks in a placement that orders"
    alike = [of.id for of in document.actions if (of.asks, of.role) == (action.asks, action.role)]
    yield alike[0] != action.id, f"asks for {action.asks!r}, as {alike[0]!r} does for the same purpose"


def _places(action: Action, placements: Mapping[str, Placement]) -> Iterator[tuple[bool, str]]:
    """Say of each fault of where an action is shown whether it is there."""
    known = [placements[name] for name in action.placements if name in placements]
    orders, alone = any(placement.orders for placement in known), action.kind == "feature" and len(known) == 1
    yield len(known) < len(action.placements), "a placement that is not declared under [placements]"
    yield orders and not alone, "in a placement that orders: no feature, or elsewhere, too"
    yield any(action.id in placement.pinned for placement in known), "pinned where it is put in order"
