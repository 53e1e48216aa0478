"""Lineage of natures: what was found of a movement by other data counts only as long as those may be used.

A *scope* is a part of a person's data that something takes away: a no, or a licence that ends or becomes narrower,
takes ``transactions``, or another bank as ``open_banking/institution``; ids that part take ``journal/number``, which
is another id of the person. What a movement turned out to be names the scopes beside its own that it was found by, and
what it is without them is kept beside it. So what is taken away is so for the next reader, without looking again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from marketofone.consent.licence import GOVERNED, Licences, ended, narrowed
from marketofone.domain.event import Event
from marketofone.domain.moment import Instant
from marketofone.domain.money_events import MovementUnderstood, institution_key
from marketofone.features.state import ELSEWHERE, HERE, MONEY
from marketofone.profile.registers import RESTS_ON, Registers

_JOURNAL = "journal"


class Withheld(NamedTuple):
    """On what nothing may rest for a reader.

    ``scopes`` are sources and scopes that may not be used at all. On those of ``since`` nothing may rest that was found
    before an instant, for less of them may be used from then on. ``journals`` are the only ones that are read, None
    where that is no matter.
    """

    scopes: frozenset[str] = frozenset()
    since: frozenset[tuple[str, Instant]] = frozenset()
    journals: frozenset[int] | None = None


NOTHING_WITHHELD = Withheld()


def scope_of(institution: str | None) -> str:
    """Name the scope of the accounts at an institution, or of those here.

    Examples
    --------
    >>> scope_of(None), scope_of("Other Bank")
    ('transactions', 'open_banking/Other Bank')
    """
    return HERE if institution is None else f"{ELSEWHERE}/{institution}"


def scope_of_id(subject: int) -> str:
    """Name the scope of what another id of a person tells."""
    return f"{_JOURNAL}/{subject}"


def withheld_from(
    sources: Collection[str], licences: Licences, *, now: Instant, journals: Collection[int] | None = None
) -> Withheld:
    """Say on what nothing may rest for a reader of some sources, and of some journals.

    Examples
    --------
    >>> sorted(withheld_from({"transactions"}, (), now=Instant(0)).scopes)
    ['open_banking']
    """
    closed = MONEY - frozenset(sources)
    known = licences if GOVERNED in sources else ()
    return Withheld(
        closed | {scope_of(institution) for institution in ended(known, now)},
        frozenset((scope_of(institution), since) for institution, since in narrowed(known)),
        None if journals is None else frozenset(journals),
    )


def counts(event: Event, withheld: Withheld) -> bool:
    """Say whether an event rests on nothing that is withheld."""
    data = event.data
    if not isinstance(data, MovementUnderstood):
        return True
    return not any(_is_withheld(scope, withheld, found=event.at) for scope in data.rests_on)


def resting(registers: Registers, withheld: Withheld) -> Withheld:
    """Give what is withheld of that on which something in a source may rest, as its registers tell.

    It withholds the same of the source, whichever journals are read.
    """
    told = [name.removeprefix(RESTS_ON) for name in registers if name.startswith(RESTS_ON)]
    if not told:
        return NOTHING_WITHHELD
    gone = frozenset(scope for scope in told if _is_withheld(scope, withheld, found=None))
    less = frozenset((scope, since) for scope in told for of, since in withheld.since if _key(of) == _key(scope))
    return Withheld(gone, less)


def _is_withheld(scope: str, withheld: Withheld, *, found: Instant | None) -> bool:
    """Say whether a scope, or all of its source, is withheld, however the name of an institution is written."""
    source, _, name = scope.partition("/")
    if source == _JOURNAL:
        return withheld.journals is not None and int(name) not in withheld.journals
    if source in withheld.scopes or _key(scope) in map(_key, withheld.scopes):
        return True
    return found is not None and any(found < since and _key(of) == _key(scope) for of, since in withheld.since)


def _key(scope: str) -> tuple[str, str]:
    source, _, institution = scope.partition("/")
    return source, institution_key(institution)
