"""What is slow to learn and asked by many: the language model as the package fits it, and a small one of forecasts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from marketofone.models.forecast import Model, fit
from marketofone.models.forecast.booster import loadable
from marketofone.models.language import LanguageModel
from marketofone.profile.ledger import Account, Kind
from quick_fits import few_trees

KINDS = (Kind("transfer", "salary", "Employer"), Kind("transfer", "rent", "Landlord"), Kind("cash", "cash", None))
FIRST = 19_000  # 8 January 2022


@pytest.fixture(scope="session")
def language(fitted: Path) -> LanguageModel:
    (kept,) = fitted.glob("language-*.bin")
    return LanguageModel.from_bytes(kept.read_bytes())


def _live(seed: int, *, days: int = 200, first: int = FIRST, name: str = "a") -> Account:
    rng = np.random.default_rng(seed)
    pay, opening = int(rng.integers(150_000, 400_000)), int(rng.integers(0, 1_200_000))
    rows: list[tuple[int, int, int]] = []
    for day in range(days):
        rows += [(first + day, pay, 0)] * (day % 30 == 12) + [(first + day, -pay // 3, 1)] * (day % 30 == 15)
        if rng.random() < 0.2:
            rows.append((first + day, -int(rng.lognormal(np.log(pay / 12), 0.7)), 2))
    at, amounts, of = np.array(rows, dtype=np.int64).T
    return Account(name, "EUR", KINDS, at, amounts, of, opening + np.cumsum(amounts))


@pytest.fixture(scope="session")
def live() -> Callable[..., Account]:
    """Give somebody of whom everything is known: a salary, rent three days later, and cash now and then."""
    return _live


def _taught(live: Callable[..., Account]) -> Model:
    return fit([live(seed) for seed in range(40)], known_until=FIRST + 199, seed=7, boosting=loadable())


@pytest.fixture(scope="session")
def taught(live: Callable[..., Account]) -> Model:
    """Learn from forty such people, and the two hundred days of them, with few trees."""
    with few_trees():
        return _taught(live)


@pytest.fixture(scope="session")
def taught_in_full(live: Callable[..., Account]) -> Model:
    """Learn the same with as many trees as a bank grows: for how well it foresees."""
    return _taught(live)
