"""What the server engine promises beyond the contract: no waiting between customers, patience, and clear refusals."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

import postgres_server
from marketofone.audit.journal_chain import leaf_hash
from marketofone.audit.merkle import root
from marketofone.domain.errors import Moved, StoreBusy, StoreError
from marketofone.domain.moment import Instant
from marketofone.store.ports import (
    BANK,
    DeadLetter,
    DecisionName,
    Draft,
    EntryKind,
    Expectation,
    Head,
    Kept,
    LinkChange,
    Unit,
)
from marketofone.store.postgres.locking import MANY_KEYS
from marketofone.store.postgres.store import PostgresStore

pytestmark = pytest.mark.server

NOW = Instant(1_700_000_000_000_000)
# A unit that appends to the journal of one customer stops right before it commits, until the test lets go.
HOLD = """
CREATE FUNCTION marketofone.hold() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS
$$ BEGIN PERFORM pg_advisory_xact_lock_shared(77); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON marketofone.entries DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.subject = 99 OR NEW.body = 'hold') EXECUTE FUNCTION marketofone.hold();
SELECT pg_advisory_lock(77);
"""


@pytest.fixture
def address() -> Iterator[str]:
    yield postgres_server.server().create()
    postgres_server.server().drop_all()


@pytest.fixture
def store(address: str) -> Iterator[PostgresStore]:
    with closing(PostgresStore(address)) as opened:
        yield opened


@pytest.fixture
def beside(address: str) -> Iterator[psycopg.Connection]:
    """Another program that is connected with the database."""
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


def draft(subject: int, kind: EntryKind = "ingest", *, body: bytes = b"body") -> Draft:
    return Draft(subject, kind, NOW, body, bytes(32), bytes(32))


def unit(*subjects: int, kind: EntryKind = "ingest", expects: Sequence[int] = ()) -> Unit:
    drafts = [draft(subject, kind) for subject in subjects]
    return Unit(now=NOW, drafts=drafts, expects={subject: Expectation(0) for subject in expects})


def waiting(beside: psycopg.Connection) -> int:
    """Count the sessions that wait for a row, for a transaction or for an advisory lock."""
    rows = beside.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock' AND wait_event IN ('tuple', 'transactionid', 'advisory')"
    )
    return int(rows.fetchall()[0][0])


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@contextmanager
def held(store: PostgresStore, beside: psycopg.Connection, work: Unit) -> Iterator[Future[list[Head]]]:
    """Keep a unit right before its commit for as long as the block lasts."""
    beside.execute(HOLD)
    with ThreadPoolExecutor(1) as pool:
        committed = pool.submit(store.commit, work)
        try:
            until(lambda: waiting(beside) == 1)
            yield committed
        finally:
            beside.execute("SELECT pg_advisory_unlock(77)")


def rich(subject: int, kind: EntryKind = "decision") -> Unit:
    """Make a unit about one customer that writes something of every sort and rests on the bank's policy."""
    return Unit(
        now=NOW,
        expects={subject: Expectation(0), BANK: Expectation(0)},
        holders={b"key of %d" % subject: 0},
        drafts=[Draft(subject, kind, NOW, b"body", bytes(32), bytes(32), keys=(1,)), draft(subject, "outcome")],
        snapshots=[Kept(subject, "app", 1, b"kept")],
        links=[LinkChange(b"key of %d" % subject, subject, linked=True)],
        names=[DecisionName(b"name", 0)],
        letters=[DeadLetter(NOW, "field", "shape", "fix", None)],
        tallies={"events": 1},
        lessons=[1],
        states={b"state of %d" % subject: b"state"},
    )


# Who waits for whom


def test_units_about_different_customers_never_wait_for_each_other(
    store: PostgresStore, beside: psycopg.Connection
) -> None:
    with held(store, beside, rich(99)) as committed:
        for subject in range(1, 30):
            store.commit(rich(subject))
            assert waiting(beside) == 1
        assert not committed.done()
    assert [head.n for head in committed.result()] == [1, 2]
    with store.read() as reader:
        assert reader.tallies() == {"events": 30}
        assert len(reader.lessons(limit=100)) == 30


