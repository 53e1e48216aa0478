"""What narrows what people allow, beside what they say: licences of other banks, and age."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from marketofone.consent.ledger import ConsentEntry, Consents
from marketofone.consent.licence import licensed
from marketofone.consent.minors import birth_told
from marketofone.domain.event import Event
from marketofone.domain.moment import Instant


def ended_at(consents: Consents, moment: Instant) -> Consents:
    """Give consents in which each yes that was said before a moment ends then, where it does not end earlier."""
    if consents.others:
        consents = replace(consents, others=tuple([ended_at(other, moment) for other in consents.others]))
    for said in consents.said:
        if said.validity.since < moment and said.validity.granted:
            return replace(consents, said=tuple([_ended_at(one, moment) for one in consents.said]))
    return consents  # as of nearly all people: what they allow they said when of age


def _ended_at(said: ConsentEntry, moment: Instant) -> ConsentEntry:
    validity = said.validity
    if not validity.granted or validity.since >= moment or (validity.until is not None and validity.until <= moment):
        return said
    return replace(said, validity=replace(validity, until=moment))


def with_facts(consents: Consents, events: Iterable[Event], *, recorded: Instant) -> Consents:
    """Give one customer's consents after some events, recorded at an instant: they may tell licences, or a birth."""
    events = list(events)
    licences = licensed(consents.licences, events, recorded=recorded)
    return replace(consents, licences=licences, born=birth_told(consents.born, events))
