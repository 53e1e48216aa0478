"""Learn again what is learned from everybody together: what is held together, and how far forecasts miss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from marketofone.domain.moment import Instant
from marketofone.flow.equipment import Equipment
from marketofone.flow.everybody import Known, Question, everybody
from marketofone.flow.forecast import CHANNEL, ERRORS, movements_of
from marketofone.flow.learned import AFFINITY
from marketofone.flow.view import ModelRecord
from marketofone.learn.join import LEARNING
from marketofone.models.forecast import HORIZON, ErrorTable, Movement, fit_errors
from marketofone.models.recommend import fit_affinity
from marketofone.models.recommend import to_bytes as affinity_to_bytes
from marketofone.profile.registers import Registers
from marketofone.profile.view import view as profile_of
from marketofone.store.ports import Writer

SHRINK = 20.0  # co-holdings of fewer than some twenty people say little
WINDOWS = 3  # past moments from which forecast errors are learned, a month and a half apart
STRIDE_DAYS = 45
SOURCE = "transactions"
Lesson = Literal["forecast", "recommend"]
LESSONS: tuple[Lesson, ...] = get_args(Lesson)


class Trained(Struct, frozen=True, kw_only=True):
    """What a training learned from."""

    people: int
    accounts: int
    error_windows: int


def train(kit: Equipment, *, now: Instant, lessons: Sequence[Lesson]) -> Trained:
    """Learn from everybody who allows it, from nothing later than ``now``, and record it as learned then.

    Nothing that was learned is given up where there is nothing to learn from.
    """
    with kit.store.read() as reader:
        asked = Question(LEARNING, CHANNEL, frozenset({SOURCE}), now)
        teachers = [known for known in everybody(kit, reader, asked) if known.open]
    accounts = [movements_of([account]) for known in teachers for account in known.accounts()]
    states: dict[str, bytes] = {}
    windows = 0
    if "recommend" in lessons:
        states[AFFINITY] = affinity_to_bytes(fit_affinity([_holdings(known) for known in teachers], shrink=SHRINK))
    if "forecast" in lessons:
        errors = _errors(accounts)
        windows = errors.windows
        states |= {ERRORS: errors.to_bytes()} if windows else {}

    def record(writer: Writer) -> None:
        entry = writer.append("model", at=now, customer=None, body=msgspec.msgpack.encode(ModelRecord(states=states)))
        for name, state in states.items():
            writer.put_model(name, state, seq=entry.seq)

    kit.store.commit(record)
    return Trained(people=len(teachers), accounts=len(accounts), error_windows=windows)


def _holdings(known: Known) -> frozenset[str]:
    registers: dict[str, Registers] = {source: told.registers for source, told in known.told.items()}
    return frozenset(profile_of(registers, sources=known.open).holdings)


def _errors(accounts: Sequence[Sequence[Movement]]) -> ErrorTable:
    # Where the data ends before today, the windows end with it: a bank that was imported ended years ago.
    known_until = max((move.day for moves in accounts for move in moves), default=0)
    windows = [known_until - HORIZON - STRIDE_DAYS * back for back in range(WINDOWS)]
    return fit_errors(accounts, as_of_days=windows, known_until=known_until)
