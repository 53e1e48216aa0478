"""Threads and processes ask, answer, send, agree and refuse at once: what is recorded could have happened in a row."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from busy_house import CUSTOMERS, EVERYBODY, NOW, RECOGNISED, STEPS, all_at_once, furnish, prove, roles, sent
from people import ordinary_months

import marketofone
from marketofone import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import ConsentRefused
from marketofone.domain.moment import Instant
from marketofone.store.ports import Head, Unit
from proofs import proven


def one_history(bank: Bank, *, deciders: int, minds: int) -> None:
    kinds = prove(bank)
    assert kinds["decision"] == STEPS * (1 + deciders + minds)  # the shared ids were decided once
    assert kinds["outcome"] == STEPS * deciders
    assert kinds["consent"] == len(EVERYBODY) + 2 * STEPS * minds
    proven(bank)


def counted_events(bank: Bank) -> int:
    return sum(number for name, number in bank.counts().items() if name.startswith("events."))


@pytest.mark.slow
def test_eight_threads_on_one_bank_leave_one_history(bank: Bank) -> None:
    furnish(bank)
    before = counted_events(bank)

    all_at_once(roles(bank, name="alone"))

    one_history(bank, deciders=2, minds=2)
    assert counted_events(bank) == before + STEPS * (len(CUSTOMERS) + len(RECOGNISED))
    assert bank.ingest(sent(0), now=NOW).duplicates == len(CUSTOMERS)
    dining = {known.name: known.value for known in bank.profile("c-2", now=NOW).known}["dining_30d"]
    at_home = sum(1_800 for ago in range(1, 30) if ago % 7 == 1 and ago % 3)
    assert dining == at_home + STEPS * 100


@pytest.mark.slow
def test_two_processes_on_one_bank_leave_one_history(project: Path) -> None:
    with marketofone.open(project, now=NOW) as bank:
        furnish(bank)
        before = counted_events(bank)
    command = [sys.executable, "-c", "from busy_house import main; main()", str(project)]
    here = Path(__file__).parent
    children = [
        subprocess.Popen([*command, name], cwd=here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("first", "second")
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    said = [child.communicate(timeout=600)[0] for child in children]

    assert [child.returncode for child in children] == [0, 0]
    assert said == ["done\n", "done\n"]
    with marketofone.open(project, now=NOW) as bank:
        one_history(bank, deciders=4, minds=2)
        assert counted_events(bank) == before + STEPS * (len(CUSTOMERS) + 2 * len(RECOGNISED))


def test_a_withdrawal_acknowledged_after_the_question_was_asked_is_obeyed_by_the_answer(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(bank)
    commit = bank.context.store.commit
    said: list[str] = []

    def commit_after_a_withdrawal(unit: Unit) -> list[Head]:
        if not said:
            said.append("no")
            later = Instant(NOW + 1)  # a clock that goes on: the no has a later moment than the question
            no = ConsentChange(
                customer="c-0", change="withdraw", purposes=("*",), sources=("*",), channels=("*",), since=later
            )
            bank.consent(no, now=later)
            bank.ingest(ordinary_months("c-0", until=Instant(NOW + 2), days=3), now=Instant(NOW + 2))
        return commit(unit)

    monkeypatch.setattr(bank.context.store, "commit", commit_after_a_withdrawal)
    decision = bank.decide("c-0", occasion="app.opened", now=NOW)

    assert said
    assert {source for _, source in decision.uses} <= {"protection"}
    proven(bank)


def test_a_withdrawal_also_holds_for_questions_about_the_past(bank: Bank) -> None:
    furnish(bank)
    later = Instant(NOW + 10)
    no = ConsentChange(customer="c-0", change="withdraw", purposes=("*",), sources=("*",), channels=("*",), since=later)
    bank.consent(no, now=later)

    assert {source for _, source in bank.decide("c-0", occasion="app.opened", now=later, as_of=NOW).uses} <= {
        "protection"
    }
    with pytest.raises(ConsentRefused):
        bank.forecast("c-0", now=later, as_of=NOW)
