"""Payments abroad without an id: the same one, whatever rate the file names this time.

A row without an id is known by what it says. How much a payment in another currency was worth may be told otherwise in
the next file, or was not told before; what was paid stays.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from marketofone.domain.event import Event
from marketofone.domain.moment import Calendar, Day
from marketofone.domain.money_events import Movement
from marketofone.projection.amendments import first_id

_DIGEST = re.compile(r"[0-9a-f]{24}(?::[0-9]+)?")


class _Paid(NamedTuple):
    """What stays of a payment: where, when, in which currency, how much, and to whom."""

    account: str
    day: Day
    currency: str
    amount: int
    text: str


class PaidAbroad:
    """The payments that were kept without an id of their own, by what was paid. Each is told once in a file."""

    def __init__(self, kept: Iterable[Event], *, calendar: Calendar) -> None:
        self._calendar = calendar
        self._names: dict[_Paid, list[str]] = {}
        for event in kept:
            name = first_id(event.id) or event.id
            if (paid := self._paid(event)) is not None and name not in self._names.setdefault(paid, []):
                self._names[paid].append(name)
        for names in self._names.values():
            names.sort(key=lambda name: (len(name), name))

    def name_of(self, event: Event, *, told: Collection[str]) -> str | None:
        """Give the id under which a payment was kept, but for those under which others are ``told``."""
        paid = self._paid(event)
        if paid is None or paid.currency == getattr(event.data, "currency", None):
            return None
        names = self._names.get(paid, [])
        if event.id in names:
            names.remove(event.id)
            return None
        name = next((one for one in names if one not in told), None)
        if name is not None:
            names.remove(name)
        return name

    def _paid(self, event: Event) -> _Paid | None:
        data = event.data
        if not isinstance(data, Movement) or _DIGEST.fullmatch(first_id(event.id) or event.id) is None:
            return None
        currency, amount = data.original_currency, data.original_minor
        if currency is None or amount is None:
            currency, amount = data.currency, data.amount_minor
        text = " ".join(text for text in (data.counterparty, data.text, data.reference) if text)
        return _Paid(data.account, event.day(self._calendar), currency, abs(amount), text)
