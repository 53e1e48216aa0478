"""What goes into the journal must come out of it again: a body is checked before it is written, never after."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from marketofone.domain.errors import MalformedRequest


def recordable(what: Struct) -> bytes:
    """Encode a value, and make sure that whoever replays the journal can read it.

    Raises
    ------
    MalformedRequest
        When a field holds what its type does not allow.
    """
    try:
        body = msgspec.json.encode(what)
        msgspec.json.decode(body, type=type(what))
    except (msgspec.ValidationError, msgspec.EncodeError, TypeError, OverflowError, UnicodeEncodeError) as error:
        told, _, path = str(error).partition(" - at ")
        field = path.strip("`").removeprefix("$.") or type(what).__name__.lower()
        shape = told if isinstance(error, msgspec.ValidationError) and "value" not in told else "not what it may be"
        raise MalformedRequest(field=field, shape=shape, fix="see docs/api.md for what is allowed") from error
    return body
