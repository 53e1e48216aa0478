"""What every engine promises behind ``store/ports.py``: one suite, run on each of them."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import cast

import pytest

from marketofone.audit.chain import GENESIS
from marketofone.audit.verify import verify
from marketofone.domain.errors import DecisionExists, StoreError
from marketofone.domain.moment import Instant
from marketofone.store.ports import DeadLetter, Entry, EntryKind, NewEvent, Reader, Store, Verdict, Writer

ENGINES = {"embedded": "marketofone.store.embedded.store:EmbeddedStore"}
Open = Callable[[], Store]
NOW = Instant(1_700_000_000_000_000)


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    return ENGINES[request.param]


@pytest.fixture
def open_again(engine: str, tmp_path: Path) -> Iterator[Open]:
    """Opens the same store once more, as another process would."""
    module, _, name = engine.partition(":")
    make = cast("Callable[[Path], Store]", getattr(import_module(module), name))
    opened: list[Store] = []

    def open_it() -> Store:
        opened.append(make(tmp_path))
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


@pytest.fixture
def store(open_again: Open) -> Store:
    return open_again()


def event(name: str, *, customer: str = "c-1", verdict: Verdict = "admitted") -> NewEvent:
    return NewEvent(
        key=blake2b(name.encode(), digest_size=16).digest(),
        customer=customer,
        source="app",
        kind="app.opened",
        at=NOW,
        verdict=verdict,
        body=None if verdict == "refused" else name.encode(),
        reading=None,
    )


def write(store: Store, kind: EntryKind = "decision", *, customer: str | None = "c-1", body: bytes = b"body") -> Entry:
    return store.commit(lambda writer: writer.append(kind, at=NOW, customer=customer, body=body))


def ingest_batch(store: Store, *events: NewEvent) -> Entry:
    def work(writer: Writer) -> Entry:
        entry = writer.append("ingest", at=NOW, customer=None, body=b"batch")
        writer.add_events(events, seq=entry.seq)
        return entry

    return store.commit(work)


def chain_holds(reader: Reader) -> bool:
    return verify((e.seq, e.kind, e.at, e.customer, e.body, e.link) for e in reader.entries()).ok


def everything(reader: Reader) -> tuple[object, ...]:
    return (
        reader.position(),
        list(reader.entries()),
        list(reader.events()),
        list(reader.customers()),
        list(reader.letters(limit=100)),
        reader.states("c-1"),
        reader.consents("c-1"),
        reader.models(prefix="", after=0),
        reader.members("c-1"),
        dict(reader.counts()),
    )


# The journal


def test_an_empty_store_knows_nothing(store: Store) -> None:
    with store.read() as reader:
        assert reader.position() == 0
        assert list(reader.entries()) == []
        assert reader.entry(1) is None
        assert reader.decision("d-1") is None
        assert reader.epoch("c-1") == 0
        assert reader.consents("c-1") is None
        assert reader.states("c-1") == {}
        assert reader.model("m") is None
        assert reader.document("bank.toml") is None
        assert reader.person("c-1") == "c-1"
        assert reader.members("c-1") == ("c-1",)
        assert reader.holder("device", "k") is None
        assert reader.known([bytes(16)]) == set()
        assert dict(reader.counts()) == {}


def test_entries_are_numbered_from_one_without_gaps_and_chained(store: Store) -> None:
    entries = [write(store, body=str(n).encode()) for n in range(5)]
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]
    with store.read() as reader:
        assert list(reader.entries()) == entries
        assert reader.entry(3) == entries[2]
        assert reader.position() == 5
        assert chain_holds(reader)
    assert GENESIS not in {entry.link.hash for entry in entries}
    assert len({entry.link.salt for entry in entries}) == 5


def test_what_was_committed_is_there_after_closing_and_opening(open_again: Open) -> None:
    first = open_again()
    ingest_batch(first, event("a"))
    write(first)
    with first.read() as reader:
        before = everything(reader)
    first.close()
    with open_again().read() as reader:
        assert everything(reader) == before


def test_changes_tell_what_came_after_a_position_and_whom_it_is_about(store: Store) -> None:
    first = write(store, "consent", customer="c-1")
    write(store, "ruling", customer=None)

    def work(writer: Writer) -> list[tuple[EntryKind, str | None]]:
        writer.append("decision", at=NOW, customer="c-2", body=b"its own writes count")
        return writer.changes(after=first.seq)

    assert store.commit(work) == [("ruling", None), ("decision", "c-2")]
    with store.read() as reader:
        assert reader.changes(after=0) == [("consent", "c-1"), ("ruling", None), ("decision", "c-2")]
        assert reader.changes(after=reader.position()) == []


def test_a_walk_through_many_entries_keeps_the_order_from_either_end(store: Store) -> None:
    def work(writer: Writer) -> None:
        for n in range(700):
            writer.append("outcome", at=NOW, customer=f"c-{n % 3}", body=b"")

    store.commit(work)
    with store.read() as reader:
        assert [entry.seq for entry in reader.entries()] == list(range(1, 701))
        assert [entry.seq for entry in reader.entries(newest_first=True)] == list(range(700, 0, -1))
        assert [entry.seq for entry in reader.entries(after=650)] == list(range(651, 701))
        assert [entry.seq for entry in reader.entries(after=650, newest_first=True)] == list(range(700, 650, -1))
        assert [entry.seq for entry in reader.entries(after=10, limit=2)] == [11, 12]
        assert [entry.seq for entry in reader.entries(newest_first=True, limit=2)] == [700, 699]
        assert list(reader.entries(limit=0)) == []


def test_a_walk_is_narrowed_by_kinds_and_customers_in_one_total_order(store: Store) -> None:
    kinds: list[EntryKind] = ["decision", "outcome", "consent", "decision", "outcome", "ruling"]
    customers = ["c-1", "c-1", "c-2", "c-2", "c-3", None]
    for kind, customer in zip(kinds, customers, strict=True):
        write(store, kind, customer=customer)
    with store.read() as reader:

        def found(**narrowed: object) -> list[int]:
            return [entry.seq for entry in reader.entries(**narrowed)]  # type: ignore[arg-type]  # passed through

        assert found(kinds=["outcome", "decision"]) == [1, 2, 4, 5]
        assert found(kinds=["outcome", "decision"], newest_first=True, limit=3) == [5, 4, 2]
        assert found(customers=["c-2", "c-1"]) == [1, 2, 3, 4]
        assert found(customers=["c-2", "c-1"], kinds=["decision", "consent"], after=1) == [3, 4]
        assert found(customers=["c-1", "c-1"], kinds=["decision", "decision"]) == [1]
        assert found(customers=[]) == []
        assert found(kinds=[]) == []
        assert found(customers=["c-1"], kinds=[]) == []


def test_a_decision_is_found_by_its_id_and_an_id_is_taken_once(store: Store) -> None:
    def decide(writer: Writer) -> Entry:
        entry = writer.append("decision", at=NOW, customer="c-1", body=b"d")
        writer.index_decision("d-1", seq=entry.seq)
        return entry

    made = store.commit(decide)
    with pytest.raises(DecisionExists):
        store.commit(decide)
    with store.read() as reader:
        assert reader.decision("d-1") == made
        assert reader.position() == 1


# Events


def test_events_come_back_as_kept_with_rising_rows(store: Store) -> None:
    kept = [event("a"), event("b", customer="c-2", verdict="refused"), event("c", customer="c-2", verdict="gap")]
    entry = ingest_batch(store, *kept)
    with store.read() as reader:
        found = list(reader.events())
    assert [row.row for row in found] == sorted({row.row for row in found})
    assert {row.seq for row in found} == {entry.seq}
    fields = NewEvent.__struct_fields__
    assert [[getattr(row, name) for name in fields] for row in found] == [
        [getattr(row, name) for name in fields] for row in kept
    ]


def test_events_are_narrowed_by_customers_row_and_entry(store: Store) -> None:
    ingest_batch(store, event("a"), event("b", customer="c-2"))
    second = ingest_batch(store, event("c"), event("d", customer="c-3"))
    ingest_batch(store, event("e", customer="c-2"))
    with store.read() as reader:
        rows = {row.body: row.row for row in reader.events()}

        def found(**narrowed: object) -> list[bytes | None]:
            return [row.body for row in reader.events(**narrowed)]  # type: ignore[arg-type]  # passed through

        assert found(customers=["c-2", "c-1"]) == [b"a", b"b", b"c", b"e"]
        assert found(customers=["c-1"]) == [b"a", b"c"]
        assert found(customers=[]) == []
        assert found(after=rows[b"b"]) == [b"c", b"d", b"e"]
        assert found(upto=second.seq) == [b"a", b"b", b"c", b"d"]
        assert found(customers=["c-2"], upto=second.seq, after=rows[b"b"]) == []


def test_known_keys_are_recognised_among_few_and_among_many(store: Store) -> None:
    ingest_batch(store, *(event(f"e-{n}") for n in range(300)))
    old = [event(f"e-{n}").key for n in range(300)]
    new = [event(f"n-{n}").key for n in range(300)]
    with store.read() as reader:
        assert reader.known([]) == set()
        assert reader.known([old[0], new[0]]) == {old[0]}
        assert reader.known([*new, *old]) == set(old)


def test_a_key_that_is_kept_already_is_refused_and_nothing_of_its_unit_stays(store: Store) -> None:
    ingest_batch(store, event("a"))
    with pytest.raises(StoreError):
        ingest_batch(store, event("b"), event("a"))
    with store.read() as reader:
        assert [row.body for row in reader.events()] == [b"a"]
        assert reader.position() == 1


def test_customers_are_all_whom_events_or_consents_name_sorted(store: Store) -> None:
    ingest_batch(store, event("a", customer="c-9"), event("b", customer="c-1"), event("c", customer="c-9"))
    write(store, "consent", customer="c-5")
    write(store, "decision", customer="nobody")
    store.commit(lambda writer: writer.put_consents("c-2", epoch=1, body=b""))
    with store.read() as reader:
        assert list(reader.customers()) == ["c-1", "c-2", "c-5", "c-9"]
        assert reader.counts()["customers"] == 4


def test_dead_letters_come_newest_first(store: Store) -> None:
    letters = [DeadLetter(at=NOW, field=f"data.{n}", shape="s", fix="m", raw=b"\xff") for n in range(3)]
    store.commit(lambda writer: writer.add_letters(letters))
    with store.read() as reader:
        assert list(reader.letters(limit=2)) == [letters[2], letters[1]]


def test_counts_agree_with_what_is_kept(store: Store) -> None:
    ingest_batch(store, event("a"), event("b", verdict="refused"), event("c", verdict="gap"), event("d"))
    write(store, "decision")
    store.commit(lambda writer: writer.add_letters([DeadLetter(at=NOW, field="f", shape="s", fix="m", raw=b"")]))
    with store.read() as reader:
        assert dict(reader.counts()) == {
            "customers": 1,
            "entries.decision": 1,
            "entries.ingest": 1,
            "events.admitted": 2,
            "events.gap": 1,
            "events.refused": 1,
            "letters": 1,
        }


# Identities


def link(store: Store, *pairs: tuple[str, str]) -> None:
    def work(writer: Writer) -> None:
        for key, customer in pairs:
            writer.link(key_kind="device", key=key, customer=customer)

    store.commit(work)


def test_customers_who_share_keys_however_far_are_one_person(store: Store) -> None:
    link(store, ("k1", "c-3"), ("k1", "c-2"), ("k2", "c-2"), ("k2", "c-9"), ("k3", "c-4"))
    with store.read() as reader:
        for customer in ("c-2", "c-3", "c-9"):
            assert reader.person(customer) == "c-2"
            assert reader.members(customer) == ("c-2", "c-3", "c-9")
        assert reader.person("c-4") == "c-4"
        assert reader.members("c-5") == ("c-5",)
        assert reader.holder("device", "k2") == "c-2"
        assert reader.holder("email_hash", "k2") is None


def test_a_link_taken_back_leaves_everything_as_it_was(store: Store) -> None:
    link(store, ("k1", "c-1"), ("k2", "c-2"))
    link(store, ("k1", "c-2"), ("k1", "c-2"))
    with store.read() as reader:
        assert reader.person("c-2") == "c-1"
    store.commit(lambda writer: writer.unlink(key_kind="device", key="k1", customer="c-2"))
    store.commit(lambda writer: writer.unlink(key_kind="device", key="k1", customer="c-2"))
    with store.read() as reader:
        assert reader.members("c-1") == ("c-1",)
        assert reader.members("c-2") == ("c-2",)
        assert reader.holder("device", "k1") == "c-1"


def test_the_same_key_of_another_kind_links_nobody(store: Store) -> None:
    store.commit(lambda writer: writer.link(key_kind="device", key="k", customer="c-1"))
    store.commit(lambda writer: writer.link(key_kind="account", key="k", customer="c-2"))
    with store.read() as reader:
        assert reader.members("c-1") == ("c-1",)


# Views


def test_the_last_consents_put_stand(store: Store) -> None:
    store.commit(lambda writer: writer.put_consents("c-1", epoch=1, body=b"one"))
    store.commit(lambda writer: writer.put_consents("c-1", epoch=2, body=b"two"))
    with store.read() as reader:
        assert (reader.epoch("c-1"), reader.consents("c-1")) == (2, b"two")


def test_states_are_kept_by_source_and_dropped_one_by_one(store: Store) -> None:
    def work(writer: Writer) -> None:
        writer.put_state("c-1", "transactions", b"t")
        writer.put_state("c-1", "app", b"old")
        writer.put_state("c-1", "app", b"new")
        writer.put_state("c-2", "app", b"other")

    store.commit(work)
    with store.read() as reader:
        assert list(reader.states("c-1").items()) == [("app", b"new"), ("transactions", b"t")]
    store.commit(lambda writer: writer.drop_state("c-1", "app"))
    with store.read() as reader:
        assert reader.states("c-1") == {"transactions": b"t"}
        assert reader.states("c-2") == {"app": b"other"}


def test_models_are_found_by_name_and_by_what_changed_since(store: Store) -> None:
    def train(name: str) -> int:
        def work(writer: Writer) -> int:
            entry = writer.append("model", at=NOW, customer=None, body=b"")
            writer.put_model(name, str(entry.seq).encode(), seq=entry.seq)
            return entry.seq

        return store.commit(work)

    first, second = train("bandit/a"), train("bandit/b")
    train("bandi_/c")
    with store.read() as reader:
        assert reader.model("bandit/a") == b"1"
        assert list(reader.models(prefix="bandit/", after=0).items()) == [("bandit/a", b"1"), ("bandit/b", b"2")]
        assert reader.models(prefix="bandit/", after=first) == {"bandit/b": b"2"}
        assert reader.models(prefix="bandit/", after=second) == {}
    train("bandit/a")
    with store.read() as reader:
        assert reader.models(prefix="bandit/", after=second) == {"bandit/a": b"4"}


def put_text(writer: Writer, *, text: str) -> None:
    writer.put_document("bank.toml", text)


def test_a_document_is_given_as_last_put(store: Store) -> None:
    for text in ("a = 1", "a = 2  # čáp 🐦"):
        store.commit(partial(put_text, text=text))
    with store.read() as reader:
        assert reader.document("bank.toml") == "a = 2  # čáp 🐦"


# Units of work


def test_a_snapshot_sees_nothing_that_comes_later(store: Store) -> None:
    write(store)
    store.commit(lambda writer: writer.put_state("c-1", "app", b"old"))
    with store.read() as reader:
        write(store)
        ingest_batch(store, event("a"))
        store.commit(lambda writer: writer.put_state("c-1", "app", b"new"))
        assert reader.position() == 1
        assert len(list(reader.entries())) == 1
        assert list(reader.events()) == []
        assert reader.states("c-1") == {"app": b"old"}
    with store.read() as reader:
        assert reader.position() == 3
        assert reader.states("c-1") == {"app": b"new"}


def test_a_unit_reads_what_it_wrote(store: Store) -> None:
    def work(writer: Writer) -> None:
        entry = writer.append("ingest", at=NOW, customer=None, body=b"")
        writer.add_events([event("a")], seq=entry.seq)
        writer.put_state("c-1", "app", b"s")
        writer.put_consents("c-1", epoch=1, body=b"c")
        writer.link(key_kind="device", key="k", customer="c-0")
        writer.link(key_kind="device", key="k", customer="c-1")
        assert writer.position() == entry.seq
        assert list(writer.entries()) == [entry]
        assert writer.known([event("a").key]) == {event("a").key}
        assert writer.states("c-1") == {"app": b"s"}
        assert writer.epoch("c-1") == 1
        assert writer.person("c-1") == "c-0"

    store.commit(work)


def test_a_unit_that_raises_leaves_no_trace_and_its_caller_gets_the_error(store: Store) -> None:
    ingest_batch(store, event("a"))
    with store.read() as reader:
        before = everything(reader)

    def work(writer: Writer) -> None:
        entry = writer.append("model", at=NOW, customer="c-7", body=b"")
        writer.add_events([event("b", customer="c-8")], seq=entry.seq)
        writer.add_letters([DeadLetter(at=NOW, field="f", shape="s", fix="m", raw=b"")])
        writer.put_state("c-1", "app", b"s")
        writer.put_consents("c-1", epoch=4, body=b"c")
        writer.put_model("m", b"", seq=entry.seq)
        writer.link(key_kind="device", key="k", customer="c-0")
        writer.link(key_kind="device", key="k", customer="c-1")
        raise LookupError("on purpose")

    with pytest.raises(LookupError, match="on purpose"):
        store.commit(work)
    with store.read() as reader:
        assert everything(reader) == before
    assert write(store).seq == 2
    with store.read() as reader:
        assert chain_holds(reader)


def test_units_that_fail_amid_others_take_nobody_with_them(store: Store) -> None:
    held, told = threading.Event(), []

    def fail(writer: Writer) -> None:
        writer.append("outcome", at=NOW, customer="bad", body=b"")
        raise LookupError

    def one(n: int) -> None:
        try:
            store.commit(fail) if n % 3 == 0 else write(store, customer=f"c-{n}")
        except LookupError:
            told.append(n)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(12)]
    holder = threading.Thread(target=lambda: store.commit(lambda _: held.wait(timeout=10)))
    holder.start()
    for thread in threads:
        thread.start()
    held.set()
    for thread in (holder, *threads):
        thread.join()
    with store.read() as reader:
        assert sorted(told) == [0, 3, 6, 9]
        assert sorted(entry.customer or "" for entry in reader.entries()) == sorted(
            f"c-{n}" for n in range(12) if n % 3
        )
        assert chain_holds(reader)


def test_commits_from_many_threads_all_land_once_and_are_readable_when_acknowledged(store: Store) -> None:
    seqs: list[int] = []

    def client(number: int) -> None:
        for n in range(25):
            entry = write(store, customer=f"c-{number}", body=str(n).encode())
            with store.read() as reader:
                assert reader.entry(entry.seq) == entry
            seqs.append(entry.seq)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seqs) == list(range(1, 201))
    with store.read() as reader:
        for number in range(8):
            bodies = [entry.body for entry in reader.entries(customers=[f"c-{number}"])]
            assert bodies == [str(n).encode() for n in range(25)]
        assert chain_holds(reader)


def test_readers_on_many_threads_always_see_whole_units(store: Store) -> None:
    stop = threading.Event()
    torn: list[dict[str, bytes]] = []

    def look() -> None:
        while not stop.is_set():
            with store.read() as reader:
                if len(set(reader.states("c-1").values())) > 1:
                    torn.append(reader.states("c-1"))

    def put(writer: Writer, *, body: bytes) -> None:
        writer.put_state("c-1", "app", body)
        writer.put_state("c-1", "messages", body)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(50):
        store.commit(partial(put, body=str(n).encode()))
    stop.set()
    for thread in threads:
        thread.join()
    assert torn == []


def test_a_walk_left_half_way_hinders_nobody(store: Store) -> None:
    def work(writer: Writer) -> None:
        for _ in range(400):
            writer.append("outcome", at=NOW, customer="c-1", body=b"")
        assert next(writer.entries()).seq == 1

    store.commit(work)
    with store.read() as reader:
        assert next(reader.entries(newest_first=True)).seq == 400
    write(store)
    with store.read() as reader:
        assert reader.position() == 401


def test_a_unit_may_write_while_it_walks(store: Store) -> None:
    for _ in range(3):
        write(store)

    def work(writer: Writer) -> None:
        for entry in writer.entries(newest_first=True):
            writer.append("outcome", at=NOW, customer=None, body=str(entry.seq).encode())

    store.commit(work)
    with store.read() as reader:
        assert [entry.body for entry in reader.entries(kinds=["outcome"])] == [b"3", b"2", b"1"]


def test_closing_finishes_what_is_waiting_and_refuses_what_comes_later(open_again: Open) -> None:
    store = open_again()
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(write(store).seq)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    store.close()
    assert sorted(done) == [1, 2, 3, 4, 5]
    with pytest.raises(StoreError):
        write(store)
    with pytest.raises(StoreError), store.read():
        pass


# Several processes

OTHER = """
import sys
from importlib import import_module
from pathlib import Path
module, _, name = sys.argv[1].partition(":")
store = getattr(import_module(module), name)(Path(sys.argv[2]))
with store.read() as reader:
    print(reader.position(), flush=True)
for line in sys.stdin:
    entry = store.commit(lambda w: w.append("outcome", at=int(line), customer="other", body=b"from outside"))
    print(entry.seq, flush=True)
store.close()
"""


def test_another_process_reads_what_is_committed_and_continues_the_chain(
    engine: str, store: Store, tmp_path: Path
) -> None:
    write(store)
    write(store)
    with subprocess.Popen(
        [sys.executable, "-c", OTHER, engine, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "2\n"
        for seq in (3, 5, 7):
            other.stdin.write("0\n")
            other.stdin.flush()
            assert other.stdout.readline() == f"{seq}\n"
            assert write(store).seq == seq + 1
        other.stdin.close()
        assert other.wait(timeout=20) == 0
    with store.read() as reader:
        assert [entry.body for entry in reader.entries(customers=["other"])] == [b"from outside"] * 3
        assert chain_holds(reader)


def test_two_openers_in_one_process_write_in_turn_and_the_chain_holds(open_again: Open) -> None:
    stores = [open_again(), open_again()]

    def client(store: Store) -> None:
        for _ in range(40):
            write(store)

    threads = [threading.Thread(target=client, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with stores[0].read() as reader:
        assert reader.position() == 80
        assert chain_holds(reader)
