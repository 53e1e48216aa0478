"""Spending insights: a person's own money compared only with their own past.

::

    accounts -> streams -> standing payments ---> new, changed price, duplicate, ended, due soon ┐
    accounts -> purchases -> shifts (false discoveries held) -> micro-patterns -> check-in ------┼-> findings
                         └-> unusual: far larger, first seen, charged twice ---------------------┘
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from marketofone.models.forecast.history import heard_until, is_silent
from marketofone.models.forecast.spending.finding import Finding, FindingKind
from marketofone.models.forecast.spending.patterns import pattern_findings
from marketofone.models.forecast.spending.purchases import Purchases, purchases
from marketofone.models.forecast.spending.shifts import Habit, habits, shift_findings, shifts, usual_spending
from marketofone.models.forecast.spending.subscriptions import (
    Standing,
    is_standing,
    standing_payments,
    subscription_findings,
)
from marketofone.models.forecast.spending.unusual import unusual_findings
from marketofone.models.forecast.streams import Stream, find_streams
from marketofone.profile.currencies import usual_currency
from marketofone.profile.ledger import Account

__all__ = [
    "Finding",
    "FindingKind",
    "Habit",
    "Purchases",
    "Spending",
    "Standing",
    "find_spending",
    "purchases",
    "standing_payments",
]


class Spending(Struct, frozen=True):
    """What a person's spending says: the payments that come back, the habit of each category, and every finding.

    Sums and habits are in ``currency``; payments and what is found of them name their own.
    """

    currency: str
    standing: tuple[Standing, ...]
    habits: tuple[Habit, ...]
    findings: tuple[Finding, ...]


def find_spending(accounts: Sequence[Account], *, as_of: int, summed: Sequence[Account] | None = None) -> Spending:
    """Find what a person's own spending says at the end of a day; nothing of accounts that are silent for too long.

    Payments are told in the currency they are in, and compared with others of it only.

    Parameters
    ----------
    summed
        The accounts of which sums are told, all in one currency; without them, those in the currency that most
        payments are in.

    Examples
    --------
    >>> find_spending([], as_of=0).findings
    ()
    """
    currency = usual_currency(accounts) or ""
    accounts = [account for account in accounts if not is_silent(account, as_of=as_of)]
    summed = None if summed is None else [account for account in summed if not is_silent(account, as_of=as_of)]
    main = _found([account for account in accounts if account.currency == currency], currency, as_of=as_of)
    others = [
        _found([account for account in accounts if account.currency == other], other, as_of=as_of)
        for other in sorted({account.currency for account in accounts} - {currency})
    ]
    told = summed or [account for account in accounts if account.currency == currency]
    compared, until = _heard(told, as_of=as_of)
    bought = main.bought if compared is told and summed is None else _bought(compared, as_of=until)[1]
    tested, scale = tuple(shifts(bought, as_of=until)), usual_spending(bought, as_of=until)
    shifted = shift_findings(tested, bought, scale=scale, currency=currency, as_of=until)
    findings = (
        *pattern_findings(tested, scale=scale, currency=currency, as_of=until),
        *main.findings,
        *shifted,
        *(finding for other in others for finding in other.findings),
    )
    known = habits(bought, shifted={finding.category or "" for finding in shifted}, as_of=until)
    by_cause = {finding.id: finding for finding in findings}
    standing = (payment for found in (main, *others) for payment in found.standing)
    return Spending(currency, tuple(standing), known, tuple(by_cause.values()))


def _heard(accounts: Sequence[Account], *, as_of: int) -> tuple[Sequence[Account], int]:
    """Give the accounts whose last days can be compared with those before, and until when.

    They are those that are heard of still; where none is, all of them on the last day on which one was.
    """
    until = [heard_until(account, as_of=as_of) for account in accounts]
    if all(day == as_of for day in until):
        return accounts, as_of
    heard = [account for account, day in zip(accounts, until, strict=True) if day == as_of]
    return (heard, as_of) if heard else (accounts, max(until))


class _Found(NamedTuple):
    """What single payments in one currency say, and all that was bought in it."""

    standing: tuple[Standing, ...]
    findings: tuple[Finding, ...]
    bought: Purchases


def _found(accounts: Sequence[Account], currency: str, *, as_of: int) -> _Found:
    streams, bought = _bought(accounts, as_of=as_of)
    standing = standing_payments(accounts, streams=streams, as_of=as_of)
    unusual = unusual_findings(bought, currency=currency, as_of=as_of)
    return _Found(standing, (*subscription_findings(standing, as_of=as_of), *unusual), bought)


def _bought(accounts: Sequence[Account], *, as_of: int) -> tuple[list[Stream], Purchases]:
    streams = [stream for account in accounts for stream in find_streams(account, as_of=as_of) if is_standing(stream)]
    return streams, purchases(accounts, streams=streams, as_of=as_of)
