"""What the actions of a catalogue are called, as every decision among them is written with it: made once."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import NamedTuple

import msgspec

from marketofone.domain.decoding import msgpack_decoder

_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgpack_decoder(tuple[str, ...]).decode


class ActionNames(NamedTuple):
    """Names as they are encoded, and that as a block of a deflated stream which refers to nothing before it."""

    encoded: bytes
    deflated: bytes


@lru_cache(maxsize=64)
def action_names(actions: tuple[str, ...]) -> ActionNames:
    """Encode, check and deflate names.

    Raises
    ------
    msgspec.ValidationError, TypeError, UnicodeEncodeError
        When one is no text.
    """
    encoded = _ENCODE(actions)
    _DECODE(encoded)
    deflate = zlib.compressobj(zlib.Z_BEST_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
    return ActionNames(encoded, deflate.compress(encoded) + deflate.flush(zlib.Z_FULL_FLUSH))


@lru_cache(maxsize=64)
def names_of(encoded: bytes) -> tuple[str, ...]:
    """Give the names that were encoded: decisions among the same actions share them.

    Raises
    ------
    msgspec.ValidationError
        When they are no texts.
    """
    return _DECODE(encoded)
