"""Random histories through the product and the reference bank say the same: the slice that CI runs.

60 histories of some 40 steps, 12 races between threads and 12 between processes, 4 kills and 8 kills in the middle of
an erasure, from fixed seeds. `make campaign` runs as many as one likes. What
bugs the slice is known to find stands in `mutants.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from erasures import kill_erasing
from histories import drawn, run, shrunk, told
from kills import kill
from product import make_template
from races import BETWEEN, race

pytestmark = pytest.mark.slow

HISTORIES, STEPS, TOGETHER = 60, 40, 10
RACES, RACE_STEPS = 12, 12
KILLS = 4
KILLED_ERASURES = 8


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, fitted: Path) -> Path:
    return make_template(tmp_path_factory.mktemp("model") / "bank", fitted=fitted)


@pytest.mark.parametrize("first", range(0, HISTORIES, TOGETHER))
def test_every_history_goes_as_the_reference_bank_says(template: Path, first: int) -> None:
    for seed in range(first, first + TOGETHER):
        operations = drawn(seed, steps=STEPS)
        wrong = run(operations, template)
        if wrong and os.environ.get("MARKETOFONE_NO_SHRINKING"):
            pytest.fail(wrong)
        if wrong:
            small = shrunk(operations, lambda shorter: run(shorter, template))
            pytest.fail(f"seed {seed}, shrunk to {len(small)} steps:\n{told(small)}\n{run(small, template)}")


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("seed", range(RACES))
def test_what_races_record_could_have_happened_one_after_the_other(template: Path, between: str, seed: int) -> None:
    assert race(seed, template, between=between, threads=2 + seed % 7, steps=RACE_STEPS) == ""


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_process_leaves_what_it_acknowledged_and_nothing_half_done(template: Path, seed: int) -> None:
    assert kill(1_000 + seed, template, steps=STEPS) == ""


@pytest.mark.parametrize("seed", range(KILLED_ERASURES))
def test_an_erasure_that_was_killed_can_be_finished_and_then_nothing_opens(template: Path, seed: int) -> None:
    assert kill_erasing(seed, template, steps=STEPS) == ""
