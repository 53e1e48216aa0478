"""What the embedded engine promises beyond the contract: one private file, one flush for many, clear refusals."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

import pytest

from marketofone.audit.verify import Verification, verify
from marketofone.domain.errors import ChainBroken, StoreBusy, StoreError
from marketofone.domain.moment import Instant
from marketofone.store.embedded.connection import FILE
from marketofone.store.embedded.store import EmbeddedStore
from marketofone.store.ports import Entry, Writer

NOW = Instant(0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with closing(EmbeddedStore(tmp_path / "data", patience_ms=50)) as opened:
        yield opened


@pytest.fixture
def beside(store: EmbeddedStore, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Another program that has the file open."""
    write(store)
    with closing(sqlite3.connect(tmp_path / "data" / FILE, isolation_level=None)) as connection:
        yield connection


def write(store: EmbeddedStore, body: bytes = b"body") -> Entry:
    return store.commit(lambda writer: writer.append("decision", at=NOW, customer="c-1", body=body))


def verified(store: EmbeddedStore) -> Verification:
    with store.read() as reader:
        return verify((e.seq, e.kind, e.at, e.customer, e.body, e.link) for e in reader.entries())


def test_the_files_can_be_read_by_their_owner_only(store: EmbeddedStore, tmp_path: Path) -> None:
    write(store)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}
    assert modes == {FILE: 0o600, f"{FILE}-wal": 0o600, f"{FILE}-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_commit_is_flushed_and_the_log_is_on(store: EmbeddedStore) -> None:
    connection = store._group._connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_units_that_wait_together_share_flushes(store: EmbeddedStore) -> None:
    flushes: list[str] = []
    store._group._connection.set_trace_callback(lambda text: flushes.append(text) if text == "COMMIT" else None)
    held, seqs = threading.Event(), []
    holder = threading.Thread(target=lambda: store.commit(lambda _: held.wait(timeout=10)))
    holder.start()
    threads = [threading.Thread(target=lambda: seqs.append(write(store).seq)) for _ in range(40)]
    for thread in threads:
        thread.start()
    held.set()
    for thread in (holder, *threads):
        thread.join()
    assert sorted(seqs) == list(range(1, 41))
    assert len(flushes) < 20


def test_salts_come_from_where_the_opener_says(tmp_path: Path) -> None:
    with closing(EmbeddedStore(tmp_path, salts=lambda: b"\x07" * 16)) as store:
        assert write(store).link.salt == b"\x07" * 16


@pytest.mark.parametrize(
    ("prepare", "complaint"),
    [
        ("PRAGMA user_version = 7", "schema version 7"),
        ("PRAGMA application_id = 1", "another program"),
    ],
)
def test_a_file_of_another_release_or_program_is_refused(tmp_path: Path, prepare: str, complaint: str) -> None:
    EmbeddedStore(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute(prepare)
    with pytest.raises(StoreError, match=complaint):
        EmbeddedStore(tmp_path)


def test_a_stranger_s_file_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(StoreError, match="another program"):
        EmbeddedStore(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before
    (tmp_path / FILE).write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="NOTADB"):
        EmbeddedStore(tmp_path)


def test_many_may_open_a_new_bank_at_once(tmp_path: Path) -> None:
    seqs: list[int] = []

    def opener() -> None:
        with closing(EmbeddedStore(tmp_path)) as store:
            seqs.append(write(store).seq)

    threads = [threading.Thread(target=opener) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seqs) == list(range(1, 9))


def test_a_store_held_by_another_process_is_busy_for_writers_and_open_for_readers(
    store: EmbeddedStore, beside: sqlite3.Connection
) -> None:
    beside.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        write(store)
    with store.read() as reader:
        assert reader.position() == 1
    beside.execute("ROLLBACK")
    assert write(store).seq == 2


def test_when_the_disk_is_full_everybody_in_the_group_is_told_and_the_store_goes_on(store: EmbeddedStore) -> None:
    write(store)
    pages = store._group._connection.execute("PRAGMA page_count").fetchone()[0]
    store._group._connection.execute(f"PRAGMA max_page_count = {pages + 10}")
    with pytest.raises(StoreError, match="FULL"):
        write(store, body=bytes(1_000_000))
    store._group._connection.execute("PRAGMA max_page_count = 1000000")
    assert write(store, body=bytes(1_000_000)).seq == 2
    assert verified(store).ok


def test_a_journal_changed_beneath_a_running_writer_stops_it(store: EmbeddedStore, beside: sqlite3.Connection) -> None:
    write(store)
    beside.execute("UPDATE journal SET hash = zeroblob(32) WHERE seq = 2")
    with pytest.raises(ChainBroken) as caught:
        write(store)
    assert caught.value.seq == 2


@pytest.mark.parametrize(
    "alter",
    [
        "UPDATE journal SET body = x'00' WHERE seq = 2",
        "UPDATE journal SET body = NULL WHERE seq = 2",
        "UPDATE journal SET body = 'body' WHERE seq = 2",
        "UPDATE journal SET customer = 'c-2' WHERE seq = 2",
        "UPDATE journal SET kind = 'outcome' WHERE seq = 2",
        "UPDATE journal SET at = 'yesterday' WHERE seq = 2",
        "UPDATE journal SET salt = zeroblob(99) WHERE seq = 2",
        "UPDATE journal SET hash = x'00' WHERE seq = 2",
        "DELETE FROM journal WHERE seq = 2",
    ],
)
def test_a_row_altered_in_the_file_is_found(store: EmbeddedStore, beside: sqlite3.Connection, alter: str) -> None:
    write(store)
    write(store)
    assert verified(store).ok
    beside.execute(alter)
    assert verified(store).broken_at == 2


def test_an_erased_entry_leaves_its_link_and_the_chain_holds(store: EmbeddedStore, beside: sqlite3.Connection) -> None:
    erased = write(store)
    beside.execute("UPDATE journal SET body = NULL, salt = NULL WHERE seq = 2")
    assert write(store).seq == 3
    assert verified(store).ok
    with store.read() as reader:
        entry = reader.entry(2)
    assert entry is not None
    assert (entry.body, entry.link.salt, entry.link.hash) == (None, None, erased.link.hash)


def test_a_dropped_state_is_gone_from_the_file(tmp_path: Path) -> None:
    secret = b"what nobody should find" * 20
    store = EmbeddedStore(tmp_path)
    store.commit(lambda writer: writer.put_state("c-1", "app", secret))
    store.close()
    assert secret[:40] in (tmp_path / FILE).read_bytes()
    store = EmbeddedStore(tmp_path)
    store.commit(lambda writer: writer.drop_state("c-1", "app"))
    store.close()
    assert secret[:40] not in (tmp_path / FILE).read_bytes()


def test_events_and_models_must_name_an_entry_that_exists(store: EmbeddedStore) -> None:
    with pytest.raises(StoreError, match="FOREIGNKEY"):
        store.commit(lambda writer: writer.put_model("m", b"", seq=1))


def test_a_snapshot_or_a_unit_that_is_over_cannot_be_used(store: EmbeddedStore) -> None:
    write(store)
    with store.read() as reader:
        walk = reader.entries()
    kept: list[Writer] = []
    store.commit(kept.append)
    late: list[Callable[[], object]] = [
        lambda: reader.epoch("c-1"),
        lambda: next(walk),
        lambda: kept[0].put_state("c-1", "app", b""),
        lambda: kept[0].add_letters([]),
    ]
    for use in late:
        with pytest.raises(AssertionError):
            use()


def test_a_unit_that_commits_another_is_told_of_its_mistake(store: EmbeddedStore) -> None:
    with pytest.raises(AssertionError):
        store.commit(lambda _: write(store))
    assert write(store).seq == 1


def test_the_end_of_a_thread_s_patience_or_of_its_interpreter_is_not_the_writer_s(store: EmbeddedStore) -> None:
    def leave(_: Writer) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        store.commit(leave)
    assert write(store).seq == 1


def test_the_log_is_copied_back_while_the_store_is_open(tmp_path: Path) -> None:
    file = tmp_path / FILE
    with closing(EmbeddedStore(tmp_path)) as store:
        small = file.stat().st_size
        write(store, body=bytes(1_000_000))
        until = monotonic() + 10
        while file.stat().st_size < small + 900_000 and monotonic() < until:
            sleep(0.05)
        assert file.stat().st_size >= small + 900_000
