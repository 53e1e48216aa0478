"""What would have changed the action: the smallest change found, verified by choosing again with the same luck.

1. *Thresholds*: break one that opened the chosen action; meet one that shut out an action with a higher score; end a
   stress that silenced everything else.
2. *Scores*: along each context feature, the least of some steps after which a rival's score overtakes the chosen one's.
3. Rank all proposals by their size in units of the feature's scale, leave out what is not plausible, and choose again
   with the first few until the action really changes. Nothing that does not change it is ever said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from marketofone.decide.choose import NOT_TRUE, Choice, Ground, choose
from marketofone.decide.context import FloatArray
from marketofone.decide.expressions import Threshold
from marketofone.decide.foresight import CHANGEABLE, FACTS
from marketofone.decide.playbook import NOBODY, PLAUSIBLE, WHOLE, Rows, range_of
from marketofone.decide.reasons import in_words, named, value_of
from marketofone.decide.situation import PURPOSES
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Instead

_TRIED = 3  # proposals that are verified
_RIVALS = 4


class Change(NamedTuple):
    """One proposal: how large it is in units of the scale, and which name takes which value."""

    size: float
    name: str
    old: float
    new: float


def find_instead(ground: Ground, choice: Choice) -> tuple[Instead, Change] | None:
    """Find the smallest change that leads to another action; None when none is found within the plausible range."""
    proposals = sorted({*_by_thresholds(ground, choice), *_by_scores(ground, choice)})
    for change in proposals[:_TRIED]:
        again = choose(ground, changes={change.name: change.new}, before=choice)
        if again.chosen != choice.chosen:
            action = NOTHING if again.chosen == NOBODY else ground.playbook.offered[again.chosen].id
            return Instead(change=_words(ground, change), action=action), change
    return None


def _words(ground: Ground, change: Change) -> str:
    title, unit, _ = named(ground, change.name)
    return f"{title}: {in_words(change.new, unit=unit)} instead of {in_words(change.old, unit=unit)}"


def _by_thresholds(ground: Ground, choice: Choice) -> Iterator[Change]:
    playbook = ground.playbook
    sought = [(playbook.stress, PURPOSES.index("care"), False)] if choice.stressed else []
    rows = [] if choice.chosen == NOBODY else [(choice.chosen, False)]
    for row, hold in (*rows, *((row, True) for row in _shut_out(ground, choice))):
        sought.append((playbook.catalogue.expressions[1 + row], int(playbook.purpose_of[row]), hold))
    for expression, purpose, hold in sought:
        seen = choice.sight.namespaces[purpose]
        for threshold in expression.thresholds:
            old = value_of(choice, threshold.name, purpose=purpose)
            # Nobody should be told that they would have needed a bereavement, or another day.
            fixed = threshold.name.startswith("life:") or threshold.name in FACTS.keys() - CHANGEABLE
            if not (fixed or math.isnan(old) or threshold.holds(old) is hold):
                change = _crossing(ground, threshold, old=old, hold=hold)
                if change.size <= PLAUSIBLE and expression.holds({**seen, change.name: change.new}) is hold:
                    yield change


def _shut_out(ground: Ground, choice: Choice) -> list[int]:
    """Find the best actions that only their own condition keeps from winning."""
    if choice.uniform:
        standing, bar = -ground.luck.places, -ground.luck.places[choice.chosen]
    else:
        standing, bar = choice.samples, 0.0 if choice.chosen == NOBODY else choice.samples[choice.chosen]
    rows = [
        row
        for row, stop in choice.stops.items()
        if stop is NOT_TRUE and row not in choice.barred and standing[row] > bar
    ]
    return sorted(rows, key=lambda row: (-standing[row], row))[:_RIVALS]


def _crossing(ground: Ground, threshold: Threshold, *, old: float, hold: bool) -> Change:
    """Give the least change after which a threshold holds, or no longer does; of no size when it cannot be."""
    name, bound, scales = threshold.name, threshold.bound, ground.playbook.features.scales
    _, unit, feature = named(ground, name)
    least, most = range_of(feature) if feature is not None else (-math.inf if unit == "minor" else 0.0, math.inf)
    step = 1.0 if unit in WHOLE else 0.01 * scales.get(name, 1.0)
    beside = [new for new in (bound, bound - step, bound + step) if threshold.holds(new) is hold and new != old]
    if not beside or not least <= beside[0] <= most:
        return Change(size=math.inf, name=name, old=old, new=old)
    scale = FACTS[name].scale if name in FACTS else scales.get(name, max(abs(old), abs(beside[0]), 1.0))
    return Change(size=abs(beside[0] - old) / scale, name=name, old=old, new=beside[0])


def _by_scores(ground: Ground, choice: Choice) -> Iterator[Change]:
    """Give, for each context feature, the least of some steps after which a rival's score lies above the chosen one's.

    Along one feature a score is ``value * (m + w t) + luck |value| sqrt(q + 2 g t + c t t)``, with t the change of the
    squashed feature and g its entry of ``covariance @ x``: exact, so only eligibility is left to be verified.
    """
    rows = choice.options[(choice.options != choice.chosen) & (choice.options != NOBODY)]
    rivals = rows[np.argsort(-choice.samples[rows], kind="stable")[:_RIVALS]].tolist()
    if choice.uniform or not rivals:
        return
    chosen = [] if choice.chosen == NOBODY else [choice.chosen]
    limits = ground.playbook.limits
    old = np.fmax.reduce(choice.sight.values[:, limits.place], axis=0)  # alike wherever it is visible
    new = old[:, np.newaxis] + limits.steps
    after = _scores_along(ground, choice, np.array(rivals + chosen), old=old, new=new)
    own = after[-1] if chosen else np.zeros(new.shape)
    best = after[: len(rivals)].max(axis=0)
    if chosen and NOBODY in choice.options:
        best = np.maximum(best, 0.0)
    changed = (best > own) & (new >= limits.least) & (new <= limits.most)
    size = np.where(changed, np.abs(limits.steps) / limits.scale, np.inf)
    for place, least in enumerate(size.argmin(axis=1).tolist()):
        if size[place, least] < np.inf:
            name = ground.playbook.context[place].name
            yield Change(float(size[place, least]), name, float(old[place]), float(new[place, least]))


def _scores_along(ground: Ground, choice: Choice, rows: Rows, *, old: FloatArray, new: FloatArray) -> FloatArray:
    """Give the score of each row at each new value, shape (rows, n, g)."""
    situation, limits = ground.situation, ground.playbook.limits
    contexts = choice.sight.contexts[rows]
    own = slice(1, 1 + old.size)
    covariance = situation.arms.covariance[rows]
    gains = np.einsum("kde,ke->kd", covariance, contexts)
    variance = np.einsum("kd,kd->k", gains, contexts)[:, np.newaxis, np.newaxis]
    bends = np.einsum("kdd->kd", covariance)
    was = old[:, np.newaxis]
    step = new / (np.abs(new) + limits.scale) - was / (np.abs(was) + limits.scale)
    visible = ~np.isnan(choice.sight.values[:, limits.place])[ground.playbook.purpose_of[rows]]
    t = np.where(visible[:, :, np.newaxis], step, 0.0)
    spread = np.sqrt(np.maximum(variance + t * (2.0 * gains[:, own, np.newaxis] + t * bends[:, own, np.newaxis]), 0.0))
    value = situation.values[rows][:, np.newaxis, np.newaxis]
    luck = np.abs(value) * ground.luck.normals[rows][:, np.newaxis, np.newaxis]
    moved = value * situation.arms.mean[rows][:, own, np.newaxis] * t + luck * (spread - np.sqrt(variance))
    after: FloatArray = choice.samples[rows][:, np.newaxis, np.newaxis] + moved
    return after
