"""What cannot be added up stands apart, and why is said."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from marketofone.domain.moment import Day
from marketofone.domain.rates import KnownRates, ReferenceRates, daily_rate
from marketofone.profile.currencies import common_currency
from marketofone.profile.ledger import UNTOLD, Account, Kind
from marketofone.services.foresight.liquid_money import rates_said

DAY = 20_000
RATES = KnownRates(1, ReferenceRates().after([(1, "ECB", [daily_rate(Day(DAY), "EUR", "JPY", Decimal(160))])], n=1))


def account(currency: str, amount: int, *, payments: int) -> Account:
    days = np.arange(DAY - payments, DAY)
    of = np.zeros(payments, dtype=np.int64)
    return Account(currency, currency, (Kind(None, None, None),), days, of + amount, of, of + UNTOLD)


def test_a_currency_in_which_an_amount_would_be_too_large_stands_apart_and_the_rate_is_named() -> None:
    accounts = [account("JPY", 100, payments=5), account("EUR", 9 * 10**12, payments=1)]
    counted = common_currency(accounts, otherwise="EUR", rates=RATES, day=DAY)
    assert (counted.currency, sorted(counted.apart), dict(counted.rates)) == ("JPY", ["EUR"], {})
    (said,) = rates_said(counted, apart="%(name)s stands apart", day=DAY)
    assert said.startswith("EUR stands apart: at EUR at ")
    assert said.endswith("an amount would be larger than 10000000000000 minor units")
