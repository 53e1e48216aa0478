"""What the policy could see at a decision, of every action that was allowed, and not only of the one that it chose.

The journal keeps the chosen action's context alone. The laboratory looks again, through the product's own gate and its
own functions, and checks that it saw what the product saw. It writes nothing, and its reading is no use.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from marketofone.decide.context_matrix import build_contexts, build_view
from marketofone.domain.action import NOTHING, Action, Kind
from marketofone.domain.decision import Decision
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import answer
from marketofone.models.bandit import OwnAnswers
from marketofone.projection.contacts import ContactRecord
from marketofone.services.bank import Bank
from marketofone.services.decisions.inputs import decision_input_of

Row = NDArray[np.float32]
HALF_LIFE = 7 * DAY  # of what somebody still feels of having been addressed
_COUNTED = ("answered", "accepted", "declined")
_HALF, _HALF_WORTH = 3.0, 1.0  # answers after which a share counts half, and reports after which a worth does
OWN = 3
"""How many numbers :func:`own_of` gives."""
NOTHING_SEEN: Row = np.zeros((0, 0), dtype=np.float32)


class Observer:
    """Looks at what a bank saw when it decided."""

    def __init__(self, bank: Bank) -> None:
        compiled = bank.config.compiled
        self._context, self._compiled = bank.context, compiled
        self._row = {action.id: row for row, action in enumerate(compiled.offered)}
        self._kinds = sorted({action.kind for action in compiled.offered})

    def look(self, decision: Decision, allowed: Sequence[str]) -> Row:
        """Give what was visible of some actions: the context, then the person's own past; noughts for doing nothing.

        The past is that of all that was said, and then that of the action itself. Shapes: (allowed, context and past).

        Raises
        ------
        AssertionError
            When the chosen action's context is not the one that the decision keeps.
        """
        contexts, past, own = self._again(decision)
        if decision.action != NOTHING and contexts[self._row[decision.action]].tolist() != list(decision.context):
            raise AssertionError(f"the decision {decision.id} saw something else")
        seen = np.zeros((len(allowed), contexts.shape[1] + len(past) + OWN), dtype=np.float32)
        for place, action in enumerate(allowed):
            if action != NOTHING:
                of_it = own_of(self._compiled.offered[self._row[action]], own)
                seen[place] = np.concatenate((contexts[self._row[action]], past, of_it))
        return seen

    def _again(self, decision: Decision) -> tuple[Row, Row, OwnAnswers]:
        """Look again as a decision did: the contexts of all actions, and the person's own past and answers."""
        with self._context.store.read() as reader:
            snapshot = self._context.snapshot(reader)
            person = snapshot.person(decision.customer)
            policy = self._context.policy(reader, snapshot)
            asked = decision_input_of(
                snapshot, person, decision.request, policy=policy, secret=self._context.keys.secret
            )
        view = build_view(decision.request, asked, compiled=self._compiled)
        conditions = self._compiled.no_candidates.conditions
        (matrix,) = build_contexts([view], compiled=self._compiled, conditions=conditions, changes={})
        rows = np.arange(len(self._compiled.offered))
        contexts = matrix.contexts(rows).astype(np.float32)
        before = [said for said in person.contacts if said.decision != decision.id]
        may_learn = bool(asked.own_answers.answers)  # it is empty where a person does not allow learning from it
        return contexts, own_past(before, kinds=self._kinds, now=decision.at, may_learn=may_learn), asked.own_answers


def own_of(action: Action, own: OwnAnswers) -> Row:
    """Describe what a person did with one action before: how often they answered, how often yes, and what it was worth.

    The first is a logarithm, the last in multiples of what the catalogue states. Shapes: (3,).
    """
    answers = [yes for name, yes in own.answers if name == action.id]
    reports = [worth for name, worth in own.reports if name == action.id]
    stated = max(abs(action.value_minor), 1)
    worth = sum(reports) / stated / (len(reports) + _HALF_WORTH)
    return np.array([np.log1p(len(answers)), sum(answers) / (len(answers) + _HALF), worth], dtype=np.float32)


def own_past(contacts: Sequence[ContactRecord], *, kinds: Sequence[Kind], now: Instant, may_learn: bool) -> Row:
    """Describe what was said to a person before, and what they made of it.

    First how much of having been addressed they still feel, which needs no permission: caps rest on it, too. Then, for
    each kind and for all together, how often they answered (as a logarithm), and the shares of yes and of no. Without
    permission to learn from answers these are noughts. Shapes: (1 + 3 (kinds + 1),).
    """
    felt = sum(0.5 ** ((now - said.at) / HALF_LIFE) for said in contacts)
    counts = np.zeros((len(_COUNTED), len(kinds)))
    for said in contacts if may_learn else ():
        known = answer([heard for at, heard in said.answers if at <= now])
        verdict = None if known is None else known.verdict
        counts[:, kinds.index(said.kind)] += [known is not None, *(verdict == one for one in _COUNTED[1:])]
    answered, *named = np.column_stack((counts, counts.sum(axis=1)))
    return np.concatenate(([felt], np.log1p(answered), *(one / (answered + _HALF) for one in named)), dtype=np.float32)
