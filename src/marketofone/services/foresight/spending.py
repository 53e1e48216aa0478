"""What a person's own spending says to them: what comes back, shifts and unusual items, in words without judgement."""

from __future__ import annotations

from msgspec import Struct

from marketofone.domain.moment import Day, Instant, date_of
from marketofone.domain.money import Money
from marketofone.features.state import MONEY
from marketofone.models.forecast.counterparties import shown_name
from marketofone.models.forecast.spending import Finding, Habit, Spending, Standing, find_spending
from marketofone.profile.currencies import common_currency
from marketofone.projection.person import Person
from marketofone.projection.records import Scope
from marketofone.projection.snapshot import Snapshot
from marketofone.services.foresight.liquid_money import rates_said
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.population import NOTHING_SINCE, DataScope, Known, ended_on, load_person, not_heard
from marketofone.services.runtime.uses import read_person

_EVERY = {
    "weekly": "every week",
    "biweekly": "every two weeks",
    "four_weekly": "every four weeks",
    "monthly": "every month",
    "two_monthly": "every two months",
    "quarterly": "every three months",
    "half_yearly": "every half year",
    "yearly": "every year",
}
_TEXTS = {
    "subscription_new": "New since {on}: {who}, {now} {every}",
    "subscription_price": "{who} takes {now} since {on}; before, it was {usual}",
    "subscription_duplicate": "{who} is paid twice, about {now} each, since {on}; both may be meant",
    "subscription_ended": "{who} was last paid on {on}; it was {now} {every}",
    "payment_due": "{who}: about {now}, expected around {on}",
    "trips": "{who}: {trips:.0f} payments in the last 30 days; for you, {usual_trips:.1f} are usual",
    "basket": "{who}: about {now} at a time in the last 30 days; for you, {usual} is usual",
    "unusual_amount": "{who}: {now} on {on}; for you, about {usual} is usual",
    "first_seen": "First payment to {who}: {now} on {on}",
    "double_charge": "{who}: {now} was paid twice by {on}; both may be meant",
    "eating_out_more": "You have been eating out more and buying groceries less often than is usual for you. "
    "That may be just right. If something has changed, we are glad to listen.",
    "under_strain": "There were more fees and fewer trips for groceries than is usual for you. "
    "If this is a hard time, we are glad to listen.",
    "cash_instead": "You have been using more cash and buying groceries less often than is usual for you. "
    "If something has changed, we are glad to listen.",
}


class Insight(Struct, frozen=True, kw_only=True):
    """One observation about a person's own numbers, compared only with themselves.

    ``id`` is its cause and stays the same from day to day. What an observation does not have is None.
    """

    name: str
    text: str
    value: float
    unit: str
    id: str | None = None
    category: str | None = None
    counterparty: str | None = None
    day: str | None = None
    now_minor: int | None = None
    usual_minor: int | None = None
    currency: str | None = None
    strength: float | None = None


class StandingPayment(Struct, frozen=True, kw_only=True):
    """One payment that comes back: what, how much, how it stands, and when it is due next, in its own currency."""

    what: str
    category: str | None
    account: str
    currency: str
    amount_minor: int
    yearly_minor: int
    every: str
    state: str
    since: str
    before_minor: int | None
    next_day: str | None
    next_minor: int | None


class CustomerSpending(Struct, frozen=True, kw_only=True):
    """What a person's spending says: the payments that come back, the habit of each category, and what stands out.

    Habits are in ``currency``; payments, and what is said of them, name their own. ``ended`` is the day on which
    something moved last, where that is too long ago to say anything of now.
    """

    customer: str
    as_of: str
    currency: str
    standing: tuple[StandingPayment, ...]
    habits: tuple[Habit, ...]
    insights: tuple[Insight, ...]
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    ended: str | None = None


def spending(context: AppContext, customer: str, *, now: Instant, as_of: Instant | None = None) -> CustomerSpending:
    """Look at what a person spends, here and at other banks, as far as they allow it; the reading is a use.

    Raises
    ------
    MalformedRequest
        When the moment that is asked about lies ahead.
    UnknownCustomer
    """

    def look(
        snapshot: Snapshot, person: Person, judged: Instant, moment: Instant
    ) -> tuple[CustomerSpending, tuple[Scope, ...]]:
        return spending_of(snapshot, person, now=judged, as_of=moment)

    return read_person(context, customer, what="spending", now=now, as_of=as_of, look=look)


