"""Random histories: operations drawn from a seed, run through the product and the reference bank side by side."""

from __future__ import annotations

import random
import shutil
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from documents import CHANNELS, CONSENTED, DAY, GRANT_DAYS, HOUR, MINUTE, OCCASIONS, RULES, SOURCES
from lessons import taught_twice
from product import Product, answered, as_decided, fresh, stages_of
from reference import Happened, No, ReferenceBank, Said

START = 1_767_600_000_000_000  # 2026-01-05T08:00:00Z, a Monday
CUSTOMERS = ("a", "b", "c", "d", "e", "f")
KEYS = ("email_hash:1", "email_hash:2", "email_hash:3", "device:1")
KINDS = ("transaction.booked", "app.opened", "app.failed", "life.declared", "place.visited")
REMOVED, CORRECTED = "event.removed", "inference.corrected"
INFERENCES = ("life.move", "life.move", "stress")
SCOPES = ("*", "offer", "feature", "summary", "card", "rate", "hint")
Operation = tuple[str, dict[str, Any]]


class Differs(AssertionError):
    """The product and the model do not say the same."""


@dataclass
class Drawing:
    """Draws operations. What they name does not depend on what came before, so any of them can be left out."""

    random: random.Random
    now: int = START
    customers: Sequence[str] = CUSTOMERS
    made: list[tuple[str, str]] = field(default_factory=list)
    answered: list[tuple[str, str | None]] = field(default_factory=list)
    events: list[Happened] = field(default_factory=list)
    prefix: str = "e"  # of the ids of events: a producer gives an id to one event only
    weights: dict[str, int] = field(default_factory=lambda: _WEIGHTS)

    def history(self, steps: int) -> list[Operation]:
        """Draw a history; most of it is about two or three people, one of four is about what they answer."""
        self.customers = self.random.sample(CUSTOMERS, self.random.choice((1, 2, 2, 3, 3, 6)))
        if self.random.random() < 0.25:
            self.customers, self.weights = self.customers[:2], _WEIGHTS | _OF_ANSWERS
        return [*self.beginning(), *(self.one() for _ in range(steps))]

    def beginning(self) -> list[Operation]:
        """Say yes to much, mostly: a bank to which nobody says yes has little to do. Often all are one person."""
        said: list[Operation] = [
            (
                "consent",
                {"customer": of, "said": Said(True, ("*",), ("*",), ("*",), None), "since": START, "now": START},
            )
            for of in self.customers
            if self.random.random() < 0.7
        ]
        if self.random.random() < 0.4:
            said += [
                ("link", {"customer": of, "key": KEYS[0], "event": f"first-{of}", "linked": True, "now": START})
                for of in self.customers
            ]
        return [*said, *self.concluded()] if self.random.random() < 0.6 else said

    def concluded(self) -> list[Operation]:
        """Tell of everybody what something is concluded from; some of them say at once that it is wrong."""
        told = [
            (of, Happened(f"{self.prefix}-of-{of}-{number}", kind, START))
            for of in self.customers
            for number, kind in enumerate(("life.declared", "app.failed", "app.failed"))
        ]
        words = [
            (
                of,
                Happened(f"{self.prefix}-of-{of}-wrong", CORRECTED, START, says=(self.random.choice(INFERENCES), True)),
            )
            for of in self.customers
            if self.random.random() < 0.5
        ]
        return [("ingest", {"events": told, "now": START}), ("ingest", {"events": words, "now": START})]

    def one(self) -> Operation:
        """Draw one operation at the next moment. The clock goes on by minutes, hours or days, and may step back."""
        step = self.random.choice((1, MINUTE, MINUTE, HOUR, HOUR, 5 * HOUR, DAY, 2 * DAY, -HOUR, -3 * DAY))
        self.now += step * self.random.choice((1, 1, 2))
        names, weights = zip(*self.weights.items(), strict=True)
        name = self.random.choices(names, weights)[0]
        return name, _DRAW[name](self)

    def customer(self) -> str:
        return self.random.choice(self.customers)

    def earlier(self) -> int:
        return self.now - self.random.choice((0, 1, HOUR, DAY, 3 * DAY, -HOUR))

    def decision(self) -> tuple[str, str | None]:
        customer, name = self.random.choice(self.made or [("a", "d-0")])
        return name, self.random.choice((customer, customer, customer, None, "a"))


