"""A journal of its own for each subject: whatever is taken out, put in, moved or altered, the walk finds where."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.audit import merkle
from marketofone.audit.journal_chain import (
    BANK,
    GENESIS,
    Break,
    ChainChecker,
    ChainedEntry,
    Header,
    commitment,
    entry_hash,
    first_break,
    leaf_hash,
)
from marketofone.domain.moment import Instant

KINDS = ("ingest", "consent", "decision", "outcome", "forecast", "identity", "use", "č")
Chain = list[ChainedEntry]


def chained(header: Header, *, body: bytes, previous: bytes) -> ChainedEntry:
    digest, committed = merkle.leaf_hash(body), commitment(body, salt=bytes(16))
    return ChainedEntry(
        header, digest, committed, entry_hash(header, body_digest=digest, commitment=committed, previous=previous)
    )


def chain_of(subject: int, *, length: int, seed: int = 0) -> Chain:
    draws = random.Random(seed)
    entries: Chain = []
    stamp, recorded, head = 0, 1_767_600_000_000_000, GENESIS
    for n in range(1, length + 1):
        stamp, recorded = stamp + draws.randint(1, 3), recorded + draws.choice((0, 7))
        header = Header(subject, n, stamp, draws.choice(KINDS), Instant(draws.randint(-9, 9)), Instant(recorded))
        entries.append(chained(header, body=draws.randbytes(9), previous=head))
        head = entries[-1].hash
    return entries


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    subject = draw(st.sampled_from([BANK, 1, 2**63 - 1]))
    return chain_of(subject, length=draw(st.integers(1, 12)), seed=draw(st.integers(0, 2**32)))


def broken(entries: Chain, *, subject: int | None = None) -> Break | None:
    return first_break(entries, subject=entries[0].header.subject if subject is None else subject)


def flipped(value: bytes, *, at: int) -> bytes:
    place = at % len(value)
    return value[:place] + bytes([value[place] ^ (1 << (at % 8))]) + value[place + 1 :]


def header_with(**changes: Callable[[Any], Any]) -> Callable[[ChainedEntry, int], ChainedEntry]:
    def alter(entry: ChainedEntry, _: int) -> ChainedEntry:
        new = {name: change(getattr(entry.header, name)) for name, change in changes.items()}
        return entry._replace(header=entry.header._replace(**new))

    return alter


ALTERATIONS: dict[str, Callable[[ChainedEntry, int], ChainedEntry]] = {
    "stamp": header_with(stamp=lambda stamp: stamp + 1),
    "kind": header_with(kind=lambda kind: kind + "x"),
    "at": header_with(at=lambda at: at + 1),
    "recorded": header_with(recorded=lambda recorded: recorded + 1),
    "at and recorded swapped": lambda e, _: e._replace(
        header=e.header._replace(at=e.header.recorded, recorded=e.header.at)
    ),
    "text for a number": header_with(n=str),
    "a number for text": header_with(kind=lambda _: 7),
    "a negative number": header_with(stamp=lambda _: -1),
    "a huge number": header_with(at=lambda _: 2**80),
    "body": lambda e, n: e._replace(body_digest=flipped(e.body_digest, at=n)),
    "body cut": lambda e, _: e._replace(body_digest=e.body_digest[:-1]),
    "commitment": lambda e, n: e._replace(commitment=flipped(e.commitment, at=n)),
    "commitment gone": lambda e, _: e._replace(commitment=None),  # type: ignore[arg-type]
    "hash": lambda e, n: e._replace(hash=flipped(e.hash, at=n)),
    "body and commitment swapped": lambda e, _: e._replace(body_digest=e.commitment, commitment=e.body_digest),
}


@given(chains())
def test_a_whole_journal_holds(entries: Chain) -> None:
    assert broken(entries) is None


@pytest.mark.parametrize("alteration", ALTERATIONS)
@given(chains(), st.integers(0, 11), st.integers(0, 255))
def test_an_altered_entry_is_found_where_it_stands(alteration: str, entries: Chain, place: int, bit: int) -> None:
    place %= len(entries)
    entries[place] = ALTERATIONS[alteration](entries[place], bit)

    assert broken(entries, subject=entries[place].header.subject) == Break(place + 1, "altered")


@given(chains(), st.integers(0, 10))
def test_an_entry_taken_out_is_missed(entries: Chain, place: int) -> None:
    entries.append(
        chained(entries[-1].header._replace(n=len(entries) + 1, stamp=10**6), body=b"last", previous=entries[-1].hash)
    )
    place %= len(entries) - 1
    del entries[place]

    assert broken(entries) == Break(place + 1, "missing")


@given(chains(), st.integers(0, 11))
def test_an_entry_put_in_twice_is_found(entries: Chain, place: int) -> None:
    place %= len(entries)
    entries.insert(place, entries[place])

    assert broken(entries) == Break(place + 2, "doubled")


@given(chains())
def test_an_entry_of_another_journal_is_foreign(entries: Chain) -> None:
    other = entries[0].header.subject ^ 1

    assert broken(entries, subject=other) == Break(1, "foreign")


def test_a_journal_given_to_another_subject_does_not_hold() -> None:
    moved = [entry._replace(header=entry.header._replace(subject=8)) for entry in chain_of(7, length=3)]

    assert first_break(moved, subject=8) == Break(1, "altered")


def test_a_tail_rewritten_with_right_hashes_ends_elsewhere() -> None:
    kept, rewritten = chain_of(7, length=5, seed=1), chain_of(7, length=5, seed=2)
    checker = ChainChecker(7)

    assert [checker.check(entry) for entry in rewritten] == [None] * 5
    assert checker.ends_at(5, head=kept[-1].hash) == Break(5, "altered")
    assert checker.ends_at(5, head=rewritten[-1].hash) is None


@pytest.mark.parametrize(("n", "found"), [(3, Break(3, "missing")), (1, Break(2, "added"))])
def test_an_end_that_was_cut_or_grew_is_told(n: int, found: Break) -> None:
    entries = chain_of(7, length=3)
    checker = ChainChecker(7)
    for entry in entries[:2]:
        checker.check(entry)

    assert checker.ends_at(n, head=entries[n - 1].hash) == found


def test_an_empty_journal_ends_at_genesis() -> None:
    assert ChainChecker(7).ends_at(0, head=GENESIS) is None
    assert ChainChecker(7).ends_at(0, head=bytes([1] * 32)) == Break(1, "altered")


def test_a_walk_goes_on_behind_what_was_verified_before() -> None:
    entries = chain_of(7, length=4)
    before = entries[1]
    checker = ChainChecker(7, n=2, head=before.hash, stamp=before.header.stamp, recorded=before.header.recorded)

    assert [checker.check(entry) for entry in entries[2:]] == [None, None]
    assert (checker.n, checker.head) == (4, entries[-1].hash)


def test_a_walk_does_not_move_past_a_break() -> None:
    entries = chain_of(7, length=3)
    checker = ChainChecker(7)

    assert checker.check(entries[1]) == Break(1, "missing")
    assert (checker.n, checker.head) == (0, GENESIS)
    assert checker.check(entries[0]) is None


@pytest.mark.parametrize(
    "changes", [{"stamp": 4}, {"stamp": 3}, {"recorded": Instant(99)}], ids=["same stamp", "lower stamp", "steps back"]
)
def test_an_entry_that_steps_back_is_disordered(changes: dict[str, Any]) -> None:
    first = Header(7, 1, 4, "use", Instant(5), Instant(100))
    second = first._replace(n=2, stamp=5)._replace(**changes)
    entries = [chained(first, body=b"1", previous=GENESIS)]
    entries.append(chained(second, body=b"2", previous=entries[0].hash))

    assert first_break(entries, subject=7) == Break(2, "disordered")


def test_entries_may_share_an_instant() -> None:
    first = Header(7, 1, 4, "use", Instant(5), Instant(100))
    entries = [chained(first, body=b"1", previous=GENESIS)]
    entries.append(chained(first._replace(n=2, stamp=5), body=b"2", previous=entries[0].hash))

    assert first_break(entries, subject=7) is None


def test_the_bytes_under_a_hash_stay_the_same() -> None:
    header = Header(2**63 - 1, 1, 4, "consent", Instant(-5), Instant(1_767_600_000_000_000))
    digest, committed = bytes(range(32)), commitment(b"body", salt=bytes(range(32)))

    found = entry_hash(header, body_digest=digest, commitment=committed, previous=GENESIS)

    assert committed.hex() == "6efc0c6b1365d4370729b2ec4287ae2cf4a3f16088d4aec1a92ee48616d5b5e1"
    assert found.hex() == "35b600cb7c9349c139c46f53c143c05379b51540752c4a907eed32e877981cd9"
    assert leaf_hash(found).hex() == "f2a21bb860a55dc07374295f0f3b2cf64eb94af824dd711efd02c63d0f15ee4f"


@pytest.mark.parametrize("length", [0, 15, 65])
def test_a_salt_that_hides_too_little_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="16 to 64"):
        commitment(b"", salt=bytes(length))


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(min_size=16, max_size=64), st.integers(16, 64))
def test_a_commitment_opens_to_one_body_and_one_salt(one: bytes, other: bytes, salt: bytes, length: int) -> None:
    again = salt.ljust(length, b"\0")

    assert (commitment(one, salt=salt) == commitment(other, salt=again)) == ((one, salt) == (other, again))


@pytest.mark.parametrize("name", ["body_digest", "commitment", "previous"])
def test_a_hash_of_another_length_is_refused(name: str) -> None:
    header = Header(7, 1, 1, "use", Instant(5), Instant(100))
    hashes = {"body_digest": bytes(32), "commitment": bytes(32), "previous": bytes(32)}

    with pytest.raises(ValueError, match="32 bytes"):
        entry_hash(header, **(hashes | {name: bytes(31)}))


@pytest.mark.parametrize("subject", [-1, 2**64])
def test_a_subject_that_fits_no_header_is_refused(subject: int) -> None:
    header = Header(subject, 1, 1, "use", Instant(5), Instant(100))

    with pytest.raises(ValueError, match="header"):
        entry_hash(header, body_digest=bytes(32), commitment=bytes(32), previous=GENESIS)
