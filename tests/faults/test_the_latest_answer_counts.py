"""An answer may be changed for 30 days, also after silence: the latest one counts everywhere, and exactly once."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace
from situations import NOW, says, spends

import marketofone
from bank_projects import Projects, keep_nobody_for_control
from learned import beliefs
from marketofone import Bank
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import DAY, HOUR, MINUTE, Instant
from marketofone.domain.outcome import NOES, SAID, Outcome, OutcomeFields, Verdict, answer, changes_of, told_no
from marketofone.models.bandit import arm
from marketofone.projection import contacts
from marketofone.services.decisions import feedback
from marketofone.services.decisions.feedback import UpdateResult
from marketofone.services.learning import learn
from marketofone.services.learning.lessons import moved_states
from marketofone.services.rights.history import outcomes_of

LATER = Instant(NOW + 60 * DAY)
CUSTOMER = "c-1"
VERDICTS: tuple[Verdict, ...] = ("accepted", "declined", "ignored")


def opened(project: Path) -> Bank:
    return marketofone.open(project, now=Instant(NOW), clock=lambda: LATER)


@pytest.fixture
def bank(project: Path) -> Iterator[Bank]:
    keep_nobody_for_control(project)
    with opened(project) as found:
        knows(found, CUSTOMER)
        yield found


def knows(bank: Bank, customer: str) -> None:
    says(bank, customer)
    bank.ingest(spends(customer), now=Instant(NOW))


def shown(bank: Bank, customer: str = CUSTOMER, *, day: int = 1) -> Decision:
    """Let something be shown, on a day or soon after."""
    for hours in itertools.count():
        made = bank.decide(customer, occasion="app.opened", now=Instant(NOW + day * DAY + hours * HOUR))
        if made.action != "nothing":
            return made
    raise AssertionError


def tell(bank: Bank, made: Decision, verdict: Verdict, *, after: int = MINUTE, **more: Any) -> UpdateResult:
    return bank.outcome(made.id, verdict, now=Instant(made.at + after), **more)


def written(bank: Bank) -> int:
    """Give how many entries the journals of customers have."""
    with bank.context.store.read() as reader:
        return sum(reader.head(subject).n for subject in reader.subjects(limit=10))


def proven(bank: Bank) -> None:
    assert bank.replay().differences == 0
    assert bank.verify().problems == ()


def counted(bank: Bank, customer: str = CUSTOMER) -> list[tuple[str, bool]]:
    """Give the answers that count for the person's own chances."""
    with bank.context.store.read() as reader:
        person = bank.context.snapshot(reader).person(customer)
    return [(said.action, said.accepted) for said in person.answers(until=LATER)]


def held_back(bank: Bank, made: Decision) -> bool:
    """Say whether a no to what was shown holds back what comes next."""
    with bank.context.store.read() as reader:
        person = bank.context.snapshot(reader).person(made.customer)
    return any(said.decision == made.id and said.declined is not None for said in person.contacts)


def test_a_yes_after_silence_replaces_the_silent_no_and_what_it_taught(bank: Bank) -> None:
    made = shown(bank)
    assert tell(bank, made, "ignored").learned
    silent = beliefs(bank)

    said = tell(bank, made, "accepted", after=29 * DAY)

    assert (said.learned, said.changes) == (True, "answer")
    assert counted(bank) == [(made.action, True)]
    assert beliefs(bank) != silent
    assert bank.debt() == 0
    assert [one.lessons for one in bank.versions()] == [1, 0, 1]  # learned, without it, learned
    proven(bank)


def test_what_is_learned_is_what_a_bank_learns_that_heard_the_last_answers_only(project: Path, tmp_path: Path) -> None:
    keep_nobody_for_control(project)
    with opened(project) as bank:
        knows(bank, CUSTOMER)
        each = [shown(bank, day=day) for day in (1, 3, 5)]
    other = tmp_path / "other"
    shutil.copytree(project, other)
    with opened(project) as bank, opened(other) as told_once:
        tell(bank, each[0], "declined", after=10 * DAY)
        for one in (bank, told_once):
            tell(one, each[1], "declined", after=10 * DAY)
        for one in (bank, told_once):
            tell(one, each[2], "accepted", after=10 * DAY)
        tell(bank, each[1], "accepted", after=9 * DAY)  # said before, heard later
        for one in (bank, told_once):
            tell(one, each[0], "accepted", after=20 * DAY)

        assert beliefs(bank) == beliefs(told_once)
        assert counted(bank) == counted(told_once)


