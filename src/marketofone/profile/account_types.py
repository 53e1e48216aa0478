"""What accounts are: money that can be spent, money that is owed, or money that is put away, and whose it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol, get_args

from marketofone.domain.fields import AccountType
from marketofone.domain.languages import message
from marketofone.profile.product_names import type_in_name
from marketofone.profile.registers import Registers

LIQUID: frozenset[AccountType] = frozenset({"current", "savings"})
"""What stands on accounts of these types can be spent."""
SHARE = "share."
"""What the name of a register begins with that says how much of an account is the person's."""

_TITLES: dict[AccountType, tuple[str, str]] = {
    "current": (message("current account"), message("current account %(number)s")),
    "savings": (message("savings account"), message("savings account %(number)s")),
    "card": (message("card account"), message("card account %(number)s")),
    "loan": (message("loan account"), message("loan account %(number)s")),
    "mortgage": (message("mortgage"), message("mortgage %(number)s")),
    "investment": (message("investment account"), message("investment account %(number)s")),
}
"""What an account of a type is called, alone and beside others of its type."""


class Typed(Protocol):
    """An account whose type is known."""

    @property
    def name(self) -> str:
        """What systems call it."""

    @property
    def type(self) -> AccountType:
        """What it is."""


def account_titles(accounts: Iterable[Typed]) -> dict[str, str]:
    """Give what people call the accounts of one person, by name: what they are, numbered where several are.

    Examples
    --------
    >>> from marketofone.profile.ledger import NO_MOVEMENTS, Account
    >>> some = [Account(name, "EUR", (), *NO_MOVEMENTS, type=kind) for name, kind in
    ...         [("a", "current"), ("b", "savings"), ("c", "current")]]
    >>> account_titles(some)
    {'a': 'current account 1', 'b': 'savings account', 'c': 'current account 2'}
    """
    types = {account.name: account.type for account in accounts}
    many, seen, titles = Counter(types.values()), Counter[AccountType](), dict[str, str]()
    for name, of in types.items():
        seen[of] += 1
        alone, beside = _TITLES[of]
        titles[name] = beside % {"number": seen[of]} if many[of] > 1 else alone
    return titles


_TYPES: dict[str, AccountType] = {word: word for word in get_args(AccountType)}


def account_types(registers: Registers) -> Mapping[str, AccountType]:
    """Give the types of accounts that one source tells of, under the names that the ledger has for them.

    Examples
    --------
    >>> from marketofone.profile.registers import Register
    >>> account_types({"account.a-1": Register(0, b"", ("mortgage", "EUR", "owner"))})
    {'a-1': 'mortgage'}
    """
    found: dict[str, AccountType] = {}
    for name, register in registers.items():
        group, _, account = name.partition(".")
        match group, register.value:
            case "account", (str(product), _, _, *told):
                found[account] = type_of(*map(str, told), product)
            case "outside", (_, _, str(told)):
                found[account] = type_of(told)
    return found


def account_shares(registers: Registers) -> Mapping[str, float]:
    """Give how much of each account is the person's, where one source tells it.

    Examples
    --------
    >>> from marketofone.profile.registers import Register
    >>> account_shares({"share.a-1": Register(0, b"", 0.5)})
    {'a-1': 0.5}
    """
    return {
        name.removeprefix(SHARE): register.value
        for name, register in registers.items()
        if name.startswith(SHARE) and isinstance(register.value, float)
    }


def account_numbers(registers: Registers) -> Mapping[str, str]:
    """Give what others call the accounts that one source tells of, where it was told.

    Examples
    --------
    >>> from marketofone.profile.registers import Register
    >>> account_numbers({"number.a-1": Register(0, b"", "DE89370400440532013000")})
    {'a-1': 'DE89370400440532013000'}
    """
    return {
        name.removeprefix("number."): register.value
        for name, register in registers.items()
        if name.startswith("number.") and isinstance(register.value, str)
    }


def type_of(*words: str) -> AccountType:
    """Give the type that the first word tells that tells any; an account is a current one where none does.

    Examples
    --------
    >>> type_of("", "home_loan"), type_of("savings", "loan"), type_of("anything"), type_of("", "Hypothek")
    ('mortgage', 'savings', 'current', 'mortgage')
    """
    known = (_TYPES.get(word) or type_in_name(word) for word in words)
    return next((one for one in known if one is not None), "current")
