"""The words of payments: which rule of ``words.toml`` a printed text meets.

A text becomes plain words, the beginning of each field marked; a phrase is found by its first word, so a text costs a
few look-ups a word, however many phrases there are.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Annotated, Literal

from msgspec import Meta, Struct

from marketofone.domain.document import read_toml
from marketofone.domain.fields import Category, Nature, Share
from marketofone.domain.remembered import remembered

FIELD = "^"
"""Stands before the first word of each field."""
_GAP = "~"
_GAP_WORDS = 3
_STEM = 3
_SHORT_STEM = 2

Tier = Literal["strong", "purpose", "person", "subject", "weak"]
_Phrases = Annotated[tuple[str, ...], Meta(min_length=1)]
_PIECE = re.compile(r"[^\W\d_]+|\d+")
_PATTERN = re.compile(r"\*?[^\W\d_]+\*?|\d+|~")
# Statements write both "für" and "fuer": the sign of an umlaut is left out, in phrases too.
_UMLAUT = re.compile(r"(?<=[aou])e")
# Letters that no decomposition makes plain.
_PLAIN = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "\N{LATIN SMALL LETTER DOTLESS I}": "i", "æ": "a", "œ": "o"})


class Rule(Struct, frozen=True, kw_only=True):
    """What words say of a payment, in the order in which they count."""

    order: int
    tier: Tier
    because: str
    nature: Nature | None
    category: Category | None
    confidence: float


class _Words(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    because: str
    nature: Nature
    category: Category | None = None
    sign: Literal["in", "out", "any"] = "any"
    confidence: Share = 0.93
    phrases: _Phrases


class _Subject(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    category: Category
    phrases: _Phrases


class _Document(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    given_names: str
    titles: str
    company_forms: str
    transfer_words: str
    strong: tuple[_Words, ...]
    purpose: tuple[_Subject, ...]
    person: tuple[_Words, ...]
    subject: tuple[_Subject, ...]
    weak: tuple[_Words, ...]


class _Entry(Struct, frozen=True, gc=False):
    """A rule, the words of one of its phrases, and whether it must begin a field."""

    rule: Rule
    pattern: Sequence[str]
    begins: bool


class Phrasebook:
    """Rules and the phrases that lead to them.

    Examples
    --------
    >>> rule = Rule(order=0, tier="strong", because="pay", nature="salary", category=None, confidence=0.9)
    >>> book = Phrasebook([(rule, ("lohn*", "pay ~ month"))])
    >>> [len(book.find(plain_words([text]))) for text in ("LOHNZAHLUNG", "Pay for the month", "Belohnung")]
    [1, 1, 0]
    """

    def __init__(self, rules: Iterable[tuple[Rule, Sequence[str]]]) -> None:
        self._whole: dict[str, list[_Entry]] = defaultdict(list)
        self._heads: dict[str, list[_Entry]] = defaultdict(list)
        self._tails: dict[str, list[_Entry]] = defaultdict(list)
        for rule, phrases in rules:
            for phrase in phrases:
                begins = phrase.startswith(FIELD)
                pattern = _PATTERN.findall(_plain(phrase.removeprefix(FIELD)))
                index, key = self._place(pattern[0])
                index[key].append(_Entry(rule, pattern, begins))

    def _place(self, first: str) -> tuple[dict[str, list[_Entry]], str]:
        if first.startswith("*"):
            return self._tails, first[1:][-_STEM:]
        if first.endswith("*"):
            return self._heads, first[:-1][:_STEM]
        return self._whole, first

    def beginning_with(self, word: str) -> tuple[_Entry, ...]:
        """Give the phrases whose first word is this one."""
        found = list(self._whole.get(word, ()))
        for stem in (_STEM, _SHORT_STEM):
            for near in (self._heads.get(word[:stem]), self._tails.get(word[-stem:])):
                if near is not None:
                    found += [entry for entry in near if _same(word, entry.pattern[0])]
        return tuple(found)

    def find(self, words: Sequence[str]) -> list[Rule]:
        """Give the rules that the words meet, each once, the first one first."""
        found: dict[int, Rule] = {}
        for at, word in enumerate(words):
            for entry in _beginning_with(self, word):
                if entry.begins and words[at - 1] != FIELD:
                    continue
                rule, pattern = entry.rule, entry.pattern
                if len(pattern) == 1 or (rule.order not in found and _follows(words, at + 1, pattern, 1)):
                    found[rule.order] = rule
        return [found[order] for order in sorted(found)]


@remembered(room=20_000)
def _beginning_with(book: Phrasebook, word: str) -> tuple[_Entry, ...]:
    return book.beginning_with(word)


def _follows(words: Sequence[str], at: int, pattern: Sequence[str], step: int) -> bool:
    """Say whether the rest of a pattern stands in the words from ``at`` on."""
    if step == len(pattern):
        return True
    if pattern[step] == _GAP:
        return any(_follows(words, at + skipped, pattern, step + 1) for skipped in range(_GAP_WORDS + 1))
    return at < len(words) and _same(words[at], pattern[step]) and _follows(words, at + 1, pattern, step + 1)


def _same(word: str, asked: str) -> bool:
    if asked.endswith("*"):
        return word.startswith(asked[:-1])
    return word.endswith(asked[1:]) if asked.startswith("*") else word == asked


def plain_words(fields: Iterable[str | None]) -> list[str]:
    """Split what is printed into plain words; each field begins with its mark.

    Examples
    --------
    >>> plain_words(["Prélèvement EDF", None, "SAL0325"])
    ['^', 'prelevement', 'edf', '^', 'sal', '0325']
    """
    words: list[str] = []
    for field in fields:
        if field:
            words.append(FIELD)
            words += _PIECE.findall(_plain(field))
    return words


def _plain(text: str) -> str:
    if text.isascii():
        return _UMLAUT.sub("", text.lower())
    parted = unicodedata.normalize("NFKD", text.casefold()).translate(_PLAIN)
    bare = "".join(sign for sign in parted if not unicodedata.combining(sign))
    return _UMLAUT.sub("", unicodedata.normalize("NFC", bare))


@cache
def _document() -> _Document:
    text = files(__package__).joinpath("words.toml").read_text(encoding="utf-8")
    return read_toml(text, of=_Document, name="words.toml")


@cache
def phrasebook(*, incoming: bool) -> Phrasebook:
    """Give the rules for money in, or those for money out."""
    document = _document()
    asked = "in" if incoming else "out"
    entries: list[tuple[Tier, _Words | _Subject]] = [
        *(("strong", entry) for entry in document.strong if entry.sign in (asked, "any")),
        *(("purpose", entry) for entry in document.purpose),
        *(("person", entry) for entry in document.person if entry.sign in (asked, "any")),
        *(("subject", entry) for entry in document.subject),
        *(("weak", entry) for entry in document.weak if entry.sign in (asked, "any")),
    ]
    rules = [(_rule(order, tier, entry), entry.phrases) for order, (tier, entry) in enumerate(entries)]
    return Phrasebook(rules)


def _rule(order: int, tier: Tier, entry: _Words | _Subject) -> Rule:
    if isinstance(entry, _Subject):
        because = f"words for {entry.category.replace('_', ' ')}"
        return Rule(order=order, tier=tier, because=because, nature=None, category=entry.category, confidence=0.0)
    return Rule(
        order=order,
        tier=tier,
        because=entry.because,
        nature=entry.nature,
        category=entry.category,
        confidence=entry.confidence,
    )


@cache
def _people() -> tuple[frozenset[str], frozenset[str], frozenset[str], frozenset[str]]:
    of = _document()
    given, titles, forms, ways = (
        frozenset(_plain(text).split()) for text in (of.given_names, of.titles, of.company_forms, of.transfer_words)
    )
    return given, titles, forms, ways


_LONGEST_NAME = 5


def names_person(counterparty: str | None, *, text: Sequence[str] = ()) -> bool:
    """Say whether the other side looks like a person: a title or a given name, and no form of a company.

    ``text`` are the plain words of what is printed; they name a person only beside a word for a transfer, or where a
    title begins them.

    Examples
    --------
    >>> names_person("Eva Novak"), names_person("Eva Novak s.r.o."), names_person("Lamp House")
    (True, False, False)
    """
    given, titles, forms, ways = _people()
    if counterparty:
        words = set(_PIECE.findall(_plain(counterparty)))
        if {"s", "r", "o"} <= words or words & forms:
            return False
        return 1 < len(words) <= _LONGEST_NAME and bool(words & given or words & titles)
    said = frozenset(text)
    titled = any(word in titles and (before == FIELD or before in ways) for before, word in pairwise(text))
    return not said & forms and (titled or bool(said & given and said & ways))


def same_person(name: str, other: str) -> bool:
    """Say whether two names are of one person, whatever the order of the words, capitals, accents and titles.

    Examples
    --------
    >>> same_person("NOVÁK EVA", "Eva Novak"), same_person("Jan Novak", "Eva Novak")
    (True, False)
    """
    titles = _people()[1]
    one, two = (frozenset(_PIECE.findall(_plain(text))) - titles for text in (name, other))
    return one == two and len(one) > 1
