"""How a policy turns what it believes into a score: what of it is a matter of judgement, and not of arithmetic.

States of versions do not depend on it, so a bank may change its policy on any day and keeps all that was learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Counts(NamedTuple):
    """How many answers what is known of others counts like, beside a person's own.

    ``everybody`` are expected acceptances, where all answers of a person make all chances larger or smaller;
    ``answers`` stand beside those to one action, and ``reports`` beside what its acceptances were worth.
    """

    everybody: float
    answers: float
    reports: float


class Manner(NamedTuple):
    """A manner of deciding.

    ``doubt`` is how many spreads of its value an action is given above what is expected of it: what is not known is
    worth finding out. ``draw`` is the part of the spread that is drawn. ``shares`` says whether actions learn from each
    other. ``person`` says how much a person's own answers count; None leaves them aside.
    """

    doubt: float
    draw: float
    shares: bool
    person: Counts | None


HIERARCHICAL = "hierarchical"
MANNERS: Mapping[str, Manner] = {
    # Chosen on four synthetic banks of 500 people (seeds 301 to 304), with a look at the breast-cancer data of
    # ``bench/classifying.py``. A doubt of .6 of which half is drawn, as before, gains 3 % less there; doubts from .3 to
    # .6 with little drawn gave the same. So did 5 to 20 answers and .7 to 2 reports.
    HIERARCHICAL: Manner(doubt=0.4, draw=0.05, shares=True, person=Counts(everybody=4.0, answers=10.0, reports=1.0)),
    # Agrawal and Goyal (2013): each action learns alone, and all of its spread is drawn.
    "independent": Manner(doubt=0.0, draw=1.0, shares=False, person=None),
}
"""The policies that a bank may name in ``bank.toml``."""
