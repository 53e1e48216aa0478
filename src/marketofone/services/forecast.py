"""Look ahead for one person, on what they allow: permit, movements, model, record. A forecast is a use like others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from marketofone.consent.gate import Permit
from marketofone.domain.errors import ConsentRefused
from marketofone.domain.moment import Day, Instant, date_of
from marketofone.models.forecast import AccountForecast, Expected, Forecast, Model, forecast_all
from marketofone.models.forecast.labels import BUFFER
from marketofone.profile.ledger import Account
from marketofone.projection import codec
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.person import Person
from marketofone.projection.records import ForecastRecord, RestsOn, Scope
from marketofone.projection.snapshot import Snapshot
from marketofone.services.app_context import AppContext, repeated
from marketofone.services.facts import facts_of, money_seen
from marketofone.services.population import DataScope, Known, load_person
from marketofone.services.uses import read_person, unit_about
from marketofone.store.ports import Draft, Reader

REFUSED = "no forecast: "
SOURCES = frozenset({"transactions", "open_banking"})


class DayBalance(Struct, frozen=True, kw_only=True, gc=False):
    """One day: the end-of-day balance at the quantiles 0.1 to 0.9, in minor units."""

    day: str
    quantiles: tuple[int, ...]


class AccountAhead(Struct, frozen=True, kw_only=True):
    """Ninety days of one account, or none and the reason why; ``relative`` ones tell changes from now."""

    account: str
    days: tuple[DayBalance, ...]
    abstains: str | None
    relative: bool = False


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


class Made(Struct, frozen=True):
    """A forecast of a person, and what is recorded of it."""

    known: Known
    record: ForecastRecord
    ahead: CustomerForecast

    @property
    def draft(self) -> Draft:
        """The entry that records it."""
        asked = self.known.person.asked
        at = self.record.summary.at
        return codec.draft("forecast", self.record, subject=asked.subject, box=asked.box, at=at)


@repeated
def look_ahead(context: AppContext, customer: str, *, now: Instant) -> CustomerForecast:
    """Look 90 days ahead on a person's accounts, where they allow it, and record it: decisions follow it.

    Raises
    ------
    ConsentRefused
        When they allow neither their accounts here nor those at other banks.
    UnknownCustomer
    """
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        model = model_of(context, reader, snapshot)
        person = snapshot.person(customer)
        at = person.judged(now)
        known = load_person(snapshot, person, question(snapshot.config, at))
        if not known.open:
            raise ConsentRefused(why=f"{REFUSED}{why_not(known.permit)}")
        (made,) = foresee_all(snapshot, [known], model=model, now=at, actor=context.actor)
    context.store.commit(unit_about([(person, made.draft)], now=at))
    return made.ahead


def show_ahead(context: AppContext, customer: str, *, now: Instant, as_of: Instant | None = None) -> CustomerForecast:
    """Show what is ahead of a person, now or on what was known earlier; it is a use, and decisions never follow it.

    Raises
    ------
    ConsentRefused
    MalformedRequest
        When the moment that is asked about lies ahead.
    UnknownCustomer
    """

    def look(
        snapshot: Snapshot, person: Person, judged: Instant, moment: Instant
    ) -> tuple[CustomerForecast, tuple[Scope, ...]]:
        with context.store.read() as reader:
            model = model_of(context, reader, snapshot)
        known = load_person(snapshot, person, question(snapshot.config, moment, judged=judged))
        if not known.open:
            raise ConsentRefused(why=f"{REFUSED}{why_not(known.permit)}")
        (made,) = foresee_all(snapshot, [known], model=model, now=moment, actor=context.actor)
        return made.ahead, known.uses

    return read_person(context, customer, what="forecast", now=now, as_of=as_of, look=look)


def question(config: BankConfig, now: Instant, *, judged: Instant | None = None) -> DataScope:
    """Ask for what a forecast may read."""
    return DataScope(config.policy.serving("forecast"), SOURCES, now, now if judged is None else judged)


def why_not(permit: Permit) -> str:
    """Say why a permit that opens no account opens none."""
    return permit.refused.get("transactions", "you have not allowed it")


def outdated(person: Person) -> bool:
    """Say whether a person's money moved since they were last looked ahead for; never before there was a forecast."""
    summary = person.forecast
    return summary is not None and bool(summary.seen) and summary.seen != money_seen(person)


def foresee_all(snapshot: Snapshot, people: Sequence[Known], *, model: Model, now: Instant, actor: str) -> list[Made]:
    """Make the forecasts of people who allow it, under the names they were asked for, and the records of them."""
    as_of = snapshot.config.calendar.day_of(now)
    money = [known.accounts() for known in people]
    counts = [_currencies(accounts) for accounts in money]
    default = snapshot.config.settings.currency
    currencies = [count.most_common(1)[0][0] if count else default for count in counts]
    asked = [
        ([account for account in accounts if account.currency == currency], currency)
        for accounts, currency in zip(money, currencies, strict=True)
    ]
    made = forecast_all(asked, as_of=as_of, model=model)
    return [
        _made(snapshot, known, ahead, others=sorted(set(count) - {ahead.currency}), now=now, actor=actor)
        for known, ahead, count in zip(people, made, counts, strict=True)
    ]


def model_of(context: AppContext, reader: Reader, snapshot: Snapshot) -> Model:
    """Give the model of the active version, the prior formula when none was ever trained."""
    version = context.versions.version(snapshot.bank, snapshot.bank.version)
    return context.versions.forecast_model(reader, version)


def _currencies(accounts: Iterable[Account]) -> Counter[str]:
    counts = Counter[str]()
    for account in accounts:
        counts[account.currency] += account.days.size
    return counts


def _made(
    snapshot: Snapshot, known: Known, ahead: Forecast, *, others: Sequence[str], now: Instant, actor: str
) -> Made:
    person = known.person
    summary = facts_of(ahead, person=person, sources=known.open, now=now, buffer_minor=ahead.turnover // BUFFER)
    notes = [f"accounts in {other} are not in this forecast" for other in others]
    if ahead.total is not None and ahead.total.relative:
        notes.append("no balance is known: the days tell changes from today, and whether money runs short is not known")
    rests_on = RestsOn(snapshot.bank.n, snapshot.bank.version, person.journals)
    return Made(
        known,
        ForecastRecord(actor, summary, known.uses, rests_on),
        _told(person.asked.name, ahead, currency=ahead.currency, notes=(*notes, *_refusals(known.permit))),
    )


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
    return AccountAhead(
        account=account_forecast.account,
        days=days,
        abstains=account_forecast.abstains,
        relative=account_forecast.relative,
    )


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
