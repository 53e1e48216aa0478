"""A replay finds decisions that do not follow from the journals, whoever altered them behind the system's back."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import pytest
from msgspec.structs import replace
from people import ordinary_months, wrote

import marketofone
from marketofone import wiring
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import DAY, Instant
from marketofone.projection import codec
from marketofone.projection.records import ConsentRecord, DecisionRecord, IngestRecord
from marketofone.store.keystore import KeyStore
from marketofone.store.ports import EntryKind
from marketofone.store.sqlite.store import SqliteStore
from proofs import proven

pytestmark = pytest.mark.slow

NOW = Instant(1_767_600_000_000_000)  # 2026-01-05T08:00:00Z


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory, fitted: Path) -> Path:
    """Give a bank with a person's months, a message, a decision, an answer and a forecast."""
    folder = tmp_path_factory.mktemp("lived") / "bank"
    wiring.lay_out(folder)
    shutil.copytree(fitted, folder / wiring.DATA, ignore=shutil.ignore_patterns("bank.sqlite*"))
    yes = ConsentChange(customer="c-1", change="grant", purposes=("*",), sources=("*",), channels=("*",), since=NOW)
    with marketofone.open(folder, now=NOW) as bank:
        bank.consent(yes, now=NOW)
        bank.ingest(ordinary_months("c-1", until=NOW), now=NOW)
        bank.ingest([wrote("c-1", "I am furious, nobody helps me!", at=NOW)], now=NOW)
        for step in range(3):
            bank.decide("c-1", occasion="app.opened", id=f"d-{step}", now=Instant(NOW + DAY + step))
        bank.outcome("d-0", "declined", why="not now", now=Instant(NOW + 2 * DAY))
        bank.forecast("c-1", now=Instant(NOW + 2 * DAY))
        proven(bank)
    return folder


@pytest.fixture
def altered(lived_in: Path, tmp_path: Path) -> Iterator[tuple[Path, sqlite3.Connection]]:
    """Copy that bank, and open its file past the system."""
    folder = tmp_path / "bank"
    shutil.copytree(lived_in, folder)
    with closing(sqlite3.connect(folder / wiring.DATA / "bank.sqlite")) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        yield folder, connection


Change = Callable[[Any], Any]


def rewrite(folder: Path, connection: sqlite3.Connection, kind: EntryKind, change: Change) -> int:
    """Alter what entries of a kind say, sealed with the right key, as only somebody who has the keys can."""
    keys = KeyStore(folder / wiring.KEYS, bank_key=(folder / wiring.KEYS / wiring.BANK_KEY).read_bytes())
    owner = keys.find(("c-1",))["c-1"]
    with closing(SqliteStore(folder / wiring.DATA)) as store, store.read() as reader:
        entries = list(reader.entries(owner.subject, kinds=(kind,)))
    changed = 0
    for entry in entries:
        record = codec.read(entry, box=owner.box)
        other = change(record)
        draft = codec.draft(kind, other, subject=owner.subject, box=owner.box, at=entry.at)
        changed += other != record
        connection.execute(
            "UPDATE entries SET body = ? WHERE subject = ? AND n = ?", (draft.body, entry.subject, entry.n)
        )
    connection.commit()
    keys.close()
    return changed


def other_assignment(record: DecisionRecord) -> DecisionRecord:
    other: Literal["policy", "control"] = "control" if record.decision.assignment == "policy" else "policy"
    return replace(record, decision=replace(record.decision, assignment=other))


def other_prefix(record: DecisionRecord) -> DecisionRecord:
    """Claim to rest on less than was there."""
    journals = tuple((subject, n - 1) for subject, n in record.rests_on.journals)
    return replace(record, rests_on=replace(record.rests_on, journals=journals))


def other_category(record: IngestRecord) -> IngestRecord:
    return replace(
        record,
        events=tuple(
            replace(
                event,
                body=None if event.body is None else event.body.replace(b'"salary"', b'"dining"'),
                reading=None if event.reading is None else event.reading.replace(b'"salary"', b'"refund"'),
            )
            for event in record.events
        ),
    )


def no_yes(record: ConsentRecord) -> ConsentRecord:
    return replace(record, change=replace(record.change, sources=record.change.sources[:1]))


TAMPERED: dict[str, tuple[EntryKind, Change]] = {
    "the decisions": ("decision", other_assignment),
    "what they name": ("decision", other_prefix),
    "what they rest on": ("ingest", other_category),
    "what was allowed": ("consent", no_yes),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_replay_finds_decisions_that_do_not_follow_from_the_journals(
    altered: tuple[Path, sqlite3.Connection], what: str
) -> None:
    folder, connection = altered
    assert rewrite(folder, connection, *TAMPERED[what]) > 0
    connection.close()

    with marketofone.open(folder, now=NOW) as bank:
        report = bank.replay()
        assert (report.decisions, report.differences, report.first_difference) == (3, 3, "d-0")
        assert not bank.verify().ok


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE entries SET body = zeroblob(length(body)) WHERE subject <> 0 AND kind = 1",
        "UPDATE entries SET body = zeroblob(length(body)) WHERE subject <> 0 AND kind = 3",
        "UPDATE entries SET body = zeroblob(length(body)) WHERE subject <> 0 AND kind = 5",
        "DELETE FROM entries WHERE subject <> 0 AND kind = 3",
    ],
    ids=["events", "consent", "decisions", "consent taken away"],
)
def test_what_cannot_be_opened_or_is_missing_is_never_a_replay_without_differences(
    altered: tuple[Path, sqlite3.Connection], tampering: str
) -> None:
    folder, connection = altered
    assert connection.execute(tampering).rowcount > 0
    connection.commit()
    connection.close()

    with marketofone.open(folder, now=NOW) as bank:
        report = bank.replay()
        assert report.differences > 0
        assert not bank.verify().ok


def test_what_was_not_touched_holds(altered: tuple[Path, sqlite3.Connection]) -> None:
    folder, connection = altered
    connection.close()
    with marketofone.open(folder, now=NOW) as bank:
        assert bank.replay().decisions == 3
        proven(bank)
