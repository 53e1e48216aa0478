"""The gate: the only place where an event becomes usable and a purpose becomes permitted.

``Admitted`` and ``Permit`` are made here and nowhere else (a test reads every syntax tree to make sure), and the rooms
behind the gate accept nothing else; forgetting the gate is a type error. There are three outcomes: admitted, refused,
and gap: what cannot be judged is treated as refused and recorded apart.

A yes opens the version of a purpose that it was given to, and no other.

A licence that came with data of another bank is a ceiling: beyond it all is refused, whatever was granted here. An
objection to marketing stops every purpose that serves it, and a pause those that it names, whatever is granted. So it
is with what is barred for who is under age; and a yes that was said under age has ended once they are of age.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from marketofone.consent.ledger import Consents, State, Validity
from marketofone.consent.licence import GOVERNED, beyond, ended, has_ended, has_outlived, no_offers, without_offers
from marketofone.consent.narrowing import ended_at
from marketofone.consent.policy import ConsentPolicy, ConsentScope
from marketofone.domain.event import Event, under_account
from marketofone.domain.languages import message
from marketofone.domain.moment import Instant
from marketofone.domain.role import Role

# Of several channels the first of these tells.
_TELLING: tuple[State, ...] = ("granted", "withdrawn", "expired", "changed", "not_yet", "never")
WHY = {
    "never": message("you have not allowed it"),
    "withdrawn": message("you said no"),
    "expired": message("your permission has ended"),
    "not_yet": message("your permission has not begun"),
    "changed": message("what it is for changed since you allowed it"),
    "objected": message("you said no to all offers"),
    "paused": message("you paused this for some time"),
    "under_age": message("it is not open to anybody under age"),
}

Verdict = tuple[frozenset[str], Mapping[str, str]]
"""The sources that a purpose may use, and why not the others."""

_JUDGED = 4_096
"""What people say, in so many ways: more is judged anew."""

NEVER = WHY["never"]
NOT_GRANTED = message("no purpose may use this source")
REFUSED = message("%(source)s is refused for %(purpose)s: %(text_why)s")
NOT_USED = message("the bank does not use it")
LESS_NOW = message("what you allowed at another bank has ended or became less")
NOT_DONE = "this bank does not do that: no purpose in consent.toml serves it"


class Admitted(Struct, frozen=True, kw_only=True, gc=False):
    """An event that at least one granted purpose may use."""

    event: Event


class Refused(Struct, frozen=True, kw_only=True, gc=False):
    """An event that no granted purpose may use."""

    event: Event
    why: str


class Gap(Struct, frozen=True, kw_only=True, gc=False):
    """An event that cannot be judged, because the policy does not know its source. Treated as refused."""

    event: Event
    why: str


class Permit(Struct, frozen=True, kw_only=True, gc=False):
    """Leave to use some sources of one person for one purpose through one channel (empty: none).

    ``refused`` names the other sources of the purpose and why each may not be used, ``partly`` those of which a part
    may not be used, and why. ``serves`` says what it is for.
    """

    customer: str
    purpose: str
    channel: str
    epoch: int
    sources: frozenset[str]
    refused: Mapping[str, str]
    serves: frozenset[Role] = frozenset()
    partly: Mapping[str, str] = {}

    @property
    def withheld(self) -> Mapping[str, str]:
        """Every source of which something may not be used, and why."""
        return {**self.partly, **self.refused}


def admit(
    events: Sequence[Event], consents: Consents, *, policy: ConsentPolicy, now: Instant
) -> list[Admitted | Refused | Gap]:
    """Judge one person's events at a moment, in their order."""
    licences = consents.licences
    verdicts: dict[str, str | None] = {}
    judged: list[Admitted | Refused | Gap] = []
    for event in events:
        source = event.source
        if source not in verdicts:
            verdicts[source] = _why_not(source, consents, policy=policy, now=now)
        why = verdicts[source]
        if why is None and licences:
            why = beyond(event, licences, now=now)
        if why is None:
            judged.append(Admitted(event=event))
        elif source in policy.sources:
            judged.append(Refused(event=event, why=why))
        else:
            judged.append(Gap(event=event, why=why))
    return judged


def renamed(admitted: Admitted, account: str) -> Admitted:
    """Give an admitted event under another name of its account; it was judged under the one it came with."""
    return Admitted(event=under_account(admitted.event, account))


def admissible_sources(consents: Consents, *, policy: ConsentPolicy, now: Instant) -> frozenset[str]:
    """Name the sources that :func:`admissible` says may be used."""
    consents = as_of_age(consents, policy=policy)
    said = None if consents.others or consents.licences else _said(consents, policy=policy, now=now)
    known = None if said is None else policy.admitted.get(said)
    if known is None:
        every = (*policy.sources, "reference")
        known = frozenset(of for of in every if admissible(of, consents, policy=policy, now=now))
        if said is not None:
            if len(policy.admitted) >= _JUDGED:
                policy.admitted.clear()
            policy.admitted[said] = known
    return known


