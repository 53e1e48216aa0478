"""Judge the forecast honestly: on the people who allow learning, or on accounts read from a file the user names."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.domain.errors import MalformedRequest
from marketofone.domain.event import Event
from marketofone.domain.moment import Calendar, Instant
from marketofone.domain.money_events import TransactionBooked
from marketofone.lab.evaluation.boosted import BOOSTED
from marketofone.lab.evaluation.nn5 import CashMachines, cash_machines
from marketofone.lab.evaluation.ours import OURS, UNTAUGHT
from marketofone.lab.evaluation.peers import FAST
from marketofone.lab.evaluation.pretrained import NAME, medians_of, pretrained
from marketofone.lab.evaluation.protocol import (
    Case,
    Method,
    Outcome,
    Split,
    Test,
    answer,
    dated,
    first_year,
    loan_applicants,
    rows_of,
    sample_of,
)
from marketofone.lab.evaluation.report import TestReport, report
from marketofone.lab.evaluation.statistical import PANELS, STATISTICAL
from marketofone.profile.ledger import UNTOLD, Account, Kind
from marketofone.services.learning.train import SOURCE
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.population import DataScope, read_population

Peers = Literal["all", "fast", "none"]
PEERS: tuple[Peers, ...] = get_args(Peers)
Step = Callable[[int, int, str], None]

SEED = 7
SAMPLE = 100
_SECOND_PERIOD = 9131  # 1995-01-01: the accounts of the first year end in March 1994, the loan applicants begin later
_METHODS: dict[Peers, tuple[Method, ...]] = {
    "all": (OURS, UNTAUGHT, *FAST, BOOSTED, *STATISTICAL),
    "fast": (OURS, UNTAUGHT, *FAST, BOOSTED),
    "none": (OURS,),
}


class Plan(Struct, frozen=True, kw_only=True):
    """How to judge: cut-offs (none: the usual ones), splits, peers, and on how many accounts slow ones are tried.

    ``pretrained`` is one peer more: the pipeline of a pretrained forecaster.
    """

    as_of: tuple[int, ...] = ()
    splits: tuple[Split, ...] = ("account", "time")
    peers: Peers = "all"
    sample: int = SAMPLE
    pretrained: Any = None


class Evaluation(Struct, frozen=True, kw_only=True):
    """What was found, test by test."""

    seed: int
    tests: tuple[TestReport, ...]
    cash_machines: CashMachines | None = None


def evaluate_customers(context: AppContext, plan: Plan, *, now: Instant, step: Step) -> Evaluation:
    """Judge the forecast on all who allow learning from their transactions, with nothing later than ``now``."""
    scope = DataScope(context.config.policy.serving("learning"), frozenset({SOURCE}), now, now)
    accounts = [account for known in read_population(context, scope, what="evaluate") for account in known.accounts()]
    moved = [account for account in accounts if account.days.size]
    tests = [(dated(moved, as_of=plan.as_of, name="customers"), moved)] if moved else []
    return _evaluation(tests, plan, step=step)


def evaluate_czech_bank(accounts: Sequence[Account], plan: Plan, *, step: Step) -> Evaluation:
    """Judge the forecast on the Czech bank: R1 on the accounts of its first period, R2 on the later loan applicants.

    With cut-offs of one's own choice there is only R1. R2 is split by account.
    """
    first = [account for account in accounts if account.days[0] < _SECOND_PERIOD]
    later = [account for account in accounts if account.days[0] >= _SECOND_PERIOD]
    tests = [(first_year(first, as_of=plan.as_of), first)] if first else []
    if later and not plan.as_of and "account" in plan.splits:
        tests.append((loan_applicants(later), later))
    return _evaluation(tests, plan, step=step)


def evaluate_series(first_day: int, series: NDArray[np.float64], plan: Plan) -> Evaluation:
    """Judge the generic part of the forecast on daily cash withdrawals, with the protocol of the Monash archive."""
    panels = dict(PANELS) if plan.peers == "all" else {}
    if plan.pretrained is not None:
        panels[NAME] = partial(medians_of, plan.pretrained)
    return Evaluation(seed=SEED, tests=(), cash_machines=cash_machines(series, first_day=first_day, peers=panels))


def accounts_in(events: Iterable[Event], *, calendar: Calendar) -> list[Account]:
    """Gather the accounts that booked transactions tell of, sorted by name."""
    by_account: dict[tuple[str, str], list[tuple[int, Kind, int, int]]] = {}
    for event in events:
        data = event.data
        if isinstance(data, TransactionBooked):
            kind = Kind(data.operation, data.category, data.counterparty or data.merchant)
            told = UNTOLD if data.balance_minor is None else data.balance_minor
            move = (calendar.day_of(event.at), kind, data.amount_minor, told)
            by_account.setdefault((data.account, data.currency), []).append(move)
    return [_account(*key, moves) for key, moves in sorted(by_account.items())]


def _account(name: str, currency: str, moves: list[tuple[int, Kind, int, int]]) -> Account:
    moves.sort(key=lambda move: move[0])
    kinds = {kind: number for number, kind in enumerate(dict.fromkeys(kind for _, kind, _, _ in moves))}
    rows = [(day, amount, kinds[kind], told) for day, kind, amount, told in moves]
    return Account(name, currency, tuple(kinds), *np.array(rows, dtype=np.int64).T)


def _evaluation(tests: Sequence[tuple[Test, Sequence[Account]]], plan: Plan, *, step: Step) -> Evaluation:
    reports: list[TestReport] = []
    for test, accounts in tests:
        case = Case(test, accounts, rows_of(accounts, test))
        for split in plan.splits:
            if case.rows.account.size and not (test.pooled and split == "time"):
                reports += _judge(case, split=split, plan=plan, step=step)
    if not reports:
        raise MalformedRequest(
            field="accounts",
            shape=f"{sum(len(accounts) for _, accounts in tests)} accounts, none long enough",
            fix="judge on accounts with 120 days before a cut-off and 90 days after it",
        )
    return Evaluation(seed=SEED, tests=tuple(reports))


def _judge(case: Case, *, split: Split, plan: Plan, step: Step) -> list[TestReport]:
    test, rows = case.test, case.rows
    more = () if plan.pretrained is None else (pretrained(plan.pretrained),)
    methods = (*_METHODS[plan.peers], *more)
    few, whole = sample_of(rows, count=plan.sample, seed=SEED), np.ones(len(rows.account), dtype=bool)
    asked = {method.name: few if method.slow else whole for method in methods}
    outcomes: dict[str, Outcome] = {}
    for number, method in enumerate(methods):
        step(number, len(methods), f"{test.name}, {split} split")
        outcomes[method.name] = answer(
            method, case, asked=asked[method.name], split=split, seed=SEED, clock=time.process_time
        )
    step(len(methods), len(methods), f"{test.name}, {split} split")
    cuts = [whole] if test.pooled else [rows.as_of == day for day in test.as_of]
    return [report(case, of=of, split=split, asked=asked, outcomes=outcomes, seed=SEED) for of in cuts if of.any()]
