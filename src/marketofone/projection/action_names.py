"""What the actions of a catalogue are called, as every decision among them is written with it: made once."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from marketofone.domain.decoding import msgpack_decoder

_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgpack_decoder(tuple[str, ...]).decode


@lru_cache(maxsize=64)
def names_encoded(actions: tuple[str, ...]) -> bytes:
    """Encode and check names.

    Raises
    ------
    msgspec.ValidationError, TypeError, UnicodeEncodeError
        When one is no text.
    """
    encoded = _ENCODE(actions)
    _DECODE(encoded)
    return encoded


@lru_cache(maxsize=64)
def names_of(encoded: bytes) -> tuple[str, ...]:
    """Give the names that were encoded: decisions among the same actions share them.

    Raises
    ------
    msgspec.ValidationError
        When they are no texts.
    """
    return _DECODE(encoded)
