"""Lineage of natures: what was found of a movement by other data counts only as long as those may be used.

A *scope* is a part of a person's data that a no, or the end of a licence, takes away: ``transactions``, or another bank
as ``open_banking/institution``. What a movement turned out to be names the scopes beside its own that it was found by,
and what it is without them is kept beside it. So a no takes effect for the next reader, without looking again.
"""

from __future__ import annotations

from collections.abc import Collection

from marketofone.consent.licence import GOVERNED, Licences, ended
from marketofone.domain.event import Event
from marketofone.domain.moment import Instant
from marketofone.domain.money_events import MovementUnderstood, institution_key
from marketofone.features.state import ELSEWHERE, HERE, MONEY
from marketofone.profile.registers import RESTS_ON, Registers

NOTHING_WITHHELD: frozenset[str] = frozenset()


def scope_of(institution: str | None) -> str:
    """Name the scope of the accounts at an institution, or of those here.

    Examples
    --------
    >>> scope_of(None), scope_of("Other Bank")
    ('transactions', 'open_banking/Other Bank')
    """
    return HERE if institution is None else f"{ELSEWHERE}/{institution}"


def withheld_from(sources: Collection[str], licences: Licences, *, now: Instant) -> frozenset[str]:
    """Name the sources and scopes on which nothing may rest for a reader of some sources.

    Examples
    --------
    >>> sorted(withheld_from({"transactions"}, (), now=Instant(0)))
    ['open_banking']
    """
    over = ended(licences, now) if GOVERNED in sources else frozenset[str]()
    return (MONEY - frozenset(sources)) | {scope_of(institution) for institution in over}


def counts(event: Event, withheld: Collection[str]) -> bool:
    """Say whether an event rests on nothing that is withheld."""
    data = event.data
    if not withheld or not isinstance(data, MovementUnderstood):
        return True
    return not any(_is_withheld(scope, withheld) for scope in data.rests_on)


def resting(registers: Registers, withheld: Collection[str]) -> frozenset[str]:
    """Name what is withheld of that on which something in a source rests, as its registers tell."""
    if not withheld:
        return NOTHING_WITHHELD
    told = (name.removeprefix(RESTS_ON) for name in registers if name.startswith(RESTS_ON))
    return frozenset(scope for scope in told if _is_withheld(scope, withheld))


def _is_withheld(scope: str, withheld: Collection[str]) -> bool:
    """Say whether a scope, or all of its source, is withheld, however the name of an institution is written."""
    return scope.partition("/")[0] in withheld or _key(scope) in map(_key, withheld)


def _key(scope: str) -> tuple[str, str]:
    source, _, institution = scope.partition("/")
    return source, institution_key(institution)
