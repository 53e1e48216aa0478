"""The choice alone: predict 100 actions, draw one, know its exact chance; beside two contextual-bandit libraries.

The libraries live in an environment of their own (``requirements-bench.lock``) and run in a process of their own, on
the same contexts, in the same run. They draw too; VW gives the chance of its draw, MABWiser does not.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from time import thread_time

import numpy as np
from numpy.typing import NDArray

from bench.figures import Figure, Row, absent, quantiles
from marketofone.models.bandit import mix, propensities
from marketofone.models.bandit.arm import prior_arm, update
from marketofone.models.bandit.predict import predict, stack

ARMS, DIM = 100, 32
FLOOR = 0.02
MICROSECONDS = 1e6
PEERS = {"vw": "VW cb_explore_adf squarecb, choose", "mabwiser": "MABWiser LinTS, choose (no propensity)"}
PEERS_PYTHON = Path(sys.prefix) / "bench" / "bin" / "python"
_PATIENCE_SECONDS = 120

Floats = NDArray[np.float64]


def measure(*, folder: Path, count: int, peers_python: Path) -> Figure:
    """Choose for ``count`` contexts with beliefs that were taught by as many random choices."""
    rng = np.random.default_rng(7)
    contexts = rng.standard_normal((count, DIM)) / np.sqrt(DIM)
    contexts[:, 0] = 1.0
    chosen = rng.integers(ARMS, size=count)
    rewards = (rng.random(count) < 0.05 + 0.1 * (chosen % 7 == 0)).astype(np.float64)
    inputs = folder / "choices.npz"
    np.savez(inputs, contexts=contexts, chosen=chosen, rewards=rewards)
    return Figure(
        own=quantiles(f"choose among {ARMS}, {DIM} features, exact propensity", "us", _own(contexts, chosen, rewards)),
        yardsticks=tuple(_peer(name, inputs=inputs, python=peers_python) for name in PEERS),
    )


def _own(contexts: Floats, chosen: NDArray[np.int64], rewards: Floats) -> list[float]:
    beliefs = [prior_arm(DIM, start=0.05, level=0.02, slope=0.02, noise=0.22) for _ in range(ARMS)]
    for context, arm, reward in zip(contexts, chosen, rewards, strict=True):
        beliefs[arm] = update(beliefs[arm], context=context, reward=reward)
    arms, generator, took = stack(beliefs), np.random.default_rng(7), []
    for context in contexts:
        began = thread_time()
        mean, spread = predict(arms, np.broadcast_to(context, (ARMS, DIM)))
        (mean + spread * generator.standard_normal(ARMS)).argmax()
        mix(propensities(mean, spread), floor=FLOOR)
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