def test_no_lock_is_waited_for_while_many_threads_write_about_their_own_customer(
    store: PostgresStore, beside: psycopg.Connection
) -> None:
    seen = list[int]()

    def write(subject: int) -> None:
        for _ in range(40):
            store.commit(Unit(now=NOW, expects={BANK: Expectation(0)}, drafts=[draft(subject)], tallies={"n": 1}))

    with ThreadPoolExecutor(6) as pool:
        writers = [pool.submit(write, subject) for subject in range(1, 7)]
        while not all(writer.done() for writer in writers):
            seen.append(waiting(beside))
    assert [writer.result() for writer in writers] == [None] * 6
    assert seen
    assert not any(seen)


def test_of_two_units_about_one_customer_the_second_waits_and_finds_what_the_first_wrote(
    store: PostgresStore, beside: psycopg.Connection
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with held(store, beside, unit(99, kind="consent")):
            second = pool.submit(store.commit, unit(5, 99, kind="decision", expects=[99]))
            until(lambda: waiting(beside) == 2)
        with pytest.raises(Moved) as caught:
            second.result()
    assert caught.value.subjects == {99}


def test_a_version_makes_no_decision_wait_and_no_decision_makes_a_version_wait(
    store: PostgresStore, beside: psycopg.Connection
) -> None:
    version = Unit(now=NOW, drafts=[draft(BANK, "version", body=b"hold")], expects={BANK: Expectation(0, 0)})
    with held(store, beside, version):
        store.commit(unit(1, kind="decision", expects=[1, BANK]))
        assert waiting(beside) == 1
    beside.execute("DROP FUNCTION marketofone.hold CASCADE")
    with held(store, beside, unit(99, kind="decision", expects=[BANK])):
        assert store.commit(unit(BANK, kind="checkpoint"))[0].n == 2
        assert waiting(beside) == 1


def test_a_ruling_waits_for_decisions_that_rest_on_the_policy_and_stops_later_ones(
    store: PostgresStore, beside: psycopg.Connection
) -> None:
    with ThreadPoolExecutor(2) as pool:
        with held(store, beside, unit(99, kind="decision", expects=[BANK])):
            ruling = pool.submit(store.commit, unit(BANK, kind="ruling"))
            until(lambda: waiting(beside) == 2)
            later = pool.submit(store.commit, unit(1, kind="decision", expects=[BANK]))
            until(lambda: waiting(beside) == 3)
        assert ruling.result()[0].guard == 1
        with pytest.raises(Moved) as caught:
            later.result()
    assert caught.value.subjects == {BANK}


def test_a_unit_that_links_waits_for_one_that_rests_on_the_key(
    store: PostgresStore, beside: psycopg.Connection
) -> None:
    def link(subject: int) -> Unit:
        return Unit(
            now=NOW,
            drafts=[draft(subject, "identity")],
            links=[LinkChange(b"key", subject, linked=True)],
            holders={b"key": 0},
        )

    with ThreadPoolExecutor(1) as pool:
        with held(store, beside, link(99)):
            second = pool.submit(store.commit, link(1))
            until(lambda: waiting(beside) == 2)
        with pytest.raises(Moved) as caught:
            second.result()
    assert caught.value.subjects == {1, 99}


def test_decisions_that_only_rest_on_one_key_do_not_wait_for_each_other(
    store: PostgresStore, beside: psycopg.Connection
) -> None:
    decisions = [Unit(now=NOW, drafts=[draft(subject)], holders={b"key": 0}) for subject in (99, 1)]
    with held(store, beside, decisions[0]):
        assert store.commit(decisions[1])[0].n == 1


def test_a_unit_with_very_many_keys_takes_one_lock_for_all(store: PostgresStore, beside: psycopg.Connection) -> None:
    keys = [b"key %d" % number for number in range(MANY_KEYS + 1)]
    links = [LinkChange(key, 99, linked=True) for key in keys]
    with ThreadPoolExecutor(1) as pool:
        with held(store, beside, Unit(now=NOW, drafts=[draft(99, "identity")], links=links)):
            second = pool.submit(store.commit, Unit(now=NOW, drafts=[draft(1)], holders={keys[7]: 0}))
            until(lambda: waiting(beside) == 2)
            assert store.commit(unit(2))[0].n == 1
        with pytest.raises(Moved) as caught:
            second.result()
    assert caught.value.subjects == {99}


def test_units_that_renew_the_same_snapshots_in_another_order_both_go_through(store: PostgresStore) -> None:
    def renew(names: Sequence[str]) -> None:
        for n in range(40):
            store.commit(Unit(now=NOW, snapshots=[Kept(1, name, n, b"body") for name in names]))

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(renew, names) for names in (["a", "b", "c"], ["c", "b", "a"]) * 2]:
            done.result()
    with store.read() as reader:
        assert {kept.n for kept in reader.snapshots(1).values()} == {39}


