"""A life as the bank can hear it: years of events of one person, drawn at once as columns of numbers.

Steps: income and bills by the calendar; habits, app use and messages as daily rates that bend with season, weekday,
pay day, stress and changes of habit; running balances; then gaps and late delivery. ``voice`` puts rows into events.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.event import KINDS
from marketofone.domain.moment import DAY, HOUR, SECOND
from marketofone.lab.simulate.chronicle import Chronicle, draw_chronicle, situations
from marketofone.lab.simulate.people import OPENING, Person, draw_person, happens
from marketofone.lab.simulate.span import SATURDAY, Days, PerDay, Span
from marketofone.lab.simulate.tables import MESSAGES_OF, PAYMENTS_OF, PLACES, SEARCHES_OF, TABLES, WORDS, Bill, Habit

Rows = NDArray[np.void]
Codes = NDArray[np.int64]
MISSING = int(np.iinfo(np.int64).min)
KIND = {kind: code for code, kind in enumerate(KINDS)}
HERE, SAVINGS, ELSEWHERE = 0, 1, 2  # the accounts of a person
ROW = np.dtype(
    [("arrives", "i8"), ("at", "i8"), ("person", "i4"), ("number", "i4"), ("kind", "i2"), ("what", "i2"),
     ("account", "i1"), ("amount", "i8"), ("balance", "i8")]
)  # fmt: skip
_MONTH = 30.4
_TASTES = 64
_HOURS = np.array([0, 0, 0, 0, 0, 0.2, 1, 2, 3, 3, 3, 4, 5, 4, 3, 3, 4, 5, 6, 5, 3, 2, 1, 0.3])
_APP_HOURS = np.array([0.3, 0.1, 0, 0, 0, 0.3, 1, 2, 2, 1, 1, 1, 6, 2, 1, 1, 2, 3, 6, 8, 3, 2, 2, 1])
# What each sort of contact may be about: positions in its table.
_ABOUT = {
    "app.screen": range(len(WORDS["screens"])),
    "app.feature": range(len(WORDS["features"])),
    "app.searched": range(len(WORDS["queries"])),
    "app.failed": range(len(WORDS["failures"])),
    "place.visited": range(len(PLACES)),
    "partner.searched": SEARCHES_OF["none"],
    "openbanking.transaction": PAYMENTS_OF["shopping"],
}
_PART_OF_PAY = {"monthly": 1.0, "fortnightly": 14 / _MONTH, "irregular": 1 / 2.2}


@dataclass(frozen=True, slots=True)
class Life:
    """One life. Shapes: ``rows`` by arrival, dtype ``ROW``; ``situation`` (days, situations); ``pay_days`` in order."""

    person: Person
    chronicle: Chronicle
    rows: Rows
    situation: PerDay
    pay_days: Days


@dataclass(slots=True)
class _Sheet:
    """One life being written down, part by part."""

    person: Person
    chronicle: Chronicle
    span: Span
    rng: np.random.Generator
    parts: list[Rows] = field(default_factory=list)

    def add(
        self,
        kind: str,
        days: Days,
        *,
        what: Codes | int = 0,
        amount: Codes | int = 0,
        account: int = HERE,
        minute: int | None = None,
    ) -> None:
        """Write one row a day given, at the hours of its kind or a minute; days before joining are left out."""
        rows = np.zeros(len(days), dtype=ROW)
        hours = _HOURS if kind == "transaction.booked" else _APP_HOURS
        hour = np.searchsorted(np.cumsum(hours) / hours.sum(), self.rng.random(len(days)), side="right")
        second = hour * 3600 + self.rng.integers(3600, size=len(days)) if minute is None else minute * 60
        rows["at"] = self.span.starts[days] + second * SECOND
        rows["kind"], rows["what"], rows["amount"], rows["account"] = KIND[kind], what, amount, account
        rows["balance"] = MISSING
        self.parts.append(rows[days >= self.person.joined])

    def pay(self, category: str, days: Days, share: PerDay | float, *, account: int = HERE) -> None:
        """Write payments, as shares of the monthly pay, with one payee of the category."""
        lines = PAYMENTS_OF[category]
        line = lines[account if category == "savings" else int(self.rng.integers(len(lines)))]
        amount = np.rint(np.broadcast_to(share * self.person.pay_minor, len(days))).astype(np.int64)
        self.add("transaction.booked", days, what=line, amount=amount, account=account)


def live(person: Person, chronicle: Chronicle, *, span: Span, rng: np.random.Generator) -> Life:
    """Draw every event of one life in the span."""
    sheet = _Sheet(person, chronicle, span, rng)
    pay_days = _earn(sheet)
    fixed = _pay_bills(sheet)
    fresh = _since(pay_days, span.days)
    _keep_habits(sheet, fresh, fixed)
    _keep_contact(sheet, fresh)
    _travel(sheet)
    _turn(sheet)
    ends = _balance(sheet)
    _begin(sheet)
    _protect(sheet, ends)
    money = {
        "strain": 1 / (1 + np.exp(np.clip(ends / person.pay_minor - 0.15, -9, 9) * 6)),
        "flush": np.exp(-fresh / 5),
        "payday_near": np.exp(-_since(span.days - 1 - pay_days[::-1], span.days)[::-1] / 5),
    }
    return Life(
        person=person,
        chronicle=chronicle,
        rows=_deliver(sheet),
        situation=situations(chronicle, span=span, money=money),
        pay_days=pay_days,
    )


def lives_of(customers: int, *, seed: int, span: Span) -> list[Life]:
    """Draw the lives of all people. A life depends on the seed and the person's number only."""
    lives = []
    for index in range(customers):
        person, rng = draw_person(index, seed=seed, span=span), np.random.default_rng((seed, index, 2))
        lives.append(live(person, draw_chronicle(person, span=span, rng=rng), span=span, rng=rng))
    return lives


