"""What payments are, told by all of a person's banks together, and by the payments at each bank alone.

A person may take one bank's data back. So what was found by several banks names those it needs beside its own, and what
a payment is without them stands beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from marketofone.domain.reading import MovementReading
from marketofone.models.movement.facts import Fact, OwnAccount
from marketofone.models.movement.history import understand

Institution = str | None
_Group = frozenset[Institution]


class Understood(NamedTuple):
    """What a payment is by those at its own bank (``alone``), and by all.

    ``rests_on`` names the other banks that the second needs, None the one here; it is empty where both say the same.
    """

    alone: MovementReading
    together: MovementReading
    rests_on: tuple[Institution, ...] = ()


def understand_scopes(
    movements: Sequence[Fact],
    *,
    accounts: Sequence[OwnAccount],
    twice: Collection[int] = (),
    same: Sequence[OwnAccount] = (),
) -> list[Understood]:
    """Say what each payment of a person is by all of them, and by those at the same bank.

    ``twice`` are places of payments elsewhere that are told here, too, and ``same`` such accounts: where those here are
    looked at, they count once.

    Examples
    --------
    >>> out = Fact(day=3, account="giro", amount_minor=-500_00, currency="EUR", counterparty="Pot")
    >>> arrives = Fact(day=4, account="pot", amount_minor=500_00, currency="EUR", institution="Other Bank")
    >>> own = [OwnAccount(account="giro"), OwnAccount(account="pot", institution="Other Bank")]
    >>> left, _ = understand_scopes([out, arrives], accounts=own)
    >>> left.alone.nature, left.together.nature, left.rests_on
    (None, 'own_transfer', ('Other Bank',))
    """
    named = {fact.institution for fact in movements} | {own.institution for own in accounts}
    scopes = sorted(named, key=_place)
    if len(scopes) < 2:  # noqa: PLR2004 - then there is no other bank
        return [Understood(said, said) for said in understand(movements, accounts=accounts)]
    read = _Groups(movements, accounts, twice, same)
    everything = read.of(frozenset(scopes))
    found: list[Understood] = []
    for at, fact in enumerate(movements):
        alone = read.of(frozenset({fact.institution}))[at]
        together = everything.get(at, alone)
        others = tuple(one for one in scopes if one != fact.institution)
        needed = () if _told(together) == _told(alone) else _needed(read, at, fact, others, _told(together))
        found.append(Understood(alone, together, needed))
    return found


class _Groups:
    """The payments of some banks, each group of banks read once."""

    def __init__(
        self,
        movements: Sequence[Fact],
        accounts: Sequence[OwnAccount],
        twice: Collection[int],
        same: Sequence[OwnAccount],
    ) -> None:
        self._movements = movements
        self._accounts = accounts
        self._twice = frozenset(twice)
        self._same = same
        self._read: dict[_Group, dict[int, MovementReading]] = {}

    def of(self, group: _Group) -> dict[int, MovementReading]:
        """Say what payments are, by their places, from those of some banks only."""
        if group not in self._read:
            told_here, same = (self._twice, self._same) if None in group else (frozenset[int](), ())
            places = [
                at for at, fact in enumerate(self._movements) if fact.institution in group and at not in told_here
            ]
            own = [account for account in self._accounts if account.institution in group and account not in same]
            said = understand([self._movements[at] for at in places], accounts=own)
            self._read[group] = dict(zip(places, said, strict=True))
        return self._read[group]


def _needed(
    read: _Groups, at: int, fact: Fact, others: tuple[Institution, ...], told: tuple[str | None, ...]
) -> tuple[Institution, ...]:
    """Give the first bank that is enough to find the same, else all of them."""
    if len(others) > 1:
        for one in others:
            if _told(read.of(frozenset({fact.institution, one}))[at]) == told:
                return (one,)
    return others


def _told(said: MovementReading) -> tuple[str | None, ...]:
    return said.nature, said.category, said.merchant


def _place(institution: Institution) -> str:
    """Give the place of a bank in the one order; the one here is the first."""
    return institution or ""