def test_a_no_after_a_yes_holds_back_and_a_yes_after_a_no_does_not(bank: Bank) -> None:
    first, second = shown(bank), shown(bank, day=2)
    tell(bank, first, "accepted")
    tell(bank, second, "declined", why="too often")
    assert (held_back(bank, first), held_back(bank, second)) == (False, True)

    tell(bank, first, "declined", after=5 * DAY, why="not relevant")
    tell(bank, second, "accepted", after=5 * DAY)

    assert (held_back(bank, first), held_back(bank, second)) == (True, False)
    proven(bank)


def test_after_thirty_days_the_answer_stands_and_whoever_tells_another_is_told_what_to_do(bank: Bank) -> None:
    made = shown(bank)
    tell(bank, made, "declined")
    before = written(bank)

    with pytest.raises(MalformedRequest, match="30 days") as refused:
        tell(bank, made, "accepted", after=30 * DAY + 1)

    assert refused.value.field == "at"
    assert "taken_back" in refused.value.fix
    assert written(bank) == before
    assert tell(bank, made, "accepted", after=30 * DAY).changes == "answer"


def test_of_many_rows_none_is_kept_where_one_comes_too_late(bank: Bank) -> None:
    made = [shown(bank, day=day) for day in (1, 2)]
    rows = [Outcome(decision=one.id, verdict="accepted", at=Instant(made[0].at + 31 * DAY)) for one in made]
    before = written(bank)

    with pytest.raises(MalformedRequest):
        bank.record_outcomes(rows[::-1])

    assert written(bank) == before


@pytest.mark.parametrize("wrong", [{}, {"slot": 7}], ids=["no place", "a place that is none"])
def test_of_many_rows_none_is_kept_where_one_names_no_place_of_its_slate(bank: Bank, wrong: OutcomeFields) -> None:
    made = bank.decide(CUSTOMER, occasion="app.opened", now=Instant(NOW + DAY), slots=2)
    assert made.slots == 2
    rows = [
        Outcome(decision=made.id, verdict="declined", at=Instant(made.at + after), **more)
        for after, more in ((DAY, OutcomeFields(slot=1)), (MINUTE, wrong))
    ]

    with pytest.raises(MalformedRequest) as refused:
        bank.record_outcomes(rows)

    assert refused.value.field == "slot"
    assert outcomes_of(bank.context, made) == []


def test_many_rows_change_answers_as_single_ones_do(bank: Bank) -> None:
    made = shown(bank)
    said: tuple[Verdict, ...] = ("ignored", "declined", "accepted", "declined", "accepted")
    rows = [
        Outcome(decision=made.id, verdict=verdict, at=Instant(made.at + day * DAY)) for day, verdict in enumerate(said)
    ]

    results = bank.record_outcomes(rows)

    assert [one.changes for one in results] == [None, "reason", "answer", "answer", "answer"]
    assert counted(bank) == [(made.action, True)]
    assert bank.debt() == 0
    proven(bank)


def test_the_same_answer_told_again_changes_nothing(bank: Bank) -> None:
    made = shown(bank)
    tell(bank, made, "accepted")
    learned, head = beliefs(bank), written(bank)

    again = tell(bank, made, "accepted")

    assert (again.learned, again.why_not) == (False, "duplicate")
    assert written(bank) == head
    assert tell(bank, made, "accepted", after=DAY).changes == "nothing"
    assert beliefs(bank) == learned
    assert len(bank.versions()) == 1


def test_who_changes_their_mind_twice_in_one_moment_is_heard(bank: Bank) -> None:
    made = shown(bank)
    said: tuple[Verdict, ...] = ("accepted", "declined", "accepted")
    for verdict in said:
        tell(bank, made, verdict)

    assert counted(bank) == [(made.action, True)]
    assert len(outcomes_of(bank.context, made)) == 3


def test_another_reason_takes_the_place_of_the_reason_and_teaches_nothing_new(bank: Bank) -> None:
    made = shown(bank)
    tell(bank, made, "declined", why="too often")
    learned = beliefs(bank)

    assert tell(bank, made, "declined", after=DAY, why="not relevant").changes == "reason"

    assert beliefs(bank) == learned
    said = answer(outcomes_of(bank.context, made))
    assert said is not None
    assert said.why == "not relevant"


def test_silence_takes_the_place_of_no_answer(bank: Bank) -> None:
    made = shown(bank)
    tell(bank, made, "accepted")

    assert tell(bank, made, "ignored", after=2 * DAY).changes == "nothing"
    assert counted(bank) == [(made.action, True)]


