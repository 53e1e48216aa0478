"""Nobody can change the journal quietly: whatever is altered, moved or taken out, verification finds it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.audit.chain import GENESIS, Link, forge
from marketofone.audit.verify import Recorded, verify

Journal = list[Recorded]

KINDS = ("ingest", "consent", "decision", "outcome")
CUSTOMERS = st.none() | st.sampled_from(["c-1", "c-2", "č-3"])


@st.composite
def journals(draw: st.DrawFn, *, at_least: int = 1) -> Journal:
    """A journal as the store forges it."""
    journal: Journal = []
    head = GENESIS
    for seq in range(1, draw(st.integers(at_least, 8)) + 1):
        kind, at = draw(st.sampled_from(KINDS)), draw(st.integers(0, 2**40))
        customer, body = draw(CUSTOMERS), draw(st.binary(max_size=20))
        salt = draw(st.binary(min_size=16, max_size=16))
        link = forge(seq=seq, kind=kind, at=at, customer=customer, body=body, salt=salt, previous=head)
        journal.append((seq, kind, at, customer, body, link))
        head = link.hash
    return journal


def flipped(value: bytes, *, at: int) -> bytes:
    place = at % len(value)
    return value[:place] + bytes([value[place] ^ (1 << (at % 8))]) + value[place + 1 :]


def erased(recorded: Recorded) -> Recorded:
    seq, kind, at, customer, _, link = recorded
    return seq, kind, at, customer, None, Link(salt=None, commitment=link.commitment, hash=link.hash)


ALTERATIONS: dict[str, Callable[[Recorded, int], Recorded]] = {
    "body": lambda r, n: (*r[:4], flipped(r[4] or b"", at=n) if r[4] else b"\0", r[5]),
    "body gone, salt kept": lambda r, _: (*r[:4], None, r[5]),
    "salt gone, body kept": lambda r, _: (*r[:5], msgspec.structs.replace(r[5], salt=None)),
    "salt": lambda r, n: (*r[:5], msgspec.structs.replace(r[5], salt=flipped(r[5].salt or b"", at=n))),
    "commitment": lambda r, n: (*r[:5], msgspec.structs.replace(r[5], commitment=flipped(r[5].commitment, at=n))),
    "hash": lambda r, n: (*r[:5], msgspec.structs.replace(r[5], hash=flipped(r[5].hash, at=n))),
    "kind": lambda r, _: (r[0], r[1] + "x", *r[2:]),
    "moment": lambda r, n: (*r[:2], r[2] + 1 + n % 9, *r[3:]),
    "customer": lambda r, _: (*r[:3], (r[3] or "") + "x", *r[4:]),
    "number": lambda r, n: (r[0] + 1 + n % 9, *r[1:]),
}


@given(journals(at_least=0))
def test_a_journal_as_written_verifies(journal: Journal) -> None:
    found = verify(journal)
    assert (found.ok, found.entries, found.broken_at) == (True, len(journal), None)
    assert found.head == (journal[-1][5].hash if journal else GENESIS)


@given(journals(), st.data())
def test_any_entries_may_be_erased_and_the_chain_holds_with_the_same_head(
    journal: Journal, data: st.DataObject
) -> None:
    gone = data.draw(st.sets(st.integers(0, len(journal) - 1)))
    rest = [erased(recorded) if place in gone else recorded for place, recorded in enumerate(journal)]
    assert verify(rest) == verify(journal)


@pytest.mark.parametrize("what", sorted(ALTERATIONS))
@given(journals(), st.data())
def test_any_flipped_bit_is_found_where_it_is(what: str, journal: Journal, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(journal) - 1))
    altered = [*journal]
    altered[place] = ALTERATIONS[what](journal[place], data.draw(st.integers(0, 10_000)))
    found = verify(altered)
    assert (found.ok, found.broken_at, found.entries) == (False, place + 1, place)
    assert found.head == (journal[place - 1][5].hash if place else GENESIS)


@given(journals(at_least=2), st.data())
def test_a_stretch_taken_out_before_the_end_is_found(journal: Journal, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(journal) - 2))
    stop = data.draw(st.integers(start + 1, len(journal) - 1))
    assert verify(journal[:start] + journal[stop:]).broken_at == start + 1


@given(journals(at_least=2), st.data())
def test_another_order_is_found(journal: Journal, data: st.DataObject) -> None:
    other = data.draw(st.permutations(journal).filter(lambda order: order != journal))
    assert not verify(other).ok


@given(journals(at_least=2), st.data())
def test_entries_that_changed_places_and_numbers_are_found(journal: Journal, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(journal) - 2))
    one, two = journal[first], journal[first + 1]
    swapped = [*journal]
    swapped[first], swapped[first + 1] = (one[0], *two[1:]), (two[0], *one[1:])
    assert verify(swapped).broken_at == first + 1


@given(journals(), st.data())
def test_an_entry_told_twice_is_found(journal: Journal, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(journal) - 1))
    assert verify([*journal[: place + 1], *journal[place:]]).broken_at == place + 2


@given(journals(), st.binary(max_size=20))
def test_a_journal_forged_again_from_one_entry_on_shows_in_its_head(journal: Journal, body: bytes) -> None:
    seq, kind, at, customer, old, link = journal[-1]
    previous = journal[-2][5].hash if len(journal) > 1 else GENESIS
    salt = (link.salt or b"")[::-1] + b"\1"
    again = forge(seq=seq, kind=kind, at=at, customer=customer, body=body, salt=salt, previous=previous)
    rewritten: Journal = [*journal[:-1], (seq, kind, at, customer, body, again)]
    assert verify(rewritten).ok
    assert verify(rewritten).head != verify(journal).head or body == old


@given(journals(at_least=2))
def test_what_was_cut_off_at_the_end_shows_only_in_the_head_and_the_count(journal: Journal) -> None:
    found, whole = verify(journal[:-1]), verify(journal)
    assert found.ok
    assert (found.entries, found.head) != (whole.entries, whole.head)


def test_a_commitment_tells_nothing_without_its_salt() -> None:
    links = [
        forge(seq=1, kind="consent", at=0, customer="c-1", body=b"yes", salt=salt * 16, previous=GENESIS)
        for salt in (b"a", b"b")
    ]
    assert links[0].commitment != links[1].commitment
