"""What is asked: a request made whole from what somebody names, with the words of the bank's documents."""

from __future__ import annotations

from typing import TypedDict, Unpack
from uuid import uuid4

from marketofone.decide.catalogue import ActionCatalogue
from marketofone.domain.decision import Request
from marketofone.domain.moment import Instant


class Where(TypedDict, total=False):
    """Where an answer is shown: a placement, and how many places there are."""

    placement: str | None
    slots: int | None


def request_of(
    catalogue: ActionCatalogue,
    customer: str,
    *,
    occasion: str,
    now: Instant,
    channel: str | None = None,
    id: str | None = None,  # noqa: A002 - the word of the contract
    **where: Unpack[Where],
) -> Request:
    """Give what is asked about a person, with the channel of the occasion and a fresh id where none is named.

    Without ``slots`` it has as many places as its placement, and one where it names none.

    Raises
    ------
    MalformedRequest
        When the catalogue has no such occasion or placement, or nobody may ask for so many places.
    """
    spec, placement, slots = catalogue.occasion(occasion), where.get("placement"), where.get("slots")
    if slots is None:
        slots = 1 if placement is None else catalogue.placement(placement).slots
    return Request(
        id=id or uuid4().hex,
        customer=customer,
        occasion=occasion,
        channel=channel or spec.channel,
        at=now,
        placement=placement,
        slots=slots,
    )