def test_a_worth_reported_of_a_yes_goes_with_it(bank: Bank) -> None:
    made = shown(bank)
    tell(bank, made, "accepted")
    assert tell(bank, made, "valued", after=DAY, value_minor=900).learned
    assert bank.impact().valued == 1

    tell(bank, made, "declined", after=2 * DAY)
    assert not any(name.startswith(("worth:", "value:")) for name in beliefs(bank))
    tell(bank, made, "accepted", after=3 * DAY)

    impact = bank.impact()
    assert (impact.accepted, impact.valued) == (1, 0)
    assert tell(bank, made, "valued", after=4 * DAY, value_minor=500).learned
    proven(bank)


def test_a_worth_reported_before_the_yes_stands_for_nothing(bank: Bank) -> None:
    made = shown(bank)
    assert tell(bank, made, "valued", value_minor=100).why_not == "not_accepted"
    tell(bank, made, "accepted", after=DAY)
    assert bank.impact().valued == 0

    assert tell(bank, made, "valued", after=2 * DAY, value_minor=900).learned

    assert bank.impact().valued == 1
    proven(bank)


def test_impact_counts_the_answer_that_stands_once(bank: Bank) -> None:
    made = shown(bank)
    said: tuple[Verdict, ...] = ("declined", "accepted", "declined", "accepted")
    for day, verdict in enumerate(said):
        tell(bank, made, verdict, after=day * DAY + MINUTE, why="useful" if verdict == "accepted" else "too often")

    impact = bank.impact()

    assert impact.accepted == 1
    assert [(one.why, sum(one.times.values())) for one in impact.agreed] == [("useful", 1)]
    assert impact.reasons == ()


def test_what_was_taken_back_is_a_sign_and_no_other_answer(bank: Bank) -> None:
    made = shown(bank)
    tell(bank, made, "accepted")
    learned = beliefs(bank)

    assert tell(bank, made, "taken_back", after=45 * DAY).why_not == "sign"

    assert beliefs(bank) == learned
    assert counted(bank) == [(made.action, True)]
    assert held_back(bank, made)


def test_a_yes_said_again_after_it_was_taken_back_holds_back_no_more(bank: Bank) -> None:
    made = shown(bank)
    tell(bank, made, "accepted")
    tell(bank, made, "taken_back", after=DAY)
    assert held_back(bank, made)

    again = tell(bank, made, "accepted", after=2 * DAY)

    assert (again.changes, again.learned) == ("reason", False)
    assert not held_back(bank, made)
    proven(bank)


def test_nothing_is_taken_back_before_it_was_accepted(bank: Bank) -> None:
    made = shown(bank)

    said = tell(bank, made, "taken_back", after=DAY)

    assert (said.changes, said.why_not) == ("nothing", "not_accepted")
    assert not held_back(bank, made)
    tell(bank, made, "accepted", after=2 * DAY)
    assert not held_back(bank, made)


@given(st.permutations([("accepted", 1), ("taken_back", 2), ("accepted", 3), ("taken_back", 4)]), st.integers(1, 4))
def test_in_whichever_order_it_arrives_what_was_taken_back_last_counts(
    told: list[tuple[Verdict, int]], until: int
) -> None:
    kept: list[Outcome] = []
    for verdict, at in (one for one in told if one[1] <= until):
        outcome = Outcome(decision="d-1", verdict=verdict, at=Instant(at))
        kept.append(replace(outcome, changes=changes_of(outcome, earlier=kept)))

    assert (told_no(kept) is not None) == (until in (2, 4))


