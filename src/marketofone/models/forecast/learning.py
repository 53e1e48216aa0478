"""Learn the model from many people's past days, and from nothing after a day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, ParamSpec, Protocol, TypeVar

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from marketofone.models.forecast.boost import ROUNDS, boost, drawn_knots, knot_inputs
from marketofone.models.forecast.booster import loadable
from marketofone.models.forecast.calibrate import NO_STRETCH, THIRDS, Odds, Stretch, adapted, fit_odds, fit_stretch
from marketofone.models.forecast.extra_pay import extra_pay
from marketofone.models.forecast.features import features
from marketofone.models.forecast.forest import grow
from marketofone.models.forecast.history import MAXIMUM_SILENCE, silence
from marketofone.models.forecast.labels import AHEAD_DAYS, EVENTS, WITHIN_DAYS, Labels, labels
from marketofone.models.forecast.model import KNOTS, SHORTFALLS, Habit, Model, at_knots
from marketofone.models.forecast.panel import (
    Extra,
    Floats,
    Look,
    Panel,
    align,
    centre,
    expected_payments,
    leading,
    look_from,
    months_ahead,
    shares_of_months,
)
from marketofone.models.forecast.streams import find_streams
from marketofone.profile.ledger import Account, Integers

P = ParamSpec("P")
R = TypeVar("R")

MOST_WINDOWS = 24_000
MINIMUM_DAYS = 60
OBSERVED_DAYS = 75
FEWEST_WINDOWS = 300
FOLDS = 2
TREES, LEAF, KEPT = 80, 3, 2
EVENT_LEAF, EVENT_KEPT = 8, 6
_TRIAL_TREES, _TRIAL_WINDOWS = 32, 4_000
_FARTHEST = 4.0
_SPLITTING = slice(1, None, 2)  # every other knot tells which situations went on alike
_TOGETHER = 512
_TENTHS = (0.1, 0.5, 0.9)


class Lessons(NamedTuple):
    """Past days of many accounts, and what followed.

    Shapes
    ------
    account : int64[n]
    inputs : float32[n, features]
    errors : float64[n, knots]
        NaN where it was not observed.
    events : float64[n, 6, 3]
    """

    account: Integers
    inputs: NDArray[np.float32]
    errors: Floats
    events: Floats

    def some(self, chosen: NDArray[np.bool_] | Integers) -> Lessons:
        """Give some of them."""
        return Lessons(self.account[chosen], self.inputs[chosen], self.errors[chosen], self.events[chosen])


class Runner(Protocol):
    """Calls a function with its arguments, here or elsewhere."""

    def __call__(self, work: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Give what the function gives."""


