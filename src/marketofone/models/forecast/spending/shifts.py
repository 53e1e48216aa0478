"""Shifts of spending: the last 30 days of each category against the person's own earlier 30-day blocks.

Two questions for each category, both answered exactly under "nothing changed". *How often*: given how many payments
there were in all, those of the last block are beta-binomial when the counts of a block are negative binomial; how much
they scatter is measured on the earlier blocks, and what single categories cannot tell is borrowed from the person's
others. *How much each*: the ranks of the last amounts among all. All answers of a person are judged together, so that
of all shifts told at most one in ten is chance (Benjamini-Hochberg), and only what matters in money is told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import betaln, gammaln, ndtr

from marketofone.models.forecast.spending.finding import Finding, cause
from marketofone.models.forecast.spending.purchases import Purchases

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Measure = Literal["trips", "basket"]

BLOCK_DAYS = 30
MINIMUM_BLOCKS = 3
BLOCKS = 12
FALSE_DISCOVERIES = 0.1
_LEAST_RATIO = 1.25
_LEAST_SHARE = 0.02  # of what is spent in a block
_LEAST_COUNT = 4
_BORROWED = 6.0  # degrees of freedom that a category's scatter borrows from the others
_YEAR = 365
_MONTHS_KNOWN = 13 * BLOCK_DAYS + 5
_NOT_SPENDING = frozenset({"", "interest", "loan", "tax"})


class Shift(Struct, frozen=True, kw_only=True):
    """One category, one measure: the last 30 days, the usual 30 days, and how likely chance alone does that."""

    category: str
    measure: Measure
    more: bool
    now: float
    usual: float
    now_minor: int
    usual_minor: int
    blocks: int
    p_value: float


class Habit(Struct, frozen=True, kw_only=True):
    """One category: its last 30 days beside the person's usual 30 days, and whether that is more than chance."""

    category: str
    trips: int
    usual_trips: float
    now_minor: int
    usual_minor: int
    shifted: bool


class _Blocks(NamedTuple):
    counts: Integers
    sums: Integers
    last: Integers
    before: Integers


def shift_findings(
    tested: Sequence[Shift], bought: Purchases, *, scale: float, currency: str, as_of: int
) -> tuple[Finding, ...]:
    """Give the shifts that are neither chance nor trifles nor the season, the surest first."""
    told = discoveries([shift.p_value for shift in tested], rate=FALSE_DISCOVERIES)
    found = [
        _finding(shift, currency=currency, as_of=as_of)
        for shift, sure in zip(tested, told, strict=True)
        if sure and matters(shift, scale=scale) and not _season(bought, shift, as_of=as_of)
    ]
    return tuple(sorted(found, key=lambda finding: (-finding.strength, finding.id)))


def habits(bought: Purchases, *, shifted: Collection[str], as_of: int) -> tuple[Habit, ...]:
    """Give the habit of every category, what changed most in money first; none before three blocks are known."""
    blocks = min(BLOCKS, _blocks_known(bought, as_of=as_of))
    if blocks < MINIMUM_BLOCKS:
        return ()
    found = [
        Habit(
            category=category,
            trips=int(told.counts[0]),
            usual_trips=float(told.counts[1:].mean()),
            now_minor=int(told.sums[0]),
            usual_minor=round(float(told.sums[1:].mean())),
            shifted=category in shifted,
        )
        for category, told in blocks_of(bought, blocks=blocks, as_of=as_of).items()
    ]
    return tuple(sorted(found, key=lambda of: (-abs(of.now_minor - of.usual_minor), of.category)))


def usual_spending(bought: Purchases, *, as_of: int) -> float:
    """Give what is spent in a block, as a scale for what matters."""
    spent = int(bought.amounts[bought.days > as_of - BLOCK_DAYS * BLOCKS].sum())
    return spent / max(1, min(BLOCKS, _blocks_known(bought, as_of=as_of) + 1))


def shifts(bought: Purchases, *, as_of: int) -> Iterator[Shift]:
    """Ask both questions of every category that is known for at least three earlier blocks."""
    blocks = min(BLOCKS, _blocks_known(bought, as_of=as_of))
    if blocks < MINIMUM_BLOCKS:
        return
    table = blocks_of(bought, blocks=blocks, as_of=as_of)
    scatter = _scatter(np.array([told.counts for told in table.values()]).reshape(-1, blocks + 1)[:, 1:])
    for (category, told), spread in zip(table.items(), scatter, strict=True):
        yield from _asked(category, told, scatter=float(spread))


def _asked(category: str, told: _Blocks, *, scatter: float) -> Iterator[Shift]:
    counts, sums, last, before = told.counts, told.sums, told.last, told.before
    answers: list[tuple[Measure, float, float, float]] = []
    now, usual = float(counts[0]), float(counts[1:].mean())
    if max(now, usual) >= _LEAST_COUNT:
        chance = count_p_value(int(counts[0]), total=int(counts.sum()), blocks=counts.size - 1, scatter=scatter)
        answers.append(("trips", now, usual, chance))
    if last.size >= _LEAST_COUNT and before.size >= 2 * _LEAST_COUNT:
        answers.append(("basket", float(np.median(last)), float(np.median(before)), rank_p_value(last, before)))
    for measure, now, usual, chance in answers:
        yield Shift(
            category=category,
            measure=measure,
            more=now > usual,
            now=now,
            usual=usual,
            now_minor=int(sums[0]),
            usual_minor=round(float(sums[1:].mean())),
            blocks=counts.size - 1,
            p_value=chance,
        )


