"""The orders of each account: each future payment once, by however many sides it is told.

A transfer between own accounts may be ordered where it leaves and announced where it arrives; an order of an account
may be told here and by another bank; a loan is agreed, and there is a standing order that pays it. Two such tellings
are one payment where direction, amount, rhythm and day agree, and nothing says that they are two. Each telling has at
most one other of its kind, so two equal orders stay two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from msgspec.structs import replace

from marketofone.domain.account_numbers import account_number, parted_name, world_number
from marketofone.profile.orders import Order

_ALIKE = 1.02
_INCOME = frozenset({"salary", "pension", "benefit", "interest"})
_LOANS = ("loan", "mortgage")
_SHORT_PERIOD = 20  # days: orders of shorter ones keep their day, those of months move with weekends and short months
_OFF, _OFF_MONTHS = 1, 5
_WORD = re.compile(r"[^\W\d_]{3,}")

_Names = Callable[[str | None], str | None]


def by_account(
    orders: Iterable[Order],
    *,
    spendable: Iterable[str],
    same: Mapping[str, str] = MappingProxyType({}),
    numbers: Mapping[str, str] = MappingProxyType({}),
    due: Iterable[Order] = (),
) -> Mapping[str, tuple[Order, ...]]:
    """Give the orders of each account; one to another account of the person comes in there as well.

    Parameters
    ----------
    spendable
        The accounts of the person whose money can be spent. Those at other banks are named ``institution/account``.
    same
        The names here of accounts that are told elsewhere, too.
    numbers
        What others call accounts, by their names.
    due
        What is due on the person's cards and loans, each on the account that pays it; a standing order may pay it.
    """
    name_of = _own_names(spendable, same=same, numbers=numbers)
    told, again = dict[str, list[Order]](), dict[str, list[Order]]()
    for order in orders:
        of = again if order.account in same else told
        of.setdefault(same.get(order.account, order.account), []).append(order)
    found, arriving = dict[str, list[Order]](), dict[str, list[Order]]()
    for account in sorted(told.keys() | again.keys()):
        for order in _without_loans(_once(told.get(account, ()), again.get(account, ()), name_of)):
            other = name_of(order.counterparty_account)
            if other is None or other == account:
                found.setdefault(account, []).append(order)
                continue
            found.setdefault(account, []).append(replace(order, own=True))
            arriving.setdefault(other, []).append(_other_side(order, account=other, of=account))
    for account, more in arriving.items():
        found[account] = _once(found.get(account, ()), more, name_of)
    for order in due:
        others = found.get(order.account, ())
        is_told = order.amount_minor is not None and any(_pays_due(one, order, name_of) for one in others)
        found[order.account] = [*others, *([] if is_told else [order])]
    return {account: tuple(some) for account, some in found.items()}


def _own_names(spendable: Iterable[str], *, same: Mapping[str, str], numbers: Mapping[str, str]) -> _Names:
    """Give the rule by which what an order calls an account names one of the person's own."""
    own = {name: name for name in spendable}
    called = [(parted_name(name)[1], name) for name in own] + [(numbers[name], name) for name in numbers]
    called += [(name, here) for other, here in same.items() for name in (other, parted_name(other)[1])]
    known = [(name, account) for name, account in called if account in own]
    names = {_number(name): account for name, account in known} | dict(known) | own
    return lambda told: names.get(told or "") or names.get(_number(told or ""))


def _number(told: str) -> str:
    return world_number(told) or account_number(told)


def _other_side(order: Order, *, account: str, of: str) -> Order:
    return replace(
        order,
        account=account,
        sign=1 if order.sign < 0 else -1,
        amount_minor=None if order.amount_minor is None else -order.amount_minor,
        counterparty=None,
        counterparty_account=of,
        own=True,
    )


def _once(told: Sequence[Order], again: Iterable[Order], name_of: _Names) -> list[Order]:
    """Put what is told of an account from another side beside what is told of it, each payment once."""
    kept, free = list(told), list(range(len(told)))
    for order in again:
        at = next((at for at in free if _is_same(kept[at], order, name_of)), None)
        if at is None:
            kept.append(order)
        else:
            free.remove(at)
            kept[at] = _joined(kept[at], order)
    return kept


