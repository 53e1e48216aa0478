"""How good is a recommendation? A share of what each person took is hidden, and looked for in ten recommendations.

1. Of each person's items a quarter is hidden by chance, in several splits, each from its own seed. A row is a yes.
2. Settings are chosen on a quarter of what is left, hidden in the same way, for each split and each method; what is
   judged on is not looked at.
3. All items that a person is not known to hold are ranked; ten are recommended.
4. Scores are means over splits, then people. Intervals are bootstrapped over people, all their splits together: what
   other people would have given, not what other splits would.

With tags of items there is a second question: a part of the items is taken out for all people, as if none had ever
been shown them, and ranked for those who took them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.domain.errors import MalformedRequest
from marketofone.lab.evaluation.bootstrap import Interval, draws, ratio, spread_of
from marketofone.lab.evaluation.recommenders import (
    OURS,
    PEERS,
    Held,
    Recommender,
    Setting,
    item_weights,
    present,
)
from marketofone.models.recommend.content import content_match, content_weights

Floats: TypeAlias = NDArray[np.float64]
Scored: TypeAlias = NDArray[np.float32]
Step = Callable[[int, int, str], None]

TEN = 10
SEED = 1
HIDDEN = 0.25
COLD = 0.15
MOST_ITEMS = 5_000
LEVEL = 0.95
_TIMES = 400
_PROTOCOL = (
    f"{HIDDEN:.0%} of each user's items hidden, {{splits}} splits from seed {SEED} on, top {TEN} of what is not known"
    " to be held, binary relevance; settings chosen on a quarter of what is left"
)
_GAIN = 1.0 / np.log2(np.arange(2, TEN + 2))
_IDEAL = np.concatenate([[0.0], np.cumsum(_GAIN)])


class RecommenderScore(Struct, frozen=True, kw_only=True):
    """How a method did, and the setting chosen for each seed. ``coverage``: the share of items given to anybody."""

    method: str
    ndcg_at_10: Interval
    recall_at_10: Interval
    coverage: Interval
    chosen: tuple[dict[str, float], ...]


class Lead(Struct, frozen=True, kw_only=True):
    """By how much ours is above a peer in nDCG@10, the same people drawn for both."""

    peer: str
    ndcg_at_10: Interval


class ColdScore(Struct, frozen=True, kw_only=True):
    """How items that no person had been shown were ranked among each other."""

    method: str
    ndcg_at_10: Interval


class RecommendReport(Struct, frozen=True, kw_only=True):
    """What was found on a log, and how it was asked."""

    users: int
    items: int
    rows: int
    protocol: str
    ndcg_at_10: float
    methods: tuple[RecommenderScore, ...]
    leads: tuple[Lead, ...]
    absent: tuple[str, ...] = ()
    """Peers whose library is not installed."""
    cold_start: tuple[ColdScore, ...] = ()


class _Told(NamedTuple):
    """What one split says of a method, person by person (NaN: nothing was hidden), and what each was given."""

    ndcg: Floats
    recall: Floats
    given: Held
    chosen: dict[str, float]


def evaluate_recommend(
    log: Sequence[tuple[str, str]], *, splits: int, tags: Mapping[str, Collection[str]] | None = None, step: Step
) -> RecommendReport:
    """Judge ours beside its peers on a log of users and items, hidden in so many splits.

    Raises
    ------
    MalformedRequest
        When there are too many items, or nothing can be hidden.
    """
    held, items = _table(log)
    methods = [OURS, *present(PEERS)]
    told: dict[str, list[_Told]] = {method.name: [] for method in methods}
    total = splits * len(methods)
    for number in range(splits):
        known, hidden = split(held, share=HIDDEN, seed=SEED + number)
        for place, method in enumerate(methods):
            step(number * len(methods) + place, total, "recommending")
            told[method.name].append(_judged(method, known, hidden, seed=SEED + number))
    step(total, total, "recommending")
    scores = tuple(_score(name, each) for name, each in told.items())
    ours = _mean([one.ndcg for one in told[OURS.name]])
    leads = [
        Lead(peer=name, ndcg_at_10=_over_people(ours - _mean([one.ndcg for one in each])))
        for name, each in told.items()
        if name != OURS.name
    ]
    return RecommendReport(
        users=len(held),
        items=len(items),
        rows=int(held.sum()),
        protocol=_PROTOCOL.format(splits=splits),
        ndcg_at_10=scores[0].ndcg_at_10.value,
        methods=scores,
        leads=tuple(leads),
        absent=tuple(method.name for method in PEERS if method.name not in told),
        cold_start=() if tags is None else _cold_start(held, items, tags, scores[0].chosen),
    )


def _table(log: Sequence[tuple[str, str]]) -> tuple[Held, list[str]]:
    users, items = (sorted(set(column)) for column in zip(*log, strict=True))
    if len(items) > MOST_ITEMS:
        raise MalformedRequest(field="item", shape=f"{len(items)} items", fix=f"give at most {MOST_ITEMS}")
    rows = {user: number for number, user in enumerate(users)}
    columns = {item: number for number, item in enumerate(items)}
    held = np.zeros((len(users), len(items)), dtype=bool)
    held[[rows[user] for user, _ in log], [columns[item] for _, item in log]] = True
    if held.sum(axis=1).max() < round(1 / HIDDEN):
        raise MalformedRequest(field="item", shape="no user with several", fix="give users who took 4 items or more")
    return held, items


def split(held: Held, *, share: float, seed: int) -> tuple[Held, Held]:
    """Hide a share of each person's items; gives what stays known, and what is hidden."""
    rng = np.random.default_rng(seed)
    hidden = np.zeros_like(held)
    for person, row in enumerate(held):
        items = rng.permutation(np.flatnonzero(row))
        hidden[person, items[: round(share * len(items))]] = True
    return held & ~hidden, hidden


