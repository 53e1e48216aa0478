"""Fixtures that every folder shares: a bank project, people who allow everything, and where the real data lies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import marketofone
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import DAY, Instant

START = Instant(1_767_600_000_000_000)  # 2026-01-05T08:00:00Z, a Monday
ROOT = Path(__file__).parents[1]


@pytest.fixture
def now() -> Instant:
    return START


@pytest.fixture
def bank(tmp_path: Path, now: Instant) -> Iterator[Bank]:
    folder = tmp_path / "bank"
    wiring.lay_out(folder)
    with marketofone.open(folder, now=now) as opened:
        yield opened


@pytest.fixture
def allow(bank: Bank, now: Instant) -> Callable[..., None]:
    """Record that a customer allows everything, or only some purposes and sources."""

    def grant(customer: str, *, purposes: tuple[str, ...] = ("*",), sources: tuple[str, ...] = ("*",)) -> None:
        change = ConsentChange(
            customer=customer,
            change="grant",
            purposes=purposes,
            sources=sources,
            channels=("*",),
            since=Instant(now - 400 * DAY),
            until=Instant(now + 400 * DAY),
        )
        bank.consent(change, now=now)

    return grant


@pytest.fixture(scope="session")
def data() -> Path:
    """Give the folder of real data, or skip: it is not part of the repository."""
    folder = Path(os.environ.get("MARKETOFONE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("real data is absent: set MARKETOFONE_DATA to its folder")
    return folder
