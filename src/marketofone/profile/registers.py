"""Registers: the few facts remembered about a person, folded from admitted events.

1. An admitted event writes zero or more *registers*: ``holds.<product>``, ``account.<account>``, ``balance.<account>``,
   ``outside.<institution>/<account>``, ``life.<event>``, ``care.<driver>``, ``arrears``, ``birth_year``, ``region``,
   ``statement.<account>``, ``limit.<account>``, ``number.<account>``, ``share.<account>``, ``merchant.<merchant>``,
   ``venue.<class of venue>``, ``app_feature.<function of the app>``, and one for each order and each loan
   (``profile/orders.py``).
2. A register keeps the write with the greatest (instant, event key). So the fold is commutative and idempotent: the
   same events in any order, in any batches, give the same registers.
3. Registers are kept per data source; ``profile/view.py`` puts together those of the sources a permit opens.

Sex is not folded at all: nothing behind this room can read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from hashlib import blake2b
from typing import NamedTuple

import msgspec
from msgspec import Struct

from marketofone.consent.gate import Admitted
from marketofone.domain.account_numbers import account_number
from marketofone.domain.decoding import msgpack_decoder
from marketofone.domain.event import (
    UNDERSTANDING,
    AppFeatureUsed,
    ArrearsChanged,
    CareFlagged,
    Event,
    LifeDeclared,
    PersonDescribed,
    PlaceVisited,
)
from marketofone.domain.fields import EventData
from marketofone.domain.moment import Instant, instant_of
from marketofone.domain.money_events import (
    AccountOpened,
    BalanceStated,
    MovementUnderstood,
    OpenBankingBalance,
    OpenBankingOrder,
    OpenBankingTransaction,
    OrderPlaced,
    ProductClosed,
    ProductOpened,
    TransactionBooked,
    merchant_key,
)

Value = bool | int | float | str | tuple[int | str, ...] | None


class Register(Struct, frozen=True, array_like=True, gc=False):
    """One remembered fact: when it was said, by which event, and what."""

    at: Instant
    key: bytes
    value: Value


class MerchantCorrection(NamedTuple):
    """How a person calls a merchant, and what they buy there; each is empty where they do not say it."""

    name: str
    category: str


Registers = Mapping[str, Register]
Write = tuple[str, Value]
_DIGEST_BYTES = 12
_MERCHANT = "merchant."
RESTS_ON = "rests_on."
"""What the names of registers begin with that say by which other data something here was found."""
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODER = msgpack_decoder(dict[str, Register])


def fold_registers(registers: Registers, events: Iterable[Admitted]) -> Registers:
    """Fold admitted events of one source into its registers, in any order.

    Returns
    -------
    Registers
        Sorted by name; the argument itself when nothing changed.
    """
    return _folded(registers, (admitted.event for admitted in events))


def merchants(registers: Registers, events: Iterable[Event]) -> dict[str, MerchantCorrection]:
    """Give what a person says of merchants, by their keys: in registers, and in events of the same source."""
    held = {name: register for name, register in registers.items() if name.startswith(_MERCHANT)}
    told = _folded(held, [event for event in events if event.kind in UNDERSTANDING])
    said = {
        name.removeprefix(_MERCHANT): MerchantCorrection(*map(str, register.value))
        for name, register in told.items()
        if isinstance(register.value, tuple)
    }
    return {key: of for key, of in said.items() if of.name or of.category}


def _folded(registers: Registers, events: Iterable[Event]) -> Registers:
    changed: dict[str, Register] = {}
    for event in events:
        writes = _WRITES.get(event.kind)
        if writes is None:
            continue
        for name, value in writes(event.data):
            held = changed.get(name) or registers.get(name)
            if held is None or event.at > held.at or (event.at == held.at and event.key > held.key):
                changed[name] = Register(event.at, event.key, value)
    if not changed:
        return registers
    merged = {**registers, **changed}
    return merged if len(merged) == len(registers) else dict(sorted(merged.items()))


def pack(registers: Registers) -> bytes:
    """Write registers as MessagePack; equal registers give equal bytes."""
    return _ENCODE(registers)


def unpack(blob: bytes | memoryview) -> Registers:
    """Read what :func:`pack` wrote."""
    return _DECODER.decode(blob)


def _balance(data: EventData) -> tuple[Write, ...]:
    if not isinstance(data, TransactionBooked | BalanceStated) or data.balance_minor is None:
        return ()
    return ((f"balance.{data.account}", (data.balance_minor, data.currency)),)


def _account(data: EventData) -> tuple[Write, ...]:
    if not isinstance(data, AccountOpened):
        return ()
    writes: list[Write] = [
        (f"account.{data.account}", (data.product, data.currency, data.role, *([data.type] if data.type else []))),
        (f"holds.{data.product}", True),
    ]
    if data.statement is not None:
        writes.append((f"statement.{data.account}", data.statement))
    if data.limit_minor is not None:
        writes.append((f"limit.{data.account}", (data.limit_minor, data.currency)))
    if data.share is not None:
        writes.append((f"share.{data.account}", data.share))
    return *writes, *_number(data.account, data.number)


def _number(account: str, number: str | None) -> tuple[Write, ...]:
    return () if number is None else ((f"number.{account}", account_number(number)),)


def _product(data: EventData) -> tuple[Write, ...]:
    match data:
        case ProductOpened():
            return ((f"holds.{data.product}", True), *_loan(data))
        case ProductClosed():
            return ((f"holds.{data.product}", False),)
        case _:
            return ()


def _loan(data: ProductOpened) -> tuple[Write, ...]:
    """Remember what is paid for a loan; loans of one product from one account are told apart by what was lent."""
    if data.account is None or not data.payment_minor or not data.months:
        return ()
    name = f"loan.{data.product}\n{data.account}\n{data.principal_minor or ''}"
    return ((name, (data.payment_minor, data.months, _written(data.first_on))),)


def _order(data: EventData) -> tuple[Write, ...]:
    if not isinstance(data, OrderPlaced):
        return ()
    account = f"{data.institution}/{data.account}" if isinstance(data, OpenBankingOrder) else data.account
    days = map(_written, (data.first_on, data.next_on, data.last_on))
    amount = "" if data.amount_minor is None else data.amount_minor
    sides = (data.counterparty or "", data.counterparty_account or "", data.category or "")
    told = (
        data.direction,
        amount,
        data.currency,
        *sides,
        *days,
        data.every or "",
        int(data.ended),
        data.weekends or "",
    )
    return ((f"order.{account}\n{data.order or _digest(data)}", told),)


def _digest(data: OrderPlaced) -> str:
    """Name an order that the bank gives no name by what it is; of one that is paid once the day belongs to that."""
    sides = (data.counterparty, data.counterparty_account, data.category)
    once = (data.next_on or data.first_on) if data.every is None else None
    said = msgspec.json.encode([data.direction, data.amount_minor, data.currency, sides, data.every, once])
    return blake2b(said, digest_size=_DIGEST_BYTES).hexdigest()


def _written(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _person(data: EventData) -> tuple[Write, ...]:
    if not isinstance(data, PersonDescribed):
        return ()
    facts: tuple[Write, ...] = (("birth_year", data.birth_year), ("region", data.region))
    return tuple((name, value) for name, value in facts if value is not None)


def _protection(data: EventData) -> tuple[Write, ...]:
    match data:
        case ArrearsChanged():
            return (("arrears", data.in_arrears),)
        case CareFlagged():
            return ((f"care.{data.driver}", None if data.until is None else instant_of(data.until)),)
        case _:
            return ()


def _elsewhere(data: EventData) -> tuple[Write, ...]:
    match data:
        case OpenBankingBalance():
            account = f"{data.institution}/{data.account}"
            known = (data.balance_minor, data.currency, *([data.type] if data.type else []))
            limit = () if data.limit_minor is None else ((f"limit.{account}", (data.limit_minor, data.currency)),)
            return (f"outside.{account}", known), *limit, *_number(account, data.number)
        case OpenBankingTransaction():
            return _number(f"{data.institution}/{data.account}", data.number)
        case LifeDeclared():
            return ((f"life.{data.event}", float(data.confidence)),)
        case _:
            return ()


def _done(data: EventData) -> tuple[Write, ...]:
    """Remember where a person was last, by class of venue, and which function of the app they used last."""
    match data:
        case PlaceVisited():
            return ((f"venue.{data.venue}", True),)
        case AppFeatureUsed():
            return ((f"app_feature.{data.feature}", True),)
        case _:
            return ()


def written_by(event: Event) -> Registers:
    """Give what one event would write, to compare it with what is remembered: nothing is admitted by that."""
    writes = _WRITES.get(event.kind)
    return {} if writes is None else {n: Register(event.at, event.key, value) for n, value in writes(event.data)}


def _understood(data: EventData) -> tuple[Write, ...]:
    if not isinstance(data, MovementUnderstood):
        return ()
    if data.scope != "merchant":
        return tuple((f"{RESTS_ON}{scope}", True) for scope in data.rests_on)
    return ((_MERCHANT + merchant_key(data.id), (data.merchant or "", data.category or "")),)


_WRITES: dict[str, Callable[[EventData], tuple[Write, ...]]] = {
    "transaction.booked": _balance,
    "balance.stated": _balance,
    "account.opened": _account,
    "product.opened": _product,
    "product.closed": _product,
    "order.placed": _order,
    "openbanking.order": _order,
    "person.described": _person,
    "arrears.changed": _protection,
    "care.flagged": _protection,
    "openbanking.balance": _elsewhere,
    "openbanking.transaction": _elsewhere,
    "life.declared": _elsewhere,
    "place.visited": _done,
    "app.feature": _done,
    "transaction.understood": _understood,
    "openbanking.understood": _understood,
}
