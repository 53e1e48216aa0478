"""Opens of an app's parts, heard from the app's events: what they say of the order in which the parts were shown.

1. Events that were just kept are read for screens and functions that are parts put in order (``actions.toml``).
2. They are held against the last order of their placement, for as long as a visit to the app lasts.
3. What was opened was accepted where it stands. What stands above it and was not opened was passed over on the way, so
   it was ignored; of what stands below it is not known whether it was seen.

What is known of a place already stands: what the app told of it, or an earlier event. It is heard only from those who
allow learning from the app.

Source of the third: Craswell, Zoeter, Taylor and Ramsey (2008), An Experimental Comparison of Click Position-Bias
Models, the cascade model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from msgspec import UNSET

from marketofone.domain.cloudevents import read_kept
from marketofone.domain.decision import Decision
from marketofone.domain.errors import UnknownCustomer
from marketofone.domain.event import AppFeatureUsed, AppScreen
from marketofone.domain.moment import MINUTE, Instant
from marketofone.domain.outcome import Outcome
from marketofone.projection import codec
from marketofone.projection.person import Person
from marketofone.projection.reducer import Ordered
from marketofone.projection.snapshot import Snapshot
from marketofone.services.decisions.feedback import record_heard
from marketofone.services.decisions.recorded import decision_at
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.keystore import Customer
from marketofone.store.ports import BANK, Head, Reader

VISIT: Final = 30 * MINUTE
"""For so long after an order was decided, what is opened is opened in that order."""
_KINDS = frozenset({"app.screen", "app.feature"})
_APP = "app"


class Open(NamedTuple):
    """A part of the app that was opened: its placement, the action that stands for it, and when."""

    placement: str
    action: str
    at: Instant


def hear_opens(context: AppContext, entries: Iterable[Head], *, now: Instant) -> int:
    """Hear what events in some entries say of the order of an app's parts; gives how many outcomes were recorded."""
    if not context.config.actions.parts:
        return 0
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        heard = [outcome for head in entries for outcome in _heard_in(context, reader, snapshot, head, now=now)]
    return record_heard(context, heard, now=now) if heard else 0


def _heard_in(
    context: AppContext, reader: Reader, snapshot: Snapshot, head: Head, *, now: Instant
) -> Iterator[tuple[Customer, int, Outcome]]:
    owner = None if head.subject == BANK else context.keys.customer(head.subject)
    opens = [] if owner is None else list(_opens(reader, snapshot, owner, head.n))
    if owner is None or not opens:
        return
    try:
        person = snapshot.person_of(owner)
    except UnknownCustomer:
        return
    learning = snapshot.config.policy.serving("learning")
    if _APP not in person.permit(learning, policy=snapshot.config.policy, now=person.judged(now)).sources:
        return
    for placement in dict.fromkeys(one.placement for one in opens):
        found = _last_order(person, placement)
        if found is not None:
            of, ordered = found
            made = decision_at(reader, of, ordered.n).decision
            first = {one.action: one.at for one in reversed(opens) if one.placement == placement and _is_in(one, made)}
            yield from ((of, ordered.n, outcome) for outcome in outcomes_of(made, first))


def _opens(reader: Reader, snapshot: Snapshot, owner: Customer, n: int) -> Iterator[Open]:
    parts = snapshot.config.actions.parts
    for entry in reader.entries(owner.subject, after=n - 1, upto=n):
        record = codec.read(entry, box=owner.box)
        for kept in getattr(record, "events", ()):
            if kept.kind in _KINDS and kept.body is not None:
                event = read_kept(kept.body, kind=kept.kind)
                name = _name(event.data)
                if name in parts:
                    yield Open(*parts[name], event.at)


def _name(data: object) -> str:
    match data:
        case AppScreen():
            return data.screen
        case AppFeatureUsed():
            return data.feature
        case _:
            return ""


def _last_order(person: Person, placement: str) -> tuple[Customer, Ordered] | None:
    """Give the last order of a placement, whichever id of the person it was decided for."""
    each = ((member, person.states[member.subject].orders.get(placement)) for member in person.members)
    known = [(member, ordered) for member, ordered in each if ordered is not None]
    return max(known, key=lambda pair: pair[1].at, default=None)


def _is_in(one: Open, made: Decision) -> bool:
    return made.at <= one.at < made.at + VISIT


def outcomes_of(made: Decision, opened: Mapping[str, Instant]) -> list[Outcome]:
    """Give what the opening of parts says of the places of an order: each was opened, or was passed over on the way.

    Parameters
    ----------
    made
        The decision on the order.
    opened
        When each part was opened first, by its action.
    """
    at = [opened.get(place.action) for place in made.places]
    last = max((slot for slot, moment in enumerate(at, start=1) if moment is not None), default=0)
    outcomes = []
    for slot, moment in enumerate(at[:last], start=1):
        passed = min(below for below in at[slot - 1 : last] if below is not None)
        outcomes.append(
            Outcome(
                decision=made.id,
                verdict="ignored" if moment is None else "accepted",
                at=passed if moment is None else moment,
                slot=slot if made.slots > 1 else UNSET,
            )
        )
    return outcomes
