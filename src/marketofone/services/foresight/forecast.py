"""Look ahead for one person, on what they allow: permit, movements, model, record. A forecast is a use like others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from marketofone.consent.gate import WHY, Permit
from marketofone.domain.errors import ConsentRefused
from marketofone.domain.fields import AccountType
from marketofone.domain.languages import message
from marketofone.domain.moment import Day, Instant, date_of
from marketofone.domain.money import Rate, converted
from marketofone.domain.rates import KnownRates, is_fresh
from marketofone.features.state import MONEY
from marketofone.models.forecast import AccountForecast, Expected, Forecast, Model, forecast_all
from marketofone.models.forecast.known_payments import between_own
from marketofone.models.forecast.labels import BUFFER
from marketofone.profile.account_types import account_titles
from marketofone.profile.currencies import common_currency, with_foreign_orders
from marketofone.profile.ledger import Account
from marketofone.profile.orders import Order
from marketofone.projection import codec
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.person import Person
from marketofone.projection.records import ForecastRecord, RestsOn, Scope
from marketofone.projection.snapshot import Snapshot
from marketofone.services.foresight.facts import facts_of, money_seen
from marketofone.services.foresight.liquid_money import LiquidMoney, liquid_money, rates_said, why_apart
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.services.runtime.population import (
    LIMIT_APART,
    NOTHING_SINCE,
    ORDERS_APART,
    SOURCE_NOT_USED,
    DataScope,
    Known,
    ended_on,
    load_person,
    not_heard,
    shares_of,
)
from marketofone.services.runtime.uses import read_person, unit_about
from marketofone.store.ports import Draft, Reader

REFUSED = message("no forecast: %(text_why)s")
_RELATIVE = message("no balance is known: the days tell changes from today, and whether money runs short is not known")


class DayBalance(Struct, frozen=True, kw_only=True, gc=False):
    """One day: the end-of-day balance at the quantiles 0.1 to 0.9, in minor units."""

    day: str
    quantiles: tuple[int, ...]


class EventAhead(Struct, frozen=True, kw_only=True):
    """Something that may happen, how likely, when, and because of what."""

    event: str
    horizon_days: int
    probability: float
    expected_from: str | None
    expected_to: str | None
    drivers: tuple[str, ...]


class AccountAhead(Struct, frozen=True, kw_only=True):
    """Ninety days of one account in its own currency, or none and why; ``relative`` ones tell changes from now.

    ``title`` is what people call it. ``balance_minor`` is what stands on it now, and ``last_booked`` the day on which
    something was last heard of it; None where nothing told. ``short`` says how likely it is to fall short by itself.
    """

    account: str
    currency: str
    days: tuple[DayBalance, ...]
    abstains: str | None
    relative: bool = False
    title: str = ""
    type: AccountType = "current"
    limit_minor: int = 0
    share: float = 1.0
    balance_minor: int | None = None
    last_booked: str | None = None
    short: tuple[EventAhead, ...] = ()


class PaymentAhead(Struct, frozen=True, kw_only=True):
    """One payment that is expected, because it came regularly, or because an order says so: then it is ``ordered``.

    One that is ``own`` only moves money between the person's own accounts.
    """

    day: str
    amount_minor: int
    what: str
    ordered: bool = False
    own: bool = False


class CustomerForecast(Struct, frozen=True, kw_only=True):
    """What is ahead of a person: each account, their sum, the payments expected, and what may happen.

    Everything but the accounts and the parts of ``liquid``, what can be spent now, is in ``currency``. ``ended`` is the
    day on which something moved last, where that is too long ago to say anything of now.
    ``limit_minor`` is how far the accounts of the sum may be overdrawn: running short is falling below that.
    """

    customer: str
    as_of: str
    currency: str
    accounts: tuple[AccountAhead, ...]
    total: AccountAhead | None
    liquid: LiquidMoney
    payments: tuple[PaymentAhead, ...]
    events: tuple[EventAhead, ...]
    notes: tuple[str, ...]
    ended: str | None = None
    limit_minor: int = 0


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
            raise ConsentRefused(why=REFUSED % {"text_why": why_not(known.permit)})
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
            raise ConsentRefused(why=REFUSED % {"text_why": why_not(known.permit)})
        (made,) = foresee_all(snapshot, [known], model=model, now=moment, actor=context.actor)
        return made.ahead, known.uses

    return read_person(context, customer, what="forecast", now=now, as_of=as_of, look=look)


def question(config: BankConfig, now: Instant, *, judged: Instant | None = None) -> DataScope:
    """Ask for what a forecast may read."""
    return DataScope(config.policy.serving("forecast"), MONEY, now, now if judged is None else judged)


def why_not(permit: Permit) -> str:
    """Say why a permit that opens no account opens none."""
    return permit.refused.get("transactions", WHY["never"])


def outdated(person: Person, *, now: Instant) -> bool:
    """Say whether a person's money moved since they were last looked ahead for; never before there was a forecast.

    It did as well where less of what moved may be used now.
    """
    summary, moved = person.forecast, person.forecast_at(person.judged(now)) is None
    return summary is not None and bool(summary.seen) and (moved or summary.seen != money_seen(person))


def foresee_all(snapshot: Snapshot, people: Sequence[Known], *, model: Model, now: Instant, actor: str) -> list[Made]:
    """Make the forecasts of people who allow it, under the names they were asked for, and the records of them."""
    as_of = snapshot.config.calendar.day_of(now)
    money = [_Money(snapshot, known, day=as_of) for known in people]
    found = iter(forecast_all([asked for one in money for asked in one.asked()], as_of=as_of, model=model))
    return [
        _made(snapshot, known, one.told(found), money=one, now=now, actor=actor)
        for known, one in zip(people, money, strict=True)
    ]


class _Money:
    """A person's accounts as a forecast counts them: added up in one currency, and each other currency for itself."""

    def __init__(self, snapshot: Snapshot, known: Known, *, day: int) -> None:
        accounts = known.accounts(also_ordered=True)
        self.rates, self.day = snapshot.rates, day
        self.accounts, self.limits_apart = accounts, known.limits_apart(accounts)
        self.counted = common_currency(accounts, otherwise=snapshot.config.settings.currency, rates=self.rates, day=day)
        counts = [account for account in accounts if self.counted.counts(account)]
        self.ordered = with_foreign_orders(counts, rates=self.rates, day=day)
        self.told_of = self.ordered.accounts
        self.liquid = liquid_money(accounts, shares=shares_of(known.told.values()), counted=self.counted, day=day)
        self.ended = ended_on(accounts, as_of=day)

    def rates_of_orders(self) -> list[Rate]:
        """Give the rates at which orders count and accounts do not."""
        return [rate for rate in self.ordered.rates if rate not in self.counted.rates.values()]

    def said_of_orders(self) -> Iterator[str]:
        """Say by which rates orders in other currencies count, and which are left out."""
        yield from (message("orders count %(text_rate)s") % {"text_rate": rate.text} for rate in self.rates_of_orders())
        for currency, rate in sorted(self.ordered.apart.items()):
            yield why_apart(ORDERS_APART % {"name": currency}, rate, day=self.day)

    def said_of_limits(self) -> Iterator[str]:
        """Say which limits are in a currency that their accounts have no money in: they limit nothing."""
        titles = account_titles(self.accounts)
        for account, currency in self.limits_apart:
            yield LIMIT_APART % {"text_account": titles.get(account, "account"), "name": currency}

    def asked(self) -> Iterator[tuple[Sequence[Account], str]]:
        """Give what is looked ahead on: first all together, then the accounts in each other currency."""
        yield self.counted.accounts(self.told_of), self.counted.currency
        for currency in sorted(self.counted.rates):
            yield [account for account in self.told_of if account.currency == currency], currency

    def told(self, found: Iterator[Forecast]) -> Forecast:
        """Take what was found for each that was asked; gives the whole, and each account in its own currency."""
        whole = next(found)
        own = {currency: iter(next(found).accounts) for currency in sorted(self.counted.rates)}
        told = [
            next(own[account.currency]) if account.currency in own else one
            for account, one in zip(self.told_of, whole.accounts, strict=True)
        ]
        return replace(whole, accounts=tuple(told))


