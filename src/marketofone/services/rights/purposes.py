"""How each purpose stands with a person: one state for it, one for each of its sources, one for each channel."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from msgspec import Struct

from marketofone.consent.gate import scope_state, stopped, validity_of
from marketofone.consent.ledger import Consents, State
from marketofone.consent.policy import Basis, ConsentPolicy, ConsentScope
from marketofone.consent.standing import Switch
from marketofone.domain.moment import DAY, Instant
from marketofone.services.rights.consent_history import consent_entries
from marketofone.services.rights.consent_service import said_by
from marketofone.services.rights.use_log import unread
from marketofone.services.runtime.app_context import AppContext

ON: State = "granted"
UNNEEDED_DAYS = 90
_LATEST = 100  # entries: whoever says more than that in ninety days is proposed nothing
_ALLOWED: frozenset[State] = frozenset({ON, "paused", "objected", "under_age"})


class ChannelStanding(Struct, frozen=True, kw_only=True):
    """How one scope stands, since when that was said, and when it ends by itself."""

    channel: str
    state: State
    since: Instant | None
    until: Instant | None


class SourceStanding(Struct, frozen=True, kw_only=True):
    """How one source stands for a purpose, channel by channel."""

    source: str
    channels: tuple[ChannelStanding, ...]

    @property
    def state(self) -> Switch:
        """How it stands in all."""
        return _state([of.state == ON for of in self.channels])

    @property
    def allowed(self) -> bool:
        """Whether it was allowed through some channel, also where something stops that."""
        return any(of.state in _ALLOWED for of in self.channels)

    @property
    def since(self) -> Instant | None:
        """When something was last said of it."""
        return max((of.since for of in self.channels if of.since is not None), default=None)

    @property
    def until(self) -> Instant | None:
        """When the first channel that is on ends by itself."""
        return min((of.until for of in self.channels if of.state == ON and of.until is not None), default=None)


class PurposeStanding(Struct, frozen=True, kw_only=True):
    """How one purpose stands with a person, source by source; none where nobody can switch it.

    ``stopped`` says what stops it, whatever was allowed; ``paused_until`` when the pause ends.
    """

    purpose: str
    basis: Basis
    sources: tuple[SourceStanding, ...]
    stopped: State | None
    paused_until: Instant | None

    @property
    def state(self) -> Switch:
        """How it stands in all."""
        return _state([of.state == "on" for of in self.sources], some=self.on > 0)

    @property
    def on(self) -> int:
        """How many of its sources are on, through one channel at least."""
        return sum(of.state != "off" for of in self.sources)

    @property
    def changed(self) -> bool:
        """Whether something of it was allowed, and ended because what it is for changed."""
        return any(channel.state == "changed" for of in self.sources for channel in of.channels)

    @property
    def allowed(self) -> bool:
        """Whether any of its sources was allowed, also where something stops that."""
        return any(of.allowed for of in self.sources)

    @property
    def until(self) -> Instant | None:
        """When the first of them ends by itself."""
        return min((of.until for of in self.sources if of.until is not None), default=None)


def purposes(
    context: AppContext, customer: str, *, now: Instant, as_of: Instant | None = None
) -> dict[str, PurposeStanding]:
    """Give how each purpose stands now, or stood at an earlier moment, by its name and in the order of the policy.

    Raises
    ------
    UnknownCustomer
    """
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        person = snapshot.person(customer)
        consents = person.consents if as_of is None else said_by(reader, person, as_of)
        moment, policy = person.judged(now) if as_of is None else as_of, snapshot.config.policy
    found: dict[str, list[SourceStanding]] = {name: [] for name in policy.purposes}
    for (purpose, source), scopes in groupby(policy.scopes(), key=lambda scope: (scope.purpose, scope.source)):
        channels = tuple(_channel(consents, scope, policy=policy, now=moment) for scope in scopes)
        found[purpose].append(SourceStanding(source=source, channels=channels))
    return {
        name: PurposeStanding(
            purpose=name,
            basis=spec.basis,
            sources=tuple(found[name]),
            stopped=stopped(name, consents, policy=policy, now=moment),
            paused_until=consents.paused_until(name, moment),
        )
        for name, spec in policy.purposes.items()
    }


def unneeded(context: AppContext, customer: str, standing: PurposeStanding, *, now: Instant) -> frozenset[str]:
    """Name the sources that were on for a purpose for :data:`UNNEEDED_DAYS`, and were not read for it in that time.

    What was not read changed no decision, forecast or page: it may be proposed to switch it off.

    Raises
    ------
    UnknownCustomer
    """
    since = Instant(now - UNNEEDED_DAYS * DAY)
    long_on = {of.source for of in standing.sources if of.state != "off"}
    for said in consent_entries(context, customer, purpose=standing.purpose, limit=_LATEST):
        if said.recorded > since:  # whatever was said meanwhile, and whatever day it names: it was not on all the time
            long_on.difference_update(said.change.sources)
    if not long_on:
        return frozenset()
    with context.store.read() as reader:
        person = context.snapshot(reader).person(customer)
        return frozenset(unread(context, reader, person, purpose=standing.purpose, sources=long_on, since=since))


def _channel(consents: Consents, scope: ConsentScope, *, policy: ConsentPolicy, now: Instant) -> ChannelStanding:
    said = validity_of(scope, consents, policy=policy)
    return ChannelStanding(
        channel=scope.channel,
        state=scope_state(scope, consents, policy=policy, now=now),
        since=None if said is None else said.since,
        until=None if said is None else said.until,
    )


def _state(on: Sequence[bool], *, some: bool = False) -> Switch:
    return "on" if on and all(on) else "partly" if some or any(on) else "off"
