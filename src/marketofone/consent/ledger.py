"""Grants and withdrawals, folded into what holds now.

A customer's consents are the fold of their consent entries, in the order of the journal. Of two things said about one
scope the later *entry* wins, whatever date it names. A no holds at once, also one that names a past date. Every grant
ends. What several ids of one person allow is what each of them allows: silence is a no.

Entries name purposes, sources and channels explicitly: a yes for everything covers what could be asked about on that
day, and nothing that the bank adds later.

Two things stand beside all that, and beat every grant, also a later one. An objection to marketing stands until it is
lifted. A pause of some purposes ends by itself, without an entry, or when it is resumed. Whoever of the ids of a person
says one of them, says it for all of them. What they stop is the gate's business (``gate.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import astuple, replace

from marketofone.consent.licence import Licences, licensed, shared
from marketofone.consent.policy import ConsentPolicy, ConsentScope
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.event import Event
from marketofone.domain.moment import DAY, Instant, check_instant, text_of

State = Literal["granted", "withdrawn", "expired", "not_yet", "never", "objected", "paused"]
What = Literal["grant", "withdraw", "object", "lift", "pause", "resume"]
TAKING_BACK: frozenset[What] = frozenset({"withdraw", "object"})
"""What takes back what was allowed: what was made of it counts no more, also after another yes."""
ENDING: frozenset[What] = frozenset({"grant", "pause"})
"""What ends by itself."""
PAUSE_DAYS = 30
"""How long a pause lasts that names no end, where the bank allows as much."""
NO_END = "leave it out: a no holds until something else is said"
EVERY = "*"


class ConsentChange(Struct, frozen=True, kw_only=True):
    """One thing a person (or somebody on a stated authority) says about consent.

    ``object`` says no to all marketing, ``lift`` takes that back; both are about nothing else, and need no words.
    ``pause`` is for some time, ``resume`` ends it at once; both are about purposes, all where none is named.
    ``purposes``, ``sources`` and ``channels`` name words of the policy, or ``*`` for all of them. ``since`` is
    from when on it holds, ``until`` (of grants and pauses) when it ends by itself.
    """

    customer: str
    change: What
    purposes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    since: Instant
    until: Instant | None = None
    actor: str = "customer"
    authority: str = ""


class Validity(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What was last said about one scope."""

    granted: bool
    since: Instant
    until: Instant | None

    def holds(self, now: Instant) -> bool:
        """Say whether it is a yes that has begun and not ended."""
        return self.granted and self.since <= now and (self.until is None or now < self.until)

    def state(self, now: Instant) -> State:
        """Say how it stands at a moment."""
        if not self.granted:
            return "withdrawn"
        if now < self.since:
            return "not_yet"
        return "granted" if self.until is None or now < self.until else "expired"


class ConsentEntry(Struct, frozen=True, array_like=True, gc=False):
    """One consent entry: which scopes it is about (every combination of the words), and what it says of them."""

    validity: Validity
    purposes: tuple[str, ...]
    sources: tuple[str, ...]
    channels: tuple[str, ...]

    def hides(self, older: ConsentEntry) -> bool:
        """Say whether nothing that an older entry says still counts beside this one."""
        return (
            set(older.purposes) <= set(self.purposes)
            and set(older.sources) <= set(self.sources)
            and set(older.channels) <= set(self.channels)
        )


Pauses = tuple[tuple[str, Instant], ...]
"""Purposes that were paused, in their order, and until when."""


class Consents(Struct, frozen=True, array_like=True, gc=False):
    """What one customer says: the entries that still count, newest first, and how often they changed it.

    ``others`` are the consents of the other ids of one person; what all of them allow is allowed. ``licences`` are what
    was allowed at other banks: no grant opens more of their data. ``objects`` says that any id objects to marketing,
    ``pauses`` which purposes any of them paused, and until when.
    """

    epoch: int
    said: tuple[ConsentEntry, ...]
    others: tuple[Consents, ...] = ()
    licences: Licences = ()
    objects: bool = False
    pauses: Pauses = ()

    def paused_until(self, purpose: str, now: Instant) -> Instant | None:
        """Say until when a purpose is paused; None where it is not, or not any more."""
        return next((until for name, until in self.pauses if name == purpose and now < until), None)

    def paused(self, now: Instant) -> tuple[str, ...]:
        """Name the purposes that are paused at a moment."""
        return tuple([name for name, until in self.pauses if now < until])

    def validity(self, scope: ConsentScope) -> Validity | None:
        """Give what holds of a scope; None where at least one id of the person never said anything about it."""
        purpose, source, channel = scope.purpose, scope.source, scope.channel
        own = None
        for said in self.said:  # newest first; every permit comes here for every source
            if source in said.sources and purpose in said.purposes and channel in said.channels:
                own = said.validity
                break
        if not self.others:
            return own
        return _joint([own, *(other.validity(scope) for other in self.others)])

    def state(self, scope: ConsentScope, now: Instant) -> State:
        """Say how a scope stands at a moment. Absence of information is a refusal."""
        validity = self.validity(scope)
        return "never" if validity is None else validity.state(now)

    def opens(self, source: str, *, purposes: Sequence[str], channels: Sequence[str], now: Instant) -> bool:
        """Say whether any of some purposes may use a source through any of some channels."""
        if not self.others and len(self.said) == 1:  # nearly everybody: one entry says it all
            (said,) = self.said
            return (
                source in said.sources
                and said.validity.holds(now)
                and _meet(purposes, said.purposes)
                and _meet(channels, said.channels)
            )
        return any(
            self.granted(purpose=purpose, source=source, channel=channel, now=now)
            for purpose in purposes
            for channel in channels
        )

    def granted(self, *, purpose: str, source: str, channel: str, now: Instant) -> bool:
        """Say whether one scope is granted at a moment."""
        return self.state(ConsentScope(purpose=purpose, source=source, channel=channel), now) == "granted"


