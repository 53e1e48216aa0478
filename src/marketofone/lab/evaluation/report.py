"""What a test found: every method with its scores, and how much of each peer's loss ours avoids."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.domain.moment import Day, date_of
from marketofone.lab.evaluation import bootstrap
from marketofone.lab.evaluation.bootstrap import Interval
from marketofone.lab.evaluation.protocol import Case, Outcome, Rows, Split
from marketofone.lab.evaluation.scores import (
    SPANS,
    EventScores,
    PathScores,
    event_scores,
    path_scores,
    pinball,
)
from marketofone.models.forecast.labels import EVENTS, WITHIN_DAYS

Floats = NDArray[np.float64]

DRAWS = 1000
LEVEL = 0.9


class EventLine(Struct, frozen=True, kw_only=True):
    """One event within one horizon."""

    event: str
    horizon_days: int
    scores: EventScores
    auc: Interval


class MethodScores(Struct, frozen=True, kw_only=True):
    """One method on the rows it answered of those it was asked."""

    method: str
    asked: int
    answered: int
    paths: PathScores
    events: tuple[EventLine, ...]
    fit_seconds: float
    seconds_per_1000: float


class LossCut(Struct, frozen=True, kw_only=True):
    """The share of a peer's loss that ours avoids, on the rows both answered: by span of days, and by turnover."""

    peer: str
    rows: int
    accounts: int
    wql: dict[str, Interval]
    scrps: Interval


class TestReport(Struct, frozen=True, kw_only=True):
    """One test, one way of splitting, one cut-off (or all together)."""

    test: str
    split: Split
    as_of: tuple[str, ...]
    rows: int
    accounts: int
    methods: tuple[MethodScores, ...]
    cuts: tuple[LossCut, ...]


def report(
    case: Case,
    *,
    of: NDArray[np.bool_],
    split: Split,
    asked: Mapping[str, NDArray[np.bool_]],
    outcomes: Mapping[str, Outcome],
    seed: int,
) -> TestReport:
    """Score what methods said of some rows of a case; the first method is ours, the others are its peers."""
    rows = case.rows
    scored = {
        name: _scores(name, outcome, rows, asked=asked[name], of=of, seed=seed) for name, outcome in outcomes.items()
    }
    ours, *peers = outcomes
    cuts = [
        _cut(name, outcomes[ours], outcomes[name], rows, both=_answered(outcomes, (ours, name)) & of, seed=seed)
        for name in peers
        if (_answered(outcomes, (ours, name)) & of).any()
    ]
    return TestReport(
        test=case.test.name,
        split=split,
        as_of=tuple(date_of(Day(day)).isoformat() for day in np.unique(rows.as_of[of]).tolist()),
        rows=int(of.sum()),
        accounts=len(np.unique(rows.account[of])),
        methods=tuple(line for line in scored.values() if line is not None),
        cuts=tuple(cuts),
    )


def _answered(outcomes: Mapping[str, Outcome], names: tuple[str, ...]) -> NDArray[np.bool_]:
    told = [~np.isnan(outcomes[name].ahead.quantiles).any(axis=(1, 2)) for name in names]
    return np.asarray(np.logical_and.reduce(told), dtype=bool)


def _scores(
    name: str, outcome: Outcome, rows: Rows, *, asked: NDArray[np.bool_], of: NDArray[np.bool_], seed: int
) -> MethodScores | None:
    at = _answered({name: outcome}, (name,)) & of
    if not at.any():
        return None
    return MethodScores(
        method=name,
        asked=int((asked & of).sum()),
        answered=int(at.sum()),
        paths=path_scores(
            outcome.ahead.quantiles[at],
            rows.balances[at],
            turnover=rows.turnover[at],
            scale=rows.scale[at],
            history_days=rows.history_days[at],
        ),
        events=_events(outcome, rows, of=of & asked, seed=seed),
        fit_seconds=outcome.fit_seconds,
        seconds_per_1000=1000 * outcome.predict_seconds / int(asked.sum()),
    )


def _events(outcome: Outcome, rows: Rows, *, of: NDArray[np.bool_], seed: int) -> tuple[EventLine, ...]:
    if outcome.ahead.events is None:
        return ()
    lines = []
    for event, horizon in np.ndindex(len(EVENTS), len(WITHIN_DAYS)):
        chance, came = outcome.ahead.events[of, event, horizon], rows.events[of, event, horizon]
        told = ~np.isnan(chance) & ~np.isnan(came)
        if told.any():
            weights = bootstrap.draws(rows.account[of][told], times=DRAWS, seed=seed)
            lines.append(
                EventLine(
                    event=EVENTS[event],
                    horizon_days=WITHIN_DAYS[horizon],
                    scores=event_scores(chance, came, rows.lead[of, event]),
                    auc=bootstrap.auc(chance[told], came[told], weights, level=LEVEL),
                )
            )
    return tuple(lines)


def _cut(name: str, ours: Outcome, theirs: Outcome, rows: Rows, *, both: NDArray[np.bool_], seed: int) -> LossCut:
    losses = [pinball(outcome.ahead.quantiles[both], rows.balances[both]) for outcome in (ours, theirs)]
    weights = bootstrap.draws(rows.account[both], times=DRAWS, seed=seed)

    def cut(days: slice, unit: Floats | float) -> Interval:
        one, other = (loss[:, days].sum(axis=1) / unit for loss in losses)
        return bootstrap.loss_cut(one, other, weights, level=LEVEL)

    return LossCut(
        peer=name,
        rows=int(both.sum()),
        accounts=len(np.unique(rows.account[both])),
        wql={span: cut(days, 1.0) for span, days in SPANS.items()},
        scrps=cut(SPANS["1-90"], rows.turnover[both]),
    )