def model_of(context: AppContext, reader: Reader, snapshot: Snapshot) -> Model:
    """Give the model of the active version, the prior formula when none was ever trained."""
    version = context.versions.version(snapshot.bank, snapshot.bank.version)
    return context.versions.forecast_model(reader, version)


def _made(snapshot: Snapshot, known: Known, ahead: Forecast, *, money: _Money, now: Instant, actor: str) -> Made:
    person, counted = known.person, money.counted
    currency = snapshot.config.settings.currency
    worth = _worth(ahead, money.rates, currency=currency)
    summary = facts_of(
        ahead,
        person=person,
        sources=known.open,
        now=now,
        buffer_minor=ahead.turnover // BUFFER,
        rates=(*counted.rates.values(), *money.rates_of_orders(), *([worth] if worth is not None else [])),
        in_bank=partial(_in_bank, worth=worth, is_same=ahead.currency == currency),
    )
    notes = [
        *rates_said(counted, apart=message("accounts in %(name)s are not in this forecast"), day=money.day),
        *money.said_of_orders(),
        *money.said_of_limits(),
    ]
    if ahead.total is not None and ahead.total.relative:
        notes.append(_RELATIVE)
    if money.ended is not None:
        notes.append(NOTHING_SINCE % {"day": money.ended})
    notes += not_heard(money.accounts, as_of=money.day)
    rests_on = RestsOn(snapshot.bank.n, snapshot.bank.version, person.journals)
    return Made(
        known,
        ForecastRecord(actor, summary, known.uses, rests_on),
        _told(person.asked.name, ahead, money=money, notes=(*notes, *_refusals(known.permit))),
    )


