"""What is known of the future leads: orders take the place of what history let one expect of the same thing.

- An order and a stream are the same thing where direction and rhythm agree and they name the same counterparty; else
  where amount and category do, or amount and day. Each order has at most one stream, and each stream at most one order.
- An order that tells its days pays its amount on them. In months in which the stream pays more, it pays as many times
  more. What is paid once takes the place of the nearest payment of its stream only.
- An order without days (a mandate, some standing orders) and a loan whose payments history shows are paid as history
  says, until their last day. A mandate without an amount and without a past says nothing.
- An order that has ended, and one whose last day has passed, ends its stream. An order that was due and was not paid
  for half a period counts no more until it is told again. What was due in the last three days and is not seen yet is
  expected tomorrow.

History goes on in the paths of the model. So they are moved by what the orders change: their payments, less those of
their streams, as far as these were in the past long enough to be in the paths (``SEEN_DAYS``).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.moment import DAY, Day, Instant, date_of
from marketofone.models.forecast.counterparties import normal_name
from marketofone.models.forecast.history import BLOCK_DAYS, history_of
from marketofone.models.forecast.labels import AHEAD_DAYS, NO_INCOME, WITHIN_DAYS
from marketofone.models.forecast.order_days import LATE_DAYS, MONTHS, anchor_of, due_days
from marketofone.models.forecast.streams import BUCKET, SPREAD, Payment, Stream, find_streams, project
from marketofone.profile.account_types import LIQUID
from marketofone.profile.ledger import Account
from marketofone.profile.orders import Order

Floats = NDArray[np.float64]

SEEN_DAYS = 90
"""A stream of this length is wholly in what the model expects; of a shorter one only its share is."""
_MONTH_DAYS = 30.44
_NEAR_DAYS = 10
_SAME_DAY = 5
_BILL_DAYS = 14
_ALIKE = 1.2  # two rhythms are one where their periods differ by less
_DOUBLE = 2.0
_NAMED, _LIKE, _MAYBE = 3, 2, 1


class PaymentsAhead(NamedTuple):
    """The payments expected after a day.

    ``usual`` are those that history alone lets one expect, ``payments`` those in which orders lead, ``gone`` usual ones
    that an order says will not come.

    Shapes
    ------
    shift : float64[90]
        What the orders move the balance by the end of each day ahead, beside what history has in it; minor units.
    income : float64[3]
        What they change about the income of each 30-day block.
    """

    usual: tuple[Payment, ...]
    payments: tuple[Payment, ...]
    gone: tuple[Payment, ...]
    shift: Floats
    income: Floats


_NO_SHIFT, _SAME_INCOME = np.zeros(AHEAD_DAYS), np.zeros(len(WITHIN_DAYS))


def payments_ahead(account: Account, streams: Sequence[Stream], *, as_of: int) -> PaymentsAhead:
    """Give the payments expected in the next 90 days, from the streams of an account and from its orders.

    Examples
    --------
    >>> from marketofone.domain.moment import Instant
    >>> none = np.zeros(0, dtype=np.int64)
    >>> car = Order(account="a", told=Instant(0), sign=-1, amount_minor=-5_000_00, next_on=Day(107))
    >>> account = Account("a", "EUR", (), none, none, none, none, orders=(car,))
    >>> ahead = payments_ahead(account, (), as_of=100)
    >>> [(payment.day, payment.amount_minor) for payment in ahead.payments], ahead.shift[[5, 6, 89]].tolist()
    ([(107, -500000)], [0.0, -500000.0, -500000.0])
    """
    usual = project(streams, from_day=as_of, horizon=AHEAD_DAYS)
    orders = [order for order in account.orders if not _is_lapsed(order, account, as_of=as_of)]
    if not orders:
        return PaymentsAhead(usual, usual, (), _NO_SHIFT, _SAME_INCOME)
    added, gone, dropped = list[Payment](), list[Payment](), list[Payment]()
    shift, income = np.zeros(AHEAD_DAYS), _SAME_INCOME.copy()
    for order, stream in _matched(orders, [stream for stream in streams if stream.status != "ended"]):
        own = [payment for payment in usual if payment.stream is stream]
        more, less = _led(order, stream, own, account=account, as_of=as_of)
        seen = 0.0 if stream is None else min(1.0, (as_of - stream.first_day + stream.period_days) / SEEN_DAYS)
        for payments, share in ((more, 1.0), (less, -seen)):
            for payment in payments:
                shift[payment.day - as_of - 1 :] += share * payment.amount_minor
        if order.sign > 0 and not order.own and order.category not in NO_INCOME:
            income += _income_of(more, less, seen=seen, as_of=as_of)
        added += more
        dropped += less
        gone += [] if more else less
    left = {id(payment) for payment in dropped}
    payments = sorted([*(one for one in usual if id(one) not in left), *added], key=_by_day)
    return PaymentsAhead(usual, tuple(payments), tuple(sorted(gone, key=_by_day)), shift, income)


def announced(accounts: Iterable[Account], *, as_of: int) -> tuple[Payment, ...]:
    """Give the payments that orders alone let one expect, of accounts whose past says too little."""
    return _joined(payments_ahead(account, (), as_of=as_of).payments for account in accounts)


def together(parts: Iterable[PaymentsAhead]) -> PaymentsAhead:
    """Give what is expected on several accounts as one."""
    some = list(parts)
    return PaymentsAhead(
        _joined(part.usual for part in some),
        _joined(part.payments for part in some),
        _joined(part.gone for part in some),
        np.sum([part.shift for part in some], axis=0),
        np.sum([part.income for part in some], axis=0),
    )


def between_own(payments: Sequence[Payment]) -> list[Payment]:
    """Give the payments that only move money between a person's own accounts.

    They are told so, or two of them leave one account and arrive on another with the same amount within three days.
    """
    left = [payment for payment in payments if not _moves_own(payment)]
    own = [payment for payment in payments if _moves_own(payment)]
    arrived = [payment for payment in left if payment.amount_minor > 0]
    for sent in (payment for payment in left if payment.amount_minor < 0):
        other = next((one for one in arrived if _is_pair(sent, one)), None)
        if other is not None:
            arrived.remove(other)
            own += [sent, other]
    return own


def _moves_own(payment: Payment) -> bool:
    stream = payment.stream
    return stream.own if isinstance(stream, Order) else stream.nature == "own_transfer"


def _is_pair(sent: Payment, arrived: Payment) -> bool:
    return (
        sent.stream.account != arrived.stream.account
        and sent.told_minor == -arrived.told_minor
        and abs(sent.day - arrived.day) <= LATE_DAYS
    )


def with_card_bills(accounts: Sequence[Account], *, as_of: int) -> list[Account]:
    """Let what is owed on cards be the next card bill, where one stream of card bills shows when and from where.

    A bill that lies farther ahead than ``_BILL_DAYS`` is not closed yet: it is at least what is owed, and not less than
    usual. Where several accounts pay card bills, history alone speaks. An order that tells the bill itself leads; a
    mandate that names no amount tells its day, and what is owed the amount.
    """
    owed = sum(-min(0, history_of(card, as_of).balance or 0) for card in accounts if card.type == "card")
    bills = [
        (account, stream)
        for account in (accounts if owed else ())
        if account.type in LIQUID and any(kind.nature == "card_bill" for kind in account.kinds)
        for stream in find_streams(account, as_of=as_of)
        if stream.nature == "card_bill" and stream.status != "ended" and stream.amount_minor < 0
    ]
    if len(bills) != 1:
        return list(accounts)
    (payer, stream), *_ = bills
    told = [order for order in payer.orders if _likeness(order, stream) is not None]
    until = as_of + AHEAD_DAYS
    days = [*(day for order in told for day in due_days(order, after=as_of, upto=until))]
    day = min(days, default=next(stream.dates(after=as_of, upto=until), None))
    if day is None or any(order.amount_minor is not None or order.ended or order.last_on is not None for order in told):
        return list(accounts)
    usual = 0 if day - as_of <= _BILL_DAYS else -stream.amount_minor
    bill = Order(
        account=payer.name,
        told=Instant(as_of * DAY),
        sign=-1,
        amount_minor=-max(owed, usual),
        counterparty=stream.counterparty,
        category=stream.category or "card_bill",
        next_on=Day(day),
    )
    orders = (*(order for order in payer.orders if order not in told), bill)
    return [dataclasses.replace(one, orders=orders) if one is payer else one for one in accounts]


def unseen(account: Account, *, as_of: int, span: int) -> list[Payment]:
    """Give what orders pay in the next 90 days of which an account has shown nothing in the last ``span`` days."""
    return [
        Payment(day=day, amount_minor=order.amount_minor, stream=order)
        for order in account.orders
        if order.amount_minor is not None and (order.every is None or not _is_paid(order, account, since=as_of - span))
        for day in due_days(order, after=as_of, upto=as_of + AHEAD_DAYS)
    ]


def _is_lapsed(order: Order, account: Account, *, as_of: int) -> bool:
    """Say whether an order was due since it was told, and the account went on without it."""
    if order.every is None or order.ended or not account.days.size:
        return False
    period = order.period_days
    until = min(as_of, int(account.days[-1])) - int(period / 2) - LATE_DAYS
    since = max(order.told // DAY - 1, until - 2 * int(period) - 1)
    missed = max(due_days(order, after=since, upto=until), default=None)
    return missed is not None and not _is_paid(order, account, since=missed - _SAME_DAY)


def _is_paid(order: Order, account: Account, *, since: int) -> bool:
    """Say whether an account shows a payment like that of an order since a day."""
    amounts = account.amounts
    name = normal_name(order.counterparty or "")
    alike = np.array(
        [bool(name) and normal_name(kind.counterparty or "") == name for kind in account.kinds], dtype=bool
    )
    like = alike[account.of] if alike.size else np.zeros(len(amounts), dtype=bool)
    if order.amount_minor is not None:
        like = like | (np.abs(amounts - order.amount_minor) <= (BUCKET - 1) * abs(order.amount_minor))
    return bool((like & (order.sign * amounts > 0) & (account.days >= since)).any())


def _matched(orders: Sequence[Order], streams: Sequence[Stream]) -> Iterator[tuple[Order, Stream | None]]:
    """Give each order with the stream that is the same thing: the likest pairs first."""
    pairs = [
        (likeness, -of, -at)
        for of, order in enumerate(orders)
        for at, stream in enumerate(streams)
        if (likeness := _likeness(order, stream)) is not None
    ]
    found: dict[int, int] = {}
    for _, of, at in sorted(pairs, reverse=True):
        if -of not in found and -at not in found.values():
            found[-of] = -at
    for of, order in enumerate(orders):
        yield order, streams[found[of]] if of in found else None


def _likeness(order: Order, stream: Stream) -> tuple[int, float] | None:
    """Say how much speaks for it that an order and a stream are the same thing; None where too little does."""
    if order.sign * stream.amount_minor < 0 or not _keeps_time(order, stream):
        return None
    apart = 0.0 if order.amount_minor is None else abs(math.log(max(order.amount_minor / stream.amount_minor, 1e-9)))
    named = order.counterparty is not None and stream.counterparty is not None
    if named and normal_name(order.counterparty or "") == normal_name(stream.counterparty or ""):
        return (_NAMED, -apart) if apart <= math.log(_DOUBLE) or _is_next(order, stream) else None
    kinds = (stream.category, stream.nature)
    if order.amount_minor is None:  # a card bill whose day is told, or a mandate of somebody else
        return (_MAYBE, 0.0) if order.category == "card_bill" and not named and "card_bill" in kinds else None
    same_amount = apart <= math.log(BUCKET)
    other_kind = not order.loan and None not in (order.category, stream.category) and order.category not in kinds
    if same_amount and not named and not other_kind:
        return _LIKE, -apart
    if same_amount and not (named and other_kind) and _same_day(order, stream):
        return _MAYBE, -apart
    same_kind = order.category is not None and order.category in kinds and not named
    return (_MAYBE, -apart) if same_kind and (apart <= math.log(1 + SPREAD) or _is_next(order, stream)) else None


def _keeps_time(order: Order, stream: Stream) -> bool:
    return order.every is None or 1 / _ALIKE < order.period_days / stream.period_days < _ALIKE


def _is_next(order: Order, stream: Stream) -> bool:
    """Say whether what is paid once is paid on a day on which the stream is expected, whatever its amount."""
    day = order.begins_on
    return order.every is None and day is not None and day in stream.dates(after=day - 1, upto=day)


def _same_day(order: Order, stream: Stream) -> bool:
    if order.begins_on is None or order.every not in MONTHS:
        return False
    off = abs(anchor_of(order, order.begins_on)[1] - stream.anchor)
    return min(off, 31 - off) <= _SAME_DAY


def _led(
    order: Order, stream: Stream | None, usual: Sequence[Payment], *, account: Account, as_of: int
) -> tuple[list[Payment], list[Payment]]:
    """Give what an order pays, and which usual payments of its stream it takes the place of."""
    over = _over(order, stream, usual)
    days = [*_still_due(order, account, as_of=as_of), *due_days(order, after=as_of, upto=as_of + AHEAD_DAYS)]
    amount = stream.amount_minor if stream is not None and order.amount_minor is None else order.amount_minor
    if not days or amount is None or (order.loan and usual):
        return [], over
    paid = [Payment(day=day, amount_minor=_amount(amount, stream, day=day), stream=order) for day in days]
    if order.every is None:
        near = [payment for payment in usual if abs(payment.day - days[0]) <= _NEAR_DAYS]
        return paid, [*over, *(one for one in near[:1] if one not in over)]
    begins = days[0] - min(_NEAR_DAYS, order.period_days / 2)
    return paid, [payment for payment in usual if payment.day > begins or payment in over]


def _over(order: Order, stream: Stream | None, usual: Sequence[Payment]) -> list[Payment]:
    """Give the usual payments that come no more, unless history shows that they went on after the end."""
    end = Day(order.told // DAY) if order.ended else order.last_on
    late = int(_MONTH_DAYS / 2) if order.loan else _SAME_DAY
    if stream is None or end is None or stream.last_day > end + late:
        return []
    return [payment for payment in usual if order.ended or payment.day > end + late]


def _still_due(order: Order, account: Account, *, as_of: int) -> list[int]:
    """Give tomorrow, where an order was due in the last days and its payment is not seen yet."""
    due = next(due_days(order, after=as_of - LATE_DAYS, upto=as_of), None)
    return [] if due is None or _is_paid(order, account, since=due - LATE_DAYS) else [as_of + 1]


def _amount(amount: int, stream: Stream | None, *, day: int) -> int:
    bonus = None if stream is None else stream.bonus.get(date_of(Day(day)).month)
    return amount if stream is None or bonus is None else round(amount * bonus / stream.amount_minor)


def _income_of(more: Sequence[Payment], less: Sequence[Payment], *, seen: float, as_of: int) -> Floats:
    """Give what an order changes about the income of each block.

    A payment that only comes some days earlier or later changes nothing, whichever block it falls into.
    """
    change, left = np.zeros(len(WITHIN_DAYS)), list(less)
    for payment in more:
        near = min(left, key=lambda one: abs(one.day - payment.day), default=None)
        usual = 0.0
        if near is not None and abs(near.day - payment.day) <= BLOCK_DAYS / 2:
            left.remove(near)
            usual = seen * near.amount_minor
        elif less and not _inside(payment.day - as_of):
            continue  # its usual payment lies before the first day or after the last one
        change[(payment.day - as_of - 1) // BLOCK_DAYS] += payment.amount_minor - usual
    for payment in left:
        if not more or _inside(payment.day - as_of):
            change[(payment.day - as_of - 1) // BLOCK_DAYS] -= seen * payment.amount_minor
    return change


def _inside(ahead: int) -> bool:
    return BLOCK_DAYS / 2 < ahead <= AHEAD_DAYS - BLOCK_DAYS / 2


def _joined(parts: Iterable[tuple[Payment, ...]]) -> tuple[Payment, ...]:
    return tuple(sorted((payment for part in parts for payment in part), key=_by_day))


def _by_day(payment: Payment) -> tuple[int, int]:
    return payment.day, payment.amount_minor