# Patience


def test_a_unit_that_waits_too_long_is_given_up_and_leaves_nothing(address: str, beside: psycopg.Connection) -> None:
    with closing(PostgresStore(address, patience_ms=100)) as store:
        store.commit(unit(1))
        with beside.transaction():
            beside.execute("SELECT FROM marketofone.heads WHERE subject = 1 FOR UPDATE")
            with pytest.raises(StoreBusy):
                store.commit(unit(1, 2))
        with store.read() as reader:
            assert reader.subjects(limit=10) == [1]
        assert [head.n for head in store.commit(unit(1, 2))] == [2, 1]


def test_a_unit_that_meets_somebody_elses_deadlock_tries_again(
    store: PostgresStore, beside: psycopg.Connection
) -> None:
    store.commit(unit(1, 2))
    beside.execute("SET deadlock_timeout = '20s'")  # the other side is the one that is given up
    with ThreadPoolExecutor(1) as pool:
        with beside.transaction():
            beside.execute("SELECT FROM marketofone.heads WHERE subject = 2 FOR UPDATE")
            committed = pool.submit(store.commit, unit(1, 2))
            until(lambda: waiting(beside) == 1)
            beside.execute("SELECT FROM marketofone.heads WHERE subject = 1 FOR UPDATE")
        assert [head.n for head in committed.result()] == [2, 2]


def test_more_threads_than_connections_take_turns(store: PostgresStore) -> None:
    def work(subject: int) -> int:
        with store.read() as reader:
            before = reader.head(subject).n
        return store.commit(unit(subject))[0].n - before

    with ThreadPoolExecutor(40) as pool:
        assert list(pool.map(work, range(1, 200))) == [1] * 199


def test_connections_that_died_are_replaced(store: PostgresStore, beside: psycopg.Connection) -> None:
    barrier = threading.Barrier(4)

    def work(subject: int) -> None:
        store.commit(unit(subject))
        with store.read() as reader:
            barrier.wait(timeout=60)
            assert reader.head(subject).n

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(1, 5)))
    terminate(beside)
    with store.read() as reader:
        assert reader.subjects(limit=10) == [1, 2, 3, 4]
    terminate(beside)
    assert store.commit(unit(1))[0].n == 2
    terminate(beside)
    assert store.seal().size == 5


def terminate(beside: psycopg.Connection) -> None:
    others = b" FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    beside.execute(b"SELECT pg_terminate_backend(pid)" + others)
    until(lambda: not beside.execute(b"SELECT" + others).fetchall())


def test_a_connection_that_is_lost_while_it_commits_is_told_and_not_tried_again(
    store: PostgresStore, beside: psycopg.Connection
) -> None:
    with held(store, beside, unit(99)) as committed:
        terminate(beside)
        with pytest.raises(StoreError):
            committed.result()
    with store.read() as reader:
        assert reader.head(99).n == 0


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(StoreError):
        PostgresStore("postgresql://postgres@/bank?host=/nowhere", patience_ms=100)


# Sealing


