"""What one processor decided, another recomputes to the byte.

A process is told to leave vector units alone that this machine has: numpy's by ``NPY_DISABLE_CPU_FEATURES``, those of
BLAS by ``OPENBLAS_CORETYPE``, those of the C library's ``exp`` and ``log`` by ``GLIBC_TUNABLES``. Loops are compiled
for another processor by ``NUMBA_CPU_NAME``; each replay decides with them only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import marketofone
from marketofone import wiring
from marketofone.domain.moment import Calendar, Day
from marketofone.lab.simulate import demo
from marketofone.lab.simulate.world import Scenario

pytestmark = pytest.mark.slow

SCENARIO = Scenario(customers=60, days=150, seed=7, first=Day(20_000))
VECTORS = list((np.show_config(mode="dicts") or {})["SIMD Extensions"].get("found", ()))  # from old to new
PROCESSORS = {
    "the oldest vectors in numpy": {"NPY_DISABLE_CPU_FEATURES": " ".join(VECTORS)},
    "all but the newest vectors in numpy": {"NPY_DISABLE_CPU_FEATURES": " ".join(VECTORS[1:])},
    "BLAS of Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "BLAS of Nehalem": {"OPENBLAS_CORETYPE": "Nehalem"},
    "loops compiled for the oldest processor": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    "a C library without FMA": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4"},
}
REPLAY = "from marketofone.models.bandit import kernel; kernel.load(); from marketofone.cli import main; main()"
ORDINARY = """
import math, numpy as np
from hashlib import blake2b
numbers = np.random.default_rng(7).random((40, 33, 33))
print(
    blake2b(np.matmul(numbers, numbers).tobytes()).hexdigest(),
    blake2b(np.einsum("kde,ke->kd", numbers, numbers[:, 0]).tobytes()).hexdigest(),
    blake2b(np.exp(numbers).tobytes()).hexdigest(),
    hash(tuple(map(math.exp, numbers.ravel().tolist()))),
)
"""


def ran(code: str, *words: str, processor: dict[str, str]) -> str:
    command, env = [sys.executable, "-c", code, *words], {**os.environ, **processor}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "bank"
    wiring.lay_out(folder)
    began = Calendar("Europe/Prague").start_of(Day(19_700))
    with marketofone.open(folder, now=began, random=demo.random_bytes(SCENARIO.seed)) as bank:
        demo.run(bank, SCENARIO, progress=lambda *_: None)
    return folder


@pytest.mark.parametrize("processor", PROCESSORS.values(), ids=PROCESSORS)
def test_a_replay_on_another_processor_has_no_difference(lived: Path, processor: dict[str, str]) -> None:
    report = json.loads(ran(REPLAY, "replay", "--all", "--json", "--bank", str(lived), processor=processor))

    assert report["decisions"] > 300
    assert report["differences"] == 0, report


def test_ordinary_sums_and_functions_differ_between_these_processors() -> None:
    """Otherwise nothing is shown by the replays: a setting may have no effect where a machine lacks those vectors."""
    here = ran(ORDINARY, processor={}).split()
    there = [ran(ORDINARY, processor=processor).split() for processor in PROCESSORS.values()]

    assert any(one != here for one in there)
