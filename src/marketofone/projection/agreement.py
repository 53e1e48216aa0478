"""Documents are checked against each other: a name that stands in one and not where it must stand is an error.

Each error names both places, and the words that are allowed. What is checked: channels of occasions, actions, quiet
hours and conditions; occasions of actions and conditions; purposes behind actions; sources behind features, actions and
purposes. Names of features in conditions are checked where the conditions are read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from marketofone.consent.policy import ConsentPolicy, Purpose
from marketofone.decide.catalogue import FORESEEN, ActionCatalogue
from marketofone.decide.expressions import Expression
from marketofone.domain.action import Action
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import SWITCHABLE
from marketofone.domain.role import Role
from marketofone.features.catalogue import Catalogue
from marketofone.governance.guardrails import Guardrails

CHANNELS, PURPOSES, SOURCES = "consent.toml [channels]", "consent.toml [purposes]", "consent.toml [sources]"
OCCASIONS = "actions.toml [occasions]"


class Named(NamedTuple):
    """A name that stands in one place and must stand in another."""

    place: str
    name: str
    kind: str


def check_agreement(
    *, policy: ConsentPolicy, features: Catalogue, actions: ActionCatalogue, guardrails: Guardrails
) -> None:
    """Check the documents of a bank against each other.

    Raises
    ------
    MalformedDocument
        For the first name that stands in one document and not in the other: both places, and the words allowed there.
    """
    _check(_channels(actions, guardrails), at=CHANNELS, allowed=policy.channels)
    _check(_occasions(actions), at=OCCASIONS, allowed=actions.occasions)
    _check(_sources(policy, features), at=SOURCES, allowed=policy.sources)
    for action, expression in zip(actions.actions, actions.expressions, strict=True):
        _check_served(action, expression, policy=policy)
        if action.asks is not None:
            _check_asks(action, policy=policy)


def check_signs(signs: Iterable[str], *, features: Catalogue) -> None:
    """Check that early signs are features of which one may learn: what protection forbids offers is none of them.

    Raises
    ------
    MalformedDocument
    """
    allowed = [feature.name for feature in features.features if feature.lineage <= set(SWITCHABLE)]
    named = (Named(f"bank.toml early_signs.features.{name}", name, "feature") for name in signs)
    _check(named, at="features.py FEATURES", allowed=allowed)


def _check(names: Iterable[Named], *, at: str, allowed: Iterable[str]) -> None:
    words = list(allowed)
    for place, name, kind in names:
        if name not in words:
            raise MalformedDocument(
                field=place,
                shape=f"the {kind} {name!r}, which does not stand in {at}",
                fix=f"use one of {', '.join(words)}, or add {name!r} to {at}",
            )


def _channels(actions: ActionCatalogue, guardrails: Guardrails) -> Iterator[Named]:
    for name, occasion in actions.occasions.items():
        yield Named(f"actions.toml occasions.{name}.channel", occasion.channel, "channel")
    for action in actions.actions:
        for channel in action.channels:
            yield Named(f"actions.toml actions.{action.id}.channels", channel, "channel")
        for channel in _compared(action.eligible, "channel"):
            yield Named(f"actions.toml actions.{action.id}.eligible", channel, "channel")
    for channel in guardrails.caps.channels:
        yield Named("guardrails.toml caps.channels", channel, "channel")
    for channel in guardrails.quiet_hours.channels:
        yield Named("guardrails.toml quiet_hours.channels", channel, "channel")
    for channel in _compared(guardrails.stress.when, "channel"):
        yield Named("guardrails.toml stress.when", channel, "channel")


def _occasions(actions: ActionCatalogue) -> Iterator[Named]:
    for action in actions.actions:
        for occasion in (*action.occasions, *_compared(action.eligible, "occasion")):
            yield Named(f"actions.toml actions.{action.id}", occasion, "occasion")


def _sources(policy: ConsentPolicy, features: Catalogue) -> Iterator[Named]:
    for name, purpose in policy.purposes.items():
        for source in _named_sources(purpose):
            yield Named(f"consent.toml purposes.{name}.sources", source, "source")
    for feature in features.features:
        for source in sorted(feature.lineage):
            yield Named(f"features.py {feature.name}", source, "source")


def _named_sources(purpose: Purpose) -> tuple[str, ...]:
    """Give the sources a purpose names; one that names none has all that the bank has."""
    return () if purpose.sources == SWITCHABLE else purpose.sources


def _check_served(action: Action, expression: Expression, *, policy: ConsentPolicy) -> None:
    foreseen = action.about is not None or not FORESEEN.isdisjoint(expression.names)
    needed: tuple[tuple[Role | None, bool, str], ...] = (
        (action.role, True, f"the kind {action.kind!r}"),
        ("protection", action.credit, "a credit"),
        ("protection", action.asks is not None, "asking for a permission"),
        ("forecast", foreseen, "something foreseen"),
    )
    for role, asks, what in needed:
        if role is not None and asks and not policy.serving(role):
            raise MalformedDocument(
                field=f"actions.toml actions.{action.id}",
                shape=f"{what}, which needs a purpose that serves {role!r}; none does in {PURPOSES}",
                fix=f'leave the action out, or write serves = "{role}" below one of {", ".join(policy.purposes)}',
            )
    purpose = policy.serving(action.role) if action.role is not None else ""
    open_to = policy.purposes[purpose].sources if purpose else ()
    for source in action.needs if purpose else ():
        if source not in open_to or source not in policy.sources:
            raise MalformedDocument(
                field=f"actions.toml actions.{action.id}",
                shape=f"the source {source!r}, which does not stand in consent.toml purposes.{purpose}.sources",
                fix=f"read one of {', '.join(open_to)} only, or add {source!r} there and to {SOURCES}",
            )


def _check_asks(action: Action, *, policy: ConsentPolicy) -> None:
    """Check that there is what an action asks for, and that asking for it is no marketing.

    It asks for the purpose that its kind serves, of which the person allows another source by then.
    """
    field, purpose = f"actions.toml actions.{action.id}.asks", policy.serving(action.role) if action.role else ""
    if purpose and "marketing" in policy.purposes[purpose].roles:
        raise MalformedDocument(
            field=field,
            shape=f"the purpose {purpose!r}, which serves marketing: asking for it would be marketing itself",
            fix=f"leave the action out, or let another purpose serve {action.role!r} in {PURPOSES}",
        )
    sources = [source for source in policy.sources_of(purpose) if source not in action.needs] if purpose else []
    if action.asks not in sources or len(policy.sources_of(purpose)) == 1:
        raise MalformedDocument(
            field=field,
            shape=f"the source {action.asks!r}, which the purpose {purpose!r} does not ask for, or needs to ask for it",
            fix=f"ask for one beside another that it reads, of consent.toml purposes.{purpose}.sources: "
            f"{', '.join(sources) or 'there is none'}",
        )


def _compared(condition: str, name: str) -> Iterator[str]:
    """Give the texts that a condition compares a name with."""
    for node in ast.walk(ast.parse(condition.strip(), mode="eval")):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Name) and side.id == name for side in sides):
                for side in sides:
                    if isinstance(side, ast.Constant) and isinstance(side.value, str):
                        yield side.value
