"""Scores of many people among the same actions, compiled: each is what it is alone, to the bit.

Each action is looked at for some people at once. So its factors are read once for all of them, the half of a factor
that is zero is passed over, and vector units work along the people, whose numbers stand side by side.
"""

from __future__ import annotations

import numpy as np

from marketofone.models.bandit.arm import FloatArray
from marketofone.models.bandit.loop_sums import compiled, fold_rows
from marketofone.models.bandit.loops import combine
from marketofone.models.bandit.predict import Rows
from marketofone.models.bandit.reproducible import Singles

_TOGETHER = 64  # people: their numbers fit into the nearest memory


@compiled
def lengths_of(of: Singles, contexts: Singles, moved: Singles, people: int) -> None:
    """Put the squares into ``moved`` (d, people) that :func:`.loops.lengths` gives for each column of ``contexts``."""
    dim = len(of)
    four = dim // 4 * 4
    moved[:, :people] = np.float32(0.0)
    for j in range(0, four, 4):
        a, b, c, d = contexts[j], contexts[j + 1], contexts[j + 2], contexts[j + 3]
        first, second, third, fourth = of[j], of[j + 1], of[j + 2], of[j + 3]
        for i in range(j + 4):  # behind that all four are zero
            e, f, g, h, into = first[i], second[i], third[i], fourth[i], moved[i]
            for p in range(people):
                into[p] += (e * a[p] + f * b[p]) + (g * c[p] + h * d[p])
    for j in range(four, dim):
        a, first = contexts[j], of[j]
        for i in range(j + 1):
            e, into = first[i], moved[i]
            for p in range(people):
                into[p] += e * a[p]
    for i in range(dim):
        into = moved[i]
        for p in range(people):
            into[p] *= into[p]


@compiled
def parts_of(mean: FloatArray, contexts: FloatArray, parts: FloatArray, people: int) -> None:
    """Put what each entry of a mean gives in each column of ``contexts`` into ``parts`` (d, people)."""
    for j in range(mean.size):
        weight, given, into = mean[j], contexts[j], parts[j]
        for p in range(people):
            into[p] = weight * given[p]


@compiled
def lines_of(
    chances: FloatArray,
    chance_factors: Singles,
    worths: FloatArray,
    worth_factors: Singles,
    rows: Rows,
    order: Rows,
    contexts: FloatArray,
) -> FloatArray:
    """Give what :func:`.loops.lines` gives; ``order`` are the places of ``rows``, those of one action side by side."""
    dim, told = contexts.shape[1], np.empty((4, rows.size))
    given, single = np.zeros((dim, _TOGETHER)), np.zeros((dim, _TOGETHER), dtype=np.float32)
    parts, moved = np.empty((dim, _TOGETHER)), np.empty((dim, _TOGETHER), dtype=np.float32)
    start = 0
    while start < rows.size:
        row, end = rows[order[start]], start + 1
        while end < min(rows.size, start + _TOGETHER) and rows[order[end]] == row:
            end += 1
        some = order[start:end]
        for p in range(some.size):
            own = contexts[some[p]]
            for j in range(dim):
                given[j, p] = single[j, p] = own[j]
        for head in range(2):
            parts_of(worths[row] if head else chances[row], given, parts, some.size)
            lengths_of(worth_factors[row] if head else chance_factors[row], single, moved, some.size)
            fold_rows(parts, dim, some.size)
            fold_rows(moved, dim, some.size)
            for p in range(some.size):
                told[head, some[p]], told[2 + head, some[p]] = parts[0, p], moved[0, p]
        start = end
    return told


@compiled
def score(  # noqa: PLR0913, PLR0917 - compiled functions take arrays, and no names
    chances: FloatArray,
    chance_factors: Singles,
    worths: FloatArray,
    worth_factors: Singles,
    costs: FloatArray,
    rows: Rows,
    order: Rows,
    contexts: FloatArray,
    who: Rows,
    factor: FloatArray,
    kept: FloatArray,
    added: FloatArray,
    benefit: float,
    drawn: float,
) -> FloatArray:
    """Give what :func:`.loops.score` gives: of ``who`` each row is asked, and how each of them differs from others."""
    scores = lines_of(chances, chance_factors, worths, worth_factors, rows, order, contexts)
    for place in range(rows.size):
        row, of = rows[place], who[place]
        combine(scores, place, costs[row], factor[of], kept[of, :, row], added[of, :, row], benefit, drawn)
    return scores
