"""Who was paid, and what is usually bought there: the name in a statement's text and its category.

A well-known name counts first, then a word that names a trade (bakery, Zahnarzt, kirana). A name that tells nothing
has no category. Ordinary words and names of a few letters count only as the whole name.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

from msgspec import Struct

from marketofone.domain.decoding import decode_toml
from marketofone.domain.fields import Category
from marketofone.domain.remembered import remembered
from marketofone.models.movement.descriptors import CUT, is_beside, name_in, phrases, words_in
from marketofone.models.movement.spelling import all_parts, parts
from marketofone.models.movement.trades import UNSPACED, category_of, is_trade

_CACHED = 131_072
_SHORT = 5  # letters up to which a well-known name counts only at the start
_TINY = 2  # letters up to which it counts only as the whole name
_COMPLETED = 6  # letters that a name must keep to be completed
_UNSPACED_NAME = 3  # signs that a name needs to be found at the start of a longer word, in scripts without blanks
_STRETCH = 2  # times its length that a name may grow when it is completed
_LAST_SIGN = "\U0010ffff"


class Merchant(Struct, frozen=True):
    """Who was paid: the name as people write it, and what is usually bought there, None where nothing tells."""

    name: str
    category: Category | None = None


class _Guide(Struct, frozen=True, forbid_unknown_fields=True):
    brands: dict[Category | Literal["nothing"], tuple[str, ...]]


class _Brand(Struct, frozen=True, gc=False):
    merchant: Merchant
    ways: tuple[str, ...]
    carries: bool


class _Entry(Struct, frozen=True, gc=False):
    parts: tuple[str, ...]
    brand: _Brand
    whole: bool
    first: bool


def _brands() -> Iterator[_Brand]:
    guide = decode_toml(files(__package__).joinpath("merchants.toml").read_bytes(), of=_Guide)
    for category, lines in guide.brands.items():
        known = None if category == "nothing" else category  # who only carries the payment
        for line in lines:
            name, *others = line.split("|")
            yield _Brand(Merchant(name.lstrip("="), known), (name, *others), known is None)


def _entries(brand: _Brand) -> Iterator[_Entry]:
    strict = phrases(way[1:] for way in brand.ways if way.startswith("=")) | _addresses(brand.ways)
    for said in phrases(way.lstrip("=") for way in brand.ways):
        for variant in {said, ("".join(said),)} if len("".join(said)) > _SHORT else {said}:
            letters = len("".join(variant))
            unspaced = variant[0][0] >= UNSPACED
            whole = said in strict or (letters <= _TINY and not unspaced)
            yield _Entry(variant, brand, whole, letters <= _SHORT and not unspaced)


def _addresses(ways: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    """Give the words that are a name only as an address, as in Hotels.com."""
    plain = phrases(way for way in ways if "." not in way)
    return frozenset(
        said for said in phrases(way for way in ways if "." in way) if len(said) == 1 and said not in plain
    )


def _index(entries: tuple[_Entry, ...]) -> dict[str, tuple[_Entry, ...]]:
    index: dict[str, list[_Entry]] = {}
    for entry in entries:
        index.setdefault(entry.parts[0], []).append(entry)
    return {first: tuple(sorted(found, key=lambda entry: -len(entry.parts))) for first, found in index.items()}


class Directory(NamedTuple):
    """All well-known names, in the orders in which they are looked up."""

    brands: tuple[_Brand, ...]
    entries: tuple[_Entry, ...]
    by_first_part: dict[str, tuple[_Entry, ...]]
    unspaced: tuple[_Entry, ...]
    written: list[tuple[str, str]]
    by_name: dict[str, Merchant]


@cache
def directory() -> Directory:
    """Read the well-known names, once and only when somebody asks."""
    brands = tuple(_brands())
    entries = tuple(entry for brand in brands for entry in _entries(brand) if entry.parts)
    free = [entry for entry in entries if not entry.whole]
    unspaced = (e for e in free if e.parts[0][0] >= UNSPACED and len(e.parts[0]) >= _UNSPACED_NAME)
    written = sorted({(" ".join(entry.parts), entry.brand.merchant.name) for entry in free})
    by_name = {brand.merchant.name: brand.merchant for brand in brands}
    return Directory(brands, entries, _index(entries), tuple(unspaced), written, by_name)


@remembered(room=_CACHED)
def recognise(text: str) -> Merchant | None:
    """Find who was paid in a statement's text; None where it holds no name.

    Examples
    --------
    >>> recognise("EC 54001234 12.05 18.04 CE0 REWE SAGT DANKE 4711//BERLIN/DE")
    Merchant(name='Rewe', category='groceries')
    >>> recognise("UPI/P2M/412345/SWIGGY/okaxis")
    Merchant(name='Swiggy', category='dining')
    >>> recognise("KARTENZAHLUNG BÄCKEREI HUBER GMBH MÜNCHEN")
    Merchant(name='Bäckerei Huber', category='groceries')
    >>> recognise("CARD PAYMENT 12/05") is None
    True
    """
    words = words_in(text, is_name=_starts_with_name)
    said, owners = _flat(words)
    start = next((at for at, part in enumerate(said) if part != CUT and not part.isdecimal()), 0)
    known, carrier = _known(words, said, owners, start=start)
    if known:
        return known
    behind = words[owners[carrier.end] :] if carrier else words
    name = name_in(behind, is_trade=is_trade)
    if carrier and (not name or all(is_beside(word) for word in behind)):
        return carrier.merchant
    if not any(sign.isalpha() for sign in name):
        return None
    named = all_parts(name)
    return _completed(named) or Merchant(name, category_of(named))


def clean_name(text: str) -> str:
    """Give the name of the merchant in a statement's text, as people write it; nothing where it holds none.

    Examples
    --------
    >>> [clean_name(text) for text in ("CB CARREFOUR 12/05", "TST* JOE'S DINER", "किराना दुकान", "東京ガス")]
    ['Carrefour', "Joe's Diner", 'किराना दुकान', '東京ガス']
    """
    merchant = recognise(text)
    return merchant.name if merchant else ""


class _Carrier(NamedTuple):
    """Who only passed the payment on, and where the words behind start."""

    merchant: Merchant
    end: int


def _starts_with_name(words: list[str]) -> bool:
    """Tell whether words that look like a statement's own start a name of several words, or one with digits."""
    first = parts(words[0])
    entries = directory().by_first_part.get(first[0], ()) if first else ()
    likely = [entry for entry in entries if len(entry.parts) > 1 or not first[0].isalpha()]
    if not likely:
        return False
    said = tuple(part for word in words[: len(likely[0].parts)] for part in parts(word))
    return any(said[: len(entry.parts)] == entry.parts for entry in likely)


