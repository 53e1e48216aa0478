"""On the Czech bank's own customers: the next payment comes when and as large as expected; extra pay is foreseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from marketofone.domain.event import Event
from marketofone.domain.moment import Calendar, day_number
from marketofone.domain.money_events import TransactionBooked
from marketofone.importers import berka
from marketofone.models.forecast.extra_pay import expecting, extra_pay
from marketofone.models.forecast.streams import Stream, find_streams, project
from marketofone.profile.ledger import Account, Kind

pytestmark = pytest.mark.slow

NOT_JUDGED = {"interest", "fees", "penalty_interest"}  # they follow the balance
EARLY = [day_number(date(1993, month, 28)) for month in range(3, 13)]
LATE = [day_number(date(year, month, 20)) for year in range(1995, 1999) for month in range(1, 13)]
DAYS, SHARE = 5, 0.1


@pytest.fixture(scope="module")
def accounts(data: Path) -> list[Account]:
    calendar = Calendar("Europe/Prague")
    rows: dict[str, list[tuple[int, int, Kind]]] = {}
    for row in berka.read(data / "berka").rows:
        if isinstance(row, Event) and isinstance(booked := row.data, TransactionBooked):
            kind = Kind(booked.operation, booked.category, booked.counterparty)
            rows.setdefault(booked.account, []).append((calendar.day_of(row.at), booked.amount_minor, kind))
    return [account_of(name, sorted(mine, key=lambda row: row[0])) for name, mine in rows.items()]


def account_of(name: str, rows: Sequence[tuple[int, int, Kind]]) -> Account:
    kinds: dict[Kind, int] = {}
    of = np.array([kinds.setdefault(kind, len(kinds)) for _, _, kind in rows], dtype=np.int64)
    days, amounts = np.array([row[:2] for row in rows], dtype=np.int64).T
    return Account(name, "CZK", tuple(kinds), days, amounts, of, days * 0)


def arrives(account: Account, stream: Stream, *, cut: int) -> bool | None:
    """Say whether the next payment came within 5 days and 10 %; None where the file ends before."""
    due = next(iter(project([stream], from_day=cut, horizon=100)), None)
    if due is None or due.day + DAYS > account.days[-1]:
        return None
    kind = Kind(stream.operation, stream.category, stream.counterparty)
    same = np.array([other == kind for other in account.kinds])[account.of]
    near = same & (np.abs(account.days - due.day) <= DAYS) & (account.days > cut)
    return bool((near & (np.abs(account.amounts - due.amount_minor) <= SHARE * abs(due.amount_minor))).any())


def judged(accounts: Iterable[Account], cuts: Sequence[int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for cut in cuts:
        known = [(account, find_streams(account, as_of=cut)) for account in accounts if account.days[0] <= cut - 60]
        extra = extra_pay(stream for _, streams in known for stream in streams)
        for account, streams in known:
            for stream in expecting(streams, extra=extra):
                came = None if stream.category in NOT_JUDGED else arrives(account, stream, cut=cut)
                found.update({"judged": came is not None, "came": bool(came)})
    return found


@pytest.mark.parametrize(("years", "cuts"), [("1993-94", EARLY), ("1995-98", LATE)])
def test_the_next_payment_arrives_within_five_days_and_ten_percent(
    accounts: list[Account], years: str, cuts: Sequence[int]
) -> None:
    border = day_number(date(1994, 6, 1))
    found = judged([account for account in accounts if (account.days[0] < border) == (years == "1993-94")], cuts)
    assert found["judged"] > 3_000
    # The very first June of the earlier years pays half as much again, which nobody could know.
    assert found["came"] / found["judged"] >= {"1993-94": 0.94, "1995-98": 0.97}[years]


def test_extra_pay_is_learned_from_everybody_and_expected_of_those_who_have_not_shown_it_yet(
    accounts: list[Account],
) -> None:
    cut = day_number(date(1997, 11, 20))
    streams = [stream for account in accounts for stream in find_streams(account, as_of=cut)]
    extra = extra_pay(streams)
    assert extra["cash_in", "cash"].keys() == extra["transfer_in", None].keys() == {6, 12}
    assert all(factor == pytest.approx(1.5, abs=0.01) for factor in extra["transfer_in", None].values())
    assert ("transfer_in", "pension") not in extra or not extra["transfer_in", "pension"]


def test_standing_orders_that_were_executed_twice_are_found(accounts: list[Account]) -> None:
    cut = day_number(date(1993, 12, 31))
    found = total = 0
    for account in accounts:
        known = account.until(cut)
        found_here = {stream.counterparty for stream in find_streams(account, as_of=cut)}
        for at, kind in enumerate(account.kinds):
            if kind.operation == "transfer_out" and kind.counterparty and (known.of == at).sum() > 1:
                total += 1
                found += kind.counterparty in found_here
    assert total > 500
    assert found / total > 0.98
