"""The key store is no blind spot: whatever is altered in it is found, and no secret of it is made anew quietly."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from people import ordinary_months

import marketofone
from marketofone import wiring
from marketofone.domain.errors import StoreError
from marketofone.domain.moment import DAY, Instant
from marketofone.services.rights.erase import BARRED_DAYS
from marketofone.store.keyfile import FILE
from marketofone.store.keystore import KeyStore
from proofs import proven

START = Instant(1_767_600_000_000_000)
GROUND = "asked by letter"
Alter = Callable[..., tuple[str, ...]]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a bank with two customers, two who were forgotten, and one of them forgotten once more."""
    folder = tmp_path_factory.mktemp("full") / "bank"
    wiring.lay_out(folder)
    with marketofone.open(folder, now=START) as bank:
        for customer in ("c-1", "c-2", "c-3", "c-4"):
            bank.ingest(ordinary_months(customer, until=START, days=10), now=START)
        bank.erase("c-3", ground=GROUND, now=START)
        bank.erase("c-4", ground=GROUND, now=START)
        back = Instant(START + (BARRED_DAYS + 1) * DAY)
        bank.ingest(ordinary_months("c-4", until=back, days=10), now=back)
        bank.erase("c-4", ground=GROUND, now=back)
        proven(bank)
    return folder


@pytest.fixture
def copy(full: Path, tmp_path: Path) -> Path:
    shutil.copytree(full, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def alter(copy: Path) -> Alter:
    """Alter the key store from outside, and give what an auditor finds."""

    def change(*statements: str) -> tuple[str, ...]:
        with closing(sqlite3.connect(copy / wiring.KEYS / FILE)) as file, file:
            for statement in statements:
                file.execute(statement)
        with marketofone.open(copy, read_only=True) as bank:
            found = bank.verify()
        assert found.ok == (not found.problems)
        return found.problems

    return change


def test_who_was_forgotten_twice_is_told_for_both_journals(alter: Alter) -> None:
    assert alter("SELECT 1") == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE customers SET mark = randomblob(16) WHERE subject = (SELECT min(subject) FROM customers)",
        "UPDATE customers SET mark = 'text' WHERE subject = (SELECT min(subject) FROM customers)",
        "UPDATE customers SET name = randomblob(40) WHERE subject = (SELECT min(subject) FROM customers)",
        "UPDATE customers SET wrapped = randomblob(61) WHERE subject = (SELECT min(subject) FROM customers)",
        "UPDATE customers SET subject = 5 WHERE subject = (SELECT min(subject) FROM customers)",
        "DELETE FROM customers WHERE subject = (SELECT min(subject) FROM customers)",
        "INSERT INTO customers VALUES (5, randomblob(16), randomblob(40), randomblob(61))",
        "UPDATE erased SET mark = randomblob(16) WHERE rowid = (SELECT min(rowid) FROM erased)",
        "UPDATE erased SET subject = 5 WHERE rowid = (SELECT min(rowid) FROM erased)",
        "UPDATE erased SET subject = NULL WHERE rowid = (SELECT max(rowid) FROM erased)",
        "UPDATE erased SET ground = 'another' WHERE rowid = (SELECT max(rowid) FROM erased)",
        "UPDATE erased SET at = at + 1 WHERE rowid = (SELECT max(rowid) FROM erased)",
        "UPDATE erased SET until = at WHERE rowid = (SELECT max(rowid) FROM erased)",
        "DELETE FROM erased WHERE rowid = (SELECT min(rowid) FROM erased)",
        "DELETE FROM erased",
        "INSERT INTO erased SELECT randomblob(16), subject, 'none', 1, 2 FROM customers LIMIT 1",
        "INSERT INTO erased VALUES (randomblob(16), 5, 'none', 1, 2)",
        "DELETE FROM bank WHERE name = 'erased'",
        "UPDATE bank SET value = randomblob(61) WHERE name = 'erased'",
        "INSERT INTO bank VALUES ('more', randomblob(61))",
        "CREATE TABLE more (x)",
        "CREATE TRIGGER quiet AFTER INSERT ON customers BEGIN DELETE FROM erased; END",
        "CREATE VIEW seen AS SELECT * FROM customers",
        "CREATE INDEX more ON customers (name)",
        "PRAGMA user_version = 7",
        "PRAGMA application_id = 7",
    ],
)
def test_whatever_is_altered_is_found(alter: Alter, statement: str) -> None:
    assert alter(statement)


