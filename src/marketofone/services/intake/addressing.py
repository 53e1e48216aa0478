"""To whom goes what arrives about an account, or about a holder who was forgotten.

It goes to a holder of the account; what takes something of it back, to each of them, for it may come before that, and
a holder who was told may be forgotten meanwhile. What takes something back from a holder who was forgotten goes to
those who are left and keep it. Where every holder was forgotten, what is booked on an account is turned away: its name
is no customer, and what takes something of it back has nothing left to do.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from marketofone.domain.event import REMOVED, Event
from marketofone.domain.moment import Instant
from marketofone.services.intake.arrivals import Arrival, about
from marketofone.services.intake.joint_accounts import BOOKED, MOST_HOLDERS, HolderLook, account_of
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.directory import holder_mark


class Addressed(NamedTuple):
    """Arrivals about customers; those ``orphaned``, whose account no holder is known of; and how many were ``done``.

    ``beside`` are the same for further holders, who count as no row.
    """

    arrivals: list[Arrival]
    beside: list[Arrival] = []  # noqa: RUF012 - never changed
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
    kept, beside, orphaned, done = list[Arrival](), list[Arrival](), 0, 0
    with context.store.read() as reader:
        look = HolderLook(context, reader)
        for arrival in arrivals:
            event = arrival.event
            to = _addressed(look, arrival) if is_addressed(event) else []
            if not to and event.kind == REMOVED and event.customer in forgotten:
                to = [about(arrival, one.name) for one in look.left_with(event)]
            if to:
                kept.append(to[0])
                beside += to[1:]
            elif event.kind == REMOVED and event.customer in closed:
                done += 1
            elif event.kind in BOOKED and event.customer == account_of(event) and event.customer in closed:
                orphaned += 1
            else:
                kept.append(arrival)
    return Addressed(kept, beside, orphaned, done)


def accounts_among(context: AppContext, names: Collection[str]) -> set[str]:
    """Give those of some names that no customer has, and an account."""
    unknown = set(names) - context.keys.find(names).keys()
    if not unknown:
        return set()
    with context.store.read() as reader:
        return {name for name in unknown if reader.holders(holder_mark(context.keys, name), limit=1)}


def _addressed(look: HolderLook, arrival: Arrival) -> list[Arrival]:
    """Give an arrival as one about the first holder of its account, a removal about each, first who keeps what goes.

    Nothing is given where it stays as it is.
    """
    event = arrival.event
    mark = look.mark(event.customer if event.kind == REMOVED else account_of(event))
    since = {one.customer: one.since for one in look.linked(mark) if one.since is not None}
    if any(one.name == event.customer for one in since):
        return []
    holders = sorted(since, key=lambda one: (since[one], one.subject))
    if event.kind == REMOVED:
        holders.sort(key=lambda one: not look.keeps_removed(one, event))
        return [about(arrival, one.name) for one in (holders if len(holders) <= MOST_HOLDERS else holders[:1])]
    if event.customer != account_of(event):  # of a holder who was forgotten
        holders = [one for one in holders if look.counts_for(one, event, mark)]
    return [about(arrival, one.name) for one in holders[:1]]
