"""Compiled loops say what arrays say, to the bit."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketofone.domain.errors import MalformedRequest
from marketofone.models.bandit import kernel, normal, propensity
from marketofone.models.bandit.arm import FloatArray
from marketofone.models.bandit.context_table import ContextTable, Layout
from marketofone.models.bandit.manner import MANNERS
from marketofone.models.bandit.predict import Arms, SparseLeaning

SEEDS = st.integers(0, 2**32)
COMPILE = """
import re, numpy as np
from marketofone.models.bandit import kernel
assert kernel.load()
from marketofone.models.bandit import loops, loops_together
some = np.linspace(0.0, 1.0, 7)
kernel.propensities(some, some + 1.0)
each = (loops.propensities, loops.score, loops_together.score)
text = "".join(told for one in each for told in one.inspect_asm().values())
print(len(text.splitlines()), *re.findall(r"vfn?m(?:add|sub)\\w*", text))
"""
many = settings(max_examples=150, deadline=None)


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    assert kernel.load(), "numba is missing: make setup installs it"


def crowd(seed: int) -> tuple[FloatArray, FloatArray]:
    """Give means and spreads of few or many actions, near each other or orders of magnitude apart, some known."""
    rng = np.random.default_rng(seed)
    k, scale = int(rng.integers(1, rng.choice([3, 8, 40, 150]))), 10.0 ** rng.uniform(-3.0, 3.0)
    mean = rng.normal(size=k) * scale * 10.0 ** rng.uniform(-2.0, 2.0)
    spread = scale * np.abs(rng.normal(size=k)) * 10.0 ** rng.uniform(-3.0, 1.0, size=rng.choice([1, k]))
    if rng.random() < 0.3:
        spread[rng.random(k) < 0.3] = 0.0
    if rng.random() < 0.2:
        mean[:] = mean[0]
    if rng.random() < 0.1:
        spread = np.abs(mean) * 10.0 ** rng.uniform(-18.0, -12.0, size=k)
    return mean, spread


@many
@given(seed=SEEDS)
def test_propensities_are_the_same_to_the_bit(seed: int) -> None:
    mean, spread = crowd(seed)
    assert kernel.propensities(mean, spread).tobytes() == propensity.propensities(mean, spread).tobytes()


def lines(rng: np.random.Generator, *, k: int, dim: int) -> Arms:
    roots = rng.normal(size=(k, dim, dim)) * 10.0 ** rng.uniform(-4.0, 4.0, size=(k, 1, 1))
    squares = roots @ roots.transpose(0, 2, 1)
    squares[rng.random(k) < 0.3] *= np.eye(dim)  # as before the first outcome
    means = rng.normal(size=(k, dim)) * 10.0 ** rng.uniform(-3.0, 3.0)
    return Arms(mean=means, covariance=0.5 * (squares + squares.transpose(0, 2, 1)))


def contexts(rng: np.random.Generator, *, people: int, k: int, dim: int) -> ContextTable:
    """Draw what people see: some views each, and entries that actions look up."""
    roles, entries = (int(most) for most in rng.integers(1, 4, size=2))
    views = rng.integers(0, 2 * people, size=(people, roles))
    shared = rng.normal(size=(2 * people, dim)) * 10.0 ** rng.choice([0.0, 0.0, -5.0, 5.0], size=(2 * people, 1))
    shared[rng.random(shared.shape) < 0.3] = 0.0
    shared[:, 0] = 1.0
    places = rng.permutation(np.arange(1, dim))[:2]
    taken = rng.integers(0, entries, size=(k, places.size))
    layout = Layout(role_of=rng.integers(0, roles, size=k), places=places, taken=taken)
    return ContextTable(layout, shared, rng.normal(size=(2 * people, entries)), views)


def somebody(rng: np.random.Generator, person: int, *, k: int, every: bool) -> kernel.Asked:
    """Draw some actions in any order, and how a person differs from others."""
    rows = rng.permutation(k)[: k if every else int(rng.integers(1, k + 1))]
    answered = rng.permutation(k)[: int(rng.integers(0, k + 1))]
    own = {row: (*rng.uniform(0.1, 1.0, size=2).tolist(), *rng.normal(size=2).tolist()) for row in answered.tolist()}
    return kernel.Asked(person, rows, SparseLeaning(float(rng.uniform(0.3, 3.0)), own))


@many
@given(seed=SEEDS, people=st.integers(1, 3) | st.integers(8, 90) | st.integers(250, 300), every=st.booleans())
def test_scores_are_the_same_to_the_bit_whichever_actions_and_however_many_people_are_asked_for(
    seed: int, people: int, *, every: bool
) -> None:
    rng = np.random.default_rng(seed)
    k, dim = (int(most) for most in rng.integers(1, 36 if people < 8 else 12, size=2))
    chance, worth = (lines(rng, k=k, dim=dim) for _ in range(2))
    table = contexts(rng, people=people, k=k, dim=dim)
    asked = [somebody(rng, person, k=k, every=every) for person in rng.permutation(people).tolist()]
    costs, manner = rng.uniform(0.0, 90.0, size=k), MANNERS[rng.choice([*MANNERS])]

    told = kernel.score_each(chance, worth, table, asked, costs=costs, manner=manner)
    each = [(table.contexts(person, rows), rows, leaning.over(k)) for person, rows, leaning in asked]
    alone = [
        kernel.score(chance, worth, seen, rows=of, leaning=one, costs=costs, manner=manner) for seen, of, one in each
    ]

    with kernel.arrays_only():
        plain = kernel.score_each(chance, worth, table, asked, costs=costs, manner=manner)
    for scores in (told, alone):
        assert [[part.tobytes() for part in one] for one in scores] == [
            [part.tobytes() for part in one] for one in plain
        ]


@many
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40))
def test_normal_draws_are_the_same_to_the_bit(shares: list[float]) -> None:
    share = np.array(shares)
    assert kernel.quantile(share).tobytes() == normal.quantile(share).tobytes()


@many
@given(st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=40))
def test_sums_are_rounded_once_as_those_of_the_standard_library(values: list[float]) -> None:
    from marketofone.models.bandit import loop_sums  # noqa: PLC0415 - loaded by the fixture

    assert loop_sums.exact_sum(np.array(values)) == math.fsum(values)


@pytest.mark.parametrize(("mean", "spread"), [([math.nan], [1.0]), ([0.0], [-1.0]), ([], []), ([0.0], [1.0, 2.0])])
def test_what_is_no_score_is_refused_with_the_same_words(mean: list[float], spread: list[float]) -> None:
    with pytest.raises(MalformedRequest) as raised:
        kernel.propensities(np.array(mean), np.array(spread))
    with kernel.arrays_only(), pytest.raises(MalformedRequest) as plain:
        kernel.propensities(np.array(mean), np.array(spread))
    assert str(raised.value) == str(plain.value)


@pytest.mark.slow
def test_no_operation_is_fused(tmp_path: Path) -> None:
    """A fused product and sum is rounded once where two operations are rounded twice: other processors differ."""
    done = subprocess.run(
        [sys.executable, "-c", COMPILE],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
    )
    assert int(done.stdout.split()[0]) > 1_000
    assert done.stdout.split()[1:] == []


def test_what_decides_seldom_loads_no_compiler() -> None:
    code = "import sys, marketofone.models.bandit, marketofone.decide.engine; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.slow
def test_what_decides_often_loads_it_by_itself() -> None:
    code = (
        "import sys, threading\n"
        "from marketofone.services.runtime import often\n"
        "for _ in range(often.OFTEN): often.decided()\n"
        "[one.join() for one in threading.enumerate() if one.name == 'kernel']\n"
        "print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_a_numba_that_cannot_be_imported_beside_this_numpy_leaves_the_work_to_arrays(tmp_path: Path) -> None:
    broken = tmp_path / "numba"
    broken.mkdir()
    (broken / "__init__.py").write_text('raise ImportError("Numba needs NumPy 2.2 or less")')
    asked = "from marketofone.models.bandit import kernel; print(kernel.load(), kernel.quantile(kernel.np.ones(1) / 2))"
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["False", "[0.]"], done.stderr
