"""A version goes from the shadow to a share of people to everybody, only where it is shown to be worth more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import pytest

import marketofone
from allowing import everything
from bank_projects import Projects, keep_nobody_for_control
from marketofone.bank import Bank
from marketofone.domain.decision import Request
from marketofone.domain.errors import MalformedRequest, Refused, UnknownVersion
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import Outcome
from marketofone.learn.off_policy.difference import Compared, ValueDifference, value_difference
from marketofone.projection import codec
from marketofone.projection.bank_state import BankState, Trial
from marketofone.projection.records import DecisionRecord, PromotionRecord, Stage
from marketofone.projection.versions import AFFINITY
from marketofone.services.learning import promotions
from marketofone.services.rights.promotion_service import Promotion, change_of, evidence
from marketofone.store.ports import BANK

START = Instant(1_767_600_000_000_000)
DAYS = 6
PEOPLE = tuple(f"c-{number:02}" for number in range(40))
ACTIONS = """\
channels = ["app"]

[occasions."app.opened"]
channel = "app"
begun_by = "customer"
"""
ACTION = """
[[actions]]
id = "{name}"
kind = "insight"
title = "{name}"
text = "One of two."
value_minor = 2000
cost_minor = 1
chance = 0.6
"""


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.day = 0

    def __call__(self) -> Instant:
        return Instant(START + self.day * DAY)


def lay_out(projects: Projects, folder: Path) -> Path:
    """Lay a bank out that may do two things, which it believes to be alike; people like one of them only.

    It declares that most people accept them: what all accept is not distrusted then.
    It draws every fourth decision by lot: the policy itself draws so little that a week of 40 people proves nothing.
    """
    projects.lay_out(folder)
    keep_nobody_for_control(folder)
    settings = (folder / "bank.toml").read_text(encoding="utf-8")
    (folder / "bank.toml").write_text(settings.replace("exploration = 0.02", "exploration = 0.25"), encoding="utf-8")
    text = ACTIONS + ACTION.format(name="liked") + ACTION.format(name="disliked")
    (folder / "actions.toml").write_text(text, encoding="utf-8")
    guardrails = (folder / "guardrails.toml").read_text(encoding="utf-8")
    for name in ("marketing", "contacts", "same_action"):
        guardrails = re.sub(rf"(?m)^{name} = .*$", f"{name} = {{ per_day = 99, per_week = 99 }}", guardrails)
    (folder / "guardrails.toml").write_text(guardrails, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def lived(lasting_projects: Projects, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a bank that keeps what it believed at first, has learned what people like, and decided on since."""
    folder, clock = lay_out(lasting_projects, tmp_path_factory.mktemp("lived") / "bank"), Clock()
    with marketofone.open(folder, now=START, clock=clock, random=Random(3).randbytes) as bank:
        bank.learning.by_itself = False
        bank.consents_given([everything(name, since=START) for name in PEOPLE], now=START)
        promote(bank, 0)
        live_a_day(bank, clock)
        bank.learn(now=clock())
        for _ in range(DAYS):
            live_a_day(bank, clock)
    return folder


