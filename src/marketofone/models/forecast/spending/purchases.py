"""What a person bought, over all accounts of one currency: outgoing money without what only moves between pockets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketofone.models.forecast.groups import normal_kind
from marketofone.models.forecast.streams import SPREAD, Stream
from marketofone.profile.ledger import Account, Kind

Integers = NDArray[np.int64]

OWN_POCKETS = frozenset({"transfer", "savings", "investment"})


@dataclass(frozen=True)
class Purchases:
    """Payments out, by day.

    Shapes
    ------
    days, amounts, of, standing
        One entry per payment, days not decreasing.

    Units
    -----
    Days since 1970-01-01; minor units, positive.
    """

    days: Integers
    amounts: Integers
    kinds: tuple[Kind, ...]
    """Kinds by the normal form of their counterparties."""
    names: tuple[str | None, ...]
    """For each kind, its counterparty as first printed."""
    of: Integers
    """For each payment the index of its kind."""
    standing: NDArray[np.bool_]
    """Whether the payment belongs to a stream: no person decides about it every month."""

    @property
    def categories(self) -> tuple[str, ...]:
        """The category of each kind; where none is told, the operation stands for it."""
        return tuple(kind.category or kind.operation or "" for kind in self.kinds)


def purchases(accounts: Sequence[Account], *, streams: Sequence[Stream], as_of: int) -> Purchases:
    """Gather what was bought until the end of a day.

    Examples
    --------
    >>> at = np.array([3, 5])
    >>> account = Account("a", "EUR", (Kind(None, "dining", None),), at, -at, at * 0, at)
    >>> bought = purchases([account], streams=(), as_of=4)
    >>> bought.days.tolist(), bought.amounts.tolist()
    ([3], [3])
    """
    ids: dict[Kind, int] = {}
    names: list[str | None] = []
    days, amounts, of = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for account in accounts:
        known = account.until(as_of)
        table = np.empty(len(account.kinds), np.int64)
        for at, kind in enumerate(account.kinds):
            table[at] = ids.setdefault(normal_kind(kind), len(ids))
            names += [kind.counterparty] * (len(ids) - len(names))
        own = np.array([kind.category in OWN_POCKETS for kind in account.kinds], dtype=np.bool_)
        out = (known.amounts < 0) & ~own[known.of] if own.size else known.amounts < 0
        days.append(known.days[out])
        amounts.append(-known.amounts[out])
        of.append(table[known.of[out]])
    day = np.concatenate(days)
    order = np.argsort(day, kind="stable")
    paid, what = np.concatenate(amounts)[order], np.concatenate(of)[order]
    standing = np.zeros(day.size, dtype=np.bool_)
    for stream in streams:
        kind = normal_kind(Kind(stream.operation, stream.category, stream.counterparty))
        if stream.amount_minor < 0 and kind in ids:
            near = np.abs(paid + stream.amount_minor) <= -SPREAD * stream.amount_minor
            standing |= (what == ids[kind]) & near
    return Purchases(day[order], paid, tuple(ids), tuple(names), what, standing)