def _flat(words: list[str]) -> tuple[list[str], list[int]]:
    """Give the parts of all words, and for each (and the end) which word it belongs to."""
    said: list[str] = []
    owners: list[int] = []
    for at, word in enumerate(words):
        pieces = (CUT,) if word == CUT else parts(word)
        said.extend(pieces)
        owners.extend([at] * len(pieces))
    return said, [*owners, len(words)]


def _known(
    words: list[str], said: list[str], owners: list[int], *, start: int
) -> tuple[Merchant | None, _Carrier | None]:
    carrier = None
    for at, part in enumerate(said):
        entry = next(
            (e for e in directory().by_first_part.get(part, ()) if _stands(e, words, said, owners, at=at, start=start)),
            None,
        )
        entry = entry or _unspaced(part)
        if entry and not entry.brand.carries:
            return entry.brand.merchant, None
        if entry and carrier is None and at <= start:
            carrier = _Carrier(entry.brand.merchant, at + len(entry.parts))
    return None, carrier


def _stands(entry: _Entry, words: list[str], said: list[str], owners: list[int], *, at: int, start: int) -> bool:
    end = at + len(entry.parts)
    if tuple(said[at:end]) != entry.parts:
        return False
    if at > start and (entry.first or entry.whole):
        return False
    if not entry.whole:
        return True
    behind = words[owners[end] :] if owners[end] != owners[end - 1] else ["-"]
    return not behind or any(sign.isdecimal() for sign in behind[0]) or all(is_beside(word) for word in behind)


def _unspaced(part: str) -> _Entry | None:
    if part[0] < UNSPACED:
        return None
    return next((entry for entry in directory().unspaced if part.startswith(entry.parts[0])), None)


def _completed(named: tuple[str, ...]) -> Merchant | None:
    """Complete a name that a statement has cut off inside a word, where only one well-known name starts like it."""
    written = " ".join(named)
    if len(written) < _COMPLETED:
        return None
    written_ways, by_name = directory().written, directory().by_name
    low, high = (bisect_left(written_ways, (bound, "")) for bound in (written, f"{written}{_LAST_SIGN}"))
    ways = written_ways[low:high]
    if not ways or ways[0][0] == written or ways[0][0][len(written)] == " ":
        return None
    # A name without its "s" is more often a person's than cut off.
    likely = [
        (way, name)
        for way, name in ways
        if not f"{way} ".startswith(f"{written}s ") and len(way) <= _STRETCH * len(written)
    ]
    names = sorted({name for _, name in likely}, key=len)
    return by_name[names[0]] if names and all(name.startswith(names[0]) for name in names) else None