def test_what_commits_late_is_sealed_late_and_nothing_is_passed_over(
    store: PostgresStore, beside: psycopg.Connection
) -> None:
    with held(store, beside, unit(99, 99)):
        store.commit(unit(1, 2, 3))
        assert store.seal().size == 3
    assert store.seal().size == 5
    with store.read() as reader:
        assert reader.places(limit=10) == [(1, 1), (2, 1), (3, 1), (99, 1), (99, 2)]
        assert reader.sealed().root == root(map(leaf_hash, reader.leaves(limit=10)))


def test_an_entry_that_vanished_before_it_was_sealed_is_told(store: PostgresStore, beside: psycopg.Connection) -> None:
    store.commit(unit(1, 1))
    beside.execute("DELETE FROM marketofone.entries WHERE n = 1")
    with pytest.raises(StoreError, match="missing"):
        store.seal()


def test_sealing_gathers_tallies_and_their_sums_stay(store: PostgresStore, beside: psycopg.Connection) -> None:
    many = {f"reason {number}": number for number in range(400)}
    for _ in range(3):
        store.commit(Unit(now=NOW, tallies=many))
    store.seal()
    with store.read() as reader:
        assert reader.tallies() == {name: 3 * number for name, number in many.items()}
    assert beside.execute("SELECT count(*) FROM marketofone.tallies").fetchall() == [(400,)]


def test_sealing_leaves_many_tallies_alone_that_are_few_of_each_name(
    store: PostgresStore, beside: psycopg.Connection
) -> None:
    store.commit(Unit(now=NOW, tallies={f"day {number}": 1 for number in range(2_000)}))
    rows = beside.execute("SELECT array_agg(ctid::text ORDER BY name) FROM marketofone.tallies").fetchall()
    store.seal()
    assert beside.execute("SELECT array_agg(ctid::text ORDER BY name) FROM marketofone.tallies").fetchall() == rows


# Opening


def test_a_commit_waits_for_the_disk_whatever_the_server_is_set_to(address: str, beside: psycopg.Connection) -> None:
    beside.execute(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$"
    )
    with closing(PostgresStore(address)) as store, store._writers.lent() as connection:
        assert connection.execute("SHOW synchronous_commit").fetchall() == [("on",)]
        assert connection.execute("SHOW default_transaction_isolation").fetchall() == [("read committed",)]


def test_many_that_open_a_new_database_at_once_all_find_one_bank(address: str) -> None:
    def work(subject: int) -> int:
        with closing(PostgresStore(address)) as store:
            return store.commit(unit(subject))[0].n

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(1, 9))) == [1] * 8


def test_a_bank_of_another_format_is_refused(store: PostgresStore, address: str, beside: psycopg.Connection) -> None:
    store.commit(unit(1))
    beside.execute("UPDATE marketofone.format SET version = 3")
    with pytest.raises(StoreError, match="another release"):
        PostgresStore(address)


def test_a_store_that_only_reads_makes_no_tables_and_writes_nothing(address: str) -> None:
    with pytest.raises(StoreError, match="no bank"):
        PostgresStore(address, read_only=True)
    with closing(PostgresStore(address)) as writer, closing(PostgresStore(address, read_only=True)) as reading:
        writer.commit(unit(1))
        with reading.read() as reader:
            assert reader.head(1).n == 1
        for work in (lambda: reading.commit(unit(1)), reading.seal):
            with pytest.raises(StoreError):
                work()


def test_text_is_ordered_by_its_bytes(beside: psycopg.Connection, store: PostgresStore) -> None:
    store.commit(unit(1))
    rows = beside.execute(
        "SELECT column_name, collation_name FROM information_schema.columns"
        " WHERE table_schema = 'marketofone' AND data_type = 'text'"
    ).fetchall()
    assert len(rows) == 5
    assert {collation for _, collation in rows} == {"C"}


