"""How words are compared: the ways a table's word is spelt elsewhere, and the parts of a word as a text writes it.

A name is shown as it was written. Only what is compared is folded, and only Latin letters lose their marks, as only
there people and old systems leave them out: elsewhere a mark makes another word.
"""

from __future__ import annotations

import re
import unicodedata

from marketofone.domain.remembered import remembered

_LATIN_ENDS = "\u024f"
_TWO_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "æ": "ae", "œ": "oe"})
_BARE = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "\u0131": "i", "æ": "ae", "œ": "oe"})
_SILENT = re.compile("['`\u00b4\u2018\u2019\u02bc\u200b-\u200f\u2060\ufeff]")
_BREAK = re.compile(r"[\s&+/\-_,;:!?()\[\]{}\"#*|<>=~\\\u2010-\u2015\u00b7\u30fb\u3000]+")
_ADDRESS = re.compile(
    r"(?:www\.)?(.+?)\.(?:com|net|org|info|eu|io|app|tv|shop|online|co\.uk|co\.in|com\.[a-z]{2}"
    r"|de|at|ch|fr|it|es|nl|be|pl|cz|sk|uk|in|ie|us|se|dk|no|fi|pt)(?:/.*)?"
)
_INITIAL = 2  # letters between two dots up to which they are one abbreviation, as in S.p.A.


def folded(text: str) -> str:
    """Fold a text for comparing: one form of each letter, no capitals, single blanks.

    Examples
    --------
    >>> folded("  FOOD  & Drink")
    'food & drink'
    """
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


@remembered(room=65_536)
def parts(word: str) -> tuple[str, ...]:
    """Fold one word of a text and split it where it is put together.

    Examples
    --------
    >>> [parts(word) for word in ("NETFLIX.COM", "H&M", "McDonald's", "S.p.A.", "Coca-Cola")]
    [('netflix',), ('h', 'm'), ('mcdonalds',), ('spa',), ('coca', 'cola')]
    """
    plain = _SILENT.sub("", folded(word))
    if "." in plain:
        address = _ADDRESS.fullmatch(plain)
        plain = address[1] if address else plain
        pieces = plain.split(".")
        plain = ("" if max(map(len, pieces)) <= _INITIAL else " ").join(pieces)
    return tuple(piece for piece in _BREAK.split(plain) if piece)


def all_parts(text: str) -> tuple[str, ...]:
    """Fold each word of a text and split it where it is put together."""
    return tuple(part for word in text.split() for part in parts(word))


def spellings(text: str) -> set[str]:
    """Give the folded ways to write the words of a table: with their marks, without, and with ae for ä.

    Examples
    --------
    >>> sorted(spellings("Bäckerei")), sorted(spellings("かがく"))
    (['backerei', 'baeckerei', 'bäckerei'], ['かがく'])
    """
    plain = folded(text)
    if plain.isascii():
        return {plain}
    if any(sign > _LATIN_ENDS and not _is_latin(sign) for sign in plain):
        return {plain}
    return {plain, _without_marks(plain), _without_marks(plain.translate(_TWO_LETTERS))}


def _is_latin(sign: str) -> bool:
    return "\u1e00" <= sign <= "\u1eff" or sign in "\u2018\u2019\u2013\u2014"


def _without_marks(plain: str) -> str:
    taken_apart = unicodedata.normalize("NFD", plain.translate(_BARE))
    return "".join(sign for sign in taken_apart if not unicodedata.combining(sign))