def _consent(of: Drawing) -> dict[str, Any]:
    def some(words: Sequence[str]) -> tuple[str, ...]:
        return ("*",) if of.random.random() < 0.5 else tuple(of.random.sample(words, of.random.randint(1, 2)))

    granted = of.random.random() < 0.5
    until = of.random.choice((None, None, of.now + DAY, of.now + 3 * DAY, of.now + (GRANT_DAYS + 1) * DAY, of.now))
    said = Said(granted, some(CONSENTED), some(SOURCES), some(CHANNELS), until if granted else None)
    return {
        "customer": of.customer(),
        "said": said,
        "since": of.now - of.random.choice((0, 0, 0, DAY, 30 * DAY, -HOUR)),
        "now": of.now,
    }


def _objection(of: Drawing) -> dict[str, Any]:
    since = of.now - of.random.choice((0, 0, DAY, -HOUR))
    return {"customer": of.customer(), "stands": of.random.random() < 0.6, "since": since, "now": of.now}


def _resume(of: Drawing) -> dict[str, Any]:
    purposes = () if of.random.random() < 0.5 else tuple(of.random.sample(CONSENTED, of.random.randint(1, 2)))
    since = of.now - of.random.choice((0, 0, DAY, -HOUR))
    return {"customer": of.customer(), "purposes": purposes, "since": since, "now": of.now}


def _pause(of: Drawing) -> dict[str, Any]:
    until = of.random.choice((None, of.now + HOUR, of.now + DAY, of.now + 3 * DAY, of.now + 6 * DAY, of.now))
    return {**_resume(of), "until": until}


def _ingest(of: Drawing) -> dict[str, Any]:
    batch: list[tuple[str, Happened]] = []
    for _ in range(of.random.choice((1, 1, 2, 4))):
        if of.events and of.random.random() < 0.3:
            event = of.random.choice(of.events)
        elif of.random.random() < 0.1:
            if not of.events:  # it is taken back before it comes, if it comes at all
                of.events.append(Happened(f"{of.prefix}-0", KINDS[0], of.now))
            wrong = of.random.choice(of.events)
            event = Happened(f"{of.prefix}-back-{of.random.randint(0, 99)}", REMOVED, of.now, (wrong.key, wrong.kind))
        elif of.random.random() < 0.2:
            says = of.random.choice(INFERENCES), of.random.random() < 0.7
            at = of.now - of.random.choice((0, 0, HOUR, DAY))
            event = Happened(f"{of.prefix}-said-{of.random.randint(0, 99)}", CORRECTED, at, says=says)
        else:
            ago = of.random.choice((0, 0, MINUTE, HOUR, DAY, 9 * DAY, -MINUTE, -HOUR))
            event = Happened(f"{of.prefix}-{len(of.events)}", of.random.choice(KINDS), of.now - ago)
            of.events.append(event)
        batch.append((of.customer(), event))
        if of.random.random() < 0.2:
            batch.append((of.customer(), event))
    return {"events": batch, "now": of.now}


def _link(of: Drawing) -> dict[str, Any]:
    return {
        "customer": of.customer(),
        "key": of.random.choice(KEYS),
        "event": f"l-{of.random.randint(0, 40)}",
        "linked": of.random.random() < 0.6,
        "now": of.now,
    }


def _decide(of: Drawing) -> dict[str, Any]:
    occasion = of.random.choice(list(OCCASIONS))
    channel = OCCASIONS[occasion][0] if of.random.random() < 0.8 else of.random.choice(CHANNELS)
    if of.made and of.random.random() < 0.2:
        customer, name = of.random.choice(of.made)
        customer = customer if of.random.random() < 0.7 else of.customer()
    else:
        customer, name = of.customer(), f"d-{len(of.made)}"
    of.made.append((customer, name))
    return {"customer": customer, "name": name, "occasion": occasion, "channel": channel, "now": of.now}


def _ask(of: Drawing) -> dict[str, Any]:
    occasion = of.random.choice(list(OCCASIONS))
    channel = OCCASIONS[occasion][0]
    return {"customer": of.customer(), "occasion": occasion, "channel": channel, "as_of": of.earlier(), "now": of.now}


