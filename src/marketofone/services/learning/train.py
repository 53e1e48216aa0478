"""Learn again what is learned from all people together: what is held together, and how money goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import msgspec
from msgspec import Struct

from marketofone.domain.items import ITEM_SOURCES
from marketofone.domain.moment import Instant
from marketofone.models.forecast import Sample, fit_to_bytes, follow
from marketofone.models.recommend import Regularisation, fit_affinity
from marketofone.models.recommend import to_bytes as affinity_to_bytes
from marketofone.profile.items import items_of
from marketofone.profile.ledger import Account
from marketofone.profile.registers import Registers
from marketofone.profile.view import view as profile_of
from marketofone.projection.versions import AFFINITY, BANDS, FORECAST
from marketofone.services.foresight.forecast import model_of
from marketofone.services.learning.fits import TRAINING, destroy, unlearned
from marketofone.services.learning.learn import record_version
from marketofone.services.runtime.apart import apart
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.population import DataScope, Known, read_population
from marketofone.services.runtime.uses import asked_moment

# Holdings of fewer than some twenty people say little. A bank's products are few: nothing is gained by a higher order.
AFFINITY_RULE = Regularisation(shrink=20.0, strength=1.0, order=1)
SEED = 7  # of what training draws: the same past always gives the same models
SOURCE = "transactions"
MOST_ACCOUNTS = 6_000
"""Accounts that forecasts are learned from; of a larger bank so many are drawn."""
MANY_MOVEMENTS = 5_000
"""From so many on, forecasts are learned in a process apart, which gives its memory back."""
TrainingTask = Literal["forecast", "recommend", "bands"]
TRAINING_TASKS: tuple[TrainingTask, ...] = get_args(TrainingTask)
ANEW: tuple[TrainingTask, ...] = ("forecast", "recommend")
_TASKS: dict[str, TrainingTask] = {FORECAST: "forecast", BANDS: "bands", AFFINITY: "recommend"}


class Trained(Struct, frozen=True, kw_only=True):
    """What a training learned from."""

    people: int
    accounts: int
    past_days: int
    given_up: bool = False
    """Whether what was learned before to look ahead was given up, for too few are left who allow it."""


class _Learned(NamedTuple):
    """What is to be recorded, and what it was learned from."""

    states: dict[str, bytes | None]
    report: Trained
    people: frozenset[int]


def train(context: AppContext, *, now: Instant, tasks: Sequence[TrainingTask], as_of: Instant | None = None) -> Trained:
    """Learn from all who allow it now, from nothing later than ``as_of``, and record it as a version.

    Each reading is a use, recorded before anything is learned from it. What was learned to look ahead is given up where
    too few are left who allow it: no past outlives its yes beyond the next training.
    """
    moment = asked_moment(as_of, now=now)
    while True:
        states, report, people = _learned(context, tasks=tasks, moment=moment, now=now)
        record_version(context, states, now=now, at=moment, why=f"train {' '.join(tasks)}", read_at=now)
        if people.isdisjoint(context.keys.forgotten()):  # who is forgotten from here on finds this version
            return report
        destroy(context, {now}, now=now)


def train_again(context: AppContext, *, now: Instant) -> tuple[str, ...]:
    """Learn again what was destroyed for somebody who was forgotten, from all others and as of the moment of before.

    Gives what it was, by name.
    """
    destroyed = unlearned(context)
    tasks = [_TASKS[name] for name in destroyed.names if name != BANDS or FORECAST not in destroyed.names]
    if tasks:
        train(context, now=now, tasks=tasks, as_of=min(destroyed.at, now))
    return destroyed.names


def _learned(context: AppContext, *, tasks: Sequence[TrainingTask], moment: Instant, now: Instant) -> _Learned:
    with context.store.read() as reader:
        before = model_of(context, reader, context.snapshot(reader))
    sources = frozenset[str](ITEM_SOURCES) if "recommend" in tasks else frozenset({SOURCE})
    asked = DataScope(context.config.policy.serving("learning"), sources, moment, now)
    sample, items, people = Sample(MOST_ACCOUNTS, seed=SEED), list[frozenset[str]](), set[int]()
    for known in read_population(context, asked, what=TRAINING, needs=SOURCE):
        sample.add(known.accounts())
        items.append(_items(known, now=moment))
        people.update(known.person.states)
    accounts = sample.kept
    states: dict[str, bytes | None] = {}
    windows = 0
    if "recommend" in tasks:
        states[AFFINITY] = affinity_to_bytes(fit_affinity(items, regularisation=AFFINITY_RULE))
    if "forecast" in tasks:
        windows, model = _forecast_model(accounts)
        states |= {FORECAST: model, BANDS: None} if windows or before.windows else {}
    elif "bands" in tasks and before.windows:
        followed = follow(before, accounts, known_until=_last_day(accounts))
        windows = followed.windows
        states[BANDS] = msgspec.msgpack.encode(followed.stretch)
    given_up = "forecast" in tasks and not windows and before.windows > 0
    report = Trained(people=len(items), accounts=len(accounts), past_days=windows, given_up=given_up)
    return _Learned(states, report, frozenset(people))


def _items(known: Known, *, now: Instant) -> frozenset[str]:
    registers: dict[str, Registers] = {source: told.registers for source, told in known.told.items()}
    return items_of(profile_of(registers, sources=known.open), now=now)


def _forecast_model(accounts: Sequence[Account]) -> tuple[int, bytes]:
    """Learn here where little is learned from; else where all memory that it takes is given back.

    Gives how many past days it learned from, and the bytes of the model: the model beside them would double them.
    """
    last_day = _last_day(accounts)
    if sum(account.days.size for account in accounts) < MANY_MOVEMENTS:
        return fit_to_bytes(accounts, known_until=last_day, seed=SEED)
    return apart(fit_to_bytes, accounts, known_until=last_day, seed=SEED, apart=apart)


def _last_day(accounts: Sequence[Account]) -> int:
    # Where the data ends before today, what is known ends with it: a bank that was imported ended years ago.
    return max((int(account.days[-1]) for account in accounts if account.days.size), default=0)
