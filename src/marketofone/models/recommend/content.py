"""Content match: how well the tags of an action fit what a person is interested in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def content_match(interests: Mapping[str, float], tags: Sequence[str]) -> float:
    """Give the cosine between a person's interests and an action's tags.

    Parameters
    ----------
    interests
        Weight of each theme, in any one unit; what is not above 0 does not count.
    tags
        Themes of the action, each counted once.

    Returns
    -------
    float
        In [0, 1]: 1 for exactly the tags, 0 when nothing is shared; the order of either does not matter.

    Notes
    -----
    Source: the vector space model (Salton, Wong and Yang 1975), with binary weights on the action's side.

    Examples
    --------
    >>> content_match({"travel": 3.0, "food": 4.0}, ["travel"])
    0.6
    """
    wanted = {theme: weight for theme, weight in interests.items() if weight > 0.0}
    themes = set(tags)
    shared = math.fsum(wanted[theme] for theme in themes & wanted.keys())
    if shared == 0.0:
        return 0.0
    length = math.hypot(*sorted(wanted.values()))
    return min(shared / length / math.sqrt(len(themes)), 1.0)
