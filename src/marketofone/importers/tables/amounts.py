"""Amounts as people and banks write them: which sign parts the decimals, and a reader for one way of writing.

Signs stand before or after (``12.50-``), as brackets (``(12.50)``), or as words of book-keeping (``12.50 CR``).
Groups of digits are parted by points, commas, apostrophes or blanks, in threes or as in India (``1,23,456.78``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Literal, NamedTuple

from marketofone.domain.money import CURRENCIES
from marketofone.importers.tables.cells import Cell
from marketofone.importers.tables.digits import western

DecimalSign = Literal[".", ","]
Direction = Literal["in", "out"]

_PLAIN = {".": re.compile(r"-?[0-9]{1,15}(?:\.[0-9]*)?"), ",": re.compile(r"-?[0-9]{1,15}(?:,[0-9]*)?")}
_BESIDE = r"((?:[^0-9.,]|[.,](?![0-9]))*)"  # "Rs." and "Dr." end with a point that parts nothing
_PARTS = re.compile(_BESIDE + r"([.,]?[0-9](?:[0-9.,'’´`\s]*[0-9])?)" + _BESIDE)  # noqa: RUF001 - banks print it
_GROUPED = {
    ".": re.compile(r"(?:[0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{2})*,[0-9]{3}|[0-9]{1,3}(?:,[0-9]{3})+)?(?:\.[0-9]*)?"),
    ",": re.compile(r"(?:[0-9]{1,15}|[0-9]{1,3}(?:\.[0-9]{3})+)?(?:,[0-9]*)?"),
}
_GAPS = re.compile(r"['’´`\s]")  # noqa: RUF001 - banks print it
_MINUS = "-−–"  # noqa: RUF001 - banks print them
_WORDS = {"cr": "in", "c": "in", "h": "in", "haben": "in", "kredit": "in", "dr": "out", "d": "out", "s": "out",
          "soll": "out", "debet": "out", "db": "out", "od": "out"}  # fmt: skip
SYMBOLS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "rs": "INR", "zł": "PLN", "kč": "CZK", "ft": "HUF", "fr": "CHF", "sfr": "CHF",
    "₺": "TRY", "tl": "TRY", "₽": "RUB", "₴": "UAH", "r$": "BRL", "a$": "AUD", "c$": "CAD", "us$": "USD",
    "nz$": "NZD", "s$": "SGD", "hk$": "HKD", "₩": "KRW", "₪": "ILS", "円": "JPY", "лв": "BGN", "lei": "RON",
    "₦": "NGN", "₫": "VND", "฿": "THB", "₱": "PHP", "元": "CNY", "원": "KRW",
    "ر.س": "SAR", "د.إ": "AED", "ج.م": "EGP", "د.ك": "KWD",
    "\u0440\u0443\u0431": "RUB",
}  # fmt: skip
_OF_SEVERAL = {"$": "USD", "¥": "JPY", "kr": "SEK"}
_CODES = frozenset(CURRENCIES)


def amount_reader(decimal: DecimalSign, *, positive: Direction = "in") -> Callable[[Cell], Decimal]:
    """Give a reader of amounts that gives money in as positive.

    Parameters
    ----------
    decimal
        The sign before the decimals.
    positive
        What a number without any sign says. Words of book-keeping beside a number mean the same either way.

    The reader raises ``ValueError`` where there is no amount, or one that another way of writing would read otherwise.

    Examples
    --------
    >>> read = amount_reader(".")
    >>> [str(read(cell)) for cell in ("1'234.50", "12.50-", "(12.50)", "1,23,456.78 CR", "$5")]
    ['1234.50', '-12.50', '-12.50', '123456.78', '5']
    >>> str(amount_reader(",", positive="out")("1.234,50"))
    '-1234.50'
    """
    plain, factor = _PLAIN[decimal].fullmatch, 1 if positive == "in" else -1

    def read(cell: Cell) -> Decimal:
        if isinstance(cell, str):
            if plain(cell):
                amount = Decimal(cell.replace(",", "."))
            else:
                direction, amount = _written(cell, decimal=decimal)
                if direction is not None:
                    return amount if direction == "in" else -amount
        elif isinstance(cell, Decimal):
            amount = cell
        else:
            raise ValueError("no amount")  # noqa: TRY004 - as for a text that is none
        return amount if factor > 0 else -amount

    return read


def _written(text: str, *, decimal: DecimalSign) -> tuple[str | None, Decimal]:
    """Read an amount that stands with more than its digits; the direction is that of a word beside it."""
    match = _PARTS.fullmatch(western(text).strip())
    if match is None:
        raise ValueError("no amount")
    before, digits, after = match.groups()
    digits = _GAPS.sub("", digits)
    if not _GROUPED[decimal].fullmatch(digits):
        raise ValueError("no amount of this way of writing")
    grouping = "," if decimal == "." else "."
    amount = Decimal(digits.replace(grouping, "").replace(",", "."))
    signed, direction = _signs(before, after)
    return direction, -amount if signed else amount


def _signs(before: str, after: str) -> tuple[bool, str | None]:
    """Say whether a minus stands beside an amount, and which way a word of book-keeping points."""
    words = [_bare(before), _bare(after)]
    direction = _WORDS.get(words[1])
    if direction is not None:
        words[1] = ""
    if any(word and _currency_of(word) is None for word in words):
        raise ValueError("no amount but a text with a number")
    minus = any(sign in before + after for sign in _MINUS)
    return minus or ("(" in before and ")" in after), direction


def _bare(text: str) -> str:
    return text.strip(" \t\xa0\u202f+().:" + _MINUS).lower()


def _currency_of(word: str) -> str | None:
    return SYMBOLS.get(word) or _OF_SEVERAL.get(word) or (word.upper() if word.upper() in _CODES else None)


class CurrencyBeside(NamedTuple):
    """The currency that stands beside an amount, and whether its sign is that of one currency only."""

    code: str
    sure: bool


def currency_beside(cell: Cell) -> CurrencyBeside | None:
    """Find the currency that is written beside an amount.

    Examples
    --------
    >>> currency_beside("12,50 Kč"), currency_beside("12.50")
    (CurrencyBeside(code='CZK', sure=True), None)
    """
    match = _PARTS.fullmatch(western(cell).strip()) if isinstance(cell, str) else None
    for word in (_bare(match[1]), _bare(match[3])) if match else ():
        if word and word not in _WORDS and (code := _currency_of(word)):
            return CurrencyBeside(code, word not in _OF_SEVERAL)
    return None


class AmountStyle(NamedTuple):
    """Which sign parts the decimals of a column, which share can be read so, and whether it is sure."""

    decimal: DecimalSign
    share: float
    sure: bool


def amount_style(cells: Iterable[Cell], *, otherwise: DecimalSign = ".") -> AmountStyle:
    """Find which sign parts the decimals; ``otherwise`` is taken where the amounts leave it open.

    Examples
    --------
    >>> amount_style(["1.234,50", "12"])
    AmountStyle(decimal=',', share=1.0, sure=True)
    >>> amount_style(["1.234"]).sure
    False
    """
    filled = [cell for cell in cells if cell != ""]
    votes = Counter(vote for cell in filled if (vote := _vote(cell)) is not None)
    told = {sign: votes[sign] for sign in (".", ",")}
    sure = told["."] != told[","] or not votes["?"]
    decimal: DecimalSign = otherwise if told["."] == told[","] else "." if told["."] > told[","] else ","
    return AmountStyle(decimal, _readable(filled, decimal=decimal), sure)


def _vote(cell: Cell) -> str | None:
    """Say what one amount tells of the sign before decimals: which it is, ``?`` where it is open, None for nothing."""
    match = _PARTS.fullmatch(western(cell).strip()) if isinstance(cell, str) else None
    if match is None:
        return None
    digits = _GAPS.sub("", match[2])
    signs = [one for one in digits if one in ".,"]
    if not signs:
        return None
    if len(set(signs)) > 1:
        return signs[-1]
    if len(signs) > 1:
        return "," if signs[0] == "." else "."
    behind = len(digits) - digits.index(signs[0]) - 1
    whole = digits.index(signs[0])
    return "?" if behind == len("000") and 0 < whole <= len("000") and digits[0] != "0" else signs[0]


def _readable(cells: list[Cell], *, decimal: DecimalSign) -> float:
    read, count = amount_reader(decimal), 0
    for cell in cells:
        try:
            read(cell)
        except ValueError:
            continue
        count += 1
    return count / len(cells) if cells else 0.0


def is_amount(cell: Cell) -> bool:
    """Say whether a cell may hold an amount, in one of the ways of writing.

    Examples
    --------
    >>> is_amount("1.234,50 €"), is_amount("Amount"), is_amount("2026-06-01")
    (True, False, False)
    """
    if isinstance(cell, Decimal):
        return True
    return isinstance(cell, str) and any(_readable([cell], decimal=sign) for sign in (".", ","))