def top_ten(scores: Scored, *, among: Held) -> NDArray[np.intp]:
    """Give the ten best items of each person ``among`` those that may be recommended, the best first."""
    ranked = np.where(among, scores, -np.inf)
    if ranked.shape[1] > TEN:
        some = np.sort(np.argpartition(-ranked, TEN, axis=1)[:, :TEN], axis=1)
        order = np.argsort(-np.take_along_axis(ranked, some, axis=1), axis=1, kind="stable")
        return np.take_along_axis(some, order, axis=1)
    return np.argsort(-ranked, axis=1, kind="stable")


def ndcg(best: NDArray[np.intp], hidden: Held) -> Floats:
    """Give each person's normalised discounted cumulative gain; NaN where nothing was hidden.

    Source: Järvelin and Kekäläinen (2002), with binary gains; the ideal holds at most ten items.

    Examples
    --------
    >>> hidden = np.zeros((1, 12), dtype=bool)
    >>> hidden[0, [0, 5]] = True
    >>> ndcg(np.arange(12)[None, :10], hidden).round(3).tolist()
    [0.832]
    """
    found = np.take_along_axis(hidden, best, axis=1)
    ideal = _IDEAL[np.minimum(hidden.sum(axis=1), TEN)]
    gain = np.full(len(hidden), np.nan)
    np.divide(found @ _GAIN[: best.shape[1]], ideal, out=gain, where=ideal > 0)
    return gain


def _judged(method: Recommender, known: Held, hidden: Held, *, seed: int) -> _Told:
    setting = _chosen(method, known, seed=seed)
    best = top_ten(method.learn(known)(setting), among=~known)
    given = np.zeros_like(known)
    np.put_along_axis(given, best, values=True, axis=1)
    count = hidden.sum(axis=1)
    recall = np.divide((given & hidden).sum(axis=1), count, out=np.full(len(count), np.nan), where=count > 0)
    return _Told(ndcg(best, hidden), recall, given, dict(setting))