def _is_same(one: Order, other: Order, name_of: _Names) -> bool:
    """Say whether two tellings of one account are one payment."""
    if one.sign != other.sign or one.ended or other.ended or one.loan or other.loan:
        return False
    whom = [name_of(of.counterparty_account) or of.counterparty_account for of in (one, other)]
    facts = [(one.currency, other.currency), (one.amount_minor, other.amount_minor), (whom[0], whom[1])]
    if any(None not in both and both[0] != both[1] for both in facts):
        return False
    if other.own and whom[0] is None and one.category in _INCOME:
        return False  # an employer pays it, not the person
    return _keep_days(one, other)


def _pays_due(one: Order, due: Order, name_of: _Names) -> bool:
    """Say whether an order to somebody else is what pays a debt: its amount is told, and it is the same."""
    return one.amount_minor is not None and not one.own and _is_same(one, due, name_of)


def tells_same(one: Order, other: Order) -> bool:
    """Say whether two names of one account tell one order, which may have been told at different times.

    It is the same payee, as far as it is named, paid as often; else the same amount on the same days.

    Examples
    --------
    >>> rent = Order(account="a", told=0, sign=-1, amount_minor=-80_000, counterparty="A Landlord", every="month")
    >>> dearer, gym = replace(rent, amount_minor=-85_000), replace(rent, counterparty="Gym", amount_minor=-3_000)
    >>> tells_same(rent, dearer), tells_same(rent, gym)
    (True, False)
    """
    if (one.sign, one.currency) != (other.sign, other.currency) or one.loan or other.loan:
        return False
    numbers = [None if of.counterparty_account is None else _number(of.counterparty_account) for of in (one, other)]
    if None not in numbers and numbers[0] != numbers[1]:
        return False
    is_named = None not in numbers or not _words(one).isdisjoint(_words(other))
    if is_named and (None in (one.every, other.every) or one.every == other.every):
        return one.every is not None or other.every is not None or _keep_days(one, other)
    return one.amount_minor is not None and one.amount_minor == other.amount_minor and _keep_days(one, other)


def _words(order: Order) -> frozenset[str]:
    return frozenset(_WORD.findall((order.counterparty or "").casefold()))


def _keep_days(one: Order, other: Order) -> bool:
    """Say whether two orders may be due on the same days; one that is paid once fits into the rhythm of another."""
    if None not in (one.every, other.every) and one.every != other.every:
        return False
    if one.begins_on is None or other.begins_on is None:
        return True
    period = min(one.period_days, other.period_days)
    off = abs(one.begins_on - other.begins_on) % period
    return min(off, period - off) <= (_OFF if period < _SHORT_PERIOD else _OFF_MONTHS)


def _joined(one: Order, other: Order) -> Order:
    """Give two tellings of one payment as one: the one that tells the rhythm, and what the other knows beside it."""
    first, second = (other, one) if one.every is None and other.every is not None else (one, other)
    return replace(
        first,
        amount_minor=second.amount_minor if first.amount_minor is None else first.amount_minor,
        counterparty=first.counterparty or second.counterparty,
        counterparty_account=first.counterparty_account or second.counterparty_account,
        category=first.category or second.category,
        own=first.own or second.own,
    )


def _without_loans(orders: Sequence[Order]) -> list[Order]:
    """Leave away each loan that a standing order pays, which then ends with the loan."""
    kept = [order for order in orders if not order.loan]
    paying = [at for at, order in enumerate(kept) if order.sign < 0 and not order.ended and order.every == "month"]
    for loan in (order for order in orders if order.loan):
        at = next((at for at in paying if not loan.ended and _pays(kept[at], loan)), None)
        if at is None:
            kept.append(loan)
            continue
        paying.remove(at)
        ends = [day for day in (kept[at].last_on, loan.last_on) if day is not None]
        kept[at] = replace(kept[at], last_on=min(ends, default=None), category=kept[at].category or loan.category)
    return kept


def _pays(order: Order, loan: Order) -> bool:
    """Say whether a standing order pays a loan: it says so, or its amount is that of the loan and nothing else is."""
    if order.amount_minor is None or loan.amount_minor is None:
        return False
    if not 1 / _ALIKE <= order.amount_minor / loan.amount_minor <= _ALIKE:
        return False
    if order.category is not None:
        return any(word in order.category for word in _LOANS)
    return order.amount_minor == loan.amount_minor or _keep_days(order, loan)
