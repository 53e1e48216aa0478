"""Who is forgotten stays forgotten: in the data, in every copy of before, and when late files arrive."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from people import happened, kept_events, ordinary_months, searched, wrote

import marketofone
from bank_projects import Projects
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import Refused, StoreError, UnknownCustomer, UnknownDecision
from marketofone.domain.event import IdentityLinked
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.domain.money_events import AccountOpened
from marketofone.domain.remembered import how_many_remembered
from marketofone.models.movement import clean_name
from marketofone.services.intake.letters import row_of
from marketofone.store.keyfile import FILE
from proofs import recorded

Allow = Callable[..., None]
NAME, OTHER = "maria-theresia-4711", "wolfgang-amadeus-12"
TEXT = "I am furious about the mortgage!"
GROUND = "asked by letter"
ACCOUNT, IBAN = "household-4711", "DE89370400440532013000"


def yes(bank: Bank, customer: str, *, now: Instant) -> None:
    every = ("*",)
    bank.consent(
        ConsentChange(customer=customer, change="grant", purposes=every, sources=every, channels=every, since=now),
        now=now,
    )


def live(bank: Bank, customer: str, *, now: Instant) -> None:
    yes(bank, customer, now=now)
    bank.ingest(ordinary_months(customer, until=now), now=now)
    bank.ingest([wrote(customer, TEXT, at=now), searched(customer, "baby crib", at=now)], now=now)
    bank.decide(customer, occasion="app.opened", id=f"decision-of-{customer}", now=now)


def malformed_payment(customer: str) -> bytes:
    data = {"account": "a-1", "amount_minor": "much", "currency": "EUR", "merchant": TEXT}
    event = {"specversion": "1.0", "id": "1", "source": "/core", "type": "transaction.booked", "subject": customer}
    return json.dumps({**event, "time": "2026-01-05T07:00:00Z", "data": data}).encode()


@pytest.mark.sqlite
def test_nobody_is_found_in_the_database_its_log_or_a_backup(project: Path, tmp_path: Path, now: Instant) -> None:
    with marketofone.open(project, now=now) as bank:
        live(bank, NAME, now=now)
        bank.ingest([happened(NAME, IdentityLinked(key_kind="email_hash", key="hash-of-maria"), at=now)], now=now)
        bank.ingest([b'{"subject": "maria-theresia-4711", "text": "furious"}'], now=now)
        bank.backup(tmp_path / "backup")
        files = [*(project / wiring.DATA).glob("bank*"), *(tmp_path / "backup").rglob("*.sqlite")]
        assert any(file.name.endswith("-wal") and file.stat().st_size for file in files)
        kept = b"".join(file.read_bytes() for file in files)

    words = (
        NAME,
        "maria-t",
        TEXT,
        "furious",
        "groceries",
        "app.opened",
        f"account-{NAME}",
        f"decision-of-{NAME}",
        "hash-of-maria",
    )
    assert [word for word in words if word.encode() in kept] == []
    assert not list((tmp_path / "backup").rglob("keys*"))
    assert not list((tmp_path / "backup").rglob("language*"))
    with pytest.raises(StoreError, match="new or empty"), marketofone.open(project, now=now) as bank:
        bank.backup(tmp_path / "backup")


@pytest.mark.sqlite
def test_a_backup_verifies_alone_and_with_the_key_store_everything_is_back(
    project: Path, tmp_path: Path, now: Instant
) -> None:
    with marketofone.open(project, now=now) as bank:
        live(bank, NAME, now=now)
        bank.backup(tmp_path / "backup")
        profile = bank.profile(NAME, now=now)
    with marketofone.open(tmp_path / "backup", read_only=True) as copy:
        assert copy.verify().ok
        with pytest.raises(StoreError, match="cannot be opened"):
            copy.profile(NAME, now=now)
    shutil.copytree(project / wiring.KEYS, tmp_path / "backup" / wiring.KEYS)
    with marketofone.open(tmp_path / "backup", now=now) as restored:
        assert restored.verify().ok
        assert restored.profile(NAME, now=now) == profile


def test_an_erasure_leaves_chains_that_verify_and_nothing_that_can_be_read(bank: Bank, now: Instant) -> None:
    live(bank, NAME, now=now)
    live(bank, OTHER, now=now)

    done = bank.erase(NAME, ground=GROUND, now=Instant(now + HOUR))

    with pytest.raises(UnknownCustomer):
        bank.profile(NAME, now=Instant(now + HOUR))
    with pytest.raises(UnknownDecision):
        bank.decision(f"decision-of-{NAME}")
    with pytest.raises(UnknownCustomer):
        bank.erase(NAME, ground=GROUND, now=Instant(now + HOUR))
    found = bank.verify()
    assert (found.problems, found.forgotten) == ((), 1)
    assert done.n > 3
    replayed = bank.replay()
    assert (replayed.decisions, replayed.differences, replayed.unreplayable) == (2, 0, 1)
    assert bank.profile(OTHER, now=Instant(now + HOUR)).known


def test_late_files_about_somebody_who_was_forgotten_are_turned_away_and_counted(bank: Bank, now: Instant) -> None:
    live(bank, NAME, now=now)
    bank.erase(NAME, ground=GROUND, now=now)
    before = bank.counts()

    report = bank.ingest([*ordinary_months(NAME, until=now, days=4), searched(OTHER, "crib", at=now)], now=now)

    assert (report.rows, report.events, report.dead_letters) == (
        report.events + report.dead_letters,
        1,
        report.rows - 1,
    )
    assert bank.counts()["customers"] == before["customers"] + 1
    with bank.context.store.read() as reader:
        letters = reader.letters(limit=100)
    assert {(letter.shape, letter.raw) for letter in letters} == {("erased", None)}
    with pytest.raises(Refused):
        yes(bank, NAME, now=now)
    assert bank.verify().ok


def test_after_the_end_of_the_bar_somebody_may_come_back_as_somebody_new(bank: Bank, now: Instant) -> None:
    live(bank, NAME, now=now)
    done = bank.erase(NAME, ground=GROUND, now=now)

    yes(bank, NAME, now=done.until)

    assert bank.profile(NAME, now=done.until).known == ()


def test_a_backup_of_before_opens_nothing_with_the_key_store_of_today(
    project: Path, projects: Projects, tmp_path: Path, now: Instant
) -> None:
    with marketofone.open(project, now=now) as bank:
        live(bank, NAME, now=now)
        live(bank, OTHER, now=now)
        bank.backup(tmp_path / "backup")
        bank.erase(NAME, ground=GROUND, now=now)
    shutil.copytree(project / wiring.KEYS, projects.to_restore(tmp_path / "backup") / wiring.KEYS)

    with marketofone.open(tmp_path / "backup", now=now) as restored:
        assert restored.profile(OTHER, now=now).known
        with pytest.raises(UnknownCustomer):
            restored.profile(NAME, now=now)
        with restored.context.store.read() as reader:
            gone = [of for of in reader.subjects(limit=10) if restored.context.keys.customer(of) is None]
        assert len(gone) == 1
        assert restored.replay().differences == 0


def test_no_dead_letter_in_a_backup_of_before_opens_with_the_key_store_of_today(
    project: Path, projects: Projects, tmp_path: Path, now: Instant
) -> None:
    rows = [malformed_payment(NAME), malformed_payment(OTHER)]
    with marketofone.open(project, now=now) as bank:
        bank.ingest(rows, now=now)
        bank.backup(tmp_path / "backup")
        bank.erase(NAME, ground=GROUND, now=now)
    shutil.copytree(project / wiring.KEYS, projects.to_restore(tmp_path / "backup") / wiring.KEYS)

    with marketofone.open(tmp_path / "backup", now=now) as restored, restored.context.store.read() as reader:
        snapshot = restored.context.snapshot(reader)
        letters = reader.letters(limit=9)
        assert all(letter.raw for letter in letters)
        assert [row_of(restored.context, snapshot, letter, now=now) for letter in letters] == [rows[1], None]


def test_another_process_learns_of_an_erasure_at_once(project: Path, now: Instant) -> None:
    with marketofone.open(project, now=now) as one, marketofone.open(project, now=now) as other:
        live(one, NAME, now=now)
        assert other.profile(NAME, now=now).known

        one.erase(NAME, ground=GROUND, now=now)

        with pytest.raises(UnknownCustomer):
            other.profile(NAME, now=now)
        assert other.ingest([searched(NAME, "crib", at=now)], now=now).dead_letters == 1


def test_who_was_one_person_with_somebody_forgotten_goes_on_alone(bank: Bank, now: Instant) -> None:
    live(bank, NAME, now=now)
    live(bank, OTHER, now=now)
    link = IdentityLinked(key_kind="national_id_hash", key="same")
    bank.ingest([happened(who, link, at=now) for who in (NAME, OTHER)], now=now)
    later = Instant(now + DAY)
    bank.decide(OTHER, occasion="app.opened", now=later)
    bank.erase(NAME, ground=GROUND, now=later)

    assert bank.profile(OTHER, now=later).known
    bank.decide(OTHER, occasion="app.opened", now=Instant(later + DAY))
    replayed = bank.replay()
    assert (replayed.differences, replayed.unreplayable) == (0, 2)
    assert bank.verify().problems == ()


def test_a_process_that_looks_in_the_middle_of_an_erasure_has_forgotten_the_key_afterwards(
    project: Path, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with marketofone.open(project, now=now) as one, marketofone.open(project, now=now) as other:
        live(one, NAME, now=now)
        destroy = one.context.keys.destroy
        seen: list[str] = []

        def look_first(*args: Any, **more: Any) -> bool:
            seen.extend(other.context.keys.find((NAME,)))
            with pytest.raises(UnknownCustomer):
                other.profile(NAME, now=now)
            assert not other.verify().ok
            return destroy(*args, **more)

        monkeypatch.setattr(one.context.keys, "destroy", look_first)
        one.erase(NAME, ground=GROUND, now=now)

        assert seen == [NAME]
        assert other.context.keys.find((NAME,)) == {}
        assert other.verify().problems == ()


def test_an_erasure_that_is_asked_for_again_before_it_is_finished_ends_the_journal_once(
    bank: Bank, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(bank, NAME, now=now)
    live(bank, OTHER, now=now)
    destroy = bank.context.keys.destroy

    def ask_again_first(*args: Any, **more: Any) -> bool:
        monkeypatch.setattr(bank.context.keys, "destroy", destroy)
        bank.erase(NAME, ground=GROUND, now=now)
        return destroy(*args, **more)

    monkeypatch.setattr(bank.context.keys, "destroy", ask_again_first)
    bank.erase(NAME, ground=GROUND, now=now)

    assert recorded(bank, "erasure") == 1
    assert bank.counts() == {"customers": 1, "events.admitted": len(kept_events(bank, OTHER))}
    assert bank.verify().problems == ()


def test_nobody_who_was_forgotten_a_moment_ago_gets_a_new_key(bank: Bank, now: Instant) -> None:
    live(bank, NAME, now=now)
    done = bank.erase(NAME, ground=GROUND, now=now)

    assert bank.context.keys.enrol((NAME, OTHER), now=now).keys() == {OTHER}
    assert bank.context.keys.enrol((NAME,), now=done.until).keys() == {NAME}


def test_no_memory_holds_what_was_read_of_who_was_forgotten_in_any_process(project: Path, now: Instant) -> None:
    with marketofone.open(project, now=now) as bank, marketofone.open(project, now=now) as beside:
        live(bank, NAME, now=now)
        bank.profile(NAME, now=now)
        assert beside.profile(NAME, now=now).known
        assert how_many_remembered() > 0

        bank.erase(NAME, ground=GROUND, now=now)
        assert how_many_remembered() == 0

        assert clean_name("CARD PAYMENT THE CORNER SHOP 4711") == "The Corner Shop"
        with pytest.raises(UnknownCustomer):
            beside.profile(NAME, now=now)
        assert how_many_remembered() == 0


@pytest.mark.sqlite
def test_after_an_erasure_no_file_of_the_bank_holds_name_text_account_or_key(project: Path, now: Instant) -> None:
    """All files are searched, their logs too, while the bank is open and once it is closed; the key store as well."""
    with marketofone.open(project, now=now) as bank:
        live(bank, NAME, now=now)
        live(bank, OTHER, now=now)
        opened = AccountOpened(account=ACCOUNT, product="current_account", currency="EUR", number=IBAN)
        bank.ingest([happened(NAME, opened, at=now)], now=now)
        bank.ingest([malformed_payment(NAME)], now=now)
        bank.rights.export(NAME, now=now)
        wrapped = wrapped_key(project, bank.context.keys.find((NAME,))[NAME].subject)
        assert wrapped in bytes_of(project)
        bank.erase(NAME, ground=GROUND, now=now)
        open_still = bytes_of(project)
    words = (
        *map(str.encode, (NAME, TEXT, "furious", ACCOUNT, IBAN, f"account-{NAME}", f"decision-of-{NAME}")),
        wrapped,
    )
    for kept in (open_still, bytes_of(project)):
        assert [word for word in words if word in kept] == []


def bytes_of(project: Path) -> bytes:
    """Give all that lies in a bank project's data and key store, logs of databases too."""
    files = [file for of in (wiring.DATA, wiring.KEYS) for file in (project / of).rglob("*") if file.is_file()]
    language = [file for file in files if file.name.startswith("language")]  # phrases of our own, the same in each bank
    return b"".join(file.read_bytes() for file in files if file not in language)


def wrapped_key(project: Path, subject: int) -> bytes:
    """Give the bytes under which the key of a customer rests."""
    with closing(sqlite3.connect(project / wiring.KEYS / FILE)) as connection:
        (row,) = connection.execute("SELECT wrapped FROM customers WHERE subject = ?", (subject,)).fetchall()
    return bytes(row[0])