def admissible(source: str, consents: Consents, *, policy: ConsentPolicy, now: Instant) -> bool:
    """Say whether at least one granted purpose may use a source."""
    return _why_not(source, consents, policy=policy, now=now) is None


def opened_by(source: str, consents: Consents, *, policy: ConsentPolicy, now: Instant) -> tuple[str, ...]:
    """Name the purposes that may use a source through any channel, in the order of the policy."""
    consents = as_of_age(consents, policy=policy)
    open_to = _not_stopped(source, consents, policy=policy, now=now)
    return tuple(
        name
        for name in policy.asking[source].purposes
        if policy.purposes[name].basis == "legal_duty"
        or (name in open_to and consents.opens(source, purposes=(policy.words[name],), channels=policy.ways, now=now))
    )


def stopped(purpose: str, consents: Consents, *, policy: ConsentPolicy, now: Instant) -> State | None:
    """Say what stops a purpose, whatever is granted; None where nothing does.

    That is a bar for who is under age, an objection to marketing, or a pause. What rests on a duty cannot be stopped.
    """
    spec = policy.purposes.get(purpose)
    if spec is None or spec.basis == "legal_duty":
        return None
    if purpose in policy.barred and is_under_age(consents, policy=policy, now=now):
        return "under_age"
    if consents.objects and "marketing" in spec.roles:
        return "objected"
    return "paused" if consents.pauses and consents.paused_until(purpose, now) is not None else None


def is_under_age(consents: Consents, *, policy: ConsentPolicy, now: Instant) -> bool:
    """Say whether a person is known to be under age."""
    return consents.born is not None and now < policy.came_of_age(consents.born)


def as_of_age(consents: Consents, *, policy: ConsentPolicy) -> Consents:
    """Give consents in which each yes that was said under age ends with that age."""
    return consents if consents.born is None else ended_at(consents, policy.came_of_age(consents.born))


def validity_of(scope: ConsentScope, consents: Consents, *, policy: ConsentPolicy) -> Validity | None:
    """Give what was last said about a scope in the present version of its purpose, and until when it holds."""
    return as_of_age(consents, policy=policy).validity(policy.spoken(scope))


def scope_state(scope: ConsentScope, consents: Consents, *, policy: ConsentPolicy, now: Instant) -> State:
    """Say how a scope stands: what was said of it, unless that is a yes that something stops."""
    state = _state(scope, consents, policy=policy, now=now)
    return (stopped(scope.purpose, consents, policy=policy, now=now) or state) if state == "granted" else state


def _why_not(source: str, consents: Consents, *, policy: ConsentPolicy, now: Instant) -> str | None:
    if source == "reference":
        return None
    if source not in policy.sources:
        return message("consent.toml does not know this source")
    consents = as_of_age(consents, policy=policy)
    asking, purposes = policy.asking[source], _not_stopped(source, consents, policy=policy, now=now)
    words = asking.words if purposes is asking.purposes else policy.words_of(purposes)
    if asking.duty or consents.opens(source, purposes=words, channels=policy.ways, now=now):
        return None
    return NOT_GRANTED


def _state(scope: ConsentScope, consents: Consents, *, policy: ConsentPolicy, now: Instant) -> State:
    """Say how a scope stands in the present version of its purpose, by what was said of it."""
    spoken, consents = policy.spoken(scope), as_of_age(consents, policy=policy)
    state = consents.state(spoken, now)
    if state == "never" and spoken is not scope and consents.allowed_before(scope):
        return "changed"
    return state


def _not_stopped(source: str, consents: Consents, *, policy: ConsentPolicy, now: Instant) -> tuple[str, ...]:
    """Name the purposes that ask for a source, that nothing stops, and that no licence bars from it."""
    asking = policy.asking[source].purposes
    if consents.objects or consents.pauses or is_under_age(consents, policy=policy, now=now):
        asking = tuple(name for name in asking if stopped(name, consents, policy=policy, now=now) is None)
    if source != GOVERNED or not without_offers(consents.licences, now):
        return asking
    return tuple(name for name in asking if "marketing" not in policy.purposes[name].roles)


def permit(
    purpose: str,
    consents: Consents,
    *,
    customer: str,
    channel: str | None,
    policy: ConsentPolicy,
    now: Instant,
    made: Instant | None = None,
) -> Permit:
    """Give the permit for one purpose: possibly for no source at all.

    An empty purpose is one that the bank does not have: it opens nothing. Without a channel (the person looks
    themselves, or no customer is reached) a source is open that any channel opens. ``made`` is when something was made
    that is to be used: it may rest on what a licence allowed then, and allows no more.
    """
    ways = policy.ways if channel is None else (channel,)
    judged = _judged((purpose,), ways, consents, policy=policy, now=now)[purpose]
    return _permit(purpose, consents, judged, (customer, channel or ""), policy, now, made)


