"""What is learned from is a fair sample, and no larger for a larger bank."""

from __future__ import annotations

from collections import Counter

import numpy as np

from marketofone.models.forecast.sample import Sample
from marketofone.profile.ledger import Account

NONE = np.zeros(0, np.int64)
ACCOUNTS = [Account(f"a-{number:02d}", "EUR", (), NONE, NONE, NONE, NONE) for number in range(40)]


def drawn(seed: int, *, most: int = 8) -> list[str]:
    sample = Sample(most, seed=seed)
    for account in ACCOUNTS:
        sample.add([account])
    return [account.name for account in sample.kept]


def test_a_small_bank_is_learned_from_whole() -> None:
    assert drawn(1, most=40) == [account.name for account in ACCOUNTS]


def test_the_same_bank_gives_the_same_sample_and_no_account_twice() -> None:
    assert drawn(5) == drawn(5) != drawn(6)
    assert len(set(drawn(5))) == 8


def test_first_and_last_are_as_likely_as_any_other() -> None:
    counts = Counter(name for seed in range(2_000) for name in drawn(seed))
    # 400 each are expected; four standard deviations of a binomial are some 72.
    assert set(counts) == {account.name for account in ACCOUNTS}
    assert 328 <= min(counts.values()) <= max(counts.values()) <= 472
