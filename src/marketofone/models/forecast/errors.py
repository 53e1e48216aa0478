"""The projected path of a balance, and the errors such paths had: learned on past windows, pooled over customers.

1. *Situation*: what one account looked like on a day, in a few numbers in units of its own monthly turnover.
2. *Centre*: the balance, plus the payments expected by then, plus a pooled linear correction at each horizon.
3. *Errors*: whole paths of what really happened around the centre, in units of the scale, kept apart by how high the
   balance stood. Whole paths, because the chance of ever falling below a floor is not a matter of single days.

Limits: customers who live through the same calendar share its shocks, so bands learned before a shock are too narrow
in it. Errors are assumed to scale with the person's own turnover.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.models.forecast.history import BLOCK_DAYS, History, Movement, history
from marketofone.models.forecast.streams import Payment, find_streams, project
from marketofone.profile.ledger import Account, Kind

Floats = NDArray[np.float64]

HORIZON = 90
PATHS = 200
MINIMUM_DAYS = 30
MINIMUM_MOVEMENTS = 4
MAXIMUM_SILENCE = 62  # days: two months without a single movement, and nobody knows what goes on
_SPAN = 180
_KNOTS = np.array([1, 3, 5, 7, 10, 13, 16, 20, 25, 30, 40, 50, 60, 70, 80, 90])
_TERMS = 9
_DUE_MONTHLY, _DUE = 6, 8
_LEVELS = 5
_MINIMUM_WINDOWS = 30 * _LEVELS
_FARTHEST = 6.0


@dataclass(frozen=True)
class Situation:
    """One account on one day, ready to look ahead.

    Shapes
    ------
    due : float64[HORIZON]
        What the expected payments add up to by each day ahead.
    terms : float64[_TERMS - 1]
        What the pooled correction knows, in units of turnover; the last term of its table is ``due``.
    """

    past: History
    payments: tuple[Payment, ...]
    due: Floats
    terms: Floats
    turnover: int
    spread: float
    floor: int
    """The balance below which the account was on only one in twenty of its last 180 days."""

    @property
    def level(self) -> float:
        """The balance in monthly turnovers."""
        return (self.past.balance or 0) / self.turnover


class ErrorTable(Struct, frozen=True):
    """What was learned: the correction at each horizon, the edges between levels, and error paths for each level.

    ``scale`` is the unit of the paths: the account's monthly turnover once fitted, before that its daily spread.
    """

    scale: Literal["turnover", "spread"]
    windows: int
    edges: tuple[float, ...]
    weights: bytes
    paths: tuple[bytes, ...]

    def centre(self, at: Situation) -> Floats:
        """Give the projected path.

        Shapes
        ------
        result : float64[HORIZON]

        Units
        -----
        Minor units.
        """
        weights = np.frombuffer(self.weights).reshape(HORIZON, _TERMS)
        correction = at.turnover * (weights[:, :-1] * at.terms).sum(axis=1)
        return np.asarray((at.past.balance or 0) + weights[:, -1] * at.due + correction)

    def ahead(self, at: Situation) -> NDArray[np.int64]:
        """Give equally likely paths of the end-of-day balance.

        Shapes
        ------
        result : int64[PATHS, HORIZON]
        """
        paths = self.paths[int(np.searchsorted(self.edges, at.level))]
        errors = np.frombuffer(paths, dtype=np.float32).reshape(PATHS, HORIZON).astype(np.float64)
        unit = float(at.turnover) if self.scale == "turnover" else at.spread
        return np.floor(self.centre(at) + unit * errors).astype(np.int64)

    def to_bytes(self) -> bytes:
        """Give the table as bytes; the same table always gives the same bytes."""
        return msgspec.msgpack.encode(self)

    @staticmethod
    def from_bytes(blob: bytes) -> ErrorTable:
        """Read a table back.

        Examples
        --------
        >>> ErrorTable.from_bytes(prior_errors().to_bytes()) == prior_errors()
        True
        """
        return msgspec.msgpack.decode(blob, type=ErrorTable)


def expected(movements: Sequence[Movement], *, as_of: int) -> tuple[Payment, ...]:
    """Give the dated payments that the streams of an account let one expect."""
    moves = sorted(movements, key=lambda move: move.day)
    kinds = tuple(Kind(move.operation, move.category, move.counterparty) for move in moves)
    days, amounts = np.array([(move.day, move.amount_minor) for move in moves], dtype=np.int64).reshape(-1, 2).T
    name = moves[0].account if moves else ""
    account = Account(name, "", kinds, days, amounts, np.arange(days.size), amounts)
    return project(find_streams(account, as_of=as_of), from_day=as_of, horizon=HORIZON)


def situation(past: History, *, payments: Sequence[Payment]) -> Situation:
    """Work out what an account looks like at the end of ``past.as_of``; the history must hold a balance."""
    due = np.zeros(HORIZON)
    for payment in payments:
        due[payment.day - past.as_of - 1] += payment.amount_minor
    balance, turnover = past.balance or 0, past.turnover()
    span = max(1, min(_SPAN, past.length))
    closing = past.closing(np.arange(past.as_of - span, past.as_of + 1))
    floor, usual = (int(at) for at in np.quantile(closing, (0.05, 0.5), method="lower"))
    short = min(span, _SPAN // 2)
    monthly = (
        (balance - int(closing[0])) / span * BLOCK_DAYS,
        (balance - int(closing[-1 - short])) / short * BLOCK_DAYS,
        balance - usual,
        balance - floor,
        balance,
        float(due.sum()) / HORIZON * BLOCK_DAYS,
    )
    terms = [1.0, *(amount / turnover for amount in monthly), math.log(max(past.length, 1) / _SPAN)]
    return Situation(
        past=past,
        payments=tuple(payments),
        due=np.cumsum(due),
        terms=np.clip(terms, -_FARTHEST, _FARTHEST),
        turnover=turnover,
        spread=max(1.0, float(np.sqrt(np.square(np.diff(closing)).mean()))),
        floor=floor,
    )


def prior_errors() -> ErrorTable:
    """Give the table that is used until one is fitted: a formula, no data.

    The balance is expected to stay but for the timing of known payments (what comes back regularly is spent at the
    same rate). Its error is a random walk with the spread of the account's own daily flows: normal with standard
    deviation ``spread * sqrt(t)``. Every path keeps its rank, so a chance is that of the worst single day.
    """
    days = np.arange(1, HORIZON + 1)
    weights = np.zeros((HORIZON, _TERMS))
    weights[:, _DUE], weights[:, _DUE_MONTHLY] = 1.0, -days / BLOCK_DAYS
    ranks = [NormalDist().inv_cdf((rank + 0.5) / PATHS) for rank in range(PATHS)]
    paths = np.outer(ranks, np.sqrt(days)).astype(np.float32)
    return ErrorTable("spread", 0, (), weights.tobytes(), (paths.tobytes(),))


def fit_errors(histories: Iterable[Sequence[Movement]], *, as_of_days: Sequence[int], known_until: int) -> ErrorTable:
    """Learn from what followed on past days; each history is one account.

    Nothing after ``known_until`` is looked at: a window counts only if all of its 90 days lie before, and no later
    than a month after the last movement, for nobody knows whether an account that fell silent was closed. With too
    few windows to speak of, the prior is given.

    Source
    ------
    Correction: least absolute deviations by iteratively reweighted least squares (Schlossmacher 1973). Errors:
    residual paths, drawn evenly along their mean so that the tails keep their share (Clark et al. 2004, "Schaake").
    """
    seen: list[Situation] = []
    after: list[Floats] = []
    for movements in histories:
        truth = history(movements, as_of=known_until)
        observed = min(known_until, int(truth.days[-1]) + BLOCK_DAYS) if truth.days.size else -HORIZON
        for day in as_of_days:
            past = history(movements, as_of=day)
            if day + HORIZON <= observed and silence(past) is None:
                seen.append(situation(past, payments=expected(movements, as_of=day)))
                after.append(truth.closing(np.arange(day + 1, day + HORIZON + 1)).astype(np.float64))
    if len(seen) < _MINIMUM_WINDOWS:
        return prior_errors()
    scales = np.array([float(at.turnover) for at in seen])[:, None]
    moved = (np.array(after) - np.array([[at.past.balance or 0] for at in seen])) / scales
    terms = np.clip(np.array([at.terms for at in seen]), -_FARTHEST, _FARTHEST)
    weights = _correction(terms, np.array([at.due for at in seen]) / scales, moved)
    table = ErrorTable("turnover", len(seen), (), weights.tobytes(), ())
    errors = (np.array(after) - np.array([table.centre(at) for at in seen])) / scales
    levels = np.array([at.level for at in seen])
    edges = np.quantile(levels, np.arange(1, _LEVELS) / _LEVELS)
    of = np.searchsorted(edges, levels)
    paths = tuple(_evenly(errors[of == level] if level in of else errors) for level in range(_LEVELS))
    return msgspec.structs.replace(table, edges=tuple(edges.tolist()), paths=paths)


def silence(past: History) -> str | None:
    """Give the reason why an account is too little known to look ahead, None when it is not."""
    if past.days.size < MINIMUM_MOVEMENTS or past.length < MINIMUM_DAYS:
        return f"{past.days.size} movements in {past.length} days are not enough history"
    if past.balance is None:
        return "no balance is known"
    silent = past.as_of - int(past.days[-1])
    return f"nothing has moved for {silent} days" if silent > MAXIMUM_SILENCE else None


def _correction(terms: Floats, due: Floats, moved: Floats) -> Floats:
    """Fit the weights of the terms and of what is due at each knot, and draw straight lines between the knots."""
    ridge = 10.0 * np.eye(_TERMS)
    ridge[0, 0] = 0.0
    fitted = []
    for knot in _KNOTS - 1:
        inputs = np.column_stack((terms, due[:, knot]))
        weight = np.ones(len(inputs))
        for _ in range(15):
            weighted = inputs * weight[:, None]
            solved = np.linalg.solve(weighted.T @ inputs + ridge, weighted.T @ moved[:, knot])
            weight = 1.0 / np.maximum(np.abs(moved[:, knot] - inputs @ solved), 0.05)
        fitted.append(solved)
    table = np.array(fitted)
    days = np.arange(1, HORIZON + 1)
    return np.column_stack([np.interp(days, _KNOTS, table[:, term]) for term in range(_TERMS)])


def _evenly(errors: Floats) -> bytes:
    order = np.argsort(errors.mean(axis=1), kind="stable")
    chosen = order[((np.arange(PATHS) + 0.5) * len(order) / PATHS).astype(np.int64)]
    return errors[chosen].astype(np.float32).tobytes()
