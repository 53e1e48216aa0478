"""What the bank may do: ``actions.toml`` as a value, every expression checked against the catalogue of features.

Expressions may name every feature, and these facts: ``shortfall_30d`` (the forecast's probability of running short
within 30 days), ``low_point_minor`` (the lowest balance it expects in that time), ``channel``, ``occasion`` and
``begun_by_customer``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
from msgspec import Struct

from marketofone.decide.expressions import RESERVED, Expression, Known, parse_expression
from marketofone.domain.action import KINDS_OF_ACTION, NOTHING, Action
from marketofone.domain.errors import MalformedDocument, MalformedRequest, UnknownAction
from marketofone.domain.event import SOURCES, Word
from marketofone.features.catalogue import Catalogue
from marketofone.governance.tiers import Tier, tier_of

DO_NOTHING = Action(
    id=NOTHING, kind="nothing", title="Leave you in peace", text="Nothing today: nothing here is worth your time."
)
FORECAST_SOURCES: frozenset[str] = frozenset({"transactions"})
FACTS: dict[str, Known] = {
    "shortfall_30d": Known(type="number", sources=FORECAST_SOURCES),
    "low_point_minor": Known(type="number", sources=FORECAST_SOURCES),
    "channel": Known(type="text", sources=frozenset()),
    "occasion": Known(type="text", sources=frozenset()),
    "begun_by_customer": Known(type="truth", sources=frozenset()),
}
FACT_SCALES = {"shortfall_30d": 0.2, "low_point_minor": 100_000.0}  # a typical difference of what is foreseen
FORESEEN: frozenset[str] = frozenset(FACT_SCALES)


class Occasion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A moment at which a decision is asked for: through which channel, and who began the contact."""

    channel: Word
    begun_by: Literal["customer", "bank"]


class _Document(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    occasions: dict[Word, Occasion]
    actions: tuple[Action, ...]


@dataclass(frozen=True)
class ActionCatalogue:
    """Every occasion, and every action in the order of the document; doing nothing always comes first.

    An action needs what its expression reads, whether its author says so or not.
    """

    occasions: Mapping[str, Occasion]
    actions: tuple[Action, ...]
    expressions: tuple[Expression, ...]
    tiers: tuple[Tier, ...]

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
        for action in self.actions:
            if action.id == name:
                return action
        raise UnknownAction

    def occasion(self, name: str) -> Occasion:
        """Give the occasion of a name.

        Raises
        ------
        MalformedRequest
            When there is none.
        """
        occasion = self.occasions.get(name)
        if occasion is None:
            raise MalformedRequest(field="occasion", shape="unknown", mend="use an occasion of actions.toml")
        return occasion


def vocabulary(features: Catalogue) -> dict[str, Known]:
    """Give every name an expression may use."""
    named = {feature.name: Known(type="number", sources=frozenset(feature.lineage)) for feature in features.features}
    for name in named:
        if name in FACTS or name in RESERVED:
            raise MalformedDocument(field=f"features.{name}", shape="a reserved name", mend="choose another name")
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
    try:
        document = msgspec.toml.decode(text, type=_Document)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise _malformed("actions.toml", str(error), "compare with a fresh `marketofone init`") from error
    actions = _with_nothing_first(document.actions)
    known = vocabulary(features)
    expressions = [
        parse_expression(action.eligible, field=f"actions.{action.id}.eligible", known=known) for action in actions
    ]
    actions = tuple(map(_needing_what_it_reads, actions, expressions))
    for action in actions:
        _check(action, occasions=document.occasions)
    twice = [name for name, times in Counter(action.id for action in actions).items() if times > 1]
    if twice:
        raise _malformed(f"actions.{twice[0]}", "an id used twice", "give every action its own id")
    return ActionCatalogue(
        occasions=document.occasions,
        actions=actions,
        expressions=tuple(expressions),
        tiers=tuple(tier_of(action) for action in actions),
    )


def _with_nothing_first(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    own = [action for action in actions if action.kind == NOTHING]
    if len(own) > 1:
        raise _malformed("actions", "two ways of doing nothing", "keep one")
    nothing = own[0] if own else DO_NOTHING
    return (nothing, *(action for action in actions if action.kind != NOTHING))


def _needing_what_it_reads(action: Action, expression: Expression) -> Action:
    needs = expression.sources | frozenset(action.needs)
    return msgspec.structs.replace(action, needs=tuple(source for source in SOURCES if source in needs))


def _check(action: Action, *, occasions: Mapping[str, Occasion]) -> None:
    where = f"actions.{action.id}"
    if (action.id == NOTHING) != (action.kind == NOTHING):
        raise _malformed(where, "the id 'nothing' for another kind, or the other way round", "keep them together")
    if action.kind == NOTHING and (action.eligible.strip() != "True" or action.cost_minor or action.value_minor):
        raise _malformed(where, "a condition or a price on doing nothing", "doing nothing is always free")
    if action.id != NOTHING and action.id in KINDS_OF_ACTION:
        raise _malformed(where, "the name of a kind", "the board could not tell them apart")
    if not action.channels:
        raise _malformed(f"{where}.channels", "an empty list", "name at least one channel")
    unknown = [occasion for occasion in action.occasions if occasion not in occasions]
    if unknown:
        raise _malformed(f"{where}.occasions", "an occasion that is not declared", "declare it under [occasions]")
    if tier_of(action) is Tier.FORBIDDEN:
        raise _malformed(where, "forbidden (tier 4)", "see governance/tiers.py for what may never be sold")


def _malformed(field: str, shape: str, mend: str) -> MalformedDocument:
    return MalformedDocument(field=field, shape=shape, mend=mend)
