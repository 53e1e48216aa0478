"""A live state that an earlier release kept is folded again: nothing moves, and no proof calls it a fault."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import pytest
from situations import NOW, says, spends, values

import marketofone
from marketofone import Bank
from marketofone.features.state_form import to_bytes
from marketofone.projection import codec
from marketofone.store.ports import Kept, Unit
from proofs import proven


def keep_state(bank: Bank, customer: str, *, form: bytes) -> None:
    """Keep the state of somebody's transactions as a release with another format kept it."""
    context = bank.context
    asked = context.keys.find((customer,))[customer]
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        state = snapshot.states(snapshot.person(customer), now=NOW)["transactions"]
        n = reader.head(asked.subject).n
    mark = blake2b(bytes.fromhex(state.schema), digest_size=16, person=form).digest()
    plain = mark + (to_bytes(state)[len(mark) :] if form == b"8" else b"as it was written then")
    kept: Kept = codec.keep("transactions", plain, subject=asked.subject, n=n, box=asked.box)
    context.store.commit(Unit(now=NOW, snapshots=[kept]))


@pytest.mark.parametrize("form", [b"4", b"5", b"6", b"7", b"8"])
def test_what_an_earlier_release_kept_is_folded_again(project: Path, form: bytes) -> None:
    with marketofone.open(project, now=NOW) as bank:
        says(bank, "anna")
        bank.ingest(spends("anna"), now=NOW)
        before = values(bank, "anna")
        keep_state(bank, "anna", form=form)

    with marketofone.open(project, now=NOW) as later:
        assert values(later, "anna") == before
        proven(later)


def test_what_no_release_wrote_is_still_found(project: Path) -> None:
    with marketofone.open(project, now=NOW) as bank:
        says(bank, "anna")
        bank.ingest(spends("anna"), now=NOW)
        keep_state(bank, "anna", form=b"X")
        assert not bank.verify().views_ok
