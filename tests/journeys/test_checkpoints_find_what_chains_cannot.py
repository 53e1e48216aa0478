# ruff: noqa: S608 - statements with names of tables, to alter a copy from outside
"""An old checkpoint, kept elsewhere, finds what no chain can: a cut tail, a rewritten journal, a restored old copy."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from people import ordinary_months

import marketofone
from bank_projects import Projects
from marketofone import wiring
from marketofone.audit import checkpoint as notes
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import DAY, Instant
from marketofone.projection import codec
from marketofone.projection.records import CheckpointRecord
from marketofone.store.ports import BANK, Unit

FILE = Path(wiring.DATA) / "bank.sqlite"


def say(bank: Bank, customer: str, change: str, *, now: Instant) -> None:
    words = ("*",)
    said = ConsentChange(
        customer=customer,
        change="grant" if change == "grant" else "withdraw",
        purposes=words,
        sources=words,
        channels=words,
        since=now,
    )
    bank.consent(said, now=now)


def test_a_checkpoint_is_signed_recorded_and_holds(project: Path, now: Instant) -> None:
    with marketofone.open(project, now=now) as bank:
        say(bank, "c-1", "grant", now=now)
        made = bank.checkpoint(now=now)
        later = Instant(now + DAY)
        bank.ingest(ordinary_months("c-1", until=later), now=later)
        again = bank.checkpoint(now=later)
        key = bytes.fromhex(made.public_key)

        assert made.size == 2
        assert again.size > made.size + 1
        assert notes.verify_signature(notes.parse(made.text), public_key=key)
        with bank.context.store.read() as reader:
            assert len(list(reader.entries(BANK, kinds=("checkpoint",)))) == 2
        for old in (made, again):
            assert bank.verify(against=old.text).ok
            assert bank.verify(against=old.text, public_key=key).ok


def test_a_restored_old_copy_verifies_alone_and_not_against_a_checkpoint(
    project: Path, projects: Projects, tmp_path: Path, now: Instant
) -> None:
    with marketofone.open(project, now=now) as bank:
        say(bank, "c-1", "grant", now=now)
        bank.checkpoint(now=now)
    projects.copy(project, tmp_path / "old")
    with marketofone.open(project, now=now) as bank:
        say(bank, "c-1", "withdraw", now=now)
        kept = bank.checkpoint(now=now).text

    with marketofone.open(tmp_path / "old", read_only=True) as bank:
        assert bank.verify().ok
        found = bank.verify(against=kept)

    assert not found.ok
    assert "an older copy was restored" in found.problems[0]


def test_a_journal_rewritten_by_somebody_with_all_keys_is_found(
    project: Path, projects: Projects, tmp_path: Path, now: Instant
) -> None:
    with marketofone.open(project, now=now) as bank:
        say(bank, "c-1", "grant", now=now)
        say(bank, "c-2", "grant", now=now)
    projects.copy(project, tmp_path / "forged")
    with marketofone.open(project, now=now) as bank:
        say(bank, "c-1", "withdraw", now=now)
        say(bank, "c-2", "withdraw", now=now)
        kept = bank.checkpoint(now=now).text
    with marketofone.open(tmp_path / "forged", now=now) as bank:  # the same bank, but one no was never said
        say(bank, "c-1", "grant", now=now)
        say(bank, "c-2", "withdraw", now=now)
        bank.checkpoint(now=now)
        assert bank.verify().ok

        found = bank.verify(against=kept)

    assert "not those that the checkpoint was made of" in found.problems[0]


def test_the_last_checkpoint_that_the_bank_recorded_is_held_against_the_log_by_itself(
    project: Path, now: Instant
) -> None:
    with marketofone.open(project, now=now) as bank:
        say(bank, "c-1", "grant", now=now)
        text = bank.checkpoint(now=now).text
        context = bank.context
        forged = CheckpointRecord("somebody", text.replace("\n2\n", "\n1\n"))  # signed, and said of another log
        draft = codec.draft("checkpoint", forged, subject=BANK, box=context.keys.bank, at=now)
        context.store.commit(Unit(now=now, drafts=[draft]))
        found = bank.verify()

    assert not found.ok
    assert "checkpoint" in found.problems[0]


@pytest.mark.sqlite
def test_a_cut_tail_is_found(project: Path, now: Instant) -> None:
    with marketofone.open(project, now=now) as bank:
        say(bank, "c-1", "grant", now=now)
        say(bank, "c-2", "grant", now=now)
        kept = bank.checkpoint(now=now).text
    with closing(sqlite3.connect(project / FILE)) as file, file:
        last = "SELECT subject FROM entries WHERE row = 3"
        file.execute(f"DELETE FROM heads WHERE subject = ({last})")
        file.execute(f"DELETE FROM fresh_places WHERE subject = ({last})")
        file.execute("DELETE FROM entries WHERE row > 2")
        file.execute("DELETE FROM fresh_places WHERE row > 2")

    with marketofone.open(project, read_only=True) as bank:
        assert not bank.verify(against=kept).ok


@pytest.mark.parametrize("spoil", [lambda text: text.replace("\n3\n", "\n2\n"), lambda text: text[:-9] + "AAAAAAA=\n"])
def test_an_altered_checkpoint_is_no_proof(project: Path, now: Instant, spoil: Callable[[str], str]) -> None:
    with marketofone.open(project, now=now) as bank:
        say(bank, "c-1", "grant", now=now)
        say(bank, "c-2", "grant", now=now)
        text = spoil(bank.checkpoint(now=now).text)

        assert "signed" in bank.verify(against=text).problems[0]


@pytest.mark.sqlite
def test_what_is_no_checkpoint_and_another_banks_are_told(project: Path, tmp_path: Path, now: Instant) -> None:
    wiring.lay_out(tmp_path / "other")
    shutil.copytree(project / wiring.DATA, tmp_path / "other" / wiring.DATA)
    with marketofone.open(tmp_path / "other", now=now) as other:
        theirs = other.checkpoint(now=now).text
    with marketofone.open(project, now=now) as bank:
        assert "the data is of" in bank.verify(against=theirs).problems[0]
        with pytest.raises(MalformedRequest):
            bank.verify(against="hello")
