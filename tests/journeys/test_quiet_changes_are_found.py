"""Whatever is altered, added, moved or taken away behind the system's back, `verify` finds it, however small it is."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from people import ordinary_months, wrote

import marketofone
from marketofone import wiring
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import DAY, Instant

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
        assert bank.verify().ok
    return folder


@pytest.fixture
def altered(lived_in: Path, tmp_path: Path) -> Iterator[tuple[Path, sqlite3.Connection]]:
    folder = tmp_path / "bank"
    shutil.copytree(lived_in, folder)
    with closing(sqlite3.connect(folder / wiring.DATA / "bank.sqlite")) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        yield folder, connection


ADDED = """
INSERT INTO events (key, seq, customer, source, kind, at, verdict, body, reading)
SELECT zeroblob(16), seq + {later}, customer, source, kind, at, verdict, body, reading FROM events WHERE row = 7
"""


@pytest.mark.parametrize(
    "tampering",
    [
        # of the same length everywhere, so that nothing but the words themselves can give it away
        """UPDATE events SET body = replace(body, '"salary"', '"lawyer"') WHERE kind = 'transaction.booked'""",
        "UPDATE events SET reading = replace(reading, 'negative', 'positive') WHERE reading IS NOT NULL",
        "UPDATE events SET reading = NULL WHERE reading IS NOT NULL",
        "UPDATE events SET body = NULL WHERE row = 7",
        "UPDATE events SET customer = 'c-2' WHERE row = 7",
        "UPDATE events SET source = 'location' WHERE row = 7",
        "UPDATE events SET kind = 'app.failed' WHERE row = 7",
        "UPDATE events SET verdict = 'refused' WHERE row = 7",
        "UPDATE events SET at = at + 1 WHERE row = 7",
        "UPDATE events SET key = zeroblob(16) WHERE row = 7",
        "UPDATE events SET row = 1000000 WHERE row = 7",
        "UPDATE events SET seq = (SELECT max(seq) FROM journal WHERE kind = 'ingest') WHERE row = 7",
        "DELETE FROM events WHERE row = (SELECT max(row) FROM events)",
        ADDED.format(later=0),
        ADDED.format(later=1_000_000),
        "UPDATE journal SET body = replace(body, 'declined', 'accepted') WHERE kind = 'outcome'",
        "UPDATE journal SET body = replace(body, 'grant', 'grunt') WHERE kind = 'consent'",
        "UPDATE journal SET customer = 'c-2' WHERE kind = 'consent'",
        "UPDATE journal SET kind = 'forecast' WHERE kind = 'outcome'",
        "UPDATE journal SET salt = zeroblob(16) WHERE kind = 'decision'",
        "UPDATE journal SET commitment = zeroblob(32) WHERE kind = 'decision'",
        "UPDATE journal SET body = NULL WHERE kind = 'outcome'",
        "DELETE FROM journal WHERE kind = 'consent'",
    ],
)
def test_a_quiet_change_is_found_however_small(altered: tuple[Path, sqlite3.Connection], tampering: str) -> None:
    folder, connection = altered
    changed = connection.execute(tampering).rowcount
    connection.commit()
    connection.close()
    assert changed > 0

    with marketofone.open(folder, now=NOW) as bank:
        found = bank.verify()
        assert not found.ok
        assert found.broken_at is not None


def test_what_was_not_touched_holds(altered: tuple[Path, sqlite3.Connection]) -> None:
    folder, connection = altered
    connection.close()
    with marketofone.open(folder, now=NOW) as bank:
        assert bank.verify().ok
        assert bank.replay().differences == 0


@pytest.mark.parametrize(
    ("tampering", "differences"),
    [
        (
            """UPDATE journal SET body = replace(body, '"assignment":"policy"', '"assignment":"control"')
                WHERE kind = 'decision'""",
            3,
        ),
        ("""UPDATE events SET body = replace(body, '"salary"', '"dining"') WHERE kind = 'transaction.booked'""", 3),
    ],
    ids=["the decisions", "what they rest on"],
)
def test_a_replay_finds_decisions_that_do_not_follow_from_the_journal(
    altered: tuple[Path, sqlite3.Connection], tampering: str, differences: int
) -> None:
    folder, connection = altered
    assert connection.execute(tampering).rowcount > 0
    connection.commit()
    first = connection.execute("SELECT min(seq) FROM journal WHERE kind = 'decision'").fetchone()[0]
    connection.close()

    with marketofone.open(folder, now=NOW) as bank:
        report = bank.replay()
        assert (report.differences, report.first_difference) == (differences, first)