def _since(marks: Days, days: int) -> PerDay:
    """Count the days since the last mark (60 where there was none yet)."""
    padded = np.concatenate([[-60], marks])
    last = padded[np.searchsorted(marks, np.arange(days), side="right")]
    since: PerDay = np.minimum(np.arange(days) - last, 60).astype(np.float64)
    return since


def _earn(sheet: _Sheet) -> Days:
    """Write income; give the pay days."""
    person, span, rng, income = sheet.person, sheet.span, sheet.rng, sheet.chronicle.income
    days, noise = span.monthly(person.pay_date), 0.02
    if person.cycle == "fortnightly":
        days = np.arange(person.pay_date % 14, span.days, 14)
    elif person.cycle == "irregular":
        days, noise = np.flatnonzero(rng.random(span.days) < 2.2 / _MONTH), 0.5
    paid = days[income[days] > 0]
    share = _PART_OF_PAY[person.cycle] * income[paid] * np.exp(noise * rng.standard_normal(len(paid)))
    sheet.pay({"study": "benefit", "work": "salary", "retired": "pension"}[person.stage], paid, share)
    dole = span.monthly(15)
    sheet.pay("benefit", dole[income[dole] == 0], 0.5)
    return days[days >= person.joined]


def _pay_bills(sheet: _Sheet) -> float:
    """Write what is due by the calendar; give it as a share of monthly pay."""
    person, span, rng = sheet.person, sheet.span, sheet.rng
    bills = [bill for bill in TABLES.bills if bill.holds is None or bill.holds in person.holds]
    bills = [Bill("rent", person.rent_share), *(bill for bill in bills if happens(bill.people, rng))]
    for bill in bills:
        days = span.monthly(int(rng.integers(1, 28)))
        days = days[np.isin(span.month[days], bill.months or span.month) & (bill.share != 0)]
        share = bill.share * (1 + bill.winter * np.cos(2 * np.pi * span.season[days]))
        sheet.pay(bill.category, days, -share)
        if bill.category == "savings":
            sheet.pay(bill.category, days, share, account=SAVINGS)
    return sum(bill.share * (len(bill.months) or 12) / 12 for bill in bills)


def _rates(habits: dict[str, Habit], sheet: _Sheet, fresh: PerDay) -> PerDay:
    """Give daily rates. Shapes: (habits, days)."""
    span, many = sheet.span, list(habits.values())
    table = np.array([(h.per_month / _MONTH, h.weekend, h.season, h.fresh, h.stress, h.shift) for h in many])
    base, weekend, season, after, stress, shift = (column[:, None] for column in table.T)
    own = np.array([sheet.person.leaning(habit.traits) for habit in many])
    own += 0.3 * sheet.rng.standard_normal(len(many))  # what no trait explains
    rates: PerDay = base * np.exp(own[:, None] + stress * sheet.chronicle.stress + shift * sheet.chronicle.shift)
    bends: PerDay = 1 + weekend * (span.weekday >= SATURDAY)
    bends = bends * (1 + season * np.cos(2 * np.pi * (span.season - 0.96))) * (1 + after * np.exp(-fresh / 4))
    bent: PerDay = rates * bends / bends.mean(axis=1, keepdims=True)
    return bent


def _times(rates: PerDay, rng: np.random.Generator) -> tuple[Codes, Days]:
    """Draw how often each habit happens each day; give (habit, day) of every time."""
    counts = rng.poisson(rates)
    habit, day = np.nonzero(counts)
    return np.repeat(habit, counts[habit, day]), np.repeat(day, counts[habit, day])


