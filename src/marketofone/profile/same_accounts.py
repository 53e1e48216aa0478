"""The same account under several names: in one source, or here and as one at another bank. It counts once.

1. An account is recognised by its number: the one that was told, or its name where that is a number. A number that
   banks everywhere know decides by itself; one that only one bank knows does so within that bank. The currency is the
   same, too.
2. In one source all that is told of an account counts under one of its names. What names that tell more cover counts
   once (``profile/coverage.py``); of what stands on it, what was told for the later day.
3. Between sources both must be open: where only one is, what that one tells counts whole. What is told here wins: what
   stands on the account counts as told here, unless that is ``STALE_DAYS`` older than what is told elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from marketofone.domain.account_numbers import account_number, is_local, parted_name, world_number
from marketofone.domain.event import Event, under_account
from marketofone.domain.fields import EventData
from marketofone.domain.moment import Calendar
from marketofone.domain.money_events import (
    AccountOpened,
    BalanceStated,
    Movement,
    OpenBankingBalance,
    OpenBankingOrder,
    OpenBankingTransaction,
    OrderPlaced,
    institution_key,
)
from marketofone.profile.account_types import account_numbers
from marketofone.profile.coverage import Coverage, coverage_of
from marketofone.profile.ledger import Account, Ledger, accounts
from marketofone.profile.orders import orders_of
from marketofone.profile.registers import Registers

STALE_DAYS = 120

Name = tuple[str, str]
"""What a source calls an account (``institution/account`` where it is at another bank), and the currency."""
_TELLING = ("account.", "balance.", "outside.")


class Told(NamedTuple):
    """What a source told of a person's money; ``elsewhere`` where it tells of other banks."""

    registers: Registers
    ledger: Ledger
    elsewhere: bool = False


class Alias(NamedTuple):
    """The name under which what another name tells counts, and what names before that one cover of the account."""

    account: str
    before: tuple[Coverage, ...]


Aliases = Mapping[Name, Alias]
NO_ALIASES: Aliases = MappingProxyType({})


def aliases_in(told: Told) -> Aliases:
    """Give the names of accounts that one source tells under several names.

    Examples
    --------
    >>> from marketofone.profile.ledger import NO_LEDGER
    >>> from marketofone.profile.registers import Register
    >>> iban, known = "DE89370400440532013000", Register(0, b"", (500, "EUR"))
    >>> number = Register(0, b"", iban)
    >>> told = Told({"balance.giro": known, "number.giro": number, f"balance.{iban}": known}, NO_LEDGER)
    >>> {name: alias.account for (name, _), alias in aliases_in(told).items()}
    {'DE89370400440532013000': 'giro', 'giro': 'giro'}
    """
    groups = alike(_names(told), account_numbers(told.registers), elsewhere=told.elsewhere)
    read = _accounts(told) if groups else {}
    found: dict[Name, Alias] = {}
    for group in groups:
        ranked = sorted(group, key=lambda one: _tells_no_balance(read.get(one)))
        for place, name in enumerate(ranked):
            covered = (_coverage(told, one, read.get(one), beside=read.get(name)) for one in ranked[:place])
            found[name] = Alias(group[0][0], tuple(covered))
    return dict(sorted(found.items()))


def alike(names: Collection[Name], numbers: Mapping[str, str], *, elsewhere: bool) -> list[list[Name]]:
    """Give the names that accounts have which have several; the first of them is the one under which it counts.

    That is a name that was given to it, before one that is its number. ``numbers`` are by what a source calls accounts.

    Examples
    --------
    >>> names = [("DE89370400440532013000", "EUR"), ("giro", "EUR"), ("pot", "EUR")]
    >>> alike(names, {"giro": "37040044/532013000"}, elsewhere=False)
    [[('giro', 'EUR'), ('DE89370400440532013000', 'EUR')]]
    """
    if len(names) < 2:  # noqa: PLR2004 - one name is no other's
        return []
    groups: dict[tuple[str, str, str], list[Name]] = {}
    for name, currency in sorted(names):
        key = *_identity(name, numbers.get(name), elsewhere=elsewhere), currency
        groups.setdefault(key, []).append((name, currency))
    is_number = {of: _world(of[0], None, elsewhere=elsewhere) is not None for group in groups.values() for of in group}
    return [sorted(group, key=lambda of: is_number[of]) for group in groups.values() if len(group) > 1]


