"""What the SQLite engine promises beyond the contract: one private file, one flush for many, clear refusals."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep

import pytest
from store_cases import chain_holds, journal, log_holds

from marketofone.domain.errors import BankNotFound, ChainBroken, Moved, StoreBusy, StoreError
from marketofone.domain.moment import Instant
from marketofone.store.ports import Draft, EntryKind, Kept, Unit
from marketofone.store.sqlite import checkpoint, damage, group, settle
from marketofone.store.sqlite.connection import FILE
from marketofone.store.sqlite.store import SqliteStore

NOW = Instant(1_700_000_000_000_000)
LOG, INDEX = f"{FILE}-wal", f"{FILE}-shm"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(folder: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(folder, patience_ms=50)) as opened:
        yield opened


@pytest.fixture
def beside(store: SqliteStore, folder: Path) -> Iterator[sqlite3.Connection]:
    """Another program that has the file open."""
    write(store)
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as connection:
        yield connection


def writing(body: bytes = b"body", *, subject: int = 1, kind: EntryKind = "decision") -> Unit:
    digest = sha256(body).digest()
    return Unit(now=NOW, drafts=[Draft(subject, kind, NOW, body, digest, digest)])


def write(store: SqliteStore, body: bytes = b"body") -> int:
    return store.commit(writing(body))[0].n


def length(store: SqliteStore) -> int:
    with store.read() as reader:
        return reader.head(1).n


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}


# The file


def test_the_files_can_be_read_by_their_owner_only(store: SqliteStore, folder: Path) -> None:
    write(store)
    store.copy_to(str(folder / "copy"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.is_file()}
    assert modes == dict.fromkeys((FILE, LOG, INDEX, "bank.lock", "bank.queue"), 0o600)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "copy")] == [0o700] * 2
    assert stat.S_IMODE((folder / "copy" / FILE).stat().st_mode) == 0o600


def test_a_commit_is_flushed_and_the_log_is_on(store: SqliteStore) -> None:
    connection = store._writer()._connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)


def test_a_dropped_snapshot_is_gone_from_the_file(folder: Path) -> None:
    secret = b"what nobody should find" * 20
    with closing(SqliteStore(folder)) as store:
        store.commit(Unit(now=NOW, snapshots=[Kept(1, "app", 1, secret)]))
    assert secret[:40] in (folder / FILE).read_bytes()
    with closing(SqliteStore(folder)) as store:
        store.commit(Unit(now=NOW, drop=[(1, "app")]))
    assert secret[:40] not in (folder / FILE).read_bytes()


def test_many_may_open_a_new_bank_at_once(folder: Path) -> None:
    numbers: list[int] = []

    def opener() -> None:
        with closing(SqliteStore(folder)) as store:
            numbers.append(write(store))

    threads = [threading.Thread(target=opener) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 9))


def test_what_was_left_of_a_laying_out_that_died_is_swept_away(folder: Path) -> None:
    folder.mkdir()
    (folder / f"{FILE}.new").write_bytes(b"half")
    with closing(SqliteStore(folder)) as store:
        assert write(store) == 1
    assert not (folder / f"{FILE}.new").exists()


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("statements", "complaint"),
    [
        (("PRAGMA application_id = 0x6D4F6631", "PRAGMA user_version = 1"), "written by release 0.1.*lay out a new"),
        (("PRAGMA user_version = 7",), "format version 7"),
        (("PRAGMA application_id = 1",), "another program"),
    ],
)
def test_a_file_of_another_release_or_program_is_refused_and_left_as_it_was(
    folder: Path, statements: tuple[str, ...], complaint: str, *, read_only: bool
) -> None:
    SqliteStore(folder).close()
    with closing(sqlite3.connect(folder / FILE)) as connection:
        for statement in statements:
            connection.execute(statement)
    before = (folder / FILE).read_bytes()
    with pytest.raises(StoreError, match=complaint):
        SqliteStore(folder, read_only=read_only)
    assert (folder / FILE).read_bytes() == before


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "0 bytes"), (b"SQLite format 3\0" + bytes(20), "NOTADB"), (b"not a database" * 100, "NOTADB")],
    ids=["an empty file", "a header cut off", "anything"],
)
def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(
    folder: Path, content: bytes, complaint: str, *, read_only: bool
) -> None:
    folder.mkdir()
    (folder / FILE).write_bytes(content)
    with pytest.raises(StoreError, match=complaint):
        SqliteStore(folder, read_only=read_only)
    assert (folder / FILE).read_bytes() == content


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_was_cut_is_refused(folder: Path, *, read_only: bool) -> None:
    with closing(SqliteStore(folder)) as store:
        write(store, bytes(100_000))
    os.truncate(folder / FILE, 60_000)
    with pytest.raises(StoreError, match="is cut"):
        SqliteStore(folder, read_only=read_only)


def test_a_log_without_its_file_is_not_taken_for_a_new_bank(store: SqliteStore, folder: Path, tmp_path: Path) -> None:
    write(store)
    (tmp_path / "copy").mkdir()
    shutil.copy(folder / LOG, tmp_path / "copy" / LOG)
    with pytest.raises(StoreError, match="is missing, but its log"):
        SqliteStore(tmp_path / "copy")


# One writer


def test_units_that_wait_together_share_flushes(
    store: SqliteStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "_SECONDS", 60)  # a loaded machine writes one unit in the time of a whole group
    flushes: list[str] = []
    writer = store._writer()
    writer._patience_ms = 120_000
    writer._connection.set_trace_callback(lambda text: flushes.append(text) if text == "COMMIT" else None)
    numbers: list[int] = []
    threads = [threading.Thread(target=lambda: numbers.append(write(store))) for _ in range(40)]
    with (folder / "bank.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for thread in threads:
            thread.start()
        until = monotonic() + 60
        while writer._waiting.qsize() < 39 and monotonic() < until:  # the first left the queue, and waits for the lock
            sleep(0.01)
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 41))
    assert len(flushes) < 20


def test_a_store_held_by_another_process_is_busy_for_writers_and_open_for_readers(
    store: SqliteStore, beside: sqlite3.Connection, folder: Path
) -> None:
    with (folder / "bank.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StoreBusy):
            write(store)
        assert length(store) == 1
    beside.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        write(store)
    assert length(store) == 1
    beside.execute("ROLLBACK")
    assert write(store) == 2


def test_when_the_disk_is_full_the_caller_is_told_and_the_store_goes_on(store: SqliteStore) -> None:
    write(store)
    connection = store._writer()._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 10}")
    with pytest.raises(StoreError, match="FULL"):
        write(store, bytes(1_000_000))
    connection.execute("PRAGMA max_page_count = 1000000")
    assert write(store, bytes(1_000_000)) == 2


def test_a_store_opened_before_a_fork_is_refused_in_the_child(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: -1)
        with pytest.raises(StoreError, match="forked"):
            write(store)
        with pytest.raises(StoreError, match="forked"):
            length(store)
    assert write(store) == 1


def test_the_log_is_copied_back_while_the_store_is_open(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "_SECONDS", 0.01)
    file = folder / FILE
    with closing(SqliteStore(folder)) as store:
        small = file.stat().st_size
        write(store, bytes(1_000_000))
        until = monotonic() + 60  # only where the copying fails
        while file.stat().st_size < small + 900_000 and monotonic() < until:
            sleep(0.05)
        assert file.stat().st_size >= small + 900_000


def test_a_store_that_closes_waits_for_the_copy_that_is_under_way(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "_SECONDS", 0.01)
    monkeypatch.setattr(checkpoint, "_IDLE_ROUNDS", 1)
    begun, ended = threading.Event(), threading.Event()

    def copy_slowly(of: checkpoint.Checkpoints) -> None:
        if of._log.parent == folder:  # a store that another test left open copies, too
            begun.set()
            sleep(0.2)
            ended.set()

    monkeypatch.setattr(checkpoint.Checkpoints, "_copy", copy_slowly)
    with closing(SqliteStore(folder)) as store:
        write(store)
        assert begun.wait(60)
    assert ended.is_set()


@pytest.mark.parametrize("step", [1, 7])
def test_places_and_keys_settle_beside_the_way_and_nothing_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(settle, "FRESH_ROWS", 30)
    monkeypatch.setattr(settle, "STEP_ROWS", step)
    rng, written = random.Random(step), dict[int, list[tuple[int, bytes]]]()
    with closing(SqliteStore(folder)) as one, closing(SqliteStore(folder)) as two:
        for number in range(300):
            body = b"%d" % number
            subjects = [int(rng.paretovariate(0.4)) % 50 for _ in range(rng.randrange(1, 6))]
            digest = sha256(body).digest()
            drafts = [Draft(s, "ingest", NOW, body, digest, digest, (10 * number + i,)) for i, s in enumerate(subjects)]
            rng.choice((one, two)).commit(Unit(now=NOW, drafts=drafts))
            for place, subject in enumerate(subjects):
                written.setdefault(subject, []).append((10 * number + place, body))
            subject = rng.choice(list(written))
            again = rng.choice(written[subject])[0]
            with pytest.raises(Moved) as caught:
                one.commit(Unit(now=NOW, drafts=[Draft(subject, "ingest", NOW, body, digest, digest, (again,))]))
            assert caught.value.subjects == {subject}
        one.seal()
        with two.read() as reader:
            assert log_holds(reader)
            for subject, kept in written.items():
                entries = journal(reader, subject)
                assert chain_holds(entries)
                assert [entry.body for entry in entries] == [body for _, body in kept]
                assert list(reader.entries(subject, newest_first=True)) == entries[::-1]
                assert reader.known([(subject, key) for key, _ in kept]) == {(subject, key) for key, _ in kept}
    with closing(sqlite3.connect(folder / FILE)) as connection:
        settled = connection.execute("SELECT count(*) FROM places").fetchone()[0]
        fresh = connection.execute("SELECT count(*) FROM fresh_places").fetchone()[0]
        assert 0 < fresh < 200 < settled
        assert fresh + settled == sum(map(len, written.values()))
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# Altered from outside


@pytest.mark.parametrize(
    "alter",
    ["UPDATE entries SET hash = zeroblob(32) WHERE row = 1", "DELETE FROM entries"],
    ids=["altered", "lost"],
)
def test_a_tail_changed_beneath_a_running_writer_stops_it(
    store: SqliteStore, beside: sqlite3.Connection, alter: str
) -> None:
    beside.execute(alter)
    with pytest.raises(ChainBroken) as caught:
        write(store)
    assert caught.value.seq == 1


def test_a_file_replaced_beneath_a_running_writer_stops_it(store: SqliteStore, folder: Path) -> None:
    write(store)
    shutil.copy(folder / FILE, folder / "other")
    (folder / "other").rename(folder / FILE)
    with pytest.raises(StoreError, match="replaced"):
        write(store)
    (folder / FILE).unlink()
    with pytest.raises(StoreError, match="removed"):
        write(store)


def test_a_value_of_another_type_cannot_be_written_by_hand(beside: sqlite3.Connection) -> None:
    for alter in ("SET at = 'yesterday'", "SET body = 'text'", "SET hash = NULL", "SET n = 1.5"):
        with pytest.raises(sqlite3.IntegrityError):
            beside.execute(f"UPDATE entries {alter}")


def test_a_row_altered_by_hand_is_told_in_words(store: SqliteStore, beside: sqlite3.Connection) -> None:
    beside.execute("UPDATE entries SET kind = 99")
    with store.read() as reader, pytest.raises(StoreError, match="altered"):
        list(reader.entries(1))
    beside.execute("UPDATE seal SET frontier = x'00'")
    with store.read() as reader, pytest.raises(StoreError, match="altered"):
        reader.sealed()
    with pytest.raises(StoreError, match="altered"):
        store.seal()
    beside.execute("UPDATE heads SET hash = x'00'")
    with pytest.raises(StoreError, match="32 bytes"):
        write(store)
    beside.execute("DELETE FROM heads")
    with pytest.raises(StoreError, match="CONSTRAINT"):
        write(store)
    beside.execute("DROP TABLE letters")
    with pytest.raises(StoreError, match="cannot be used"), store.read() as reader:
        reader.letters(limit=1)


# The end of the log


def frames_of(log: bytes) -> list[int]:
    """Give where each frame of a log begins."""
    page = int.from_bytes(log[8:12], "big")
    return list(range(32, len(log), 24 + page))


def end_of(log: bytes, folder: Path) -> list[str]:
    """Say what is wrong with a log, beside a file of its name."""
    folder.mkdir(exist_ok=True)
    (folder / LOG).write_bytes(log)
    return damage.end_of_log(folder / FILE)


def flipped(log: bytes, place: int, bit: int = 1) -> bytes:
    return log[:place] + bytes((log[place] ^ bit,)) + log[place + 1 :]


def test_a_salt_altered_in_any_frame_is_found(store: SqliteStore, folder: Path, tmp_path: Path) -> None:
    for number in range(4):
        write(store, b"%d" % number * 3_000 * (number + 1))
    log = (folder / LOG).read_bytes()
    assert end_of(log, tmp_path / "copy") == []

    for start in frames_of(log):
        for place in range(start + 8, start + 16):
            for bit in (1, 128):
                assert end_of(flipped(log, place, bit), tmp_path / "copy"), f"byte {place - start} of a frame"


def test_a_last_commit_of_which_both_salts_were_altered_is_found(
    store: SqliteStore, folder: Path, tmp_path: Path
) -> None:
    for number in range(3):
        write(store, b"%d" % number)
    log = (folder / LOG).read_bytes()

    for start in frames_of(log):
        altered = log[: start + 8] + b"anything" + log[start + 16 :]
        assert end_of(altered, tmp_path / "copy")


def test_a_commit_of_one_frame_whose_salt_was_altered_is_found(tmp_path: Path) -> None:
    file = tmp_path / FILE
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE one (x)")
        connection.execute("INSERT INTO one VALUES (1)")
        log = (tmp_path / LOG).read_bytes()
    last = frames_of(log)[-1]
    assert end_of(log, tmp_path / "copy") == []

    for place in range(last + 8, last + 16):
        assert end_of(flipped(log, place), tmp_path / "copy")


def test_what_is_left_of_a_log_that_began_anew_is_no_damage(store: SqliteStore, folder: Path, tmp_path: Path) -> None:
    for number in range(5):
        write(store, bytes(20_000 * number))
    for _ in range(3):
        with closing(sqlite3.connect(folder / FILE)) as beside:
            assert beside.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[0] == 0
        before = (folder / LOG).stat().st_size
        write(store)
        log = (folder / LOG).read_bytes()
        salts = {log[start + 8 : start + 16] for start in frames_of(log)}
        assert (len(log), len(salts) > 1) == (before, True)

        assert end_of(log, tmp_path / "copy") == []
        with store.read() as reader:
            assert reader.damage() == []


# Reading only


def read_quietly(folder: Path) -> int:
    before = contents(folder)
    with closing(SqliteStore.open_to_read(folder)) as store:
        found = length(store)
        for refused in (lambda: write(store), store.seal):
            with pytest.raises(StoreError, match="read only"):
                refused()
    assert contents(folder) == before
    return found


def test_a_bank_at_rest_is_read_without_writing_a_byte(folder: Path) -> None:
    with closing(SqliteStore(folder)) as store:
        write(store)
    assert read_quietly(folder) == 1


def test_a_copy_with_a_log_but_without_its_index_is_read_without_writing_a_byte(
    store: SqliteStore, folder: Path, tmp_path: Path
) -> None:
    write(store)
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in (FILE, LOG):
        shutil.copy(folder / name, copy / name)
    assert read_quietly(copy) == 1


def test_a_bank_in_use_is_read_beside_its_writer(store: SqliteStore, folder: Path) -> None:
    write(store)
    with closing(SqliteStore.open_to_read(folder)) as looking:
        assert length(looking) == 1
        with looking.read() as reader:
            write(store)
            assert reader.head(1).n == 1
        assert length(looking) == 2


def test_a_bank_that_is_written_while_it_is_read_as_a_copy_says_so(folder: Path) -> None:
    SqliteStore(folder).close()
    with closing(SqliteStore.open_to_read(folder)) as looking:
        with pytest.raises(StoreError, match="read again"), looking.read(), closing(SqliteStore(folder)) as store:
            write(store)
        assert length(looking) == 1


def test_what_is_not_there_cannot_be_opened_to_read(folder: Path) -> None:
    with pytest.raises(BankNotFound):
        SqliteStore.open_to_read(folder)
    assert not folder.exists()


# How it reads


@pytest.mark.parametrize(
    ("kinds", "index"),
    [(["decision"], "USING INDEX kinds"), (["ingest", "decision"], "USING PRIMARY KEY"), (None, "USING PRIMARY KEY")],
)
def test_a_journal_is_read_through_an_index(store: SqliteStore, kinds: list[EntryKind] | None, index: str) -> None:
    asked: list[str] = []
    with store.read() as reader:
        connection = store.lend()
        connection.set_trace_callback(asked.append)
        reader._run = connection.execute  # type: ignore[attr-defined]
        list(reader.entries(1, kinds=kinds, newest_first=True))
        reader.known([(1, 1)])
        list(reader.recent(kinds=["decision"], limit=3))
        connection.set_trace_callback(None)
        plans = [connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall() for statement in asked]
        store.take_back(connection)
    assert index in str(plans[0])
    assert "SCAN" not in str(plans[0])
    assert "SCAN keys" not in str(plans)
    assert "SCAN fresh_keys" not in str(plans)
    assert "TEMP B-TREE" not in str(plans)
    assert "USING INDEX recents" in str(plans[-1])
