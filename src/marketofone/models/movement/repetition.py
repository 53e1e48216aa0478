"""What only repetition tells: a salary without a word for it, a loan and its instalments, rent to a private person."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median_low
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.fields import AccountType, Nature
from marketofone.domain.moment import date_of
from marketofone.models.movement.facts import SURE, History
from marketofone.models.movement.taxonomy import INCOME
from marketofone.models.movement.words import names_person

SALARY_SPREAD = 0.35
RENT_SPREAD = 0.1
SHARE = 0.2
"""How much of the money of a month a salary, or a rent, is at least."""
OFTEN = 6
BY_WORDS = 0.9
BY_OFTEN = 0.88
BY_THREE = 0.8
BY_INSTALMENTS = 0.85
BY_RENT = 0.6
INSTALMENTS = 3
FIRST_INSTALMENT_DAYS = 125
# Chains that may still go on, of one party: more would cost time and tell nothing.
RUNNING = 64
_DAYS_OFF = 4
_LONGEST_MONTH = 31
_MONTH = 30.44

_SPENDABLE: frozenset[AccountType | None] = frozenset({None, "current"})
_WAGE: frozenset[Nature | None] = frozenset({None, "salary"})
_UNSURE_WAGE: frozenset[Nature | None] = frozenset({"other_income", "refund"})
_RENT_LIKE = (None, "people", "other")


class _Rhythm(NamedTuple):
    shortest: int
    longest: int
    times: int
    days: float


_MONTHLY = _Rhythm(25, 36, 3, _MONTH)
_RHYTHMS = (_MONTHLY, _Rhythm(12, 16, 4, 14.0), _Rhythm(6, 8, 8, 7.0))


class _Chain(Struct):
    """Payments that follow one another in a rhythm, each near the one before; day and amount are those of the last."""

    members: list[int]
    rhythm: _Rhythm
    day: int
    amount: int


def _chains(history: History, group: Sequence[int], *, rhythm: _Rhythm, spread: float) -> list[_Chain]:
    """Part payments into those that follow one another in a rhythm; what is paid between them is left out."""
    chains: list[_Chain] = []
    running: list[_Chain] = []
    facts = history.facts
    for at in group if len(group) >= rhythm.times else ():
        day, amount = facts[at].day, abs(facts[at].amount_minor)
        running = [chain for chain in running[-RUNNING:] if day - chain.day <= rhythm.longest]
        near = [
            (abs(amount - chain.amount), place)
            for place, chain in enumerate(running)
            if day - chain.day >= rhythm.shortest and abs(amount - chain.amount) <= spread * chain.amount
        ]
        if near:
            chain = running[min(near)[1]]
            chain.members.append(at)
            chain.day, chain.amount = day, amount
        else:
            running.append(_Chain(members=[at], rhythm=rhythm, day=day, amount=amount))
            chains.append(running[-1])
    return [chain for chain in chains if len(chain.members) >= rhythm.times]


def tell_salaries(history: History) -> None:
    """Tell money that one payer, who is no person, pays again and again: it is a salary, unless words say otherwise."""
    month = _monthly(history, income_only=False)
    for group in history.by(history.party, positive=True).values():
        wages = [at for at in group if _may_be_wage(history, at)]
        if len(wages) < _MONTHLY.times:
            continue
        for rhythm in _RHYTHMS:
            for chain in _chains(history, wages, rhythm=rhythm, spread=SALARY_SPREAD):
                _tell_salary(history, chain, month=month[history.facts[wages[0]].currency])


def _may_be_wage(history: History, at: int) -> bool:
    said, fact = history.said[at], history.facts[at]
    likely = said.nature in _WAGE or (said.nature in _UNSURE_WAGE and said.confidence < SURE)
    return likely and history.type_of(at) in _SPENDABLE and not names_person(fact.counterparty)


def _tell_salary(history: History, chain: _Chain, *, month: float) -> None:
    amounts = [history.facts[at].amount_minor for at in chain.members]
    named = any(history.said[at].nature == "salary" for at in chain.members)
    if not named and median_low(amounts) * _MONTH / chain.rhythm.days < SHARE * month:
        return
    confidence = BY_WORDS if named else BY_OFTEN if len(amounts) >= OFTEN else BY_THREE
    for at in chain.members:
        history.tell(at, "salary", confidence=confidence, because="one payer pays about the same in a steady rhythm")


def tell_loans(history: History) -> None:
    """Tell a sum that is followed by instalments to the party that paid it, and the instalments."""
    paid = history.by(history.party, positive=False)
    for key, ins in history.by(history.party, positive=True).items():
        sums = [at for at in ins if history.is_open(at, to=frozenset({"loan_paid_out"}))]
        outs = [at for at in paid.get(key, ()) if history.is_open(at, to=frozenset({"loan_payment"}))] if sums else []
        for chain in _chains(history, outs, rhythm=_MONTHLY, spread=RENT_SPREAD):
            _tell_loan(history, chain, sums)


def _tell_loan(history: History, chain: _Chain, sums: Sequence[int]) -> None:
    """Tell a loan where a sum of several instalments came in a few months before the first of them."""
    facts = history.facts
    first = facts[chain.members[0]]
    for at in reversed(sums):
        ago = first.day - facts[at].day
        if 0 < ago <= FIRST_INSTALMENT_DAYS and -first.amount_minor * INSTALMENTS <= facts[at].amount_minor:
            history.tell(
                at, "loan_paid_out", confidence=BY_INSTALMENTS, because="instalments to the same party follow it"
            )
            for one in chain.members:
                because = "it pays back a sum from the same party"
                history.tell(one, "loan_payment", confidence=BY_INSTALMENTS, because=because)
            return


def tell_rents(history: History) -> None:
    """Tell a large equal payment on the same day of each month, to a party of which nothing else is known."""
    income = _monthly(history, income_only=True)
    for (_, currency), group in history.by(history.party, positive=False).items():
        likely = [at for at in group if _may_be_rent(history, at)]
        for chain in _chains(history, likely, rhythm=_MONTHLY, spread=RENT_SPREAD):
            amounts = [-history.facts[at].amount_minor for at in chain.members]
            if _one_day(history, chain) and 0 < SHARE * income[currency] <= median_low(amounts):
                for at in chain.members:
                    history.said[at] = replace(
                        history.said[at],
                        nature="spending",
                        category="rent",
                        confidence=BY_RENT,
                        because="a large equal payment each month to one party",
                    )


def _may_be_rent(history: History, at: int) -> bool:
    said = history.said[at]
    unsure = said.nature == "spending" and said.confidence < SURE and said.category in _RENT_LIKE
    return (said.nature is None or unsure) and history.type_of(at) in _SPENDABLE


def _one_day(history: History, chain: _Chain) -> bool:
    """Say whether all are paid around one day of the month."""
    days = [date_of(history.facts[at].day).day for at in chain.members]
    middle = median_low(days)
    half = _LONGEST_MONTH // 2
    return all(abs((day - middle + half) % _LONGEST_MONTH - half) <= _DAYS_OFF for day in days)


def _monthly(history: History, *, income_only: bool) -> dict[str, float]:
    """Give the money in of a month by currency: all that is not moved, or only what is income, where some is."""
    sums: dict[str, int] = {}
    for at, fact in enumerate(history.facts):
        nature = history.said[at].nature
        counts = nature in INCOME if income_only else nature is None or nature in INCOME
        sums[fact.currency] = sums.get(fact.currency, 0) + (
            fact.amount_minor if counts and fact.amount_minor > 0 else 0
        )
    months = history.months()
    return {currency: total / months for currency, total in sums.items()}
