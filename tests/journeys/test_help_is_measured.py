"""What a permission helps is measured on those who gave it and allow learning, by what they said yes to and kept."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from msgspec.structs import replace
from people import happened

import marketofone
from allowing import everything
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.decide.catalogue import parse_actions
from marketofone.domain.event import Event
from marketofone.domain.help import Help
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.money_events import OpenBankingBalance
from marketofone.domain.outcome import Outcome, Verdict, changes_of
from marketofone.features.catalogue import load_catalogue
from marketofone.learn.help import has_helped
from marketofone.services.rights.help_service import measure_help, measured_help
from proofs import proven, recorded

PEOPLE = [f"c-{number}" for number in range(40)]
DAYS = range(0, 32, 4)
ACTIONS = """
channels = ["app"]

[occasions."app.opened"]
channel = "app"
begun_by = "customer"

[[actions]]
id = "ask_banks"
kind = "nudge"
title = "Your accounts at other banks, too?"
text = "If you like, we look at them for your month."
value_minor = 90_000
chance = 0.9
asks = "open_banking"

[[actions]]
id = "all_accounts"
kind = "KIND"
title = "All accounts in one view"
text = "Here and at other banks."
eligible = "other_bank_accounts >= 1"
value_minor = 900
chance = 0.3

[[actions]]
id = "tip"
kind = "insight"
title = "A tip"
text = "Your month so far."
value_minor = 900
chance = 0.3
"""


@pytest.fixture
def bank(project: Path, now: Instant, request: pytest.FixtureRequest) -> Iterator[Bank]:
    """Open a bank of people who allow everything, for whom is drawn by lot."""
    (project / "actions.toml").write_text(ACTIONS.replace("KIND", request.param), encoding="utf-8")
    path = project / "bank.toml"
    told = path.read_text(encoding="utf-8")
    told = told.replace("control_share = 0.1", "control_share = 1.0").replace("people = 100", "people = 30")
    path.write_text(told, encoding="utf-8")
    with marketofone.open(project, now=now) as bank:
        bank.learning.by_itself = False
        for name in PEOPLE:
            bank.consent(everything(name, since=now), now=now)
        bank.ingest([elsewhere(name, now) for name in PEOPLE], now=now)
        yield bank


def elsewhere(name: str, now: Instant) -> Event:
    data = OpenBankingBalance(account="giro", institution="Other", balance_minor=90_000, currency="EUR")
    return happened(name, data, at=now)


def lived(bank: Bank, now: Instant, *, kept: bool = True) -> Instant:
    """Decide every few days; all of them say yes to what needs the other banks, and some to all else."""
    for day in DAYS:
        at = Instant(now + day * DAY)
        for name in PEOPLE:
            made = bank.decide(name, occasion="app.opened", now=at)
            says_yes = made.action == "all_accounts" or (made.action == "tip" and name[-1] in "37")
            if says_yes:
                bank.outcome(made.id, "accepted", now=at)
            if says_yes and not kept:
                bank.outcome(made.id, "taken_back", now=Instant(at + 1))
    return Instant(now + (DAYS[-1] + 40) * DAY)


def only(found: tuple[Help, ...]) -> Help:
    (one,) = found
    assert one.scope == ("insights", "open_banking")
    return one


@pytest.mark.slow
@pytest.mark.parametrize("bank", ["insight"], indirect=True)
def test_what_people_said_yes_to_with_it_and_had_not_seen_without_it_is_its_help(bank: Bank, now: Instant) -> None:
    later = lived(bank, now)
    assert measured_help(bank.context) == ()
    before, uses = bank.decide("c-0", occasion="app.opened", now=later), recorded(bank, "use")

    found = only(measure_help(bank.context, now=later))

    assert (found.lacks, found.people, found.decisions) == ((), len(PEOPLE), len(PEOPLE) * len(DAYS))
    assert 0.01 < found.low < found.gain < found.high
    assert measured_help(bank.context) == (found,)
    assert recorded(bank, "help") == 1
    assert recorded(bank, "use") == uses + len(PEOPLE)
    bank.consent(narrow("new", later), now=later)
    made = [bank.decide("new", occasion="app.opened", now=later) for _ in range(60)]
    assert sum(len(one.asks) for one in made) == 1
    assert before.asks == ()
    proven(bank)


def narrow(name: str, now: Instant) -> ConsentChange:
    return ConsentChange(
        customer=name,
        change="grant",
        purposes=("insights",),
        sources=("transactions", "app"),
        channels=("app",),
        since=now,
    )


@pytest.mark.slow
@pytest.mark.parametrize("bank", ["offer"], indirect=True)
def test_what_sells_is_no_help(bank: Bank, now: Instant) -> None:
    found = only(measure_help(bank.context, now=lived(bank, now)))

    assert found.low <= 0.01


@pytest.mark.slow
@pytest.mark.parametrize("bank", ["insight"], indirect=True)
def test_a_yes_that_was_taken_back_is_no_help(bank: Bank, now: Instant) -> None:
    found = only(measure_help(bank.context, now=lived(bank, now, kept=False)))

    assert found.low <= 0.01


@pytest.mark.slow
@pytest.mark.parametrize("bank", ["insight"], indirect=True)
def test_nothing_is_measured_on_who_does_not_allow_learning_or_before_answers_have_come(
    bank: Bank, now: Instant
) -> None:
    later = lived(bank, now)
    early = only(measure_help(bank.context, now=Instant(now + (DAYS[-1] + 1) * DAY)))
    assert early.decisions < len(PEOPLE) * len(DAYS)
    for name in PEOPLE:
        bank.consent(
            ConsentChange(
                customer=name,
                change="withdraw",
                purposes=("learning",),
                sources=("open_banking",),
                channels=("*",),
                since=later,
            ),
            now=later,
        )
    uses = recorded(bank, "use")

    found = only(measure_help(bank.context, now=later))

    assert (found.people, found.enough) == (0, False)
    assert recorded(bank, "use") == uses


YES, NO, GIVEN_UP = "accepted", "declined", "taken_back"


@pytest.mark.parametrize(
    ("action", "said", "helped"),
    [
        ("tip", (YES,), True),
        ("tip", (NO, YES), True),
        ("tip", (), False),
        ("tip", (NO,), False),
        ("tip", (YES, NO), False),
        ("tip", (YES, GIVEN_UP), False),
        ("all_accounts", (YES,), False),
        ("ask_banks", (YES,), False),
        ("nothing", (YES,), False),
    ],
)
def test_only_a_kept_yes_to_what_sells_and_asks_for_nothing_helps(
    action: str, said: tuple[Verdict, ...], *, helped: bool
) -> None:
    heard: list[Outcome] = []
    for at, verdict in enumerate(said, start=1):
        one = Outcome(decision="d-1", verdict=verdict, at=Instant(at))
        heard.append(replace(one, changes=changes_of(one, earlier=heard)))
    features = load_catalogue((files("marketofone") / "template" / "features.py").read_text(encoding="utf-8"))
    catalogue = parse_actions(ACTIONS.replace("KIND", "offer"), features=features)

    assert has_helped(catalogue.action(action), heard) is helped
