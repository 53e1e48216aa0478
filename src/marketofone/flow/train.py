"""Learn again what is learned from everybody together: what is held together, and how far forecasts miss."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from marketofone.consent.gate import permit
from marketofone.domain.moment import Instant
from marketofone.flow.equipment import Equipment
from marketofone.flow.forecast import CHANNEL, ERRORS, movements_of
from marketofone.flow.learned import AFFINITY
from marketofone.flow.stored import StoredView, admit_stored, events_of
from marketofone.flow.view import ModelRecord
from marketofone.learn.join import LEARNING
from marketofone.models.forecast import HORIZON, Movement, fit_errors
from marketofone.models.recommend import fit_affinity
from marketofone.models.recommend import to_bytes as affinity_to_bytes
from marketofone.profile.view import view as profile_of
from marketofone.store.ports import Reader, Writer

SHRINK = 20.0  # co-holdings of fewer than some twenty people say little
WINDOWS = 3  # past moments from which forecast errors are learned, a month and a half apart
STRIDE_DAYS = 45
SOURCE = "transactions"


class Trained(Struct, frozen=True, kw_only=True):
    """What a training learned from."""

    people: int
    accounts: int
    error_windows: int


def train(kit: Equipment, *, now: Instant) -> Trained:
    """Learn from everybody who allows it, from nothing later than ``now``."""
    with kit.store.read() as reader:
        people = list(_teachers(kit, reader, now=now))
        holdings = [held for held, _ in people]
        accounts = [moves for _, by_account in people for moves in by_account]
    # Where the data ends before today, the windows end with it: a bank that was imported ended years ago.
    known_until = max((move.day for moves in accounts for move in moves), default=0)
    errors = fit_errors(
        accounts,
        as_of_days=[known_until - HORIZON - STRIDE_DAYS * back for back in range(WINDOWS)],
        known_until=known_until,
    )
    states = {AFFINITY: affinity_to_bytes(fit_affinity(holdings, shrink=SHRINK))}
    if errors.windows:  # what was learned before is not given up for nothing
        states[ERRORS] = errors.to_bytes()
    body = msgspec.msgpack.encode(ModelRecord(states=states))

    def record(writer: Writer) -> None:
        entry = writer.append("model", at=now, customer=None, body=body)
        for name, state in states.items():
            writer.put_model(name, state, seq=entry.seq)

    kit.store.commit(record)
    return Trained(people=len(people), accounts=len(accounts), error_windows=errors.windows)


def _teachers(kit: Equipment, reader: Reader, *, now: Instant) -> Iterator[tuple[frozenset[str], list[list[Movement]]]]:
    """Give the holdings and the movements by account of everybody who allows learning from their transactions."""
    view = StoredView(reader, kit, committed=True)
    for person in sorted({reader.person(customer) for customer in reader.customers()}):
        consents = view.consents(person)
        leave = permit(LEARNING, consents, customer=person, channel=CHANNEL, policy=kit.book.policy, now=now)
        if SOURCE not in leave.sources:
            continue
        states = view.states(person, now=now)
        profile = profile_of({source: state.registers for source, state in states.items()}, sources=leave.sources)
        past = (stored for stored in events_of(reader, person) if stored.at <= now and stored.source == SOURCE)
        admitted = (item.event for _, item in admit_stored(past, consents=consents, book=kit.book, now=now))
        by_account: dict[str, list[Movement]] = {}
        for moves in movements_of(admitted, calendar=kit.book.calendar).values():
            for move in moves:
                by_account.setdefault(move.account, []).append(move)
        yield frozenset(profile.holdings), list(by_account.values())
