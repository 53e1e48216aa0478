"""Whoever is decided for in a batch gets the decision they would get alone, whatever kind of person they are."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from situations import NOW, pays, says, sent, shares, spends

import marketofone
from bank_projects import keep_half_for_control
from marketofone import Bank
from marketofone.domain.decision import Decision, Request
from marketofone.domain.errors import MarketOfOneError
from marketofone.domain.moment import HOUR, MINUTE, Instant

BUDGET = "budget = { contacts_a_day = 2 }\n"


@pytest.fixture
def banks(project: Path, tmp_path: Path) -> Iterator[tuple[Bank, Bank]]:
    """Open a bank with people of every kind, and a copy of it, which draws the same lots."""
    keep_half_for_control(project)
    actions = project / "actions.toml"
    actions.write_text(_with_budgets(actions.read_text(encoding="utf-8")), encoding="utf-8")
    with marketofone.open(project, now=NOW) as bank:
        furnish(bank)
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    with ExitStack() as stack:
        yield (
            stack.enter_context(marketofone.open(project, now=NOW)),
            stack.enter_context(marketofone.open(copy, now=NOW)),
        )


def _with_budgets(text: str) -> str:
    """Give every action but doing nothing a budget that is soon used up."""
    nothing, *others = re.split(r"(?m)^(?=id = )", text)
    return nothing + "".join(other if other.startswith('id = "nothing"') else BUDGET + other for other in others)


def furnish(bank: Bank) -> None:
    """Let people of every kind live there: who allows all, some or nothing, is in need, or said no to something."""
    for name in ("all", "upset", "told", "one", "other"):
        says(bank, name)
    says(bank, "some", purpose="insights")
    says(bank, "no", "withdraw")
    known = ("all", "some", "no", "upset", "told", "one", "other")
    bank.ingest([row for name in known for row in spends(name, days=10)], now=NOW)
    bank.ingest([sent("app.opened", name, at=NOW - HOUR) for name in (*known, "unheard")], now=NOW)
    bank.ingest([sent("message.received", "upset", at=NOW - MINUTE, text="this is too much")], now=NOW)
    bank.ingest([pays("upset", -900, "shopping", at=NOW - minute * MINUTE) for minute in range(2, 10)], now=NOW)
    for number in range(3):
        made = bank.decide("told", occasion="app.opened", id=f"before-{number}", now=NOW)
        bank.outcome(made.id, "declined", now=NOW)
    shares(bank, "k", "one", "other")


def asked() -> list[Request]:
    """Ask about everybody, twice, of slates too; about somebody unknown; and in words that the bank does not know."""
    everybody = ("all", "some", "no", "upset", "told", "one", "other", "unheard", "nobody")
    later = Instant(NOW + MINUTE)
    return [
        Request(id=f"{name}-{slots}", customer=name, occasion="app.opened", channel=channel, at=later, slots=slots)
        for slots in (1, 3)
        for name, channel in ((name, "pigeon" if (name, slots) == ("some", 3) else "app") for name in everybody)
    ]


def alone(bank: Bank, request: Request) -> Decision | MarketOfOneError:
    try:
        return bank.decide_all([request])[0]
    except MarketOfOneError as refused:
        return refused


def test_a_batch_gives_the_decisions_that_are_given_one_by_one(banks: tuple[Bank, Bank]) -> None:
    together = banks[0].decide_each(asked())
    each = [alone(banks[1], request) for request in asked()]

    assert [type(one) for one in together] == [type(one) for one in each]
    for one, other in zip(together, each, strict=True):
        if isinstance(one, Decision):
            assert msgspec.msgpack.encode(one) == msgspec.msgpack.encode(other)
    made = [one for one in together if isinstance(one, Decision)]
    assert len({one.assignment for one in made}) > 1
    assert any(one.below for one in made)
    assert {"stress", "cool_off", "budget"} <= {rail for one in made for rail in one.guardrails}
    assert banks[0].replay().differences == 0
