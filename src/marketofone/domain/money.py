"""Money as integer minor units of one currency."""

from __future__ import annotations

import re
from dataclasses import dataclass

from marketofone.domain.errors import MalformedRequest

_CURRENCY = re.compile(r"^[A-Z]{3}$")


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units (cents, haléře) of an ISO 4217 currency.

    Examples
    --------
    >>> Money(minor=-1250, currency="EUR").text
    '-12.50 EUR'
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not _CURRENCY.match(self.currency):
            shape = f"text of {len(self.currency)} characters"
            raise MalformedRequest(field="currency", shape=shape, fix="use an ISO 4217 code")

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise MalformedRequest(field="currency", shape="two currencies", fix="convert before adding")
        return Money(minor=self.minor + other.minor, currency=self.currency)

    @property
    def text(self) -> str:
        """The amount for people, with two decimals."""
        sign = "-" if self.minor < 0 else ""
        whole, cents = divmod(abs(self.minor), 100)
        return f"{sign}{whole:,}.{cents:02d} {self.currency}"