def _worth(ahead: Forecast, rates: KnownRates, *, currency: str) -> Rate | None:
    """Give what the currency of a forecast is worth in that of the bank, in which decisions count."""
    found = None if ahead.currency == currency else rates.newest(ahead.currency, currency, day=ahead.as_of)
    return found if found is not None and is_fresh(found, day=ahead.as_of) else None


def _in_bank(minor: int, *, worth: Rate | None, is_same: bool) -> int | None:
    """Give an amount in the currency of the bank; none without a rate, for yen are no cents."""
    if worth is not None:
        return converted(minor, worth)
    return minor if is_same else None


def _refusals(permit: Permit) -> tuple[str, ...]:
    return tuple(
        SOURCE_NOT_USED % {"source": source, "text_why": why}
        for source, why in permit.withheld.items()
        if source in MONEY
    )


def _told(customer: str, ahead: Forecast, *, money: _Money, notes: tuple[str, ...]) -> CustomerForecast:
    titles, own = account_titles(money.accounts), {id(one) for one in between_own(ahead.payments)}
    return CustomerForecast(
        customer=customer,
        as_of=_date(ahead.as_of),
        currency=ahead.currency,
        accounts=tuple(
            _account(account_forecast, account, title=titles[account.name])
            for account, account_forecast in zip(money.told_of, ahead.accounts, strict=True)
        ),
        total=None if ahead.total is None else _total(ahead.total, currency=ahead.currency, limit=ahead.limit),
        liquid=money.liquid,
        payments=tuple(
            PaymentAhead(
                day=_date(payment.day),
                amount_minor=payment.told_minor,
                what=payment.stream.what,
                ordered=isinstance(payment.stream, Order),
                own=id(payment) in own,
            )
            for payment in ahead.payments
        ),
        events=tuple(_event(event) for event in ahead.events),
        notes=notes,
        ended=money.ended,
        limit_minor=ahead.limit,
    )


def _account(account_forecast: AccountForecast, account: Account, *, title: str) -> AccountAhead:
    return AccountAhead(
        account=account_forecast.account,
        currency=account.currency,
        days=_days(account_forecast),
        abstains=account_forecast.abstains,
        relative=account_forecast.relative,
        title=title,
        type=account.type,
        limit_minor=account.limit,
        share=account.share,
        balance_minor=account_forecast.balance,
        last_booked=_date(int(account.days[-1])) if account.days.size else None,
        short=tuple(_event(event) for event in account_forecast.short),
    )


def _total(whole: AccountForecast, *, currency: str, limit: int) -> AccountAhead:
    return AccountAhead(
        account=whole.account,
        currency=currency,
        days=_days(whole),
        abstains=whole.abstains,
        relative=whole.relative,
        title=message("accounts together"),
        limit_minor=limit,
        balance_minor=whole.balance,
    )


def _days(of: AccountForecast) -> tuple[DayBalance, ...]:
    return tuple(DayBalance(day=_date(day.day), quantiles=day.quantiles) for day in of.days)


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
