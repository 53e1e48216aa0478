"""``engine`` in bank.toml says where a bank is kept, and whoever gets it wrong is told what to do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from people import ordinary_months

import marketofone
import postgres_server
from bank_projects import Projects, name_engine
from marketofone import wiring
from marketofone.cli import main
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import MalformedDocument, StoreError
from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.store.ports import BANK

pytestmark = pytest.mark.server

# So long that no bytes which only look random spell them: three letters stand in one of some hundred backups.
CUSTOMER, DECISION = "c-maria-theresia", "d-maria-theresia"
MODULES_WITHOUT_DRIVER = """
import sys
sys.modules["psycopg"] = None
from marketofone.cli import main
main()
"""


@pytest.fixture
def address() -> str:
    return postgres_server.server().create()


def live(project: Path, now: Instant) -> None:
    yes = ConsentChange(customer=CUSTOMER, change="grant", purposes=("*",), sources=("*",), channels=("*",), since=now)
    with marketofone.open(project, now=now) as bank:
        bank.consent(yes, now=now)
        bank.ingest(ordinary_months(CUSTOMER, until=now, days=40), now=now)
        bank.decide(CUSTOMER, occasion="app.opened", id=DECISION, now=now)


def test_a_bank_lives_on_the_engine_that_its_document_names(project: Path, address: str, now: Instant) -> None:
    name_engine(project, address)
    live(project, now)
    assert not list((project / wiring.DATA).glob("bank.sqlite*"))
    with marketofone.open(project, now=now) as bank:
        assert bank.decision(DECISION).customer == CUSTOMER
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT count(*) FROM marketofone.heads WHERE n > 0").fetchone() == (2,)


def test_the_address_is_no_part_of_what_is_recorded_and_another_one_no_change(
    project: Path, address: str, now: Instant
) -> None:
    name_engine(project, address)
    for text in (address, f"{address}&application_name=elsewhere"):
        name_engine(project, text)
        with marketofone.open(project, now=now) as bank, bank.context.store.read() as reader:
            (entry,) = reader.entries(BANK)
            recorded = codec.read(entry, box=bank.context.keys.bank).texts["bank.toml"]
            assert "postgres" not in recorded
            assert "engine" not in recorded
            assert 'timezone = "Europe/Prague"' in recorded


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://staff:s3cret@db.example/bank",
        "postgresql://staff:s3cret?@db.example/bank",
        "postgresql://:s3cret@/bank",
        "postgresql:///bank?password=s3cret",
        "postgresql:///bank?user=staff&PASSWORD=s3cret",
        "postgresql:///bank?%70assword=s3cret",
        "postgresql:///bank?sslpassword=s3cret&host=/run",
    ],
)
def test_a_password_in_the_address_is_refused_before_it_is_kept_or_shown(
    project: Path, now: Instant, address: str
) -> None:
    name_engine(project, address)
    with pytest.raises(MalformedDocument, match="PGPASSWORD") as raised:
        marketofone.open(project, now=now)
    assert "s3cret" not in str(raised.value)
    assert not (project / wiring.KEYS).exists()


def test_a_password_in_a_comment_is_refused_as_well(project: Path, now: Instant) -> None:
    with (project / "bank.toml").open("a", encoding="utf-8") as file:
        file.write('# engine = "postgresql://staff:s3cret@db.example/bank"\n')
    with pytest.raises(MalformedDocument, match="PGPASSWORD"):
        marketofone.open(project, now=now)


@pytest.mark.parametrize("name", ["sqlite", "mysql://db/bank", "postgresql://", "postgresql:///a b", "embedded\n"])
def test_an_engine_that_does_not_exist_is_refused(project: Path, now: Instant, name: str) -> None:
    name_engine(project, name.replace("\n", "\\\\n"))
    with pytest.raises(MalformedDocument, match=r"bank\.toml"):
        marketofone.open(project, now=now)


def test_a_server_that_is_not_there_is_an_error_that_says_where_to_look(project: Path, now: Instant) -> None:
    name_engine(project, "postgresql://somebody@127.0.0.1:1/nowhere")
    with pytest.raises(StoreError, match=r"`engine` in bank\.toml") as raised:
        marketofone.open(project, now=now)
    assert "somebody" not in str(raised.value)


def test_without_its_driver_the_command_says_what_to_install(project: Path) -> None:
    name_engine(project, "postgresql:///bank")
    command = [sys.executable, "-c", MODULES_WITHOUT_DRIVER, "decide", CUSTOMER, "--occasion", "app.opened"]
    result = subprocess.run([*command, "--bank", str(project)], capture_output=True, text=True, check=False)
    assert result.returncode == 3
    assert "pip install 'marketofone[postgres]'" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_demo_never_takes_keys_away_from_what_a_database_holds(tmp_path: Path, address: str, now: Instant) -> None:
    folder = tmp_path / "demo-bank"
    wiring.lay_out(folder)
    name_engine(folder, address)
    live(folder, now)
    result = CliRunner().invoke(main, ["demo", "--bank", str(folder), "--no-serve"])
    assert (result.exit_code, "a bank that holds data" in result.stderr) == (3, True)
    with marketofone.open(folder, now=now) as bank:
        assert bank.decision(DECISION).customer == CUSTOMER


@pytest.mark.sqlite
def test_a_bank_that_lived_on_one_engine_is_not_begun_anew_on_another(
    project: Path, address: str, now: Instant
) -> None:
    live(project, now)
    name_engine(project, address)
    with pytest.raises(StoreError, match=r"the store is empty.*put the engine back"):
        marketofone.open(project, now=now)
    name_engine(project, "embedded")
    with marketofone.open(project, now=now) as bank:
        assert bank.decision(DECISION).customer == CUSTOMER


def test_data_without_their_keys_are_refused_and_no_new_keys_are_made(project: Path, now: Instant) -> None:
    live(project, now)
    shutil.move(project / wiring.KEYS, project / "elsewhere")
    with pytest.raises(StoreError, match=r"whose keys are not in keys/"):
        marketofone.open(project, now=now)
    assert not (project / wiring.KEYS).exists()
    shutil.move(project / "elsewhere", project / wiring.KEYS)
    with marketofone.open(project, now=now) as bank:
        assert bank.decision(DECISION).customer == CUSTOMER


def test_the_data_of_another_bank_are_refused(project: Path, projects: Projects, now: Instant, tmp_path: Path) -> None:
    live(project, now)
    other = projects.twin(project, tmp_path / "other")
    live(other, now)
    shutil.rmtree(project / wiring.KEYS)
    shutil.copytree(other / wiring.KEYS, project / wiring.KEYS)
    with pytest.raises(StoreError, match="another bank's"):
        marketofone.open(project, now=now)


def test_a_bank_nobody_has_spoken_to_yet_may_change_its_engine(project: Path, address: str, now: Instant) -> None:
    marketofone.open(project, now=now).close()
    name_engine(project, address)
    live(project, now)


def test_a_backup_of_a_database_names_nobody_and_is_loaded_into_an_empty_one(
    project: Path, address: str, now: Instant, tmp_path: Path
) -> None:
    name_engine(project, address)
    live(project, now)
    backup = tmp_path / "backup"
    with marketofone.open(project, now=now) as bank:
        bank.backup(backup)
        before = bank.profile(CUSTOMER, now=now)
    kept = b"".join(file.read_bytes() for file in backup.rglob("*.copy"))
    words = (CUSTOMER, "maria-t", "groceries", "app.opened", DECISION, "account-")
    assert not [word for word in words if word.encode() in kept]
    assert not list(backup.rglob("keys*"))

    with pytest.raises(StoreError, match="name an empty database"):
        marketofone.open(backup, now=now)
    name_engine(backup, address)
    with pytest.raises(StoreError, match="empty database"):
        marketofone.open(backup, now=now)
    other = postgres_server.server().create()
    name_engine(backup, other)
    with pytest.raises(StoreError, match="whose keys are not in"):
        marketofone.open(backup, now=now)
    with marketofone.open(backup, read_only=True) as bank:
        assert bank.verify().ok
    shutil.copytree(project / wiring.KEYS, backup / wiring.KEYS)
    for _ in range(2):  # it is loaded once
        with marketofone.open(backup, now=now) as bank:
            assert bank.profile(CUSTOMER, now=now) == before
            assert bank.verify().ok
            bank.ingest(ordinary_months("c-2", until=now, days=5), now=now)


@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        ("UPDATE entries SET at = at + 1 WHERE kind = 5", "entry"),
        ("UPDATE entries SET body = set_byte(body, 20, 1 + get_byte(body, 20) % 200) WHERE kind = 3", "entry"),
        ("UPDATE entries SET kind = 99 WHERE kind = 5", "altered from outside"),
        ("UPDATE heads SET guard = guard + 1 WHERE subject > 0", "guard"),
        ("UPDATE heads SET n = n - 1 WHERE subject > 0", "entr"),
        ("DELETE FROM entries WHERE kind = 5", "entr"),
        ("DELETE FROM names", "names"),
        ("DELETE FROM events WHERE key = (SELECT min(key) FROM events)", "keys"),
        ("INSERT INTO links VALUES ('\\x00', 1)", "links"),
        ("INSERT INTO tallies VALUES ('events.admitted', 1)", "counts"),
        ("INSERT INTO lessons (subject, n) SELECT subject, n FROM heads WHERE subject > 0", "lessons"),
        ("UPDATE leaves SET subject = subject + 1 WHERE leaf = 1", "Merkle log"),
    ],
)
def test_what_was_altered_in_the_database_is_found(
    project: Path, address: str, now: Instant, tampering: str, told: str
) -> None:
    name_engine(project, address)
    live(project, now)
    with marketofone.open(project, now=now) as bank:
        bank.checkpoint(now=now)
        assert bank.verify().problems == ()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET search_path TO marketofone")
        assert connection.execute(tampering.encode()).rowcount > 0
    with marketofone.open(project, read_only=True) as bank:
        found = bank.verify()
    assert not found.ok
    assert told in " ".join(found.problems)


def test_a_bank_opened_to_read_only_writes_nothing(project: Path, now: Instant) -> None:
    live(project, now)
    with marketofone.open(project, now=now, read_only=True) as bank:
        assert bank.replay().differences == 0
        report = bank.verify()
        assert report.ok, report.problems
        with pytest.raises(StoreError):
            bank.decide(CUSTOMER, occasion="app.opened", now=now)
