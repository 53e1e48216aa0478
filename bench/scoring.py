"""Scoring alone: from what a person's purposes see to the scores of a hundred actions, as a night has to do it.

Nothing is permitted, drawn, explained, packed or written here, and nothing read: the people were looked up before.
People are counted, each with means and spreads of all actions by chance and worth. Contexts are laid out from what was
seen, and the beliefs are taught. It is what the product does for each decision, by the same functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import process_time

import numpy as np

from bench.deciding import served
from bench.figures import Aim, Figure, rate
from bench.town import ACTIONS, OCCASION, Town
from marketofone.bank import Bank
from marketofone.decide.choose import DecisionContext, prepare
from marketofone.decide.context_matrix import build_contexts, context_table, matches_of
from marketofone.domain.decision import Request
from marketofone.domain.moment import Instant
from marketofone.models.bandit import kernel
from marketofone.services.decisions import assignment
from marketofone.services.decisions.inputs import decision_input_of


def measure(bank: Bank, town: Town, *, count: int) -> Iterator[Figure]:
    """Score all actions for ``count`` people, some of them many times."""
    kernel.load()
    contexts = _prepared(bank, served(bank, town), now=Instant(town.now + 1))
    compiled, conditions = contexts[0].compiled, contexts[0].candidate_set.conditions
    views = [one.feature_view for one in contexts]
    facts = [
        fact
        for one in build_contexts(views, compiled=compiled, conditions=conditions, changes={})
        for fact in one.facts
    ]
    values = np.concatenate([one.values for one in views])
    squashed = compiled.features.squash(values)
    matches = matches_of(values, compiled=compiled, corrected=[one.corrected for one in views for _ in one.views])
    rows, own = contexts[0].candidate_set.options[1:], [one.decision_input.own_answers for one in contexts]
    if rows.size != ACTIONS:
        raise AssertionError(f"{rows.size} actions are scored")
    beliefs, rounds, spent = contexts[0].decision_input.beliefs, -(-count // len(own)), 0.0
    for number in range(rounds + 1):  # what is met for the first time is met before
        began = process_time()
        table = context_table(views, squashed, matches=matches, facts=facts, compiled=compiled)
        beliefs.score_each(table, [(person, answers, rows) for person, answers in enumerate(own)])
        spent += process_time() - began if number else 0.0
    name = f"score {ACTIONS} actions for many, {compiled.dim} features, alone"
    yield Figure(
        own=rate(name, "people/CPU s", count=rounds * len(own), seconds=spent),
        aim=Aim(of="rate", bound=250_000.0, must=100_000.0, above=True),
    )


def _prepared(bank: Bank, people: Sequence[str], *, now: Instant) -> list[DecisionContext]:
    """Gather what decisions about people look at."""
    context, found = bank.context, []
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        for number, name in enumerate(people):
            person = snapshot.person(name)
            request = Request(id=f"scored-{number}", customer=name, occasion=OCCASION, channel="app", at=now)
            policy = assignment.policy_for(context, reader, snapshot, person)
            asked = decision_input_of(snapshot, person, request, policy=policy, secret=context.keys.secret)
            found.append(prepare(request, asked, compiled=snapshot.config.compiled))
    return found
