"""One example moves one belief."""

from __future__ import annotations

import numpy as np

from marketofone.learn.join import Example
from marketofone.models.bandit import Arm, update


def learn(arm: Arm, example: Example) -> Arm:
    """Give the belief about an action after one more example of it; the arm it was given stays as it was.

    Raises
    ------
    MalformedRequest
        When the example was made with another catalogue of features.
    """
    return update(arm, np.array(example.context), reward=example.reward)
