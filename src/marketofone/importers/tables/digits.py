"""Digits and signs of every script in one form: full-width ones, those of Arabic, Persian, Hindi, Thai and others."""

from __future__ import annotations

import unicodedata

_SIGNS = {"\u066b": ".", "\u066c": "'", "\u060c": ",", "△": "-", "▲": "-"}
"""The Arabic signs before decimals and between groups; what Japanese accounts write before money out."""
_UNSEEN = frozenset({"Cf"})  # marks that say from where to read


def western(text: str) -> str:
    r"""Give a text with the digits and signs that are written in the West.

    Examples
    --------
    >>> western("\uff11\uff0c\uff12"), western("\u0661\u066b\u0665"), western("▲500")
    ('1,2', '1.5', '-500')
    """
    if text.isascii():
        return text
    return "".join(map(_letter, unicodedata.normalize("NFKC", text)))


def _letter(letter: str) -> str:
    if letter.isascii():
        return letter
    digit = unicodedata.decimal(letter, None)
    if digit is not None:
        return str(digit)
    return "" if unicodedata.category(letter) in _UNSEEN else _SIGNS.get(letter, letter)