def permits(
    purposes: tuple[str, ...],
    consents: Consents,
    *,
    customer: str,
    channel: str | None,
    policy: ConsentPolicy,
    now: Instant,
    made: Instant | None = None,
) -> dict[str, Permit]:
    """Give the permits for several purposes, each as :func:`permit` does."""
    judged = _judged(purposes, policy.ways if channel is None else (channel,), consents, policy=policy, now=now)
    return {
        purpose: _permit(purpose, consents, judged[purpose], (customer, channel or ""), policy, now, made)
        for purpose in purposes
    }


def _permit(
    purpose: str,
    consents: Consents,
    judged: Verdict,
    about: tuple[str, str],
    policy: ConsentPolicy,
    now: Instant,
    made: Instant | None,
) -> Permit:
    spec, (granted, refused), (customer, channel) = policy.purposes.get(purpose), judged, about
    roles = frozenset[Role]() if spec is None else spec.roles
    if GOVERNED in granted and consents.licences:
        why = _ceiling(consents, serves=roles, now=now, made=made)
        if why:
            granted, refused = granted - {GOVERNED}, {**refused, GOVERNED: why}
    over = ended(consents.licences, now) if consents.licences and GOVERNED in granted else ()
    return Permit(
        customer=customer,
        purpose=purpose,
        channel=channel,
        epoch=consents.epoch,
        sources=granted,
        refused=refused,
        serves=roles,
        partly={GOVERNED: has_ended(over)} if over else {},
    )


def _judged(
    purposes: tuple[str, ...], channels: tuple[str, ...], consents: Consents, *, policy: ConsentPolicy, now: Instant
) -> Mapping[str, Verdict]:
    """Say which sources purposes may use, and why not the others; by what was said, as if there were no licence.

    Nearly all people say the same few things, so each is judged once under a policy: by its words, and by how each of
    them stands now. Nothing of it depends on who said it, or on any moment.
    """
    if consents.born is not None:  # every check comes here
        consents = as_of_age(consents, policy=policy)
    said = _said(consents, policy=policy, now=now)
    known = None if consents.others else policy.judged.get((purposes, channels, said))
    if known is None:
        known = {of: _sources(of, channels, consents, policy=policy, now=now) for of in purposes}
        if consents.others:
            return known
        if len(policy.judged) >= _JUDGED:
            policy.judged.clear()
        policy.judged[purposes, channels, said] = known
    return known


def _said(consents: Consents, *, policy: ConsentPolicy, now: Instant) -> tuple[object, ...]:
    """Give what somebody says, by its words and by how each of them stands, and what stops it."""
    said = [(one.validity.state(now), one.purposes, one.sources, one.channels) for one in consents.said]
    paused = consents.paused(now) if consents.pauses else ()
    minor = consents.born is not None and is_under_age(consents, policy=policy, now=now)
    if consents.lent:
        return (*said, consents.objects, paused, minor, consents.lent)
    return (*said, consents.objects, paused, minor) if consents.objects or paused or minor else tuple(said)


def _sources(
    purpose: str, channels: tuple[str, ...], consents: Consents, *, policy: ConsentPolicy, now: Instant
) -> Verdict:
    spec = policy.purposes.get(purpose)
    granted: set[str] = set()
    refused: dict[str, str] = {} if purpose else dict.fromkeys(policy.sources, NOT_DONE)
    stop = stopped(purpose, consents, policy=policy, now=now)
    for source in spec.sources if spec is not None else ():
        if source not in policy.sources:
            refused[source] = NOT_USED
        elif spec is not None and spec.basis == "legal_duty":
            granted.add(source)
        else:
            state = _best(purpose, source, channels, consents, policy=policy, now=now)
            if state == "granted" and stop is None:
                granted.add(source)
            else:
                refused[source] = WHY[(stop or state) if state == "granted" else state]
    return frozenset(granted), refused


def _best(
    purpose: str, source: str, channels: Sequence[str], consents: Consents, *, policy: ConsentPolicy, now: Instant
) -> State:
    scopes = (ConsentScope(purpose=purpose, source=source, channel=channel) for channel in channels)
    states = {_state(scope, consents, policy=policy, now=now) for scope in scopes}
    return next((state for state in _TELLING if state in states), "never")


def _ceiling(consents: Consents, *, serves: frozenset[Role], now: Instant, made: Instant | None) -> str:
    """Say why licences close the source that they govern; empty where they do not."""
    if made is not None and has_outlived(consents.licences, made, now):
        return LESS_NOW
    barred = without_offers(consents.licences, now) if "marketing" in serves else ()
    return no_offers(barred) if barred else ""