# What was altered past the system


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("ALTER TABLE entries ADD COLUMN more text", "layout"),
        ("DROP INDEX links_of_subject", "layout"),
        ("ALTER TABLE events DROP CONSTRAINT events_pkey", "layout"),
        ("CREATE TABLE marketofone.more (n int)", "layout"),
        ("CREATE VIEW marketofone.seen AS SELECT n FROM heads", "layout"),
        ("CREATE RULE kept AS ON DELETE TO entries DO INSTEAD NOTHING", "layout"),
        ("ALTER TABLE heads ENABLE ROW LEVEL SECURITY", "layout"),
        (HOLD.partition("SELECT pg_advisory_lock")[0], "layout"),
        ("UPDATE heads SET guard = 1 WHERE subject = 7", "without entries"),
        ("UPDATE entries SET row = DEFAULT WHERE subject = 1 AND n = 1", "arrived"),
        ("DELETE FROM log", "0 Merkle logs"),
        ("INSERT INTO log SELECT frontier FROM log", "2 Merkle logs"),
        ("INSERT INTO leaves VALUES (2, 2, 1)", "leaves were added"),
        ("DELETE FROM leaves WHERE leaf = 0", "leaves were added or taken away"),
        ("DELETE FROM waiting", "wait to be sealed"),
        ("UPDATE waiting SET last = last + 1", "wait to be sealed"),
        ("UPDATE waiting SET subject = 1", "wait to be sealed"),
    ],
)
def test_what_was_altered_in_the_tables_is_found(
    store: PostgresStore, beside: psycopg.Connection, tampering: str, found: str
) -> None:
    store.commit(Unit(now=NOW, drafts=[draft(1), draft(1)], expects={7: Expectation(0)}))
    store.seal()
    store.commit(unit(2))
    with store.read() as reader:
        assert reader.damage() == []
    beside.execute("SET search_path TO marketofone")
    beside.execute(tampering.encode())
    with store.read() as reader:
        problems = reader.damage()
    assert problems
    assert found in problems[0]


# Copies


def test_a_copy_is_loaded_whole_and_numbers_go_on(store: PostgresStore, tmp_path: Path) -> None:
    store.commit(rich(1))
    store.commit(rich(2))
    store.seal(limit=1)
    with store.read() as reader:
        lessons = reader.lessons(limit=10)
    store.commit(Unit(now=NOW, learned=[lessons[-1].row]))
    store.copy_to(str(tmp_path / "copy"))
    address = postgres_server.server().create()
    PostgresStore.load_from(str(tmp_path / "copy"), address=address)
    with closing(PostgresStore(address)) as copy:
        with store.read() as one, copy.read() as two:
            for subject in (BANK, 1, 2):
                assert one.head(subject) == two.head(subject)
                assert list(one.entries(subject)) == list(two.entries(subject))
                assert one.snapshots(subject) == two.snapshots(subject)
                assert one.keys_of(subject) == two.keys_of(subject)
            assert (one.sealed(), one.tallies()) == (two.sealed(), two.tallies())
            assert (one.letters(limit=9), one.lessons(limit=9)) == (two.letters(limit=9), two.lessons(limit=9))
            assert one.decisions(b"name") == two.decisions(b"name")
            assert two.state(b"state of 1") == b"state"
            assert two.known([(1, 1), (2, 1), (3, 1)]) == {(1, 1), (2, 1)}
        copy.commit(rich(3))
        with copy.read() as reader:
            assert reader.lessons(limit=10)[-1].row > lessons[-1].row
        assert copy.seal().waiting == 0
    with pytest.raises(StoreError, match="empty"):
        PostgresStore.load_from(str(tmp_path / "copy"), address=address)


def test_a_folder_that_is_no_whole_copy_is_refused(store: PostgresStore, tmp_path: Path) -> None:
    store.commit(unit(1))
    store.copy_to(str(tmp_path / "copy"))
    address = postgres_server.server().create()
    (tmp_path / "copy" / "events.copy").unlink()
    with pytest.raises(StoreError):
        PostgresStore.load_from(str(tmp_path / "copy"), address=address)
    (tmp_path / "copy" / "format.json").unlink()
    with pytest.raises(StoreError, match="no copy"):
        PostgresStore.load_from(str(tmp_path / "copy"), address=address)
    with closing(PostgresStore(address)) as empty, empty.read() as reader:
        assert reader.head(1).n == 0
