"""What codes and words of other systems say of a payment: bank codes, purposes, merchant categories, category words.

A code tells the usual case: ``loan_payment`` for a loan, ``interest`` for interest. Who knows the sign of the payment
turns it round where the money goes the other way. What tells only the direction or the rail means nothing.
"""

from __future__ import annotations

import re
from importlib.resources import files

from msgspec import Struct

from marketofone.domain.decoding import convert, decode_toml
from marketofone.domain.remembered import remembered
from marketofone.models.movement.spelling import folded, spellings
from marketofone.models.movement.taxonomy import NATURES, Meaning

_NOTHING = Meaning()
_CACHED = 16_384
_SIGNS = re.compile(r"[\s\-/._+]+")
_LEVELS = re.compile(r"[:>|\u2192\u00bb]")
_TRAILING = re.compile(r" (?:\d+|[a-z])$")


class _Tables(Struct, frozen=True, forbid_unknown_fields=True):
    """Per table, the codes of each nature or category."""

    bank: dict[str, tuple[str, ...]]
    german: dict[str, tuple[str, ...]]
    short: dict[str, tuple[str, ...]]
    purpose: dict[str, tuple[str, ...]]
    mcc: dict[str, tuple[str, ...]]
    plaid: dict[str, tuple[str, ...]]
    words: dict[str, tuple[str, ...]]


def _meaning(name: str) -> Meaning:
    return convert({"nature": name} if name in NATURES else {"category": name}, of=Meaning)


def _by_code(table: dict[str, tuple[str, ...]]) -> dict[str, Meaning]:
    return {code: _meaning(name) for name, codes in table.items() for code in codes}


def _each(codes: tuple[str, ...]) -> tuple[str, ...]:
    bounds = [(int(low), int(high or low)) for low, _, high in (code.partition("-") for code in codes)]
    return tuple(f"{code:04}" for low, high in bounds for code in range(low, high + 1))


def _plain(word: str) -> str:
    return " ".join(_SIGNS.sub(" ", folded(word).replace("&", " and ").replace(",", " ")).split())


_GUIDE = decode_toml(files(__package__).joinpath("codes.toml").read_bytes(), of=_Tables)
_BANK = {tuple(code.split("-")): meaning for code, meaning in _by_code(_GUIDE.bank).items()}
_GERMAN = _by_code(_GUIDE.german)
_SHORT = {"".join(_SIGNS.split(code)): meaning for code, meaning in _by_code(_GUIDE.short).items()}
_PURPOSE = _by_code(_GUIDE.purpose)
_MCC = _by_code({name: _each(codes) for name, codes in _GUIDE.mcc.items()})
_PLAID = _by_code(_GUIDE.plaid)
_WORDS = {_plain(way): meaning for word, meaning in _by_code(_GUIDE.words).items() for way in spellings(word)}


@remembered(room=_CACHED)
def meaning_of_bank_code(code: str) -> Meaning:
    """Give what a bank transaction code says: of ISO 20022, OFX, MT940, the German and the British banks.

    Examples
    --------
    >>> meaning_of_bank_code("PMNT-CCRD-CWDL").nature, meaning_of_bank_code("153").nature
    ('cash', 'salary')
    >>> meaning_of_bank_code("CREDIT")
    Meaning(nature=None, category=None)
    """
    pieces = [piece for piece in _SIGNS.split(code.strip().upper()) if piece]
    if not pieces:
        return _NOTHING
    german = next((_GERMAN[piece] for piece in pieces[:2] if piece in _GERMAN), None)
    return german or _SHORT.get("".join(pieces)) or _meaning_in_iso(pieces)


def _meaning_in_iso(pieces: list[str]) -> Meaning:
    domain, family, subfamily = (*pieces[:3], "", "")[:3]
    ways = (
        (domain, family, subfamily),
        (domain, "*", subfamily),
        ("*", family, subfamily),
        ("*", "*", subfamily),
        (domain, family),
    )
    return next((_BANK[way] for way in ways if way in _BANK), _NOTHING)


def meaning_of_purpose(code: str) -> Meaning:
    """Give what a purpose code, or a category purpose, of ISO 20022 says.

    Examples
    --------
    >>> meaning_of_purpose("SALA").nature, meaning_of_purpose("ELEC").category
    ('salary', 'utilities')
    """
    return _PURPOSE.get(code.strip().upper(), _NOTHING)


def category_of_mcc(mcc: str) -> Meaning:
    """Give what a merchant category code of four digits says. Most say only a category: a refund carries it too.

    Examples
    --------
    >>> category_of_mcc("5411").category, category_of_mcc("3058").category, category_of_mcc("6011").nature
    ('groceries', 'travel', 'cash')
    """
    return _MCC.get(mcc.strip().zfill(4), _NOTHING)


@remembered(room=_CACHED)
def meaning_of_word(word: str) -> Meaning:
    """Give what a category word says, in the many ways people, banks and aggregators write it.

    Of a path ("Food: Milk") the most exact part that means something counts. A merchant category code may stand for a
    word, and so may a category of Plaid.

    Examples
    --------
    >>> [meaning_of_word(word).category for word in ("Food & Drink", "Épicerie", "FOOD_AND_DRINK_GROCERIES", "5411")]
    ['dining', 'groceries', 'groceries', 'groceries']
    """
    if word.strip().isdecimal():
        return category_of_mcc(word)
    plaid = _meaning_in_plaid(word.strip().upper()) if "_" in word else None
    if plaid:
        return plaid
    for level in reversed(_LEVELS.split(word)):
        plain = _plain(level)
        meaning = _WORDS.get(plain) or _WORDS.get(_TRAILING.sub("", plain))
        if meaning:
            return meaning
    return _NOTHING


def _meaning_in_plaid(code: str) -> Meaning | None:
    while code and code not in _PLAID:
        code = code.rpartition("_")[0]
    return _PLAID.get(code)
