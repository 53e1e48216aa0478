"""Money as integer minor units of one currency, and what a currency is: its name and its decimals.

Currencies that were given up long ago are known as well, for statements are old. Decimals are those of ISO 4217; where
people write fewer, as in Budapest, amounts still travel with all of them.

Amounts of two currencies are added by a named rate only, and rounded in one place: :func:`converted`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, Inexact

from babel.core import get_global
from babel.numbers import get_currency_name
from msgspec import Struct

from marketofone.domain.errors import MalformedRequest
from marketofone.domain.languages import message
from marketofone.domain.moment import Day, date_of

_FRACTIONS = get_global("currency_fractions")
# Where CLDR, which Babel carries, counts the decimals that people write, and ISO 4217 those that amounts have.
_TWO = ("AFN", "ALL", "COP", "HUF", "IDR", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "SOS", "SYP", "YER")
_ISO_DECIMALS = {**dict.fromkeys(_TWO, 2), "IQD": 3}
_UNITS = ("XAD", "XBA", "XBB", "XBC", "XBD", "XDR", "XFO", "XFU", "XRE", "XSU", "XTS", "XUA", "XXX")
_NO_MONEY = {*_UNITS, "XAG", "XAU", "XPD", "XPT"}  # units of account, test codes and metals

_EXACT_DIGITS, _TOLD_DIGITS = 12, 6

CURRENCIES = tuple(sorted(code for code in get_global("all_currencies") if code not in _NO_MONEY))
"""Every currency that is or was money."""
_DECIMALS: dict[str, int] = {
    code: _ISO_DECIMALS.get(code, _FRACTIONS.get(code, _FRACTIONS["DEFAULT"])[0]) for code in CURRENCIES
}


def decimals_of(currency: str) -> int:
    """Give how many decimals a currency has.

    Raises
    ------
    MalformedRequest
        When there is no such currency.

    Examples
    --------
    >>> [decimals_of(currency) for currency in ("EUR", "HUF", "JPY", "KWD")]
    [2, 2, 0, 3]
    """
    decimals = _DECIMALS.get(currency)
    if decimals is None:
        shape = f"text of {len(currency)} characters"
        raise MalformedRequest(field="currency", shape=shape, fix="use a code of ISO 4217")
    return decimals


def currency_of_country(country: str) -> str | None:
    """Give the currency of a country, by its code of two letters; None where there is none, or more than one.

    Examples
    --------
    >>> currency_of_country("PL"), currency_of_country("XX")
    ('PLN', None)
    """
    used = [code for code, _, end, tender in get_global("territory_currencies").get(country, ()) if tender and not end]
    return used[0] if len(used) == 1 else None


def name_of(currency: str) -> str:
    """Give the English name of a currency.

    Examples
    --------
    >>> name_of("CZK")
    'Czech Koruna'
    """
    decimals_of(currency)
    return str(get_currency_name(currency, locale="en"))


def minor_of(amount: Decimal, *, currency: str) -> int:
    """Give an amount in minor units.

    Raises
    ------
    MalformedRequest
        When there is no such currency, or it has fewer decimals than the amount.

    Examples
    --------
    >>> minor_of(Decimal("-12.5"), currency="EUR"), minor_of(Decimal("150000"), currency="JPY")
    (-1250, 150000)
    """
    decimals = decimals_of(currency)
    minor = amount.scaleb(decimals) if amount.is_finite() else None
    if minor is None or minor != minor.to_integral_value():
        raise MalformedRequest(
            field="amount", shape="more decimals than the currency has", fix=f"write {decimals} decimals in {currency}"
        )
    return int(minor)


def in_words(minor: float, *, decimals: int) -> str:
    """Write an amount of minor units with its decimals, without its currency.

    Examples
    --------
    >>> in_words(-123450, decimals=2), in_words(1500, decimals=0)
    ('-1,234.50', '1,500')
    """
    return f"{Decimal(round(minor)).scaleb(-decimals):,.{decimals}f}"


_RATE = message("%(name)s at %(number)s %(name_to)s of %(day)s, %(name_table)s")


class Rate(Struct, frozen=True, array_like=True, gc=False):
    """A rate by its name: one unit of ``of`` is ``numerator / denominator`` units of ``to``, on a day, as a table says.

    Examples
    --------
    >>> from marketofone.domain.moment import Day
    >>> Rate("ECB", Day(20_634), "GBP", "EUR", 10_000, 8_546).text
    'GBP at 1.17014 EUR of 2026-06-30, ECB'
    """

    table: str
    day: Day
    of: str
    to: str
    numerator: int
    denominator: int

    @property
    def figure(self) -> str:
        """What one unit is worth: exact where few digits tell it, else six of them."""
        exact = Context(prec=_EXACT_DIGITS)
        worth = exact.divide(Decimal(self.numerator), Decimal(self.denominator))
        rounded = Context(prec=_TOLD_DIGITS).plus(worth) if exact.flags[Inexact] else worth
        return f"{exact.normalize(rounded):f}"

    @property
    def text(self) -> str:
        """The rate for people, by its name."""
        told = {"name": self.of, "number": self.figure, "name_to": self.to, "name_table": self.table}
        return _RATE % {**told, "day": date_of(self.day).isoformat()}


def converted(minor: int, rate: Rate) -> int:
    """Give an amount in minor units of the currency that a rate leads to, rounded half to even.

    Examples
    --------
    >>> from marketofone.domain.moment import Day
    >>> yen = Rate("ECB", Day(0), "EUR", "JPY", 16_912, 100)
    >>> converted(1_000, yen), converted(-1_000, yen)
    (1691, -1691)
    """
    shift = decimals_of(rate.to) - decimals_of(rate.of)
    over: int = minor * rate.numerator * 10 ** max(shift, 0)
    under: int = rate.denominator * 10 ** max(-shift, 0)
    whole, rest = divmod(over, under)
    return whole + (2 * rest > under or (2 * rest == under and whole % 2))


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units (cents, haléře) of a currency.

    Examples
    --------
    >>> Money(minor=-1250, currency="EUR").text
    '-12.50 EUR'
    >>> Money(minor=150_000, currency="JPY").text
    '150,000 JPY'
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        decimals_of(self.currency)

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise MalformedRequest(field="currency", shape="two currencies", fix="convert before adding")
        return Money(minor=self.minor + other.minor, currency=self.currency)

    @property
    def text(self) -> str:
        """The amount for people, with the decimals of its currency."""
        return f"{in_words(self.minor, decimals=decimals_of(self.currency))} {self.currency}"
