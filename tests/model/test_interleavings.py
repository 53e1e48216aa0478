"""The guarantee holds however tasks take turns: the slice that CI runs, and the faults that it is known to find.

60 races in the quick suite, 2,400 among the slow ones. ``interleaving_campaign.py`` runs a million.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from interleaved_bank import Interleaved
from interleavings import TOGETHER, Races
from memory_store import MemoryStore
from planted_faults import FAULTS
from schedule import Lock, Schedule, Stuck

from marketofone.store.sqlite.store import SqliteStore

FEW = 60


@contextmanager
def opened(scratch: Path, *, fitted: Path, people: int) -> Iterator[Interleaved]:
    interleaved = Interleaved(scratch, fitted=fitted, seed=0, people=people)
    yield interleaved
    interleaved.close()


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory, fitted: Path) -> Iterator[Interleaved]:
    with opened(tmp_path_factory.mktemp("few"), fitted=fitted, people=FEW) as interleaved:
        yield interleaved


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, fitted: Path) -> Iterator[Interleaved]:
    with opened(tmp_path_factory.mktemp("many"), fitted=fitted, people=TOGETHER) as interleaved:
        yield interleaved


def test_nothing_that_is_released_used_what_a_no_covers(few: Interleaved) -> None:
    races = Races(few)
    assert [(seed, wrong) for seed, wrong, _ in races.run(0, FEW)] == []
    assert races.sizes.races == FEW
    assert races.sizes.between > 0


def test_a_race_is_the_same_each_time_it_is_run(few: Interleaved) -> None:
    first, again = (list(Races(few).run(7, 8, told=True)) for _ in range(2))
    assert first == again
    assert any(" appended " in line for line in first[0][2])


def test_tasks_that_wait_for_each_other_are_found() -> None:
    schedule = Schedule(tasks=2)
    one, other = Lock(schedule), Lock(schedule)

    def takes(first: Lock, second: Lock) -> None:
        with first:
            schedule.point("both have one", away=True)
            with second:
                pass

    def all_orders() -> None:
        for seed in range(50):
            schedule.run([lambda: takes(one, other), lambda: takes(other, one)], seed=seed)

    with pytest.raises(Stuck):
        all_orders()


@pytest.mark.slow
def test_the_guarantee_holds_in_thousands_of_races(many: Interleaved) -> None:
    races = Races(many)
    assert [(seed, wrong) for seed, wrong, _ in races.run(0, 10 * TOGETHER)] == []
    assert races.sizes.owed > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_every_planted_fault_is_found_within_the_races_that_are_stated(many: Interleaved, name: str) -> None:
    fault, within = FAULTS[name]
    with fault():
        found = next(Races(many).run(0, within), None)
    assert found is not None


@pytest.mark.slow
def test_a_race_goes_the_same_way_over_the_embedded_store(tmp_path: Path, fitted: Path) -> None:
    histories = []
    for name in ("memory", "embedded"):
        memory, folder = MemoryStore(), tmp_path / "kept"
        scratch = tmp_path / name
        scratch.mkdir()
        first = memory if name == "memory" else SqliteStore(folder)
        interleaved = Interleaved(scratch, fitted=fitted, seed=5, people=FEW, store=lambda first=first: first)  # type: ignore[misc]
        again = memory if name == "memory" else SqliteStore(folder)
        races = Races(interleaved, make=lambda _, again=again: again)  # type: ignore[misc]
        histories.append(list(races.run(0, FEW, told=True)))
        interleaved.close()
    assert histories[0] == histories[1]
