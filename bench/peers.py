"""What runs in the peers' own environment: one library, taught and asked on given inputs; CPU seconds as JSON.

``python peers.py vw|mabwiser INPUTS.npz``
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import thread_time

import numpy as np
from numpy.typing import NDArray

ARMS = 100
ASKED = 300
Inputs = dict[str, NDArray[np.float64]]


def vw(inputs: Inputs) -> Callable[[int], object]:
    from vowpalwabbit import Workspace  # noqa: PLC0415 - each peer is imported only when it is asked for

    workspace = Workspace("--cb_explore_adf --squarecb --quiet -q SA --random_seed 7")
    labels = [f"|A action_{arm}" for arm in range(ARMS)]

    def shared(number: int) -> str:
        return "shared |S " + " ".join(f"f{place}:{x:.6f}" for place, x in enumerate(inputs["contexts"][number]))

    for number, (arm, reward) in enumerate(zip(inputs["chosen"].astype(int), inputs["rewards"], strict=True)):
        taught = list(labels)
        taught[arm] = f"0:{-reward}:{1 / ARMS} {labels[arm]}"
        workspace.learn([shared(number), *taught])
    draw = np.random.default_rng(7)

    def choose(number: int) -> int:
        # A service must write the context as text; drawing from the chances it gives is part of choosing, too.
        chances = np.array(workspace.predict([shared(number), *labels]))
        return int(draw.choice(ARMS, p=chances / chances.sum()))

    return choose


def mabwiser(inputs: Inputs) -> Callable[[int], object]:
    from mabwiser.mab import MAB, LearningPolicy  # noqa: PLC0415 - each peer is imported only when it is asked for

    bandit = MAB(arms=list(range(ARMS)), learning_policy=LearningPolicy.LinTS(alpha=0.1), seed=7)
    bandit.fit(decisions=inputs["chosen"].astype(int), rewards=inputs["rewards"], contexts=inputs["contexts"])
    return lambda number: bandit.predict(inputs["contexts"][number : number + 1])


def main(name: str, path: str) -> None:
    inputs = dict(np.load(path))
    choose = {"vw": vw, "mabwiser": mabwiser}[name](inputs)
    took = []
    for number in range(min(ASKED, len(inputs["contexts"]))):
        began = thread_time()
        choose(number)
        took.append(thread_time() - began)
    json.dump(took, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
