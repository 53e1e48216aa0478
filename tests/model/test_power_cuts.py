"""Whatever a disk holds after a cut of the power, the bank opens and nothing acknowledged is lost: CI's slice.

40 cuts of two runs of a process, the second of which goes on in what a cut of the first left. ``power_cuts.py`` draws
as many as one likes.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from disk import SECTOR, Call, Disk
from planted_cuts import FAULTS
from power_cuts import campaign
from traced import can_trace

needs_strace = pytest.mark.skipif(not os.environ.get("CI") and not can_trace(), reason="strace is not here")
CUTS = 40


@needs_strace
@pytest.mark.slow
def test_after_a_cut_of_the_power_everything_that_was_acknowledged_is_there() -> None:
    assert [(number, where, wrong) for number, where, wrong in campaign(CUTS, seed=0) if wrong] == []


@needs_strace
@pytest.mark.slow
@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - {"none"}))
def test_every_planted_fault_of_keeping_files_is_found(fault: str) -> None:
    assert any(wrong for _, _, wrong in campaign(CUTS, seed=0, fault=fault))


def after_cuts(tmp_path: Path, *calls: Call) -> set[tuple[tuple[str, bytes], ...]]:
    """Give what may be on a disk after some calls, by name and content, over many draws."""
    begins = tmp_path / "begins"
    begins.mkdir()
    (begins / "old").write_bytes(b"o" * 2 * SECTOR)
    found = set()
    for seed in range(60):
        disk, target = Disk(Path("/bank"), begins=begins), tmp_path / str(seed)
        for call in calls:
            disk.do(call)
        target.mkdir()
        disk.cut(target, rng=random.Random(seed))
        found.add(tuple(sorted((path.name, path.read_bytes()) for path in target.iterdir())))
    return found


def test_a_write_that_was_not_synced_is_there_by_the_sector_or_not(tmp_path: Path) -> None:
    old, new = b"o" * SECTOR, b"n" * SECTOR
    found = after_cuts(tmp_path, Call("write", "/bank/old", data=2 * new))
    assert found == {(("old", one + other),) for one in (old, new) for other in (old, new)}


def test_what_was_synced_stays_and_an_entry_of_a_folder_needs_its_own_sync(tmp_path: Path) -> None:
    made = Call("create", "/bank/made"), Call("write", "/bank/made", data=b"m"), Call("sync", "/bank/made")
    old = ("old", b"o" * 2 * SECTOR)
    assert after_cuts(tmp_path, *made) == {(old,), (("made", b"m"), old)}


def test_a_file_is_moved_in_one_step_that_is_safe_once_the_folder_is_synced(tmp_path: Path) -> None:
    moved = Call("move", "/bank/old", to="/bank/place")
    content = b"o" * 2 * SECTOR
    assert after_cuts(tmp_path, moved, Call("sync", "/bank")) == {(("place", content),)}
