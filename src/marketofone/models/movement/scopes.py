"""What payments are, told by all of a person's data together, and by those of one id of the person at one bank alone.

A person may take one bank's data back, and ids of one person may part. So what was found by several names those that it
needs beside its own, and what a payment is without them stands beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from marketofone.domain.fields import AccountType
from marketofone.domain.reading import MovementReading
from marketofone.models.movement.facts import Fact, OwnAccount
from marketofone.models.movement.history import understand

Institution = str | None


class Scope(NamedTuple):
    """The data of one id of a person at one bank; None is the one here."""

    id: int
    institution: Institution


_Group = frozenset[Scope]


class Understood(NamedTuple):
    """What a payment is by those of its own id at its own bank (``alone``), and by all.

    ``rests_on`` names what else the second needs; it is empty where both say the same.
    """

    alone: MovementReading
    together: MovementReading
    rests_on: tuple[Scope, ...] = ()


def understand_scopes(
    movements: Sequence[Fact],
    *,
    accounts: Sequence[OwnAccount],
    twice: Collection[int] = (),
    same: Sequence[OwnAccount] = (),
) -> list[Understood]:
    """Say what each payment of a person is by all of them, and by those of the same id at the same bank.

    ``twice`` are places of payments elsewhere that are told here, too, and ``same`` such accounts: where those here are
    looked at, they count once.

    Examples
    --------
    >>> out = Fact(day=3, account="giro", amount_minor=-500_00, currency="EUR", counterparty="Pot")
    >>> arrives = Fact(day=4, account="pot", amount_minor=500_00, currency="EUR", institution="Other Bank")
    >>> own = [OwnAccount(account="giro"), OwnAccount(account="pot", institution="Other Bank")]
    >>> left, _ = understand_scopes([out, arrives], accounts=own)
    >>> left.alone.nature, left.together.nature, left.rests_on
    (None, 'own_transfer', (Scope(id=0, institution='Other Bank'),))
    """
    scopes = {*map(_scope, movements), *map(_scope, accounts)}
    if len(scopes) < 2:  # noqa: PLR2004 - then there is nothing else
        return [Understood(said, said) for said in understand(movements, accounts=accounts)]
    read = _Groups(movements, accounts, twice, same)
    everything = read.of(frozenset(scopes))
    found: list[Understood] = []
    for at, fact in enumerate(movements):
        own = _scope(fact)
        alone = read.of(frozenset({own}))[at]
        together = everything.get(at, alone)
        needed = () if _told(together) == _told(alone) else _needed(read, at, own, scopes - {own}, _told(together))
        found.append(Understood(alone, together, needed))
    return found


class _Groups:
    """The payments of some scopes, each group of them read once."""

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
        """Say what payments are, by their places, from those of some scopes only."""
        if group not in self._read:
            has_here = any(scope.institution is None for scope in group)
            told_here, same = (self._twice, self._same) if has_here else (frozenset[int](), ())
            places = [at for at, fact in enumerate(self._movements) if _scope(fact) in group and at not in told_here]
            own = [account for account in self._accounts if _scope(account) in group and account not in same]
            said = understand([self._movements[at] for at in places], accounts=_of_one_type(own))
            self._read[group] = dict(zip(places, said, strict=True))
        return self._read[group]


def _needed(
    read: _Groups, at: int, own: Scope, others: Collection[Scope], told: tuple[str | None, ...]
) -> tuple[Scope, ...]:
    """Give the first scope that is enough to find the same, else all of them; those of the same id come first."""
    ranked = sorted(others, key=lambda one: (one.id != own.id, one.id, one.institution or ""))
    if len(ranked) > 1:
        for one in ranked:
            if _told(read.of(frozenset({own, one}))[at]) == told:
                return (one,)
    return tuple(ranked)


def _of_one_type(accounts: Sequence[OwnAccount]) -> list[OwnAccount]:
    """Give accounts, each of the type that any id of the person tells."""
    types: dict[tuple[Institution, str], AccountType] = {
        (own.institution, own.account): own.type for own in accounts if own.type is not None
    }
    return [replace(own, type=types.get((own.institution, own.account))) for own in accounts]


def _told(said: MovementReading) -> tuple[str | None, ...]:
    return said.nature, said.category, said.merchant


def _scope(one: Fact | OwnAccount) -> Scope:
    return Scope(one.id, one.institution)
