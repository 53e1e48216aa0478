"""The gate: the only place where an event becomes usable and a purpose becomes permitted.

``Admitted`` and ``Permit`` are made here and nowhere else (a test reads every syntax tree to make sure), and the rooms
behind the gate accept nothing else; forgetting the gate is a type error. There are three outcomes: admitted, refused,
and gap: what cannot be judged is treated as refused and recorded apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from marketofone.consent.ledger import Consents
from marketofone.consent.policy import ConsentPolicy, ConsentScope
from marketofone.domain.event import Event
from marketofone.domain.moment import Instant

WHY = {
    "never": "you have not allowed it",
    "withdrawn": "you said no",
    "expired": "your permission has ended",
    "not_yet": "your permission has not begun",
}


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


class Permit(Struct, frozen=True, kw_only=True):
    """Leave to use some sources of one person for one purpose through one channel, under one consent epoch.

    ``refused`` names the other sources of the purpose and why each may not be used.
    """

    customer: str
    purpose: str
    channel: str
    epoch: int
    sources: frozenset[str]
    refused: Mapping[str, str]


def admit(
    events: Sequence[Event], consents: Consents, *, policy: ConsentPolicy, now: Instant
) -> list[Admitted | Refused | Gap]:
    """Judge one person's events at a moment, in their order."""
    verdicts: dict[str, str | None] = {}
    judged: list[Admitted | Refused | Gap] = []
    for event in events:
        source = event.source
        if source not in verdicts:
            verdicts[source] = _objection(source, consents, policy=policy, now=now)
        why = verdicts[source]
        if why is None:
            judged.append(Admitted(event=event))
        elif source in policy.sources:
            judged.append(Refused(event=event, why=why))
        else:
            judged.append(Gap(event=event, why=why))
    return judged


def _objection(source: str, consents: Consents, *, policy: ConsentPolicy, now: Instant) -> str | None:
    if source == "reference":
        return None
    if source not in policy.sources:
        return "consent.toml does not know this source"
    for name, purpose in policy.purposes.items():
        if source not in purpose.sources:
            continue
        if purpose.basis == "legal_duty":
            return None
        if any(consents.granted(purpose=name, source=source, channel=to, now=now) for to in policy.channels):
            return None
    return "no purpose may use this source"


def permit(
    purpose: str, consents: Consents, *, customer: str, channel: str, policy: ConsentPolicy, now: Instant
) -> Permit:
    """Give the permit for one purpose: possibly for no source at all."""
    spec = policy.purposes.get(purpose)
    granted: set[str] = set()
    refused: dict[str, str] = {}
    for source in spec.sources if spec is not None else ():
        if source not in policy.sources:
            refused[source] = "the bank does not use it"
        elif spec is not None and spec.basis == "legal_duty":
            granted.add(source)
        else:
            state = consents.state(ConsentScope(purpose=purpose, source=source, channel=channel), now)
            if state == "granted":
                granted.add(source)
            else:
                refused[source] = WHY[state]
    return Permit(
        customer=customer,
        purpose=purpose,
        channel=channel,
        epoch=consents.epoch,
        sources=frozenset(granted),
        refused=refused,
    )
