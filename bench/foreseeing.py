"""Looking ahead: everybody in one run, one person right after a transaction; AutoETS on the same accounts beside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from time import perf_counter, process_time
from uuid import uuid4

from bench.figures import Aim, Figure, Row, absent, quantiles
from bench.town import Town
from marketofone.bank import Bank
from marketofone.domain.event import Event
from marketofone.domain.moment import MINUTE, Instant
from marketofone.domain.money_events import TransactionBooked
from marketofone.lab.evaluation.protocol import Predict
from marketofone.profile.ledger import Account
from marketofone.services.foresight.forecast import CustomerForecast, question
from marketofone.services.foresight.forecast_population import LeftOut
from marketofone.services.runtime.population import population

THOUSAND = 1_000.0
MILLISECONDS = 1_000.0
PEER_ACCOUNTS = 40


def measure(bank: Bank, town: Town, *, rounds: int) -> Iterator[Figure]:
    """Learn from the town's past, then look ahead for everybody, and for one person after another as money moves."""
    learning = _busy(lambda: bank.train(tasks=("forecast",), now=town.now))
    yield Figure(own=Row(name="forecast: learn from everybody, CPU", unit="s", values={"total": learning}))
    people: list[CustomerForecast | LeftOut] = []
    seconds = _busy(lambda: people.extend(bank.forecast_all(now=town.now)))
    yield Figure(
        own=_row("forecast of everybody, events and record included: CPU for 1,000 people", seconds, _told(people)),
        yardsticks=(_exponential_smoothing(bank, town),),
        aim=Aim(of="per 1,000", bound=0.5, above=False),
    )
    moving = _current(bank, town) * rounds
    took = [_after_a_transaction(bank, town, one, who, number=number) for number, (who, one) in enumerate(moving)]
    yield Figure(
        own=quantiles("one transaction to fresh risk, both durable: wall", "ms", took),
        aim=Aim(of="p99", bound=2.0, above=False),
    )


def _row(name: str, seconds: float, count: int) -> Row:
    if not count:
        return absent(name, why="nobody is known for long enough")
    return Row(name=name, unit="s", values={"per 1,000": THOUSAND * seconds / count})


def _told(people: Iterable[CustomerForecast | LeftOut]) -> int:
    """Count those of whom enough is known to tell something: the others cost next to nothing."""
    return sum(isinstance(one, CustomerForecast) and one.total is not None for one in people)


def _busy(work: Callable[[], object]) -> float:
    began = process_time()
    work()
    return process_time() - began


def _after_a_transaction(bank: Bank, town: Town, account: Account, person: str, *, number: int) -> float:
    now = Instant(town.now + (number + 1) * MINUTE)
    paid = TransactionBooked(account=account.name, amount_minor=-1_000, currency=account.currency, category="groceries")
    event = Event(id=uuid4().hex, producer="bench", kind="transaction.booked", customer=person, at=now, data=paid)
    began = perf_counter()
    bank.ingest([event], now=now)
    bank.forecast(person, now=now)
    return MILLISECONDS * (perf_counter() - began)


def _exponential_smoothing(bank: Bank, town: Town) -> Row:
    """Measure AutoETS on some of the accounts; a forecast of the path alone, without events."""
    name = "AutoETS (statsforecast), one account"
    try:
        from marketofone.lab.evaluation.statistical import STATISTICAL  # noqa: PLC0415 - may be absent

        predict = STATISTICAL[0].fit([], 0)
    except ModuleNotFoundError as missing:
        return absent(name, why=f"{missing.name} is not installed")
    accounts, today = [one for _, one in _current(bank, town)[:PEER_ACCOUNTS]], bank.calendar.day_of(town.now)
    return _row(name, _busy(lambda: _ask(predict, accounts, today)), len(accounts))


def _ask(predict: Predict, accounts: Sequence[Account], today: int) -> object:
    return predict(accounts, today)


def _current(bank: Bank, town: Town) -> list[tuple[str, Account]]:
    """Give the people with an account here, and the first of it."""
    known = [(one.person.name, one.accounts()) for one in population(bank.context, question(bank.config, now=town.now))]
    here = [(person, [one for one in accounts if "/" not in one.name]) for person, accounts in known]
    return [(person, accounts[0]) for person, accounts in here if accounts]
