"""What payments are, told by all of them together.

Steps, each with what the one before left: numbers and names of own accounts; pairs between own accounts, equal and
nearly so; accounts of debts; reversals; loans and their instalments; salaries; refunds; rents; and last the type of the
account. What is more certain stays. The result depends on the set of the payments only, never on the order in which
they arrive.

===================================================  ==========
what says so                                         confidence
===================================================  ==========
the number or name of an own account                 0.97
a pair of two own accounts                           0.96
a reversal beside what it undoes                     0.96
money in on a loan account                           0.93
a refund of all that was paid, of a part of it       0.92, 0.80
a pair by number, less what was taken on its way     0.90
a steady rhythm: named once, six times, three times  0.90, 0.88, 0.80
the person's own name                                0.88
instalments, a mandate                               0.85
the type of the account                              0.62
a large equal payment each month                     0.60
===================================================  ==========
"""

from __future__ import annotations

from collections.abc import Sequence

from marketofone.domain.reading import MovementReading
from marketofone.models.movement.answers import tell_refunds, tell_reversals
from marketofone.models.movement.facts import Fact, History, OwnAccount, fact_of
from marketofone.models.movement.own_money import (
    tell_by_number,
    tell_by_type,
    tell_debt,
    tell_pairs,
    tell_unequal_pairs,
)
from marketofone.models.movement.repetition import tell_loans, tell_rents, tell_salaries

__all__ = ["Fact", "OwnAccount", "fact_of", "understand"]


def understand(
    movements: Sequence[Fact], *, accounts: Sequence[OwnAccount], holder: str | None = None
) -> list[MovementReading]:
    """Say what each payment of a person is, from all of them; ``holder`` is the person's name.

    Examples
    --------
    >>> out = Fact(day=3, account="giro", amount_minor=-500_00, currency="EUR")
    >>> arrives = Fact(day=4, account="pot", amount_minor=500_00, currency="EUR")
    >>> own = [OwnAccount(account="giro", type="current"), OwnAccount(account="pot", type="savings")]
    >>> [one.nature for one in understand([arrives, out], accounts=own)]
    ['own_transfer', 'own_transfer']
    """
    order = sorted(range(len(movements)), key=lambda at: _place(movements[at]))
    own = sorted(accounts, key=_own_place)
    history = History([movements[at] for at in order], own)
    named = tell_by_number(history, own, holder=holder)
    tell_pairs(history)
    tell_unequal_pairs(history, named)
    tell_debt(history)
    tell_reversals(history)
    tell_loans(history)
    tell_salaries(history)
    tell_refunds(history)
    tell_rents(history)
    tell_by_type(history)
    result = [MovementReading()] * len(movements)
    for at, said in zip(order, history.said, strict=True):
        result[at] = said
    return result


def _place(fact: Fact) -> tuple[object, ...]:
    """Give the place of a payment in the one order; only equal payments share a place."""
    given = fact.given
    return (
        fact.day,
        fact.account,
        fact.currency,
        fact.amount_minor,
        fact.institution or "",
        fact.counterparty or "",
        fact.counterparty_account or "",
        fact.merchant or "",
        fact.text or "",
        fact.mandate or "",
        given.nature or "",
        given.category or "",
        given.merchant or "",
        given.confidence,
        given.because,
    )


def _own_place(own: OwnAccount) -> tuple[object, ...]:
    return own.account, own.institution or "", own.numbers, own.type or ""
