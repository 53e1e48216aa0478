"""The text a statement gives for a payment, and the name of the merchant in it.

Statements wrap names: how it was paid stands before, dates, numbers, places and the kind of company stand behind, and
who passes the payment on stands in front with a star. What is left is the name as it was written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from importlib.resources import files

from msgspec import Struct

from marketofone.domain.decoding import decode_toml
from marketofone.models.movement.spelling import all_parts, parts, spellings

CUT = "\x1f"
"""Stands among the words of a descriptor where something stood that ends a name: a date, a time, a number of a card."""

_LONGEST_PHRASE = 5  # words
_ABBREVIATED = 3  # letters
_SHORT_NUMBER = 2  # digits a number may have that belongs to a name
_COUNTRY_CODE = 3  # letters up to which a place is a code, and counts only in capitals
_EDGES = " \t.,;:!?|\"'`()[]{}<>/\\-_=+#*~\u2013\u2014\u201e\u201c\u201d"
_PIECES = re.compile(r"([-/&.])")
_VOWELS = frozenset("aeiouy")
_ADDRESS = re.compile(r"[\w-]{3,}(?:\.(?:com|net|org|info|eu|io|co|[a-z]{2}))+", re.IGNORECASE)
_SPOKEN = frozenset({"dr", "st", "mr", "mrs"})
_CONTROL = re.compile("[\x00-\x20\x7f-\xa0\ud800-\udfff]+")
_NO_NAME = re.compile(
    r"(?<!\d)\d{1,2}[./-]\d{1,2}[./-](?:\d{2}){1,2}(?!\d)"  # a date
    r"|(?<!\d)\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z?)?(?!\d)"
    r"|(?<![\d.])(?:0?[1-9]|[12]\d|3[01])[./](?:0?[1-9]|1[0-2])\.?(?![\d.%])"  # a day
    r"|(?<!\d)[0-2]?\d[:.][0-5]\d(?:[:.][0-5]\d)?(?!\d)"  # a time
    r"|(?<!\w)\d{2,6}[xX*\u2022]{2,}[xX*\u2022 -]*\d*|(?<!\w)[xX*\u2022]{2,}-?\d+|[*\u2022]{2,}"  # a card
    r"|\+?\(?\d{2,4}\)?[ -]\d{3,4}[ -]?\d{3,5}(?!\d)"  # a telephone
    r"|(?<=[^\W\d_]{3})-\d{3,}(?!\w)"  # a shop's number
    r"|\b(?:CE|KFN|ELV|OLV)\d+\b"  # a terminal
)
_MAY_HOLD_NUMBERS = re.compile(r"[\d*\u2022]")
_RAIL = re.compile(
    r"(?:(?:TO|BY) TRANSFER[- ]+|WDL TFR )?(?:UPI|IMPS|NEFT|RTGS|MMT|BIL|MPS|VPS|VIN|IIN|INB|NACH|PCD|POS|ECOM)[/:-]",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"/|(?<!\d)-|-(?!\d)")
_BANK_BRANCH = re.compile(r"[A-Za-z]{4}0[A-Za-z0-9]{6}")
_BOUGHT_AT = re.compile(
    r"(?:ihr einkauf bei|your purchase (?:at|from)|votre achat chez|il tuo acquisto (?:presso|da)|tu compra en"
    r"|uw aankoop bij|twoje zakupy w)\s+(.+)",
    re.IGNORECASE,
)


class _Frames(Struct, frozen=True, forbid_unknown_fields=True):
    before: tuple[str, ...]
    no_name_alone: tuple[str, ...]
    ahead: tuple[str, ...]
    behind: tuple[str, ...]
    shops: tuple[str, ...]
    intermediaries: tuple[str, ...]
    legal_forms: tuple[str, ...]
    places: tuple[str, ...]
    rails: tuple[str, ...]


def phrases(texts: Iterable[str]) -> frozenset[tuple[str, ...]]:
    """Give the parts of each text in each of its spellings."""
    return frozenset(all_parts(way) for text in texts for way in spellings(text))


_GUIDE = decode_toml(files(__package__).joinpath("descriptors.toml").read_bytes(), of=_Frames)
_BEFORE = phrases(_GUIDE.before)
_NO_NAME_ALONE = phrases(_GUIDE.no_name_alone)
_AHEAD = frozenset(phrase[-1] for phrase in phrases(_GUIDE.ahead))
_STARTS = frozenset(phrase[0] for phrase in _BEFORE)
_INTERMEDIARIES = phrases(_GUIDE.intermediaries)
_PLACES = phrases(_GUIDE.places)
_TAILS = phrases(_GUIDE.behind) | phrases(_GUIDE.legal_forms)
_BESIDE = _PLACES | _TAILS | phrases(_GUIDE.shops)
_ENDS = frozenset(phrase[-1] for phrase in _PLACES | _TAILS)
_RAILS = phrases(_GUIDE.rails)


def words_in(text: str, *, is_name: Callable[[list[str]], bool]) -> list[str]:
    """Split a descriptor into words as written, from where the name starts; ``CUT`` stands for what ends a name.

    ``is_name`` tells of words about to be left out whether a name starts there after all, as in "888 Casino".
    """
    plain = _CONTROL.sub(" ", unicodedata.normalize("NFC", text)).strip()
    if _RAIL.match(plain):
        plain = _payee(plain)
    bought = _BOUGHT_AT.search(plain)
    if bought:
        plain = bought[1]
    before, _, _ = plain.partition("//")
    plain = before.strip() or plain
    if _MAY_HOLD_NUMBERS.search(plain):
        plain = _NO_NAME.sub(f" {CUT} ", plain)
    if "*" in plain:
        plain = _behind_intermediary(plain)
    return _without_start([word for word in map(_word, plain.split(" ")) if word], is_name=is_name)


def _word(written: str) -> str:
    """Take the signs around a word away, but not the dot of a short form, as in "Dr."."""
    if written == CUT:
        return CUT
    word = written.strip(_EDGES)
    return f"{word}." if len(word) <= _ABBREVIATED and word.isalpha() and written.endswith(f"{word}.") else word


def _payee(text: str) -> str:
    """Take the payee out of an Indian payment, whose pieces stand between slashes or hyphens."""
    pieces = [piece.strip() for piece in _BETWEEN.split(text)[1:]]
    named = [piece for piece in pieces if _may_be_payee(piece)]
    handles = [piece.partition("@")[0] for piece in pieces if "@" in piece]
    return next(iter(named + handles), text)


def _may_be_payee(piece: str) -> bool:
    letters = sum(not sign.isdecimal() and not sign.isspace() for sign in piece)
    return (
        letters > _SHORT_NUMBER
        and letters > len(piece) // 2
        and "@" not in piece
        and not _BANK_BRANCH.fullmatch(piece)
        and all_parts(piece) not in _RAILS
    )


def _behind_intermediary(text: str) -> str:
    front, _, rest = text.partition("*")
    named = all_parts(front.replace(CUT, " "))
    passes_on = named[-1:] in _INTERMEDIARIES or named[-2:] in _INTERMEDIARIES
    return (rest if passes_on and rest.strip() else f"{front} {rest}").replace("*", " ")


def _without_start(words: list[str], *, is_name: Callable[[list[str]], bool]) -> list[str]:
    start, left_out = 0, list[int]()
    while start < len(words):
        size = _size_of_phrase(words, start)
        if not size or is_name(words[start:]):
            break
        left_out.append(start)
        start += size
    if start < len(words) and parts(words[start]) in _NO_NAME_ALONE and all(map(is_beside, words[start + 1 :])):
        start = _where_name_begins(words, left_out, start)
    return words[start:]


def _where_name_begins(words: list[str], left_out: list[int], start: int) -> int:
    """Go back over ways of paying that belong to a name, to a number or to a word that stands ahead of names."""
    for before in reversed(left_out):
        last = parts(words[start - 1])
        if not last or last[-1] in _AHEAD or not any(sign.isalpha() for sign in words[before]):
            break
        start = before
    return start


def _size_of_phrase(words: list[str], start: int) -> int:
    """Count the words of a phrase like "card payment to" that starts here; numbers and dates before a name are one."""
    word = words[start]
    if word == CUT or (word.isdecimal() and len(word) > _SHORT_NUMBER) or _is_reference(word):
        return 1
    first = parts(word)
    if not first:
        return 1
    if first[0] not in _STARTS:
        return 0
    for size in range(min(_LONGEST_PHRASE, len(words) - start), 0, -1):
        if tuple(part for word in words[start : start + size] for part in parts(word)) in _BEFORE:
            return size
    return 0


def _is_reference(word: str) -> bool:
    """Tell a number or code from a word that happens to hold a digit, as in Car2Go."""
    digits = sum(sign.isdecimal() for sign in word)
    return (
        digits > 1
        and "&" not in word
        and not (word.isdecimal() and len(word) <= _SHORT_NUMBER)
        and (digits * 2 >= len(word) or digits > _SHORT_NUMBER)
    )


def is_beside(word: str) -> bool:
    """Tell whether a word behind a name says nothing more of it: a place, a kind of company, a number."""
    said = parts(word)
    return word == CUT or not said or said in _BESIDE or any(sign.isdecimal() for sign in word)


def name_in(words: list[str], *, is_trade: Callable[[str], bool]) -> str:
    """Give the name that words start with, as written; a word in capitals only keeps its first one."""
    end = next((at for at, word in enumerate(words) if at and (word == CUT or _is_reference(word))), len(words))
    name = words[:end]
    while len(name) > 1:
        size = _size_of_tail(name, is_trade=is_trade)
        if not size:
            break
        del name[-size:]
    return _as_a_name(" ".join(word for word in name if word != CUT).strip(_EDGES))


def _size_of_tail(name: list[str], *, is_trade: Callable[[str], bool]) -> int:
    last = parts(name[-1])
    if not last or name[-1].isdecimal():
        return 1
    if last[-1] not in _ENDS:
        return 0
    for size in range(min(_LONGEST_PHRASE, len(name) - 1), 0, -1):
        tail = tuple(part for word in name[-size:] for part in parts(word))
        if tail in _TAILS:
            return size
        if tail in _PLACES and (len(tail[-1]) > _COUNTRY_CODE or name[-1].isupper()):
            rest = name[:-size]
            return 0 if len(rest) == 1 and is_trade(rest[0]) and len(tail[-1]) > _COUNTRY_CODE else size
    return 0


def _as_a_name(name: str) -> str:
    if not name.isupper():
        return name
    return " ".join(_capitalised(word) for word in name.split())


def _capitalised(word: str) -> str:
    letters = word.strip(".").casefold()
    if any(sign.isdecimal() for sign in word) or (len(letters) <= _ABBREVIATED and _is_acronym(letters)):
        return word
    pieces = _PIECES.split(word)
    if len(pieces) > 1 and max(map(len, pieces)) == 1:
        return word
    if _ADDRESS.fullmatch(word):
        return word[:1] + word[1:].lower()
    return "".join(piece[:1] + piece[1:].lower() for piece in pieces)


def _is_acronym(letters: str) -> bool:
    return letters not in _SPOKEN and not any(sign in _VOWELS for sign in unicodedata.normalize("NFD", letters))
