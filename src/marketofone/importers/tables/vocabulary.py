"""The words of statements: what a header calls a column, and what cells say of direction and state.

The words themselves stand in ``vocabulary.toml``. They are compared folded, so that case, accents and signs say
nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib.resources import files

from msgspec import Struct

from marketofone.domain.decoding import decode_toml
from marketofone.domain.money import CURRENCIES
from marketofone.importers.tables.amounts import SYMBOLS

_LETTERS = str.maketrans({"ß": "ss", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"})  # noqa: RUF001
_SIGNS = re.compile(r"[\W_]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NUMBER = re.compile(r"\s*\d+$")
_CODES = frozenset(CURRENCIES)
_CODE = re.compile(r"\b[A-Z]{3}\b")
_BRACKETS = re.compile(r"[\s()\[\]/]+")
_ONLY_A_CURRENCY = 0.6
_IN = re.compile(r" (?:in|en|em|w|v|i)$")  # before a currency: "Betrag in EUR"


class _Vocabulary(Struct, frozen=True):
    headers: dict[str, tuple[str, ...]]
    cells: dict[str, frozenset[str]]
    places: dict[str, frozenset[str]]


@cache
def _vocabulary() -> _Vocabulary:
    said = decode_toml(files(__package__).joinpath("vocabulary.toml").read_bytes(), of=_Vocabulary)
    return _Vocabulary(
        {role: tuple(dict.fromkeys(map(folded, phrases))) for role, phrases in said.headers.items()},
        {meaning: frozenset(map(folded, words)) for meaning, words in said.cells.items()},
        {currency: frozenset(map(folded, words)) for currency, words in said.places.items()},
    )


@lru_cache(maxsize=10_000)
def folded(text: str) -> str:
    """Give a text without case, accents and signs.

    Examples
    --------
    >>> folded("Begünstigter/Zahlungspflichtiger"), folded("Income/Expense"), folded("Částka")
    ('begunstigter zahlungspflichtiger', 'income expense', 'castka')
    """
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return _SIGNS.sub(" ", "".join(letter for letter in plain if not unicodedata.combining(letter))).strip()


def says(meaning: str, cell: str) -> bool:
    """Say whether a cell has a meaning: ``money_in``, ``money_out``, ``transfer``, ``pending``, ``void``, ``total``.

    Examples
    --------
    >>> says("money_out", "Výdaj"), says("money_in", "Expense")
    (True, False)
    """
    return folded(cell) in _vocabulary().cells[meaning]


def begins_like_a_total(cell: str) -> bool:
    """Say whether a line that begins with this cell sums others up, or says what stood on the account.

    Examples
    --------
    >>> [begins_like_a_total(cell) for cell in ("Total:", "Kontostand am 31.01.2026", "Totally Tea")]
    [True, True, False]
    """
    words = folded(cell).split()
    totals = _vocabulary().cells["total"]
    return any(" ".join(words[:length]) in totals for length in range(1, len(words) + 1))


def roles_of(header: str) -> Mapping[str, float]:
    """Give what a header may call its column, each role with a weight between 0 and 1.

    Examples
    --------
    >>> max(roles_of("Betrag (EUR)"), key=roles_of("Betrag (EUR)").get)
    'amount'
    >>> roles_of("Llamas"), currency_in("Betrag (EUR)")
    ({}, 'EUR')
    """
    found: dict[str, float] = {}
    plain = _without_currency(header)
    for name in dict.fromkeys((folded(header), folded(_HUMP.sub(" ", header)), plain, _without_umlauts(plain))):
        for role, phrases in _vocabulary().headers.items():
            weight = _weight(name, phrases)
            if weight > found.get(role, 0.0):
                found[role] = weight
    if not plain and currency_in(header) is not None:  # "CAD$": what stands below is money
        found["amount"] = _ONLY_A_CURRENCY
    return found


def currency_in(header: str) -> str | None:
    """Give the currency that a header names beside its word, by its code or its sign."""
    codes = [code for code in _CODE.findall(header) if code in _CODES]
    signs = [SYMBOLS[word] for word in _BRACKETS.split(header.lower()) if word in SYMBOLS]
    return next(iter(codes + signs), None)


def currency_of_words(headers: Iterable[str]) -> str | None:
    """Give the currency of the place where headers are written so; None where they do not tell.

    Examples
    --------
    >>> currency_of_words(["Data operacji", "Kwota"]), currency_of_words(["Date", "Amount"])
    ('PLN', None)
    """
    names = {_without_currency(header) for header in headers}
    found = {code: len(names & words) for code, words in _vocabulary().places.items() if names & words}
    best = [code for code, count in found.items() if count == max(found.values())]
    return best[0] if len(best) == 1 else None


def _without_currency(header: str) -> str:
    name = _NUMBER.sub("", folded(_CODE.sub(lambda code: "" if code[0] in _CODES else code[0], header)))
    return _IN.sub("", name) if name != folded(header) else name


def _without_umlauts(name: str) -> str:
    """Write German letters as they stand folded, where a header spells them out."""
    return name.replace("ae", "a").replace("oe", "o").replace("ue", "u")


def _weight(name: str, phrases: tuple[str, ...]) -> float:
    """Weigh how well a name is one of some phrases: all of it, its beginning, or words; earlier phrases say more."""
    if name in phrases:
        return 1.0 - 0.3 * phrases.index(name) / len(phrases)
    if not name:
        return 0.0
    if any(name.startswith(f"{phrase} ") for phrase in phrases):
        return 0.45
    inside = [len(phrase) for phrase in phrases if f" {phrase} " in f" {name} "]
    return 0.5 * max(inside) / len(name) if inside else 0.0