def _outcome(of: Drawing) -> dict[str, Any]:
    again = of.answered and of.random.random() < 0.6
    decision, customer = of.random.choice(of.answered[-3:]) if again else of.decision()
    of.answered.append((decision, customer))
    verdict = of.random.choice(("accepted", "accepted", "declined", "declined", "ignored", "valued", "taken_back"))
    value = of.random.choice((700, 700, 700, None)) if verdict == "valued" else of.random.choice((None, None, None, 5))
    as_of = of.random.choice((None, None, None, of.earlier()))
    return {
        "decision": decision,
        "verdict": verdict,
        "why": of.random.choice(("", "", "too often")),
        "value": value,
        "customer": customer,
        "as_of": as_of,
        "now": of.now,
    }


def _rule(of: Drawing) -> dict[str, Any]:
    ruling = of.random.choice(("stop", "resume", "resume", "approve"))
    scope = of.random.choice(SCOPES) if ruling != "approve" else of.random.choice(("rate", "rate", "offer"))
    until = of.now + 2 * DAY if ruling == "approve" else None
    return {"ruling": ruling, "scope": scope, "until": until, "now": of.now}


def _recall(of: Drawing) -> dict[str, Any]:
    decision, customer = of.decision()
    return {"decision": decision, "customer": customer, "now": of.now}


_DRAW: dict[str, Callable[[Drawing], dict[str, Any]]] = {
    "consent": _consent,
    "objection": _objection,
    "pause": _pause,
    "resume": _resume,
    "ingest": _ingest,
    "link": _link,
    "decide": _decide,
    "ask": _ask,
    "outcome": _outcome,
    "rule": _rule,
    "recall": _recall,
    "forecast": lambda of: {"customer": of.customer(), "now": of.now, "show": of.random.random() < 0.4},
    "profile": lambda of: {
        "customer": of.customer(),
        "as_of": of.random.choice((None, of.earlier())),
        "now": of.now,
    },
    "erase": lambda of: {"customer": of.customer(), "now": of.now},
    "learn": lambda of: {"now": of.now},
    "roll_back": lambda of: {"version": of.random.choice((0, 1, 2, 3)), "now": of.now},
    "reopen": lambda of: {"rules": of.random.choice((0, 0, 1, 2, 3))},
    "learning": lambda of: {"on": of.random.random() < 0.5},
}
_WEIGHTS: dict[str, int] = {
    "consent": 14,
    "objection": 4,
    "pause": 4,
    "resume": 1,
    "ingest": 16,
    "link": 8,
    "decide": 26,
    "ask": 5,
    "outcome": 14,
    "rule": 5,
    "recall": 4,
    "forecast": 3,
    "profile": 7,
    "erase": 1,
    "learn": 2,
    "roll_back": 1,
    "reopen": 2,
    "learning": 1,
}


_OF_ANSWERS = {
    "outcome": 60,
    "decide": 40,
    "consent": 3,
    "objection": 1,
    "link": 3,
    "learn": 6,
    "learning": 4,
    "roll_back": 3,
}


