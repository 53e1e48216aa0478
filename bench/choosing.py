"""Choosing among many actions in one context, scored by chance and worth, with the exact propensity of the draw.

Beside it two contextual-bandit libraries, which score each action by one line. They live in an environment of their own
(``requirements-bench.lock``) and run in a process of their own, on the same contexts, in the same run. They draw too;
VW gives the chance of its draw, MABWiser does not.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import thread_time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.figures import Aim, Figure, Row, absent, quantiles
from marketofone.models.bandit import HIERARCHICAL, MANNERS, kernel, mix
from marketofone.models.bandit.arm import Arm, prior_arm, update
from marketofone.models.bandit.predict import Arms, no_leaning, stack

ARMS, DIM = 100, 32
WITHIN = {10: (25.0, 12.0), ARMS: (60.0, 41.0), 1_000: (400.0, 250.0)}  # microseconds: must, aim
FLOOR = 0.02
MICROSECONDS = 1e6
PEERS = {"vw": "VW cb_explore_adf squarecb, choose", "mabwiser": "MABWiser LinTS, choose (no propensity)"}
PEERS_PYTHON = Path(sys.prefix) / "bench" / "bin" / "python"
_PATIENCE_SECONDS = 120

Floats = NDArray[np.float64]


class Inputs(NamedTuple):
    """Contexts, which action was chosen in each, and what followed."""

    contexts: Floats
    chosen: NDArray[np.int64]
    rewards: Floats


def measure(*, folder: Path, count: int, peers_python: Path) -> Iterator[Figure]:
    """Choose for ``count`` contexts with beliefs that were taught by as many random choices, and teach them more."""
    kernel.load()
    for arms, (must, aim) in WITHIN.items():
        inputs = _drawn(arms, count)
        found = _choices(inputs, arms=arms)
        yardsticks: tuple[Row, ...] = ()
        if arms == ARMS:
            file = folder / "choices.npz"
            np.savez(file, contexts=inputs.contexts, chosen=inputs.chosen, rewards=inputs.rewards)
            yardsticks = tuple(_peer(name, inputs=file, python=peers_python) for name in PEERS)
        name = f"choose among {arms:,}, {DIM} features, exact propensity"
        yield Figure(
            own=quantiles(name, "us", found),
            yardsticks=yardsticks,
            aim=Aim(of="p50", bound=aim, must=must, above=False),
        )
    yield Figure(
        own=quantiles(f"learn from one answer, {DIM} features", "us", _updates(_drawn(ARMS, count))),
        aim=Aim(of="p50", bound=4.0, must=8.0, above=False),
    )


def _drawn(arms: int, count: int) -> Inputs:
    rng = np.random.default_rng(7)
    contexts = rng.standard_normal((count, DIM)) / np.sqrt(DIM)
    contexts[:, 0] = 1.0
    chosen = rng.integers(arms, size=count)
    return Inputs(contexts, chosen, (rng.random(count) < 0.05 + 0.1 * (chosen % 7 == 0)).astype(np.float64))


def _choices(inputs: Inputs, *, arms: int) -> list[float]:
    chances = _taught(inputs, [prior_arm(DIM, start=0.05, level=0.02, slope=0.02, noise=0.22) for _ in range(arms)])
    worths = _taught(inputs, [prior_arm(DIM, start=90.0, level=9.0, slope=9.0, noise=50.0) for _ in range(arms)])
    generator, took = np.random.default_rng(7), []
    rows, costs = np.arange(arms), np.zeros(arms)
    for context in inputs.contexts:
        alike = np.tile(context, (arms, 1))
        began = thread_time()
        scores = kernel.score(
            chances, worths, alike, rows=rows, leaning=no_leaning(len(costs)), costs=costs, manner=MANNERS[HIERARCHICAL]
        )
        (scores.mean + scores.spread * generator.standard_normal(arms)).argmax()
        mix(kernel.propensities(scores.mean, scores.spread), floor=FLOOR)
        took.append(MICROSECONDS * (thread_time() - began))
    return took


def _taught(inputs: Inputs, beliefs: list[Arm]) -> Arms:
    for context, arm, reward in zip(inputs.contexts, inputs.chosen, inputs.rewards, strict=True):
        beliefs[arm] = update(beliefs[arm], context, reward=reward)
    return stack(beliefs)


def _updates(inputs: Inputs) -> list[float]:
    arm, took = prior_arm(DIM, start=0.05, level=0.02, slope=0.02, noise=0.22), []
    for context, reward in zip(inputs.contexts, inputs.rewards.tolist(), strict=True):
        began = thread_time()
        arm = update(arm, context, reward=reward)
        took.append(MICROSECONDS * (thread_time() - began))
    return took


def _peer(name: str, *, inputs: Path, python: Path) -> Row:
    if not python.exists():
        return absent(PEERS[name], why="no environment for peers; `make bench` sets it up")
    script = Path(__file__).with_name("peers.py")
    try:
        done = subprocess.run(
            [python, "-P", script, name, inputs], capture_output=True, check=True, timeout=_PATIENCE_SECONDS
        )
    except subprocess.CalledProcessError as error:
        return absent(PEERS[name], why=error.stderr.decode(errors="replace").strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return absent(PEERS[name], why=f"no answer within {_PATIENCE_SECONDS} s")
    return quantiles(PEERS[name], "us", [MICROSECONDS * seconds for seconds in json.loads(done.stdout)])
