"""What counts of the payments of a customer of a bank project."""

from __future__ import annotations

from pathlib import Path

import marketofone
from marketofone.services.runtime.population import DataScope, load_person


def counted(project: Path, customer: str) -> dict[tuple[str, str], tuple[int, int]]:
    """Give how many payments count on each account here, in each currency, and what they add up to."""
    with marketofone.open(project) as bank, bank.context.store.read() as reader:
        snapshot, now = bank.context.snapshot(reader), bank.now()
        asked = DataScope("insights", frozenset({"transactions"}), now, now)
        accounts = load_person(snapshot, snapshot.person(customer), asked).accounts()
    found = {(one.name, one.currency): (int((one.amounts != 0).sum()), int(one.amounts.sum())) for one in accounts}
    return {account: told for account, told in found.items() if told[0]}
