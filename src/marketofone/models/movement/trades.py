"""What a word in a shop's name says of its trade."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files

from marketofone.domain.decoding import decode_toml
from marketofone.domain.fields import Category
from marketofone.models.movement.spelling import all_parts, parts, spellings

_AFFIX = 5  # letters that a word needs to be found inside a longer one
_LONGEST = 3  # words
UNSPACED = "\u0e00"
"""From Thai on, scripts put no blanks between words, or few: there a word is found inside a longer one."""


def _ways() -> Iterator[tuple[str, tuple[str, ...], Category]]:
    guide = decode_toml(files(__package__).joinpath("trades.toml").read_bytes(), of=dict[Category, tuple[str, ...]])
    for category, words in guide.items():
        for word in words:
            for way in spellings(word.strip("*")):
                yield word, all_parts(way), category


_WAYS = tuple(_ways())
_WHOLE = {said: category for _, said, category in _WAYS}
_ENDS = {said[0]: category for word, said, category in _WAYS if word.startswith("*") and len(said[0]) >= _AFFIX}
_BEGINNINGS = {said[0]: category for word, said, category in _WAYS if word.endswith("*") and len(said[0]) >= _AFFIX}
_INSIDE = sorted(
    ((said[0], category) for _, said, category in _WAYS if said[0][0] >= UNSPACED and len(said[0]) > 1),
    key=lambda way: (-len(way[0]), way[0]),
)


def is_trade(word: str) -> bool:
    """Tell whether a word names a trade, so that it alone is not yet a name."""
    return category_of(parts(word)) is not None


def category_of(said: Sequence[str]) -> Category | None:
    """Give the category of the first word, or pair of words, that names a trade.

    Examples
    --------
    >>> category_of(("sharma", "medical", "store")), category_of(("stadtbäckerei", "huber")), category_of(("novak",))
    ('health', 'groceries', None)
    """
    for at, word in enumerate(said):
        for size in range(min(_LONGEST, len(said) - at), 1, -1):
            together = _WHOLE.get(tuple(said[at : at + size]))
            if together:
                return together
        alone = _WHOLE.get((word,)) or _of_compound(word)
        if alone:
            return alone
    return None


def _of_compound(word: str) -> Category | None:
    if word[0] >= UNSPACED:
        return next((category for inside, category in _INSIDE if inside in word), None)
    for size in range(len(word) - 1, _AFFIX - 1, -1):
        category = _ENDS.get(word[-size:]) or _BEGINNINGS.get(word[:size])
        if category:
            return category
    return None
