"""What is learned from everybody together comes only from those who allow it, and only from their past."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from people import happened, ordinary_months, paid

import marketofone
from bank_projects import Projects
from marketofone import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.event import Event
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.money_events import ProductOpened, TransactionBooked
from marketofone.models.forecast import Model
from marketofone.projection.codec import open_state
from marketofone.projection.versions import AFFINITY, FORECAST
from marketofone.services.foresight.forecast import model_of

Allow = Callable[..., None]


def models(bank: Bank) -> dict[str, bytes]:
    with bank.context.store.read() as reader:
        state = bank.context.snapshot(reader).bank
        sealed = {
            name: reader.state(digest)
            for name, digest in bank.context.versions.version(state, state.version).digests.items()
        }
    return {name: open_state(name, body or b"", box=bank.context.keys.bank) for name, body in sealed.items()}


def teach(bank: Bank, customer: str, *, until: Instant, product: str = "savings_plan") -> None:
    bank.ingest(ordinary_months(customer, until=until), now=until)
    bank.ingest([happened(customer, ProductOpened(product=product), at=Instant(until - DAY))], now=until)


def test_nobody_is_learned_from_who_did_not_allow_learning_from_their_payments(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    allow("c-1")
    allow("c-2", purposes=("insights", "personalisation", "marketing", "care"))
    allow("c-3", purposes=("learning",), sources=("app", "messages"))
    for customer in ("c-1", "c-2", "c-3", "c-4"):
        teach(bank, customer, until=now)

    trained = bank.train(now=now)

    assert (trained.people, trained.accounts) == (1, 1)


def test_a_no_to_learning_takes_a_person_out_of_the_next_training(bank: Bank, allow: Allow, now: Instant) -> None:
    for customer in ("c-1", "c-2"):
        allow(customer)
        teach(bank, customer, until=now)
    assert bank.train(now=now).people == 2
    together = models(bank)
    no = ConsentChange(
        customer="c-2", change="withdraw", purposes=("learning",), sources=("*",), channels=("*",), since=now
    )
    bank.consent(no, now=now)

    assert bank.train(now=now).people == 1
    assert models(bank) != together


def busy_accounts(*, until: Instant) -> list[Event]:
    """Live with some accounts for so long that forecasts can be learned from one person."""
    return [
        happened(
            "c-1",
            TransactionBooked(
                account=f"account-{account}",
                amount_minor=-1_000 * (1 + (account * week) % 7),
                currency="EUR",
                category="groceries",
                balance_minor=900_000 - 3_000 * week,
            ),
            at=Instant(until - (7 * week + 1) * DAY),
        )
        for account in range(6)
        for week in range(46, -1, -1)
    ]


@pytest.mark.usefixtures("few_trees")
def test_nothing_is_learned_from_what_had_not_happened_yet(
    project: Path, projects: Projects, now: Instant, tmp_path: Path
) -> None:
    twin = projects.twin(project, tmp_path / "twin")
    tomorrow = Instant(now + DAY)
    past = busy_accounts(until=now)
    later = [
        happened("c-1", ProductOpened(product="credit_card"), at=tomorrow),
        *(paid("c-1", -5_000, "dining", at=Instant(now + day * DAY), balance=7) for day in range(1, 90)),
    ]
    learned = []
    for folder, events in ((project, past), (twin, past + later)):
        with marketofone.open(folder, now=now) as bank:
            yes = ConsentChange(
                customer="c-1", change="grant", purposes=("*",), sources=("*",), channels=("*",), since=now
            )
            bank.consent(yes, now=now)
            bank.ingest(events, now=Instant(now + 100 * DAY))
            bank.train(now=now)
            learned.append(models(bank))

    assert set(learned[0]) == {AFFINITY, FORECAST}
    assert learned[0] == learned[1]


@pytest.mark.usefixtures("few_trees")
def test_what_was_learned_from_people_who_all_said_no_is_given_up_at_the_next_training(
    bank: Bank, now: Instant
) -> None:
    said = {"customer": "c-1", "purposes": ("*",), "sources": ("*",), "channels": ("*",)}
    bank.consent(ConsentChange(change="grant", since=now, **said), now=now)  # type: ignore[arg-type]
    bank.ingest(busy_accounts(until=now), now=now)
    assert bank.train(now=now, tasks=("forecast",)).past_days > 0
    later = Instant(now + DAY)
    bank.consent(ConsentChange(change="withdraw", since=later, **said), now=later)  # type: ignore[arg-type]
    again = bank.train(now=later, tasks=("forecast",))
    assert (again.past_days, again.given_up) == (0, True)
    with bank.context.store.read() as reader:
        assert model_of(bank.context, reader, bank.context.snapshot(reader)) == Model()


def test_a_word_about_consent_holds_from_now_on_or_before_never_from_later(bank: Bank, now: Instant) -> None:
    later = ConsentChange(
        customer="c-1",
        change="withdraw",
        purposes=("*",),
        sources=("*",),
        channels=("*",),
        since=Instant(now + 1),
    )
    with pytest.raises(MalformedRequest) as raised:
        bank.consent(later, now=now)
    assert raised.value.field == "since"
    assert bank.epoch("c-1") == 0


def test_every_grant_ends_by_itself_also_one_on_the_word_of_an_authority(bank: Bank, now: Instant) -> None:
    said = {"purposes": ("*",), "sources": ("*",), "channels": ("*",), "since": now}
    bank.consent(ConsentChange(customer="c-1", change="grant", **said), now=now)  # type: ignore[arg-type]
    authority = {"actor": "importer", "authority": "a contract"}
    bank.consent(ConsentChange(customer="c-2", change="grant", **said, **authority), now=now)  # type: ignore[arg-type]

    ends = {scope.until for scope in bank.consents("c-1", now=now).cells}
    assert ends == {"2027-01-05T08:00:00Z"}
    assert {scope.until for scope in bank.consents("c-2", now=now).cells} == ends


def test_a_product_that_nobody_holds_yet_is_judged_by_what_the_catalogue_says_of_it(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    for number in range(6):
        allow(f"c-{number}")
        teach(bank, f"c-{number}", until=now)
        bank.ingest(
            [happened(f"c-{number}", ProductOpened(product="travel_insurance"), at=Instant(now - DAY))], now=now
        )
    bank.train(now=now, tasks=("recommend",))

    with bank.context.store.read() as reader:
        affinity = bank.context.policy(reader, bank.context.snapshot(reader)).affinity

    assert affinity is not None
    assert affinity.score({"savings_plan"}, "lounge_access") > 0.0  # about travel, as the insurance is
    assert affinity.score({"savings_plan"}, "student_account") == 0.0  # about nothing that anybody holds
