"""How a person's consents stand, in few words: for whoever wants to know without reading every scope."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Literal

from msgspec import Struct

from marketofone.consent.gate import scope_state
from marketofone.consent.ledger import Consents
from marketofone.consent.policy import ConsentPolicy
from marketofone.domain.moment import Instant

Switch = Literal["on", "off", "partly"]


class ConsentStanding(Struct, frozen=True, kw_only=True):
    """How a person's consents stand at a moment.

    ``objected`` says that they object to marketing, ``paused_until`` when the last of their pauses ends, None where
    nothing is paused. A permission is one source for one purpose: ``on`` of ``of`` are open through some channel. A
    purpose is ``on`` where all of its scopes are open, ``off`` where none is, also where something stops it.
    """

    objected: bool
    paused_until: Instant | None
    on: int
    of: int
    purposes: Mapping[str, Switch]


def standing(consents: Consents, *, policy: ConsentPolicy, now: Instant) -> ConsentStanding:
    """Say how consents stand, under the purposes that the bank has now.

    Examples
    --------
    >>> from marketofone.consent.ledger import NEVER_ASKED
    >>> from marketofone.consent.policy import Channel, DataSource, Purpose
    >>> policy = ConsentPolicy(
    ...     purposes={"offers": Purpose(title="Offers", notice="We choose.", gives="Offers.", serves="marketing")},
    ...     sources={"app": DataSource(title="App", notice="Used.")},
    ...     channels={"app": Channel(title="App")},
    ... )
    >>> found = standing(NEVER_ASKED, policy=policy, now=Instant(0))
    >>> (found.on, found.of, found.purposes)
    (0, 1, {'offers': 'off'})
    """
    asked = [name for name, spec in policy.purposes.items() if spec.basis == "consent"]
    each: dict[str, list[list[bool]]] = {name: [] for name in asked}
    for (purpose, _), scopes in groupby(policy.scopes(), key=lambda scope: (scope.purpose, scope.source)):
        each[purpose].append([scope_state(of, consents, policy=policy, now=now) == "granted" for of in scopes])
    ends = (consents.paused_until(name, now) for name in asked)
    permissions = [any(channels) for sources in each.values() for channels in sources]
    return ConsentStanding(
        objected=consents.objects,
        paused_until=max((until for until in ends if until is not None), default=None),
        on=sum(permissions),
        of=len(permissions),
        purposes={name: _switch([is_open for of in sources for is_open in of]) for name, sources in each.items()},
    )


def _switch(each: list[bool]) -> Switch:
    if not any(each):
        return "off"
    return "on" if all(each) else "partly"
