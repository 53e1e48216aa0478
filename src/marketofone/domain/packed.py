"""What is packed with gzip, unpacked piece by piece: the one rule for files and for bodies of requests.

Member after member is unpacked. Zeros behind the last one are padding. Anything else that stands there was not whole,
and what breaks off says so after all that could be read was given.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

MARK = b"\x1f\x8b"
"""How a member of gzip begins."""
PIECE_BYTES = 256 * 1024
_WINDOW = 31  # zlib's word for: with the header and the sum of gzip


class NotWhole(ValueError):
    """What is packed breaks off, or is no gzip."""


class Unpacker:
    """Unpacks what comes in parts, into pieces of at most ``PIECE_BYTES``.

    Examples
    --------
    >>> import gzip
    >>> packed = gzip.compress(b"one ") + gzip.compress(b"two") + bytes(8)
    >>> unpacker = Unpacker()
    >>> b"".join(piece for at in range(len(packed)) for piece in unpacker.unpack(packed[at : at + 1]))
    b'one two'
    >>> unpacker.end()
    """

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=_WINDOW)
        self._begun = False  # something of this member was read
        self._is_whole = False  # a member has ended, and nothing but padding follows
        self._padding = False

    def unpack(self, part: bytes) -> Iterator[bytes]:
        """Give the pieces that a part holds.

        Raises
        ------
        NotWhole
        """
        while part:
            if not self._begun and (self._padding or part.startswith(b"\0")):
                self._padding = True
                if part.strip(b"\0"):
                    raise NotWhole
                return
            self._begun, self._is_whole = True, False
            try:
                piece = self._member.decompress(part, PIECE_BYTES)
            except zlib.error:
                raise NotWhole from None
            if piece:
                yield piece
            part = self._member.unconsumed_tail
            if self._member.eof:
                part = self._member.unused_data
                self._member, self._begun, self._is_whole = zlib.decompressobj(wbits=_WINDOW), False, True

    def end(self) -> None:
        """Say that nothing follows.

        Raises
        ------
        NotWhole
            When a member has begun and not ended, or there was none at all.
        """
        if not self._is_whole:
            raise NotWhole
