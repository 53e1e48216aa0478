"""What would have led elsewhere is no part of a decision: it is found when somebody asks, on what was known then."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace
from people import happened, ordinary_months, searched

from marketofone import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.decision import Counterfactual, Decision, Otherwise
from marketofone.domain.event import IdentityLinked
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.projection import codec
from marketofone.projection.person import Person
from marketofone.projection.records import DecisionRecord
from marketofone.services.decisions.otherwise import ANOTHER_RELEASE, GONE
from marketofone.services.decisions.recorded import find_decision
from marketofone.services.runtime.directory import decision_mark
from marketofone.services.runtime.runs import Computed, Written, append

Allow = Callable[..., None]


def lived(bank: Bank, allow: Allow, *customers: str, now: Instant) -> None:
    for customer in customers:
        allow(customer)
        bank.ingest([*ordinary_months(customer, until=now, days=40), searched(customer, "crib", at=now)], now=now)


def asked(bank: Bank, *, now: Instant) -> Decision:
    return bank.decide("c-1", occasion="partner.searched", now=now)


def changeable(bank: Bank, *, now: Instant) -> tuple[Decision, Counterfactual]:
    """Decide until a small change would have led elsewhere: the draw is another for each decision."""
    for _ in range(40):
        made = asked(bank, now=now)
        found = bank.otherwise(made.id, now=now)
        if found.counterfactual is not None:
            return made, found.counterfactual
    raise AssertionError("no small change leads elsewhere")


def written_as(bank: Bank, id: str) -> tuple[DecisionRecord, Person]:  # noqa: A002
    with bank.context.store.read() as reader:
        return find_decision(bank.context, reader, bank.context.snapshot(reader), id, customer=None)


def rewritten(bank: Bank, made: Decision, *, id: str, counterfactual: Counterfactual | None = None) -> None:  # noqa: A002
    """Append a decision again under another id, as an earlier release would have written it."""
    context = bank.context
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
    before, person = written_as(bank, made.id)
    record = replace(before, decision=replace(made, id=id), counterfactual=counterfactual)
    draft = codec.draft("decision", record, subject=person.asked.subject, box=person.asked.box, at=made.at)
    written = Written(draft, record, name=decision_mark(context.keys, id))
    append(context, snapshot, [Computed(person, None, written)])


def test_it_is_told_the_same_however_much_came_since(bank: Bank, allow: Allow, now: Instant) -> None:
    lived(bank, allow, "c-1", now=now)
    made, first = changeable(bank, now=now)
    assert first.action != made.action

    later = Instant(now + DAY)
    bank.outcome(made.id, "declined", now=later)
    bank.learn(now=later)
    bank.ingest(ordinary_months("c-1", until=later, days=20), now=later)

    assert bank.otherwise(made.id, now=later) == Otherwise(counterfactual=first)
    assert bank.decision(made.id) == made


def test_it_is_not_told_once_the_decision_may_not_be_shown(bank: Bank, allow: Allow, now: Instant) -> None:
    lived(bank, allow, "c-1", now=now)
    made = asked(bank, now=now)
    every = ("*",)
    no = ConsentChange(
        customer="c-1", change="withdraw", purposes=every, sources=every, channels=every, since=Instant(now + HOUR)
    )
    bank.consent(no, now=Instant(now + HOUR))

    found = bank.otherwise(made.id, now=Instant(now + HOUR))

    assert found.counterfactual is None
    assert "you said no" in found.untold


def test_it_cannot_be_told_once_what_the_version_learned_is_destroyed(bank: Bank, allow: Allow, now: Instant) -> None:
    lived(bank, allow, "c-1", "c-2", "c-3", now=now)
    bank.train(now=now, tasks=("recommend",))
    made = asked(bank, now=now)
    assert not bank.otherwise(made.id, now=now).untold

    bank.erase("c-3", ground="asked", now=Instant(now + HOUR))

    assert bank.otherwise(made.id, now=Instant(now + HOUR)) == Otherwise(untold=GONE)


def test_what_an_earlier_release_wrote_with_a_decision_is_told_as_it_stands(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    lived(bank, allow, "c-1", now=now)
    made = asked(bank, now=now)
    told = Counterfactual(change="spending: 3 instead of 2", action="tea")

    rewritten(bank, made, id="d-2", counterfactual=told)

    assert bank.otherwise("d-2", now=now) == Otherwise(counterfactual=told)


def test_nothing_is_told_of_a_decision_that_comes_out_another_way_now(bank: Bank, allow: Allow, now: Instant) -> None:
    lived(bank, allow, "c-1", now=now)
    made = asked(bank, now=now)

    rewritten(bank, replace(made, propensity=made.propensity / 2), id="d-2")

    assert bank.otherwise("d-2", now=now) == Otherwise(untold=ANOTHER_RELEASE)


def test_a_decision_is_written_without_it(bank: Bank, allow: Allow, now: Instant) -> None:
    lived(bank, allow, "c-1", now=now)
    made, _ = changeable(bank, now=now)

    record, _ = written_as(bank, made.id)

    assert record.counterfactual is None


def test_it_is_told_of_a_person_of_several_ids(bank: Bank, allow: Allow, now: Instant) -> None:
    lived(bank, allow, "c-1", "c-2", now=now)
    link = IdentityLinked(key_kind="email_hash", key="same")
    bank.ingest([happened(who, link, at=now) for who in ("c-1", "c-2")], now=now)

    made, found = changeable(bank, now=now)

    assert found.action != made.action
