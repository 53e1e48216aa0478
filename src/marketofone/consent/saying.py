"""What is said about consent, checked and spelled out word by word before it is recorded.

*Here and now* (:func:`explicit`): every word is one of the policy, purposes are named in their present versions, and a
grant gets its end. *At another bank, or before* (:func:`brought`): it opens here no more than it did there.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from marketofone.consent.gate import is_under_age
from marketofone.consent.ledger import (
    ENDING,
    EVERY,
    NEVER_ASKED,
    PAUSE_DAYS,
    ConsentChange,
    Consents,
    plain_of,
    stopped_by_person,
)
from marketofone.consent.policy import ConsentPolicy, ConsentScope
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.languages import message
from marketofone.domain.moment import DAY, Instant, check_instant, text_of


def explicit(
    change: ConsentChange, *, policy: ConsentPolicy, now: Instant, consents: Consents = NEVER_ASKED
) -> ConsentChange:
    """Check a change against the policy, name its words one by one, and give a grant its end.

    A no holds at once: a past date that it names is kept as ``since`` and changes nothing about that. ``consents`` are
    what was said before, and of whom: what is barred under age is no part of a yes to everything.

    Raises
    ------
    MalformedRequest
        When it names a word the policy does not have, begins later than now or at no instant, or ends before it begins;
        or when it is a yes to what is barred under age, or one of before to somebody who is of age now; or when a
        delegate would open only what the person refused, or end what they stopped.
    """
    match change.change:
        case "object" | "lift":
            spelled = _of_marketing(change, policy=policy)
        case "pause" | "resume":
            spelled = _of_purposes(change, policy=policy)
        case "grant" | "withdraw":
            change = _in_present_versions(change, policy=policy)
            spelled = {field: _spelled(field, getattr(change, field), allowed) for field, allowed in _words(policy)}
            if change.change == "grant":
                spelled["purposes"] = _of_age(change, spelled["purposes"], consents, policy=policy, now=now)
            change = replace(change, versions=_versions(spelled["purposes"], policy=policy))
    if check_instant(change.since, field="since") > now:
        raise MalformedRequest(field="since", shape="a moment in the future", fix="say it when it begins")
    if change.lent:
        _check_lent(replace(change, **spelled), consents, policy=policy, now=now)
    until = _end(change, policy=policy, now=now) if change.change in ENDING else None
    return replace(change, until=until, **spelled)


def _check_lent(change: ConsentChange, consents: Consents, *, policy: ConsentPolicy, now: Instant) -> None:
    """Check that what a delegate says is no yes against the person's own no."""
    ids = (consents, *consents.others)
    if change.change in ("lift", "resume"):
        words = (EVERY,) if change.change == "lift" else change.purposes
        if all(any(stopped_by_person(one, word, now=now) for one in ids) for word in words):
            shape = message("what the customer stopped themselves")
            raise MalformedRequest(field="change", shape=shape, fix=message("only they can go on with it"))
    if change.change == "grant":
        scopes = [scope for scope in policy.scopes() if _is_meant(scope, change)]
        if scopes and all(any(one.refusal(scope) for one in ids) for scope in scopes):
            shape = message("what the customer refused themselves")
            raise MalformedRequest(field="purposes", shape=shape, fix=message("only they can say yes to it again"))


def _is_meant(scope: ConsentScope, change: ConsentChange) -> bool:
    return scope.purpose in change.purposes and scope.source in change.sources and scope.channel in change.channels


def _of_age(
    change: ConsentChange, purposes: tuple[str, ...], consents: Consents, *, policy: ConsentPolicy, now: Instant
) -> tuple[str, ...]:
    """Give the purposes of a yes that are open at the age of a person: none that is barred, and none of before."""
    if consents.born is None:
        return purposes
    if not is_under_age(consents, policy=policy, now=now):
        if change.since < policy.came_of_age(consents.born):
            shape = "a day before the customer came of age"
            raise MalformedRequest(field="since", shape=shape, fix="leave it out: nothing of before carries over")
        return purposes
    barred = policy.barred.intersection(change.purposes)
    left = tuple(name for name in purposes if name not in policy.barred)
    if barred or not left:
        shape = "one that is barred for who is under age"
        fix = f"use one of {', '.join(name for name in _asked(policy) if name not in policy.barred)}"
        raise MalformedRequest(field="purposes", shape=shape, fix=fix)
    return left


def _in_present_versions(change: ConsentChange, *, policy: ConsentPolicy) -> ConsentChange:
    """Take purposes by their plain names, or by the version that is meant (``care@1``), if it is the present one."""
    plain = tuple(plain_of(word) for word in change.purposes)
    for name, word in zip(plain, change.purposes, strict=True):
        if name != word and name in policy.purposes and word != f"{name}@{policy.purposes[name].version}":
            raise MalformedRequest(
                field="purposes",
                shape="another version of a purpose than the present one",
                fix="read its notice again: what it is for changed",
            )
    return change if plain == change.purposes else replace(change, purposes=plain)


def _versions(purposes: tuple[str, ...], *, policy: ConsentPolicy) -> tuple[int, ...] | UnsetType:
    versions = tuple(policy.purposes[name].version for name in purposes)
    return UNSET if set(versions) == {1} else versions


def _check_all(change: ConsentChange, *fields: str, of: str) -> None:
    for field in fields:
        if not {EVERY}.issuperset(getattr(change, field)):
            raise MalformedRequest(
                field=field, shape=f"words beside a change {change.change!r}", fix=f"leave it out: it is about all {of}"
            )


