"""Legal holds: a law, a court or an open case asks that what is kept of a customer is not destroyed yet.

A hold is an entry of the customer's own journal: on which basis, who set it, what it covers, and until when. It ends by
itself, or is lifted by another entry. While one stands nobody is forgotten, for everything of a customer lies under one
key: whoever asks is told of each hold before anything is done. A hold opens nothing: what the customer stopped stays
stopped, so all that a hold keeps can be closed for every purpose meanwhile.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.errors import MalformedRequest, Refused, UnknownCustomer
from marketofone.domain.moment import DAY, Instant, text_of
from marketofone.projection import codec
from marketofone.projection.records import Hold, HoldRecord
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.services.runtime.directory import refuse_forgotten
from marketofone.store.keystore import Customer
from marketofone.store.ports import Expectation, Reader, Unit

MOST_DAYS = 3_653
"""How long a hold lasts at most, ten years: who needs it longer says so again."""
LONGEST = 200
"""How long a text of a hold may be, in characters."""


class StandingHold(Struct, frozen=True, kw_only=True):
    """A hold that stands: what it says, when it was recorded, and as whom the program acted."""

    hold: Hold
    recorded: Instant
    actor: str


def holds(context: AppContext, customer: str, *, now: Instant) -> list[StandingHold]:
    """Give the holds that stand, the oldest first.

    Raises
    ------
    UnknownCustomer
    """
    known = _known(context, customer)
    with context.store.read() as reader:
        return standing(reader, known, now=now)


def standing(reader: Reader, customer: Customer, *, now: Instant) -> list[StandingHold]:
    """Give the holds on a customer that stand at a moment."""
    last: dict[str, StandingHold] = {}
    for entry in reader.entries(customer.subject, kinds=("hold",)):
        record: HoldRecord = codec.read(entry, box=customer.box)
        last.pop(record.hold.name, None)
        if not record.lifted:
            last[record.hold.name] = StandingHold(hold=record.hold, recorded=entry.recorded, actor=record.actor)
    return [one for one in last.values() if now < one.hold.until]


def refuse_held(reader: Reader, customer: Customer, *, now: Instant) -> None:
    """Refuse to forget a customer while a hold stands.

    Raises
    ------
    Refused
        Naming each hold: its basis, what it covers, who set it, and until when.
    """
    found = standing(reader, customer, now=now)
    if found:
        each = "; ".join(
            f"{one.hold.basis} (covers {one.hold.covers}, set by {one.hold.by}, until {text_of(one.hold.until)})"
            for one in found
        )
        raise Refused(why=f"nothing was destroyed, for it must be kept: {each}")


def set_hold(context: AppContext, customer: str, hold: Hold, *, now: Instant) -> StandingHold:
    """Set a hold, or say one of the same name anew.

    Raises
    ------
    UnknownCustomer
    MalformedRequest
        When a text is empty or too long, or the end is not within ten years.
    Refused
        When the customer is being forgotten already.
    """
    for field in ("name", "basis", "by", "covers"):
        _check_printed(field, getattr(hold, field))
    latest = Instant(now + MOST_DAYS * DAY)
    if not now < hold.until <= latest:
        raise MalformedRequest(
            field="until", shape="not within ten years from now", fix=f"give an end by {text_of(latest)}"
        )
    return _record(context, customer, HoldRecord(context.actor, hold, lifted=False), now=now)


def lift_hold(context: AppContext, customer: str, name: str, *, by: str, now: Instant) -> StandingHold:
    """Lift a hold that stands before its end.

    Raises
    ------
    UnknownCustomer
    MalformedRequest
        When no hold of this name stands, or nobody says who lifts it.
    """
    found = next((one.hold for one in holds(context, customer, now=now) if one.hold.name == name), None)
    if found is None:
        raise MalformedRequest(field="name", shape="no hold that stands", fix="see `rights holds`")
    _check_printed("by", by)
    return _record(context, customer, HoldRecord(context.actor, replace(found, by=by), lifted=True), now=now)


def _check_printed(field: str, text: str) -> None:
    if not text.strip() or len(text) > LONGEST or not text.isprintable():
        shape = f"text of {len(text)} characters"
        raise MalformedRequest(field=field, shape=shape, fix=f"write 1 to {LONGEST} printed characters")


@repeated
def _record(context: AppContext, customer: str, record: HoldRecord, *, now: Instant) -> StandingHold:
    known = _known(context, customer)
    refuse_forgotten(context.keys, customer, now=now)
    with context.store.read() as reader:
        head = reader.head(known.subject)
    draft = codec.draft("hold", record, subject=known.subject, box=known.box, at=now)
    expects = {known.subject: Expectation(head.guard)}
    (made,) = context.store.commit(Unit(now=now, expects=expects, drafts=[draft]))
    refuse_forgotten(context.keys, customer, now=now)  # whose erasure began meanwhile: it does not wait for this
    return StandingHold(hold=record.hold, recorded=made.recorded, actor=record.actor)


def _known(context: AppContext, customer: str) -> Customer:
    known = context.keys.find((customer,)).get(customer)
    if known is None:
        raise UnknownCustomer
    return known
