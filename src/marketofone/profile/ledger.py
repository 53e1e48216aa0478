"""Money as it moved on a person's accounts, kept whole and packed: what forecasts and spending insights are made from.

1. Of each source that tells of money a :class:`Ledger` is kept: the movements as sorted records, and a sorted table of
   their kinds. Admitted events are folded into it, in any order and in any batches, and end in the same bytes.
2. The usual event comes last and is of a known kind: its record is put in at the end, and the table stays as it is.
3. :func:`accounts` reads ledgers as arrays, one :class:`Account` each.

The order of the movements of a day means nothing. Every balance told is kept, so that the closing balance of a day can
be found among them.
"""

from __future__ import annotations

import struct
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.consent.gate import Admitted
from marketofone.domain.decoding import msgpack_decoder
from marketofone.domain.fields import AccountType, EventData, Nature
from marketofone.domain.moment import DAY, Day
from marketofone.domain.money_events import BalanceStated, Movement, OpenBankingBalance, OpenBankingTransaction
from marketofone.profile.orders import Order

Integers = NDArray[np.int64]

LEDGER_DAYS = 456
"""How many days older than the newest movement of a ledger its oldest may be: fifteen months."""
UNTOLD = int(np.iinfo(np.int64).min)
"""Stands for a balance that no movement told."""


class Kind(NamedTuple):
    """What movements that belong together have in common, beside their account."""

    operation: str | None
    category: str | None
    counterparty: str | None
    nature: Nature | None = None


