"""Learn again what is learned from everybody together: what is held together, and how money goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from marketofone.domain.moment import Instant
from marketofone.learn.join import LEARNING
from marketofone.models.forecast import Model, fit, follow
from marketofone.models.forecast.boost import loadable
from marketofone.models.recommend import fit_affinity
from marketofone.models.recommend import to_bytes as affinity_to_bytes
from marketofone.profile.ledger import Account
from marketofone.profile.registers import Registers
from marketofone.profile.view import view as profile_of
from marketofone.services.app_context import AppContext
from marketofone.services.forecast import BANDS, CHANNEL, MODEL, model_of
from marketofone.services.model_version import AFFINITY
from marketofone.services.population import DataScope, Known, population
from marketofone.services.snapshot import ModelRecord
from marketofone.store.ports import Writer

SHRINK = 20.0  # co-holdings of fewer than some twenty people say little
SEED = 7  # of what training draws: the same past always gives the same models
SOURCE = "transactions"
TrainingTask = Literal["forecast", "recommend", "bands"]
TRAINING_TASKS: tuple[TrainingTask, ...] = get_args(TrainingTask)
ANEW: tuple[TrainingTask, ...] = ("forecast", "recommend")


class Trained(Struct, frozen=True, kw_only=True):
    """What a training learned from."""

    people: int
    accounts: int
    past_days: int
    given_up: bool = False
    """Whether what was learned before to look ahead was given up, for too few are left who allow it."""


def train(context: AppContext, *, now: Instant, tasks: Sequence[TrainingTask]) -> Trained:
    """Learn from everybody who allows it, from nothing later than ``now``, and record it as learned then.

    What was learned to look ahead is given up where too few are left who allow it: nobody's past outlives their yes
    beyond the next training.
    """
    with context.store.read() as reader:
        before = model_of(context, reader, now=now)
        scope = DataScope(LEARNING, CHANNEL, frozenset({SOURCE}), now)
        teachers = [known for known in population(context, reader, scope) if known.open]
    accounts = [account for known in teachers for account in known.accounts()]
    states: dict[str, bytes] = {}
    windows = 0
    if "recommend" in tasks:
        states[AFFINITY] = affinity_to_bytes(fit_affinity([_holdings(known) for known in teachers], shrink=SHRINK))
    if "forecast" in tasks:
        model = _forecast_model(accounts)
        windows = model.windows
        states |= {MODEL: model.to_bytes()} if windows or before.windows else {}
    elif "bands" in tasks and before.windows:
        followed = follow(before, accounts, known_until=_last_day(accounts))
        windows = followed.windows
        states[BANDS] = msgspec.msgpack.encode(followed.stretch)

    def record(writer: Writer) -> None:
        entry = writer.append("model", at=now, customer=None, body=msgspec.msgpack.encode(ModelRecord(states=states)))
        for name, state in states.items():
            writer.put_model(name, state, seq=entry.seq)

    context.store.commit(record)
    return Trained(
        people=len(teachers),
        accounts=len(accounts),
        past_days=windows,
        given_up="forecast" in tasks and not windows and before.windows > 0,
    )


def _holdings(known: Known) -> frozenset[str]:
    registers: dict[str, Registers] = {source: told.registers for source, told in known.told.items()}
    return frozenset(profile_of(registers, sources=known.open).holdings)


def _forecast_model(accounts: Sequence[Account]) -> Model:
    return fit(accounts, known_until=_last_day(accounts), seed=SEED, boosting=loadable())


def _last_day(accounts: Sequence[Account]) -> int:
    # Where the data ends before today, what is known ends with it: a bank that was imported ended years ago.
    return max((int(account.days[-1]) for account in accounts if account.days.size), default=0)
