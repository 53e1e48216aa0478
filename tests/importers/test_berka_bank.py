"""The bank's own files, where they are at hand: every row is accounted for and the sums agree."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from marketofone.domain.event import Event
from marketofone.domain.moment import Calendar
from marketofone.domain.money_events import TransactionBooked
from marketofone.importers import berka


@pytest.fixture(scope="module")
def folder(data: Path) -> Path:
    return data / "berka"


@pytest.fixture(scope="module")
def dump(folder: Path) -> berka.Dump:
    return berka.read(folder)


def transactions(dump: berka.Dump) -> list[tuple[Event, TransactionBooked]]:
    return [(row, row.data) for row in dump.rows if isinstance(row, Event) and isinstance(row.data, TransactionBooked)]


def test_every_row_is_an_event_and_none_is_lost(folder: Path, dump: berka.Dump) -> None:
    lines = Counter[str]()
    for path in folder.glob("*.gz"):
        lines[path.name.partition(".")[0].partition("_")[0]] += len(gzip.decompress(path.read_bytes()).splitlines()) - 1
    read = Counter(row.id.split(":")[1] for row in dump.rows if isinstance(row, Event))
    assert read == lines
    assert len(dump.rows) == lines.total()
    assert len({row.key for row in dump.rows if isinstance(row, Event)}) == lines.total()


def test_the_signed_sums_equal_those_of_the_files(folder: Path, dump: berka.Dump) -> None:
    sums = Counter[bool]()
    for path in folder.glob("trans*.gz"):
        for line in gzip.decompress(path.read_bytes()).decode("ascii").splitlines()[1:]:
            cells = line.replace('"', "").split(";")
            sums[cells[3] in {"PRIJEM", "credit"}] += round(float(cells[5]) * 100)
    amounts = [data.amount_minor for _, data in transactions(dump)]
    assert sum(amount for amount in amounts if amount > 0) == sums[True]
    assert -sum(amount for amount in amounts if amount < 0) == sums[False]


def test_the_last_balance_of_a_day_is_the_closing_balance_on_more_than_99_percent_of_account_days(
    dump: berka.Dump,
) -> None:
    calendar = Calendar("Europe/Prague")
    flows = Counter[tuple[str, int]]()
    closing: dict[tuple[str, int], int] = {}
    for event, data in transactions(dump):
        key = (data.account, calendar.day_of(event.at))
        flows[key] += data.amount_minor
        closing[key] = data.balance_minor or 0
    standing = Counter[str]()
    chained = 0
    for (account, day), balance in closing.items():
        chained += abs(standing[account] + flows[account, day] - balance) <= 100
        standing[account] = balance
    assert chained / len(closing) > 0.99


def test_everybody_with_an_account_is_listed_and_nobody_is_a_district(dump: berka.Dump) -> None:
    assert len(dump.people) == 4301
    assert all(person.startswith("berka:client:") for person in dump.people)