NEVER_ASKED = Consents(epoch=0, said=())


def apply(consents: Consents, change: ConsentChange) -> Consents:
    """Give one customer's consents after one more entry, whose words are explicit."""
    epoch = consents.epoch + 1
    match change.change:
        case "object" | "lift":
            return replace(consents, epoch=epoch, objects=change.change == "object")
        case "pause" | "resume":
            return replace(consents, epoch=epoch, pauses=_pauses_after(consents.pauses, change))
        case "grant" | "withdraw":
            return replace(consents, epoch=epoch, said=_said_after(consents, change))


def _pauses_after(pauses: Pauses, change: ConsentChange) -> Pauses:
    kept = {name: until for name, until in pauses if name not in change.purposes}
    paused = {} if change.change == "resume" or change.until is None else dict.fromkeys(change.purposes, change.until)
    return tuple(sorted((kept | paused).items()))


def _said_after(consents: Consents, change: ConsentChange) -> tuple[ConsentEntry, ...]:
    said = ConsentEntry(
        Validity(granted=change.change == "grant", since=change.since, until=change.until),
        change.purposes,
        change.sources,
        change.channels,
    )
    return (said, *(older for older in consents.said if not said.hides(older)))


def with_licences(consents: Consents, events: Iterable[Event], *, recorded: Instant) -> Consents:
    """Give one customer's consents after some events, recorded at an instant, that may tell licences."""
    return replace(consents, licences=licensed(consents.licences, events, recorded=recorded))


def fold(changes: Iterable[ConsentChange]) -> Consents:
    """Fold one customer's entries, in the order of the journal."""
    consents = NEVER_ASKED
    for change in changes:
        consents = apply(consents, change)
    return consents


def together(people: Sequence[Consents]) -> Consents:
    """Give what several ids of one person allow together: what each of them allows.

    Examples
    --------
    >>> together([NEVER_ASKED]) is NEVER_ASKED
    True
    """
    if len(people) == 1:
        return people[0]
    first, *others = people
    licences = shared(one.licences for one in people)
    return Consents(
        sum(one.epoch for one in people),
        first.said,
        tuple(others),
        licences,
        objects=any(one.objects for one in people),
        pauses=_longest(one.pauses for one in people),
    )


def _longest(each: Iterable[Pauses]) -> Pauses:
    """Give of each purpose the pause that ends last."""
    longest: dict[str, Instant] = {}
    for name, until in (pair for pauses in each for pair in pauses):
        longest[name] = max(until, longest.get(name, until))
    return tuple(sorted(longest.items()))


def without_pauses(consents: Consents) -> Consents:
    """Give consents as they are once every pause has ended."""
    return replace(consents, pauses=()) if consents.pauses else consents


def plain_form(consents: Consents) -> tuple[object, ...]:
    """Give consents as they are written: what no consents had in the first releases is left away where there is none.

    Examples
    --------
    >>> plain_form(NEVER_ASKED)
    (0, (), (), ())
    """
    fields = astuple(consents)
    kept = 2 if consents.pauses else 1 if consents.objects else 0
    return fields[: len(fields) - 2 + kept]


def explicit(change: ConsentChange, *, policy: ConsentPolicy, now: Instant) -> ConsentChange:
    """Check a change against the policy, name its words one by one, and give a grant its end.

    A no holds at once: a past date that it names is kept as ``since`` and changes nothing about that.

    Raises
    ------
    MalformedRequest
        When it names a word the policy does not have, begins later than now or at no instant, or ends before it begins.
    """
    match change.change:
        case "object" | "lift":
            spelled = _of_marketing(change, policy=policy)
        case "pause" | "resume":
            spelled = _of_purposes(change, policy=policy)
        case "grant" | "withdraw":
            spelled = {field: _spelled(field, getattr(change, field), allowed) for field, allowed in _words(policy)}
    if check_instant(change.since, field="since") > now:
        raise MalformedRequest(field="since", shape="a moment in the future", fix="say it when it begins")
    until = _end(change, policy=policy, now=now) if change.change in ENDING else None
    return replace(change, until=until, **spelled)


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
    purposes = [name for name, spec in policy.purposes.items() if spec.basis == "consent"]
    switchable = {source for name in purposes for source in policy.purposes[name].sources}
    sources: list[str] = [source for source in policy.sources if source in switchable]
    return (("purposes", purposes), ("sources", sources), ("channels", list(policy.channels)))


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


def _meet(some: Sequence[str], others: Sequence[str]) -> bool:
    for one in some:  # noqa: SIM110 - a loop, for most find the first, and every event that arrives asks for it
        if one in others:
            return True
    return False


def _joint(each: Sequence[Validity | None]) -> Validity | None:
    refusal = next((one for one in each if one is not None and not one.granted), None)
    if refusal is not None:
        return refusal
    known = [one for one in each if one is not None]
    if len(known) < len(each):
        return None
    ends = [one.until for one in known if one.until is not None]
    return Validity(granted=True, since=max(one.since for one in known), until=min(ends, default=None))


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
    if change.change == "grant":
        _check_end(change.until, limit=latest_end(now, policy=policy), days=policy.grant_days)
        if not all(spelled.values()):
            return None
    return replace(change, **spelled)


def _check_end(until: Instant | None, *, limit: Instant, days: int) -> None:
    """Check that a yes that is brought ends, whether it has ended yet or not."""
    if until is None or until > limit:
        shape = "missing" if until is None else f"later than {days} days from now"
        raise MalformedRequest(field="until", shape=shape, fix=f"end it by {text_of(limit)}")