def _chosen(method: Recommender, known: Held, *, seed: int) -> Setting:
    """Choose the setting that finds most of a validation part of what is known."""
    if len(method.settings) == 1:
        return method.settings[0]
    left, hidden = split(known, share=HIDDEN, seed=seed + 100)
    scores = method.learn(left)
    return max(method.settings, key=lambda one: float(np.nanmean(ndcg(top_ten(scores(one), among=~left), hidden))))


def _mean(each: Sequence[Floats]) -> Floats:
    """Give each person's mean over the splits in which something of theirs was hidden; NaN where it never was."""
    told = np.stack(each)
    asked = (~np.isnan(told)).sum(axis=0)
    mean = np.full(told.shape[1], np.nan)
    np.divide(np.nansum(told, axis=0), asked, out=mean, where=asked > 0)
    return mean


def _score(name: str, told: Sequence[_Told]) -> RecommenderScore:
    weights = draws(np.arange(len(told[0].given)), times=_TIMES, seed=SEED)
    shares = np.mean([((weights > 0) @ one.given.astype(np.float32) > 0).mean(axis=1) for one in told], axis=0)
    whole = float(np.mean([one.given.any(axis=0).mean() for one in told]))
    return RecommenderScore(
        method=name,
        ndcg_at_10=_over_people(_mean([one.ndcg for one in told])),
        recall_at_10=_over_people(_mean([one.recall for one in told])),
        # Draws hold some people twice, so fewer items: what they vary by counts, not where they lie.
        coverage=spread_of(whole, shares - shares.mean() + whole, level=LEVEL),
        chosen=tuple(one.chosen for one in told),
    )


def _over_people(values: Floats) -> Interval:
    told = values[~np.isnan(values)]
    weights = draws(np.arange(told.size), times=_TIMES, seed=SEED)
    return ratio(told, np.ones(told.size), weights, level=LEVEL)


def _cold_start(
    held: Held, items: Sequence[str], tags: Mapping[str, Collection[str]], chosen: Sequence[Setting]
) -> tuple[ColdScore, ...]:
    """Take a part of the items out for all people, and rank these for each person."""
    told: dict[str, list[Floats]] = {}
    for number, setting in enumerate(chosen):
        rng = np.random.default_rng(SEED + number + 200)
        cold = rng.random(len(items)) < COLD
        known = held & ~cold
        among, hidden = np.broadcast_to(cold, held.shape), held & cold
        scores = {
            "marketofone, by content": _by_content(known, items, tags, setting),
            "interests (content match)": _by_interests(known, items, tags, cold),
            "by chance": rng.random(held.shape, dtype=np.float32),
        }
        for name, of in scores.items():
            told.setdefault(name, []).append(ndcg(top_ten(of, among=among), hidden))
    return tuple(ColdScore(method=name, ndcg_at_10=_over_people(_mean(each))) for name, each in told.items())


def _by_content(known: Held, items: Sequence[str], tags: Mapping[str, Collection[str]], setting: Setting) -> Scored:
    places = np.flatnonzero(known.any(axis=0)).tolist()
    found = content_weights(
        {item: tags.get(item, frozenset()) for item in items},
        products=[items[place] for place in places],
        weights=item_weights(known)(setting)[np.ix_(places, places)],
    )
    weights = np.zeros((len(places), len(items)), dtype=np.float32)
    for column, item in enumerate(items):
        if item in found:
            weights[:, column] = list(found[item].values())
    return np.asarray(known[:, places].astype(np.float32) @ weights)


def _by_interests(
    known: Held, items: Sequence[str], tags: Mapping[str, Collection[str]], cold: NDArray[np.bool_]
) -> Scored:
    """Rank by how well tags fit those of what a person holds."""
    scores = np.zeros(known.shape, dtype=np.float32)
    for person, row in enumerate(known):
        interests: dict[str, float] = {}
        for place in np.flatnonzero(row).tolist():
            for tag in tags.get(items[place], ()):
                interests[tag] = interests.get(tag, 0.0) + 1.0
        for place in np.flatnonzero(cold).tolist():
            scores[person, place] = content_match(interests, sorted(tags.get(items[place], ())))
    return scores