@dataclass(frozen=True)
class Account:
    """The movements of one account, and what is known of it beside them.

    Shapes
    ------
    days, amounts, of, balances
        One entry per movement, days not decreasing.

    Units
    -----
    Days since 1970-01-01; minor units of ``currency``, positive is money in.
    """

    name: str
    currency: str
    kinds: tuple[Kind, ...]
    days: Integers
    amounts: Integers
    of: Integers
    """For each movement the index of its kind."""
    balances: Integers
    """What stood on the account after each movement; ``UNTOLD`` where it was not said."""
    type: AccountType = "current"
    limit: int = 0
    """How far it may be overdrawn."""
    orders: tuple[Order, ...] = ()
    """The payments of it that are known before they are made."""
    foreign: tuple[Order, ...] = ()
    """Those in another currency: they count where a rate is known (``profile/currencies.py``)."""
    share: float = 1.0
    """How much of it is the person's, where they own it with others: so it counts in the sum of their accounts."""

    @property
    def tells_balance(self) -> bool:
        """Whether any movement said what stood on the account."""
        return bool((self.balances != UNTOLD).any())

    def until(self, day: int) -> Account:
        """Give the account as known at the end of a day; its limit is the one that was told last.

        A day ends at other instants in other places, so an order counts from half a day before it was told.

        Examples
        --------
        >>> at = np.array([3, 5])
        >>> whole = Account("a", "EUR", (Kind(None, "rent", None),), at, at, at * 0, at)
        >>> whole.until(4).days.tolist()
        [3]
        """
        end = int(np.searchsorted(self.days, day, side="right"))
        arrays = (self.days, self.amounts, self.of, self.balances)
        days, amounts, of, balances = (array[:end] for array in arrays)
        orders = self.orders and tuple(order for order in self.orders if order.told < (day + 1) * DAY + DAY // 2)
        told = (self.type, self.limit, orders)
        return Account(self.name, self.currency, self.kinds, days, amounts, of, balances, *told, share=self.share)


NO_MOVEMENTS: tuple[Integers, Integers, Integers, Integers] = (np.zeros(0, dtype=np.int64),) * 4
"""The days, amounts, kinds and balances of an account on which nothing has moved."""

Key = tuple[str, str, str | None, str | None, str | None, Nature | None]  # account, currency, and what makes a Kind
Move = tuple[Day, Key, int, int]  # amount and balance


class Kinds(Struct, frozen=True, eq=False, dict=True):
    """The kinds of movements in a ledger, sorted and packed; read when first asked for."""

    packed: bytes

    @cached_property
    def table(self) -> list[tuple[str, str, tuple[Kind, ...]]]:
        """The kinds of each account and currency; they are numbered as they stand here."""
        return _TABLE.decode(self.packed)

    @cached_property
    def numbers(self) -> dict[Key, int]:
        """The number of each kind."""
        keys: list[Key] = [(account, currency, *kind) for account, currency, kinds in self.table for kind in kinds]
        return {key: number for number, key in enumerate(keys)}


class Ledger(Struct, frozen=True, eq=False, gc=False):
    """The movements that one source told of a person.

    ``records`` are (day, number of the kind, amount, balance), sorted, little-endian; ``wide`` says that some would
    not fit into the narrow ones.
    """

    kinds: Kinds
    records: bytes
    wide: bool


_TABLE = msgpack_decoder(list[tuple[str, str, tuple[Kind, ...]]])
_ENCODE = msgspec.msgpack.Encoder().encode
_HEADER = struct.Struct("<?I")
_NARROW, _WIDE = struct.Struct("<iHii"), struct.Struct("<iIqq")
_DAY = struct.Struct("<i")
_FIELDS = ("day", "kind", "amount", "balance")
_NARROW_ROW, _WIDE_ROW = (
    np.dtype(list(zip(_FIELDS, widths, strict=True)))
    for widths in (("<i4", "<u2", "<i4", "<i4"), ("<i4", "<u4", "<i8", "<i8"))
)
_EDGE = 2**31  # amounts and balances between its two signs are narrow, and minus itself stands for UNTOLD
_MANY = 2**16
NO_LEDGER = Ledger(Kinds(_ENCODE([])), b"", wide=False)


def fold_ledger(ledger: Ledger, events: Iterable[Admitted], *, days: Iterable[Day]) -> Ledger:
    """Fold admitted events of one source into its ledger, each with its day.

    Returns
    -------
    Ledger
        The argument itself when nothing was added: no event moved money, told a balance elsewhere, or was new enough.
    """
    moves = [
        (day, *move)
        for admitted, day in zip(events, days, strict=True)
        if admitted.event.kind in _KINDS and (move := _move(admitted.event.data)) is not None
    ]
    since = max([_newest(ledger), *(move[0] for move in moves)]) - LEDGER_DAYS
    moves = [move for move in moves if move[0] >= since]
    if not moves:
        return ledger
    return _appended(ledger, moves, since=since) or _rewritten(ledger, moves, since=since)


def accounts(ledgers: Iterable[Ledger], *, same: Mapping[str, str] = MappingProxyType({})) -> list[Account]:
    """Read ledgers of different sources as accounts, sorted by name; money in two currencies makes two.

    ``same`` gives another name to accounts that have two; what both tell is put together.

    Examples
    --------
    >>> accounts([NO_LEDGER])
    []
    """
    found: dict[tuple[str, str], Account] = {}
    for ledger in ledgers:
        for account in _accounts(ledger):
            key = same.get(account.name, account.name), account.currency
            found[key] = _put_together(found[key], account) if key in found else replace(account, name=key[0])
    return [found[key] for key in sorted(found)]


def _put_together(one: Account, other: Account) -> Account:
    kinds = sorted({*one.kinds, *other.kinds}, key=lambda kind: [(word is not None, word or "") for word in kind])
    numbers = {kind: number for number, kind in enumerate(kinds)}
    columns = [
        np.array((part.days, np.array([numbers[kind] for kind in part.kinds])[part.of], part.amounts, part.balances))
        for part in (one, other)
    ]
    both = np.concatenate(columns, axis=1)
    days, of, amounts, balances = both[:, np.lexsort(both[::-1])]
    return replace(one, kinds=tuple(kinds), days=days, of=of, amounts=amounts, balances=balances)


def to_bytes(ledger: Ledger) -> bytes:
    """Write a ledger; nothing at all when nothing is in it."""
    if not ledger.records:
        return b""
    return b"".join((_HEADER.pack(ledger.wide, len(ledger.kinds.packed)), ledger.kinds.packed, ledger.records))


def from_bytes(blob: bytes) -> Ledger:
    """Read what :func:`to_bytes` wrote."""
    if not blob:
        return NO_LEDGER
    wide, size = _HEADER.unpack_from(blob)
    middle = _HEADER.size + size
    return Ledger(Kinds(blob[_HEADER.size : middle]), blob[middle:], wide)


_KINDS = frozenset({"transaction.booked", "balance.stated", "openbanking.transaction", "openbanking.balance"})


def _move(data: EventData) -> tuple[Key, int, int] | None:
    match data:
        case Movement():
            told = UNTOLD if data.balance_minor is None else data.balance_minor
            return _key(data), data.amount_minor, told
        case BalanceStated():
            return (data.account, data.currency, None, None, None, None), 0, data.balance_minor
        case OpenBankingBalance():
            account = f"{data.institution}/{data.account}"
            return (account, data.currency, None, None, None, None), 0, data.balance_minor
        case _:
            return None


def _key(data: Movement) -> Key:
    account = f"{data.institution}/{data.account}" if isinstance(data, OpenBankingTransaction) else data.account
    whom = data.counterparty or data.merchant
    return account, data.currency, data.operation, data.category, whom, data.nature


def _newest(ledger: Ledger) -> int:
    size = (_WIDE if ledger.wide else _NARROW).size
    return _DAY.unpack_from(ledger.records, len(ledger.records) - size)[0] if ledger.records else -_EDGE


def _appended(ledger: Ledger, moves: Sequence[Move], *, since: int) -> Ledger | None:
    """Put moves in where they belong, when the table of kinds and the width of the records can stay as they are."""
    if ledger.wide:
        return None
    numbers = ledger.kinds.numbers
    rows: list[tuple[int, int, int, int]] = []
    for day, key, amount, balance in moves:
        kind = numbers.get(key)
        told = -_EDGE if balance == UNTOLD else balance
        if kind is None or not -_EDGE < amount < _EDGE or not (-_EDGE < told < _EDGE or balance == UNTOLD):
            return None
        rows.append((day, kind, amount, told))
    rows.sort()
    records, size, day_at = ledger.records, _NARROW.size, _DAY.unpack_from
    start, at = 0, len(records)
    while start < at and day_at(records, start)[0] < since:
        start += size
    if start and not _all_left(records, start, rows):
        return None
    while at > start and day_at(records, at - size)[0] >= rows[0][0]:
        at -= size
    if at < len(records):
        rows += _NARROW.iter_unpack(records[at:])
        rows.sort()
    return Ledger(ledger.kinds, records[start:at] + b"".join([_NARROW.pack(*row) for row in rows]), wide=False)


def _all_left(records: bytes, start: int, rows: Sequence[tuple[int, int, int, int]]) -> bool:
    """Say whether each kind that loses a record has others left."""
    lost = {kind for _, kind, _, _ in _NARROW.iter_unpack(records[:start])} - {kind for _, kind, _, _ in rows}
    kept = np.frombuffer(records, dtype=_NARROW_ROW, offset=start)["kind"]
    return all((kept == kind).any() for kind in lost)


def _rewritten(ledger: Ledger, moves: Sequence[Move], *, since: int) -> Ledger:
    before, known = _columns(ledger), ledger.kinds.numbers
    before = before[:, before[0].searchsorted(since) :]
    used = (np.bincount(before[1], minlength=len(known)) > 0).tolist()
    keys = list(known)
    table = [key for key, still in zip(keys, used, strict=True) if still]
    for key in {key for _, key, _, _ in moves if key not in known or not used[known[key]]}:
        insort(table, key, key=_order)
    numbers = {key: number for number, key in enumerate(table)}
    before[1] = np.array([numbers.get(key, 0) for key in keys], dtype=np.int64)[before[1]]
    more = np.array([(day, numbers[key], amount, balance) for day, key, amount, balance in moves], dtype=np.int64).T
    at = before[0].searchsorted(more[0].min())  # the numbers changed, their order did not: what is before stays sorted
    last = np.concatenate((before[:, at:], more), axis=1)
    return _packed(_kinds(numbers), np.concatenate((before[:, :at], last[:, np.lexsort(last[::-1])]), axis=1))


def _order(key: Key) -> list[tuple[bool, str]]:
    return [(word is not None, word or "") for word in key]


def _kinds(numbers: dict[Key, int]) -> Kinds:
    groups = groupby(numbers, key=itemgetter(0, 1))
    kinds = Kinds(_ENCODE([(*of, [key[2:] for key in members]) for of, members in groups]))
    vars(kinds)["numbers"] = numbers  # known already
    return kinds


def _packed(kinds: Kinds, rows: Integers) -> Ledger:
    untold = rows[3] == UNTOLD
    money = rows[2:, :].copy()
    money[1, untold] = 0
    wide = bool((np.abs(money) >= _EDGE).any() or rows[1].max() >= _MANY)
    packed = np.empty(rows.shape[1], dtype=_WIDE_ROW if wide else _NARROW_ROW)
    for name, column in zip(_FIELDS, rows, strict=True):
        packed[name] = column
    if not wide:
        packed["balance"][untold] = -_EDGE
    return Ledger(kinds, packed.tobytes(), wide)


def _columns(ledger: Ledger) -> Integers:
    """Give the records as columns: day, kind, amount, balance.

    Shapes
    ------
    result : int64[4, records]
    """
    records = np.frombuffer(ledger.records, dtype=_WIDE_ROW if ledger.wide else _NARROW_ROW)
    columns = np.empty((len(_FIELDS), len(records)), dtype=np.int64)
    for column, name in zip(columns, _FIELDS, strict=True):
        column[:] = records[name]
    if not ledger.wide:
        columns[3, columns[3] == -_EDGE] = UNTOLD
    return columns


def _accounts(ledger: Ledger) -> Iterator[Account]:
    days, numbers, amounts, balances = columns = _columns(ledger)
    table = ledger.kinds.table
    if len(table) == 1:
        yield Account(*table[0], days, amounts, numbers, balances)
        return
    first = 0
    for name, currency, kinds in table:
        own = columns[:, (numbers >= first) & (numbers < first + len(kinds))]
        yield Account(name, currency, kinds, own[0], own[2], own[1] - first, own[3])
        first += len(kinds)
