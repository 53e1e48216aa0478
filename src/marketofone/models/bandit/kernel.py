"""What every decision computes: scores, normal draws and propensities; compiled where that pays, with the same result.

The arrays of numpy say what is right. Once :func:`load` was called, compiled loops (:mod:`.loops`) give the same
numbers to the bit. Where numba is not installed, cannot be imported (it may lag behind numpy), or has no place to keep
what it compiled, arrays go on doing it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise
from types import ModuleType
from typing import NamedTuple

import numpy as np

from marketofone.models.bandit import normal, predict, propensity
from marketofone.models.bandit.arm import FloatArray
from marketofone.models.bandit.context_table import ContextTable
from marketofone.models.bandit.manner import Manner
from marketofone.models.bandit.predict import Arms, Leaning, Rows, Scores, SparseLeaning

_MANY = 8  # people: for fewer, actions are not looked at together


class _Loaded:
    loops: ModuleType | None = None
    together: ModuleType | None = None


class Asked(NamedTuple):
    """Of which actions a person of a table of contexts is asked, and how they differ from others."""

    person: int
    rows: Rows
    leaning: SparseLeaning


def load() -> bool:
    """Load the compiled loops, which takes half a second, or some seconds where they were never compiled.

    Says whether there are any.
    """
    if _Loaded.loops is None:
        try:
            # numba takes its time, and may be absent
            from marketofone.models.bandit import loops, loops_together  # noqa: PLC0415

            _warm(loops, loops_together)
        except (ImportError, OSError, RuntimeError):  # no numba for this numpy, or no room to keep what is compiled
            return False
        _Loaded.loops, _Loaded.together = loops, loops_together
    return _Loaded.loops is not None


def _warm(loops: ModuleType, together: ModuleType) -> None:
    """Compile, or read what was compiled, for the kinds of arrays that decisions hand over."""
    some, line = np.ones(1), Arms(mean=np.ones((1, 1)), covariance=np.ones((1, 1, 1)))
    lines, rows = (line.mean, line.factor), np.arange(1)
    loops.score(*lines, *lines, some, rows, np.ones((1, 1)), *predict.no_leaning(1), 1.0, 1.0)
    table, layout = (
        (np.ones((1, 1)), np.ones((1, 1)), np.zeros((1, 1), np.intp)),
        (rows, rows, np.zeros((1, 1), np.intp)),
    )
    together.score(
        (*lines, *lines, some), rows, np.arange(2), layout, table, (some, rows, rows, np.ones((1, 4))), 1.0, 1.0
    )
    loops.propensities(some, some, normal.BELOW, normal.DENSITY)
    loops.quantile(some, normal.LOWER, normal.DENSITY, normal.INVERSE)


@contextmanager
def arrays_only() -> Iterator[None]:
    """Use arrays while the block runs."""
    before, _Loaded.loops = _Loaded.loops, None
    try:
        yield
    finally:
        _Loaded.loops = before


def score(
    chance: Arms,
    worth: Arms,
    contexts: FloatArray,
    *,
    rows: Rows,
    leaning: Leaning,
    costs: FloatArray,
    manner: Manner,
) -> Scores:
    """Score some actions, each in its own context.

    Parameters
    ----------
    chance, worth, costs
        The beliefs about k actions, and what it costs to show each; shape (k,).
    contexts, rows
        Which actions, and the context of each; shapes (r, d) and (r,).
    leaning
        How this person differs from others, over all k actions.
    manner
        What is uncertain: how much of it is added, and how much is drawn.
    """
    loops = _Loaded.loops
    if loops is None or contexts.shape != (rows.size, chance.mean.shape[1]):
        told = [predict.predict(arms, contexts, rows=rows) for arms in (chance, worth)]
        return predict.combined(*told, leaning=leaning.of(rows), costs=costs[rows], manner=manner)
    lines = (chance.mean, chance.factor, worth.mean, worth.factor)
    return Scores(*loops.score(*lines, costs, rows, contexts, *leaning, manner.doubt, manner.draw))


def score_each(
    chance: Arms, worth: Arms, table: ContextTable, asked: Sequence[Asked], *, costs: FloatArray, manner: Manner
) -> list[Scores]:
    """Score actions for many people: what :func:`score` gives for each of them, in less time."""
    sizes = [one.rows.size for one in asked]
    if _Loaded.loops is None or _Loaded.together is None or len(asked) < _MANY or not min(sizes):
        each = ((table.contexts(person, rows), rows, leaning.over(costs.size)) for person, rows, leaning in asked)
        return [
            score(chance, worth, contexts, rows=rows, leaning=of, costs=costs, manner=manner)
            for contexts, rows, of in each
        ]
    starts = np.array([0, *accumulate(sizes)])
    scores = _Loaded.together.score(
        (chance.mean, chance.factor, worth.mean, worth.factor, costs),
        *(np.concatenate([one.rows for one in asked]), starts, tuple(table.layout)),
        (table.shared, table.entries, table.views[[one.person for one in asked]]),
        *(_leanings([one.leaning for one in asked]), manner.doubt, manner.draw),
    )
    mean, spread, likely, doubt = scores
    cuts = (slice(start, end) for start, end in pairwise(starts.tolist()))
    return [Scores(mean[cut], spread[cut], likely[cut], doubt[cut]) for cut in cuts]


def _leanings(each: Sequence[SparseLeaning]) -> tuple[FloatArray, Rows, Rows, FloatArray]:
    """Give the factors of people, and of those who answered something: who, to which action, and how they lean."""
    who = [person for person, one in enumerate(each) for _ in one.own]
    rows = [row for one in each for row in one.own]
    numbers = np.array([four for one in each for four in one.own.values()]).reshape(-1, 4)
    return np.array([one.factor for one in each]), np.array(who, np.intp), np.array(rows, np.intp), numbers


def quantile(share: FloatArray) -> FloatArray:
    """Give the number below which a share of the normal distribution lies; see :func:`.normal.quantile`."""
    loops = _Loaded.loops
    if loops is None:
        return normal.quantile(share)
    draws: FloatArray = loops.quantile(share, normal.LOWER, normal.DENSITY, normal.INVERSE)
    return draws


def propensities(mean: FloatArray, spread: FloatArray) -> FloatArray:
    """Give the probability that each action's draw is the highest; see :func:`.propensity.propensities`."""
    loops = _Loaded.loops
    if loops is None or mean.ndim != 1 or mean.shape != spread.shape or not mean.size:
        return propensity.propensities(mean, spread)
    chances: FloatArray = loops.propensities(mean, spread, normal.BELOW, normal.DENSITY)
    return chances if chances.size else propensity.propensities(mean, spread)  # which says what is wrong
