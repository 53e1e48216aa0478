"""Groups for whom something simpler than the policy chooses: declared, journalled, measured, replayed to the byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import marketofone
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.decide.fixed_order import catalogue_order
from marketofone.domain.decision import Assignment, Decision, Request
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import AppOpened, Event
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.domain.outcome import Outcome
from marketofone.projection import reducer
from marketofone.projection.reducer import SubjectState

GROUPS = """
[groups]
catalogue = 0.2
ranking = 0.2
nothing = 0.2
"""
PEOPLE = [f"p-{number}" for number in range(60)]


def declare(project: Path, text: str = GROUPS) -> None:
    settings = project / "bank.toml"
    settings.write_text(settings.read_text() + text)


@pytest.fixture
def grouped(project: Path, now: Instant) -> Iterator[Bank]:
    declare(project)
    with marketofone.open(project, now=now) as bank:
        bank.learning.by_itself = False
        every = ("*",)
        bank.consents_given(
            [
                ConsentChange(customer=name, change="grant", purposes=every, sources=every, channels=every, since=now)
                for name in PEOPLE
            ],
            now=now,
        )
        visits = [(name, f"{name}-{number}") for name in PEOPLE for number in range(4)]
        bank.ingest(
            [
                Event(
                    id=key, producer="/app", kind="app.opened", customer=name, at=Instant(now - DAY), data=AppOpened()
                )
                for name, key in visits
            ],
            now=now,
        )
        yield bank


def decided(bank: Bank, *, at: Instant) -> list[Decision]:
    return bank.decide_all(
        [Request(id=f"{name}-{at}", customer=name, occasion="app.opened", channel="app", at=at) for name in PEOPLE]
    )


def of(made: list[Decision], group: Assignment) -> list[Decision]:
    return [one for one in made if one.assignment == group]


def first_in(one: Decision, worth: dict[str, float]) -> str:
    options = [of.action for of in one.candidates if of.stage in ("scored", "chosen")]
    return max(options, key=lambda action: worth.get(action, 0.0))


def test_people_are_in_the_groups_that_are_declared_and_stay_there(grouped: Bank, now: Instant) -> None:
    first, later = (decided(grouped, at=Instant(now + hours * HOUR)) for hours in (1, 30))

    assert {one.assignment for one in first} >= {"policy", "catalogue", "ranking", "nothing"}
    assert [one.assignment for one in later] == [one.assignment for one in first]
    replayed = grouped.replay()
    assert (replayed.decisions, replayed.differences) == (2 * len(PEOPLE), 0)


def test_each_group_follows_its_order_but_for_what_the_lot_takes(grouped: Bank, now: Instant) -> None:
    made = decided(grouped, at=Instant(now + HOUR))
    offered = grouped.config.compiled.offered
    declared = dict(zip((action.id for action in offered), catalogue_order(offered).tolist(), strict=True))

    by_catalogue = [(one.action, first_in(one, declared)) for one in of(made, "catalogue")]
    assert sum(chosen == first for chosen, first in by_catalogue) >= len(by_catalogue) - 3
    assert Counter(one.action for one in of(made, "nothing")).most_common(1)[0][0] == "nothing"
    for one in made:
        assert sum(candidate.propensity for candidate in one.candidates) == pytest.approx(1.0)
        options = [candidate.propensity for candidate in one.candidates if candidate.stage in ("scored", "chosen")]
        assert min(options) > 0.0
        if one.assignment in ("catalogue", "ranking", "nothing"):
            assert max(options) == pytest.approx(0.98 + 0.02 / len(options))


def test_the_ranking_that_outcomes_taught_follows_them(grouped: Bank, now: Instant) -> None:
    made = decided(grouped, at=Instant(now + HOUR))
    before = Counter(one.action for one in of(made, "ranking"))
    others = Counter(one.action for one in made if one.action not in (*before, "nothing"))
    loved = others.most_common(1)[0][0]
    at = Instant(now + 2 * HOUR)
    grouped.record_outcomes(
        [
            Outcome(decision=one.id, verdict="accepted" if one.action == loved else "declined", at=at)
            for one in made
            if one.action != "nothing"
        ],
        now=at,
    )
    accepted = [one.id for one in made if one.action == loved]
    grouped.record_outcomes(
        [Outcome(decision=one, verdict="valued", at=at, value_minor=50_000) for one in accepted], now=at
    )
    grouped.learn(now=at)

    after = decided(grouped, at=Instant(now + 9 * DAY))

    open_to = [one for one in of(after, "ranking") if loved in {c.action for c in one.candidates if c.propensity}]
    assert open_to
    assert Counter(one.action for one in open_to).most_common(1)[0][0] == loved
    assert grouped.replay().differences == 0


def test_impact_compares_the_policy_with_every_group(grouped: Bank, now: Instant) -> None:
    decided(grouped, at=Instant(now + HOUR))

    found = grouped.impact()

    assert [one.assignment for one in found.comparisons] == ["control", "catalogue", "nothing", "ranking"]
    assert found.policy.people + sum(one.group.people for one in found.comparisons) == len(PEOPLE)
    assert {one.assignment: one.declared for one in found.ratio.groups} == pytest.approx(
        {"policy": 0.3, "control": 0.1, "catalogue": 0.2, "ranking": 0.2, "nothing": 0.2}
    )


def test_shares_above_one_are_refused(project: Path, now: Instant) -> None:
    declare(project, "[groups]\nnothing = 0.95\n")
    with pytest.raises(MalformedDocument) as refused:
        marketofone.open(project, now=now)
    assert refused.value.field == "groups"
    assert "add up to 1 at most" in refused.value.fix


def test_shares_that_add_up_to_one_are_taken_however_their_sum_is_rounded(project: Path, now: Instant) -> None:
    declare(project, "[groups]\ncatalogue = 0.11\nranking = 0.68\nnothing = 0.11\n")
    with marketofone.open(project, now=now) as bank:
        assert bank.config.settings.shares["policy"] == 0.0


def test_a_new_bank_shows_how_groups_are_declared(project: Path, now: Instant) -> None:
    settings = project / "bank.toml"
    text, lines = settings.read_text(), settings.read_text().splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("# [groups]"))
    settings.write_text(text + "\n".join(line.removeprefix("# ") for line in lines[start:]))
    with marketofone.open(project, now=now) as bank:
        assert bank.config.settings.shares.keys() == {"control", "catalogue", "ranking", "nothing", "policy"}


@pytest.mark.parametrize("group", [None, "nothing"])
def test_the_group_is_part_of_what_is_kept_of_a_person(group: Assignment | None) -> None:
    state = SubjectState(n=3, control=False, enrolled=2, group=group)
    assert reducer.from_bytes(reducer.to_bytes(state)) == state
    plain = reducer.to_bytes(SubjectState(n=3, control=False, enrolled=2))
    assert (reducer.to_bytes(state) == plain) is (group is None)


def test_the_order_of_the_catalogue_is_chance_times_value_less_the_cost(grouped: Bank) -> None:
    action = grouped.catalogue.action("budgets")
    row = [one.id for one in grouped.config.compiled.offered].index("budgets")
    worth = action.acceptance_probability * action.value_minor - action.cost_minor
    assert catalogue_order(grouped.config.compiled.offered)[row] == np.float64(worth)
