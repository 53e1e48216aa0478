"""Payments that answer an earlier one: refunds, reversals, debits that come back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from msgspec.structs import replace

from marketofone.domain.fields import Nature
from marketofone.models.movement.facts import History

REFUND_DAYS = 180
REVERSAL_DAYS = 10
OF_ALL = 0.92
OF_A_PART = 0.8
MATCHED = 0.96
BY_MANDATE = 0.85

_PURCHASE: frozenset[Nature | None] = frozenset({"spending", None})
_GOES_BACK: frozenset[Nature | None] = frozenset({"reversal", "returned_debit"})
_BECAUSE = "it answers an earlier purchase from the same merchant"


def tell_reversals(history: History) -> None:
    """Match a reversal, and a debit that came back, with the payment it undoes: same account, opposite amount.

    It takes the category of that payment. Money in under the mandate of such a debit is that debit, come back.
    """
    facts = history.facts
    earlier: dict[tuple[str | None, str, str, int], list[int]] = defaultdict(list)
    for at, fact in enumerate(facts):
        undone = earlier[fact.institution, fact.account, fact.currency, -fact.amount_minor]
        while undone and fact.day - facts[undone[0]].day > REVERSAL_DAYS:
            undone.pop(0)
        original = _undone_by(history, at, undone) if fact.amount_minor else None
        if original is None:
            earlier[fact.institution, fact.account, fact.currency, fact.amount_minor].append(at)
            continue
        undone.remove(original)
        _undo(history, at, original)


def _undone_by(history: History, at: int, undone: Sequence[int]) -> int | None:
    """Choose the latest payment that this one undoes, one with the same other side before all others."""
    fact = history.facts[at]
    if history.said[at].nature in _GOES_BACK:
        return max(undone, key=lambda one: (history.party(one) == history.party(at), one), default=None)
    if fact.mandate is None or fact.amount_minor < 0 or not history.is_open(at, to=frozenset({"refund"})):
        return None
    return max((one for one in undone if history.facts[one].mandate == fact.mandate), default=None)


def _undo(history: History, at: int, original: int) -> None:
    said = history.said[at]
    nature: Nature = "returned_debit"
    confidence, because = BY_MANDATE, "it answers a debit under the same mandate"
    if said.nature in _GOES_BACK:
        nature = "reversal" if said.nature == "reversal" else "returned_debit"
        confidence, because = MATCHED, f"{said.because}, and it undoes an earlier payment"
    of = history.said[original]
    history.said[at] = replace(
        said,
        nature=nature,
        category=of.category or said.category,
        merchant=of.merchant or said.merchant,
        confidence=max(confidence, said.confidence),
        because=because,
    )


def tell_refunds(history: History) -> None:
    """Tell money in from a merchant who was paid before: at most what was paid, and at most half a year later.

    What was paid back of a purchase cannot be paid back again. A refund takes the category of its purchase.
    """
    paid = history.by(lambda at: _merchant(history, at), positive=False)
    for key, ins in history.by(lambda at: _merchant(history, at), positive=True).items():
        left = {at: -history.facts[at].amount_minor for at in paid.get(key, ()) if history.said[at].nature in _PURCHASE}
        for at in ins:
            if left and history.said[at].nature in (None, "refund"):
                _answer(history, at, left)


def _answer(history: History, at: int, left: dict[int, int]) -> None:
    amount = history.facts[at].amount_minor
    purchase = _purchase(history, at, left)
    if purchase is None:
        return
    whole = left[purchase] == amount
    left[purchase] -= amount
    if whole:
        del left[purchase]
    of = history.said[purchase]
    history.tell(at, "refund", confidence=OF_ALL if whole else OF_A_PART, because=_BECAUSE, category=of.category)
    if history.said[at].merchant is None and of.merchant is not None:
        history.said[at] = replace(history.said[at], merchant=of.merchant)


def _purchase(history: History, at: int, left: dict[int, int]) -> int | None:
    """Choose the latest purchase of which just this much is left, else the latest of which more is left."""
    fact = history.facts[at]
    larger = None
    for one in reversed(left):
        age = fact.day - history.facts[one].day
        if age > REFUND_DAYS:
            break
        if age >= 0 and left[one] == fact.amount_minor:
            return one
        if age >= 0 and larger is None and left[one] > fact.amount_minor:
            larger = one
    return larger


def _merchant(history: History, at: int) -> str | None:
    name = history.said[at].merchant
    return name.casefold() if name else history.party(at)
