"""Unusual payments: far larger than the person's own of the kind, large to somebody new, or charged twice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from marketofone.models.forecast.spending.finding import Finding, FindingKind, cause
from marketofone.models.forecast.spending.purchases import Integers, Purchases

LAST_DAYS = 30
TWICE_DAYS = 2
_FARTHEST = 4.5
_LEAST_EARLIER = 12
_LEAST_SCALE = 0.1
_NORMAL = 1.4826  # median absolute deviation to standard deviation
_KNOWN_DAYS = 90
_LARGE = 0.98
_OFTEN = 3


def unusual_findings(bought: Purchases, *, currency: str, as_of: int) -> tuple[Finding, ...]:
    """Give the payments of the last 30 days that stand out, each for one reason, the strongest first."""
    found: dict[int, Finding] = {}
    for at, finding in (
        *_double_charges(bought, currency=currency, as_of=as_of),
        *_first_seen(bought, currency=currency, as_of=as_of),
        *_far_larger(bought, currency=currency, as_of=as_of),
    ):
        found.setdefault(at, finding)
    return tuple(sorted(found.values(), key=lambda finding: (-finding.strength, finding.id)))


def _far_larger(bought: Purchases, *, currency: str, as_of: int) -> Iterator[tuple[int, Finding]]:
    """Give payments whose logarithm lies far above the person's own of the category, by median and deviation."""
    names = bought.categories
    recent = bought.days > as_of - LAST_DAYS
    category = np.array([sorted(set(names)).index(name) for name in names], dtype=np.int64)[bought.of]
    for code in np.unique(category[recent & ~bought.standing]).tolist():
        mine = (category == code) & ~bought.standing
        earlier = np.log(bought.amounts[mine & ~recent])
        if earlier.size < _LEAST_EARLIER:
            continue
        middle = float(np.median(earlier))
        scale = max(_LEAST_SCALE, _NORMAL * float(np.median(np.abs(earlier - middle))))
        now = np.flatnonzero(mine & recent)
        for at, far in zip(now.tolist(), (np.log(bought.amounts[now]) - middle) / scale, strict=True):
            # Nothing is unusual that was paid before, however rarely.
            if far > _FARTHEST and bought.amounts[at] > np.exp(earlier.max()):
                yield (
                    at,
                    _finding(
                        bought,
                        at,
                        "unusual_amount",
                        usual=round(float(np.exp(middle))),
                        evidence={"deviations": float(far), "payments": float(earlier.size)},
                        strength=1 - _FARTHEST / (2 * float(far)),
                        currency=currency,
                    ),
                )


def _first_seen(bought: Purchases, *, currency: str, as_of: int) -> Iterator[tuple[int, Finding]]:
    """Give large first payments to a counterparty, for people who are known long enough to know what is new."""
    if not bought.days.size or as_of - LAST_DAYS - int(bought.days[0]) < _KNOWN_DAYS:
        return
    earlier = bought.amounts[bought.days <= as_of - LAST_DAYS]
    large = float(np.quantile(earlier, _LARGE)) if earlier.size >= _LEAST_EARLIER else np.inf
    who = _counterparties(bought)
    _, first = np.unique(who, return_index=True)
    for at in first.tolist():
        if who[at] >= 0 and bought.days[at] > as_of - LAST_DAYS and bought.amounts[at] > large:
            yield (
                at,
                _finding(
                    bought,
                    at,
                    "first_seen",
                    usual=None,
                    evidence={"large_minor": large},
                    strength=1 - large / (2 * float(bought.amounts[at])),
                    currency=currency,
                ),
            )


def _double_charges(bought: Purchases, *, currency: str, as_of: int) -> Iterator[tuple[int, Finding]]:
    """Give payments that repeat one of the two days before, where that was never the person's habit."""
    who = _counterparties(bought)
    order = np.lexsort((bought.days, bought.amounts, who))
    same = (np.diff(who[order]) == 0) & (np.diff(bought.amounts[order]) == 0) & (who[order][1:] >= 0)
    near = same & (np.diff(bought.days[order]) <= TWICE_DAYS)
    large = float(np.median(bought.amounts)) if bought.amounts.size else np.inf
    for first, at in zip(order[:-1][near].tolist(), order[1:][near].tolist(), strict=True):
        if bought.days[at] <= as_of - LAST_DAYS or bought.amounts[at] < large:
            continue
        alike = (who == who[at]) & (bought.amounts == bought.amounts[at])
        before = np.sort(bought.days[alike & (bought.days < bought.days[first])])
        if before.size < _OFTEN or (np.diff(before) > TWICE_DAYS * LAST_DAYS // _OFTEN).all():
            yield (
                at,
                _finding(
                    bought,
                    at,
                    "double_charge",
                    usual=int(bought.amounts[at]),
                    evidence={
                        "first_day": float(bought.days[first]),
                        "days_apart": float(np.diff(bought.days[[first, at]])[0]),
                    },
                    strength=1 - 1 / (2 + float(alike.sum())),
                    currency=currency,
                ),
            )


def _counterparties(bought: Purchases) -> Integers:
    """Give for each payment a number of its counterparty, -1 where none is told."""
    names = [kind.counterparty for kind in bought.kinds]
    ids = {name: at for at, name in enumerate(sorted({name for name in names if name}))}
    return np.array([-1 if name is None else ids.get(name, -1) for name in names], dtype=np.int64)[bought.of]


def _finding(
    bought: Purchases,
    at: int,
    kind: FindingKind,
    *,
    usual: int | None,
    evidence: dict[str, float],
    strength: float,
    currency: str,
) -> Finding:
    what = bought.kinds[int(bought.of[at])]
    day, amount = int(bought.days[at]), int(bought.amounts[at])
    return Finding(
        id=cause(kind, what.category, what.counterparty, day, amount),
        kind=kind,
        account=None,
        category=what.category or what.operation,
        counterparty=bought.names[int(bought.of[at])],
        day=day,
        now_minor=amount,
        usual_minor=usual,
        currency=currency,
        evidence=evidence,
        strength=strength,
    )
