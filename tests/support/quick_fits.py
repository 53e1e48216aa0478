"""Forecasts that are learned in less time, for what holds however many trees there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from marketofone.models.forecast import learning


@contextmanager
def few_trees() -> Iterator[None]:
    """Grow few trees in everything that is learned meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning, "ROUNDS", 30)
        patch.setattr(learning, "TREES", 20)
        patch.setattr(learning, "_TRIAL_TREES", 8)
        yield
