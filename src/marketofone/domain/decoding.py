"""Decoders that may be made while other threads decode.

When msgspec meets a class for the first time, it notes on the class how to read it. Other threads see the note before
it is whole, and a thread that reads by half a note ends the process (seen with msgspec 0.22). So modules make decoders
here, where one lock is held until all notes that a type needs are whole. Decoding takes no lock.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_MEETING = Lock()
_known: set[Any] = set()


def json_decoder(of: type[T]) -> msgspec.json.Decoder[T]:
    """Make a decoder of JSON for a type.

    Examples
    --------
    >>> json_decoder(tuple[int, ...]).decode(b"[1, 2]")
    (1, 2)
    """
    with _MEETING:
        return msgspec.json.Decoder(of)


def msgpack_decoder(
    of: type[T], *, dec_hook: Callable[[type[Any], Any], Any] | None = None
) -> msgspec.msgpack.Decoder[T]:
    """Make a decoder of MessagePack for a type.

    Examples
    --------
    >>> msgpack_decoder(tuple[int, ...]).decode(msgspec.msgpack.encode([1, 2]))
    (1, 2)
    """
    with _MEETING:
        return msgspec.msgpack.Decoder(of, dec_hook=dec_hook)


def decode_toml(document: str | bytes, *, of: type[T]) -> T:
    """Read a TOML document of a type. Raises what msgspec raises.

    Examples
    --------
    >>> decode_toml("n = 1", of=dict[str, int])
    {'n': 1}
    """
    _meet(of)
    return msgspec.toml.decode(document, type=of)


def convert(value: object, *, of: type[T]) -> T:
    """Give plain values as a type. Raises what msgspec raises.

    Examples
    --------
    >>> convert([1, 2], of=tuple[int, ...])
    (1, 2)
    """
    _meet(of)
    return msgspec.convert(value, of)


def _meet(of: Any) -> None:
    if of not in _known:
        json_decoder(of)
        _known.add(of)
