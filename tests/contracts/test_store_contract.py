"""What every engine promises behind ``store/ports.py``: one suite, run on each of them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from itertools import islice, pairwise
from pathlib import Path

import pytest
from store_cases import ENGINES, NOW, chain_holds, draft, drafts, guarded, journal, log_holds

from marketofone.audit import merkle
from marketofone.audit.journal_chain import GENESIS
from marketofone.domain.errors import Moved, StoreError
from marketofone.domain.moment import DAY, HOUR, SECOND, Instant
from marketofone.store.counting import dated
from marketofone.store.ports import (
    BANK,
    CODES,
    GUARDING,
    DeadLetter,
    DecisionName,
    Entry,
    EntryKind,
    Expectation,
    Head,
    Kept,
    Lesson,
    LinkChange,
    Sealed,
    Store,
    Unit,
)

Open = Callable[[], Store]
LARGEST = 2**63 - 1
CHILD = Path(__file__).with_name("store_child.py")
KEY, OTHER_KEY = b"k" * 16, b"o" * 16


ON_SERVER = pytest.param("postgres", marks=pytest.mark.server)


@pytest.fixture(params=[ON_SERVER, *sorted(ENGINES.keys() - {"postgres"})])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_again(engine: str, tmp_path: Path) -> Iterator[Open]:
    """Opens the same store once more, as another process would."""
    opened: list[Store] = []

    def open_it() -> Store:
        opened.append(ENGINES[engine](tmp_path))
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


@pytest.fixture
def store(open_again: Open) -> Store:
    return open_again()


def head(store: Store, subject: int = 1) -> Head:
    with store.read() as reader:
        return reader.head(subject)


def read(store: Store, subject: int = 1) -> list[Entry]:
    with store.read() as reader:
        return journal(reader, subject)


def everything(store: Store) -> tuple[object, ...]:
    """Give all that a unit of work can leave behind."""
    with store.read() as reader:
        subjects = [BANK, *reader.subjects(limit=100)]
        return (
            [(reader.head(subject), journal(reader, subject), reader.snapshots(subject)) for subject in subjects],
            [reader.keys_of(subject) for subject in range(5)],
            [reader.holders(key, limit=100) for key in (KEY, OTHER_KEY)],
            reader.decisions(b"name"),
            reader.lessons(limit=100),
            reader.letters(limit=100),
            reader.tallies(),
            reader.state(sha256(b"state").digest()),
            reader.sealed(),
            reader.known([(subject, key) for subject in range(5) for key in range(10)]),
        )


def letter(shape: str = "text", *, raw: bytes | None = None) -> DeadLetter:
    return DeadLetter(at=NOW, field="data.amount", shape=shape, fix="send a number", raw=raw)


def busy_unit(**more: object) -> Unit:
    """Make a unit that writes something of every sort."""
    return Unit(
        now=NOW,
        drafts=[draft(1, "decision", keys=[1]), draft(2, "outcome", keys=[2])],
        snapshots=[Kept(subject=1, name="app", n=1, body=b"kept")],
        links=[LinkChange(KEY, 1, linked=True)],
        names=[DecisionName(b"name", 0)],
        letters=[letter()],
        tallies={"events": 2},
        lessons=[1],
        states={sha256(b"state").digest(): b"state"},
        **more,  # type: ignore[arg-type]
    )


def moved(store: Store, unit: Unit) -> frozenset[int]:
    """Commit a unit that must not be kept, and give the journals it names."""
    before = everything(store)
    with pytest.raises(Moved) as caught:
        store.commit(unit)
    assert everything(store) == before
    return caught.value.subjects


# An empty store


def test_an_empty_store_knows_nothing(store: Store) -> None:
    with store.read() as reader:
        assert reader.head(1) == Head(1, n=0, hash=GENESIS, guard=0, stamp=0, recorded=Instant(0))
        assert reader.heads([BANK, 7]) == {BANK: Head(BANK), 7: Head(7)}
        assert reader.heads([]) == {}
        assert list(reader.entries(1)) == list(reader.entries(1, newest_first=True)) == []
        assert reader.subjects(limit=10) == []
        assert reader.known([(1, 1)]) == reader.known([]) == set()
        assert reader.recent(kinds=["decision", "ingest"], limit=10) == []
        assert reader.sealed() == Sealed(size=0, root=merkle.EMPTY_ROOT, waiting=0)
        assert reader.leaves(limit=10) == []
        assert reader.places(limit=10) == []
        assert reader.leaf_of(1, 1) is None
        assert reader.snapshots(1) == {}
        assert reader.keys_of(1) == []
        assert reader.holders(KEY, limit=10) == []
        assert reader.decisions(b"name") == []
        assert reader.state(bytes(32)) is None
        assert reader.lessons(limit=10) == []
        assert reader.letters(limit=10) == []
        assert reader.reasons() == []
        assert reader.tallies() == {}


def test_a_unit_that_says_nothing_changes_nothing(store: Store) -> None:
    before = everything(store)
    assert store.commit(Unit(now=NOW)) == []
    assert everything(store) == before


# Journals


def test_entries_are_kept_as_drafted_numbered_from_one_and_chained(store: Store) -> None:
    drafted = [draft(1, kind, body=b"%d" % place, at=Instant(place)) for place, kind in enumerate(CODES)]
    heads = store.commit(Unit(now=NOW, drafts=drafted))
    kept = read(store)
    assert [(e.kind, e.at, e.body, e.commitment) for e in kept] == [
        (d.kind, d.at, d.body, d.commitment) for d in drafted
    ]
    assert [entry.n for entry in kept] == list(range(1, len(CODES) + 1))
    assert all(entry.subject == 1 and entry.recorded == NOW for entry in kept)
    assert chain_holds(kept)
    assert [(h.n, h.hash, h.stamp, h.recorded) for h in heads] == [(e.n, e.hash, e.stamp, e.recorded) for e in kept]
    assert heads[-1] == head(store)


def test_each_journal_has_its_own_numbers_and_its_own_chain(store: Store) -> None:
    heads = store.commit(drafts(1, 2, BANK, 1, 1, 2))
    assert [(h.subject, h.n) for h in heads] == [(1, 1), (2, 1), (BANK, 1), (1, 2), (1, 3), (2, 2)]
    heads = store.commit(drafts(2, 1))
    assert [(h.subject, h.n) for h in heads] == [(2, 3), (1, 4)]
    assert all(chain_holds(read(store, subject)) for subject in (BANK, 1, 2))
    assert [len(read(store, subject)) for subject in (BANK, 1, 2)] == [1, 4, 3]


def test_a_head_counts_the_entries_that_can_change_an_answer(store: Store) -> None:
    guard = 0
    for kind in CODES:
        [after] = store.commit(drafts(1, kind=kind))
        guard += kind in GUARDING
        assert after.guard == guard, kind
    assert head(store).guard == guard == len(GUARDING)
    heads = store.commit(Unit(now=NOW, drafts=[draft(2, "use"), draft(2, "consent"), draft(2), draft(2, "signal")]))
    assert [h.guard for h in heads] == [0, 1, 1, 2]


def test_what_is_committed_is_there_after_opening_again(open_again: Open) -> None:
    store = open_again()
    store.commit(busy_unit())
    store.commit(drafts(1, BANK))
    store.seal()
    before = everything(store)
    store.close()
    again = open_again()
    assert everything(again) == before
    assert [h.n for h in again.commit(drafts(1, 2, BANK))] == [3, 2, 2]
    assert all(chain_holds(read(again, subject)) for subject in (BANK, 1, 2))


def test_the_recorded_instant_never_steps_back_within_a_journal(store: Store) -> None:
    early, late = Instant(NOW - SECOND), Instant(NOW + SECOND)
    for now in (NOW, early, late, NOW):
        store.commit(Unit(now=now, drafts=[draft(1)]))
    store.commit(Unit(now=early, drafts=[draft(2), draft(1)]))
    assert [entry.recorded for entry in read(store)] == [NOW, NOW, late, late, late]
    assert [entry.recorded for entry in read(store, 2)] == [early]
    assert head(store).recorded == late
    assert chain_holds(read(store))


def test_a_stamp_is_one_more_than_the_largest_of_the_whole_person(store: Store) -> None:
    alone = store.commit(drafts(1, 1, 1, 2))
    assert [h.stamp for h in alone] == [1, 2, 3, 1]
    person = {1: (1, 2, 3), 2: (1, 2, 3), 3: (1, 2, 3)}
    together = store.commit(Unit(now=NOW, drafts=[draft(2), draft(1), draft(3), draft(4), draft(2)], together=person))
    assert [(h.subject, h.stamp) for h in together] == [(2, 4), (1, 5), (3, 6), (4, 1), (2, 7)]
    later = store.commit(Unit(now=NOW, drafts=[draft(3), draft(1)], together={1: (1, 2)}))
    assert [(h.subject, h.stamp) for h in later] == [(3, 7), (1, 8)]
    assert all(chain_holds(read(store, subject)) for subject in range(1, 5))
    for subject in range(1, 5):
        assert all(a.stamp < b.stamp for a, b in pairwise(read(store, subject)))


def test_heads_are_given_for_many_journals_at_once(store: Store) -> None:
    store.commit(drafts(*range(1, 2_001)))
    with store.read() as reader:
        heads = reader.heads(range(5_000))
        assert len(heads) == 5_000
        assert all(heads[subject] == reader.head(subject) for subject in (0, 1, 999, 2_000, 2_001, 4_999))
    assert sum(h.n for h in heads.values()) == 2_000


def test_guards_as_they_are_now_are_given_without_a_snapshot(store: Store) -> None:
    assert store.guards(1) == store.guards(BANK) == (0, 0, 0)
    with store.read() as before:
        store.commit(Unit(now=NOW, drafts=[draft(1, "use"), draft(2, "consent"), draft(BANK, "ruling")]))
        later = Instant(NOW + 1)
        store.commit(Unit(now=later, drafts=[draft(1, "use"), draft(2, "use"), draft(2, "consent")]))
        assert store.guards(1) == (1, 0, later)
        assert store.guards(2) == (1, 2, later)
        assert store.guards(BANK) == (1, 1, NOW)
        assert before.head(1) == Head(1)


def test_a_journal_is_walked_in_order_or_from_its_end_between_two_places(store: Store) -> None:
    store.commit(Unit(now=NOW, drafts=[draft(subject) for _ in range(700) for subject in (1, 2)]))
    with store.read() as reader:
        for after, upto in ((0, None), (0, 700), (10, None), (10, 20), (699, None), (700, None), (20, 10), (0, 9_999)):
            wanted = [n for n in range(1, 701) if n > after and (upto is None or n <= upto)]
            assert [e.n for e in reader.entries(1, after=after, upto=upto)] == wanted
            newest = reader.entries(1, after=after, upto=upto, newest_first=True)
            assert [e.n for e in newest] == wanted[::-1]
        assert {e.subject for e in reader.entries(2)} == {2}


def test_a_journal_is_walked_for_some_kinds_only(store: Store) -> None:
    kinds: list[EntryKind] = ["ingest", "decision", "use", "ingest", "outcome"] * 130
    store.commit(Unit(now=NOW, drafts=[draft(1, kind) for kind in kinds]))
    with store.read() as reader:
        for wanted in (["decision"], ["decision", "outcome"], ["ingest", "use"], ["consent"], []):
            places = [n for n, kind in enumerate(kinds, 1) if kind in wanted]
            some = reader.entries(1, kinds=wanted)  # type: ignore[arg-type]
            assert [(e.n, e.kind) for e in some] == [(n, kinds[n - 1]) for n in places]
            newest = reader.entries(1, kinds=wanted, after=100, upto=500, newest_first=True)  # type: ignore[arg-type]
            assert [e.n for e in newest] == [n for n in reversed(places) if 100 < n <= 500]


def test_a_walk_may_be_left_half_way(store: Store) -> None:
    store.commit(Unit(now=NOW, drafts=[draft(1)] * 1_000))
    with store.read() as reader:
        walk = reader.entries(1)
        assert [e.n for e in islice(walk, 3)] == [1, 2, 3]
        assert [e.n for e in islice(walk, 600)] == list(range(4, 604))
        assert reader.head(1).n == 1_000
    store.commit(drafts(1))


def test_customers_are_listed_in_pages_without_the_bank(store: Store) -> None:
    store.commit(drafts(5, 3, BANK, 9, 3, LARGEST))
    with store.read() as reader:
        assert reader.subjects(limit=10) == [3, 5, 9, LARGEST]
        assert reader.subjects(limit=2) == [3, 5]
        assert reader.subjects(after=5, limit=2) == [9, LARGEST]
        assert reader.subjects(after=4, limit=1) == [5]
        assert reader.subjects(after=LARGEST, limit=1) == []


def test_a_customer_whose_journal_is_only_read_is_not_listed(store: Store) -> None:
    store.commit(
        Unit(
            now=NOW,
            expects={3: Expectation(0)},
            drafts=[draft(1)],
            together={1: (1, 2)},
            snapshots=[Kept(4, "app", 0, b"")],
        )
    )
    with store.read() as reader:
        assert reader.subjects(limit=10) == [1]


def test_the_newest_entries_of_some_kinds_are_found_over_all_journals(store: Store) -> None:
    written: list[tuple[int, EntryKind]] = []
    kinds: list[EntryKind] = ["ingest", "decision", "consent", "signal", "outcome", "use", "decision", "ruling"]
    for round_ in range(20):
        for place, kind in enumerate(kinds):
            subject = BANK if kind == "ruling" else 1 + (round_ + place) % 3
            store.commit(drafts(subject, kind=kind))
            written.append((subject, kind))
    with store.read() as reader:
        for wanted in (["decision"], ["decision", "outcome"], ["signal"], ["ingest", "use"], ["ruling", "consent"]):
            right = [each for each in reversed(written) if each[1] in wanted]
            found = reader.recent(kinds=wanted, limit=13)  # type: ignore[arg-type]
            assert [(e.subject, e.kind) for e in found] == right[:13]
        assert reader.recent(kinds=["version"], limit=5) == []
        assert reader.recent(kinds=[], limit=5) == []
        assert reader.recent(kinds=["decision"], limit=0) == []


# What a unit rests on


def test_a_guard_that_stands_lets_a_unit_through(store: Store) -> None:
    store.commit(guarded(1, 0))
    store.commit(guarded(1, 1, n=1))
    store.commit(Unit(now=NOW, expects={1: Expectation(2, 2), 2: Expectation(0, 0), BANK: Expectation(0)}))
    assert head(store).guard == 2


def test_a_guard_that_moved_stops_a_unit_and_names_each_journal_that_moved(store: Store) -> None:
    store.commit(drafts(1, 2, 3, kind="consent"))
    assert moved(store, busy_unit(expects={1: Expectation(1), 2: Expectation(0)})) == {2}
    assert moved(store, busy_unit(expects={1: Expectation(0), 2: Expectation(2), 3: Expectation(1)})) == {1, 2}
    assert moved(store, busy_unit(expects={BANK: Expectation(1)})) == {BANK}
    assert moved(store, Unit(now=NOW, expects={9: Expectation(1)})) == {9}


def test_uses_and_arrivals_move_no_guard_and_stop_only_a_unit_that_names_the_last_entry(store: Store) -> None:
    store.commit(drafts(1, kind="consent"))
    quiet: list[EntryKind] = ["use", "ingest", "forecast", "version", "checkpoint"]
    for kind in quiet:
        store.commit(drafts(1, kind=kind))
    assert moved(store, busy_unit(expects={1: Expectation(1, 1)})) == {1}
    assert moved(store, busy_unit(expects={1: Expectation(1, 7)})) == {1}
    assert [h.n for h in store.commit(busy_unit(expects={1: Expectation(1)}))] == [7, 1]


def test_a_journal_that_is_read_and_not_written_stops_a_unit_as_well(store: Store) -> None:
    store.commit(drafts(BANK, kind="ruling"))
    unit = Unit(now=NOW, expects={1: Expectation(0), BANK: Expectation(0)}, drafts=[draft(1, "decision")])
    assert moved(store, unit) == {BANK}


def test_an_event_key_is_taken_once_in_a_journal(store: Store) -> None:
    store.commit(Unit(now=NOW, drafts=[draft(1, keys=[1, 2, 3]), draft(2, keys=[1]), draft(3)]))
    assert moved(store, Unit(now=NOW, drafts=[draft(1, keys=[4, 3]), draft(2, keys=[2]), draft(3, keys=[1])])) == {1}
    several = [draft(1, keys=[2, 4]), draft(2, keys=[1]), draft(3, keys=[1]), draft(4)]
    assert moved(store, Unit(now=NOW, drafts=several)) == {1, 2}
    store.commit(Unit(now=NOW, drafts=[draft(1, keys=[4]), draft(2, keys=[2, 3]), draft(3, keys=[1])]))
    asked = [(subject, key) for subject in range(1, 5) for key in range(6)]
    with store.read() as reader:
        known = reader.known([*asked, (1, 1), (99, 1)])
    assert known == {(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2), (2, 3), (3, 1)}


def test_a_key_that_stands_twice_in_one_unit_is_taken_the_second_time(store: Store) -> None:
    assert moved(store, Unit(now=NOW, drafts=[draft(1, keys=[1]), draft(2, keys=[1]), draft(1, keys=[1])])) == {1}
    assert moved(store, Unit(now=NOW, drafts=[draft(2, keys=[5, 5])])) == {2}


def test_many_keys_are_looked_up_at_once(store: Store) -> None:
    store.commit(Unit(now=NOW, drafts=[draft(s, keys=range(s, s + 10)) for s in range(1, 401)]))
    with store.read() as reader:
        known = reader.known([(s, key) for s in range(1, 501) for key in range(s + 5, s + 15)])
    assert known == {(s, key) for s in range(1, 401) for key in range(s + 5, s + 10)}


def test_the_number_of_customers_with_a_strong_key_is_compared(store: Store) -> None:
    link = [LinkChange(KEY, subject, linked=True) for subject in (1, 2)]
    store.commit(Unit(now=NOW, drafts=[draft(1, "identity"), draft(2, "identity")], links=link, holders={KEY: 0}))
    store.commit(Unit(now=NOW, drafts=[draft(1, "decision")], holders={KEY: 2, OTHER_KEY: 0}))
    third = Unit(now=NOW, holders={KEY: 1}, links=[LinkChange(KEY, 3, linked=True)], drafts=[draft(3, "identity")])
    assert moved(store, third) == {1, 2, 3}
    assert moved(store, Unit(now=NOW, holders={KEY: 3}, drafts=[draft(1, "decision")])) >= {1, 2}
    gone = Unit(now=NOW, expects={5: Expectation(0)}, holders={OTHER_KEY: 1}, drafts=[draft(5, "decision")])
    assert moved(store, gone) == {5}


def test_a_unit_that_is_stopped_leaves_its_neighbours_alone(store: Store) -> None:
    """Sixty-four units at once, of which each second rests on something that does not stand."""
    answers: dict[int, object] = {}

    def commit(subject: int) -> None:
        try:
            answers[subject] = store.commit(guarded(subject, subject % 2, body=b"%d" % subject))[0]
        except Moved as error:
            answers[subject] = error.subjects

    at_once([partial(commit, subject) for subject in range(1, 65)])
    for subject in range(1, 65):
        kept = read(store, subject)
        if subject % 2:
            assert answers[subject] == {subject}
            assert kept == []
        else:
            assert answers[subject] == head(store, subject)
            assert [entry.body for entry in kept] == [b"%d" % subject]


# Several at once


def at_once(works: list[Callable[[], None]]) -> None:
    """Run pieces of work on threads that start together, and raise what any of them raised."""
    barrier, errors = threading.Barrier(len(works)), list[BaseException]()

    def run(work: Callable[[], None]) -> None:
        try:
            barrier.wait(timeout=120)
            work()
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_of_sixteen_units_that_rest_on_one_guard_exactly_one_is_kept(store: Store) -> None:
    for round_ in range(10):
        won = Counter[str]()

        def race(round_: int = round_, won: Counter[str] = won) -> None:
            try:
                store.commit(guarded(1, round_))
            except Moved as error:
                won[str(sorted(error.subjects))] += 1
            else:
                won["won"] += 1

        at_once([race] * 16)
        assert won == {"won": 1, "[1]": 15}
    assert head(store).n == 10
    assert chain_holds(read(store))


def test_units_about_different_customers_all_go_through(store: Store) -> None:
    def write(subject: int) -> None:
        for guard in range(20):
            store.commit(guarded(subject, guard))

    at_once([partial(write, subject) for subject in range(1, 17)])
    for subject in range(1, 17):
        assert len(read(store, subject)) == 20
        assert chain_holds(read(store, subject))


def test_two_units_that_name_the_same_customers_in_another_order_both_go_through(store: Store) -> None:
    def write(*subjects: int) -> None:
        for _ in range(30):
            store.commit(
                Unit(now=NOW, drafts=[draft(s) for s in subjects], expects={s: Expectation(0) for s in subjects})
            )

    at_once([lambda: write(1, 2, 3), lambda: write(3, 2, 1), lambda: write(2, 1, 3), lambda: write(BANK, 3, 1)])
    assert [head(store, subject).n for subject in (BANK, 1, 2, 3)] == [30, 120, 90, 120]


def test_of_units_that_bring_one_event_exactly_one_is_kept(store: Store) -> None:
    for key in range(10):
        kept = Counter[bool]()

        def bring(key: int = key, kept: Counter[bool] = kept) -> None:
            try:
                store.commit(Unit(now=NOW, drafts=[draft(1, keys=[key])]))
            except Moved:
                kept[False] += 1
            else:
                kept[True] += 1

        at_once([bring] * 8)
        assert kept == {True: 1, False: 7}


def child(engine: str, folder: Path, work: str, *, subject: int, times: int) -> subprocess.Popen[str]:
    paths = os.pathsep.join(path for path in (str(CHILD.parent), *sys.path) if path)
    return subprocess.Popen(
        [sys.executable, str(CHILD), engine, str(folder), work, str(subject), str(times)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths},
        text=True,
    )


def finished(processes: list[subprocess.Popen[str]]) -> list[str]:
    answers = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return answers


def test_several_processes_append_to_one_journal_and_its_chain_holds(engine: str, store: Store, tmp_path: Path) -> None:
    processes = [child(engine, tmp_path, "append", subject=1, times=50) for _ in range(3)]
    for _ in range(50):
        store.commit(Unit(now=NOW, drafts=[draft(1), draft(2)], tallies={"appended": 1}))
    finished(processes)
    assert head(store).n == 200
    assert chain_holds(read(store))
    store.seal()
    with store.read() as reader:
        assert reader.tallies() == {"appended": 200}
        assert reader.sealed().size == 250
        assert log_holds(reader)


def test_several_processes_that_rest_on_one_guard_never_both_pass(engine: str, store: Store, tmp_path: Path) -> None:
    answers = finished([child(engine, tmp_path, "contend", subject=1, times=20) for _ in range(3)])
    assert answers == ["20"] * 3
    assert head(store).guard == 60
    assert chain_holds(read(store))


def test_two_open_stores_see_what_the_other_committed(open_again: Open) -> None:
    one, two = open_again(), open_again()
    for round_ in range(5):
        one.commit(guarded(1, 2 * round_))
        assert head(two).guard == 2 * round_ + 1
        two.commit(guarded(1, 2 * round_ + 1))
        with pytest.raises(Moved):
            one.commit(guarded(1, 2 * round_ + 1))
    assert chain_holds(read(one))


# What is kept beside


def test_of_two_snapshots_the_newer_stays(store: Store) -> None:
    def keep(n: int, body: bytes, name: str = "app") -> None:
        store.commit(Unit(now=NOW, snapshots=[Kept(1, name, n, body)]))

    def kept(name: str = "app") -> tuple[int, bytes] | None:
        with store.read() as reader:
            found = reader.snapshots(1).get(name)
        return None if found is None else (found.n, found.body)

    keep(5, b"five")
    keep(4, b"four")
    assert kept() == (5, b"five")
    keep(5, b"five again")
    assert kept() == (5, b"five again")
    keep(7, b"seven")
    keep(2, b"two", name="card")
    assert (kept(), kept("card")) == ((7, b"seven"), (2, b"two"))
    store.commit(Unit(now=NOW, snapshots=[Kept(1, "app", 9, b"nine"), Kept(1, "app", 8, b"eight")]))
    assert kept() == (9, b"nine")


def test_snapshots_are_given_by_name_and_dropped_by_name(store: Store) -> None:
    kept = [Kept(subject, name, 3, name.encode()) for subject in (1, 2) for name in ("app", "card", "place")]
    store.commit(Unit(now=NOW, snapshots=kept))
    with store.read() as reader:
        assert reader.snapshots(1) == {each.name: each for each in kept[:3]}
        assert set(reader.snapshots(1, names=["card", "app", "absent"])) == {"app", "card"}
        assert reader.snapshots(1, names=[]) == {}
        assert reader.snapshots(3) == {}
    store.commit(Unit(now=NOW, drop=[(1, "app"), (1, "absent"), (2, "card")]))
    with store.read() as reader:
        assert set(reader.snapshots(1)) == {"card", "place"}
        assert set(reader.snapshots(2)) == {"app", "place"}


def test_a_snapshot_that_a_unit_drops_and_keeps_is_kept_however_old(store: Store) -> None:
    store.commit(Unit(now=NOW, snapshots=[Kept(1, "app", 9, b"nine")]))
    store.commit(Unit(now=NOW, drop=[(1, "app")], snapshots=[Kept(1, "app", 2, b"two")]))
    with store.read() as reader:
        assert reader.snapshots(1) == {"app": Kept(1, "app", 2, b"two")}


def test_links_lead_from_keys_to_customers_and_back(store: Store) -> None:
    def change(*links: tuple[bytes, int, bool]) -> None:
        store.commit(Unit(now=NOW, links=[LinkChange(key, subject, linked=on) for key, subject, on in links]))

    change((OTHER_KEY, 1, True), (KEY, 1, True), (KEY, 3, True), (KEY, 2, True), (KEY, 3, True))
    with store.read() as reader:
        assert reader.keys_of(1) == [KEY, OTHER_KEY]
        assert reader.keys_of(2) == [KEY]
        assert reader.holders(KEY, limit=10) == [1, 2, 3]
        assert reader.holders(KEY, limit=2) == [1, 2]
        assert reader.holders(OTHER_KEY, limit=10) == [1]
    change((KEY, 1, False), (OTHER_KEY, 2, False), (KEY, 2, False), (KEY, 2, True))
    with store.read() as reader:
        assert reader.keys_of(1) == [OTHER_KEY]
        assert reader.holders(KEY, limit=10) == [2, 3]


def test_a_decision_is_found_by_its_name(store: Store) -> None:
    named = [draft(2, "use"), draft(2, "decision"), draft(1, "decision")]
    store.commit(Unit(now=NOW, drafts=named, names=[DecisionName(b"name", 1), DecisionName(b"other", 2)]))
    with store.read() as reader:
        assert reader.decisions(b"name") == [(2, 2)]
        assert reader.decisions(b"other") == [(1, 1)]
        assert reader.decisions(b"nam") == []
        assert reader.named([b"name", b"nam", b"other", b"another"]) == {b"name", b"other"}
        assert reader.named([]) == set()
    store.commit(Unit(now=NOW, drafts=[draft(1, "decision")], names=[DecisionName(b"name", 0)]))
    with store.read() as reader:
        assert reader.decisions(b"name") == [(1, 2), (2, 2)]


def test_lessons_wait_in_the_order_in_which_they_came_until_they_are_learned_from(store: Store) -> None:
    store.commit(Unit(now=NOW, drafts=[draft(2, "outcome"), draft(1), draft(1, "outcome")], lessons=[0, 2]))
    store.commit(Unit(now=NOW, drafts=[draft(3, "outcome")], lessons=[0]))
    with store.read() as reader:
        waiting = reader.lessons(limit=10)
        assert [(each.subject, each.n) for each in waiting] == [(2, 1), (1, 2), (3, 1)]
        assert reader.lessons(limit=2) == waiting[:2]
    assert all(a.row < b.row for a, b in pairwise(waiting))
    learned = [waiting[0].row, waiting[2].row]
    store.commit(Unit(now=NOW, drafts=[draft(BANK, "version")], learned=learned))
    with store.read() as reader:
        assert reader.lessons(limit=10) == [waiting[1]]


def test_the_place_of_a_lesson_is_never_given_to_another(open_again: Open) -> None:
    store = open_again()
    rows: list[Lesson] = []
    for _ in range(3):
        store.commit(Unit(now=NOW, drafts=[draft(1, "outcome")], lessons=[0]))
        with store.read() as reader:
            rows += reader.lessons(limit=10)
        store.commit(Unit(now=NOW, learned=[rows[-1].row, 10**9]))
        store.close()
        store = open_again()
    assert rows[0].row < rows[1].row < rows[2].row


def test_states_are_found_by_their_digest(store: Store) -> None:
    states = {sha256(body).digest(): body for body in (b"", b"state", bytes(3_000_000))}
    store.commit(Unit(now=NOW, states=states))
    store.commit(Unit(now=NOW, states=dict(list(states.items())[:2])))
    with store.read() as reader:
        assert {digest: reader.state(digest) for digest in states} == states
        assert reader.state(bytes(32)) is None


def test_tallies_add_up(store: Store) -> None:
    store.commit(Unit(now=NOW, tallies={"events": 3, "letters": 1}))
    store.commit(Unit(now=NOW, tallies={"events": 4, "duplicates": 0}))
    store.commit(Unit(now=NOW, tallies={"letters": -1}))
    with store.read() as reader:
        assert dict(sorted(reader.tallies().items())) == {"duplicates": 0, "events": 7, "letters": 0}
        assert reader.tallies(of="e") == {"events": 7}
        assert reader.tallies(of="events.") == {}


def test_a_count_comes_to_no_more_than_a_unit_allows_and_nothing_else_of_it_is_kept(store: Store) -> None:
    def unit(subject: int, *, adds: int = 1) -> Unit:
        return Unit(now=NOW, drafts=[draft(subject)], tallies={"charged": adds}, most={"charged": 3})

    store.commit(unit(1, adds=2))
    store.commit(unit(2))
    with pytest.raises(Moved) as moved:
        store.commit(unit(3))
    assert moved.value.subjects == {3}
    with store.read() as reader:
        assert reader.tallies() == {"charged": 3}
        assert reader.head(3).n == 0


def test_units_at_the_same_moment_do_not_exceed_a_count_together(store: Store) -> None:
    def take(subject: int) -> int:
        unit = Unit(now=NOW, drafts=[draft(subject)], tallies={"charged": 1}, most={"charged": 5})
        try:
            return len(store.commit(unit))
        except Moved:
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(1, 25))) == 5
    with store.read() as reader:
        assert reader.tallies() == {"charged": 5}


def test_what_is_counted_by_day_counts_on_the_day_on_which_its_entry_is_recorded(store: Store) -> None:
    today, tomorrow = NOW, Instant(NOW + DAY)
    store.commit(Unit(now=tomorrow, drafts=[draft(2)]))
    one = {"arrived": 1}
    daily = [{"arrived": 2}, {"arrived": 3}, {"arrived": 1, "seen": 1}, one, one]
    store.commit(Unit(now=today, drafts=[draft(of) for of in (1, 2, 3, 4, 2)], daily=daily, tallies={"events": 6}))
    with store.read() as reader:
        assert reader.head(2).recorded == tomorrow, "the instant of a journal never steps back"
        assert reader.tallies() == {
            dated("arrived", today): 4,
            dated("arrived", tomorrow): 4,
            dated("seen", today): 1,
            "events": 6,
        }
        assert reader.tallies(of="arrived ").keys() == {dated("arrived", today), dated("arrived", tomorrow)}


def test_dead_letters_are_given_newest_first(store: Store) -> None:
    letters = [letter("text"), letter("null", raw=b"raw"), letter("list")]
    store.commit(Unit(now=NOW, letters=letters[:2]))
    store.commit(Unit(now=NOW, letters=letters[2:]))
    with store.read() as reader:
        assert reader.letters(limit=10) == letters[::-1]
        assert reader.letters(limit=2) == letters[:0:-1]


def test_reasons_of_dead_letters_are_given_once_the_most_frequent_first(store: Store) -> None:
    late = DeadLetter(at=Instant(NOW + 5), field="data.amount", shape="text", fix="send a number", raw=b"raw")
    store.commit(Unit(now=NOW, letters=[letter("null"), late, letter("text"), letter("list")]))
    with store.read() as reader:
        told = [(one.shape, one.rows, one.last) for one in reader.reasons()]
    assert told == [("text", 2, late.at), ("list", 1, NOW), ("null", 1, NOW)]


def test_when_journals_were_written_last_is_told_by_kind(store: Store) -> None:
    kinds: tuple[EntryKind, ...] = ("ingest", "signal", "use", "consent")
    for hours, kind in enumerate(kinds):
        store.commit(Unit(now=Instant(NOW + hours * HOUR), drafts=[draft(1, kind), draft(2, "consent")]))
    with store.read() as reader:
        assert reader.last([1, 2, 9], kinds=["ingest", "signal"]) == {1: NOW + HOUR}
        assert reader.last([1, 2], kinds=["use"]) == {1: NOW + 2 * HOUR}
        assert reader.last([], kinds=["use"]) == {}


# The Merkle log


def test_sealing_goes_on_where_it_ended_and_its_root_is_that_of_all_leaves(store: Store) -> None:
    sizes = [0]
    for round_ in range(6):
        store.commit(drafts(*[1 + (round_ + place) % 4 for place in range(2 * round_ + 1)], BANK))
        with store.read() as reader:
            waiting = reader.sealed()
        assert waiting.waiting == 2 * round_ + 2
        assert waiting.size == sizes[-1]
        sealed = store.seal()
        sizes.append(sealed.size)
        assert sizes[-1] == sizes[-2] + 2 * round_ + 2
        with store.read() as reader:
            assert reader.sealed() == sealed
            assert sealed.waiting == 0
            assert log_holds(reader)
    assert store.seal() == sealed


def test_sealing_gives_ascending_numbers_within_a_journal_and_stops_at_its_limit(store: Store) -> None:
    store.commit(drafts(*(place % 7 for place in range(100))))
    sizes = [store.seal(limit=30).size for _ in range(4)]
    assert sizes == [30, 60, 90, 100]
    with store.read() as reader:
        assert log_holds(reader)
        places = reader.places(limit=1_000)
        for subject in range(7):
            numbers = [n for of, n in places if of == subject]
            assert numbers == list(range(1, len(numbers) + 1))
            assert [reader.leaf_of(subject, n) for n in numbers] == sorted(
                number for number, place in enumerate(places) if place[0] == subject
            )


def test_leaves_are_read_in_pages_and_only_as_far_as_they_are_sealed(store: Store) -> None:
    store.commit(drafts(*range(20)))
    assert store.seal(limit=15).waiting == 5
    with store.read() as reader:
        leaves, places = reader.leaves(limit=100), reader.places(limit=100)
        assert len(leaves) == len(places) == 15
        assert reader.leaves(after=4, limit=3) == leaves[4:7]
        assert reader.places(after=4, limit=3) == places[4:7]
        assert reader.leaves(after=15, limit=3) == []
        assert reader.places(after=14, limit=3) == places[14:]
        unsealed = {(subject, 1) for subject in range(20)} - set(places)
        assert len(unsealed) == 5
        assert all(reader.leaf_of(*place) is None for place in unsealed)
        assert reader.leaf_of(0, 2) is None
        assert reader.leaf_of(99, 1) is None


def test_sealing_beside_writers_leaves_no_gap(store: Store) -> None:
    def write(subject: int) -> None:
        for _ in range(40):
            store.commit(drafts(subject, subject + 100))

    def seal() -> None:
        for _ in range(40):
            store.seal(limit=7)

    at_once([*(partial(write, subject) for subject in range(1, 5)), seal, seal])
    store.seal()
    with store.read() as reader:
        assert reader.sealed().size == 320
        assert log_holds(reader)


# Reading, closing, copying


def test_a_reader_sees_one_moment(store: Store) -> None:
    store.commit(busy_unit())
    with store.read() as reader:
        walk = reader.entries(1)
        other = threading.Thread(target=lambda: store.commit(drafts(1, 2, 3, kind="consent")))
        other.start()
        other.join()
        store.commit(Unit(now=NOW, snapshots=[Kept(1, "app", 5, b"later")], tallies={"events": 1}))
        store.seal()
        assert reader.head(1).n == 1
        assert len(list(walk)) == 1
        assert reader.subjects(limit=10) == [1, 2]
        assert reader.snapshots(1)["app"].n == 1
        assert reader.tallies() == {"events": 2}
        assert reader.sealed().size == 0
        assert reader.recent(kinds=["consent"], limit=5) == []
    assert head(store).n == 2


def test_a_reader_that_is_over_cannot_be_used(store: Store) -> None:
    store.commit(drafts(1))
    with store.read() as reader:
        walk = reader.entries(1)
    with pytest.raises(AssertionError):
        reader.head(1)
    with pytest.raises(AssertionError):
        next(walk)


def test_readers_on_many_threads_see_whole_units(store: Store) -> None:
    def write() -> None:
        for _ in range(100):
            store.commit(drafts(1, 2, 2))

    def look() -> None:
        for _ in range(100):
            with store.read() as reader:
                heads = reader.heads([1, 2])
                assert heads[2].n == 2 * heads[1].n
                assert len(list(reader.entries(2))) == heads[2].n

    at_once([write, look, look, look])


def test_after_closing_everything_is_refused(open_again: Open) -> None:
    store = open_again()
    store.commit(drafts(1))
    store.close()
    store.close()
    uses: list[Callable[[], object]] = [lambda: store.commit(drafts(1)), store.seal, lambda: head(store)]
    for use in uses:
        with pytest.raises(StoreError, match="closed"):
            use()


def test_closing_finishes_what_is_waiting(open_again: Open) -> None:
    store = open_again()
    kept, refused = list[int](), list[int]()

    def write(number: int) -> None:
        try:
            kept.append(store.commit(drafts(number))[0].subject)
        except StoreError:
            refused.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(1, 41)]
    for thread in threads:
        thread.start()
    store.close()
    for thread in threads:
        thread.join()
    assert len(kept) + len(refused) == 40
    with open_again().read() as reader:
        assert reader.subjects(limit=100) == sorted(kept)


def test_a_copy_says_the_same(engine: str, store: Store, tmp_path: Path) -> None:
    store.commit(busy_unit())
    store.commit(drafts(BANK, 3))
    store.seal(limit=3)
    store.copy_to(str(tmp_path / "copy"))
    store.commit(drafts(1))
    copy = ENGINES[engine](tmp_path / "copy")
    try:
        assert [head(copy, subject).n for subject in (BANK, 1, 2, 3)] == [1, 1, 1, 1]
        store.close()
        assert [h.n for h in copy.commit(drafts(1, 2))] == [2, 2]
        assert copy.seal().size == 6
        with copy.read() as reader:
            assert log_holds(reader)
    finally:
        copy.close()


def test_a_copy_is_never_written_over_something(store: Store, tmp_path: Path) -> None:
    store.commit(drafts(1))
    store.copy_to(str(tmp_path / "copy"))
    with pytest.raises(StoreError):
        store.copy_to(str(tmp_path / "copy"))


# What a verification asks


def test_all_rows_are_counted_and_a_store_that_nobody_altered_is_sound(store: Store) -> None:
    with store.read() as reader:
        assert reader.sizes().entries == 0
        assert reader.damage() == []
    store.commit(busy_unit())
    store.commit(drafts(BANK, 3))
    store.commit(Unit(now=NOW, expects={77: Expectation(0, 0)}))
    for _ in range(2):
        with store.read() as reader:
            sizes = reader.sizes()
            assert sizes.entries == sum(len(journal(reader, subject)) for subject in (BANK, *reader.subjects(limit=9)))
            assert sizes.keys == len(reader.known([(subject, key) for subject in range(4) for key in range(100)]))
            assert sizes.snapshots == sum(len(reader.snapshots(subject)) for subject in range(4))
            assert sizes.lessons == len(reader.lessons(limit=9))
            assert sizes.letters == len(reader.letters(limit=9))
            assert min(sizes.links, sizes.names, sizes.states) > 0
            assert reader.damage() == []
        store.seal(limit=2)


# Limits


def test_a_unit_of_ten_thousand_drafts_is_kept_whole(store: Store) -> None:
    many = [draft(1 + place % 5_001, keys=[place], body=bytes(300)) for place in range(10_001)]
    heads = store.commit(
        Unit(now=NOW, drafts=many, expects={subject: Expectation(0, 0) for subject in range(1, 5_002)})
    )
    assert len(heads) == 10_001
    assert heads[10_000].n == 2
    assert store.seal().size == 10_001
    with store.read() as reader:
        assert len(reader.known([(1 + place % 5_001, place) for place in range(10_001)])) == 10_001
        assert log_holds(reader)
    taken = [draft(subject, keys=[10**6 + subject]) for subject in range(10_000)]
    with pytest.raises(Moved) as caught:
        store.commit(Unit(now=NOW, drafts=[*taken, draft(77, keys=[76]), draft(78, keys=[5_000])]))
    assert caught.value.subjects == {77}


@pytest.mark.parametrize("size", [0, 1, 100_000, 5_000_000])
def test_a_body_of_any_size_is_kept(store: Store, size: int) -> None:
    store.commit(Unit(now=NOW, drafts=[draft(1, body=b"\xff" * size)]))
    [entry] = read(store)
    assert entry.body == b"\xff" * size
    assert chain_holds([entry])


def test_the_largest_numbers_are_kept_exactly(store: Store) -> None:
    at, early = Instant(LARGEST), Instant(-LARGEST)
    store.commit(
        Unit(
            now=at,
            drafts=[draft(LARGEST, at=at, keys=[LARGEST, 0]), draft(LARGEST, "outcome", at=early)],
            together={LARGEST: (LARGEST, LARGEST - 1)},
            links=[LinkChange(KEY, LARGEST, linked=True)],
            lessons=[1],
            tallies={"sum": LARGEST},
        )
    )
    store.seal()
    with store.read() as reader:
        one, two = reader.entries(LARGEST)
        assert (one.subject, one.at, one.recorded, two.at) == (LARGEST, at, at, early)
        assert chain_holds([one, two])
        assert reader.known([(LARGEST, LARGEST), (LARGEST, LARGEST - 1)]) == {(LARGEST, LARGEST)}
        assert reader.holders(KEY, limit=1) == [LARGEST]
        assert reader.leaf_of(LARGEST, 2) == 1
        assert reader.tallies() == {"sum": LARGEST}


@pytest.mark.parametrize(
    "unit",
    [
        Unit(now=NOW, drafts=[draft(2)], tallies={"other": LARGEST + 1}),
        Unit(now=NOW, drafts=[draft(2), draft(1, keys=[LARGEST + 1])]),
        Unit(now=NOW, drafts=[draft(2), draft(1, at=Instant(LARGEST + 1))]),
        Unit(now=NOW, drafts=[draft(2), draft(LARGEST + 1)]),
    ],
    ids=["a count", "an event key", "an instant", "a subject"],
)
def test_a_number_beyond_sixty_four_bits_is_refused_and_nothing_is_kept(store: Store, unit: Unit) -> None:
    store.commit(Unit(now=NOW, tallies={"sum": LARGEST}))
    before = everything(store)
    with pytest.raises(StoreError):
        store.commit(unit)
    assert everything(store) == before
    store.commit(drafts(1))


def test_a_sum_beyond_sixty_four_bits_is_exact_or_refused(store: Store) -> None:
    store.commit(Unit(now=NOW, tallies={"sum": LARGEST}))
    before = everything(store)
    try:
        store.commit(Unit(now=NOW, drafts=[draft(2)], tallies={"sum": 1}))
    except StoreError:
        assert everything(store) == before
    else:
        with store.read() as reader:
            assert reader.tallies() == {"sum": LARGEST + 1}


def test_what_is_forgotten_leaves_its_journal_and_nothing_beside_it(store: Store) -> None:
    kept = [Kept(subject, "core", 1, b"state") for subject in (1, 2)]
    store.commit(
        Unit(
            now=NOW,
            drafts=[draft(1, "outcome", keys=[7]), draft(2, "outcome", keys=[7])],
            snapshots=kept,
            links=[LinkChange(KEY, subject, linked=True) for subject in (1, 2)],
            names=[DecisionName(b"name", place) for place in (0, 1)],
            lessons=[0, 1],
            states={b"one": b"1", b"two": b"2"},
        )
    )
    store.commit(Unit(now=NOW, drafts=[draft(1, "erasure")], forgotten=[1], destroyed=[b"one"]))
    with store.read() as reader:
        assert len(journal(reader, 1)) == 2
        assert (reader.snapshots(1), reader.keys_of(1), reader.known([(1, 7)])) == ({}, [], set())
        assert reader.snapshots(2) == {"core": kept[1]}
        assert (reader.holders(KEY, limit=5), reader.known([(2, 7)])) == ([2], {(2, 7)})
        assert reader.decisions(b"name") == [(2, 1)]
        assert [(one.subject, one.n) for one in reader.lessons(limit=5)] == [(2, 1)]
        assert (reader.state(b"one"), reader.state(b"two")) == (None, b"2")
        sizes = reader.sizes()
        assert (sizes.keys, sizes.snapshots, sizes.links, sizes.names, sizes.lessons, sizes.states) == (1,) * 6
