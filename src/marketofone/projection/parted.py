"""Parted states: of a source, where something in it rests on what a reader may not use, one in which nothing does.

A source has two of them besides the whole one: for readers who may use this source of money only, and for those who
may use both, and not all of them. Each is remembered and kept under a name of its own, so that no reader takes it from
the other.
"""

from __future__ import annotations

import struct

import msgspec

from marketofone.domain.decoding import msgpack_decoder
from marketofone.domain.moment import Instant
from marketofone.features.state import MONEY
from marketofone.projection.lineage import Withheld

_ALONE, _PARTED = ".alone", ".parted"
_SIZE = struct.Struct("<I")
_TOLD = msgpack_decoder(tuple[frozenset[str], frozenset[tuple[str, Instant]]])


def names_of(source: str) -> tuple[str, ...]:
    """Name all states of a source that are kept.

    Examples
    --------
    >>> names_of("app"), names_of("transactions")
    (('app',), ('transactions', 'transactions.alone', 'transactions.parted'))
    """
    return (source, source + _ALONE, source + _PARTED) if source in MONEY else (source,)


def source_of(name: str) -> str:
    """Give the source of a state that is kept under a name."""
    return name.partition(".")[0]


def is_parted(name: str) -> bool:
    """Say whether a name is that of a parted state."""
    return name.endswith((_ALONE, _PARTED))


def name_parted(source: str, withheld: Withheld) -> str:
    """Name the state of a source in which nothing rests on what is withheld from a reader."""
    return source + (_ALONE if withheld.scopes & MONEY else _PARTED)


def with_withheld(plain: bytes, withheld: Withheld) -> bytes:
    """Write the bytes of a state after what was withheld of it.

    Examples
    --------
    >>> withheld = Withheld(frozenset({"transactions"}), frozenset({("open_banking/X", Instant(7))}))
    >>> parted_from(with_withheld(b"state", withheld)) == (b"state", withheld)
    True
    """
    told = msgspec.msgpack.encode((sorted(withheld.scopes), sorted(withheld.since)))
    return _SIZE.pack(len(told)) + told + plain


def parted_from(plain: bytes) -> tuple[bytes, Withheld]:
    """Read what :func:`with_withheld` wrote."""
    end = _SIZE.size + _SIZE.unpack_from(plain)[0]
    return plain[end:], Withheld(*_TOLD.decode(plain[_SIZE.size : end]))
