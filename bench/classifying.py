"""A policy on data that nobody simulated: an action names a class, and is accepted where it is the row's.

The share of wrong choices on the way (progressive loss), over the same shuffles for ours and two contextual-bandit
libraries. Ours is the product's policy as a bank gets it, taught after every choice. How much it draws was chosen with
a look at the breast-cancer data, and the least scale of slopes with a look at all three.
"""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.figures import Aim, Figure, Row, absent
from marketofone.domain.action import Action
from marketofone.models.bandit import Learned, Outcome, OwnAnswers, Policy, Start

DATA = Path(__file__).parents[2] / "shared" / "data"
PEERS = {"vw": "VW cb_explore_adf squarecb", "mabwiser": "MABWiser LinTS .1"}
MUST = {"digits": 0.25, "breast cancer": 0.05, "bank marketing": 0.105}
SHUFFLES = 3
_WORTH = 1_000
_PATIENCE_SECONDS = 900
_LEAKS = {"duration", "y"}  # how long the call took is known only afterwards

Floats = NDArray[np.float64]


def measure(*, folder: Path, rows: int, peers_python: Path) -> Iterator[Figure]:
    """Let ours and the peers go through so many rows of each data set, in the same shuffled orders."""
    for name, inputs in _inputs(folder, rows=rows, python=peers_python):
        read = dict(np.load(inputs))
        losses = [ours(read["contexts"], read["classes"].astype(int), order.astype(int)) for order in read["orders"]]
        yield Figure(
            own=_loss(f"{name}: wrong choices on the way ({len(read['orders'][0]):,} rows)", losses),
            yardsticks=tuple(_peer(peer, inputs=inputs, python=peers_python) for peer in PEERS),
            aim=Aim(of="mean", bound=MUST[name], must=MUST[name], above=False),
        )


def ours(contexts: Floats, classes: NDArray[np.int_], order: NDArray[np.int_]) -> float:
    """Choose and learn one by one with the product's policy; gives the share that was wrong."""
    count = int(classes.max()) + 1
    names = [f"class-{number}" for number in range(count)]
    actions = tuple(_action(name, chance=1.0 / count) for name in names)
    learned = Learned(Policy(Start(actions=actions, dim=contexts.shape[1], fits=())))
    rng, wrong = np.random.default_rng(7), 0
    for number in order.tolist():
        seen = contexts[number]
        scores = learned.beliefs.score(np.broadcast_to(seen, (count, len(seen))), own=OwnAnswers())
        chosen = int((scores.mean + scores.spread * rng.standard_normal(count)).argmax())
        learned.hear([Outcome("chance", names[chosen], seen, float(chosen == classes[number]))])
        wrong += chosen != classes[number]
    return wrong / len(order)


def _action(name: str, *, chance: float) -> Action:
    return Action(
        id=name, kind="offer", title=name, text=name, acceptance_probability=chance, value_minor=_WORTH, cost_minor=0
    )


def _inputs(folder: Path, *, rows: int, python: Path) -> Iterator[tuple[str, Path]]:
    """Write what is chosen from: contexts with an intercept, classes, and orders."""
    if python.exists():
        paths = [folder / "digits.npz", folder / "breast_cancer.npz"]
        script = Path(__file__).with_name("peer_classes.py")
        subprocess.run([python, "-P", script, "data", *paths], check=True, timeout=_PATIENCE_SECONDS)
        for name, path in zip(("digits", "breast cancer"), paths, strict=True):
            read = dict(np.load(path))
            yield name, _written(path, read["features"], read["classes"], rows=rows)
    marketing = DATA / "bank_marketing" / "bank_additional_open.csv.gz"
    if marketing.exists():
        yield "bank marketing", _written(folder / "marketing.npz", *_marketing(marketing), rows=rows)


def _written(path: Path, features: Floats, classes: NDArray[np.int_], *, rows: int) -> Path:
    """Standardise every feature, as is usual for all three; keep some rows, in three orders."""
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    contexts = np.column_stack((np.ones(len(scaled)), scaled))
    orders = [np.random.default_rng(seed).permutation(len(contexts))[:rows] for seed in range(SHUFFLES)]
    np.savez(path, contexts=contexts, classes=classes, orders=np.array(orders))
    return path


def _marketing(path: Path) -> tuple[Floats, NDArray[np.int_]]:
    """Read the phone campaigns: numbers as they are, words as one column each."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    columns = []
    for name in sorted(rows[0].keys() - _LEAKS):
        values = [row[name] for row in rows]
        try:
            columns.append([np.array(values, dtype=np.float64)])
        except ValueError:
            words = sorted(set(values))
            columns.append([np.array([value == word for value in values], dtype=np.float64) for word in words])
    features = np.column_stack([column for several in columns for column in several])
    return features, np.array([row["y"] == "yes" for row in rows], dtype=np.int_)


def _peer(name: str, *, inputs: Path, python: Path) -> Row:
    if not python.exists():
        return absent(PEERS[name], why="no environment for peers; `make bench` sets it up")
    script = Path(__file__).with_name("peer_classes.py")
    done = subprocess.run(
        [python, "-P", script, name, inputs], capture_output=True, check=False, timeout=_PATIENCE_SECONDS
    )
    if done.returncode:
        return absent(PEERS[name], why=done.stderr.decode(errors="replace").strip().splitlines()[-1])
    return _loss(PEERS[name], json.loads(done.stdout))


def _loss(name: str, losses: list[float]) -> Row:
    values = {"mean": float(np.mean(losses)), "worst": float(np.max(losses))}
    return Row(name=name, unit="wrong", values=values)