class Both:
    """The product and the model, side by side."""

    def __init__(self, template: Path) -> None:
        self.product = Product(fresh(template))
        self.model = ReferenceBank()
        self.now = START

    def close(self) -> None:
        self.product.close()
        shutil.rmtree(self.product.folder)

    def run(self, operations: Sequence[Operation]) -> None:
        """Run a history, compare after each step, and at the end replay every decision.

        Raises
        ------
        Differs
        """
        for place, (name, arguments) in enumerate(operations):
            where = f"step {place}: {name} {arguments}"
            self.step(name, arguments, where=where)
            self.compare(where)
        same([], taught_twice(self.product.bank), "lessons")
        replayed = self.product.bank.replay()
        same(0, replayed.differences, f"replay, {replayed.first_difference}")
        verified = self.product.bank.verify()
        if not verified.ok:
            raise Differs(f"verify: {verified}")

    def step(self, name: str, arguments: dict[str, Any], *, where: str) -> None:
        """Do one thing with both and compare the answers."""
        self.now = arguments.get("now", self.now)
        if name == "decide":
            self.decide(arguments, where)
        elif name == "recall":
            expected = answered(lambda: self.model.recall(**arguments))
            found = answered(lambda: self.product.recall(**arguments))
            same(_plain(expected), _plain(found if isinstance(found, No) else as_decided(found)), where)
        elif name == "outcome":
            same(
                answered(lambda: self.model.outcome(**arguments)),
                found := answered(lambda: self.product.outcome(**arguments)),
                where,
            )
            if not isinstance(found, No) and self.model.learns and self.product.bank.learning.by_itself:
                self.model.learn(now=arguments["now"])
        elif name == "reopen":
            self.product.reopen(RULES[arguments["rules"]])
            self.model.reopen(RULES[arguments["rules"]])
        elif name == "learning":
            self.product.bank.learning.by_itself = arguments["on"]
        elif name == "roll_back":
            expected = answered(lambda: self.model.roll_back(arguments["version"]))
            found = answered(lambda: self.product.roll_back(**arguments))
            if not self.model.forgotten:  # a version that learned from them may be destroyed, and cannot come back
                same(expected, found, where)
        elif name == "forecast":
            expected = answered(lambda: self.model.forecast(**arguments))
            found = answered(lambda: self.product.forecast(**arguments))
            same(isinstance(expected, No) and expected, isinstance(found, No) and found, where)
        else:
            expected = answered(lambda: getattr(self.model, name)(**arguments))
            same(expected, answered(lambda: getattr(self.product, name)(**arguments)), where)

    def decide(self, arguments: dict[str, Any], where: str) -> None:
        """Decide: what the product chose must be open, and everything it says of the others must be so."""
        found = answered(lambda: self.product.decide(**arguments))
        chosen = None if isinstance(found, No) else as_decided(found)
        expected = answered(lambda: self.model.decide(**arguments, chosen=chosen))
        if isinstance(found, No) or isinstance(expected, No):
            same(expected, found, where)
        elif isinstance(expected, tuple) and len(expected) == 3:
            stages, uses, at = expected
            same((stages, uses, at), (stages_of(found), tuple(sorted(found.uses)), int(found.at)), where)
            if stages[found.action] != "open":
                raise Differs(f"{where}: {found.action} was chosen and is {stages[found.action]}")
        else:
            same(_plain(expected), _plain(as_decided(found)), where)

    def compare(self, where: str) -> None:
        """Compare everything that can be seen."""
        for customer in CUSTOMERS:
            expected = self.model.visible(customer, now=self.now)
            found = self.product.visible(customer, now=self.now)
            if expected != found:
                for name in expected:
                    same(expected[name], found.get(name), f"{where}: afterwards {name} of {customer}")
        same(self.model.versions, self.product.versions(), f"{where}: versions")


def _plain(made: Any) -> Any:
    return made if isinstance(made, No) else made._replace(kind="", scale=0, ids=frozenset())


def same(expected: Any, found: Any, where: str) -> None:
    """Compare two answers.

    Raises
    ------
    Differs
    """
    if isinstance(expected, No) and isinstance(found, No):
        expected, found = expected.name, found.name
    if expected == found:
        return
    if isinstance(expected, dict) and isinstance(found, dict):
        names = [name for name in {**expected, **found} if expected.get(name) != found.get(name)][:3]
        expected = {name: expected.get(name) for name in names}
        found = {name: found.get(name) for name in names}
    raise Differs(f"{where}\n  model:   {expected!r}\n  product: {found!r}")


def wrong_in(template: Path, check: Callable[[Path], None]) -> str:
    """Check something in a bank of its own; gives what is wrong, empty when nothing is."""
    folder = fresh(template)
    try:
        check(folder)
    except Differs as differs:
        return str(differs)
    except Exception:  # noqa: BLE001 - a crash is a difference as well
        return traceback.format_exc()
    finally:
        shutil.rmtree(folder)
    return ""


def run(operations: Sequence[Operation], template: Path) -> str:
    """Run a history in a bank of its own; gives what differs, empty when nothing does."""
    both = Both(template)
    try:
        both.run(operations)
    except Differs as differs:
        return str(differs)
    except Exception as error:  # noqa: BLE001 - a crash is a difference as well
        return f"{type(error).__name__}: {error}"
    finally:
        both.close()
    return ""


def shrunk(operations: Sequence[Operation], fails: Callable[[Sequence[Operation]], str]) -> list[Operation]:
    """Leave out what a failing history does not need: ever smaller pieces, until none can go."""
    left = list(operations)
    size = max(1, len(left) // 2)
    while True:
        place = 0
        while place < len(left):
            shorter = left[:place] + left[place + size :]
            if fails(shorter):
                left = shorter
            else:
                place += size
        if size == 1:
            return left
        size //= 2


def told(operations: Sequence[Operation]) -> str:
    """Write a history down."""
    return "\n".join(f"  {name} {arguments}" for name, arguments in operations)


def drawn(seed: int, *, steps: int) -> list[Operation]:
    """Draw the history of a seed."""
    return Drawing(random.Random(seed)).history(steps)
