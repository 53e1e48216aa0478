"""A process that opens a new bank and works in it, and tells each thing when it was acknowledged, not before."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from documents import CHANNELS, CONSENTED, DAY, HOUR, SOURCES
from interleaved_bank import BEGIN, change
from planted_cuts import FAULTS
from product import event_of
from reference import Happened

import marketofone
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import What
from marketofone.domain.errors import Refused, UnknownCustomer
from marketofone.domain.moment import Instant
from marketofone.store.keyfile import FILE
from marketofone.store.ports import Head

CUSTOMERS = tuple(f"c-{number}" for number in range(5))
ACTS = (
    "grant",
    "grant",
    "grant",
    "withdraw",
    "withdraw",
    "withdraw",
    "arrive",
    "decide",
    "erase",
    "seal",
    "open again",
)
STEPS = 14


class Working:
    """One process at work."""

    def __init__(self, folder: Path, told: int, *, seed: int) -> None:
        self._folder, self._told = folder, told
        self._rng, self._seed = random.Random(seed), seed
        self._bank = self._opened()

    def _opened(self) -> Bank:
        bank = marketofone.open(self._folder, now=Instant(BEGIN))
        self._tell("opened")
        return bank

    def _tell(self, what: str, **more: Any) -> None:
        os.write(self._told, (json.dumps({"what": what, **more}) + "\n").encode())

    def _tell_entry(self, what: str, customer: str, head: Head) -> None:
        self._tell(what, customer=customer, n=head.n, hash=head.hash.hex())

    def work(self) -> None:
        for step in range(STEPS):
            act, customer = self._rng.choice(ACTS), self._rng.choice(CUSTOMERS)
            with suppress(UnknownCustomer, Refused):  # nobody of this name yet, or no more
                self._act(act, customer, step, Instant(BEGIN + step * HOUR))
        self._bank.close()

    def _act(self, act: str, customer: str, step: int, now: Instant) -> None:
        match act:
            case "grant" | "withdraw":
                until = BEGIN + 9 * DAY if act == "grant" else None
                what: What = "grant" if act == "grant" else "withdraw"
                said = change(customer, what, CONSENTED, SOURCES, CHANNELS, since=now, until=until)
                self._tell_entry(act, customer, self._bank.consent_given(said, now=now).entry)
            case "arrive":
                happened = Happened(f"e{self._seed}-{step}", "app.opened", BEGIN - HOUR)
                for head in self._bank.ingest_batch([event_of(customer, happened)], now=now).entries:
                    self._tell_entry(act, customer, head)
            case "decide":
                self._bank.decide(customer, id=f"d{self._seed}-{step}", occasion="opened", channel="app", now=now)
            case "erase":
                key = self._key(customer)
                self._tell("erasing", customer=customer)
                self._bank.erase(customer, ground="asked for it", now=now)
                self._tell("erased", customer=customer, key=key)
            case "seal":
                self._bank.checkpoint(now=now)
            case _:
                self._bank.close()
                self._bank = self._opened()

    def _key(self, customer: str) -> str:
        """Give the bytes under which the key of a customer rests."""
        subject = self._bank.context.keys.find((customer,))[customer].subject if self._knows(customer) else None
        with closing(sqlite3.connect(self._folder / wiring.KEYS / FILE)) as connection:
            row = connection.execute("SELECT wrapped FROM customers WHERE subject = ?", (subject,)).fetchone()
        return "" if row is None else bytes(row[0]).hex()

    def _knows(self, customer: str) -> bool:
        return customer in self._bank.context.keys.find((customer,))


def main() -> None:
    """Work in a folder, with a seed; with a fault planted where one is named."""
    folder, told, seed, fault = sys.argv[1:5]
    file = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with FAULTS[fault](), patch.object(wiring, "_language", lambda *_, **__: None):
        Working(Path(folder), file, seed=int(seed)).work()


if __name__ == "__main__":
    main()
