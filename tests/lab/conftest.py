"""A small bank of made-up accounts: salary, rent, and spending by chance."""

from __future__ import annotations

import numpy as np
import pytest

from marketofone.profile.ledger import Account, Kind

KINDS = (
    Kind("transfer_in", "salary", "employer"),
    Kind("transfer_out", "rent", "landlord"),
    Kind("cash_out", None, None),
)


@pytest.fixture(scope="session")
def small_bank() -> list[Account]:
    """Give thirty accounts of 330 days, opened in the first month of 2024."""
    rng = np.random.default_rng(3)
    return [_account(f"a-{number}", first=19_723 + number, rng=rng) for number in range(30)]


def _account(name: str, *, first: int, rng: np.random.Generator) -> Account:
    salary = int(rng.integers(1_500, 4_000)) * 100
    moves = [(first, salary, 0)]
    for day in range(first + 1, first + 330):
        moves += [(day, salary, 0)] if day % 30 == 5 else []
        moves += [(day, -salary // 3, 1)] if day % 30 == 8 else []
        moves += [(day, -int(rng.integers(1, salary // 6)), 2)] if rng.random() < 0.25 else []
    days, amounts, of = np.array(moves, dtype=np.int64).T
    return Account(name, "EUR", KINDS, days, amounts, of, np.cumsum(amounts))
