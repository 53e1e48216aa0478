"""Grants and withdrawals, folded into what holds now.

A person's consents are the fold of their consent changes in the order of the log. Nothing is ever overwritten: the
ledger is the list, this module only reads it. The *epoch* counts changes; a permit carries it, so that a decision made
under an older epoch can be recognised and computed again.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from marketofone.consent.policy import ConsentPolicy, ConsentScope
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import DAY, Instant

State = Literal["granted", "withdrawn", "expired", "not_yet", "never"]
EVERY = "*"


class ConsentChange(Struct, frozen=True, kw_only=True):
    """One thing a person (or somebody on a stated authority) said about consent.

    ``purposes``, ``sources`` and ``channels`` name words of the policy, or ``*`` for all of them. ``since`` is
    from when on it holds, ``until`` (grants only) when it ends by itself.
    """

    customer: str
    change: Literal["grant", "withdraw"]
    purposes: tuple[str, ...]
    sources: tuple[str, ...]
    channels: tuple[str, ...]
    since: Instant
    until: Instant | None = None
    actor: str = "customer"
    authority: str = ""


class Validity(Struct, frozen=True, kw_only=True, array_like=True):
    """What was last said about one cell."""

    granted: bool
    since: Instant
    until: Instant | None


class Consents(Struct, frozen=True, kw_only=True, array_like=True):
    """What one person said, cell by cell, and how often they changed it.

    Each cell keeps what was said, oldest first. A yes counts from its ``since`` on, and what was true before it stays
    answerable. A no, while it is the last word, holds for every question, also for one about an earlier moment.
    """

    epoch: int
    scopes: Mapping[ConsentScope, tuple[Validity, ...]]

    def validity(self, scope: ConsentScope, now: Instant) -> Validity | None:
        """Give what holds of a cell at a moment: the last word when it is a no, else the last that had begun."""
        said = self.scopes.get(scope, ())
        if said and not said[-1].granted:
            return said[-1]
        return next((one for one in reversed(said) if one.since <= now), None)

    def state(self, scope: ConsentScope, now: Instant) -> State:
        """Say how a cell stands at a moment. Absence of information is a refusal."""
        validity = self.validity(scope, now)
        if validity is None:
            return "not_yet" if scope in self.scopes else "never"
        if not validity.granted:
            return "withdrawn"
        if validity.until is not None and now >= validity.until:
            return "expired"
        return "granted"

    def refused_after(self, since: Instant) -> bool:
        """Say whether any cell holds a no that was said for a later moment: an older yes must not cover it."""
        return any(one.since > since and not one.granted for said in self.scopes.values() for one in said)

    def granted(self, *, purpose: str, source: str, channel: str, now: Instant) -> bool:
        """Say whether one cell is granted at a moment."""
        return self.state(ConsentScope(purpose=purpose, source=source, channel=channel), now) == "granted"


NOBODY_ASKED = Consents(epoch=0, scopes={})


def apply(consents: Consents, change: ConsentChange, *, policy: ConsentPolicy) -> Consents:
    """Give the consents after one more change."""
    validity = Validity(granted=change.change == "grant", since=change.since, until=change.until)
    scopes = dict(consents.scopes)
    for scope in policy.scopes():
        if (
            _names(change.purposes, scope.purpose)
            and _names(change.sources, scope.source)
            and _names(change.channels, scope.channel)
        ):
            before = (one for one in scopes.get(scope, ()) if one.since < validity.since)
            scopes[scope] = (*before, validity)
    return Consents(epoch=consents.epoch + 1, scopes=scopes)


def fold(changes: Iterable[ConsentChange], *, policy: ConsentPolicy) -> Consents:
    """Fold a person's changes, in the order of the log."""
    consents = NOBODY_ASKED
    for change in changes:
        consents = apply(consents, change, policy=policy)
    return consents


def check(change: ConsentChange, *, policy: ConsentPolicy) -> ConsentChange:
    """Check a change against the policy.

    Raises
    ------
    MalformedRequest
        When it names a word the policy does not have, or ends before it begins.
    """
    known: tuple[tuple[str, tuple[str, ...], Container[str]], ...] = (
        ("purposes", change.purposes, [name for name, spec in policy.purposes.items() if spec.basis == "consent"]),
        ("sources", change.sources, policy.sources),
        ("channels", change.channels, policy.channels),
    )
    for field, words, allowed in known:
        if not words:
            raise MalformedRequest(field=field, shape="an empty list", fix="name at least one, or *")
        if any(word != EVERY and word not in allowed for word in words):
            raise MalformedRequest(field=field, shape="a word consent.toml does not have", fix="see consent.toml")
    if change.until is not None and change.until <= change.since:
        raise MalformedRequest(field="until", shape="not after its beginning", fix="give a later moment")
    return change


def default_until(since: Instant, *, policy: ConsentPolicy) -> Instant:
    """Give the moment at which a grant ends when nobody says otherwise."""
    return Instant(since + policy.grant_days * DAY)


def _names(words: tuple[str, ...], word: str) -> bool:
    return EVERY in words or word in words


def common(people: Sequence[Consents]) -> Mapping[ConsentScope, tuple[Validity, ...]]:
    """Give what several customers, found to be one person, all allow: nobody's yes opens what another left shut.

    A no of any of them stands. Where all said yes, the last beginning and the first end count.
    """
    scopes: dict[ConsentScope, tuple[Validity, ...]] = {}
    for scope in people[0].scopes if people else ():
        last = [one.scopes[scope][-1] for one in people if scope in one.scopes]
        noes = [validity for validity in last if not validity.granted]
        if noes:
            scopes[scope] = (noes[0],)
        elif len(last) == len(people):
            ends = [validity.until for validity in last if validity.until is not None]
            since = max(validity.since for validity in last)
            scopes[scope] = (Validity(granted=True, since=since, until=min(ends, default=None)),)
    return scopes
