"""The policy is judged beside yardsticks, also on the days on which it does nothing."""

from __future__ import annotations

import numpy as np

from marketofone.lab.simulate.yardsticks import Choice, compare

WORTH = np.array([0.0, 1.0, 3.0])


def choice(*, chosen: int, context: tuple[float, ...]) -> Choice:
    return Choice(person=chosen, chosen=chosen, learned=1, allowed=(0, 1, 2), values=WORTH, context=context)


def test_a_decision_to_do_nothing_counts_for_every_yardstick_but_the_one_that_reads_contexts() -> None:
    shown, nothing = choice(chosen=2, context=(1.0, 0.5)), choice(chosen=0, context=())

    both = compare([shown, nothing], years=1.0)

    assert both["omniscient"][0] == round((3.0 - 8 / 3) / (6.0 - 8 / 3), 4)
    assert both["visible"][0] == compare([shown], years=1.0)["visible"][0] == 1.0


def test_a_policy_that_never_shows_anything_is_not_judged_by_contexts() -> None:
    assert compare([choice(chosen=0, context=())], years=1.0)["visible"] == [None, None]
