"""Everything can be proven: each decision is recomputed to the byte, and an auditor runs no word of the bank's code."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from people import happened, ordinary_months, searched, wrote

import marketofone
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import StoreError
from marketofone.domain.event import IdentityLinked, IdentityUnlinked
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.domain.money_events import ProductOpened
from marketofone.domain.outcome import Verdict
from marketofone.governance.board import Ruling
from marketofone.projection import codec
from marketofone.projection.bank_config import digest_of
from marketofone.projection.records import DocumentRecord
from marketofone.store.ports import BANK, Unit
from proofs import proven, recorded

Allow = Callable[..., None]


def live_a_little(bank: Bank, allow: Allow, *, now: Instant) -> None:
    """Do a little of everything that a journal can hold."""
    for number in range(4):
        customer = f"c-{number}"
        allow(customer, sources=("*",) if number else ("transactions", "app"))
        bank.ingest(ordinary_months(customer, until=now), now=now)
        bank.forecast(customer, now=now)
    bank.rule(Ruling(ruling="stop", scope="insight", by="the board", at=now))
    for step in range(12):
        moment = Instant(now + step * DAY)
        for number in range(4):
            decision = bank.decide(f"c-{number}", occasion="app.opened", id=f"d-{step}-{number}", now=moment)
            if decision.action != "nothing":
                verdict: Verdict = "accepted" if (step + number) % 3 == 0 else "declined"
                bank.outcome(decision.id, verdict, why="not now", now=Instant(moment + HOUR))
                if verdict == "accepted":
                    bank.outcome(decision.id, "valued", value_minor=-2_000, now=Instant(moment + 2 * HOUR))
        if step == 5:
            bank.rule(Ruling(ruling="resume", scope="insight", by="the board", at=moment))
            bank.train(now=moment)
        if step == 8:
            no = ConsentChange(
                customer="c-1",
                change="withdraw",
                purposes=("marketing",),
                sources=("*",),
                channels=("*",),
                since=moment,
            )
            bank.consent(no, now=moment)
        bank.ingest(
            [
                searched("c-2", "baby crib", at=moment),
                wrote("c-3", "I am furious, nobody helps me!", at=moment),
                happened("c-1", ProductOpened(product="credit_card"), at=moment),
            ],
            now=moment,
        )


def test_a_replay_recomputes_every_decision_to_the_byte(bank: Bank, allow: Allow, now: Instant) -> None:
    live_a_little(bank, allow, now=now)

    assert recorded(bank, "decision") == 48
    proven(bank)


def test_a_question_about_the_past_leaves_nothing_to_replay(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    past = bank.decide("c-1", occasion="app.opened", now=now, as_of=Instant(now - 90 * DAY))
    bank.decide("c-1", occasion="app.opened", now=now)

    assert past.at == now - 90 * DAY
    assert recorded(bank, "decision") == 1, "a question about the past is a use, and no contact"
    assert bank.uses("c-1")
    proven(bank)


def test_a_replay_covers_people_who_were_merged_and_split(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    allow("device-9")
    bank.ingest(ordinary_months("device-9", until=now), now=now)
    alone = bank.profile("c-1", now=now).known
    bank.ingest(
        [happened(who, IdentityLinked(key_kind="email_hash", key="d-9"), at=now) for who in ("c-1", "device-9")],
        now=now,
    )
    together = bank.profile("device-9", now=now)
    bank.decide("device-9", occasion="app.opened", now=now)
    bank.ingest([happened("device-9", IdentityUnlinked(key_kind="email_hash", key="d-9"), at=now)], now=now)
    bank.decide("c-1", occasion="app.opened", now=now)

    assert together.person == "c-1"
    spent = {item.name: item.value for item in together.known}["groceries_30d"]
    assert spent == 2 * {item.name: item.value for item in alone}["groceries_30d"]
    assert bank.profile("c-1", now=now).known == alone
    assert [(one.name, one.value) for one in bank.profile("device-9", now=now).known] == [
        (one.name, one.value) for one in alone
    ]
    proven(bank)


def test_a_replay_follows_the_documents_of_its_day(project: Path, now: Instant) -> None:
    yes = ConsentChange(customer="c-1", change="grant", purposes=("*",), sources=("*",), channels=("*",), since=now)
    with marketofone.open(project, now=now) as bank:
        bank.consent(yes, now=now)
        bank.ingest(ordinary_months("c-1", until=now), now=now)
        before = bank.decide("c-1", occasion="app.opened", now=now)
    for name, old, new in (
        ("bank.toml", "exploration = 0.02", "exploration = 0.20"),
        ("features.py", 'window="90d"', 'window="80d"'),
    ):
        path = project / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
    with marketofone.open(project, now=now) as bank:
        after = bank.decide("c-1", occasion="app.opened", now=Instant(now + HOUR))
        bank.ingest(ordinary_months("c-1", until=Instant(now + DAY), days=3), now=Instant(now + DAY))
        bank.decide("c-1", occasion="app.opened", now=Instant(now + DAY))

        assert before.documents != after.documents
        proven(bank)


def test_the_same_id_gives_the_same_decision(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    first = bank.decide("c-1", occasion="app.opened", id="d-1", now=now)
    bank.ingest([searched("c-1", "baby crib", at=now)], now=now)

    assert bank.decide("c-1", occasion="app.opened", id="d-1", now=Instant(now + HOUR)) == first
    assert bank.decision("d-1") == first


def a_bank(folder: Path, *, now: Instant) -> None:
    yes = ConsentChange(customer="c-1", change="grant", purposes=("*",), sources=("*",), channels=("*",), since=now)
    with marketofone.open(folder, now=now) as bank:
        bank.consent(yes, now=now)
        bank.ingest(ordinary_months("c-1", until=now), now=now)
        bank.decide("c-1", occasion="app.opened", now=now)


def test_verification_says_when_there_is_nothing(bank: Bank) -> None:
    found = bank.verify()

    assert found.ok
    assert found.empty
    assert (found.journals, found.entries) == (1, 1)  # the bank's own, with its documents


def test_what_is_not_sealed_yet_is_counted(bank: Bank, allow: Allow) -> None:
    allow("c-1")
    assert bank.verify().unsealed == 2
    bank.context.store.seal()
    allow("c-2")

    found = bank.verify()

    assert (found.sealed, found.unsealed) == (2, 1)


def copied_log(project: Path, copy: Path, *, now: Instant) -> Path:
    """Live in a bank, copy its folder while it is open, and give the log of the copy."""
    with marketofone.open(project, now=now) as bank:
        bank.ingest(ordinary_months("c-1", until=now), now=now)
        shutil.copytree(project, copy)
    (copy / wiring.DATA / "bank.sqlite-shm").unlink()
    return copy / wiring.DATA / "bank.sqlite-wal"


def test_several_processes_find_what_one_finds(project: Path, now: Instant) -> None:
    a_bank(project, now=now)
    with marketofone.open(project, read_only=True) as bank:
        assert bank.verify(workers=2) == bank.verify()


@pytest.mark.sqlite
@pytest.mark.parametrize("at_end", [1, 24, 4_096])
def test_a_log_that_was_cut_is_found(project: Path, tmp_path: Path, now: Instant, at_end: int) -> None:
    copy = tmp_path / "copy"
    with marketofone.open(project, now=now) as bank:
        bank.ingest(ordinary_months("c-1", until=now), now=now)
        no = ConsentChange(
            customer="c-1", change="withdraw", purposes=("*",), sources=("*",), channels=("*",), since=now
        )
        bank.consent(no, now=now)
        shutil.copytree(project, copy)
    log = copy / wiring.DATA / "bank.sqlite-wal"
    (copy / wiring.DATA / "bank.sqlite-shm").unlink()
    with marketofone.open(copy, read_only=True) as bank:
        assert bank.verify().ok
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size - at_end)

    with marketofone.open(copy, read_only=True) as bank:
        assert "log of the database" in bank.verify().problems[0]


@pytest.mark.sqlite
def test_a_byte_altered_in_the_log_is_found(project: Path, tmp_path: Path, now: Instant) -> None:
    copy = tmp_path / "copy"
    log = copied_log(project, copy, now=now)
    written = bytearray(log.read_bytes())
    written[len(written) // 2] ^= 1
    log.write_bytes(written)

    with marketofone.open(copy, read_only=True) as bank:
        assert not bank.verify().ok


@pytest.mark.sqlite
def test_a_commit_at_the_end_of_the_log_does_not_go_away_with_a_bit_of_its_salt(
    project: Path, tmp_path: Path, now: Instant
) -> None:
    copy = tmp_path / "copy"
    log = copied_log(project, copy, now=now)
    written = log.read_bytes()
    page = int.from_bytes(written[8:12], "big")
    frames = list(range(32, len(written), 24 + page))
    ends = [frame for frame in frames if written[frame + 4 : frame + 8] != bytes(4)]
    assert len(ends) > 1
    for begin in (frame + 24 + page for frame in ends[:-1]):
        for place in range(begin + 8, begin + 16):
            log.write_bytes(written[:place] + bytes((written[place] ^ 1,)) + written[place + 1 :])
            with marketofone.open(copy, read_only=True) as bank:
                assert "the log of the database" in bank.verify().problems[0]


@pytest.mark.sqlite
def test_an_empty_or_cut_file_is_refused_in_words(project: Path, now: Instant) -> None:
    a_bank(project, now=now)
    file = project / wiring.DATA / "bank.sqlite"
    whole = file.read_bytes()
    for left in (b"", whole[:50], whole[: len(whole) // 2], whole[:-1]):
        file.write_bytes(left)
        with pytest.raises(StoreError, match="restore it from a copy"):
            marketofone.open(project, read_only=True)


def test_verifying_and_replaying_write_nothing_also_where_nothing_can_be_written(project: Path, now: Instant) -> None:
    a_bank(project, now=now)
    everything = [project, *project.rglob("*")]
    before = {path: path.read_bytes() for path in everything if path.is_file()}
    for path in everything:
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        with marketofone.open(project, read_only=True) as bank:
            assert bank.verify().ok
            assert bank.replay().decisions == 1
        assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before
    finally:
        for path in everything:
            path.chmod(0o700)


def test_code_found_in_a_bank_is_never_run(project: Path, tmp_path: Path, now: Instant) -> None:
    a_bank(project, now=now)
    ran = tmp_path / "ran"
    features = project / "features.py"
    features.write_text(f"open({str(ran)!r}, 'w')\nimport sys; sys.exit(0)\n", encoding="utf-8")

    with marketofone.open(project, read_only=True) as bank:
        assert bank.verify().ok
        assert bank.replay().differences == 0
    assert not ran.exists()


def test_without_the_key_store_the_chains_still_verify(project: Path, tmp_path: Path, now: Instant) -> None:
    a_bank(project, now=now)
    shutil.copytree(project, tmp_path / "copy", ignore=shutil.ignore_patterns(wiring.KEYS))

    with marketofone.open(tmp_path / "copy", read_only=True) as bank:
        found = bank.verify()

    assert found.ok
    assert found.views_ok is None
    assert "without the key store" in found.notes[0]


@pytest.mark.parametrize("code", ["import sys; sys.exit(0)", "FEATURES = open('/tmp/x').read()"])
def test_code_found_in_a_journal_is_never_run_and_is_told(project: Path, now: Instant, code: str) -> None:
    a_bank(project, now=now)
    with marketofone.open(project, now=now) as bank:
        context = bank.context
        with context.store.read() as reader:
            (entry,) = reader.entries(BANK, upto=1)
        texts = {**codec.read(entry, box=context.keys.bank).texts, "features.py": code}
        record = DocumentRecord("somebody", digest_of(texts), texts)
        context.store.commit(
            Unit(now=now, drafts=[codec.draft("document", record, subject=BANK, box=context.keys.bank, at=now)])
        )

    with marketofone.open(project, read_only=True) as bank:
        found = bank.verify()

    assert not found.ok
    assert "features.py" in found.problems[0]
