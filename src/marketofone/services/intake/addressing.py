"""To whom goes what arrives about an account, or about a holder who was forgotten.

It goes to a holder of the account. Where every holder was forgotten, what is booked on it is turned away: its name is
no customer, and what takes something of it back has nothing left to do.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from marketofone.domain.event import REMOVED, Event
from marketofone.domain.moment import Instant
from marketofone.services.intake.arrivals import Arrival, about
from marketofone.services.intake.joint_accounts import BOOKED, HolderLook, account_of
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.directory import holder_mark


class Addressed(NamedTuple):
    """Arrivals about customers; those ``orphaned``, whose account no holder is known of; and how many were ``done``."""

    arrivals: list[Arrival]
    orphaned: int = 0
    done: int = 0


def addressed(context: AppContext, arrivals: list[Arrival], *, now: Instant) -> Addressed:
    """Give arrivals about an account, or about a holder who was forgotten, as arrivals about one of its holders.

    Those about names that neither a customer nor an account has stay as they are. What came about an account before
    its holders were told has made a customer of its name; that one holds nothing.
    """
    names = {arrival.event.customer for arrival in arrivals}
    unknown = names - context.keys.find(names).keys()
    forgotten = context.keys.barred(unknown, now=now) if unknown else set[str]()

    def is_addressed(event: Event) -> bool:
        if event.kind == REMOVED:
            return event.customer in unknown
        return event.kind in BOOKED and (event.customer in forgotten or account_of(event) == event.customer)

    if not any(is_addressed(arrival.event) for arrival in arrivals):
        return Addressed(arrivals)
    closed = context.keys.barred(unknown, now=now, what="holder")
    kept, orphaned, done = list[Arrival](), 0, 0
    with context.store.read() as reader:
        look = HolderLook(context, reader)
        for arrival in arrivals:
            to, event = _addressed(look, arrival) if is_addressed(arrival.event) else arrival, arrival.event
            if to is not arrival:
                kept.append(to)
            elif event.kind == REMOVED and event.customer in closed:
                done += 1
            elif event.kind in BOOKED and event.customer == account_of(event) and event.customer in closed:
                orphaned += 1
            else:
                kept.append(arrival)
    return Addressed(kept, orphaned, done)


def accounts_among(context: AppContext, names: Collection[str]) -> set[str]:
    """Give those of some names that no customer has, and an account."""
    unknown = set(names) - context.keys.find(names).keys()
    if not unknown:
        return set()
    with context.store.read() as reader:
        return {name for name in unknown if reader.holders(holder_mark(context.keys, name), limit=1)}


def _addressed(look: HolderLook, arrival: Arrival) -> Arrival:
    """Give an arrival as one about the first holder of its account; of a removal, the first who keeps what goes."""
    event = arrival.event
    mark = look.mark(event.customer if event.kind == REMOVED else account_of(event))
    since = {one.customer: one.since for one in look.linked(mark) if one.since is not None}
    if not since or any(one.name == event.customer for one in since):
        return arrival
    holders = sorted(since, key=lambda one: (since[one], one.subject))
    if event.kind != REMOVED and event.customer != account_of(event):  # of a holder who was forgotten
        holders = [one for one in holders if look.counts_for(one, event, mark)]
        return about(arrival, holders[0].name) if holders else arrival
    keep = (one for one in holders if event.kind == REMOVED and look.keeps_removed(one, event))
    return about(arrival, next(keep, holders[0]).name)
