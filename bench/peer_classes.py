"""What runs in the peers' own environment: data with classes, and how often each peer is wrong on the way.

``python peer_classes.py data DIGITS.npz BREAST_CANCER.npz`` writes what a library brings;
``python peer_classes.py vw|mabwiser INPUTS.npz`` prints the losses of all shuffles as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Inputs = dict[str, NDArray[np.float64]]


def data(digits: str, breast_cancer: str) -> None:
    """Write two data sets that scikit-learn brings: features as they are, and classes from 0."""
    from sklearn.datasets import load_breast_cancer, load_digits  # noqa: PLC0415 - only this needs it

    for path, load in ((digits, load_digits), (breast_cancer, load_breast_cancer)):
        features, classes = load(return_X_y=True)
        np.savez(path, features=features, classes=classes)


def vw(inputs: Inputs, order: NDArray[np.intp]) -> float:
    """Choose and learn one by one with Vowpal Wabbit."""
    from vowpalwabbit import Workspace  # noqa: PLC0415 - each peer is imported only when it is asked for

    workspace = Workspace("--cb_explore_adf --squarecb --quiet -q SA --random_seed 7")
    arms = int(inputs["classes"].max()) + 1
    labels, draw = [f"|A action_{arm}" for arm in range(arms)], np.random.default_rng(7)
    wrong = 0
    for number in order.tolist():
        row = inputs["contexts"][number].tolist()
        shared = "shared |S " + " ".join(f"f{place}:{x:.6f}" for place, x in enumerate(row))
        chances = np.array(workspace.predict([shared, *labels]))
        arm = int(draw.choice(arms, p=chances / chances.sum()))
        miss = arm != inputs["classes"][number]
        taught = list(labels)
        taught[arm] = f"0:{float(miss)}:{chances[arm]} {labels[arm]}"
        workspace.learn([shared, *taught])
        wrong += miss
    return float(wrong / len(order))


def mabwiser(inputs: Inputs, order: NDArray[np.intp]) -> float:
    """Choose and learn one by one with MABWiser."""
    from mabwiser.mab import MAB, LearningPolicy  # noqa: PLC0415 - each peer is imported only when it is asked for

    arms = list(range(int(inputs["classes"].max()) + 1))
    bandit = MAB(arms=arms, learning_policy=LearningPolicy.LinTS(alpha=0.1), seed=7)
    wrong = 0
    for place, number in enumerate(order.tolist()):
        context = inputs["contexts"][[number]]
        arm = bandit.predict(context) if place else arms[0]
        miss = arm != inputs["classes"][number]
        learn = bandit.partial_fit if place else bandit.fit
        learn(decisions=[arm], rewards=[1.0 - float(miss)], contexts=context)
        wrong += miss
    return float(wrong / len(order))


PEERS: dict[str, Callable[[Inputs, NDArray[np.intp]], float]] = {"vw": vw, "mabwiser": mabwiser}


def main(name: str, *paths: str) -> None:
    if name == "data":
        data(*paths)
        return
    inputs = dict(np.load(paths[0]))
    json.dump([PEERS[name](inputs, order) for order in inputs["orders"].astype(np.intp)], sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
