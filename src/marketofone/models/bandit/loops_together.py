"""Scores of many people among the same actions, compiled: each is what it is alone, to the bit.

Each action is looked at for some people at once. So its factors are read once for all of them, the half of a factor
that is zero is passed over, and vector units work along the people, whose numbers stand side by side. What actions of
a role share of a context is laid out once for all of them.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketofone.models.bandit.arm import FloatArray
from marketofone.models.bandit.loop_sums import compiled, fold_rows
from marketofone.models.bandit.loops import combine
from marketofone.models.bandit.predict import Rows
from marketofone.models.bandit.reproducible import Singles

Lines: TypeAlias = tuple[FloatArray, Singles, FloatArray, Singles, FloatArray]
People: TypeAlias = tuple[FloatArray, Rows, Rows, FloatArray]
Columns: TypeAlias = tuple[FloatArray, Singles]
Work: TypeAlias = tuple[FloatArray, Singles, FloatArray, FloatArray]

_TOGETHER = 64  # people: their numbers fit into the nearest memory
_BLOCKS = 4  # of people whose contexts are laid out at once: in the memory behind it
_NOBODY = (1.0, 1.0, 0.0, 0.0)  # what is kept, and what is added, where somebody answered nothing
_FULL = 8  # numbers: vector units are handed a multiple of so many, and what is too much is not looked at


@compiled
def add_squares(moved: Singles, dim: int, people: int) -> None:
    """Put into the first row the sum of the squares of all rows; the first step of adding up goes along."""
    half = dim // 2
    for i in range(half):
        into, more = moved[i], moved[dim - half + i]
        for p in range(people):
            into[p] = into[p] * into[p] + more[p] * more[p]
    if half < dim - half:
        into = moved[half]
        for p in range(people):
            into[p] *= into[p]
    fold_rows(moved, dim - half, people)


@compiled
def lengths_of(of: Singles, contexts: Singles, moved: Singles, people: int) -> None:
    """Put into the first row of ``moved`` (d, people) what :func:`.reproducible.lengths` gives for each column."""
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
    add_squares(moved, dim, people)


@compiled
def is_plain(of: Singles) -> bool:
    """Say whether a factor is zero beside its diagonal, as that of an action is before its first outcome."""
    for j in range(len(of) - 1, -1, -1):
        for i in range(j):
            if of[j, i] != 0.0:
                return False
    return True


@compiled
def plain_lengths_of(of: Singles, contexts: Singles, moved: Singles, people: int) -> None:
    """Do what :func:`lengths_of` does, of a plain factor."""
    dim = len(of)
    for i in range(dim):
        e, given, into = of[i, i], contexts[i], moved[i]
        for p in range(people):
            into[p] = e * given[p]
    add_squares(moved, dim, people)


@compiled
def lines_of(mean: FloatArray, contexts: FloatArray, parts: FloatArray, people: int) -> None:
    """Put into the first row of ``parts`` (d, people) what the line of a mean says in each column of ``contexts``."""
    dim = mean.size
    half = dim // 2
    for i in range(half):
        weight, more = mean[i], mean[dim - half + i]
        given, others, into = contexts[i], contexts[dim - half + i], parts[i]
        for p in range(people):
            into[p] = weight * given[p] + more * others[p]
    if half < dim - half:
        weight, given, into = mean[half], contexts[half], parts[half]
        for p in range(people):
            into[p] = weight * given[p]
    fold_rows(parts, dim - half, people)


@compiled
def lay_out(shared: FloatArray, views: Rows, given: FloatArray, single: Singles) -> None:
    """Put what people see into blocks of columns (blocks, d, people), once in each precision."""
    for p in range(views.size):
        block, place, own = p // _TOGETHER, p % _TOGETHER, shared[views[p]]
        for j in range(own.size):
            given[block, j, place] = single[block, j, place] = own[j]


@compiled
def pick(given: FloatArray, who: NDArray[np.int32], some: FloatArray, singles: Singles) -> None:
    """Put the columns of some people side by side."""
    dim, size = some.shape
    flat, starts = given.reshape(-1), np.empty(who.size, dtype=np.intp)
    for p in range(who.size):
        starts[p] = who[p] // size * (dim * size) + who[p] % size
    for j in range(dim):
        into, again = some[j], singles[j]
        for p in range(who.size):
            into[p] = flat[starts[p] + j * size]
        for p in range(who.size):
            again[p] = into[p]


@compiled
def places_of(rows: Rows, starts: Rows, at: NDArray[np.int32]) -> None:
    """Say by action and person (k, people) where among ``rows`` it is asked for; -1 where it is not."""
    at[:] = -1
    for p in range(starts.size - 1):
        for place in range(starts[p], starts[p + 1]):
            at[rows[place], p] = place


@compiled
def who_asks(at: NDArray[np.int32], who: NDArray[np.int32]) -> int:
    """Count who asks for an action, and put them in order into ``who``."""
    count = 0
    for p in range(at.size):
        if at[p] >= 0:
            who[count] = p
            count += 1
    return count


@compiled
def workplace(dim: int) -> Work:
    """Give scratch for :func:`score_some`: parts of lines and of lengths, what is made of them, and costs."""
    numbers = np.zeros((dim, _TOGETHER)), np.zeros((dim, _TOGETHER), dtype=np.float32)
    return (*numbers, np.ones((4, _TOGETHER)), np.ones(_TOGETHER))


@compiled
def score_some(  # noqa: PLR0913, PLR0917
    lines: Lines,
    row: np.intp,
    columns: Columns,
    count: int,
    factors: FloatArray,
    leanings: FloatArray,
    work: Work,
    benefit: float,
    drawn: float,
) -> FloatArray:
    """Score an action for those in the first columns: means, spreads, chances and doubts, shape (4, people)."""
    chances, chance_factors, worths, worth_factors, costs = lines
    (parts, moved, told, beside), (contexts, singles) = work, columns
    wide = min(-(-count // _FULL) * _FULL, _TOGETHER)
    beside[:] = costs[row]
    for head in range(2):
        lines_of(worths[row] if head else chances[row], contexts, parts, wide)
        factor = worth_factors[row] if head else chance_factors[row]
        if is_plain(factor):
            plain_lengths_of(factor, singles, moved, wide)
        else:
            lengths_of(factor, singles, moved, wide)
        for p in range(wide):
            told[head, p], told[2 + head, p] = parts[0, p], moved[0, p]
    combine(told, wide, beside, factors, leanings, benefit, drawn)
    return told


@compiled
def look_up(
    entries: FloatArray, seen: Rows, who: NDArray[np.int32], places: Rows, taken: Rows, columns: Columns
) -> None:
    """Put the entries that an action takes of what people see into their columns."""
    contexts, singles = columns
    for m in range(places.size):
        into, again = contexts[places[m]], singles[places[m]]
        for p in range(who.size):
            into[p] = again[p] = entries[seen[who[p]], taken[m]]


@compiled
def answered_of(first: int, last: int, people: People, own: NDArray[np.int32]) -> None:
    """Say by action and person (k, people) where their answers to it stand; -1 where there are none."""
    _, who, to, _ = people
    own[:] = -1
    for place in range(np.searchsorted(who, first), np.searchsorted(who, last)):
        own[to[place], who[place] - first] = place


@compiled
def lean_to(
    own: NDArray[np.int32],
    who: NDArray[np.int32],
    first: int,
    people: People,
    factors: FloatArray,
    leanings: FloatArray,
) -> None:
    """Put how people lean to an action into columns for :func:`.loops.combine`."""
    every, _, _, numbers = people
    for p in range(who.size):
        factors[p], place = every[first + who[p]], own[who[p]]
        for part in range(4):
            leanings[part, p] = numbers[place, part] if place >= 0 else _NOBODY[part]


@compiled
def score_action(  # noqa: PLR0913, PLR0917
    lines: Lines,
    row: np.intp,
    blocks: tuple[FloatArray, Singles, FloatArray, Singles],
    seen: Rows,
    at: NDArray[np.int32],
    own: NDArray[np.int32],
    first: int,
    looked_up: tuple[FloatArray, Rows, Rows],
    people: People,
    work: Work,
    benefit: float,
    drawn: float,
    scores: FloatArray,
) -> None:
    """Score an action for all who ask for it, of those whose contexts are laid out."""
    given, single, some, singles = blocks
    entries, places, taken = looked_up
    who, factors, leanings = np.empty(at.size, np.int32), np.ones(_TOGETHER), np.ones((4, _TOGETHER))
    count = who_asks(at, who)
    for start in range(0, count, _TOGETHER):
        asks = who[start : min(start + _TOGETHER, count)]
        columns = given[start // _TOGETHER], single[start // _TOGETHER]
        if count < at.size:
            pick(given, asks, some, singles)
            columns = some, singles
        look_up(entries, seen, asks, places, taken[row], columns)
        lean_to(own, asks, first, people, factors, leanings)
        told = score_some(lines, row, columns, asks.size, factors, leanings, work, benefit, drawn)
        for part in range(4):
            for p in range(asks.size):
                scores[part, at[asks[p]]] = told[part, p]


@compiled
def score(  # noqa: PLR0913, PLR0917 - compiled functions take arrays, and no names
    lines: Lines,
    rows: Rows,
    starts: Rows,
    layout: tuple[Rows, Rows, Rows],
    table: tuple[FloatArray, FloatArray, Rows],
    people: People,
    benefit: float,
    drawn: float,
) -> FloatArray:
    """Give what :func:`.loops.score` gives, for people each asked for ``rows`` from one of ``starts`` to the next."""
    (role_of, places, taken), (shared, entries, views) = layout, table
    (k, dim), many = lines[0].shape, _BLOCKS * _TOGETHER
    scores, work, looked_up = np.empty((4, rows.size)), workplace(dim), (entries, places, taken)
    at, own = np.empty((k, many), np.int32), np.empty((k, many), np.int32)
    given, single = np.zeros((_BLOCKS, dim, _TOGETHER)), np.zeros((_BLOCKS, dim, _TOGETHER), np.float32)
    blocks = given, single, np.zeros((dim, _TOGETHER)), np.zeros((dim, _TOGETHER), np.float32)
    for first in range(0, starts.size - 1, many):
        last = min(first + many, starts.size - 1)
        places_of(rows, starts[first : last + 1], at)
        answered_of(first, last, people, own)
        for role in range(views.shape[1]):
            seen = views[first:last, role].copy()
            lay_out(shared, seen, given, single)
            for row in np.flatnonzero(role_of == role):
                asking = at[row, : last - first]
                of = own[row]
                score_action(
                    lines, row, blocks, seen, asking, of, first, looked_up, people, work, benefit, drawn, scores
                )
    return scores
