"""Text of files that others wrote: unpacked, and decoded in the way in which it was encoded.

1. A file that begins like gzip is unpacked, whatever it is called. Where it breaks off, what could be read is given
   first, and the error comes afterwards.
2. A byte order mark says how letters are encoded. UTF-16 without one shows by its zeros. Else it is UTF-8 where the
   bytes agree, and otherwise the likeliest of the older sets of letters.
"""

from __future__ import annotations

import codecs
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import BinaryIO

import charset_normalizer

from marketofone.domain.errors import MalformedDocument
from marketofone.domain.packed import MARK, PIECE_BYTES, NotWhole, Unpacker

_LONGEST_LINE = 1_000_000
_HEAD_BYTES = 4096
_SAMPLE_BYTES = 32 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ARCHIVES = (
    (re.compile(rb"BZh[1-9]1AY&SY"), "bzip2"),
    (re.compile(rb"\xfd7zXZ\x00"), "xz"),
    (re.compile(rb"\x28\xb5\x2f\xfd"), "Zstandard"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "7-Zip"),
    (re.compile(rb"Rar!\x1a\x07"), "RAR"),
)
"""How files begin that are packed in ways that are not read."""
_WESTERN = ("äöüß", "éèêëàâçîïôûùüœæ", "áéíóúñüºª¿¡", "ãõáéíóúâêôàçº", "àèéìòù", "åäöé", "æøåé", "ëïéèóü")
_CENTRAL = ("áčďéěíňóřšťúůýžľĺŕôä", "ąćęłńóśźż", "áéíóöőúüű", "ăâîșțşţ", "čšžćđ")
_RUSSIAN, _GREEK, _TURKISH = (
    ("абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїє№",),
    ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώ",),
    ("çğıöşüâ",),
)
_ALPHABETS = {
    "cp1252": _WESTERN, "cp1250": _CENTRAL, "iso8859_2": _CENTRAL, "cp1254": _TURKISH, "cp1251": _RUSSIAN,
    "koi8_r": _RUSSIAN, "cp1253": _GREEK, "iso8859_15": _WESTERN, "cp852": _CENTRAL, "cp850": _WESTERN,
}  # fmt: skip
"""The letters of languages that each set of 256 letters was made for; of equals the first is likelier."""
_SIGNS = frozenset("€£§°’‘“”„–—…«»´•·\xa0")  # noqa: RUF001 - what they print beside letters
_EAST_ASIAN = ["shift_jis", "cp932", "euc_jp", "gb18030", "big5", "euc_kr"]
_MOSTLY = 0.9  # of the lines with other letters than ASCII's: so many that the rest was damaged


def pieces_of(stream: BinaryIO, *, name: str) -> Iterator[bytes]:
    """Give what stands in a stream, in pieces, unpacked where it is gzip.

    Raises
    ------
    MalformedDocument
        When a packed stream breaks off: once all that could be read was given. When it is packed otherwise.
    """
    piece = stream.read(len(MARK))
    unpacker = Unpacker() if piece == MARK else None
    piece += _read(stream)
    packed = next((how for sign, how in _ARCHIVES if sign.match(piece)), None)
    if packed is not None:
        raise packed_otherwise(name, packed)
    while piece:
        try:
            yield from (piece,) if unpacker is None else unpacker.unpack(piece)
            piece = _read(stream)
            if unpacker is not None and not piece:
                unpacker.end()
        except NotWhole:
            shape, fix = "a packed file that breaks off", "fetch it again, and import it again"
            raise MalformedDocument(field=name, shape=shape, fix=fix) from None


def packed_otherwise(name: str, packed: str) -> MalformedDocument:
    """Say of a file that is packed in a way that is not read what to do with it."""
    fix = "unpack it, and import what is in it"
    return MalformedDocument(field=name, shape=f"a file that is packed with {packed}", fix=fix)


def _read(stream: BinaryIO) -> bytes:
    """Read what is there: of a pipe less than a whole piece, so that the reader does not wait for the rest."""
    return stream.read1(PIECE_BYTES) if isinstance(stream, io.BufferedReader) else stream.read(PIECE_BYTES)


def bytes_in(path: Path, *, wanted: str = "a file") -> Iterator[bytes]:
    """Give what stands in a file, in pieces, unpacked where it is gzip; an error says what was ``wanted``.

    Raises
    ------
    MalformedDocument
        When the file cannot be read; or, once all that could be read was given, when it breaks off.
    """
    try:
        with path.open("rb") as file:
            yield from pieces_of(file, name=path.name)
    except OSError as error:
        raise MalformedDocument(field=path.name, shape="not to be read", fix=f"name {wanted}") from error


