"""Money between a person's own accounts: told by a number, by the person's own name, or by two payments that pair."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from marketofone.domain.account_numbers import account_number
from marketofone.domain.fields import AccountType, Nature
from marketofone.models.movement.facts import History, OwnAccount
from marketofone.models.movement.words import same_person

BY_NUMBER = 0.97
BY_PAIR = 0.96
BY_NAME = 0.88
BY_DEBT = 0.93
BY_TYPE = 0.62
# How many days apart the two sides of a pair may stand; the closest pairs are made first.
WINDOWS = (0, 1, 3)

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


def tell_by_number(history: History, accounts: Iterable[OwnAccount], *, holder: str | None) -> None:
    """Tell payments whose other side is an own account, or bears the person's own name."""
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
        elif holder and fact.counterparty and same_person(fact.counterparty, holder):
            history.tell(at, "own_transfer", confidence=BY_NAME, because="the other side bears the person's own name")


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
