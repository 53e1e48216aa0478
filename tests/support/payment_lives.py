"""Payments of six invented people, in the style of six countries' statements, with what each payment is.

They stand in ``payment_lives.txt``. It is a development set: the rules were written, and changed, with it in sight.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from marketofone.domain.money_events import Movement


class Labelled(NamedTuple):
    """A payment and what it is."""

    style: str
    amount_minor: int
    text: str | None
    counterparty: str | None
    nature: str
    category: str | None

    def movement(self, *, account: str = "giro", currency: str = "EUR") -> Movement:
        """Give the payment as an event tells it."""
        return Movement(
            account=account,
            amount_minor=self.amount_minor,
            currency=currency,
            text=self.text,
            counterparty=self.counterparty,
        )


def _read(text: str) -> Iterator[Labelled]:
    style = ""
    for line in text.splitlines():
        if line.startswith("["):
            style = line.strip("[]")
        elif not line.startswith("#"):
            amount, said, other, nature, category = (part.strip() for part in line.split("|"))
            yield Labelled(style, int(amount), said or None, other or None, nature, category or None)


PAYMENTS = tuple(_read(Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")))
