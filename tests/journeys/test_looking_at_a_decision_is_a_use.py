"""Whoever looks at a decision that was made reads what it rests on again: one use, by whoever looked, and none of what
is not told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import ConsentRefused
from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.projection.records import UseRecord
from marketofone.services.rights import history

WHO = "c-1"
Look = Callable[[Bank, Instant], object]


@pytest.fixture
def decided(bank: Bank, allow: Callable[..., None], now: Instant) -> Bank:
    for customer in (WHO, "other"):
        allow(customer)
        bank.decide(customer, occasion="app.opened", id=f"d-{customer}", now=now)
    return bank


def uses_of(bank: Bank, customer: str = WHO) -> list[UseRecord]:
    owner = bank.context.keys.find((customer,))[customer]
    with bank.context.store.read() as reader:
        return [codec.read(entry, box=owner.box) for entry in reader.entries(owner.subject, kinds=("use",))]


LOOKS: dict[str, Look] = {
    "given again": lambda bank, now: bank.decision(f"d-{WHO}", now=now),
    "decided under the same id": lambda bank, now: bank.decide(WHO, occasion="app.opened", id=f"d-{WHO}", now=now),
    "what would have changed it": lambda bank, now: bank.otherwise(f"d-{WHO}", now=now),
    "traced": lambda bank, now: history.shown_decision(bank.context, f"d-{WHO}", now=now),
    "explained": lambda bank, now: history.explained(bank.context, f"d-{WHO}", now=now, changes=True),
    "the latest of a person": lambda bank, now: history.recent_decisions(bank.context, customer=WHO, limit=8, now=now),
    "the latest of all": lambda bank, now: history.recent_decisions(bank.context, customer=None, limit=8, now=now),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_look_at_a_decision_is_one_use_of_what_it_rests_on(decided: Bank, now: Instant, look: Look) -> None:
    decided.context.actor = "somebody who looks"
    before = uses_of(decided)

    look(decided, now)

    (used,) = uses_of(decided)[len(before) :]
    made = decided.decision(f"d-{WHO}", now=now)
    assert (used.actor, set(used.uses)) == ("somebody who looks", set(made.uses))


def test_who_is_among_the_latest_of_all_has_a_use_each(decided: Bank, now: Instant) -> None:
    history.recent_decisions(decided.context, customer=None, limit=8, now=now)

    assert [len(uses_of(decided, customer)) for customer in (WHO, "other")] == [1, 1]


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_look_at_what_is_not_told_any_more_uses_nothing(decided: Bank, now: Instant, look: Look) -> None:
    every = ("*",)
    no = ConsentChange(customer=WHO, change="withdraw", purposes=every, sources=every, channels=every, since=now)
    decided.consent(no, now=now)

    with suppress(ConsentRefused):
        look(decided, now)

    assert uses_of(decided) == []
