"""Kill -9 in the middle of a history: what was acknowledged is there, and what was under way happened or did not."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from histories import CUSTOMERS, START, Differs, Operation, drawn, same, wrong_in
from processes import Child, Tell
from product import Product, answered, as_decided
from reference import Decided, No, ReferenceBank

from marketofone.domain.decision import Decision

LEFT_OUT = frozenset({"erase", "reopen", "learning", "learn", "roll_back"})


def kill(seed: int, template: Path, *, steps: int) -> str:
    """Run a history in a process of its own and kill it; gives what is wrong afterwards, empty when nothing is."""
    rng = random.Random(seed)
    operations = [one for one in drawn(seed, steps=steps) if one[0] not in LEFT_OUT]

    def check(folder: Path) -> None:
        answers = _run_until_killed(folder, operations, seconds=rng.uniform(0.02, 0.6))
        _check(folder, operations, answers)

    return wrong_in(template, check)


def _run_until_killed(folder: Path, operations: Sequence[Operation], *, seconds: float) -> list[Any]:
    child = Child(partial(_run, folder, operations))
    child.next()
    time.sleep(seconds)
    child.kill()
    told = child.rest()
    child.end()
    return told


def _run(folder: Path, operations: Sequence[Operation], tell: Tell) -> None:
    product = Product(folder)
    tell("ready")
    for one in operations:
        tell(acknowledged(product, one))
    time.sleep(60)


def acknowledged(product: Product, operation: Operation) -> Any:
    """Do something; gives the decision that was made, or whether it was refused."""
    name, arguments = operation
    answer = answered(lambda: getattr(product, name)(**arguments))
    return as_decided(answer) if isinstance(answer, Decision) else isinstance(answer, No)


def _check(folder: Path, operations: Sequence[Operation], answers: Sequence[Any]) -> None:
    model = ReferenceBank()
    follow(model, operations, answers)
    place = len(answers)
    now = operations[max(0, place - 1)][1].get("now", START)
    product = Product(folder)
    try:
        found = {customer: product.visible(customer, now=now) for customer in CUSTOMERS}
        possible = [model, *_one_more(model, operations[place])] if place < len(operations) else [model]
        expected = [{customer: one.visible(customer, now=now) for customer in CUSTOMERS} for one in possible]
        if found not in expected:
            for customer in CUSTOMERS:
                same(expected[0][customer], found[customer], f"after {place} of {len(operations)}, killed: {customer}")
        check_proof(product, "after a kill")
    finally:
        product.close()


def check_proof(product: Product, where: str) -> None:
    """Check that a replay finds no difference, and that the bank verifies.

    Raises
    ------
    Differs
    """
    same(0, product.bank.replay().differences, f"replay {where}")
    verified = product.bank.verify()
    if not verified.ok:
        raise Differs(f"verify {where}: {verified}")


def follow(model: ReferenceBank, operations: Sequence[Operation], answers: Sequence[Any]) -> None:
    """Let the model do what was acknowledged."""
    for (name, arguments), answer in zip(operations, answers, strict=False):
        _follow(model, name, arguments, answer)


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
