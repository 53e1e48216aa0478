"""Movements of one account that belong together: the same kind, in the same direction."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from marketofone.models.forecast.counterparties import normal_name
from marketofone.profile.ledger import Account, Kind


class Group(NamedTuple):
    """Movements of one kind in one direction, by day; ``kind`` names the counterparty as the last of them did."""

    kind: Kind
    days: list[int]
    amounts: list[int]


def groups(account: Account) -> Iterator[Group]:
    """Give what belongs together and came more than once, without zero amounts."""
    ids: dict[Kind, int] = {}
    same = [ids.setdefault(normal_kind(kind), len(ids)) for kind in account.kinds]
    moved = np.flatnonzero(account.amounts)
    key = 2 * np.array(same, dtype=np.int64)[account.of[moved]] + (account.amounts[moved] > 0)
    order = np.argsort(key, kind="stable")
    key, moved = key[order], moved[order]
    ends = [*(np.flatnonzero(key[1:] != key[:-1]) + 1).tolist(), key.size]
    days, amounts, of = account.days[moved].tolist(), account.amounts[moved].tolist(), account.of[moved].tolist()
    for start, end in pairwise([0, *ends]):
        if end - start > 1:
            yield Group(account.kinds[of[end - 1]], days[start:end], amounts[start:end])


def normal_kind(kind: Kind) -> Kind:
    """Give a kind by the normal form of its counterparty; what a movement turned out to be makes no other kind."""
    return kind._replace(counterparty=normal_name(kind.counterparty or "") or None, nature=None)
