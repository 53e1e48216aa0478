"""What balances beside amounts tell: which sign is money in, and in which order the rows stand.

Where a statement gives what stood on the account after each movement, ``balance(n) = balance(n-1) + amount(n)``, from
the oldest row to the newest, account by account. A wrong sign or a wrong order breaks nearly every step of that chain.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal
from itertools import product
from typing import NamedTuple

from marketofone.importers.tables.mapping import FileOrder

_CHAINS = 0.8  # of the steps: rows that are left out of a file break a few
_ORDERS: tuple[FileOrder, ...] = ("oldest first", "newest first")


class Posted(NamedTuple):
    """What a row posted to which account, and what stood there afterwards, where that is said."""

    account: Hashable
    amount: Decimal
    balance: Decimal | None


class Chain(NamedTuple):
    """How balances chain: with amounts as they are or turned round, in which order, and at which share of the steps."""

    turned: bool
    order: FileOrder
    share: float

    @property
    def holds(self) -> bool:
        """Whether it agrees often enough to be believed."""
        return self.share >= _CHAINS


def chain_of(rows: Iterable[Posted]) -> Chain | None:
    """Find how balances chain best; None where no two rows of an account stand beside balances.

    Examples
    --------
    >>> rows = [Posted("a", Decimal(amount), Decimal(balance)) for amount, balance in ((5, 70), (25, 75), (10, 100))]
    >>> chain_of(rows)
    Chain(turned=True, order='newest first', share=1.0)
    """
    steps = _steps(rows)
    chains = [Chain(turned, order, _share(steps, turned, order)) for turned, order in product((False, True), _ORDERS)]
    return max(chains, key=lambda chain: chain.share) if steps else None


class BalanceCheck:
    """Follows the balances of a whole file, row by row, in the order of the file.

    ``differences`` counts balances that do not follow from the row beside them, and ``first`` is the line of the first:
    there rows are missing, or were made up.

    Examples
    --------
    >>> check = BalanceCheck("oldest first")
    >>> for line, amount, balance in ((2, 5, 105), (3, -5, 100), (4, 7, 110)):
    ...     check.see("a", amount=Decimal(amount), balance=Decimal(balance), line=line)
    >>> check.differences, check.first
    (1, 4)
    """

    def __init__(self, order: FileOrder) -> None:
        self.differences = 0
        self.first: int | None = None
        self._oldest_first = order == "oldest first"
        self._expected: dict[Hashable, Decimal] = {}

    def see(self, account: Hashable, *, amount: Decimal, balance: Decimal | None, line: int) -> None:
        """Compare the balance of one row with what is expected, and expect the next; a row may say none."""
        expected = self._expected.get(account)
        if balance is None:
            if expected is not None:
                self._expected[account] = expected + amount if self._oldest_first else expected - amount
            return
        if self._oldest_first:
            expected, following = None if expected is None else expected + amount, balance
        else:
            following = balance - amount
        self._expected[account] = following
        if expected is not None and expected != balance:
            self.differences += 1
            self.first = self.first or line


class _Step(NamedTuple):
    """From one balance of an account to the next one in the file: by how much it rose, and what was posted."""

    rise: Decimal
    above: Decimal
    between: Decimal
    below: Decimal


def _steps(rows: Iterable[Posted]) -> Sequence[_Step]:
    """Give the steps between balances that stand one after the other in the file."""
    steps = list[_Step]()
    last: dict[Hashable, tuple[Decimal, Decimal]] = {}
    between: dict[Hashable, Decimal] = {}
    for account, amount, balance in rows:
        if balance is None:
            between[account] = between.get(account, Decimal()) + amount
            continue
        passed = between.pop(account, Decimal())
        if account in last:
            before, posted = last[account]
            steps.append(_Step(balance - before, posted, passed, amount))
        last[account] = balance, amount
    return steps


def _share(steps: Sequence[_Step], turned: bool, order: FileOrder) -> float:  # noqa: FBT001 - of a product
    agree = 0
    for step in steps:
        rise, posted = (step.rise, step.below) if order == "oldest first" else (-step.rise, step.above)
        posted += step.between
        agree += rise == (-posted if turned else posted)
    return agree / len(steps) if steps else 0.0