@pytest.fixture(scope="module")
def on_trial(lived: Path, lasting_projects: Projects, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the same bank with what it learned on trial, for three of ten people."""
    folder, clock = lasting_projects.copy(lived, tmp_path_factory.mktemp("tried") / "bank"), later()
    with marketofone.open(folder, now=clock(), clock=clock) as bank:
        promote(bank, learned(bank), share=0.3)
    return folder


def later() -> Clock:
    """Give a time at which what was decided has its answers."""
    clock = Clock()
    clock.day = 1 + DAYS + 40
    return clock


@pytest.fixture
def clock() -> Clock:
    return later()


@pytest.fixture
def tried(on_trial: Path, projects: Projects, tmp_path: Path, clock: Clock) -> Iterator[Bank]:
    with marketofone.open(projects.copy(on_trial, tmp_path / "tried"), now=clock(), clock=clock) as bank:
        bank.learning.by_itself = False
        yield bank


@pytest.fixture
def bank(lived: Path, projects: Projects, tmp_path: Path, clock: Clock) -> Iterator[Bank]:
    with marketofone.open(projects.copy(lived, tmp_path / "bank"), now=clock(), clock=clock) as bank:
        bank.learning.by_itself = False
        yield bank


def live_a_day(bank: Bank, clock: Clock, *, people: Sequence[str] = PEOPLE) -> None:
    """Decide for everybody, and let them answer."""
    clock.day += 1
    at = clock()
    requests = [
        Request(id=f"{name}-{clock.day}", customer=name, occasion="app.opened", channel="app", at=at) for name in people
    ]
    made = [one for one in bank.decide_all(requests) if one.action != "nothing"]
    outcomes = [
        Outcome(decision=one.id, verdict="accepted" if one.action == "liked" else "ignored", at=at) for one in made
    ]
    bank.record_outcomes(outcomes, now=at)


def promote(bank: Bank, version: int, *, to: Stage | None = None, share: float | None = None) -> None:
    bank.promote(Promotion(version=version, stage=to, share=share))


def state(bank: Bank) -> BankState:
    with bank.context.store.read() as reader:
        return bank.context.snapshot(reader).bank


def learned(bank: Bank) -> int:
    """Give the first version that learned of outcomes."""
    return min(number for number, info in state(bank).versions.items() if info.lessons)


def versions_used(bank: Bank, *, day: int) -> dict[str, int]:
    """Say by which version each person was decided for on a day."""
    used = {}
    with bank.context.store.read() as reader:
        for owner in bank.context.keys.find(PEOPLE).values():
            for entry in reader.entries(owner.subject, kinds=("decision",)):
                record: DecisionRecord = codec.read(entry, box=owner.box)
                if record.decision.at == START + day * DAY:
                    used[owner.name] = record.rests_on.version
    return used


def test_what_was_learned_waits_in_the_shadow_once_a_version_is_kept(bank: Bank) -> None:
    assert state(bank).version == learned(bank) != 0
    assert state(bank).decides == 0
    assert set(versions_used(bank, day=3).values()) == {0}
    assert {one.version: one.stage for one in bank.versions()} == {learned(bank): "shadow"}


@pytest.mark.slow
def test_a_version_goes_step_by_step_and_where_it_is_worth_less_it_is_refused(bank: Bank, clock: Clock) -> None:
    version = learned(bank)

    with pytest.raises(Refused, match="for a share of people first"):
        promote(bank, version, to="full")
    promote(bank, version, share=0.3)
    live_a_day(bank, clock)
    promote(bank, version)
    for _ in range(DAYS):
        live_a_day(bank, clock)
    clock.day += 40

    assert set(versions_used(bank, day=clock.day - 40).values()) == {version}
    assert (state(bank).decides, state(bank).trial) == (version, None)
    with pytest.raises(Refused, match=r"does not beat the present version|not enough evidence"):
        promote(bank, 0)
    assert bank.replay().differences == 0
    assert bank.verify().ok


def test_a_trial_decides_for_the_same_share_of_people_each_day_and_is_replayed(tried: Bank, clock: Clock) -> None:
    days = []
    for _ in range(2):
        live_a_day(tried, clock)
        used = versions_used(tried, day=clock.day)
        days.append({name for name, version in used.items() if version == learned(tried)})

    assert days[0] == days[1]
    assert 0 < len(days[0]) < len(PEOPLE) * 0.6
    assert tried.replay().differences == 0


def test_the_journal_holds_on_what_evidence_a_version_was_promoted(bank: Bank) -> None:
    version = learned(bank)
    found = evidence(bank.context, version, now=bank.now())
    step = promotions.next_step(state(bank), version, stage=None, share=None)

    promotions.promote(bank.context, step, value=found, now=bank.now())

    with bank.context.store.read() as reader:
        records = [codec.read(one, box=bank.context.keys.bank) for one in reader.entries(BANK, kinds=("promotion",))]
    record: PromotionRecord = records[-1]
    assert found is not None
    assert record.evidence is not None
    assert (record.version, record.stage, record.share) == (version, "share", 0.05)
    assert (record.evidence.value, record.evidence.low) == (found.value, found.low)
    assert found.rows == DAYS * len(PEOPLE)  # of the first day it learned
    assert found.low > 0.0


def worth_more() -> ValueDifference:
    """Give what speaks for a version, of a log in which it always takes what is worth more."""
    taken, half, nought = (np.arange(2_000) % 2).astype(np.float64), np.full(2_000, 0.5), np.zeros(2_000)
    log = Compared(
        rewards=taken,
        propensities=half,
        targets=taken,
        present=half,
        believed=nought,
        values=nought,
        present_values=nought,
        unsupported=nought,
        persons=np.arange(2_000),
    )
    return value_difference(log, level=0.95, anytime=True)


def step_of(bank: Bank, version: int, *, stage: Stage | None = None) -> promotions.Step:
    return promotions.next_step(state(bank), version, stage=stage, share=None)


def written(bank: Bank, step: promotions.Step, *, value: ValueDifference | None) -> None:
    promotions.promote(bank.context, step, value=value, now=bank.now())


def test_what_is_kept_for_it_decides_must_still_decide_when_that_is_written(bank: Bank, clock: Clock) -> None:
    bank.roll_back(learned(bank))
    step = step_of(bank, learned(bank))
    assert not step.proves  # it is the active one
    bank.learn(now=clock())

    with pytest.raises(Refused, match="another version decides"):
        written(bank, step, value=None)

    assert state(bank).promoted is None
    written(bank, step_of(bank, state(bank).decides), value=None)
    assert state(bank).promoted == max(state(bank).versions)


def test_of_two_promotions_at_once_the_second_is_refused(bank: Bank) -> None:
    step = step_of(bank, learned(bank))
    written(bank, step, value=worth_more())

    with pytest.raises(Refused, match="promoted meanwhile"):
        written(bank, step, value=worth_more())

    assert state(bank).trial == Trial(learned(bank), 0.05, state(bank).n)


def test_a_version_is_compared_with_what_the_bank_follows_as_long_as_it_follows_that(bank: Bank, clock: Clock) -> None:
    bank.roll_back(0)
    live_a_day(bank, clock)
    bank.learn(now=clock())
    followed = state(bank).decides
    step = step_of(bank, learned(bank))
    bank.train(tasks=("recommend",), now=clock())
    assert state(bank).decides != followed

    written(bank, step, value=worth_more())  # it learned on
    written(bank, step_of(bank, learned(bank), stage="shadow"), value=None)
    step = step_of(bank, learned(bank))
    bank.roll_back(0)

    with pytest.raises(Refused, match="another version decides"):
        written(bank, step, value=worth_more())


def test_a_version_of_which_no_decision_tells_is_refused(bank: Bank, clock: Clock) -> None:
    bank.learn(now=clock())
    newest = max(state(bank).versions)

    with pytest.raises(Refused, match="no decision tells of it yet"):
        promote(bank, newest)


def test_one_version_is_tried_at_a_time_and_a_trial_is_ended_without_proof(tried: Bank, clock: Clock) -> None:
    tried.learn(now=clock())

    with pytest.raises(Refused, match=f"version {learned(tried)} is on trial"):
        promote(tried, max(state(tried).versions))
    promote(tried, learned(tried), to="shadow")

    assert (state(tried).trial, state(tried).decides) == (None, 0)


def test_steps_that_are_none_are_refused(bank: Bank) -> None:
    with pytest.raises(UnknownVersion):
        promote(bank, 10_000)
    with pytest.raises(Refused, match="it is not on trial"):
        promote(bank, learned(bank), to="shadow")
    with pytest.raises(Refused, match="for all people already"):
        promote(bank, 0)
    with pytest.raises(MalformedRequest):
        promote(bank, learned(bank), share=0.9)


def test_a_roll_back_ends_promotion_and_decisions_follow_what_is_learned_again(tried: Bank, clock: Clock) -> None:
    tried.roll_back(learned(tried))
    live_a_day(tried, clock)
    tried.learn(now=clock())

    assert (state(tried).promoted, state(tried).trial) == (None, None)
    assert state(tried).decides == max(state(tried).versions)
    assert tried.replay().differences == 0


def test_who_says_no_is_forgotten_by_every_version_in_use(tried: Bank, clock: Clock) -> None:
    version = learned(tried)
    tried.learn(now=clock())  # learning goes on beside the trial

    tried.consent(everything(PEOPLE[0], since=clock(), change="withdraw"), now=clock())
    tried.learn(now=clock())

    assert tried.debt() == 0
    trial = state(tried).trial
    assert trial is not None
    assert trial.version > version  # it took the place of the one that was taught
    assert len({trial.version, state(tried).version}) == 2
    live_a_day(tried, clock)
    assert set(versions_used(tried, day=clock.day).values()) == {0, trial.version}


def test_who_is_forgotten_leaves_the_trial_going_on(tried: Bank, clock: Clock) -> None:
    version = learned(tried)
    live_a_day(tried, clock)
    tried.learn(now=clock())

    tried.erase(PEOPLE[0], ground="asked", now=clock())
    tried.learn(now=clock())

    trial = state(tried).trial
    assert trial is not None
    assert trial.version != version
    report = tried.replay()
    assert (report.differences, tried.verify().ok) == (0, True)
    assert report.unreplayable > 0


def test_what_comes_out_of_the_shadow_takes_over_what_was_trained_meanwhile(bank: Bank, clock: Clock) -> None:
    version = learned(bank)
    bank.train(tasks=("recommend",), now=clock())
    promote(bank, version)

    trial = state(bank).trial
    assert trial is not None
    tried, kept = (bank.context.versions.version(state(bank), number) for number in (trial.version, version))
    assert tried.digests.keys() - kept.digests.keys() == {AFFINITY}
    assert tried.beliefs == kept.beliefs
    with pytest.raises(Refused, match="it decides for all people already"):
        promote(bank, 0)  # what took its place is kept
    promote(bank, version, to="shadow")  # it goes by its old number as well
    assert state(bank).trial is None


def test_a_training_takes_effect_in_every_version_in_use_at_once(tried: Bank, clock: Clock) -> None:
    version = learned(tried)
    tried.learn(now=clock())

    tried.train(tasks=("recommend",), now=clock())
    tried.learn(now=clock())
    live_a_day(tried, clock)

    used = set(versions_used(tried, day=clock.day).values())
    assert used == {state(tried).decides, msgspec.structs.asdict(state(tried))["trial"].version}
    assert used.isdisjoint({0, version})

    tried.erase(PEOPLE[1], ground="asked", now=clock())  # whom the training read
    live_a_day(tried, clock, people=PEOPLE[2:])

    assert used.isdisjoint(versions_used(tried, day=clock.day).values())
    assert tried.replay().differences == 0


def test_the_version_that_decided_differs_in_no_byte(bank: Bank) -> None:
    found = bank.diff(change_of(bank.context, 0))
    assert (found.decisions, found.differ, found.bytes) == ((1 + DAYS) * len(PEOPLE), 0, 0)

    other = bank.diff(change_of(bank.context, learned(bank)))
    assert other.differ
    assert {pair.after for pair in other.instead} <= {"liked", "nothing", "disliked"}
    assert other.value is not None
    assert other.value.finding == "worth more"


def test_a_bank_that_never_promotes_decides_by_what_it_learned_last(
    projects: Projects, tmp_path: Path, clock: Clock
) -> None:
    with marketofone.open(lay_out(projects, tmp_path / "plain"), now=START, clock=clock) as bank:
        for name in PEOPLE[:3]:
            bank.consent(everything(name, since=START), now=START)
        for day in range(3):
            clock.day += 1
            for name in PEOPLE[:3]:
                made = bank.decide(name, occasion="app.opened", id=f"{name}-{day}", now=clock())
                if made.action != "nothing":
                    bank.outcome(made.id, "accepted", now=clock())

        assert state(bank).decides == state(bank).version == max(state(bank).versions)
        assert bank.versions()[0].stage == "full"
