"""A customer takes along what is theirs, and a bank that takes it in knows them as the first one did."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from people import happened, kept_events, live_states, ordinary_months, paid, rent_uncovered, searched, wrote

import marketofone
from allowing import everything
from bank_projects import Projects
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.cli import main
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.decision import Decision
from marketofone.domain.delegation import Delegation
from marketofone.domain.errors import MalformedDocument, Refused, StoreError, UnknownCustomer
from marketofone.domain.event import (
    CustomerBorn,
    EventRemoved,
    IdentityLinked,
    InferenceCorrected,
    LifeDeclared,
    PlaceVisited,
)
from marketofone.domain.moment import DAY, HOUR, Instant, text_of
from marketofone.domain.money_events import AccountOpened, OpenBankingBalance, OpenBankingLicensed
from marketofone.services.decisions.inputs import permits_of
from marketofone.services.intake.ingest import BatchReport, ingest
from marketofone.services.rights import import_customer
from marketofone.web.app import build_app
from proofs import proven, recorded

with warnings.catch_warnings():  # Starlette would rather have httpx2; its test client works with httpx
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

START = Instant(1_767_600_000_000_000)
LATER = Instant(START + DAY)
MADE_HERE = ("journal", "decisions", "outcomes", "uses")
"""Parts that tell what one bank did."""


class Two(NamedTuple):
    """The bank of before, and the one that takes in."""

    old: Bank
    new: Bank


@pytest.fixture(scope="module")
def lasting(lasting_projects: Projects, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("two")
    with (
        marketofone.open(lasting_projects.lay_out(folder / "old"), now=START) as old,
        marketofone.open(lasting_projects.lay_out(folder / "new"), now=START) as new,
    ):
        old.learning.by_itself = new.learning.by_itself = False  # so that both decide by the same version
        yield Two(old, new)


@pytest.fixture
def two(projects: Projects, tmp_path: Path) -> Iterator[Two]:
    with (
        marketofone.open(projects.lay_out(tmp_path / "old"), now=START) as old,
        marketofone.open(projects.lay_out(tmp_path / "new"), now=START) as new,
    ):
        old.learning.by_itself = new.learning.by_itself = False
        yield Two(old, new)


def live(bank: Bank, customer: str, *, now: Instant = START) -> None:
    """Live for months, say yes and no, be decided for, and answer."""
    bank.consent(everything(customer, since=now), now=now)
    bank.ingest(ordinary_months(customer, until=now), now=now)
    bank.ingest(
        [wrote(customer, "I am furious about the mortgage!", at=now), searched(customer, "crib", at=now)], now=now
    )
    said = ConsentChange(
        customer=customer,
        change="withdraw",
        purposes=("marketing",),
        sources=("messages",),
        channels=("email",),
        since=now,
    )
    bank.consent(said, now=now)
    for number in range(4):
        at = Instant(now + number * HOUR)
        decision = bank.decide(customer, occasion="app.opened", id=f"{customer}-{number}", now=at)
        if decision.action != "nothing":
            bank.outcome(
                decision.id, "declined" if number % 2 else "accepted", why="not now", now=at, customer=customer
            )
            if number > 1:  # and changes their mind
                bank.outcome(
                    decision.id, "accepted" if number % 2 else "declined", now=Instant(at + HOUR), customer=customer
                )


def take(bank: Bank, customer: str, *, now: Instant = LATER) -> bytes:
    return msgspec.json.encode(bank.rights.export(customer, now=now))


def part(bank: Bank, customer: str, *, now: Instant = LATER) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(take(bank, customer, now=now))
    return told


def moved(two: Two, customer: str, *, now: Instant = LATER, **more: Any) -> import_customer.Imported:
    return two.new.rights.bring(take(two.old, customer, now=now), now=now, **more)


def own(told: dict[str, Any], *, name: str) -> dict[str, Any]:
    """Give what is a customer's own of a document: without what one bank did, and when it wrote it down.

    Of events that were refused without being kept nothing can be taken in, and what nobody allows is not kept.
    """
    text = json.dumps({part: value for part, value in told.items() if part not in MADE_HERE}, sort_keys=True)
    document: dict[str, Any] = json.loads(text.replace(json.dumps(told["customer"]), json.dumps(name)))
    for one in (*document["consents"], *document["events"], *document["identity"]):
        del one["recorded"]
    for one in document["events"]:
        del one["judged"]
    document["events"] = [one for one in document["events"] if "event" in one]
    document["inferences"].pop("forecast")
    return document


def scores(decision: Decision) -> list[tuple[str, float, float]]:
    return [(one.action, one.mean, one.spread) for one in decision.candidates]


def fates(decision: Decision) -> list[tuple[str, bool, str]]:
    return [(one.action, one.stage in ("scored", "chosen"), one.why) for one in decision.candidates]


def gates(bank: Bank, customer: str, *, now: Instant = LATER) -> dict[str, Any]:
    """Give for each channel and role what may be used, and why not the rest."""
    with bank.context.store.read() as reader:
        snapshot = bank.context.snapshot(reader)
        person = snapshot.person(customer)
    return {
        f"{channel} {role}": (sorted(opened.sources), dict(opened.refused), opened.epoch)
        for channel in snapshot.config.policy.channels
        for role, opened in permits_of(person, config=snapshot.config, channel=channel, now=now).items()
    }


def same_people(two: Two, customer: str, *, now: Instant = LATER) -> None:
    """Check that both banks know the same of a customer, open the same, and score the same."""
    assert two.new.profile(customer, now=now) == two.old.profile(customer, now=now)
    assert live_states(two.new, customer, now=now) == live_states(two.old, customer, now=now)
    old, new = (bank.consents(customer, now=now) for bank in two)
    assert (new.epoch, new.cells, new.licences) == (old.epoch, old.cells, old.licences)
    assert gates(two.new, customer, now=now) == gates(two.old, customer, now=now)
    before, here = (bank.decide(customer, occasion="app.opened", now=now) for bank in two)
    assert scores(here) == scores(before)
    assert fates(here) == fates(before)


def test_profile_features_consents_gates_and_scores_are_equal_afterwards(two: Two) -> None:
    live(two.old, "c-1")

    taken = moved(two, "c-1")

    assert (taken.consents, taken.not_kept, taken.duplicates) == (2, 0, 0)
    assert taken.events == len(kept_events(two.old, "c-1"))
    same_people(two, "c-1")
    assert any(one.action == "nothing" for one in two.new.decide("c-1", occasion="app.opened", now=LATER).candidates)
    proven(two.new)


def test_a_no_of_before_keeps_its_action_away_here_too(two: Two) -> None:
    live(two.old, "c-1")
    said = part(two.old, "c-1")["history"]
    assert {answer["verdict"] for shown in said["shown"] for answer in shown.get("answers", ())} == {
        "accepted",
        "declined",
    }

    moved(two, "c-1")

    assert part(two.new, "c-1")["history"] == said
    assert recorded(two.new, "history", "c-1") == 1


def test_the_same_file_again_is_all_duplicates(two: Two) -> None:
    live(two.old, "c-1")
    file = take(two.old, "c-1")
    first = two.new.rights.bring(file, now=LATER)

    again = two.new.rights.bring(file, now=LATER)

    assert (again.consents, again.events, again.links) == (0, 0, 0)
    assert again.duplicates == first.consents + first.events


def dying_after(pieces: int) -> Callable[..., Any]:
    """Give an intake that takes some pieces in, and then dies."""
    left = iter(range(pieces))

    def take_in(*args: Any, **more: Any) -> Any:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return ingest(*args, **more)

    return take_in


@pytest.mark.parametrize("pieces", [0, 2])
def test_an_import_that_was_killed_half_way_opens_no_more_and_is_finished_by_the_same_file(
    two: Two, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    live(two.old, "c-1")
    file = take(two.old, "c-1")
    with monkeypatch.context() as patch:
        patch.setattr(import_customer, "MAX_BATCH", 50)
        patch.setattr(import_customer, "ingest", dying_after(pieces))
        with pytest.raises(KeyboardInterrupt):
            two.new.rights.bring(file, now=LATER)
    assert gates(two.new, "c-1") == gates(two.old, "c-1")

    taken = two.new.rights.bring(file, now=LATER)

    assert (taken.consents, taken.events) == (0, len(kept_events(two.old, "c-1")) - 50 * pieces)
    same_people(two, "c-1")


def test_another_name_is_taken_for_all_of_it(two: Two) -> None:
    live(two.old, "c-1")

    two.new.rights.bring(take(two.old, "c-1"), customer="somebody/new", now=LATER)

    assert own(part(two.new, "somebody/new"), name="x") == own(part(two.old, "c-1"), name="x")
    with pytest.raises(UnknownCustomer):
        two.new.profile("c-1", now=LATER)


def test_reading_all_of_it_is_a_use_like_any_other(two: Two) -> None:
    live(two.old, "c-1")
    before = recorded(two.old, "use", "c-1")

    take(two.old, "c-1")

    assert recorded(two.old, "use", "c-1") == before + 1
    used = {(use.purpose, use.source) for use in two.old.uses("c-1") if use.day == text_of(LATER)[:10]}
    sources = {"transactions", "app", "messages", "life_events"}
    assert {source for purpose, source in used if purpose == "right of access"} == sources
    with pytest.raises(UnknownCustomer):
        two.old.rights.export("nobody", now=LATER)


def test_nothing_is_given_away_when_the_use_cannot_be_recorded(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    live(two.old, "c-1")
    monkeypatch.setattr(two.old.context.store, "commit", lambda _: (_ for _ in ()).throw(StoreError("no space left")))

    for asked in (two.old.rights.export, two.old.rights.contents):
        with pytest.raises(StoreError, match="no space"):
            asked("c-1", now=LATER)


def test_what_was_withdrawn_is_in_it_and_is_kept_elsewhere_only_where_a_bank_must(two: Two) -> None:
    live(two.old, "c-1")
    two.old.consent(everything("c-1", since=LATER, change="withdraw"), now=LATER)
    told = part(two.old, "c-1")
    assert {one["kind"] for one in told["events"]} >= {"message.received", "partner.searched", "transaction.booked"}

    taken = moved(two, "c-1")

    assert {one.source for one in kept_events(two.new, "c-1")} == {"transactions"}
    assert taken.not_kept == sum(one["source"] != "transactions" for one in told["events"])
    assert two.new.rights.bring(take(two.old, "c-1"), now=LATER).not_kept == taken.not_kept
    same_people(two, "c-1")


def test_a_licence_stays_a_ceiling(two: Two) -> None:
    two.old.consent(everything("c-1", since=START), now=START)
    licence = OpenBankingLicensed(institution="other", scopes=("balances",), until=None, marketing=False)
    balance = OpenBankingBalance(institution="other", account="1", balance_minor=5_000, currency="EUR")
    two.old.ingest([happened("c-1", licence, at=START), happened("c-1", balance, at=START)], now=START)

    moved(two, "c-1")

    assert part(two.new, "c-1")["licences"] == part(two.old, "c-1")["licences"] != []
    same_people(two, "c-1")


def test_an_age_goes_with_them_before_any_yes_opens_anything(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    live(two.old, "c-1")
    two.old.ingest([happened("c-1", CustomerBorn(born=date(2015, 3, 1)), at=START)], now=START)
    monkeypatch.setattr(import_customer, "_ingested", lambda *_, **__: BatchReport())  # killed

    two.new.rights.bring(take(two.old, "c-1"), now=LATER)

    assert "under_age" in {cell.state for cell in two.new.consents("c-1", now=LATER).cells}
    assert not two.new.permit("c-1", purpose="marketing", now=LATER).sources
    monkeypatch.undo()
    taken = moved(two, "c-1")
    assert taken.consents == 0
    same_people(two, "c-1")
    proven(two.new)


def test_who_acts_for_them_goes_with_them_and_beats_no_more_noes_there(two: Two) -> None:
    live(two.old, "c-1")
    for name, until in (("Ann", Instant(START + 9 * DAY)), ("Bob", Instant(START + HOUR))):
        told = Delegation(name=name, authority="power_of_attorney", may="change", until=until, evidence="deed 7")
        two.old.rights.appoint("c-1", told, now=START)
    no = everything("c-1", since=START, change="withdraw")
    two.old.consent(msgspec.structs.replace(no, purposes=("care",)), now=START)
    lent = msgspec.structs.replace(everything("c-1", since=Instant(START + 1)), delegate="Ann")
    two.old.consent(lent, now=Instant(START + 1))

    moved(two, "c-1")

    assert [one.delegation for one in two.new.rights.delegates("c-1", now=LATER)] == [
        one.delegation for one in two.old.rights.delegates("c-1", now=LATER)
    ]
    assert part(two.new, "c-1")["consents"][-1]["delegate"] == "Ann"
    assert not two.new.permit("c-1", purpose="care", now=LATER).sources
    same_people(two, "c-1")
    proven(two.new)


def test_a_delegate_of_a_file_that_breaks_its_contract_is_named_by_place_and_field(two: Two) -> None:
    live(two.old, "c-1")
    told = Delegation(name="Ann", authority="guardian", may="view", until=Instant(START + 9 * DAY), evidence="deed 7")
    two.old.rights.appoint("c-1", told, now=START)
    document = json.loads(take(two.old, "c-1"))
    del document["delegates"][0]["evidence"]
    with pytest.raises(MalformedDocument, match=r"delegates\[0\].evidence: empty"):
        two.new.rights.bring(json.dumps(document).encode(), now=LATER)


def test_what_was_taken_back_stays_taken_back(two: Two) -> None:
    live(two.old, "c-1")
    wrong = paid("c-1", -700_000, "travel", at=START)
    two.old.ingest([wrong], now=START)
    gone = EventRemoved(type="transaction.booked", id=wrong.id)
    two.old.ingest([happened("c-1", gone, at=START)], now=START)

    moved(two, "c-1")

    same_people(two, "c-1")


def test_what_they_say_is_wrong_about_them_goes_with_them(two: Two) -> None:
    live(two.old, "c-1")
    two.old.ingest([happened("c-1", LifeDeclared(event="move"), at=START)], now=START)
    for inference, wrong in (("life.move", True), ("interest.child", True), ("stress", True), ("stress", False)):
        correction = InferenceCorrected(inference=inference, wrong=wrong)
        two.old.ingest([happened("c-1", correction, at=START)], now=START)

    moved(two, "c-1")

    said = [(one["of"], one["wrong"]) for one in part(two.new, "c-1")["corrections"]]
    assert said == [("life.move", True), ("interest.child", True), ("stress", True), ("stress", False)]
    told = {one.inference: one.wrong for one in two.new.rights.inferences("c-1", now=LATER)}
    assert told == {one.inference: one.wrong for one in two.old.rights.inferences("c-1", now=LATER)}
    assert (told["life.move"], told["stress"]) == (True, False)
    same_people(two, "c-1")
    proven(two.new)


def test_an_objection_and_a_pause_go_with_them(two: Two) -> None:
    live(two.old, "c-1")
    for change in (
        ConsentChange(customer="c-1", change="object", since=START),
        ConsentChange(customer="c-1", change="pause", purposes=("insights",), since=START),
    ):
        two.old.consent(change, now=START)

    moved(two, "c-1")

    assert {"objected", "paused"} < {cell.state for cell in two.new.consents("c-1", now=LATER).cells}
    same_people(two, "c-1")
    again = Instant(START + 31 * DAY)
    assert two.new.consents("c-1", now=again).cells == two.old.consents("c-1", now=again).cells


def grant(customer: str, *, since: Instant, until: Instant) -> ConsentChange:
    return ConsentChange(
        customer=customer, change="grant", purposes=("*",), sources=("*",), channels=("*",), since=since, until=until
    )


def test_a_yes_that_has_ended_stays_ended_and_keeps_its_moments(two: Two) -> None:
    two.old.consent(grant("c-1", since=Instant(START - 9 * DAY), until=LATER), now=START)
    after = Instant(LATER + DAY)

    moved(two, "c-1", now=after)

    (said,) = part(two.new, "c-1", now=after)["consents"]
    assert (said["since"], said["until"]) == (text_of(Instant(START - 9 * DAY)), text_of(LATER))
    assert said["recorded"] == text_of(after)
    assert {cell.state for cell in two.new.consents("c-1", now=after).cells} == {"expired"}


def joint(bank: Bank) -> None:
    """Let Anna and Boris hold an account together; Boris has one of his own, writes, and is decided for."""
    opening = AccountOpened(account="joint", product="current_account", currency="EUR")
    alone = AccountOpened(account="secret", product="current_account", currency="EUR")
    for who in ("anna", "boris"):
        bank.consent(everything(who, since=START), now=START)
        bank.ingest([happened(who, opening, at=Instant(START - 30 * DAY))], now=START)
    bank.ingest([happened("boris", alone, at=Instant(START - 30 * DAY))], now=START)
    bank.ingest([wrote("boris", "my secret surprise", at=START)], now=START)
    for number, who in enumerate(("anna", "boris", "anna")):
        event = paid(who, -1_000 * (number + 1), "groceries", at=Instant(START - number * DAY), balance=50_000)
        data = msgspec.structs.replace(event.data, account="joint")
        bank.ingest([msgspec.structs.replace(event, data=data)], now=START)
    bank.decide("boris", occasion="app.opened", id="boris-1", now=START)


def test_of_a_joint_account_goes_what_its_holder_sees_and_nothing_else_of_the_other(two: Two) -> None:
    joint(two.old)
    subject = two.old.context.keys.find(("boris",))["boris"].subject

    told = take(two.old, "anna").decode()

    assert told.count("transaction.booked") >= 3
    assert [word for word in ("boris", "secret", str(subject), "surprise") if word in told] == []


def test_holders_of_a_joint_account_are_taken_in_one_after_the_other_when_the_second_names_the_first(two: Two) -> None:
    joint(two.old)
    moved(two, "anna")
    with pytest.raises(MalformedDocument, match="another customer holds here"):
        moved(two, "boris")
    assert "boris" not in two.new.context.keys.find(("boris",))

    moved(two, "boris", sharing=("anna",))

    for who in ("anna", "boris"):
        assert two.new.profile(who, now=LATER) == two.old.profile(who, now=LATER)
        assert gates(two.new, who) == gates(two.old, who)
    proven(two.new)


def test_of_a_person_of_several_ids_each_is_taken_by_itself_and_together_they_are_who_they_were(two: Two) -> None:
    link = IdentityLinked(key_kind="national_id_hash", key="same-person")
    for who, word in (("anna", "first"), ("boris", "second")):
        two.old.consent(everything(who, since=START), now=START)
        two.old.ingest(
            [*ordinary_months(who, until=START, days=60), wrote(who, f"the {word} letter", at=START)], now=START
        )
        two.old.ingest([happened(who, link, at=START)], now=START)
    two.old.decide("anna", occasion="app.opened", id="of-both", now=START)
    subject = two.old.context.keys.find(("boris",))["boris"].subject

    told = take(two.old, "anna").decode()

    assert "the first letter" in told
    assert [word for word in ("boris", "the second letter", str(subject)) if word in told] == []
    document = json.loads(told)
    assert [one["event"]["data"]["key"] for one in document["identity"]] == ["same-person"]
    assert "because" not in document["decisions"][0]["decision"]
    assert document["decisions"][0]["withheld"] == document["inferences"]["withheld"] != ""

    moved(two, "anna")
    moved(two, "boris", sharing=("anna",))

    for who in ("anna", "boris"):
        assert two.new.profile(who, now=LATER) == two.old.profile(who, now=LATER)
        assert gates(two.new, who) == gates(two.old, who)
    proven(two.new)


def test_what_was_told_ahead_by_what_another_id_told_stays_with_that_id(two: Two) -> None:
    causes: dict[str, set[str]] = {}
    for number in range(4):  # a few, for the lot decides for some people
        names = f"anna-{number}", f"boris-{number}"
        for who in names:
            two.old.consent(everything(who, since=START), now=START)
            link = IdentityLinked(key_kind="national_id_hash", key=f"person-{number}")
            two.old.ingest([happened(who, link, at=START)], now=START)
        two.old.ingest(rent_uncovered(names[1], until=START), now=START)
        two.old.forecast(names[0], now=START)
        two.old.intervene([names[0]], now=START)
        with two.old.context.store.read() as reader:
            contacts = two.old.context.snapshot(reader).person(names[0]).own.contacts
        causes[names[0]] = {said.notification.cause for said in contacts if said.notification is not None}

    assert any(causes.values())
    for name, found in causes.items():
        told = take(two.old, name).decode()
        assert [cause for cause in found if cause in told] == []


def test_who_is_known_already_or_was_forgotten_is_not_taken_in(two: Two) -> None:
    live(two.old, "c-1")
    file = take(two.old, "c-1")
    two.new.consent(everything("c-1", since=START, change="withdraw"), now=START)
    with pytest.raises(MalformedDocument, match="knows already"):
        two.new.rights.bring(file, now=LATER)
    assert {cell.state for cell in two.new.consents("c-1", now=LATER).cells} == {"withdrawn"}

    two.new.erase("c-1", ground="asked", now=LATER)
    with pytest.raises(Refused, match="forgotten"):
        two.new.rights.bring(file, now=LATER)


Bend = Callable[[dict[str, Any]], object]


def sets(where: str, value: object) -> Bend:
    """Bend a document at a place."""

    def bend(document: dict[str, Any]) -> None:
        *path, last = [int(step) if step.isdigit() else step for step in where.split(".")]
        at: Any = document
        for step in path:
            at = at[step]
        at[last] = value

    return bend


def counted_in_francs(told: dict[str, Any]) -> None:
    """Let a value that was reported count in another currency than this bank does."""
    told["currency"] = "CHF"
    told["history"]["answers"][0]["value_minor"] = 700


@pytest.mark.parametrize(
    ("bend", "field", "shape"),
    [
        (sets("format", 2), "format", "another number"),
        (sets("customer", "a b"), "customer", "str"),
        (sets("extra", 1), "extra", "a field this kind does not have"),
        (lambda told: told.pop("consents"), "consents", "missing"),
        (sets("consents.0.change", "whisper"), "consents[0].change", "none of the known words"),
        (sets("consents.0.mood", "good"), "consents[0].mood", "a field this kind does not have"),
        (sets("consents.1.purposes", ["*"]), "consents[1].purposes", "*"),
        (sets("consents.0.sources", []), "consents[0].sources", "an empty list"),
        (sets("consents.0.since", "2026-13-01T00:00:00Z"), "consents[0].since", ""),
        (sets("consents.0.since", "2031-01-01T00:00:00Z"), "consents[0].since", "a moment in the future"),
        (sets("consents.0.until", "2199-01-01T00:00:00Z"), "consents[0].until", "later than 365 days from now"),
        (lambda told: told["consents"][0].pop("until"), "consents[0].until", "missing"),
        (sets("consents.1.until", "2026-03-01T00:00:00Z"), "consents[1].until", "an end"),
        (sets("consents.1.change", "pause"), "consents[1].until", "missing"),
        (sets("consents.1.recorded", "2020-01-01T00:00:00Z"), "consents[1].recorded", "earlier than the one before"),
        (sets("events.3.event.subject", "c-2"), "events[3].event.subject", "not the customer of this file"),
        (sets("events.0.event.data", {"device": 7}), "events[0].event.data.device", "str"),
        (sets("events.0.event.time", "2031-01-01T00:00:00Z"), "events[0].event.time", "an instant in the future"),
        (sets("events.0.event", "text"), "events[0].event", "no CloudEvent"),
        (sets("events.0.judged", "maybe"), "events[0].judged", "none of the allowed words"),
        (sets("history.shown.0.kind", "threat"), "history.shown[0].kind", "none of the allowed words"),
        (sets("history.shown.0.action", "a b"), "history.shown[0].action", ""),
        (sets("history.answers.0.seen", 7), "history.answers[0].seen", ""),
        (lambda told: told.pop("currency"), "currency", "missing"),
        (counted_in_francs, "currency", "another one"),
        (sets("history.answers", [{}] * 201), "history.answers", "length"),
        (sets("history.mood", []), "history.mood", "a field this kind does not have"),
        (sets("history.shown.0.at", "2031-01-01T00:00:00Z"), "history.shown[0].at", "a moment in the future"),
        (
            sets("identity.0", {"recorded": "2026-01-05T08:00:00Z", "event": {"subject": "c-1"}}),
            "identity[0].event",
            "",
        ),
    ],
)
def test_a_bad_file_is_refused_with_its_place_and_nothing_is_taken_in(
    brought: tuple[Bank, str], bend: Bend, field: str, shape: str
) -> None:
    bank, text = brought
    document = json.loads(text)
    bend(document)

    with pytest.raises(MalformedDocument) as found:
        bank.rights.bring(json.dumps(document).encode(), now=LATER)

    assert found.value.field.startswith(field)
    assert shape in found.value.shape
    assert found.value.fix
    assert bank.context.keys.subjects() == []


@pytest.fixture(scope="module")
def brought(lasting: Two) -> tuple[Bank, str]:
    """Give a bank that is empty, and a good document."""
    live(lasting.old, "c-1")
    link = happened("c-1", IdentityLinked(key_kind="device", key="phone"), at=START)
    lasting.old.ingest([link], now=START)
    return lasting.new, take(lasting.old, "c-1").decode()


def test_bytes_that_are_no_document_are_refused(two: Two) -> None:
    for raw in (b"", b"[]", b"\xff", b"{" * 9_000, b"null"):
        with pytest.raises(MalformedDocument):
            two.new.rights.bring(raw, now=LATER)


def test_words_that_a_bank_does_not_ask_about_open_nothing_and_are_told(two: Two) -> None:
    live(two.old, "c-1")
    document = part(two.old, "c-1")
    document["consents"][0]["purposes"].append("astrology")
    document["consents"][1]["purposes"] = ["astrology"]
    document["consents"].append({**document["consents"][0], "purposes": ["astrology"]})

    taken = two.new.rights.bring(json.dumps(document).encode(), now=LATER)

    assert (taken.consents, taken.not_asked) == (2, ("astrology",))  # a no is kept though it is about nothing here
    assert "astrology" not in take(two.new, "c-1").decode()


@pytest.mark.sqlite
def test_the_command_and_the_interface_give_the_same_bytes(projects: Projects, tmp_path: Path) -> None:
    project = projects.lay_out(tmp_path / "bank")
    with marketofone.open(project, now=START) as bank:
        live(bank, "c-1")
    wiring.stop_clock(project, LATER)
    shutil.copytree(project, tmp_path / "copy")
    file = tmp_path / "mine.json"

    done = CliRunner().invoke(main, ["rights", "export", "c-1", "--to", str(file), "--bank", str(project)])
    printed = CliRunner().invoke(main, ["rights", "export", "c-1", "--bank", str(project)])
    with marketofone.open(tmp_path / "copy") as bank:
        answer = TestClient(build_app(bank), base_url="http://localhost").get("/v1/customers/c-1/export")

    assert (done.exit_code, printed.exit_code, answer.status_code) == (0, 0, 200)
    assert answer.content == file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    assert json.loads(printed.stdout)["journal"]["entries"] == json.loads(answer.content)["journal"]["entries"] + 1
    again = CliRunner().invoke(main, ["rights", "export", "c-1", "--to", str(file), "--bank", str(project)])
    assert (again.exit_code, "--to" in again.stderr) == (3, True)


@pytest.mark.sqlite
def test_the_command_takes_a_file_in_and_says_what_became_of_it(projects: Projects, tmp_path: Path) -> None:
    old, new, file = projects.lay_out(tmp_path / "old"), projects.lay_out(tmp_path / "new"), tmp_path / "mine.json"
    with marketofone.open(old, now=START) as bank:
        live(bank, "c-1")
        file.write_bytes(take(bank, "c-1"))
    words = ["rights", "import", str(file), "--bank", str(new)]

    first, second = (CliRunner().invoke(main, [*words, "--json"]) for _ in range(2))
    told = CliRunner().invoke(main, [*words, "--customer", "c-2"])

    assert (first.exit_code, second.exit_code, told.exit_code) == (0, 0, 0)
    taken, again = json.loads(first.stdout), json.loads(second.stdout)
    assert (taken["consents"], again["duplicates"]) == (2, taken["consents"] + taken["events"])
    assert "taken in: 2 things said about consent" in told.stdout
    file.write_text('{"format": 1}')
    bad = CliRunner().invoke(main, words)
    assert (bad.exit_code, bad.stderr.startswith("customer: missing")) == (3, True)


WORDS = {
    "purposes": ("insights", "marketing", "care", "learning"),
    "sources": ("transactions", "app", "life_events", "messages", "location"),
    "channels": ("app", "email"),
}

BESIDE = ("object", "lift", "pause", "resume")
"""What is said beside grants and withdrawals."""


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """Draw what happens to somebody: they say yes and no, live, are decided for, and answer."""
    steps: list[tuple[str, Any]] = []
    for _ in range(draw(st.integers(1, 9))):
        match draw(st.sampled_from(("grant", "withdraw", "events", "events", "removed", "decide", *BESIDE))):
            case "grant" | "withdraw" as change:
                words = {
                    of: tuple(draw(st.lists(st.sampled_from(known), min_size=1, unique=True)))
                    for of, known in WORDS.items()
                }
                steps.append((change, words | {"hours": draw(st.integers(1, 100))}))
            case "pause" | "resume" as change:
                steps.append((change, {"purposes": (draw(st.sampled_from(WORDS["purposes"])),)}))
            case "object" | "lift" as change:
                steps.append((change, {}))
            case "events":
                steps.append(("events", draw(st.lists(st.integers(0, 4), min_size=1, max_size=4))))
            case other:
                steps.append((other, draw(st.booleans())))
    return steps


NUMBERS = iter(range(10**6))


@settings(max_examples=15)
@given(steps=lives())
def test_what_is_taken_in_is_taken_along_again_as_it_was(lasting: Two, steps: list[tuple[str, Any]]) -> None:
    name = f"p-{next(NUMBERS)}"
    now = START
    lasting.old.ingest([paid(name, 250_000, "salary", at=START, balance=250_000)], now=START)
    for number, (what, more) in enumerate(steps):
        now = Instant(now + HOUR)
        _step(lasting.old, name, what, more, number=number, now=now)

    now = Instant(now + HOUR)
    told = part(lasting.old, name, now=now)
    taken = lasting.new.rights.bring(json.dumps(told).encode(), now=now)
    again = part(lasting.new, name, now=now)

    kept = [one for one in told["events"] if "event" in one]
    assert taken.events + taken.not_kept == len(kept)
    told["events"] = [one for one in kept if _may_be_kept(lasting.old, name, one["source"], now=now)]
    assert len(told["events"]) == taken.events
    assert own(again, name=name) == own(told, name=name)
    same_people(lasting, name, now=now)


def _may_be_kept(bank: Bank, customer: str, source: str, *, now: Instant) -> bool:
    known = bank.config.policy.sources.get(source)  # type: ignore[call-overload]
    cells = bank.consents(customer, now=now).cells
    is_open = any(cell.source == source and cell.state == "granted" for cell in cells)
    return is_open or known is None or known.kept


def _step(bank: Bank, name: str, what: str, more: Any, *, number: int, now: Instant) -> None:
    data = (
        lambda: paid(name, -1_000 * number - 500, "groceries", at=now, balance=90_000),
        lambda: wrote(name, "I lost my card", at=now),
        lambda: searched(name, "baby crib", at=now),
        lambda: happened(name, PlaceVisited(venue="airport"), at=now),
        lambda: happened(name, LifeDeclared(event="child"), at=now),
    )
    if what == "events":
        bank.ingest([data[one]() for one in more], now=now)
    elif what == "removed":
        wrong = data[0]()
        gone = happened(name, EventRemoved(type="transaction.booked", id=wrong.id), at=now)
        bank.ingest([wrong, gone] if more else [gone, wrong], now=now)
    elif what == "decide":
        made = bank.decide(name, occasion="app.opened", id=f"{name}-{number}", now=now)
        if made.action != "nothing":
            bank.outcome(made.id, "accepted" if more else "declined", now=now, customer=name)
    else:
        words = {of: more[of] for of in WORDS if of in more}
        until = Instant(now + more["hours"] * HOUR) if what == "grant" else None
        bank.consent(ConsentChange(customer=name, change=what, since=now, until=until, **words), now=now)  # type: ignore[arg-type]
