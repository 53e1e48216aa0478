"""Fixtures that every folder shares: a bank project, people who allow everything, and where the real data lies."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import marketofone
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import DAY, Instant
from marketofone.models.forecast.boost import loadable

START = Instant(1_767_600_000_000_000)  # 2026-01-05T08:00:00Z, a Monday
ROOT = Path(__file__).parents[1]


@pytest.fixture
def now() -> Instant:
    return START


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the data folder of a fresh bank, whose language model took seconds to fit."""
    folder = tmp_path_factory.mktemp("fitted")
    wiring.lay_out(folder)
    marketofone.open(folder, now=START).close()
    return folder / wiring.DATA


@pytest.fixture
def project(tmp_path: Path, fitted: Path) -> Path:
    """Lay a bank project out, with the language model already fitted."""
    folder = tmp_path / "bank"
    wiring.lay_out(folder)
    (folder / wiring.DATA).mkdir(mode=0o700)
    for model in fitted.glob("language-*.bin"):
        shutil.copy(model, folder / wiring.DATA)
    return folder


@pytest.fixture
def bank(project: Path, now: Instant) -> Iterator[Bank]:
    with marketofone.open(project, now=now) as opened:
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
            since=now if bank.epoch(customer) else Instant(now - 400 * DAY),
            until=Instant(now + 400 * DAY),
        )
        bank.consent(change, now=now)

    return grant


@pytest.fixture(scope="session")
def lightgbm() -> None:
    """Skip where LightGBM cannot be loaded."""
    if not loadable():
        pytest.skip("LightGBM cannot be loaded: on Debian it needs libgomp1")


@pytest.fixture(scope="session")
def data() -> Path:
    """Give the folder of real data, or skip: it is not part of the repository."""
    folder = Path(os.environ.get("MARKETOFONE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("real data is absent: set MARKETOFONE_DATA to its folder")
    return folder