def told_twice(here: Told, elsewhere: Told) -> Aliases:
    """Give the accounts elsewhere that are told here, too, by their names there; each has one name in its source.

    Examples
    --------
    >>> from marketofone.profile.ledger import NO_LEDGER
    >>> from marketofone.profile.registers import Register
    >>> iban, known = "DE89370400440532013000", Register(0, b"", (500, "EUR"))
    >>> here = Told({f"balance.{iban}": known}, NO_LEDGER)
    >>> elsewhere = Told({f"outside.x/{iban}": known}, NO_LEDGER, elsewhere=True)
    >>> [(name, alias.account) for (name, _), alias in told_twice(here, elsewhere).items()]
    [('x/DE89370400440532013000', 'DE89370400440532013000')]
    """
    others = _numbered(elsewhere)
    own = _numbered(here) if others else {}
    names = {(number, name[1]): name for name, number in sorted(own.items(), reverse=True)}
    same = {name: names[number, name[1]] for name, number in sorted(others.items()) if (number, name[1]) in names}
    if not same:
        return NO_ALIASES
    read, beside = _accounts(here), _accounts(elsewhere)
    return {
        other: Alias(name[0], (_coverage(here, name, read.get(name), beside=beside.get(other)),))
        for other, name in same.items()
    }


def counted(event: Event, aliases: Aliases, *, calendar: Calendar) -> Event | None:
    """Give an event as it counts in its source: under the name of its account; None where another name covers it."""
    if not aliases:
        return event
    name = account_told(event.data)
    alias = None if name is None else aliases.get(name)
    if name is None or alias is None:
        return event
    if any(one.tells(event, calendar=calendar, stale_days=0) for one in alias.before):
        return None
    return event if name[0] == alias.account else under_account(event, alias.account)


def counts_beside(event: Event, twice: Aliases, *, calendar: Calendar) -> bool:
    """Say whether an event of an account elsewhere counts beside what is told here."""
    if not isinstance(event.data, OpenBankingTransaction | OpenBankingBalance | OpenBankingOrder):
        return True
    name = account_told(event.data)
    same = None if name is None else twice.get(name)
    return same is None or not any(one.tells(event, calendar=calendar, stale_days=STALE_DAYS) for one in same.before)


def account_told(data: EventData) -> Name | None:
    """Give the account that an event is about, as its source calls it; None where it is about none."""
    match data:
        case OpenBankingTransaction() | OpenBankingBalance() | OpenBankingOrder():
            return f"{data.institution}/{data.account}", data.currency
        case Movement() | BalanceStated() | OrderPlaced() | AccountOpened():
            return data.account, data.currency
        case _:
            return None


def _tells_no_balance(account: Account | None) -> bool:
    return account is None or not account.tells_balance


def _coverage(told: Told, name: Name, account: Account | None, *, beside: Account | None) -> Coverage:
    orders = (one for one in orders_of(told.registers) if (one.account, one.currency) == name and not one.loan)
    return coverage_of(account, beside=beside, orders=orders)


def _accounts(told: Told) -> dict[Name, Account]:
    return {(one.name, one.currency): one for one in accounts([told.ledger])}


def _identity(name: str, number: str | None, *, elsewhere: bool) -> tuple[str, str]:
    """Give what tells an account apart from all others of a source: a bank, empty for any, and a number there."""
    world = _world(name, number, elsewhere=elsewhere)
    if world is not None:
        return "", world
    institution, account = parted_name(name) if elsewhere else ("", name)
    return institution_key(institution), account_number(account) if is_local(account) else account


def _world(name: str, number: str | None, *, elsewhere: bool) -> str | None:
    """Give the number by which an account is known everywhere; one that was told as such is."""
    if number is not None and is_local(number):
        return world_number(number) or number
    return world_number(parted_name(name)[1] if elsewhere else name)


def _numbered(told: Told) -> dict[Name, str]:
    """Give the numbers of accounts by their names, as far as they mean one account in the whole world."""
    numbers = account_numbers(told.registers)
    each = ((name, _world(name[0], numbers.get(name[0]), elsewhere=told.elsewhere)) for name in _names(told))
    return {name: number for name, number in each if number is not None}


def _names(told: Told) -> set[Name]:
    """Give the accounts that a source tells of, each with its currencies."""
    found = {(account, currency) for account, currency, _ in told.ledger.kinds.table} | _ordered(told.registers)
    for name, register in told.registers.items():
        if name.startswith(_TELLING):
            match register.value:
                case (_, str(currency), *_):
                    found.add((name.partition(".")[2], currency))
    return found


def _ordered(registers: Registers) -> set[Name]:
    """Give the accounts of which orders are told, each with the currencies of those."""
    return {(order.account, order.currency) for order in orders_of(registers) if order.currency and not order.loan}
