"""A night looks ahead again for whoever's money moved or is not calm, and leaves everybody else as they are."""

from __future__ import annotations

from pathlib import Path

from people import ordinary_months, paid, rent_uncovered

import marketofone
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import DAY, Instant

NOW = Instant(1_767_600_000_000_000)  # 2026-01-05T08:00:00Z
TOMORROW = Instant(NOW + DAY)


def test_the_calm_keep_their_forecast_until_money_moves_or_it_is_old(project: Path) -> None:
    every = ("*",)
    with marketofone.open(project, now=NOW) as bank:
        for name, life in (("calm", ordinary_months), ("short", rent_uncovered), ("silent", ordinary_months)):
            if name != "silent":
                yes = ConsentChange(
                    customer=name,
                    change="grant",
                    purposes=every,
                    sources=every,
                    channels=every,
                    since=Instant(NOW - 1),
                    until=Instant(NOW + 300 * DAY),
                )
                bank.consent(yes, now=NOW)
            bank.ingest(life(name, until=NOW), now=NOW)
        first = bank.refresh_forecasts(now=NOW)
        assert (first.looked, first.calm) == (2, 0)
        assert min(bank.forecast("calm", now=NOW).total.days[-1].quantiles) > 0  # type: ignore[union-attr]

        second = bank.refresh_forecasts(now=TOMORROW)
        assert (second.looked, second.calm) == (1, 1), "only who is not calm"

        bank.ingest([paid("calm", -500, "dining", at=TOMORROW)], now=TOMORROW)
        assert bank.refresh_forecasts(now=Instant(TOMORROW + 1)).calm == 0
        assert bank.refresh_forecasts(now=Instant(TOMORROW + 2)).calm == 1
        assert bank.refresh_forecasts(now=Instant(TOMORROW + 31 * DAY)).calm == 0
        assert bank.replay().differences == 0
