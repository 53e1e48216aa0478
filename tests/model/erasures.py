"""Kill -9 in the middle of an erasure: it can be finished afterwards, and then nothing opens that was erased.

The process dies right after one of the steps of an erasure, or at any moment of it.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from histories import CUSTOMERS, START, drawn, same, wrong_in
from kills import LEFT_OUT, acknowledged, check_proof, follow
from processes import Child, Tell
from product import Product, answered
from recorded import Recorded
from reference import No, ReferenceBank

from marketofone import wiring
from marketofone.store.keyfile import FILE

STEPS = ("barred", "ended", "destroyed", "any moment")
"""Where the process dies: nothing more is taken in; the journal ended; the key is gone and the debt is not paid."""


def kill_erasing(seed: int, template: Path, *, steps: int) -> str:
    """Kill a process while it erases a customer; gives what is wrong afterwards, empty when nothing is."""
    return wrong_in(template, partial(_check, seed=seed, steps=steps))


def _check(folder: Path, *, seed: int, steps: int) -> None:
    operations = [one for one in drawn(seed, steps=steps) if one[0] not in LEFT_OUT]
    now = max([START, *(arguments["now"] for _, arguments in operations)])
    model = ReferenceBank()
    with closing(Product(folder)) as product:
        follow(model, operations, [acknowledged(product, one) for one in operations])
    known = [name for name in CUSTOMERS if model.journals.get(name)]
    if not known:
        return
    rng = random.Random(seed)
    customer, step = rng.choice(known), STEPS[seed % len(STEPS)]
    with closing(Product(folder)) as product:
        key = _wrapped_key(folder, product.bank.context.keys.find((customer,))[customer].subject)
    _kill(folder, customer, step, now=now, seconds=rng.uniform(0, 0.03))
    with closing(Product(folder)) as product:
        _check_between(product, customer, step, now=now)
        done = answered(lambda: product.erase(customer, now=now))
        if step in ("barred", "ended"):
            same(None, done, f"an erasure that was killed after {step!r}, done again")
        model.erase(customer, now=now)
        for name in CUSTOMERS:
            same(model.visible(name, now=now), product.visible(name, now=now), f"{step}: {name}")
        Recorded(product, ()).check()
        check_proof(product, f"after an erasure that was killed after {step!r}")
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    same(False, key in kept, f"{step}: the key of the erased customer is still in a file")


def _kill(folder: Path, customer: str, step: str, *, now: int, seconds: float) -> None:
    child = Child(partial(_erase_and_die, folder, customer, step, now=now))
    child.next()
    if step == "any moment":
        time.sleep(seconds)
        child.kill()
    child.rest()
    child.end()


def _erase_and_die(folder: Path, customer: str, step: str, tell: Tell, *, now: int) -> None:
    product = Product(folder)
    context = product.bank.context
    if step == "barred":
        _dies_after(context.keys, "bar")
    elif step == "ended":
        _dies_after(context.store, "commit")
    elif step == "destroyed":
        _dies_after(context.keys, "destroy")
    tell("ready")
    product.erase(customer, now=now)
    time.sleep(60)


def _dies_after(owner: Any, name: str) -> None:
    whole: Callable[..., Any] = getattr(owner, name)

    def dying(*args: Any, **kwargs: Any) -> None:
        whole(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dying)


def _check_between(product: Product, customer: str, step: str, *, now: int) -> None:
    """An erasure that waits to be finished is told; from its second step on the customer is unknown to all who ask."""
    if step in ("ended", "destroyed"):
        asked = answered(lambda: product.profile(customer, as_of=None, now=now))
        same("UnknownCustomer", asked.name if isinstance(asked, No) else asked, f"a profile after {step!r}")
    if step != "any moment":
        same(step == "destroyed", product.bank.verify().ok, f"verify after {step!r}")


def _wrapped_key(folder: Path, subject: int) -> bytes:
    """Give the bytes under which the key of a customer rests."""
    with closing(sqlite3.connect(folder / wiring.KEYS / FILE)) as connection:
        (row,) = connection.execute("SELECT wrapped FROM customers WHERE subject = ?", (subject,)).fetchall()
    return bytes(row[0])
