"""A fair sample of however many accounts pass by: what is learned from must not grow with the bank."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from marketofone.profile.ledger import Account


class Sample:
    """At most so many accounts, each that passed as likely among them as any other.

    The same accounts in the same order always give the same sample.

    Source
    ------
    Vitter (1985), "Random sampling with a reservoir", algorithm R.

    Examples
    --------
    >>> from marketofone.profile.ledger import NO_LEDGER, accounts
    >>> none = Sample(2, seed=7)
    >>> none.add(accounts([NO_LEDGER]))
    >>> none.kept
    []
    """

    def __init__(self, most: int, *, seed: int) -> None:
        self.kept: list[Account] = []
        self._most = most
        self._passed = 0
        self._rng = np.random.default_rng(seed)

    def add(self, accounts: Iterable[Account]) -> None:
        """Let accounts pass by."""
        for account in accounts:
            self._passed += 1
            if len(self.kept) < self._most:
                self.kept.append(account)
            elif (place := int(self._rng.integers(self._passed))) < self._most:
                self.kept[place] = account
