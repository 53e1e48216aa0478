"""The map of heads: it can be shown where a journal ended, and that somebody had none, and nothing that is not so."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.audit.subject_map import (
    Absence,
    Head,
    Presence,
    SubjectMap,
    map_root,
    verify_absence,
    verify_presence,
)

SUBJECTS = st.integers(0, 2**63 - 1) | st.integers(0, 20)


def item_of(subject: int) -> Head:
    return Head(subject, subject % 9 + 1, sha256(str(subject).encode()).digest())


def items_of(subjects: set[int]) -> list[Head]:
    return [item_of(subject) for subject in sorted(subjects)]


def presence(heads: SubjectMap, subject: int) -> Presence:
    proof = heads.prove(subject)
    assert isinstance(proof, Presence)
    return proof


def absence(heads: SubjectMap, subject: int) -> Absence:
    proof = heads.prove(subject)
    assert isinstance(proof, Absence)
    return proof


@given(st.sets(SUBJECTS, max_size=40))
def test_every_subject_of_the_map_is_proved(subjects: set[int]) -> None:
    heads = SubjectMap(items_of(subjects))
    root = map_root(items_of(subjects))

    assert heads.root() == root
    for subject in subjects:
        proof = presence(heads, subject)
        assert proof.item == item_of(subject)
        assert verify_presence(proof, root=root)
        assert not verify_absence(proof, subject=subject, root=root)


@given(st.sets(SUBJECTS, max_size=40), SUBJECTS)
def test_every_other_subject_is_proved_absent(subjects: set[int], other: int) -> None:
    subjects.discard(other)
    heads = SubjectMap(items_of(subjects))

    proof = heads.prove(other)

    assert verify_absence(proof, subject=other, root=heads.root())
    assert not verify_presence(proof, root=heads.root())


@given(st.sets(SUBJECTS, min_size=1, max_size=40), st.data())
def test_no_older_or_other_head_is_proved(subjects: set[int], data: st.DataObject) -> None:
    heads = SubjectMap(items_of(subjects))
    proof = presence(heads, data.draw(st.sampled_from(sorted(subjects))))
    item = proof.item
    others = [
        item._replace(n=item.n - 1),
        item._replace(head=bytes(32)),
        item._replace(subject=item.subject ^ 1),
        item._replace(subject=-1),
        item._replace(head=item.head[:-1]),
    ]

    assert not any(verify_presence(msgspec.structs.replace(proof, item=other), root=heads.root()) for other in others)


@given(st.sets(SUBJECTS, min_size=1, max_size=40), st.integers(-2, 50), st.integers(-2, 50), st.data())
def test_a_proof_fits_one_place_in_a_map_of_one_size(
    subjects: set[int], index: int, size: int, data: st.DataObject
) -> None:
    heads = SubjectMap(items_of(subjects))
    proof = presence(heads, data.draw(st.sampled_from(sorted(subjects))))
    moved = msgspec.structs.replace(proof, index=index, size=size)

    assert verify_presence(moved, root=heads.root()) == (moved == proof)


@given(st.sets(SUBJECTS, min_size=1, max_size=7))
def test_no_subject_of_the_map_can_be_denied(subjects: set[int]) -> None:
    heads, root = SubjectMap(items_of(subjects)), map_root(items_of(subjects))
    proofs: list[Presence | None] = [None, *(presence(heads, subject) for subject in sorted(subjects))]

    for denied in subjects:
        for left in proofs:
            for right in proofs:
                assert not verify_absence(Absence(left=left, right=right), subject=denied, root=root)


def test_neighbours_from_another_map_prove_no_absence() -> None:
    heads, root = SubjectMap(items_of({3, 5, 8})), map_root(items_of({3, 5, 8}))
    smaller = SubjectMap(items_of({3, 8}))

    assert verify_absence(smaller.prove(5), subject=5, root=smaller.root())
    assert not verify_absence(smaller.prove(5), subject=5, root=root)
    mixed = Absence(left=presence(heads, 3), right=presence(smaller, 8))
    assert not verify_absence(mixed, subject=5, root=root)


def test_a_gap_beside_the_subject_proves_nothing_about_it() -> None:
    heads = SubjectMap(items_of({3, 8}))

    assert verify_absence(heads.prove(5), subject=4, root=heads.root())
    assert not verify_absence(absence(heads, 5), subject=9, root=heads.root())
    assert not verify_absence(absence(heads, 5), subject=2, root=heads.root())


def test_the_root_tells_how_many_items_stand_below() -> None:
    one, two = items_of({3}), items_of({3, 8})

    assert len({map_root([]), map_root(one), map_root(two)}) == 3
    assert verify_absence(Absence(left=None, right=None), subject=3, root=map_root([]))
    assert not verify_absence(Absence(left=None, right=None), subject=8, root=map_root(one))


@pytest.mark.parametrize("subjects", [[8, 3], [3, 3], [-1]])
def test_items_out_of_order_are_refused(subjects: list[int]) -> None:
    items = [item_of(subject) for subject in subjects]

    with pytest.raises(ValueError, match="ascending order"):
        map_root(items)
    with pytest.raises(ValueError, match="ascending order"):
        SubjectMap(items)


@pytest.mark.parametrize("item", [Head(2**64, 1, bytes(32)), Head(1, -1, bytes(32)), Head(1, 1, bytes(31))])
def test_an_item_without_place_in_a_map_is_refused(item: Head) -> None:
    with pytest.raises(ValueError, match=r"too large|32 bytes"):
        map_root([item])


def test_the_bytes_under_a_root_stay_the_same() -> None:
    assert map_root([]).hex() == "ea7c3970ad910cc46844a677976113c90dcadb4a2515f23f30f92d349f410fdf"
    assert (
        map_root(items_of({0, 7, 2**63 - 1})).hex()
        == "e267707aecd711651d55f735898fb20660863a69b9917c4b1361559f0aeae20c"
    )
