"""What is believed of an action that people accept far more often than the catalogue says, before its value is known.

What draws many more clicks than its makers expected is often not what it seems: it is free at first, or promises too
much. So how often an action is accepted, beside what is declared, says something of what an acceptance is worth, and
it says so after some tens of answers: the signs of harm come days later, and reported values months later.

The bank states where this begins, where it is whole, and what is believed there. It is a predictor of the level of a
worth in the hierarchy of :mod:`.shared` (Gelman and Hill 2007, chapter 12), so an action's own values take its place as
they come, and how much of what is stated remains is learned from all actions together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from marketofone.models.bandit.arm import FloatArray

_ONE_YES = 1.0


class Distrust(NamedTuple):
    """What a bank states of actions that are accepted far more often than declared.

    It begins at ``above`` times the declared chance and is whole at ``whole`` times. Then ``harm``, which is
    below 0, times the catalogue's value is added to what an acceptance is believed to be worth. It counts like so many
    ``actions`` of which that was seen.
    """

    above: float
    whole: float
    harm: float
    actions: float


def times_declared(accepted: FloatArray, answers: FloatArray, declared: FloatArray) -> FloatArray:
    """Say how many times as often as the catalogue says each action is accepted, before the first answer 1.

    Parameters
    ----------
    accepted, answers
        How many answers were a yes, and how many there were. Shape (k,).
    declared
        How often the catalogue says. Shape (k,).

    Notes
    -----
    The posterior mean of a Poisson rate under a Gamma prior (Gelman et al. 2013, section 2.6) that counts like one yes,
    however rare that is: so a single yes is never twice as often.

    Examples
    --------
    >>> yes, answers = np.array([0.0, 1.0, 7.0]), np.array([0.0, 1.0, 20.0])
    >>> times_declared(yes, answers, np.full(3, 0.05)).round(2).tolist()
    [1.0, 1.9, 4.0]
    """
    return (_ONE_YES + accepted) / (_ONE_YES + declared * answers)


def suspicion(times: FloatArray, stated: Distrust) -> FloatArray:
    """Say how much of the distrust belongs to each action, from 0 to 1.

    Parameters
    ----------
    times
        How many times as often as declared each action is accepted. Shape (k,).
    stated
        Where it begins, and where it is whole.

    Examples
    --------
    >>> stated = Distrust(above=2.0, whole=4.0, harm=-3.0, actions=3.0)
    >>> suspicion(np.array([1.0, 3.0, 8.0]), stated).tolist()
    [0.0, 0.5, 1.0]
    """
    share: FloatArray = np.clip((times - stated.above) / (stated.whole - stated.above), 0.0, 1.0)
    return share
