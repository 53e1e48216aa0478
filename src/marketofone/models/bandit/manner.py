"""How a policy turns what it believes into a score: what of it is a matter of judgement, and not of arithmetic.

States of versions do not depend on it, so a bank may change its policy on any day and keeps all that was learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Manner(NamedTuple):
    """A manner of deciding.

    ``doubt`` is how many spreads of its value an action is given above what is expected of it: what is not known is
    worth finding out. ``draw`` is the part of the spread that is drawn. ``shares`` says whether actions learn from each
    other. ``person`` is how many expected acceptances "like everybody" counts like, where a person's own answers make
    their chances larger or smaller; None leaves these answers aside.
    """

    doubt: float
    draw: float
    shares: bool
    person: float | None


HIERARCHICAL = "hierarchical"
MANNERS: Mapping[str, Manner] = {
    # Chosen on two synthetic banks of 500 people (seeds 7 and 101), where a wide range gave the same within noise.
    HIERARCHICAL: Manner(doubt=0.6, draw=0.3, shares=True, person=4.0),
    # Agrawal and Goyal (2013): each action learns alone, and all of its spread is drawn.
    "independent": Manner(doubt=0.0, draw=1.0, shares=False, person=None),
}
"""The policies that a bank may name in ``bank.toml``."""
