"""What would have changed the action: the smallest change found, verified by choosing again with the same random draws.

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

from marketofone.decide.choose import Choice, DecisionContext, choose, scored, taken_off
from marketofone.decide.compiled_catalogue import NOTHING_ROW, PLAUSIBLE, WHOLE, Rows, range_of
from marketofone.decide.context_matrix import FloatArray, namespace_for
from marketofone.decide.decision_input import ACTION_ROLES
from marketofone.decide.expressions import Threshold
from marketofone.decide.forecast_facts import CHANGEABLE, FACTS
from marketofone.decide.reasons import in_words, named, value_of
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Counterfactual
from marketofone.domain.languages import message

_INSTEAD = message("%(text_title)s: %(number)s instead of %(number_before)s")
_TRIED = 3  # proposals that are verified
_RIVALS = 4


class Change(NamedTuple):
    """One proposal: how large it is in units of the scale, and which name takes which value."""

    size: float
    name: str
    old: float
    new: float


def find_counterfactual(context: DecisionContext, choice: Choice) -> tuple[Counterfactual, Change] | None:
    """Find the smallest change that leads to another action; None when none is found within the plausible range."""
    proposals = sorted({*_by_thresholds(context, choice), *_by_scores(context, choice)})
    for change in proposals[:_TRIED]:
        again = choose(context, changes={change.name: change.new}, before=choice)
        if again.chosen != choice.chosen:
            action = NOTHING if again.chosen == NOTHING_ROW else context.compiled.offered[again.chosen].id
            return Counterfactual(change=_words(context, change), action=action), change
    return None


def _words(context: DecisionContext, change: Change) -> str:
    title, unit, _ = named(context, change.name)
    new, old = (in_words(value, unit=unit, decimals=context.compiled.decimals) for value in (change.new, change.old))
    return _INSTEAD % {"text_title": title, "number": new, "number_before": old}


def _by_thresholds(context: DecisionContext, choice: Choice) -> Iterator[Change]:
    compiled = context.compiled
    sought = [(compiled.stress, ACTION_ROLES.index("care"), False)] if choice.stressed else []
    rows = [] if choice.chosen == NOTHING_ROW else [(choice.chosen, False)]
    for row, hold in (*rows, *((row, True) for row in _shut_out(context, choice))):
        sought.append((compiled.catalogue.expressions[1 + row], int(compiled.purpose_of[row]), hold))
    for expression, purpose, hold in sought:
        seen = namespace_for(purpose, choice.matrix, context.feature_view, compiled=compiled)
        for threshold in expression.thresholds:
            old = value_of(context, choice, threshold.name, purpose=purpose)
            # Nobody should be told that they would have needed a bereavement, or another day.
            fixed = threshold.name.startswith("life:") or threshold.name in FACTS.keys() - CHANGEABLE
            if not (fixed or math.isnan(old) or threshold.holds(old) is hold):
                change = _crossing(context, threshold, old=old, hold=hold)
                if change.size <= PLAUSIBLE and expression.holds({**seen, change.name: change.new}) is hold:
                    yield change


def _shut_out(context: DecisionContext, choice: Choice) -> list[int]:
    """Find the best actions that only their own condition keeps from winning."""
    rows = choice.untrue[[row not in choice.gate_rejections for row in choice.untrue.tolist()]]
    if choice.uniform:
        standing, bar = -context.random_draws.places[rows], -context.random_draws.places[choice.chosen]
    else:
        standing, bar = scored(context, rows, choice.matrix.contexts(rows))[2], choice.samples[choice.place]
    better = rows[standing > bar]
    order = np.lexsort((better, -standing[standing > bar]))
    best: list[int] = better[order][:_RIVALS].tolist()
    return best


def _crossing(context: DecisionContext, threshold: Threshold, *, old: float, hold: bool) -> Change:
    """Give the least change after which a threshold holds, or no longer does; of no size when it cannot be."""
    name, bound, scales = threshold.name, threshold.bound, context.compiled.features.scales
    _, unit, feature = named(context, name)
    least, most = range_of(feature) if feature is not None else (-math.inf if unit == "minor" else 0.0, math.inf)
    step = 1.0 if unit in WHOLE else 0.01 * scales.get(name, 1.0)
    beside = [new for new in (bound, bound - step, bound + step) if threshold.holds(new) is hold and new != old]
    if not beside or not least <= beside[0] <= most:
        return Change(size=math.inf, name=name, old=old, new=old)
    scale = FACTS[name].scale if name in FACTS else scales.get(name, max(abs(old), abs(beside[0]), 1.0))
    return Change(size=abs(beside[0] - old) / scale, name=name, old=old, new=beside[0])


def _by_scores(context: DecisionContext, choice: Choice) -> Iterator[Change]:
    """Give, for each context feature, the least of some steps after which a rival's score lies above the chosen one's.

    The policy knows its scores along one feature exactly, so only eligibility is left to be verified.
    """
    others = np.flatnonzero((choice.options != choice.chosen) & (choice.options != NOTHING_ROW))
    rivals = choice.options[others[np.argsort(-choice.samples[others], kind="stable")[:_RIVALS]]].tolist()
    if choice.uniform or not rivals:
        return
    chosen = [] if choice.chosen == NOTHING_ROW else [choice.chosen]
    limits = context.compiled.limits
    old = np.fmax.reduce(choice.matrix.values[:, limits.place], axis=0)  # alike wherever it is visible
    new = old[:, np.newaxis] + limits.steps
    after = _scores_along(context, choice, np.array(rivals + chosen), old=old, new=new)
    own = after[-1] if chosen else np.zeros(new.shape)
    best = after[: len(rivals)].max(axis=0)
    if chosen and NOTHING_ROW in choice.options:
        best = np.maximum(best, 0.0)
    changed = (best > own) & (new >= limits.least) & (new <= limits.most)
    size = np.where(changed, np.abs(limits.steps) / limits.scale, np.inf)
    least = (np.arange(old.size), size.argmin(axis=1))
    columns = (column.tolist() for column in (size[least], old, new[least]))
    for feature, of, was, to in zip(context.compiled.context, *columns, strict=True):
        if of < np.inf:
            yield Change(of, feature.name, was, to)


def _scores_along(
    context: DecisionContext, choice: Choice, rows: Rows, *, old: FloatArray, new: FloatArray
) -> FloatArray:
    """Give the score of each row at each new value, shape (rows, n, g)."""
    decision_input, limits = context.decision_input, context.compiled.limits
    was = old[:, np.newaxis]
    step = new / (np.abs(new) + limits.scale) - was / (np.abs(was) + limits.scale)
    views = context.feature_view.of[context.compiled.purpose_of[rows]]
    visible = ~np.isnan(choice.matrix.values[:, limits.place])[views]
    scores = decision_input.beliefs.score_along(
        rows,
        choice.matrix.contexts(rows),
        places=slice(1, 1 + old.size),
        steps=np.where(visible[:, :, np.newaxis], step, 0.0),
        own=decision_input.own_answers,
    )
    mean = scores.mean - taken_off(context, rows, scores.mean) if context.lowered else scores.mean
    after: FloatArray = mean + scores.spread * context.random_draws.normals(rows)[:, np.newaxis, np.newaxis]
    return after