def marked_encoding(head: bytes) -> str | None:
    """Give the encoding that the beginning of a text shows by a mark or by its zeros; None where it shows none.

    Examples
    --------
    >>> marked_encoding("Datum;Betrag".encode("utf-16")), marked_encoding(b"Datum;Betrag")
    ('utf-16', None)
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    even, odd = head[:_HEAD_BYTES:2].count(0), head[1:_HEAD_BYTES:2].count(0)
    half = len(head[:_HEAD_BYTES]) // 2
    if max(even, odd) * 4 <= half or min(even, odd) * 4 > half:
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def encoding_of(path: Path, *, expected: str | None = None) -> str:
    """Find how the letters of a file are encoded; ``expected`` is taken where the bytes leave it open.

    Raises
    ------
    MalformedDocument
        When the file cannot be read.
    """
    pieces = bytes_in(path)
    head = next(pieces, b"")
    marked = marked_encoding(head)
    if marked is not None:
        return marked
    foreign = _foreign_lines(chain((head,), pieces))
    if foreign is None:
        return "utf-8"
    return expected or _likeliest(foreign)


def _foreign_lines(pieces: Iterable[bytes]) -> list[bytes] | None:
    """Give lines that hold more than ASCII, as far as they are needed; None where all of the text is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines: list[bytes] = []
    size, agrees, rest = 0, True, b""
    try:
        for piece in pieces:
            if agrees:
                agrees = _decodes(decoder, piece)
            if size < _SAMPLE_BYTES and not piece.isascii():
                *whole, rest = (rest + piece).split(b"\n")
                found = [line for line in whole if not line.isascii()]
                lines += found
                size += sum(map(len, found))
            if not agrees and size >= _SAMPLE_BYTES:
                break
        agrees = agrees and _decodes(decoder, b"", final=True)
    except MalformedDocument:  # it breaks off: the reader of the text says so
        pass
    return None if agrees else lines or [rest]


def _decodes(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(piece, final=final)
    except UnicodeDecodeError:
        return False
    return True


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _likeliest(lines: list[bytes]) -> str:
    if sum(map(_is_utf8, lines)) >= _MOSTLY * len(lines):
        return "utf-8"
    sample = b"\n".join(lines)[:_SAMPLE_BYTES]
    fitting = {encoding: _fit(sample, encoding) for encoding in _ALPHABETS}
    likeliest = max(fitting, key=fitting.__getitem__)
    if fitting[likeliest] >= _MOSTLY:
        return likeliest
    found = charset_normalizer.from_bytes(sample, cp_isolation=[*_EAST_ASIAN, likeliest]).best()
    return likeliest if found is None else found.encoding


def _fit(sample: bytes, encoding: str) -> float:
    """Give the share of the letters beyond ASCII that one language has, each in a place where it may stand."""
    text = sample.decode(encoding, errors="replace")
    foreign = [
        (before, letter) for before, letter in pairwise(f" {text}") if not letter.isascii() and letter not in _SIGNS
    ]
    if not foreign:
        return 1.0
    alone = _ALPHABETS[encoding] in (_RUSSIAN, _GREEK)  # letters of these stand in no word beside those of ASCII
    counts = Counter(
        letter.lower()[0]
        for before, letter in foreign
        if not (letter.isupper() and before.islower()) and not (alone and before.isascii() and before.isalpha())
    )
    return max(sum(counts[letter] for letter in set(of)) for of in _ALPHABETS[encoding]) / len(foreign)


class TextLines:
    """The lines of a text, without their ends, read anew each time.

    ``cut`` is what stood on the last line where a packed file breaks off: it is not given, for it is not whole.
    """

    def __init__(self, path: Path, *, encoding: str) -> None:
        self.path = path
        self.encoding = encoding
        self.cut = ""

    def __iter__(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(self.encoding)(errors="replace")
        decode = io.IncrementalNewlineDecoder(decoder, translate=True).decode
        rest = ""
        try:
            for piece in bytes_in(self.path):
                *whole, rest = (rest + decode(piece)).split("\n")
                yield from whole
                if len(rest) > _LONGEST_LINE:
                    yield rest
                    rest = ""
        except MalformedDocument:
            self.cut = rest
            raise
        *whole, rest = (rest + decode(b"", final=True)).split("\n")
        yield from whole
        if rest:
            yield rest
