"""The proof that a journey ends with: the journals verify, and every decision in them follows from them."""

from __future__ import annotations

from marketofone import Bank
from marketofone.store.ports import BANK, EntryKind


def recorded(bank: Bank, kind: EntryKind, customer: str | None = None) -> int:
    """Count the entries of a kind in all journals, or in one."""
    with bank.context.store.read() as reader:
        if customer is None:
            subjects = [BANK, *reader.subjects(limit=1_000_000)]
        else:
            subjects = [bank.context.keys.find((customer,))[customer].subject]
        return sum(1 for subject in subjects for _ in reader.entries(subject, kinds=(kind,)))


def proven(bank: Bank) -> None:
    """Check that the journals and what is kept beside them verify, and that a replay finds every decision again."""
    found = bank.verify()
    assert (found.problems, found.ok, found.views_ok) == ((), True, True)
    report = bank.replay()
    assert (report.differences, report.first_difference) == (0, None)
    assert report.decisions == recorded(bank, "decision")
