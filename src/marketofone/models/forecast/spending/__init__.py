"""Spending insights: a person's own money compared only with their own past.

::

    accounts -> streams -> standing payments ---> new, changed price, duplicate, ended, due soon ┐
    accounts -> purchases -> shifts (false discoveries held) -> micro-patterns -> check-in ------┼-> findings
                         └-> unusual: far larger, first seen, charged twice ---------------------┘
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

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
from marketofone.models.forecast.streams import find_streams
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
    """What a person's spending says: the payments that come back, the habit of each category, and every finding."""

    currency: str
    standing: tuple[Standing, ...]
    habits: tuple[Habit, ...]
    findings: tuple[Finding, ...]


def find_spending(accounts: Sequence[Account], *, as_of: int) -> Spending:
    """Find what a person's own spending says at the end of a day, in the currency most of their payments are in.

    Examples
    --------
    >>> find_spending([], as_of=0).findings
    ()
    """
    counts = Counter({account.currency: 0 for account in accounts})
    for account in accounts:
        counts[account.currency] += account.days.size
    currency = counts.most_common(1)[0][0] if counts else ""
    mine = [account for account in accounts if account.currency == currency]
    streams = [stream for account in mine for stream in find_streams(account, as_of=as_of) if is_standing(stream)]
    standing = standing_payments(mine, streams=streams, as_of=as_of)
    bought = purchases(mine, streams=streams, as_of=as_of)
    tested, scale = tuple(shifts(bought, as_of=as_of)), usual_spending(bought, as_of=as_of)
    shifted = shift_findings(tested, bought, scale=scale, currency=currency, as_of=as_of)
    findings = (
        *pattern_findings(tested, scale=scale, currency=currency, as_of=as_of),
        *subscription_findings(standing, as_of=as_of),
        *unusual_findings(bought, currency=currency, as_of=as_of),
        *shifted,
    )
    known = habits(bought, shifted={finding.category or "" for finding in shifted}, as_of=as_of)
    by_cause = {finding.id: finding for finding in findings}
    return Spending(currency, standing, known, tuple(by_cause.values()))
