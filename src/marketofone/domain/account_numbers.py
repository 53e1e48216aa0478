"""Numbers of accounts: one name for each, however it is written, and in whichever format it comes.

An IBAN stands without blanks; what a British one ends in is its sort code and account number, which is how British
banks name an account, so both give one name. A number that only one bank knows stands behind that bank where it is
told. Of a card the middle is never kept.
"""

from __future__ import annotations

import re
from functools import lru_cache

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_BRITISH_IBAN = re.compile(r"GB[0-9]{2}[A-Z]{4}([0-9]{14})")
_BRITISH = re.compile(r"[0-9]{6}/[0-9]{8}")
_SORT_CODE = re.compile(r"[0-9]{2}-[0-9]{2}-[0-9]{2}[ /]?[0-9]{8}")
_DIGITS = re.compile(r"[0-9][0-9\s-]*")
_CARD = re.compile(r"[0-9]{13,19}")
_WHOLE_MASK = re.compile(r"[0-9]{6}[*]+[0-9]{4}")
_MASKED = re.compile(r"[0-9]{0,6}[X*]{4,}[0-9]{2,4}")
# How a country writes an account at home, and the parts of its IBAN that this gives, behind the country.
_NATIONAL: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?P<bank>[0-9]{8})/(?P<account>[0-9]{1,10})"), "DE{bank}{account:0>10}"),
    (re.compile(r"(?P<bank>[0-9]{5})/(?P<account>[0-9]{1,11})"), "AT{bank}{account:0>11}"),
    (
        re.compile(r"(?:(?P<prefix>[0-9]{1,6})-)?(?P<account>[0-9]{2,10})/(?P<bank>[0-9]{4})"),
        "CZ{bank}{prefix:0>6}{account:0>10}",
    ),
    (re.compile(r"(?P<check>[0-9]{2})(?P<account>[0-9]{24})"), "PL{account}"),
)
_SEPARATORS = re.compile(r"[\s-]")
_SORT_CODE_DIGITS = 6
_NAME = re.compile(r"(?:(.+?)/)??(\d[\d-]{3,}/\d{3,}|[^/]*)")  # an institution's name may hold a stroke, too
_REMEMBERED = 4_096


@lru_cache(maxsize=_REMEMBERED)
def account_number(number: str, *, bank: str = "", may_be_card: bool = True) -> str:
    """Give the one name of an account by its number; ``bank`` is the code of the bank where that stands beside it.

    ``may_be_card`` says whether a number that checks like that of a card is one: a format that tells apart cards and
    accounts knows better.

    Examples
    --------
    >>> account_number("de89 3704 0044 0532 0130 00"), account_number("532013000", bank="37040044")
    ('DE89370400440532013000', '37040044/532013000')
    >>> account_number("GB29 NWBK 6016 1331 9268 19"), account_number("31926819", bank="60-16-13")
    ('601613/31926819', '601613/31926819')
    >>> account_number("4111 1111 1111 1111"), account_number("411111xxxxxx1111")
    ('411111******1111', '411111******1111')
    """
    plain = _SEPARATORS.sub("", number).upper()
    for one in (plain, plain[:-3] if plain[-3:].isalpha() else ""):  # some banks write the currency behind it
        if _is_iban(one):
            british_iban = _BRITISH_IBAN.fullmatch(one)
            return one if british_iban is None else british(british_iban[1])
    if _SORT_CODE.fullmatch(number.strip()):
        return british(number)
    if _MASKED.fullmatch(plain) or (may_be_card and _CARD.fullmatch(plain) and _is_card(plain)):
        return masked(plain)
    written = plain if _DIGITS.fullmatch(number.strip()) or _IBAN.fullmatch(plain) else " ".join(number.split())
    code = _SEPARATORS.sub("", bank) if _DIGITS.fullmatch(bank.strip()) else bank.strip()
    return f"{code}/{written}" if code and written else written