def _of_purposes(change: ConsentChange, *, policy: ConsentPolicy) -> dict[str, tuple[str, ...]]:
    """Name the purposes of a pause, with every source and channel of theirs."""
    _check_all(change, "sources", "channels", of="sources and channels of a purpose")
    words = dict(_words(policy))
    purposes = _spelled("purposes", change.purposes or (EVERY,), words["purposes"])
    return {"purposes": purposes, "sources": tuple(words["sources"]), "channels": policy.ways}


def _of_marketing(change: ConsentChange, *, policy: ConsentPolicy) -> dict[str, tuple[str, ...]]:
    """Name what an objection closes on this day; it holds for whatever serves marketing later, too."""
    _check_all(change, "purposes", "sources", "channels", of="marketing")
    purposes = tuple(name for name, spec in policy.purposes.items() if "marketing" in spec.roles)
    asked_for = {source for name in purposes for source in policy.purposes[name].sources}
    sources = tuple(source for source in policy.sources if source in asked_for)
    return {"purposes": purposes, "sources": sources, "channels": policy.ways}


def _words(policy: ConsentPolicy) -> tuple[tuple[str, list[str]], ...]:
    purposes = _asked(policy)
    switchable = {source for name in purposes for source in policy.purposes[name].sources}
    sources: list[str] = [source for source in policy.sources if source in switchable]
    return (("purposes", purposes), ("sources", sources), ("channels", list(policy.channels)))


def _asked(policy: ConsentPolicy) -> list[str]:
    return [name for name, spec in policy.purposes.items() if spec.basis == "consent"]


def _spelled(field: str, words: tuple[str, ...], allowed: Sequence[str]) -> tuple[str, ...]:
    if not words:
        raise MalformedRequest(field=field, shape="an empty list", fix="name at least one, or *")
    if any(word != EVERY and word not in allowed for word in words):
        raise MalformedRequest(
            field=field, shape="a word consent.toml does not have", fix=f"use one of {', '.join(allowed)}, or *"
        )
    return tuple(word for word in allowed if EVERY in words or word in words)


def _end(change: ConsentChange, *, policy: ConsentPolicy, now: Instant) -> Instant:
    """Give the end of a grant or a pause: what it asks for, at most the bank's limit from now on."""
    days = policy.grant_days if change.change == "grant" else policy.pause_days
    limit = Instant(now + days * DAY)
    if change.until is None:
        return limit if change.change == "grant" else Instant(now + min(PAUSE_DAYS, days) * DAY)
    if change.until <= now:
        raise MalformedRequest(field="until", shape="not after now", fix="give a later moment")
    if change.until > limit:
        raise MalformedRequest(
            field="until", shape=f"later than {days} days from now", fix=f"end it by {text_of(limit)}"
        )
    return change.until


def latest_end(now: Instant, *, policy: ConsentPolicy) -> Instant:
    """Give the latest moment at which a grant given now may end."""
    return Instant(now + policy.grant_days * DAY)


def brought(change: ConsentChange, *, policy: ConsentPolicy, now: Instant) -> ConsentChange | None:
    """Check what was said at another bank, or before, so that it opens here no more than it did there.

    It holds as it was said: a yes that has ended stays ended. Words that this bank does not ask about are left out; it
    is None for a yes of which nothing is left, and anything else is kept all the same.

    Raises
    ------
    MalformedRequest
        When it names everything at once, begins later than now, is a yes with no end or a later one than may be, or a
        pause with no end.
    """
    spelled: dict[str, tuple[str, ...]] = {}
    for field, allowed in _words(policy):
        words: tuple[str, ...] = getattr(change, field)
        if EVERY in words:
            raise MalformedRequest(field=field, shape="*", fix="name each: a yes covers what could be asked that day")
        if change.change == "grant" and not words:
            raise MalformedRequest(field=field, shape="an empty list", fix="name at least one")
        spelled[field] = tuple(word for word in allowed if word in words)
    if check_instant(change.since, field="since") > now:
        raise MalformedRequest(field="since", shape="a moment in the future", fix="give when it was said")
    if change.change == "withdraw" and change.until is not None:
        raise MalformedRequest(field="until", shape="an end", fix="a withdrawal holds until a new grant: leave it out")
    if change.change == "pause" and change.until is None:
        raise MalformedRequest(
            field="until", shape="missing", fix="give when the pause ends: without an end it is none"
        )
    versions = _versions_kept(change, spelled["purposes"])
    if change.change == "grant":
        _check_end(change.until, limit=latest_end(now, policy=policy), days=policy.grant_days)
        if not all(spelled.values()):
            return None
    return replace(change, versions=versions, **spelled)


def _versions_kept(change: ConsentChange, kept: tuple[str, ...]) -> tuple[int, ...] | UnsetType:
    if change.versions is UNSET:
        return UNSET
    if len(change.versions) != len(change.purposes):
        raise MalformedRequest(field="versions", shape="not one for each purpose", fix="give one for each, or none")
    told = dict(zip(change.purposes, change.versions, strict=True))
    return tuple(told[name] for name in kept)


def _check_end(until: Instant | None, *, limit: Instant, days: int) -> None:
    """Check that a yes that is brought ends, whether it has ended yet or not."""
    if until is None or until > limit:
        shape = "missing" if until is None else f"later than {days} days from now"
        raise MalformedRequest(field="until", shape=shape, fix=f"end it by {text_of(limit)}")
