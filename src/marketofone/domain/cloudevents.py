"""Events on the wire: CloudEvents 1.0 as JSON, checked where they arrive, and read again where they were kept.

``id`` and ``source`` (who produced it) make an event unique, ``type`` is its kind, ``subject`` the customer, ``time``
when it happened, ``data`` the facts of that kind.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from marketofone.domain.decoding import convert, json_decoder
from marketofone.domain.errors import MalformedEvent, MalformedRequest, malformed
from marketofone.domain.event import KINDS, MOVEMENTS, Event
from marketofone.domain.fields import EventData
from marketofone.domain.moment import instant_of, text_of
from marketofone.domain.texts import PRINTED, matching, may_hold_control_characters, unfit

MAX_EVENT_BYTES = 64 * 1024
_CUSTOMER = r"^(?!\.\.?$)[^\s\x00-\x1f\x7f]+$(?!\n)"
CustomerName = Annotated[str, Meta(min_length=1, max_length=128, pattern=_CUSTOMER)]

JsonType = Annotated[
    str, Meta(pattern=r"^[Aa]pplication/([A-Za-z0-9.!#$&^_-]+\+)?(json|JSON) *(;[^\x00-\x1f\x7f]*)?$(?!\n)")
]
"""A media type of JSON, with or without parameters such as a charset."""


class _Envelope(Struct, frozen=True, gc=False):
    id: Annotated[str, matching(PRINTED, longest=200)]
    source: Annotated[str, matching(PRINTED, longest=200)]
    type: Annotated[str, Meta(min_length=1, max_length=100)]
    subject: Annotated[str, matching(_CUSTOMER, longest=128)]
    time: Annotated[datetime, Meta(tz=True)]
    data: msgspec.Raw
    specversion: Literal["1.0"] = "1.0"
    datacontenttype: JsonType = "application/json"


_DECODERS = {kind: json_decoder(structure) for kind, (structure, _) in KINDS.items()}
_ENVELOPE = json_decoder(_Envelope)
_PARTS = json_decoder(dict[str, msgspec.Raw])
_DATE, _WORD = json_decoder(date), json_decoder(str)


def parse_event(raw: bytes | memoryview) -> Event:
    """Read one CloudEvents JSON document.

    Raises
    ------
    MalformedEvent
        Naming the field, the shape of what stands there, and what to do.

    Examples
    --------
    >>> parse_event(
    ...     b'{"specversion":"1.0","id":"1","source":"/core","type":"app.opened","subject":"c-1",'
    ...     b'"time":"2026-01-01T00:00:00Z","data":{}}'
    ... ).kind
    'app.opened'
    """
    if len(raw) > MAX_EVENT_BYTES:
        raise MalformedEvent(field="event", shape=f"{len(raw)} bytes", fix=f"send at most {MAX_EVENT_BYTES} bytes")
    try:
        envelope = _ENVELOPE.decode(raw)
        decoder = _DECODERS.get(envelope.type)
        if decoder is None:
            shape = f"text of {len(envelope.type)} characters"
            raise MalformedEvent(field="type", shape=shape, fix="use a documented event kind")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _on_a_date(raw, complaint=malformed(error, within=""))
    try:
        data = decoder.decode(envelope.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(error, within="data.") from None  # the decoder's complaint repeats what was sent
    controls = may_hold_control_characters(raw if isinstance(raw, bytes) else bytes(raw))
    check_texts(envelope, controls=controls)
    check_texts(data, within="data.", controls=controls)
    return _event(envelope, kind=envelope.type, data=data)


def check_texts(told: Struct, *, within: str = "", controls: bool = True) -> None:
    """Check which characters the texts of an event, or of its facts, hold.

    Raises
    ------
    MalformedEvent
    """
    found = unfit(told, controls=controls)
    if found is not None:
        shape = f"Expected `str` matching regex {found.pattern!r}"
        raise malformed(msgspec.ValidationError(f"{shape} - at `$.{found.field}`"), within=within)


def read_kept(raw: bytes | memoryview, *, kind: str) -> Event:
    """Read a document again that :func:`parse_event` read once, when its kind is known.

    Neither its envelope nor the characters of its texts are checked once more, so this takes half as long.

    Raises
    ------
    MalformedEvent
    """
    try:
        kept = _kept(kind)(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _on_a_date(raw, complaint=malformed(error, within=""))
    return _event(kept, kind=kind, data=kept.data)


@cache
def _kept(kind: str) -> Callable[[bytes | memoryview], Any]:
    fields = [("id", str), ("source", str), ("subject", str), ("time", datetime), ("data", KINDS[kind][0])]
    return json_decoder(msgspec.defstruct("Kept", fields, frozen=True, gc=False)).decode


def _on_a_date(raw: bytes | memoryview, *, complaint: MalformedEvent) -> Event:
    """Read a movement of money whose time is a date without an instant: midnight in UTC says the same."""
    if complaint.field != "time":
        raise complaint
    try:
        parts = _PARTS.decode(raw)
        on, kind = _DATE.decode(parts["time"]), _WORD.decode(parts["type"])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
        raise complaint from None
    if kind not in MOVEMENTS:
        raise complaint
    return parse_event(msgspec.json.encode(parts | {"time": datetime.combine(on, time(), UTC)}))


def _event(envelope: Any, *, kind: str, data: EventData) -> Event:
    try:
        at = instant_of(envelope.time)
    except MalformedRequest as error:
        raise MalformedEvent(field="time", shape=error.shape, fix=error.fix) from error
    return Event(id=envelope.id, producer=envelope.source, kind=kind, customer=envelope.subject, at=at, data=data)


def check_customer(name: str) -> None:
    """Check that a customer's name is one that an event may carry.

    Raises
    ------
    MalformedRequest
    """
    try:
        convert(name, of=CustomerName)
        name.encode()
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        shape = f"text of {len(name)} characters"
        raise MalformedRequest(
            field="customer", shape=shape, fix="use 1 to 128 characters without blanks, and not . or .."
        ) from error


def cloudevent(event: Event) -> dict[str, object]:
    """Give an event as a CloudEvents 1.0 document: the inverse of :func:`parse_event`."""
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": event.producer,
        "type": event.kind,
        "subject": event.customer,
        "time": text_of(event.at),
        "data": msgspec.to_builtins(event.data),
    }