def spending_of(
    snapshot: Snapshot, person: Person, *, now: Instant, as_of: Instant
) -> tuple[CustomerSpending, tuple[Scope, ...]]:
    """Look at what a person spends, and name the scopes that were read."""
    known = load_person(snapshot, person, DataScope(snapshot.config.policy.serving("insights"), MONEY, as_of, now))
    return _spending(snapshot, known, day=snapshot.config.calendar.day_of(as_of)), known.uses


def _spending(snapshot: Snapshot, known: Known, *, day: int) -> CustomerSpending:
    accounts, withheld = known.accounts(), known.permit.withheld
    counted = common_currency(accounts, otherwise=snapshot.config.settings.currency, rates=snapshot.rates, day=day)
    ended = ended_on(accounts, as_of=day)
    found = find_spending(accounts, as_of=day, summed=counted.accounts(accounts) if counted.rates else None)
    return CustomerSpending(
        customer=known.person.asked.name,
        as_of=_date(day),
        currency=counted.currency,
        standing=tuple(_standing(payment) for payment in found.standing),
        habits=found.habits,
        insights=told(found),
        sources=tuple(sorted(known.open)),
        notes=(
            *([] if ended is None else [NOTHING_SINCE.format(ended)]),
            *not_heard(accounts, as_of=day),
            *rates_said(counted, apart="payments in {} are shown apart, and are in no sum", day=day),
            *(f"{source.replace('_', ' ')} not used: {withheld[source]}" for source in sorted(MONEY & withheld.keys())),
        ),
        ended=ended,
    )


def told(found: Spending) -> tuple[Insight, ...]:
    """Put findings into words."""
    every = {(of.account, of.counterparty, of.category, of.amount_minor): _EVERY[of.rhythm] for of in found.standing}
    return tuple(
        _insight(of, every=every.get((of.account or "", of.counterparty, of.category, of.now_minor), ""))
        for of in found.findings
    )


def _insight(of: Finding, *, every: str) -> Insight:
    shift = of.evidence if of.kind == "spending_shift" else {"now": of.now_minor, "usual": of.usual_minor or 0}
    measure, _, _ = (of.pattern or of.kind).partition("_")
    trips = measure == "trips"
    text = _TEXTS[measure if of.kind == "spending_shift" else of.pattern or of.kind].format(
        who=_name(of.counterparty, of.category),
        on=_day(of.day),
        now=_money(shift["now"], of.currency),
        usual=_money(shift["usual"], of.currency),
        trips=shift["now"],
        usual_trips=shift["usual"],
        every=every,
    )
    return Insight(
        name=of.kind,
        text=text.rstrip(),
        value=float(shift["now"]),
        unit="payments in 30 days" if trips else "minor",
        id=of.id,
        category=of.category,
        counterparty=of.counterparty,
        day=_date(of.day),
        now_minor=of.now_minor,
        usual_minor=of.usual_minor,
        currency=of.currency,
        strength=round(of.strength, 4),
    )


def _standing(of: Standing) -> StandingPayment:
    return StandingPayment(
        what=_name(of.counterparty, of.what),
        category=of.category,
        account=of.account,
        currency=of.currency,
        amount_minor=of.amount_minor,
        yearly_minor=of.yearly_minor,
        every=_EVERY[of.rhythm],
        state=of.state,
        since=_date(of.since_day),
        before_minor=of.before_minor,
        next_day=None if of.next_day is None else _date(of.next_day),
        next_minor=of.next_minor,
    )


def _name(counterparty: str | None, category: str | None) -> str:
    """Give a name as people write it: what statements print around it is left away."""
    short = shown_name(counterparty or "")
    name = counterparty or (category or "payment").replace("_", " ")
    return short.title() if short and short != name.casefold() else name[:1].upper() + name[1:]


def _money(minor: float, currency: str) -> str:
    return Money(minor=round(minor), currency=currency).text


def _date(day: int) -> str:
    return date_of(Day(day)).isoformat()


def _day(day: int) -> str:
    on = date_of(Day(day))
    return f"{on.day} {on:%B %Y}"
