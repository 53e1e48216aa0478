"""The laboratory sees again what a decision saw: of every action, and of what the person did before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

import marketofone
from marketofone.domain.action import Kind
from marketofone.domain.moment import DAY, Day, Instant
from marketofone.domain.outcome import Outcome, Verdict
from marketofone.lab.simulate.demo import random_bytes
from marketofone.lab.simulate.sight import HALF_LIFE, Observer, own_past
from marketofone.lab.simulate.stories import crib, moment_before
from marketofone.projection.contacts import ContactRecord

KINDS: tuple[Kind, ...] = ("nudge", "offer")
NOW = Instant(100 * DAY)


def said(*, days_ago: float, verdict: Verdict | None, answered: Instant = NOW) -> ContactRecord:
    answers = () if verdict is None else ((answered, Outcome(decision="d", verdict=verdict, at=answered)),)
    return ContactRecord("d", "a", "offer", "app", Instant(round(NOW - days_ago * DAY)), 0, answers)


def test_what_is_seen_again_is_what_the_decision_kept(project: Path, now: Instant) -> None:
    with marketofone.open(project, now=now, random=random_bytes(7)) as bank:  # else a lot may leave them in peace
        observer = Observer(bank)
        moment = moment_before(bank, day=Day(bank.calendar.day_of(now) + 10))
        decisions = [step.decision for step in crib(bank, moment=moment)]
        last = decisions[-1]
        nothing, shown = observer.look(last, ["nothing", last.action])
        with pytest.raises(AssertionError, match="saw something else"):
            observer.look(replace(last, context=(0.5,)), [last.action])

    assert shown[: len(last.context)].tolist() == np.array(last.context, dtype=np.float32).tolist()
    assert shown[len(last.context)] > 0, "it was not the first that this person was told"
    assert not nothing.any()


def test_having_been_addressed_is_felt_half_as_much_after_a_week() -> None:
    felt = own_past([said(days_ago=HALF_LIFE / DAY, verdict=None)], kinds=KINDS, now=NOW, may_learn=True)

    assert felt.tolist() == [0.5] + [0.0] * 9


def test_answers_count_by_kind_and_together_once_they_are_known() -> None:
    answers = [said(days_ago=0, verdict="accepted"), said(days_ago=0, verdict="declined")]
    late = said(days_ago=0, verdict="accepted", answered=Instant(NOW + 1))

    past = own_past([*answers, late], kinds=KINDS, now=NOW, may_learn=True)

    often, share = np.float32(np.log(3)), np.float32(1 / 5)
    assert past.tolist() == [3.0, *[0.0, often, often], *[0.0, share, share], *[0.0, share, share]]


def test_answers_of_who_does_not_allow_learning_are_not_seen() -> None:
    past = own_past([said(days_ago=0, verdict="accepted")], kinds=KINDS, now=NOW, may_learn=False)

    assert past.tolist() == [1.0] + [0.0] * 9
