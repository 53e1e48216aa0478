"""What amends earlier events: removals, later versions, what a movement turned out to be, licences, corrections.

A producer may send a movement again under its id with other facts. That is a later version: it is kept under an id of
its own (``later_id``) and replaces the version before. To remove an event is to remove all its versions, those that are
still to come as well.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from marketofone.consent.licence import GOVERNED
from marketofone.domain.event import KINDS, Event, EventRemoved, InferenceCorrected, Source, key_of
from marketofone.domain.money_events import Movement, MovementUnderstood, OpenBankingLicensed
from marketofone.profile.inferences import told_by

_VERSION = re.compile(r"(.+)~v[0-9]+", re.DOTALL)
_ALL = "~v*"


Removals = Mapping[str, Collection[bytes]]
"""The keys of events that were taken back, by their source: what names another source names another event."""


class TakenBack(NamedTuple):
    """What an event takes back: the source, and the keys of events, or of all later versions of one.

    Without keys nothing goes, and yet what was folded of the source holds no more: so it is with a licence, and where a
    person corrects what was concluded from it.
    """

    source: Source
    keys: tuple[bytes, ...]


def later_id(id: str, version: int) -> str:  # noqa: A002 - the word of CloudEvents
    """Name a later version of an event; the first one has the id that the producer gave.

    Examples
    --------
    >>> later_id("payment-7", 1), later_id("payment-7", 2)
    ('payment-7', 'payment-7~v2')
    """
    return id if version == 1 else f"{id}~v{version}"


def taken_back(event: Event) -> tuple[TakenBack, ...]:
    """Say what an event takes back, by source; nothing, mostly."""
    match event.data:
        case Movement(replaces=str(replaced)):
            found = (TakenBack(event.source, _keys(event.producer, replaced, but=first_id(event.id))),)
        case MovementUnderstood():
            found = (TakenBack(event.source, ()),)
        case OpenBankingLicensed():
            found = (TakenBack(GOVERNED, ()),)
        case EventRemoved(type=kind, id=name, producer=named, only=only):
            producer = named or event.producer
            keys = (key_of(producer, name),) if only else _keys(producer, name, but=None)
            found = (TakenBack(KINDS[kind][1], keys),)
        case InferenceCorrected(inference=inference):
            return tuple(TakenBack(source, ()) for source in told_by(inference))
        case _:
            return ()
    return found


def is_taken_back(event: Event, removed: Removals) -> bool:
    """Say whether an event counts no more."""
    keys = removed.get(event.source) if removed else None
    if not keys:
        return False
    if event.key in keys:
        return True
    first = first_id(event.id)
    return first is not None and key_of(event.producer, first + _ALL) in keys


def is_gone(event: Event, removed: Removals) -> bool:
    """Say whether an event and all its versions count no more: a later version of it takes only itself back."""
    return key_of(event.producer, (first_id(event.id) or event.id) + _ALL) in removed.get(event.source, ())


def _keys(producer: str, id: str, *, but: str | None) -> tuple[bytes, ...]:  # noqa: A002 - the word of CloudEvents
    """Give the key of an event and that of all its later versions; a version that replaces another is one of them."""
    first = first_id(id) or id
    return (key_of(producer, id),) if first == but else (key_of(producer, id), key_of(producer, first + _ALL))


def first_id(id: str) -> str | None:  # noqa: A002 - the word of CloudEvents
    """Give the id of which another names a later version; None where it names none."""
    named = _VERSION.fullmatch(id)
    return None if named is None else named[1]
