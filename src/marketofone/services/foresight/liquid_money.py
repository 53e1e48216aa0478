"""What a person can spend, over all their accounts: each currency apart, and their sum where a rate is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from marketofone.domain.fields import MAX_MINOR
from marketofone.domain.languages import message
from marketofone.domain.moment import date_of
from marketofone.domain.money import Money, Rate
from marketofone.domain.rates import MAX_AGE, is_fresh
from marketofone.models.forecast.history import history_of
from marketofone.profile.account_types import LIQUID
from marketofone.profile.currencies import CommonCurrency
from marketofone.profile.ledger import Account

_COUNTED = message("%(money)s, counted as %(money_counted)s: %(text_rate)s")
_TOGETHER = message("together %(money)s")
_SUMS_COUNT = message("sums count %(text_rate)s")
_TOO_LARGE = message("%(text_apart)s: at %(text_rate)s, an amount would be larger than %(number)s minor units")
_TOO_OLD = message(
    "%(text_apart)s: the newest rate is of %(day)s, %(name_table)s, and a rate holds for %(number)s days"
)


class MoneyPart(Struct, frozen=True, kw_only=True):
    """What can be spent in one currency, and what it counts in the common one, by the name of the rate."""

    currency: str
    balance_minor: int
    counted_minor: int | None
    rate: str | None


class LiquidMoney(Struct, frozen=True, kw_only=True):
    """What can be spent: the parts by currency, and their sum; None where a part has no rate, or nothing is known."""

    currency: str
    total_minor: int | None
    parts: tuple[MoneyPart, ...]


def liquid_money(
    accounts: Sequence[Account], *, shares: Mapping[str, float], counted: CommonCurrency, day: int
) -> LiquidMoney:
    """Add up the known balances of a person's current and savings accounts at the end of a day.

    Of an account that is owned with others counts the person's share; ``shares`` are by account, where they were told.
    """
    parts = tuple(_parts(accounts, shares=shares, counted=counted, day=day))
    known = [part.counted_minor for part in parts if part.counted_minor is not None]
    whole = bool(parts) and len(known) == len(parts)
    return LiquidMoney(currency=counted.currency, total_minor=sum(known) if whole else None, parts=parts)


def _parts(
    accounts: Sequence[Account], *, shares: Mapping[str, float], counted: CommonCurrency, day: int
) -> Iterator[MoneyPart]:
    balances: dict[str, int] = {}
    for account in accounts:
        balance = history_of(account, day).balance if account.type in LIQUID else None
        if balance is not None:
            own = round(balance * shares[account.name]) if account.name in shares else balance
            balances[account.currency] = balances.get(account.currency, 0) + own
    for currency in sorted(balances, key=lambda one: (one != counted.currency, one)):
        rate = counted.rates.get(currency)
        yield MoneyPart(
            currency=currency,
            balance_minor=balances[currency],
            counted_minor=None if currency in counted.apart else counted.minor(balances[currency], currency),
            rate=None if rate is None else rate.text,
        )


def in_parts(money: LiquidMoney) -> Iterator[str]:
    """Say the parts and their sum for people, where there are several."""
    if len(money.parts) < 2:  # noqa: PLR2004 - one part is the sum
        return
    for part in money.parts:
        own, counted = _text(part.balance_minor, part.currency), _text(part.counted_minor, money.currency)
        yield own if part.rate is None else _COUNTED % {"money": own, "money_counted": counted, "text_rate": part.rate}
    if money.total_minor is not None:
        yield _TOGETHER % {"money": _text(money.total_minor, money.currency)}


def rates_said(counted: CommonCurrency, *, apart: str, day: int) -> Iterator[str]:
    """Say by which rates sums were made, and which currencies are in none and why; ``apart`` says so of one."""
    for currency in sorted({*counted.rates, *counted.apart}):
        if currency in counted.rates:
            yield _SUMS_COUNT % {"text_rate": counted.rates[currency].text}
            continue
        rate = counted.stale.get(currency) or counted.too_large.get(currency)
        yield why_apart(apart % {"name": currency}, rate, day=day)


def why_apart(apart: str, rate: Rate | None, *, day: int) -> str:
    """Say that a currency is in no sum, and why its newest rate is not used on a day, where there is one."""
    if rate is None:
        return apart
    if is_fresh(rate, day=day):
        return _TOO_LARGE % {"text_apart": apart, "text_rate": rate.text, "number": MAX_MINOR}
    on = date_of(rate.day).isoformat()
    return _TOO_OLD % {"text_apart": apart, "day": on, "name_table": rate.table, "number": MAX_AGE}


def _text(minor: int | None, currency: str) -> str:
    return "" if minor is None else Money(minor=minor, currency=currency).text