def test_a_list_that_went_whole_with_its_sum_is_found(alter: Alter) -> None:
    problems = alter("DELETE FROM erased", "DELETE FROM bank WHERE name = 'erased'")

    assert "the key store does not tell it" in problems[0]


def test_an_alteration_stays_found_when_somebody_else_is_forgotten(alter: Alter, copy: Path) -> None:
    alter("UPDATE erased SET until = at WHERE rowid = (SELECT min(rowid) FROM erased)")
    with marketofone.open(copy, now=START) as bank:
        bank.erase("c-1", ground=GROUND, now=START)

        assert not bank.verify().ok


@pytest.mark.parametrize("secret", ["secret", "marks", "bank"])
@pytest.mark.parametrize("read_only", [False, True])
def test_a_secret_that_is_missing_is_never_made_anew_where_somebody_is_known(
    copy: Path, secret: str, *, read_only: bool
) -> None:
    with closing(sqlite3.connect(copy / wiring.KEYS / FILE)) as file, file:
        file.execute("DELETE FROM bank WHERE name = ?", (secret,))
    before = (copy / wiring.KEYS / FILE).read_bytes()

    with pytest.raises(StoreError, match=f"{secret}' is missing; restore"):
        marketofone.open(copy, read_only=read_only)
    assert (copy / wiring.KEYS / FILE).read_bytes() == before


def test_an_erasure_that_only_began_is_told_until_it_is_finished(copy: Path) -> None:
    with marketofone.open(copy, now=START) as bank:
        bank.context.keys.bar("c-1", ground=GROUND, at=START, until=Instant(START + DAY))
        assert "forget them again" in bank.verify().problems[0]

        bank.erase("c-1", ground=GROUND, now=START)
        proven(bank)


# Another key of the bank


def test_a_bank_that_runs_while_its_key_is_changed_takes_nobody_in_whom_it_could_not_open_again(
    project: Path, tmp_path: Path, now: Instant
) -> None:
    with marketofone.open(project, now=now) as one, marketofone.open(project, now=now) as beside:
        one.ingest(ordinary_months("c-1", until=now, days=5), now=now)
        beside.ingest(ordinary_months("c-1", until=now, days=5), now=now)
        one.context.keys.rewrap(wiring.write_key(tmp_path / "new.key"))

        with pytest.raises(StoreError, match="start this process again"):
            beside.ingest(ordinary_months("c-2", until=now, days=5), now=now)
        one.ingest(ordinary_months("c-3", until=now, days=5), now=now)

    shutil.copy(tmp_path / "new.key", project / wiring.KEYS / wiring.BANK_KEY)
    with marketofone.open(project, now=now) as bank:
        assert bank.counts()["customers"] == 2
        bank.ingest(ordinary_months("c-2", until=now, days=5), now=now)
        proven(bank)


def test_a_process_with_the_key_of_before_enrols_and_forgets_nobody(tmp_path: Path) -> None:
    old, new = bytes(32), bytes(range(32))
    with (
        closing(KeyStore(tmp_path, bank_key=old)) as one,
        closing(KeyStore(tmp_path, bank_key=old)) as beside,
    ):
        one.enrol(("c-1",), now=START)
        one.destroy("c-0", ground=GROUND, at=START, until=Instant(START + DAY))
        assert beside.find(("c-1",))
        one.rewrap(new)

        for refused in (
            lambda: beside.enrol(("c-2",), now=START),
            lambda: beside.destroy("c-1", ground=GROUND, at=START, until=START),
            lambda: beside.bar("c-1", ground=GROUND, at=START, until=START),
            lambda: beside.rewrap(old),
        ):
            with pytest.raises(StoreError, match="start this process again"):
                refused()
        one.enrol(("c-3",), now=START)

    with closing(KeyStore(tmp_path, bank_key=new)) as again:
        assert {customer.name for customer in again.customers()} == {"c-1", "c-3"}
        assert again.damage() == []
        assert again.enrol(("c-2",), now=START).keys() == {"c-2"}
