"""Of those who look at the first place fewer look at those below, as the bank declares: it counts from there on."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from one_person import ACTIONS_TEXT, FEATURES, NOW, ask, compiled, drawn
from test_decisions_keep_their_laws import NUMBERS, situations
from test_slates_keep_their_laws import GROUPS

from marketofone.consent.gate import Permit
from marketofone.decide.catalogue import parse_actions
from marketofone.decide.compiled_catalogue import CompiledCatalogue
from marketofone.decide.decision_input import DecisionInput
from marketofone.decide.engine import decide
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import SWITCHABLE
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import Outcome, Verdict
from marketofone.learn.join import Example, ValueLabel, join
from marketofone.models.bandit import Learned, OwnAnswers
from marketofone.models.bandit import Outcome as Lesson

some = settings(max_examples=8, deadline=None)
LOOK = (1.0, 0.5, 0.25)
LEARNING = Permit(
    customer="c",
    purpose="learning",
    channel="",
    epoch=1,
    sources=frozenset(SWITCHABLE),
    refused={},
    serves=frozenset({"learning"}),
)


def with_home(more: str) -> CompiledCatalogue:
    return compiled(ACTIONS_TEXT + f"\n[placements.home]\nslots = 3\n{more}\n")


ALL_LOOK, FEWER_LOOK = with_home(""), with_home(f"seen = {list(LOOK)}")


def at_home(held: DecisionInput, bank: CompiledCatalogue, *, number: int = 1) -> Decision:
    request = msgspec.structs.replace(ask(number), slots=3, placement="home")
    return decide(request, drawn(held, number), bank)


def costs(bank: CompiledCatalogue) -> dict[str, float]:
    return {action.id: float(action.cost_minor) for action in bank.offered} | {NOTHING: 0.0}


@some
@given(held=situations(), number=NUMBERS)
def test_the_first_place_is_what_it_is_where_all_look_and_the_others_bring_their_part(
    held: DecisionInput, number: int
) -> None:
    all_look, fewer_look = (at_home(held, bank, number=number) for bank in (ALL_LOOK, FEWER_LOOK))
    cost = costs(FEWER_LOOK)
    assert msgspec.json.encode(all_look.place(1)) == msgspec.json.encode(fewer_look.place(1))
    first = {one.action: one for one in fewer_look.place(1).candidates}
    for share, place in zip(LOOK, fewer_look.places, strict=False):
        for one in place.candidates:
            if one.stage in ("scored", "chosen") and one.action != NOTHING:
                expected = share * (first[one.action].mean + cost[one.action]) - cost[one.action]
                assert one.mean == pytest.approx(expected, abs=0.02)
                assert one.spread == pytest.approx(share * first[one.action].spread, abs=0.02)


@some
@given(held=situations(), number=NUMBERS)
def test_the_reasons_of_each_place_add_up_to_its_score(held: DecisionInput, number: int) -> None:
    for place in at_home(held, FEWER_LOOK, number=number).places:
        score = next(one.draw for one in place.candidates if one.stage == "chosen")
        assert sum(reason.term for reason in place.reasons) == pytest.approx(score, abs=0.02)


@some
@given(held=situations(), group=st.sampled_from(GROUPS), number=NUMBERS)
def test_what_outcomes_teach_begins_with_how_many_look(held: DecisionInput, group: str, number: int) -> None:
    held = msgspec.structs.replace(held, assignment=group)
    for share, place in zip(LOOK, at_home(held, FEWER_LOOK, number=number).places, strict=False):
        if place.action != NOTHING:
            assert place.context[0] == share


def answered(place: Decision, verdict: Verdict, *, after: int) -> Outcome:
    worth = 900 if verdict == "valued" else None
    return Outcome(decision=place.id, verdict=verdict, at=Instant(NOW + after * DAY), value_minor=worth)


@some
@given(held=situations(), number=NUMBERS)
def test_a_chance_is_taught_by_those_who_look_and_a_worth_by_those_who_accept(held: DecisionInput, number: int) -> None:
    made = msgspec.structs.replace(at_home(held, FEWER_LOOK, number=number), uses=())
    for share, place in zip(LOOK, made.places, strict=False):
        if place.action == NOTHING:
            continue
        yes, worth = answered(place, "accepted", after=0), answered(place, "valued", after=60)
        lesson = join(yes, decision=place, earlier=(), permit=LEARNING, window_days=30)
        report = join(worth, decision=place, earlier=(yes,), permit=LEARNING, window_days=30)
        assert isinstance(lesson, Example)
        assert isinstance(report, ValueLabel)
        assert lesson.context[0] == share
        assert report.context[0] == 1.0
        assert np.allclose(np.array(report.context) * share, lesson.context)


def test_answers_from_further_down_teach_the_chance_that_is_accepted_by_who_looks() -> None:
    """Half look there and three tenths of them accept: without the share it would be believed that 15 % accept."""
    rng, policy, action = np.random.default_rng(5), FEWER_LOOK.policy, FEWER_LOOK.offered[0]
    context = np.zeros(FEWER_LOOK.dim)
    context[0] = 1.0
    found = {}
    for share in (1.0, 0.5):
        yes = (rng.random(4_000) < 0.5 * 0.3).astype(float)
        learned = Learned(policy)
        learned.hear([Lesson("chance", action.id, share * context, reward) for reward in yes.tolist()])
        scores = learned.beliefs.score(context[np.newaxis], own=OwnAnswers(), rows=np.array([0]))
        found[share] = float(scores.chance[0])
        assert learned.beliefs.rates[0] == pytest.approx(0.15 / share, abs=0.02)
    assert found[1.0] == pytest.approx(0.15, abs=0.02)
    assert found[0.5] == pytest.approx(0.30, abs=0.03)


def test_somebody_who_passes_over_what_stands_further_down_says_less_of_themselves() -> None:
    beliefs, names = FEWER_LOOK.policy.prior, [action.id for action in FEWER_LOOK.offered[:6]]
    noes = tuple((name, False) for name in names)
    all_look, fewer_look = (beliefs.leaning(OwnAnswers(noes, (), seen)).factor for seen in ((), (0.25,) * 6))
    assert all_look < fewer_look < 1.0


@pytest.mark.parametrize(
    "seen",
    [
        "[1.0, 0.5]",
        "[0.9, 0.5, 0.2]",
        "[1.0, 0.5, 0.6]",
        "[1.0, 0.5, 0.2]\norders = true",
        "[1.0, 0.5, 0.0]",
        "[1.0, 0.5, 1e-9]",
    ],
)
def test_shares_that_contradict_themselves_are_refused(seen: str) -> None:
    with pytest.raises(MalformedDocument, match=r"placements(\.|\[)"):
        parse_actions(ACTIONS_TEXT + f"\n[placements.home]\nslots = 3\nseen = {seen}\n", features=FEATURES)
