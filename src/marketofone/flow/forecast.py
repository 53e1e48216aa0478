"""Look ahead for one person, on what they allow: permit, movements, model, record. A forecast is a use like others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from marketofone.consent.gate import Admitted, Permit, permit
from marketofone.domain.errors import ConsentRefused, EpochChanged
from marketofone.domain.event import Event, OpenBankingBalance, OpenBankingTransaction, TransactionBooked
from marketofone.domain.moment import Calendar, Day, Instant, date_of
from marketofone.flow.equipment import Equipment
from marketofone.flow.rights import must_exist
from marketofone.flow.stored import FORECAST, StoredView, admit_stored, events_of
from marketofone.flow.view import ForecastFacts, ForecastRecord, ModelRecord
from marketofone.models.forecast import ErrorTable, Expected, Forecast, Movement, Outlook, forecast, prior_errors
from marketofone.store.ports import Reader, Writer

PURPOSE = "insights"
CHANNEL = "app"
ERRORS = "forecast:errors"
SOURCES = frozenset({"transactions", "open_banking"})
_MEDIAN = 4
_MODEL = msgspec.msgpack.Decoder(ModelRecord)
_ENCODE = msgspec.json.Encoder().encode


class DayBalance(Struct, frozen=True, kw_only=True):
    """One day: the end-of-day balance at the quantiles 0.1 to 0.9, in minor units."""

    day: str
    quantiles: tuple[int, ...]


class AccountAhead(Struct, frozen=True, kw_only=True):
    """Ninety days of one account, or none and the reason why."""

    account: str
    days: tuple[DayBalance, ...]
    abstains: str | None


class EventAhead(Struct, frozen=True, kw_only=True):
    """Something that may happen, how likely, when, and because of what."""

    event: str
    horizon_days: int
    probability: float
    expected_from: str | None
    expected_to: str | None
    drivers: tuple[str, ...]


class PaymentAhead(Struct, frozen=True, kw_only=True):
    """One payment that is expected, because it came regularly."""

    day: str
    amount_minor: int
    what: str


class CustomerForecast(Struct, frozen=True, kw_only=True):
    """What is ahead of a person: each account, their sum, the payments expected, and what may happen."""

    customer: str
    as_of: str
    currency: str
    accounts: tuple[AccountAhead, ...]
    total: AccountAhead | None
    payments: tuple[PaymentAhead, ...]
    events: tuple[EventAhead, ...]
    notes: tuple[str, ...]


def look_ahead(kit: Equipment, customer: str, *, now: Instant) -> CustomerForecast:
    """Look 90 days ahead on a person's accounts, here and at other banks, where they allow it.

    Raises
    ------
    ConsentRefused
        When they allow neither.
    UnknownCustomer
    """
    with kit.store.read() as reader:
        record, ahead = _look(kit, reader, customer, now=now)
    try:
        kit.store.commit(lambda writer: _record(kit, writer, record))
    except EpochChanged:
        return kit.store.commit(lambda writer: _look_alone(kit, writer, customer, now=now))
    return ahead


def movements_of(events: Iterable[Event], *, calendar: Calendar) -> dict[str, list[Movement]]:
    """Give the movements of money in some events, by currency."""
    by_currency: dict[str, list[Movement]] = {}
    for event in events:
        match event.data:
            case TransactionBooked() as data:
                move = Movement(
                    calendar.day_of(event.at),
                    data.account,
                    data.amount_minor,
                    category=data.category,
                    operation=data.operation,
                    counterparty=data.counterparty or data.merchant,
                    balance_minor=data.balance_minor,
                )
            case OpenBankingTransaction() as data:
                account = f"{data.institution}/{data.account}"
                move = Movement(
                    calendar.day_of(event.at),
                    account,
                    data.amount_minor,
                    category=data.category,
                    counterparty=data.counterparty,
                )
            case OpenBankingBalance() as data:
                account = f"{data.institution}/{data.account}"
                move = Movement(calendar.day_of(event.at), account, 0, balance_minor=data.balance_minor)
            case _:
                continue
        by_currency.setdefault(data.currency, []).append(move)
    return by_currency


def _look(kit: Equipment, reader: Reader, customer: str, *, now: Instant) -> tuple[ForecastRecord, CustomerForecast]:
    must_exist(reader, customer)
    view = StoredView(reader, kit, committed=True)
    person = view.person(customer)
    consents = view.consents(person)
    leave = permit(PURPOSE, consents, customer=person, channel=CHANNEL, policy=kit.book.policy, now=now)
    sources = leave.sources & SOURCES
    if not sources:
        raise ConsentRefused(why=f"no forecast: {leave.refused.get('transactions', 'you have not allowed it')}")
    past = (stored for stored in events_of(reader, person) if stored.at <= now and stored.source in sources)
    admitted = (item for _, item in admit_stored(past, consents=consents, book=kit.book, now=now))
    ahead, currency, notes = _foresee(kit, reader, admitted, now=now)
    record = ForecastRecord(
        customer=customer,
        facts=_facts(ahead, sources=sources, now=now),
        uses=tuple((PURPOSE, source) for source in sorted(sources)),
        epoch=leave.epoch,
    )
    return record, _told(customer, ahead, currency=currency, notes=(*notes, *_refusals(leave)))


def _foresee(
    kit: Equipment, reader: Reader, admitted: Iterable[Admitted], *, now: Instant
) -> tuple[Forecast, str, tuple[str, ...]]:
    calendar = kit.book.calendar
    by_currency = movements_of((item.event for item in admitted), calendar=calendar)
    counts = Counter({currency: len(moves) for currency, moves in by_currency.items()})
    currency = counts.most_common(1)[0][0] if counts else kit.book.settings.currency
    others = sorted(set(by_currency) - {currency})
    ahead = forecast(
        by_currency.get(currency, []),
        as_of=calendar.day_of(now),
        currency=currency,
        errors=error_table(reader, now=now),
    )
    return ahead, currency, tuple(f"accounts in {other} are not in this forecast" for other in others)


def error_table(reader: Reader, *, now: Instant) -> ErrorTable:
    """Give the pooled errors as last learned by a moment, the prior formula when they never were."""
    for entry in reader.entries(kinds=("model",), newest_first=True):
        states = _MODEL.decode(entry.body).states if entry.at <= now and entry.body is not None else {}
        if ERRORS in states:
            return ErrorTable.from_bytes(states[ERRORS])
    return prior_errors()


def _facts(ahead: Forecast, *, sources: Iterable[str], now: Instant) -> ForecastFacts:
    within = {(event.event, event.horizon_days): event.probability for event in ahead.events}
    lows = [day.quantiles[_MEDIAN] for day in ahead.total.days] if ahead.total is not None else []
    return ForecastFacts(
        at=now,
        shortfall_30d=within.get(("below_zero", 30), 0.0),
        low_point_minor=min(lows, default=0),
        sources=tuple(sorted(sources)),
    )


def _record(kit: Equipment, writer: Writer, record: ForecastRecord) -> None:
    person = writer.person(record.customer)
    if StoredView(writer, kit, committed=False).consents(person).epoch != record.epoch:
        raise EpochChanged
    writer.append("forecast", at=record.facts.at, customer=record.customer, body=_ENCODE(record))
    writer.put_state(person, FORECAST, _ENCODE(record.facts))


def _look_alone(kit: Equipment, writer: Writer, customer: str, *, now: Instant) -> CustomerForecast:
    record, ahead = _look(kit, writer, customer, now=now)
    _record(kit, writer, record)
    return ahead


def _refusals(leave: Permit) -> tuple[str, ...]:
    return tuple(f"{source} not used: {why}" for source, why in leave.refused.items() if source in SOURCES)


def _told(customer: str, ahead: Forecast, *, currency: str, notes: tuple[str, ...]) -> CustomerForecast:
    return CustomerForecast(
        customer=customer,
        as_of=_date(ahead.as_of),
        currency=currency,
        accounts=tuple(_account(outlook) for outlook in ahead.accounts),
        total=None if ahead.total is None else _account(ahead.total),
        payments=tuple(
            PaymentAhead(
                day=_date(payment.day),
                amount_minor=payment.amount_minor,
                what=(payment.stream.category or payment.stream.operation or "payment").replace("_", " "),
            )
            for payment in ahead.payments
        ),
        events=tuple(_event(event) for event in ahead.events),
        notes=notes,
    )


def _account(outlook: Outlook) -> AccountAhead:
    days = tuple(DayBalance(day=_date(day.day), quantiles=day.quantiles) for day in outlook.days)
    return AccountAhead(account=outlook.account, days=days, abstains=outlook.abstains)


def _event(event: Expected) -> EventAhead:
    return EventAhead(
        event=event.event,
        horizon_days=event.horizon_days,
        probability=event.probability,
        expected_from=None if event.expected_from is None else _date(event.expected_from),
        expected_to=None if event.expected_to is None else _date(event.expected_to),
        drivers=event.drivers,
    )


def _date(day: int) -> str:
    return date_of(Day(day)).isoformat()