def _keep_habits(sheet: _Sheet, fresh: PerDay, fixed: float) -> None:
    """Write everyday payments; what is left after bills bounds them, loosely."""
    person, rng, many = sheet.person, sheet.rng, list(TABLES.habits.values())
    habit, day = _times(_rates(TABLES.habits, sheet, fresh), rng)
    median, spread = np.array([h.median for h in many]), np.array([h.spread for h in many])
    usual = sum(h.per_month * h.median * float(np.exp(h.spread**2 / 2)) for h in many)
    share = float(np.clip(0.88 - person.leaning({"planner": 0.06}), 0.65, 1.04))
    left = max(0.15, 1 - fixed)
    income = sheet.chronicle.income[day]
    lean = np.where(income > 0, np.minimum(income, 1.1), 0.6) * share * left * person.pay_minor / usual
    amount = -median[habit] * lean * np.exp(spread[habit] * rng.standard_normal(len(habit)))
    lines = [PAYMENTS_OF[name] for name in TABLES.habits]
    first, several = np.array([line.start for line in lines]), np.array([len(line) for line in lines])
    what = first[habit] + np.floor(several[habit] * rng.random(len(habit)) ** 1.7).astype(np.int64)
    sheet.add("transaction.booked", day, what=what, amount=np.rint(amount).astype(np.int64))


def _keep_contact(sheet: _Sheet, fresh: PerDay) -> None:
    """Write app use, chance places, accounts elsewhere, idle searches and messages."""
    rng = sheet.rng
    rates = _rates(TABLES.contacts, sheet, fresh)
    if sheet.person.other_bank is None:
        rates[[name.startswith("openbanking") for name in TABLES.contacts]] = 0
    habit, day = _times(rates, rng)
    taste = np.argsort(rng.random(_TASTES))  # each person has favourites
    for code, (name, contact) in enumerate(TABLES.contacts.items()):
        days, about = day[habit == code], _ABOUT.get(name, range(1))
        favourites: Codes = taste[np.floor(_TASTES * rng.random(len(days)) ** 2).astype(np.int64)]
        what = about.start + favourites % len(about)
        if name == "message.received":
            what = _moods(sheet.chronicle.stress[days], rng)
        amount = -np.rint(contact.median * np.exp(contact.spread * rng.standard_normal(len(days))))
        away = ELSEWHERE if name.startswith("openbanking") else HERE
        sheet.add(name, days, what=what, amount=amount.astype(np.int64), account=away)


def _one_of(choices: range, count: int, rng: np.random.Generator) -> Codes:
    return rng.integers(choices.start, choices.stop, size=count)


def _moods(stress: PerDay, rng: np.random.Generator) -> Codes:
    """Draw what people write, given how they feel; some write calmly in bad days and angrily in good ones."""
    calm = np.full_like(stress, 0.5)
    chance = np.stack([0.06 + 0.6 * stress, 0.1 + 0.2 * stress, calm, 0.3 * (1 - stress)], axis=1)
    share = np.cumsum(chance, axis=1) / chance.sum(axis=1, keepdims=True)
    mood = (rng.random(len(stress))[:, None] > share).sum(axis=1)
    drawn = [_one_of(MESSAGES_OF[name], len(stress), rng) for name in TABLES.messages]
    chosen: Codes = np.stack(drawn)[np.minimum(mood, len(drawn) - 1), np.arange(len(stress))]
    return chosen


def _travel(sheet: _Sheet) -> None:
    """Write tickets bought ahead, the airport, and days abroad."""
    rng, places = sheet.rng, len(WORDS["places"])
    for first, length in sheet.chronicle.trips:
        booked = np.array([max(0, first - int(rng.integers(5, 60)))])
        sheet.pay("travel", booked, -0.14 * float(rng.uniform(0.5, 1.5)))
        country = int(rng.integers(len(WORDS["countries"]))) * places
        flight = np.array([first] if happens(0.8, rng) else [], dtype=np.int64)
        sheet.add("place.visited", flight, what=country + WORDS["places"].index("airport"))
        away = np.arange(first, min(first + length, sheet.span.days))
        away = away[rng.random(len(away)) < 0.35]  # noqa: PLR2004 - a share of days
        sheet.add("place.visited", away, what=country + WORDS["places"].index("abroad"))
        sheet.pay("dining", away, -rng.uniform(0.005, 0.03, len(away)))


