"""Money between a person's own accounts: told by a number, by the person's own name, or by two payments that pair."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from marketofone.domain.account_numbers import account_number
from marketofone.domain.fields import AccountType, Nature
from marketofone.models.movement.facts import History, OwnAccount
from marketofone.models.movement.words import same_person

BY_NUMBER = 0.97
BY_PAIR = 0.96
BY_UNEQUAL_PAIR = 0.9
BY_NAME = 0.88
BY_DEBT = 0.93
BY_TYPE = 0.62
# How many days apart the two sides of a pair may stand; the closest pairs are made first.
WINDOWS = (0, 1, 3)

_MOST_TAKEN = 20
"""At most a twentieth of what is sent may be taken on its way by a bank between."""
_Place = tuple[str | None, str]

_DEBT: frozenset[AccountType | None] = frozenset({"loan", "mortgage"})
_KEPT: frozenset[AccountType | None] = frozenset({"savings", "investment"})
_MOVING: frozenset[Nature] = frozenset({"own_transfer", "card_bill", "loan_payment", "loan_paid_out"})
_GOES_BACK: frozenset[Nature | None] = frozenset({"reversal", "returned_debit"})
_BECAUSE: dict[Nature, str] = {
    "own_transfer": "it moves between own accounts",
    "card_bill": "it pays an own card account",
    "loan_payment": "it pays an own loan account",
    "loan_paid_out": "an own loan account pays it out",
}


def between(source: AccountType | None, target: AccountType | None) -> Nature:
    """Say what a payment from one own account to another is, by their types.

    Examples
    --------
    >>> between("current", "card"), between("current", "savings"), between("mortgage", "current")
    ('card_bill', 'own_transfer', 'loan_paid_out')
    """
    if target in _DEBT:
        return "loan_payment"
    if source in _DEBT:
        return "loan_paid_out"
    return "card_bill" if target == "card" and source != "card" else "own_transfer"


def tell_by_number(history: History, accounts: Iterable[OwnAccount], *, holder: str | None) -> dict[int, _Place]:
    """Tell payments whose other side is an own account, or bears the person's own name.

    Gives the own accounts that are on the other side of payments.
    """
    named: dict[int, _Place] = {}
    own: dict[str, tuple[str | None, str, AccountType | None]] = {}
    for account in accounts:
        for number in (account.account, *account.numbers):
            own[account_number(number)] = (account.institution, account.account, account.type)
    for at, fact in enumerate(history.facts):
        if history.said[at].nature in _GOES_BACK:
            continue
        told = (own.get(account_number(name)) for name in (fact.counterparty_account, fact.counterparty) if name)
        other = next(filter(None, told), None)
        if other is not None and other[:2] != (fact.institution, fact.account):
            sides = (other[2], history.type_of(at)) if fact.amount_minor > 0 else (history.type_of(at), other[2])
            nature = between(*sides)
            history.tell(at, nature, confidence=BY_NUMBER, because=_BECAUSE[nature])
            named[at] = other[:2]
        elif holder and fact.counterparty and same_person(fact.counterparty, holder):
            history.tell(at, "own_transfer", confidence=BY_NAME, because="the other side bears the person's own name")
    return named


def tell_pairs(history: History) -> None:
    """Tell payments that leave one own account and arrive on another within three days, where no doubt is left.

    There is doubt where more leave than arrive, or the other way round, and nothing closer in time parts them.
    """
    equal: dict[tuple[str, int], list[int]] = defaultdict(list)
    for at, fact in enumerate(history.facts):
        if fact.amount_minor and history.is_open(at, to=_MOVING):
            equal[fact.currency, abs(fact.amount_minor)].append(at)
    for group in equal.values():
        left: Sequence[int] = group
        for window in WINDOWS:
            left = _tell_closest(history, left, window=window)


def tell_unequal_pairs(history: History, named: Mapping[int, _Place]) -> None:
    """Tell the other side of payments that name an own account, where a little less arrived than was sent.

    A bank between took a fee, or nothing is known of the difference: it is told as nothing. It is the other side only
    where it alone can be.
    """
    by_account: dict[_Place, list[int]] = defaultdict(list)
    for at, fact in enumerate(history.facts):
        if at not in named and fact.amount_minor and history.is_open(at, to=_MOVING):
            by_account[fact.institution, fact.account].append(at)
    sides = {at: [one for one in by_account[place] if _may_answer(history, at, one)] for at, place in named.items()}
    asked = Counter(one for others in sides.values() for one in others)
    for at, others in sides.items():
        sent, here = abs(history.facts[at].amount_minor), others[:1]
        if len(others) != 1 or asked[others[0]] > 1 or abs(history.facts[here[0]].amount_minor) == sent:
            continue
        types = history.type_of(at), history.type_of(here[0])
        nature = between(*(types if history.facts[at].amount_minor < 0 else types[::-1]))
        because = f"{_BECAUSE[nature]}: it pairs with a payment of nearly the same amount"
        history.tell(here[0], nature, confidence=BY_UNEQUAL_PAIR, because=because)


def _may_answer(history: History, at: int, other: int) -> bool:
    """Say whether two payments may be one that left and arrived, less what was taken on its way."""
    one, two = history.facts[at], history.facts[other]
    left, arrives = (one, two) if one.amount_minor < 0 else (two, one)
    taken = -left.amount_minor - arrives.amount_minor
    return (
        one.currency == two.currency
        and left.amount_minor < 0 < arrives.amount_minor
        and 0 <= arrives.day - left.day <= WINDOWS[-1]
        and 0 <= taken * _MOST_TAKEN <= -left.amount_minor
    )


class _Leg(NamedTuple):
    """Payments of one amount that nothing tells apart here: of one day, one account and one direction."""

    day: int
    account: tuple[str, str]
    arrives: bool


def _tell_closest(history: History, group: Sequence[int], *, window: int) -> list[int]:
    """Tell the pairs of one amount within a window, and give the payments that are left."""
    legs: dict[_Leg, list[int]] = defaultdict(list)
    for at in group:
        fact = history.facts[at]
        legs[_Leg(fact.day, (fact.institution or "", fact.account), fact.amount_minor > 0)].append(at)
    partners = _partners(list(legs), window=window)
    left: list[int] = []
    seen: set[_Leg] = set()
    for leg in legs:
        if leg in seen:
            continue
        together = _connected(leg, partners)
        seen |= together
        arriving = sum(len(legs[one]) for one in together if one.arrives)
        if len(together) == 1 or 2 * arriving != sum(len(legs[one]) for one in together):
            left += [at for one in together for at in legs[one]]
            continue
        for one in together:
            _tell_leg(history, legs[one], [legs[other][0] for other in partners[one]], arrives=one.arrives)
    return sorted(left)


def _partners(legs: Sequence[_Leg], *, window: int) -> dict[_Leg, list[_Leg]]:
    """Give for each leg, in the order of days, those that may be its other side."""
    partners: dict[_Leg, list[_Leg]] = {leg: [] for leg in legs}
    for place, one in enumerate(legs):
        for other in legs[place + 1 :]:
            if other.day - one.day > window:
                break
            if one.arrives != other.arrives and one.account != other.account:
                partners[one].append(other)
                partners[other].append(one)
    return partners


def _connected(start: _Leg, partners: dict[_Leg, list[_Leg]]) -> set[_Leg]:
    reached = {start}
    waiting = [start]
    while waiting:
        for near in partners[waiting.pop()]:
            if near not in reached:
                reached.add(near)
                waiting.append(near)
    return reached


def _tell_leg(history: History, leg: Sequence[int], others: Sequence[int], *, arrives: bool) -> None:
    """Tell payments of one leg by the types of the accounts on both sides."""
    here = history.type_of(leg[0])
    sides = {(there, here) if arrives else (here, there) for there in map(history.type_of, others)}
    told = {between(source, target) for source, target in sides}
    nature: Nature = told.pop() if len(told) == 1 else "own_transfer"
    for at in leg:
        history.tell(at, nature, confidence=BY_PAIR, because=f"{_BECAUSE[nature]}: it pairs with another payment")


def tell_debt(history: History) -> None:
    """Tell money that arrives on a loan's own account: it pays the loan."""
    for at, fact in enumerate(history.facts):
        if fact.amount_minor > 0 and history.type_of(at) in _DEBT and history.said[at].nature not in _GOES_BACK:
            history.tell(at, "loan_payment", confidence=BY_DEBT, because="it arrives on a loan account")


def tell_by_type(history: History) -> None:
    """Tell what nothing else tells by the type of the account: savings are moved, and cards are paid off."""
    for at, fact in enumerate(history.facts):
        if history.said[at].nature is not None or not fact.amount_minor:
            continue
        type_ = history.type_of(at)
        if type_ in _KEPT:
            history.tell(at, "own_transfer", confidence=BY_TYPE, because="it stands on an account for savings")
        elif type_ == "card" and fact.amount_minor > 0:
            history.tell(at, "card_bill", confidence=BY_TYPE, because="it arrives on a card account")
