"""What a person's own spending says to them: what comes back, shifts and unusual items, in words without judgement."""

from __future__ import annotations

from msgspec import Struct

from marketofone.domain.languages import message
from marketofone.domain.moment import Day, Instant, date_of
from marketofone.domain.money import Money
from marketofone.features.state import MONEY
from marketofone.models.forecast.spending import Finding, Habit, Spending, Standing, find_spending
from marketofone.models.movement.merchants import clean_name
from marketofone.profile.currencies import common_currency
from marketofone.projection.person import Person
from marketofone.projection.records import Scope
from marketofone.projection.snapshot import Snapshot
from marketofone.services.foresight.liquid_money import rates_said
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.population import (
    NOTHING_SINCE,
    SOURCE_NOT_USED,
    DataScope,
    Known,
    ended_on,
    load_person,
    not_heard,
)
from marketofone.services.runtime.uses import read_person

_EVERY = {
    "weekly": message("every week"),
    "biweekly": message("every two weeks"),
    "four_weekly": message("every four weeks"),
    "monthly": message("every month"),
    "two_monthly": message("every two months"),
    "quarterly": message("every three months"),
    "half_yearly": message("every half year"),
    "yearly": message("every year"),
}
_TEXTS = {
    "subscription_new": message("New since %(day)s: %(text_who)s, %(money)s"),
    "subscription_new_again": message("New since %(day)s: %(text_who)s, %(money)s %(text_every)s"),
    "subscription_price": message("%(text_who)s takes %(money)s since %(day)s; before, it was %(money_usual)s"),
    "subscription_duplicate": message(
        "%(text_who)s is paid twice, about %(money)s each, since %(day)s; both may be meant"
    ),
    "subscription_ended": message("%(text_who)s was last paid on %(day)s; it was %(money)s"),
    "subscription_ended_again": message("%(text_who)s was last paid on %(day)s; it was %(money)s %(text_every)s"),
    "payment_due": message("%(text_who)s: about %(money)s, expected around %(day)s"),
    "trips": message("%(text_who)s: %(number)s payments in the last 30 days; for you, %(number_usual)s are usual"),
    "basket": message("%(text_who)s: about %(money)s at a time in the last 30 days; for you, %(money_usual)s is usual"),
    "unusual_amount": message("%(text_who)s: %(money)s on %(day)s; for you, about %(money_usual)s is usual"),
    "first_seen": message("First payment to %(text_who)s: %(money)s on %(day)s"),
    "double_charge": message("%(text_who)s: %(money)s was paid twice by %(day)s; both may be meant"),
    "eating_out_more": message(
        "You have been eating out more and buying groceries less often than is usual for you. "
        "That may be just right. If something has changed, we are glad to listen."
    ),
    "under_strain": message(
        "There were more fees and fewer trips for groceries than is usual for you. "
        "If this is a hard time, we are glad to listen."
    ),
    "cash_instead": message(
        "You have been using more cash and buying groceries less often than is usual for you. "
        "If something has changed, we are glad to listen."
    ),
}
"""What is said of a finding, by its kind; "again" where it also says how often."""
_APART = message("payments in %(name)s are shown apart, and are in no sum")


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
            *([] if ended is None else [NOTHING_SINCE % {"day": ended}]),
            *not_heard(accounts, as_of=day),
            *rates_said(counted, apart=_APART, day=day),
            *(
                SOURCE_NOT_USED % {"source": source.replace("_", " "), "text_why": withheld[source]}
                for source in sorted(MONEY & withheld.keys())
            ),
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
    kind = measure if of.kind == "spending_shift" else of.pattern or of.kind
    text = _TEXTS[f"{kind}_again" if every and f"{kind}_again" in _TEXTS else kind] % {
        "text_who": _name(of.counterparty, of.category),
        "day": _day(of.day),
        "money": _money(shift["now"], of.currency),
        "money_usual": _money(shift["usual"], of.currency),
        "number": f"{shift['now']:.0f}",
        "number_usual": f"{shift['usual']:.1f}",
        "text_every": every,
    }
    return Insight(
        name=of.kind,
        text=text,
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
    """Give the name that the merchants of a person have, too; where a text holds none, the text."""
    if counterparty:
        return clean_name(counterparty) or counterparty
    name = (category or "payment").replace("_", " ")
    return name[:1].upper() + name[1:]


def _money(minor: float, currency: str) -> str:
    return Money(minor=round(minor), currency=currency).text


def _date(day: int) -> str:
    return date_of(Day(day)).isoformat()


def _day(day: int) -> str:
    on = date_of(Day(day))
    return f"{on.day} {on:%B %Y}"