def test_what_is_taken_back_after_its_yes_is_forgotten_leaves_the_yes_known(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (contacts, feedback):  # ten days instead of 120, so that consent and payments are not old as well
        monkeypatch.setattr(module, "KEPT", 10 * DAY)
    made = shown(bank)
    tell(bank, made, "accepted", after=DAY)
    shown(bank, day=20)
    tell(bank, made, "taken_back", after=22 * DAY)
    assert held_back(bank, made)

    assert tell(bank, made, "accepted", after=23 * DAY).changes == "reason"
    assert tell(bank, made, "valued", after=24 * DAY, value_minor=500).learned


def test_until_the_earlier_lesson_is_gone_it_is_owed(bank: Bank) -> None:
    made = shown(bank)
    tell(bank, made, "declined")
    bank.learning.by_itself = False
    tell(bank, made, "accepted", after=DAY)

    assert bank.debt() == 1
    bank.learn()
    assert bank.debt() == 0


def test_a_process_that_folds_later_withdraws_the_earlier_lesson_too(project: Path) -> None:
    keep_nobody_for_control(project)
    with opened(project) as bank, opened(project) as other:
        knows(bank, CUSTOMER)
        made = shown(bank)
        tell(bank, made, "declined")
        other.learn()  # what an earlier process owed is paid: this one has no debt of its own
        bank.learning.by_itself = False
        tell(bank, made, "accepted", after=DAY)

        other.learn()

        assert other.debt() == 0
        assert sum(one.lessons for one in other.versions()) == 2
        proven(other)


def test_an_answer_changed_before_it_was_learned_from_teaches_once(bank: Bank) -> None:
    made = shown(bank)
    bank.learning.by_itself = False
    said: tuple[Verdict, ...] = ("declined", "accepted", "declined")
    for day, verdict in enumerate(said):
        tell(bank, made, verdict, after=day * DAY + MINUTE)

    bank.learn()

    (version,) = bank.versions()
    assert version.lessons == 1
    proven(bank)


def test_an_answer_changed_while_a_version_is_made_is_owed_at_once(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    made = shown(bank)
    bank.learning.by_itself = False
    tell(bank, made, "declined")

    def changes_meanwhile(*args: Any, **words: Any) -> Any:
        found = moved_states(*args, **words)
        monkeypatch.setattr(learn, "moved_states", moved_states)
        tell(bank, made, "accepted", after=DAY)
        return found

    monkeypatch.setattr(learn, "moved_states", changes_meanwhile)
    bank.learn()
    bank.learn()

    assert bank.debt() == 0
    assert [one.lessons for one in bank.versions()] == [1, 0, 1]


def test_an_answer_changed_in_a_pause_takes_back_what_the_earlier_one_taught(bank: Bank) -> None:
    made = shown(bank)
    tell(bank, made, "declined")
    says(bank, CUSTOMER, "pause", now=made.at + HOUR)

    assert tell(bank, made, "accepted", after=DAY).why_not == "not_permitted"

    assert (beliefs(bank), bank.debt()) == ({}, 0)
    assert counted(bank) == [(made.action, True)]
    proven(bank)


def test_who_takes_learning_back_after_a_changed_answer_taught_nothing(bank: Bank) -> None:
    made = shown(bank)
    tell(bank, made, "declined")
    tell(bank, made, "accepted", after=DAY)

    says(bank, CUSTOMER, "withdraw", purpose="learning", now=made.at + 2 * DAY)

    assert (beliefs(bank), bank.debt()) == ({}, 0)
    proven(bank)


def test_going_back_to_a_version_brings_no_earlier_answer_back(bank: Bank) -> None:
    made = shown(bank)
    tell(bank, made, "declined")
    old = bank.versions()[0].version
    tell(bank, made, "accepted", after=DAY)

    bank.roll_back(old, now=LATER)

    assert bank.debt() == 0
    assert beliefs(bank) == {}


def test_both_answers_stay_in_the_journal_with_their_moments(bank: Bank) -> None:
    made = shown(bank)
    tell(bank, made, "declined")
    tell(bank, made, "accepted", after=DAY)

    heard = outcomes_of(bank.context, made)

    assert [(one.verdict, one.at - made.at, one.changes) for one in heard] == [
        ("declined", MINUTE, UNSET),
        ("accepted", DAY, "answer"),
    ]


def test_a_journal_of_an_earlier_release_says_what_it_said(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    made = shown(bank)
    with monkeypatch.context() as earlier:  # which wrote no marks, so the first answer stood
        earlier.setattr(feedback, "changes_of", lambda *_, **__: UNSET)
        tell(bank, made, "accepted")
        assert tell(bank, made, "declined", after=DAY).why_not == "duplicate"
    learned = beliefs(bank)
    bank.decide(CUSTOMER, occasion="app.opened", now=Instant(made.at + 2 * DAY))

    assert (counted(bank), held_back(bank, made), bank.impact().accepted) == ([(made.action, True)], True, 1)
    assert (bank.debt(), beliefs(bank)) == (0, learned)
    proven(bank)

    assert tell(bank, made, "declined", after=3 * DAY).changes == "answer"
    assert (counted(bank), bank.impact().accepted, bank.debt()) == ([(made.action, False)], 0, 0)
    proven(bank)


def test_a_question_about_the_days_between_counts_the_answer_that_stood_then(bank: Bank) -> None:
    made = shown(bank)
    tell(bank, made, "accepted")
    tell(bank, made, "declined", after=10 * DAY)

    with bank.context.store.read() as reader:
        person = bank.context.snapshot(reader).person(CUSTOMER)

    stood = [[said.accepted for said in person.answers(until=Instant(made.at + day * DAY))] for day in (0, 5, 11)]
    assert stood == [[], [True], [False]]


def test_of_what_earlier_releases_wrote_the_first_answer_stands() -> None:
    yes, no = (Outcome(decision="d-1", verdict=verdict, at=Instant(1)) for verdict in ("accepted", "declined"))

    assert answer([yes, no]) is yes
    assert told_no([yes, no]) == 1  # it held back, as it did
    assert changes_of(no, earlier=[yes, no]) == "answer"


@given(
    st.lists(
        st.tuples(st.sampled_from(VERDICTS), st.integers(0, 5), st.sampled_from(("", "too often"))),
        min_size=1,
        max_size=7,
    )
)
def test_in_whichever_order_answers_arrive_the_latest_one_counts(told: list[tuple[Verdict, int, str]]) -> None:
    kept: list[Outcome] = []
    for verdict, at, why in told:
        outcome = Outcome(decision="d-1", verdict=verdict, at=Instant(at), why=why)
        kept.append(replace(outcome, changes=changes_of(outcome, earlier=kept)))

    said = [one for one in kept if one.verdict in SAID]
    expected = max(reversed(said), key=lambda one: one.at) if said else kept[0]
    stands = answer(kept)

    assert stands is not None
    assert (stands.verdict, stands.why) == (expected.verdict, expected.why)
    assert (told_no(kept) is not None) == (expected.verdict in NOES)


TOLD = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(VERDICTS), st.integers(0, 12)),
    min_size=2,
    max_size=8,
)


@pytest.fixture(scope="module")
def shown_three(tmp_path_factory: pytest.TempPathFactory, lasting_projects: Projects) -> tuple[Path, list[Decision]]:
    """A bank in which three things were shown to three people, and nobody answered yet."""
    project = lasting_projects.lay_out(tmp_path_factory.mktemp("shown") / "bank")
    keep_nobody_for_control(project)
    made = []
    with opened(project) as bank:
        for number in range(3):
            knows(bank, f"c-{number}")
            made.append(shown(bank, f"c-{number}", day=1 + number))
    return project, made


@pytest.mark.slow
@pytest.mark.sqlite
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(told=TOLD, pauses=st.sets(st.integers(0, 7)))
def test_what_is_learned_is_the_same_as_of_the_last_answers_alone(
    shown_three: tuple[Path, list[Decision]],
    tmp_path_factory: pytest.TempPathFactory,
    told: Sequence[tuple[int, Verdict, int]],
    pauses: set[int],
) -> None:
    project, made = shown_three
    each = [Outcome(decision=made[to].id, verdict=said, at=Instant(LATER - 40 * DAY + at)) for to, said, at in told]
    folder = tmp_path_factory.mktemp("told")
    for name in ("all", "last"):
        shutil.copytree(project, folder / name)
    with opened(folder / "all") as bank, opened(folder / "last") as told_once:
        for number, outcome in enumerate(each):
            bank.learning.by_itself = number not in pauses
            bank.record_outcome(outcome, now=LATER)
        for outcome in last_of(each):
            told_once.record_outcome(outcome, now=LATER)
        bank.learn()

        assert bank.debt() == 0
        assert_same_beliefs(beliefs(bank), beliefs(told_once))
        for one in made:
            assert counted(bank, one.customer) == counted(told_once, one.customer)
            assert held_back(bank, one) == held_back(told_once, one)
        proven(bank)


def last_of(each: Sequence[Outcome]) -> list[Outcome]:
    """Give the last answer to each decision: by its own moment, of one moment the one told last; else the silence."""
    last: dict[str, Outcome] = {}
    for outcome in each:
        known = last.get(outcome.decision)
        is_later = known is None or known.verdict == "ignored" or outcome.at >= known.at
        if known is None or (outcome.verdict in SAID and is_later):
            last[outcome.decision] = outcome
    return list(last.values())


def assert_same_beliefs(found: dict[str, bytes], expected: dict[str, bytes]) -> None:
    """Compare beliefs up to rounding: in which order answers to one action were told is not the same."""
    assert found.keys() == expected.keys()
    for name in filter(lambda name: name.startswith("chance:"), found):
        ours, theirs = arm.from_bytes(found[name]), arm.from_bytes(expected[name])
        assert (ours.n, ours.total) == (theirs.n, theirs.total)
        np.testing.assert_allclose(ours.mean, theirs.mean, rtol=0, atol=1e-12)
        np.testing.assert_allclose(ours.covariance, theirs.covariance, rtol=0, atol=1e-12)