def here(work: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function in this process."""
    return work(*args, **kwargs)


def fit(
    accounts: Sequence[Account], *, known_until: int, seed: int, boosting: bool | None = None, apart: Runner = here
) -> Model:
    """Learn from past days of many accounts.

    A day counts if its account was known for 60 days by then and moved in the last two months, and if at least 75 days
    after it were observed: up to ``known_until``, and no later than a month after the last movement, for nobody knows
    whether an account that fell silent was closed. With too few such days the prior formula is given. ``boosting`` adds
    the second opinion of ``boost.py``, which needs LightGBM to learn and to look ahead; None: where that is there.
    ``apart`` calls the steps that take much memory.

    Examples
    --------
    >>> fit([], known_until=0, seed=7, boosting=False) == Model()
    True
    """
    known = [cut for account in accounts if (cut := account.until(known_until)).days.size]
    rng = np.random.default_rng(seed)
    truths = list(_truths(known, known_until=known_until, rng=rng))
    if sum(len(truth.days) for _, truth in truths) < FEWEST_WINDOWS:
        return Model()
    extra = extra_pay(stream for account in known for stream in find_streams(account, as_of=known_until))
    blank = Model(
        known_until=known_until,
        months=_months(truths, known_until=known_until),
        extra=tuple(Habit(*way, factors) for way, factors in extra.items()),
    )
    panels, lessons = _lessons(_panels(known, truths, extra=extra), truths, calendar=blank.calendar)
    del known, truths
    stretch, odds = apart(_corrections, blank, panels, lessons, trees=_TRIAL_TREES, seed=seed, apart=apart)
    grown = apart(_grown, blank, lessons, trees=TREES, seed=seed)
    asked, of_year = loadable() if boosting is None else boosting, blank.calendar
    boosted = apart(_boosted, panels, lessons, calendar=of_year, rounds=ROUNDS, seed=seed) if asked else ()
    return replace(grown, boosted=boosted, stretch=stretch, odds=odds)


def fit_to_bytes(
    accounts: Sequence[Account], *, known_until: int, seed: int, apart: Runner = here
) -> tuple[int, bytes]:
    """Learn as :func:`fit` does; give how many past days were learned from, and the bytes of the model alone.

    Examples
    --------
    >>> fit_to_bytes([], known_until=0, seed=7) == (0, Model().to_bytes())
    True
    """
    model = fit(accounts, known_until=known_until, seed=seed, apart=apart)
    return model.windows, model.to_bytes()


def _boosted(panels: Sequence[Panel], lessons: Lessons, *, calendar: bool, rounds: int, seed: int) -> tuple[str, ...]:
    drawn = drawn_knots(lessons.errors, seed=seed)
    ends = np.cumsum([len(panel.as_of) for panel in panels])[:-1]
    parts = zip(panels, np.split(lessons.inputs, ends), np.split(drawn, ends), strict=True)
    rows = (knot_inputs(inputs, panel, knots=KNOTS, calendar=calendar)[some] for panel, inputs, some in parts)
    return boost(_stacked(rows, count=int(drawn.sum())), lessons.errors[drawn], rounds=rounds, seed=seed)


def _stacked(parts: Iterable[NDArray[np.float32]], *, count: int) -> NDArray[np.float32]:
    """Put rows into one array as they come: all parts beside the whole would take twice the memory."""
    walk = iter(parts)
    first = next(walk)
    whole, at = np.empty((count, first.shape[1]), np.float32), 0
    for part in chain((first,), walk):
        whole[at : at + len(part)] = part
        at += len(part)
    return whole


def follow(model: Model, accounts: Sequence[Account], *, known_until: int) -> Model:
    """Let the bands follow the last days: look ahead again from 30, 60 and 90 days ago, and see what lay beyond.

    Nothing after ``known_until`` is looked at. Where nobody was known then, the model stays as it is.
    """
    beyond = np.full((len(THIRDS), 2), np.nan)
    for third, ago in enumerate(THIRDS):
        panel, balances = _since(accounts, known_until - ago, known_until=known_until, extra=model.customs)
        if panel is not None:
            beyond[third] = model.beyond(panel, balances, third=third)
    return replace(model, stretch=adapted(model.stretch, beyond))


def _since(accounts: Sequence[Account], day: int, *, known_until: int, extra: Extra) -> tuple[Panel | None, Floats]:
    """Give what accounts looked like on a day, and what came after it."""
    looks: list[Look] = []
    later: list[Floats] = []
    for account in accounts:
        past = account.until(day)
        if past.tells_balance and silence(past, as_of=day) is None:
            looks.append(look_from(account, day, extra=extra))
            later.append(labels(account, after=np.array([day]), known_until=known_until).balances)
    balances = np.concatenate([np.zeros((0, AHEAD_DAYS)), *later])
    return (align(looks) if looks else None), balances


def _truths(accounts: Sequence[Account], *, known_until: int, rng: np.random.Generator) -> Iterator[tuple[int, Labels]]:
    """Give past days of each account and what happened after them, as many of each as there is room for."""
    spans = [min(known_until, int(one.days[-1])) - OBSERVED_DAYS - int(one.days[0]) - MINIMUM_DAYS for one in accounts]
    stride = max(1, -(-sum(span for span in spans if span > 0) // MOST_WINDOWS))
    for number, (account, span) in enumerate(zip(accounts, spans, strict=True)):
        offset = int(rng.integers(stride))  # every account on days of its own, so that all days are seen
        after = int(account.days[0]) + MINIMUM_DAYS + np.arange(offset, span + 1, stride)
        if not after.size:
            continue
        after = after[after - account.days[np.searchsorted(account.days, after, side="right") - 1] <= MAXIMUM_SILENCE]
        if not after.size:
            continue
        truth = labels(account, after=after, known_until=known_until)
        told = ~np.isnan(truth.balances[:, OBSERVED_DAYS - 1]) & ~np.isnan(truth.turnover) & ~np.isnan(truth.opening)
        if told.any():
            yield number, Labels(**{name: column[told] for name, column in vars(truth).items()})


def _months(truths: Sequence[tuple[int, Labels]], *, known_until: int) -> tuple[int, ...]:
    """Give the calendar months that lie ahead of some day and were observed."""
    days = np.unique(np.concatenate([truth.days for _, truth in truths]))
    seen = days[:, None] + np.arange(1, AHEAD_DAYS + 1) <= known_until
    return tuple(np.unique(months_ahead(days)[seen]).tolist())


def _panels(accounts: Sequence[Account], truths: Sequence[tuple[int, Labels]], *, extra: Extra) -> Iterator[Panel]:
    looks: list[Look] = []
    for number, truth in truths:
        account = accounts[number]
        payments = [expected_payments(account, as_of=day, extra=extra) for day in truth.days.tolist()]
        looks.append(Look(account, truth, payments))
        if sum(len(look.baseline.days) for look in looks) >= _TOGETHER:
            yield align(looks)
            looks = []
    if looks:
        yield align(looks)


def _lessons(
    panels: Iterable[Panel], truths: Sequence[tuple[int, Labels]], *, calendar: bool
) -> tuple[list[Panel], Lessons]:
    """Give what is learned from, and the panels condensed: together they would fill the memory."""
    kept: list[Panel] = []
    parts: list[tuple[NDArray[np.float32], Floats]] = []
    balances = np.concatenate([at_knots(truth.balances) for _, truth in truths])
    start = 0
    for panel in panels:
        end = start + len(panel.as_of)
        moved = (balances[start:end] - panel.opening[:, None]) / panel.unit[:, None]
        known = centre(panel) + leading(panel)
        parts.append((features(panel, calendar=calendar), moved - at_knots(known)))
        kept.append(panel.condensed())
        start = end
    inputs, errors = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    account = np.concatenate([np.full(len(truth.days), number) for number, truth in truths])
    return kept, Lessons(account, inputs, errors, np.concatenate([truth.events for _, truth in truths]))


def _grown(blank: Model, lessons: Lessons, *, trees: int, seed: int) -> Model:
    told = ~np.isnan(lessons.events[:, SHORTFALLS:]).any(axis=(1, 2))
    came = lessons.events[told, SHORTFALLS:].reshape(
        np.count_nonzero(told), (len(EVENTS) - SHORTFALLS) * len(WITHIN_DAYS)
    )
    errors = _carried(lessons.errors)
    enough = len(came) >= FEWEST_WINDOWS
    return replace(
        blank,
        windows=len(errors),
        paths=grow(
            lessons.inputs,
            np.clip(errors[:, _SPLITTING], -_FARTHEST, _FARTHEST),
            trees=trees,
            leaf=LEAF,
            kept=KEPT,
            seed=seed,
        ),
        errors=errors.astype(np.float32).tobytes(),
        events=grow(lessons.inputs[told], came, trees=trees, leaf=EVENT_LEAF, kept=EVENT_KEPT, seed=seed)
        if enough
        else None,
        came=came.astype(np.uint8).tobytes() if enough else b"",
    )


def _carried(errors: Floats) -> Floats:
    """Let a path that was not observed to its end stay where it was seen last."""
    seen = np.where(np.isnan(errors), 0, np.arange(errors.shape[1]))
    return np.take_along_axis(errors, np.maximum.accumulate(seen, axis=1), axis=1)


def _corrections(
    blank: Model, panels: Sequence[Panel], lessons: Lessons, *, trees: int, seed: int, apart: Runner
) -> tuple[Stretch, Odds | None]:
    """Ask forests about accounts that they did not see, and learn by how much they were wrong.

    What grows a forest takes much memory, and so do its answers: each has a process of its own.
    """
    rng = np.random.default_rng(seed)
    accounts, of_account = np.unique(lessons.account, return_inverse=True)
    if len(accounts) < FOLDS:
        return NO_STRETCH, None
    fold = (rng.permutation(len(accounts)) % FOLDS)[of_account]
    length = np.concatenate([panel.length for panel in panels])
    drawn = np.full((len(fold), len(_TENTHS), len(KNOTS)), np.nan)
    chances = np.full(lessons.events.shape, np.nan)
    starts = np.cumsum([0, *(len(panel.as_of) for panel in panels)])
    share = min(1.0, _TRIAL_WINDOWS * FOLDS / len(fold))
    asked = rng.random(len(fold)) < share
    for out in range(FOLDS):
        trial = apart(_grown, blank, lessons.some(fold != out), trees=trees, seed=seed)
        for start, panel in zip(starts.tolist(), panels, strict=False):
            of = np.flatnonzero(
                (fold == out)[start : start + len(panel.as_of)] & asked[start : start + len(panel.as_of)]
            )
            if of.size:
                errors, raw = trial.raw(panel.some(of), lessons.inputs[start + of])
                drawn[start + of], chances[start + of] = np.quantile(errors, _TENTHS, axis=1).swapaxes(0, 1), raw
    told = ~np.isnan(drawn[:, 0, 0])
    stretch = fit_stretch(drawn[told], lessons.errors[told], length=length[told], knots=KNOTS)
    months = shares_of_months(months_ahead(np.concatenate([panel.as_of for panel in panels])[told]))
    return stretch, fit_odds(chances[told], lessons.events[told], months=months)