def blocks_of(bought: Purchases, *, blocks: int, as_of: int) -> dict[str, _Blocks]:
    """Give for each category its counts and sums by block, the last one first, and the last and earlier amounts."""
    age = (as_of - bought.days) // BLOCK_DAYS
    free = (age <= blocks) & ~bought.standing
    names = bought.categories
    codes = {name: at for at, name in enumerate(sorted(set(names) - _NOT_SPENDING))}
    of = np.array([codes.get(name, -1) for name in names], dtype=np.int64)[bought.of]
    table: dict[str, _Blocks] = {}
    for name, code in codes.items():
        mine = free & (of == code)
        ages, amounts = age[mine], bought.amounts[mine]
        if ages.size:
            counts = np.bincount(ages, minlength=blocks + 1)
            sums = np.bincount(ages, weights=amounts, minlength=blocks + 1).astype(np.int64)
            table[name] = _Blocks(counts, sums, amounts[ages == 0], amounts[ages > 0])
    return table


def count_p_value(now: int, *, total: int, blocks: int, scatter: float) -> float:
    """Give how likely a block holds at least as unusual a number of ``total`` payments, of ``blocks`` and it.

    ``scatter`` is variance by mean of the counts; 1 is Poisson, and then the conditional law is binomial.

    Examples
    --------
    >>> round(count_p_value(9, total=27, blocks=6, scatter=1.0), 4)
    0.0203
    """
    k = np.arange(total + 1)
    size = max(total, 1) / (blocks + 1) / max(scatter - 1, 1e-6)
    a, b = size, size * blocks
    log = gammaln(total + 1) - gammaln(k + 1) - gammaln(total - k + 1) + betaln(k + a, total - k + b) - betaln(a, b)
    chances = np.exp(log)
    return float(min(1.0, 2 * min(chances[: now + 1].sum(), chances[now:].sum())))


def rank_p_value(last: Integers, before: Integers) -> float:
    """Give how likely the last amounts rank so high or low among all (Mann-Whitney, normal with ties, continuity)."""
    whole = np.concatenate((last, before))
    _, inverse, counts = np.unique(whole, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n, m = last.size, before.size
    centre = n * (whole.size + 1) / 2
    ties = (counts**3 - counts).sum() / (whole.size * (whole.size - 1))
    spread = np.sqrt(n * m / 12 * (whole.size + 1 - ties))
    off = max(0.0, abs(float(ranks[:n].sum()) - centre) - 0.5)
    return float(2 * ndtr(-off / spread)) if spread > 0 else 1.0


def discoveries(p_values: Sequence[float], *, rate: float) -> list[bool]:
    """Say which hold when at most a share ``rate`` of what is said may be chance (Benjamini and Hochberg 1995).

    Examples
    --------
    >>> discoveries([0.001, 0.2, 0.03], rate=0.1)
    [True, False, True]
    """
    ranked = sorted(p_values)
    lines = [value for rank, value in enumerate(ranked, 1) if value <= rate * rank / len(ranked)]
    return [bool(lines) and value <= lines[-1] for value in p_values]


def _scatter(counts: Integers) -> Floats:
    """Give variance by mean of each category's counts over the blocks, shrunk to that of all of them, at least 1."""
    means = np.maximum(counts.mean(axis=1), 1e-9)
    freedom = counts.shape[1] - 1
    squares = ((counts - means[:, None]) ** 2).sum(axis=1) / means
    weights = np.minimum(means, 1.0)
    whole = (squares * weights).sum() / max(freedom * weights.sum(), 1e-9) if counts.size else 1.0
    return np.asarray(np.maximum(1.0, (squares + _BORROWED * max(1.0, whole)) / (freedom + _BORROWED)))


def _blocks_known(bought: Purchases, *, as_of: int) -> int:
    """Give the number of whole blocks before the last one."""
    return (as_of - int(bought.days[0]) + 1) // BLOCK_DAYS - 1 if bought.days.size else 0


def matters(shift: Shift, *, scale: float) -> bool:
    """Say whether a shift is large for itself and for what a person spends in a block."""
    ratio = max(shift.now, shift.usual) / max(min(shift.now, shift.usual), 1e-9)
    return ratio >= _LEAST_RATIO and abs(shift.now_minor - shift.usual_minor) >= _LEAST_SHARE * scale


def _season(bought: Purchases, shift: Shift, *, as_of: int) -> bool:
    """Say whether the same 30 days of last year were like these, where last year is known."""
    if not bought.days.size or as_of - int(bought.days[0]) < _MONTHS_KNOWN:
        return False
    there = np.array([name == shift.category for name in bought.categories], dtype=np.bool_)[bought.of]
    then = there & ~bought.standing & ((as_of - _YEAR - bought.days) // BLOCK_DAYS == 0)
    amounts = bought.amounts[then]
    was = float(amounts.size if shift.measure == "trips" else np.median(amounts) if amounts.size else 0)
    return shift.now < _LEAST_RATIO * was if shift.more else shift.now * _LEAST_RATIO > was


def _finding(shift: Shift, *, currency: str, as_of: int) -> Finding:
    way = "more" if shift.more else "fewer" if shift.measure == "trips" else "less"
    return Finding(
        id=cause("spending_shift", shift.category, shift.measure, way),
        kind="spending_shift",
        account=None,
        category=shift.category,
        counterparty=None,
        day=as_of,
        now_minor=shift.now_minor,
        usual_minor=shift.usual_minor,
        currency=currency,
        evidence={
            "now": shift.now,
            "usual": shift.usual,
            "blocks": float(shift.blocks),
            "p_value": shift.p_value,
        },
        strength=1 - shift.p_value,
        pattern=f"{shift.measure}_{way}",
    )
