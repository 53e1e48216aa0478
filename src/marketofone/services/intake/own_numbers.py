"""Numbers of own accounts: which of them a customer's journal has told before.

A number that is new says what earlier payments to it were, so it opens a look at all of them. Most events tell a number
that was told before: those open none, for an account keeps the numbers it had. What was told is kept as a keyed mark in
the directory, which tells no number, and remembered for the customers who were heard of last. Once an event is taken
back, all count as new again.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from marketofone.domain.event import MOVEMENTS, REMOVED, Event, EventRemoved
from marketofone.domain.fields import EventData
from marketofone.domain.money_events import (
    BalanceStated,
    Movement,
    OpenBankingBalance,
    OpenBankingTransaction,
    OrderPlaced,
    TransactionBooked,
)
from marketofone.projection.reducer import SubjectState
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.directory import NUMBER, number_mark
from marketofone.store.keystore import Customer
from marketofone.store.ports import Directory, LinkChange

_SHORTEST = 15
"""Of a payment here the name of its account is looked at where it may be a number: no IBAN is shorter."""
_NONE = frozenset[int]()
_TELLING = MOVEMENTS | {"balance.stated", "order.placed", "openbanking.balance", "openbanking.order"}
_SELDOM = _TELLING - {"transaction.booked"} | {REMOVED}


def may_tell_more(event: Event, *, known: Container[int]) -> bool:
    """Say whether an event may tell a number of an own account that is not known, or take back what told one."""
    data = event.data
    if isinstance(data, TransactionBooked):  # most events are
        return hash(data.account) not in known and len(data.account) >= _SHORTEST
    return event.kind in _SELDOM and (event.kind == REMOVED or any(hash(name) not in known for name in _names(data)))


def told_by(event: Event) -> tuple[str, ...]:
    """Give what an event calls an own account, as it is written: its name, and its number where that is another.

    Examples
    --------
    >>> from datetime import date
    >>> from marketofone.domain.event import Event
    >>> from marketofone.domain.moment import Instant
    >>> told = BalanceStated(account="giro", balance_minor=0, currency="EUR", on=date(2026, 1, 5))
    >>> told_by(Event(id="1", producer="/x", kind="balance.stated", customer="c", at=Instant(0), data=told))
    ('giro',)
    """
    return _names(event.data) if may_tell_more(event, known=()) else ()


def _names(data: EventData) -> tuple[str, ...]:
    if not isinstance(data, Movement | BalanceStated | OrderPlaced | OpenBankingBalance):
        return ()
    number = data.number if isinstance(data, OpenBankingTransaction | OpenBankingBalance) else None
    return (data.account,) if number is None or number == data.account else (data.account, number)


def told_before(context: AppContext, subject: int, *, guard: int) -> frozenset[int]:
    """Give the hashes of what is remembered of a customer's accounts, as of a guard of their journal.

    A hash is salted in each process and tells no number, so nothing of a customer who was forgotten stays in memory.
    """
    known = context.told_numbers.get(subject)
    return known[1] if known is not None and known[0] == guard else _NONE


class OwnNumbers:
    """What is known of one customer's numbers while events about them are judged."""

    def __init__(self, context: AppContext, reader: Directory, customer: Customer, state: SubjectState) -> None:
        self._context, self._reader, self._customer, self._state = context, reader, customer, state

    def changes(self, events: Sequence[Event]) -> list[LinkChange]:
        """Give what kept events change: numbers that are new, and those that one of them may have taken back."""
        if any(isinstance(one.data, EventRemoved) and one.data.type in _TELLING for one in events):
            return [*self._links(self._held(), linked=False), *self._links(self._marks(events), linked=True)]
        subject, guard = self._customer.subject, self._state.guard
        known = told_before(self._context, subject, guard=guard)
        told = {name for event in events for name in told_by(event) if hash(name) not in known}
        if not told:
            return []
        held = self._held()
        marks = {name: number_mark(self._context.keys, name) for name in told}
        again = {hash(name) for name, mark in marks.items() if mark in held}
        self._context.told_numbers.put(subject, (guard, known | again))
        return self._links({mark for mark in marks.values() if mark not in held}, linked=True)

    def _held(self) -> set[bytes]:
        keys = self._reader.keys_of(self._customer.subject) if self._state.n else []
        return {key for key in keys if key[0] == NUMBER}

    def _marks(self, events: Sequence[Event]) -> set[bytes]:
        return {number_mark(self._context.keys, name) for event in events for name in told_by(event)}

    def _links(self, marks: set[bytes], *, linked: bool) -> list[LinkChange]:
        return [LinkChange(mark, self._customer.subject, linked) for mark in sorted(marks)]
