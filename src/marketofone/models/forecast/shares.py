"""A person's part of an account that others own, too: what it is in the sum of their accounts.

What stands on the account and what moves on it count by the share, so the sum falls short where the account does. The
whole of a payment stays known, for people are told of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np

from marketofone.models.forecast.known_payments import PaymentsAhead
from marketofone.models.forecast.streams import Payment, Stream
from marketofone.profile.ledger import UNTOLD, Account
from marketofone.profile.orders import Order


def own_account(account: Account) -> Account:
    """Give a person's part of an account, each amount rounded for itself; its orders stay whole.

    Examples
    --------
    >>> from marketofone.profile.ledger import Kind
    >>> at = np.array([3, 5])
    >>> joint = Account("a", "EUR", (Kind(None, "rent", None),), at, at * -100, at * 0, at * 1000, share=0.5)
    >>> own = own_account(joint)
    >>> own.amounts.tolist(), own.balances.tolist()
    ([-150, -250], [1500, 2500])
    """
    if account.share == 1:
        return account
    part = _part_of(account.share)
    balances = [balance if balance == UNTOLD else part(balance) for balance in account.balances.tolist()]
    return replace(
        account,
        amounts=np.array([part(amount) for amount in account.amounts.tolist()], dtype=np.int64),
        balances=np.array(balances, dtype=np.int64),
        limit=part(account.limit),
    )


def own_payments(ahead: PaymentsAhead, *, share: float) -> PaymentsAhead:
    """Give a person's part of the payments that are expected on an account; each knows the whole of it."""
    if share == 1:
        return ahead
    part, streams = _part_of(share), dict[int, Stream | Order]()

    def own(payment: Payment) -> Payment:
        told = payment.stream
        stream = streams.setdefault(id(told), _own_stream(told, part))
        return Payment(
            day=payment.day, amount_minor=part(payment.amount_minor), stream=stream, whole_minor=payment.amount_minor
        )

    usual, payments, gone = (tuple(map(own, some)) for some in ahead[:3])
    return PaymentsAhead(usual, payments, gone, ahead.shift * share, ahead.income * share)


def _part_of(share: float) -> Callable[[int], int]:
    return lambda minor: round(minor * share)


def _own_stream(stream: Stream | Order, part: Callable[[int], int]) -> Stream | Order:
    if isinstance(stream, Order):
        amount = None if stream.amount_minor is None else part(stream.amount_minor)
        return msgspec.structs.replace(stream, amount_minor=amount)
    bonus = {month: part(amount) for month, amount in stream.bonus.items()}
    return msgspec.structs.replace(stream, amount_minor=part(stream.amount_minor), bonus=bonus)
