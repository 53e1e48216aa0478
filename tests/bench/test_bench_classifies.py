"""What is measured on data with classes is how often a policy is wrong while it learns."""

from __future__ import annotations

import numpy as np

from bench import classifying


def test_a_policy_finds_the_classes_of_rows_that_tell_them() -> None:
    rng = np.random.default_rng(1)
    classes = rng.integers(3, size=400)
    contexts = np.column_stack((np.ones(400), 0.5 * np.eye(3)[classes] + 0.02 * rng.standard_normal((400, 3))))

    lost = classifying.ours(contexts, classes, np.arange(400))
    blind = classifying.ours(np.ones((400, 1)), classes, np.arange(400))

    assert lost < 0.25 < blind