def is_known_everywhere(number: str) -> bool:
    """Say whether a name made by :func:`account_number` means one account in the whole world.

    Examples
    --------
    >>> is_known_everywhere("DE89370400440532013000"), is_known_everywhere("601613/31926819")
    (True, True)
    >>> is_known_everywhere("532013000"), is_known_everywhere("411111******1111")
    (False, False)
    """
    return _is_iban(number) or _BRITISH.fullmatch(number) is not None


def parted_name(name: str) -> tuple[str, str]:
    """Part ``institution/account`` into both; without an institution the first is empty.

    Examples
    --------
    >>> parted_name("Danske Bank A/S/DK5000400440116243"), parted_name("X/601613/31926819")
    (('Danske Bank A/S', 'DK5000400440116243'), ('X', '601613/31926819'))
    >>> parted_name("601613/31926819"), parted_name("giro")
    (('', '601613/31926819'), ('', 'giro'))
    """
    found = _NAME.fullmatch(name)
    return ("", name) if found is None else (found[1] or "", found[2])


@lru_cache(maxsize=_REMEMBERED)
def world_number(number: str) -> str | None:
    """Give the one name by which banks everywhere know an account; None for a number that only one bank knows.

    What a country writes for an account at home becomes its IBAN, where one way of writing means one IBAN.

    Examples
    --------
    >>> world_number("de89 3704 0044 0532 0130 00"), world_number("37040044/532013000")
    ('DE89370400440532013000', 'DE89370400440532013000')
    >>> world_number("19-2000145399/0800"), world_number("532013000")
    ('CZ6508000000192000145399', None)
    """
    one = account_number(number)
    if is_known_everywhere(one):
        return one
    plain = re.sub(r"\s", "", one)
    return next((iban for written, made in _NATIONAL if (iban := _iban_of(written.fullmatch(plain), made))), None)


def is_local(number: str) -> bool:
    """Say whether a name is the same however it is written; the ends of a card's number tell no card apart.

    Examples
    --------
    >>> is_local("532 013 000"), is_local("411111******1111"), is_local("****1111")
    (True, True, False)
    """
    one = account_number(number)
    return "*" not in one or _WHOLE_MASK.fullmatch(one) is not None


def british(number: str) -> str:
    """Give a sort code with an account number as one name.

    Examples
    --------
    >>> british("60-16-13 31926819")
    '601613/31926819'
    """
    bare = re.sub(r"[\s/-]", "", number)
    return f"{bare[:_SORT_CODE_DIGITS]}/{bare[_SORT_CODE_DIGITS:]}"


def masked(card: str) -> str:
    """Give the number of a card without its middle, however much of it is told.

    Examples
    --------
    >>> masked("5254 1200 0000 3241"), masked("525412xxxxxx3241")
    ('525412******3241', '525412******3241')
    """
    bare = _SEPARATORS.sub("", card)
    middle = range(6, len(bare) - 4)
    return "".join("*" if at in middle or not sign.isdigit() else sign for at, sign in enumerate(bare))


def _iban_of(written: re.Match[str] | None, made: str) -> str | None:
    """Put the check digits into an IBAN; where they stand in what was written, they must be the same."""
    if written is None:
        return None
    said = {name: part or "" for name, part in written.groupdict().items()}
    country, account = (bare := made.format_map(said))[:2], bare[2:]
    check = f"{98 - _remainder(f'{account}{country}00'):02}"
    return f"{country}{check}{account}" if said.get("check", check) == check else None


def _remainder(text: str) -> int:
    """Give what is left of a number in which letters stand for two digits, as the check of an IBAN counts."""
    return int("".join(str(int(sign, 36)) for sign in text)) % 97


def _is_iban(text: str) -> bool:
    return bool(_IBAN.fullmatch(text)) and _remainder(text[4:] + text[:4]) == 1


def _is_card(digits: str) -> bool:
    """Tell a card's number by its check digit."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(one - 9 if one > 9 else one for one in doubled) % 10 == 0  # noqa: PLR2004 - the sum of its two digits
