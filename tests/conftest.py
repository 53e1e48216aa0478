"""Fixtures that every folder shares: a bank project, people who allow everything, and where the real data lies."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings

import marketofone
import postgres_server
import quick_fits
from bank_projects import ENGINES, EngineName, Projects
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import DAY, Instant
from marketofone.models.forecast import booster
from marketofone.services.decisions import asked
from marketofone.services.runtime import app_context

START = Instant(1_767_600_000_000_000)  # 2026-01-05T08:00:00Z, a Monday
ROOT = Path(__file__).parents[1]

# The one profile of generated examples: no deadline and no pace that a loaded machine could trip, a blob that repeats
# what failed, and in CI the same examples every time.
settings.register_profile(
    "tests",
    deadline=None,
    print_blob=True,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("tests")

# Threads that race for one person take turns for as long as a loaded machine needs.
app_context.PATIENCE = 120.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=ENGINES,
        help="run every test that opens a bank, and no other, on this engine; without it all run on the embedded one",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Say on which engine a test runs, where the command line names one."""
    if "bank_engine" not in metafunc.fixturenames or metafunc.definition.get_closest_marker("sqlite"):
        return
    chosen = metafunc.config.getoption("--engine")
    if chosen:
        metafunc.parametrize("bank_engine", [chosen], indirect=True, scope="module")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Make no search for garbage among the thousands of tests that are found: there is none."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_sessionfinish() -> None:
    """Let the last search, by which pytest finds what nobody closed, go through everything again."""
    gc.unfreeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what would not run on the engine that was chosen."""
    if config.getoption("--engine"):
        here = [item for item in items if isinstance(item, pytest.Function) and _names_engine(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in here])
        items[:] = here


def _names_engine(item: pytest.Function) -> bool:
    return "bank_engine" in getattr(getattr(item, "callspec", None), "params", {})


@pytest.fixture(autouse=True, scope="module")
def _what_stays_is_set_aside() -> None:
    """Look for garbage among what the tests of one file make, and not among all that was loaded before.

    A search through everything takes a third of a second, and Python made so many that they were a third of the time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def _banks_of_a_file_draw_the_same_each_time(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let banks that a whole file shares draw the same lots in each run; see the next."""
    with _draws_of(request.node.nodeid):
        yield


@pytest.fixture(autouse=True)
def _banks_draw_the_same_each_time(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the banks of a test draw the same lots in each run, whichever tests run before it.

    A bank's secret decides who is in a control group, and a decision's id what it draws. Where they are others in each
    run, once in some hundred runs all eight people of a test are in one group: it fails, though nothing is wrong.
    """
    with _draws_of(request.node.nodeid):
        yield


@contextmanager
def _draws_of(name: str) -> Iterator[None]:
    draws, unless_told = Random(name), marketofone.open.__kwdefaults__
    assert unless_told is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(unless_told, "random", draws.randbytes)
        patch.setattr(asked, "uuid4", lambda: UUID(bytes=draws.randbytes(16), version=4))
        yield


@pytest.fixture(autouse=True)
def _databases_go_with_their_test() -> Iterator[None]:
    yield
    if postgres_server.server.cache_info().currsize:  # only where a test started the server
        postgres_server.server().drop_all()


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


@pytest.fixture(scope="module")
def bank_engine(request: pytest.FixtureRequest) -> EngineName:
    """Name the engine under test; see ``--engine``."""
    name: EngineName = getattr(request, "param", "embedded")
    return name


@pytest.fixture(scope="module")
def lasting_projects(bank_engine: EngineName, fitted: Path) -> Projects:
    """Lay out banks that a whole module shares."""
    return Projects(bank_engine, fitted, stays=True)


@pytest.fixture
def projects(bank_engine: EngineName, fitted: Path) -> Projects:
    """Lay out banks of one test."""
    return Projects(bank_engine, fitted)


@pytest.fixture
def project(tmp_path: Path, projects: Projects) -> Path:
    """Lay a bank project out, with the language model already fitted."""
    return projects.lay_out(tmp_path / "bank")


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
            since=now,
            until=Instant(now + 365 * DAY),
        )
        bank.consent(change, now=now)

    return grant


@pytest.fixture(scope="session")
def lightgbm() -> None:
    """Skip where LightGBM cannot be loaded."""
    if not booster.loadable():
        pytest.skip("LightGBM cannot be loaded: on Debian it needs libgomp1")


@pytest.fixture
def few_trees() -> Iterator[None]:
    """Let forecasts be learned in less time: for what holds however many trees there are."""
    with quick_fits.few_trees():
        yield


@pytest.fixture(scope="session")
def data() -> Path:
    """Give the folder of real data, or skip: it is not part of the repository."""
    folder = Path(os.environ.get("MARKETOFONE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("real data is absent: set MARKETOFONE_DATA to its folder")
    return folder
