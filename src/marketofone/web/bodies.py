"""Bodies as they come: packed or not, in any set of letters that JSON is written in; given as they were meant.

A packed body is unpacked on the way in, never beyond its limit. It is UTF-8 unless a charset or a mark says otherwise.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from starlette.exceptions import HTTPException
from starlette.requests import Request

from marketofone.domain.errors import MalformedRequest
from marketofone.domain.packed import NotWhole, Unpacker

CLOSE = {"Connection": "close"}  # what is still to come of a body is not read
PACKED = frozenset({"gzip", "x-gzip"})
UTF8 = "utf-8"
_PLAIN = frozenset({"", "identity"})
_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHARSETS = frozenset(
    {
        *(UTF8, "ascii", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"),
        *(f"iso8859-{number}" for number in (*range(1, 12), *range(13, 17))),
        *(f"cp{number}" for number in (437, 850, 852, 932, *range(1250, 1259))),
        *("koi8-r", "koi8-u", "shift_jis", "euc_jp", "euc_kr", "gb2312", "gbk", "gb18030", "big5"),
    }
)
"""Sets of letters, by the names that Python gives them. Others are none of texts, or cost much to decode."""


def charset_of(parameters: str) -> str | None:
    """Find the charset that a media type names, UTF-8 where it names none; None where it is not taken.

    Examples
    --------
    >>> charset_of(' charset="ISO-8859-1"'), charset_of(""), charset_of("charset=punycode") is None
    ('iso8859-1', 'utf-8', True)
    """
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return _known(value.strip(' "'))
    return UTF8


def _known(charset: str) -> str | None:
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return None
    return name if name in _CHARSETS else None


def is_packed(request: Request) -> bool | None:
    """Say whether a body is packed with gzip; None where it is encoded in another way, which is not taken."""
    encoding = request.headers.get("content-encoding", "").strip().lower()
    return True if encoding in PACKED else False if encoding in _PLAIN else None


def in_utf8(body: bytes, *, charset: str) -> bytes:
    """Give a text in UTF-8, without a mark. What is UTF-8 already is not looked at.

    Raises
    ------
    MalformedRequest
        When it is no text of that charset.
    """
    if charset == UTF8:
        mark, charset = next((one for one in _MARKS if body.startswith(one[0])), (b"", UTF8))
        if charset == UTF8:
            return body.removeprefix(mark)
    try:
        return body.decode(charset).removeprefix("\ufeff").encode()
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        fix = "name the charset in which it is written, or write it in UTF-8"
        raise MalformedRequest(field="body", shape=f"no text in {charset}", fix=fix) from error


class Arriving:
    """The parts of a body as they were meant, never more than a limit: of a packed one what it unpacks to as well."""

    def __init__(self, *, limit: int, packed: bool) -> None:
        self._limit = limit
        self._unpacker = Unpacker() if packed else None
        self._sizes = [0, 0]  # as it comes, and unpacked

    def take(self, part: bytes) -> Iterator[bytes]:
        """Take the next part that came; gives what it holds.

        Raises
        ------
        HTTPException
            413 when it is too long.
        MalformedRequest
            When it is packed in another way.
        """
        self._count(0, part)
        if self._unpacker is None:
            yield part
            return
        try:
            for piece in self._unpacker.unpack(part):
                self._count(1, piece)
                yield piece
        except NotWhole:
            raise _not_whole() from None

    def end(self) -> None:
        """Say that nothing follows. Raises MalformedRequest where something is missing."""
        try:
            if self._unpacker is not None:
                self._unpacker.end()
        except NotWhole:
            raise _not_whole() from None

    def _count(self, at: int, part: bytes) -> None:
        self._sizes[at] += len(part)
        if self._sizes[at] > self._limit:
            raise HTTPException(413, f"send at most {self._limit} bytes{', unpacked' if at else ''}", headers=CLOSE)


def _not_whole() -> MalformedRequest:
    return MalformedRequest(field="body", shape="no whole gzip", fix="pack it once with gzip, and send all of it")
