"""Kill -9 in the middle of a history: what was acknowledged is there, and what was under way happened or did not."""

from __future__ import annotations

import copy
import os
import pickle
import random
import shutil
import signal
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from histories import CUSTOMERS, START, Differs, Operation, drawn, same
from product import Product, answered, as_decided, fresh
from reference import Decided, No, ReferenceBank

from marketofone.domain.decision import Decision

LEFT_OUT = frozenset({"erase", "reopen", "learning", "learn", "roll_back"})


def kill(seed: int, template: Path, *, steps: int) -> str:
    """Run a history in a process of its own and kill it; gives what is wrong afterwards, empty when nothing is."""
    rng = random.Random(seed)
    operations = [one for one in drawn(seed, steps=steps) if one[0] not in LEFT_OUT]
    folder = fresh(template)
    try:
        acknowledged = _run_until_killed(folder, operations, seconds=rng.uniform(0.02, 0.6))
        _check(folder, operations, acknowledged)
    except Differs as differs:
        return str(differs)
    finally:
        shutil.rmtree(folder)
    return ""


def _run_until_killed(folder: Path, operations: Sequence[Operation], *, seconds: float) -> list[Any]:
    reading, writing = os.pipe()
    with warnings.catch_warnings():  # the child opens everything anew, so threads of the parent do not matter to it
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            product = Product(folder)
            os.write(writing, b"!")
            for name, arguments in operations:
                answer = answered(lambda n=name, a=arguments: getattr(product, n)(**a))
                told = pickle.dumps(as_decided(answer) if isinstance(answer, Decision) else isinstance(answer, No))
                os.write(writing, len(told).to_bytes(4, "big") + told)
            time.sleep(60)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        pipe.read(1)
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return list(_answers(pipe.read()))


def _answers(told: bytes) -> Iterator[Any]:
    while len(told) >= 4 and len(told) >= 4 + (size := int.from_bytes(told[:4], "big")):
        yield pickle.loads(told[4 : 4 + size])  # noqa: S301 - our own child wrote it
        told = told[4 + size :]


def _check(folder: Path, operations: Sequence[Operation], acknowledged: Sequence[Any]) -> None:
    model = ReferenceBank()
    for (name, arguments), answer in zip(operations, acknowledged, strict=False):
        _follow(model, name, arguments, answer)
    place = len(acknowledged)
    now = operations[max(0, place - 1)][1].get("now", START)
    product = Product(folder)
    try:
        found = {customer: product.visible(customer, now=now) for customer in CUSTOMERS}
        possible = [model, *_one_more(model, operations[place])] if place < len(operations) else [model]
        expected = [{customer: one.visible(customer, now=now) for customer in CUSTOMERS} for one in possible]
        if found not in expected:
            for customer in CUSTOMERS:
                same(expected[0][customer], found[customer], f"after {place} of {len(operations)}, killed: {customer}")
        same(0, product.bank.replay().differences, "replay after a kill")
        verified = product.bank.verify()
        if not verified.ok:
            raise Differs(f"verify after a kill: {verified}")
    finally:
        product.close()


def _one_more(model: ReferenceBank, operation: Operation) -> Iterator[ReferenceBank]:
    name, arguments = operation
    more = copy.deepcopy(model)
    if name == "decide":  # the person was looked ahead for, and not yet decided for
        looked = copy.deepcopy(model)
        answered(lambda: looked.forecast(arguments["customer"], now=arguments["now"]))
        yield looked
    _follow(more, name, arguments, None)
    yield more


def _follow(model: ReferenceBank, name: str, arguments: dict[str, Any], answer: Any) -> None:
    if name == "decide":
        some = Decided(arguments["name"], arguments["occasion"], arguments["channel"], "nothing", "", 0, ())
        chosen = None if answer is True else answer if isinstance(answer, Decided) else some
        answered(lambda: model.decide(**arguments, chosen=chosen))
    elif name not in LEFT_OUT:
        answered(lambda: getattr(model, name)(**arguments))
