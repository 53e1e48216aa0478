"""Names as statements print them, brought to one form: the same shop is the same key whatever is printed around it.

Statement text is a name with a wrapping: processors and words for payment before it; references, dates, company forms
and places after it. Rules take the wrapping off, and where too little of a name is left, the text stays as it is: an
account number is a name too. Names are not guessed: two spellings of one brand stay two keys.
"""

from __future__ import annotations

import re
import unicodedata

from marketofone.domain.remembered import remembered

_ADDRESS = re.compile(
    r"(?:https?://)?(?:[a-z0-9-]+\.)*?([a-z0-9-]+)\.(?:com|net|org|info|co\.uk|[a-z]{2})(?![a-z.])\S*"
)
_DOTTED = re.compile(r"\b(?:[a-z]\.){2,}[a-z]?\.?(?![a-z])")  # s.r.o., B.V.
_APART = re.compile(r"[^\w&+'.-]+|_+")
_END = "+"
_DIGITS = re.compile(r"\d")
_REFERENCE_LENGTH = 5
_REFERENCE_DIGITS = 3
_LEAST_LETTERS = 2
_PREFIX = 6  # letters of a place that statements cut short


def _words_in(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PROCESSORS = _words_in(
    """
    paypal pp sq sumup izettle zettle klarna stripe adyen mollie paddle fs crv tst gpay
    """
)
_WRAPPING = _words_in(
    """
    payment card purchase pos debit credit sepa direct transfer ref reference invoice inv order mandate id no nr
    bill contactless visa mastercard maestro recurring subscription to from for txn trx auth paid via rcur core
    lastschrift kartenzahlung eur usd gbp czk chf jan feb mar apr may jun jul aug sep oct nov dec
    """
)
_FORMS = _words_in(
    """
    gmbh ag ltd limited inc llc plc bv nv sa sas sarl spa srl sro as ab oy aps kg ohg ug se co corp company intl
    international
    """
)
_PLACES = _words_in(
    """
    amsterdam athens barcelona belgrade berlin bern birmingham bratislava brno brussels bucharest budapest cologne
    copenhagen dublin edinburgh frankfurt geneva glasgow gothenburg hamburg helsinki istanbul krakow leeds lisbon
    ljubljana london luxembourg lyon madrid malmo manchester marseille milan munich munchen naples oslo ostrava
    paris porto prague praha riga rome rotterdam seville sofia stockholm stuttgart tallinn turin utrecht valencia
    vienna vilnius warsaw wien zagreb zurich at be bg ch cz de dk ee es eu fi fr gb gr hr hu ie it lt lu lv nl pl pt
    ro si sk uk us usa
    """
)


# Marks that statements of western banks leave out. All others tell names apart, and so do all marks of other scripts.
_LEFT_OUT = frozenset(map(chr, (*range(0x300, 0x305), *range(0x306, 0x309), 0x30A, 0x30B, 0x30C, 0x327, 0x328)))


@remembered(room=100_000)
def normal_name(text: str) -> str:
    """Give the part of a statement text that stays the same from payment to payment.

    Examples
    --------
    >>> [normal_name(text) for text in ("NETFLIX.COM 8842", "Netflix 01/23 AMSTERDAM", "PAYPAL *NETFLIX B.V.")]
    ['netflix', 'netflix', 'netflix']
    >>> normal_name("YZ/87144583")
    'yz/87144583'
    """
    whole = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    plain = _without_marks(whole)
    if any(unicodedata.category(sign).startswith("M") for sign in plain):
        return whole  # a script whose words are written with marks: what surrounds a name there is not known
    plain = plain.replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
    name = _words(_DOTTED.sub(f" {_END} ", _ADDRESS.sub(rf" {_END} \1 {_END} ", plain)))
    while len(name) > 1 and name[0] in _PROCESSORS:
        del name[0]
    while len(name) > 1 and _is_place(name[-1]):
        del name[-1]
    short = " ".join(name)
    return short if "&" in short or sum(sign.isalpha() for sign in short) > _LEAST_LETTERS else whole


def _without_marks(text: str) -> str:
    """Leave out the marks on Latin letters that statements leave out."""
    kept: list[str] = []
    latin = False
    for sign in unicodedata.normalize("NFD", text):
        if not unicodedata.combining(sign):
            latin = unicodedata.name(sign, "").startswith("LATIN")
        elif latin and sign in _LEFT_OUT:
            continue
        kept.append(sign)
    return unicodedata.normalize("NFC", "".join(kept))


def _words(plain: str) -> list[str]:
    """Give the words of the name; an address, a company form or a reference after it ends it."""
    name: list[str] = []
    for token in _APART.split(plain):
        word = token.strip(".-")
        if word == _END or word in _FORMS or _is_reference(word):
            if name:
                break
        elif word and word not in _WRAPPING:
            name.append(word)
    return name


def _is_reference(word: str) -> bool:
    digits = len(_DIGITS.findall(word))
    return digits >= _REFERENCE_DIGITS or digits == len(word) > 0 or (digits > 1 and len(word) >= _REFERENCE_LENGTH)


def _is_place(word: str) -> bool:
    return word in _PLACES or (len(word) >= _PREFIX and any(place.startswith(word) for place in _PLACES))