def _turn(sheet: _Sheet) -> None:
    """Write what turns of life let the outside hear: searches before, perhaps a word about it, new costs after."""
    rng, span = sheet.rng, sheet.span
    for day, turn in sheet.chronicle.turns:
        days = day + rng.integers(-60, 10, size=int(rng.integers(2, 6)) * happens(0.75, rng))
        days = days[(days >= 0) & (days < span.days)]
        sheet.add("partner.searched", days, what=_one_of(SEARCHES_OF[turn], len(days), rng))
        told = day + int(rng.integers(-20, 30))
        if happens(0.5, rng) and 0 <= told < span.days:
            sheet.add("life.declared", np.array([told]), what=list(TABLES.turns).index(turn))
        if turn == "child":
            due = span.monthly(10)
            sheet.pay("childcare", due[due > day], -0.06)


def _begin(sheet: _Sheet) -> None:
    """Write the facts of the day of joining, a minute apart."""
    person = sheet.person
    facts = [("person.described", 0, HERE), ("identity.linked", 0, HERE), ("account.opened", 0, HERE)]
    facts += [("account.opened", 0, SAVINGS)] if "savings_account" in person.holds else []
    facts += [("product.opened", WORDS["products"].index(product), HERE) for product in person.holds]
    facts += [("order.placed", PAYMENTS_OF["rent"].start, HERE)] if person.rent_share else []
    rent = round(person.rent_share * person.pay_minor)
    for minute, (kind, what, account) in enumerate(facts, start=OPENING + 1):
        sheet.add(kind, np.array([person.joined]), what=what, amount=rent, account=account, minute=minute)


def _balance(sheet: _Sheet) -> PerDay:
    """Put rows in order, fill running balances in and forget some; give the balance here at every day's end."""
    rng, span, pay = sheet.rng, sheet.span, sheet.person.pay_minor
    rows = np.concatenate(sheet.parts)
    rows = rows[np.argsort(rows["at"], kind="stable")]
    sheet.parts = [rows]
    ends = np.zeros(span.days)
    moves = np.isin(rows["kind"], [KIND["transaction.booked"], KIND["openbanking.transaction"]])
    for account, months in ((HERE, 0.6), (SAVINGS, 1.5), (ELSEWHERE, 1.2)):
        begin = round(pay * months * float(np.exp(0.6 * rng.standard_normal())))
        mine = rows["account"] == account
        running = np.concatenate([[begin], begin + np.cumsum(np.where(moves, rows["amount"], 0)[mine])])
        if account == ELSEWHERE:  # filled up from elsewhere when it runs dry
            running = running - np.minimum(0, np.minimum.accumulate(running - 10_000))
        rows["balance"][mine] = running[1:]
        if account == HERE:
            ends = running[np.searchsorted(rows["at"][mine], span.starts[1:])].astype(np.float64)
    silent = happens(0.1, rng)  # a system that sends no balances at all; the others forget one in ten
    forgotten = rng.random(len(rows)) < (1.0 if silent else 0.1)
    rows["balance"][forgotten & (rows["kind"] == KIND["transaction.booked"])] = MISSING
    return ends


def _protect(sheet: _Sheet, ends: PerDay) -> None:
    """Write arrears that follow from the balance, and the care flags that staff raise after hard turns of life."""
    joined, last = sheet.person.joined, sheet.span.days - 1
    deep, late = ends < -0.8 * sheet.person.pay_minor, False
    for day in range(joined + 10, sheet.span.days):
        if (ends[day] > 0) if late else deep[day - 10 : day].all():
            late = not late
            sheet.add("arrears.changed", np.array([day]), what=int(late), minute=OPENING)
    for day, turn in sheet.chronicle.turns:
        if TABLES.turns[turn].shock > 0.5 and happens(0.3, sheet.rng):  # noqa: PLR2004 - how hard it was
            sheet.add("care.flagged", np.array([min(day + 7, last)]), minute=OPENING)


def _deliver(sheet: _Sheet) -> Rows:
    """Lose the gaps, number the rest, deliver a few late and a few twice; order by arrival."""
    rng, span, rows = sheet.rng, sheet.span, np.concatenate(sheet.parts)
    rows = rows[np.argsort(rows["at"], kind="stable")]
    day = np.minimum(np.searchsorted(span.starts, rows["at"], side="right") - 1, span.days - 1)
    rows = rows[(sheet.chronicle.heard[day] > 0) | (day == sheet.person.joined)]
    rows["person"], rows["number"] = sheet.person.index, np.arange(len(rows))
    late = rng.random(len(rows)) < 0.01  # noqa: PLR2004 - a share of events
    rows["arrives"] = rows["at"] + np.where(late, rng.integers(HOUR, 3 * DAY, size=len(rows)), 0)
    twice = rows[rng.random(len(rows)) < 0.004]  # noqa: PLR2004 - a share of events
    twice["arrives"] += rng.integers(HOUR, DAY, size=len(twice))
    rows = np.concatenate([rows, twice])
    return rows[np.argsort(rows["arrives"], kind="stable")]
