"""Look ahead for one person, on what they allow: permit, movements, model, record. A forecast is a use like others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from marketofone.consent.gate import Permit
from marketofone.domain.errors import ConsentRefused, EpochChanged
from marketofone.domain.moment import Day, Instant, date_of
from marketofone.models.forecast import AccountForecast, Expected, Forecast, Model, forecast_all
from marketofone.models.forecast.calibrate import Stretch
from marketofone.models.forecast.labels import BUFFER
from marketofone.profile.ledger import Account
from marketofone.services.app_context import AppContext
from marketofone.services.consent_service import must_exist
from marketofone.services.facts import facts_of
from marketofone.services.live_snapshot import FORECAST, LiveSnapshot
from marketofone.services.population import DataScope, Known, load_person
from marketofone.services.snapshot import ForecastRecord, ModelRecord
from marketofone.store.ports import Reader, Writer

PURPOSE = "insights"
CHANNEL = "app"
MODEL, BANDS = "forecast:model", "forecast:bands"
REFUSED = "no forecast: "
SOURCES = frozenset({"transactions", "open_banking"})
_MODEL = msgspec.msgpack.Decoder(ModelRecord)
_BANDS = msgspec.msgpack.Decoder(Stretch)
_ENCODE = msgspec.json.Encoder().encode


class DayBalance(Struct, frozen=True, kw_only=True, gc=False):
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


def look_ahead(context: AppContext, customer: str, *, now: Instant) -> CustomerForecast:
    """Look 90 days ahead on a person's accounts, here and at other banks, where they allow it.

    Raises
    ------
    ConsentRefused
        When they allow neither.
    UnknownCustomer
    """
    with context.store.read() as reader:
        made, ahead = _look(context, reader, customer, now=now)
    try:
        context.store.commit(lambda writer: record(context, writer, made))
    except EpochChanged:
        return context.store.commit(lambda writer: look_alone(context, writer, customer, now=now))
    return ahead


def look_alone(context: AppContext, writer: Writer, customer: str, *, now: Instant) -> CustomerForecast:
    """Look ahead for a person inside a unit of work, where nothing moves meanwhile. Raises as :func:`look_ahead`."""
    made, ahead = _look(context, writer, customer, now=now)
    record(context, writer, made)
    return ahead


def record(context: AppContext, writer: Writer, made: ForecastRecord) -> None:
    """Record a forecast; decisions follow it unless they follow one of a later moment.

    Raises
    ------
    EpochChanged
        When the person's consents changed since.
    """
    snapshot = LiveSnapshot(writer, context, committed=False)
    person = snapshot.person(made.customer)
    if snapshot.consents(person).epoch != made.epoch:
        raise EpochChanged
    writer.append("forecast", at=made.facts.at, customer=made.customer, body=_ENCODE(made))
    before = snapshot.forecast_summary(person)
    if before is None or before.at <= made.facts.at:
        writer.put_state(person, FORECAST, _ENCODE(made.facts))


def question(now: Instant) -> DataScope:
    """Ask for what a forecast may read."""
    return DataScope(PURPOSE, CHANNEL, SOURCES, now)


def why_not(permit: Permit) -> str:
    """Say why a permit that opens no account opens none."""
    return permit.refused.get("transactions", "you have not allowed it")


def _look(
    context: AppContext, reader: Reader, customer: str, *, now: Instant
) -> tuple[ForecastRecord, CustomerForecast]:
    must_exist(reader, customer)
    snapshot = LiveSnapshot(reader, context, committed=True)
    known = load_person(snapshot, snapshot.person(customer), question(now))
    if not known.open:
        raise ConsentRefused(why=f"{REFUSED}{why_not(known.permit)}")
    model = model_of(context, reader, now=now)
    return foresee_all(snapshot, [(customer, known)], model=model, now=now)[0]


def foresee_all(
    snapshot: LiveSnapshot, people: Sequence[tuple[str, Known]], *, model: Model, now: Instant
) -> list[tuple[ForecastRecord, CustomerForecast]]:
    """Make the forecasts of people who allow it, under the names they were asked for, and the records of them."""
    as_of = snapshot.config.calendar.day_of(now)
    money = [known.accounts() for _, known in people]
    counts = [_currencies(accounts) for accounts in money]
    currencies = [count.most_common(1)[0][0] if count else snapshot.config.settings.currency for count in counts]
    asked = [
        ([account for account in accounts if account.currency == currency], currency)
        for accounts, currency in zip(money, currencies, strict=True)
    ]
    made = forecast_all(asked, as_of=as_of, model=model)
    return [
        _made(snapshot, customer, known, ahead, others=sorted(set(count) - {ahead.currency}), now=now)
        for (customer, known), ahead, count in zip(people, made, counts, strict=True)
    ]


def _currencies(accounts: Iterable[Account]) -> Counter[str]:
    counts = Counter[str]()
    for account in accounts:
        counts[account.currency] += account.days.size
    return counts


def _made(
    snapshot: LiveSnapshot, customer: str, known: Known, ahead: Forecast, *, others: Sequence[str], now: Instant
) -> tuple[ForecastRecord, CustomerForecast]:
    facts = facts_of(
        ahead,
        sources=known.open,
        now=now,
        buffer_minor=ahead.turnover // BUFFER,
        before=snapshot.forecast_summary(known.person),
        blobs=snapshot.blobs(known.person),
    )
    uses = tuple((PURPOSE, source) for source in sorted(known.open))
    notes = (f"accounts in {other} are not in this forecast" for other in others)
    return (
        ForecastRecord(customer=customer, facts=facts, uses=uses, epoch=known.permit.epoch),
        _told(customer, ahead, currency=ahead.currency, notes=(*notes, *_refusals(known.permit))),
    )


def model_of(context: AppContext, reader: Reader, *, now: Instant) -> Model:
    """Give the model as last learned by a moment, the prior formula when it never was.

    What was learned as of an earlier moment does not take the place of what was learned as of a later one.
    """
    known = context.caches.forecast_models
    if not known.position or any(kind == "model" for kind, _ in reader.changes(after=known.position)):
        for entry in reader.entries(kinds=("model",), after=known.position):
            states = {} if entry.body is None else _MODEL.decode(entry.body).states
            known.trained += [(name, entry.at, entry.seq, states[name]) for name in (MODEL, BANDS) if name in states]
    known.position = max(known.position, reader.position())
    past = sorted(((at, seq, name, body) for name, at, seq, body in known.trained if at <= now), reverse=True)
    newest = next((one for one in past if one[2] == MODEL), None)
    if newest is None:
        return Model()
    model = known.models.read(newest[1], newest[3], decode=Model.from_bytes)
    # Bands that were followed since belong to the model that they followed.
    bands = next((body for at, seq, name, body in past if name == BANDS and (at, seq) > newest[:2]), None)
    return model if bands is None else replace(model, stretch=_BANDS.decode(bands))


def _refusals(permit: Permit) -> tuple[str, ...]:
    return tuple(f"{source} not used: {why}" for source, why in permit.refused.items() if source in SOURCES)


def _told(customer: str, ahead: Forecast, *, currency: str, notes: tuple[str, ...]) -> CustomerForecast:
    return CustomerForecast(
        customer=customer,
        as_of=_date(ahead.as_of),
        currency=currency,
        accounts=tuple(_account(account_forecast) for account_forecast in ahead.accounts),
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


def _account(account_forecast: AccountForecast) -> AccountAhead:
    days = tuple(DayBalance(day=_date(day.day), quantiles=day.quantiles) for day in account_forecast.days)
    return AccountAhead(account=account_forecast.account, days=days, abstains=account_forecast.abstains)


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
