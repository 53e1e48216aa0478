"""Laws of slates: what holds at every place for every person, every consent and every belief."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from one_person import (
    ACTIONS_TEXT,
    BOOK,
    FEATURES,
    GUARDRAILS,
    LIFE,
    NOW,
    RUSH,
    UPSET,
    ask,
    compiled,
    decision_input,
    drawn,
    foreseen,
    open_to,
    stage_of,
)
from test_decisions_keep_their_laws import NUMBERS, in_group, situations

from marketofone.decide.catalogue import parse_actions
from marketofone.decide.choose import prepare
from marketofone.decide.compiled_catalogue import CompiledCatalogue, bind
from marketofone.decide.decision_input import DecisionInput
from marketofone.decide.engine import decide
from marketofone.decide.funnel import fates_of
from marketofone.decide.gates import GATES
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Assignment, Decision, Request
from marketofone.domain.errors import MalformedRequest
from marketofone.governance.guardrails import Contact, objection, tally

KIND = {action.id: action.kind for action in BOOK.offered}
PRODUCT = {action.id: action.product for action in BOOK.offered if action.product}
SLOTS = st.integers(2, 6)
some = settings(max_examples=8, deadline=None)
HOME = "\n[placements.home]\nslots = 4\n[placements.side]\nslots = 2\n"
GROUPS: list[Assignment] = ["policy", "control", "catalogue", "ranking"]


def written(rule: str) -> CompiledCatalogue:
    """Give the template with a rule at its head, and placements."""
    return compiled(rule + ACTIONS_TEXT + HOME)


AGAIN, DIVERSE = compiled(), written("most_of_a_kind = 1\n")


def slate_of(held: DecisionInput, slots: int, *, number: int = 1, bank: CompiledCatalogue = BOOK) -> Decision:
    return decide(slated(slots, number=number), drawn(held, number), bank)


def slated(slots: int, *, number: int = 1, placement: str | None = None) -> Request:
    return msgspec.structs.replace(ask(number), slots=slots, placement=placement)


def shown(decision: Decision) -> list[str]:
    return [place.action for place in decision.places if place.action != NOTHING]


@some
@given(held=situations(), number=NUMBERS, slots=SLOTS)
def test_the_probabilities_of_each_place_add_up_to_one_and_are_never_zero_for_what_is_allowed(
    held: DecisionInput, number: int, slots: int
) -> None:
    for place in slate_of(held, slots, number=number).places:
        chances = {one.action: one.propensity for one in place.candidates if one.stage in ("scored", "chosen")}
        assert abs(sum(one.propensity for one in place.candidates) - 1.0) < 1e-6
        assert min(chances.values()) > 0.0
        assert place.propensity == chances[place.action]


@some
@given(held=situations(), number=NUMBERS, slots=SLOTS)
def test_nothing_stands_twice_and_an_empty_place_is_the_last(held: DecisionInput, number: int, slots: int) -> None:
    made = slate_of(held, slots, number=number)
    actions = [place.action for place in made.places]
    products = [PRODUCT[action] for action in actions if action in PRODUCT]
    assert len(set(actions)) == len(actions) <= slots
    assert len(set(products)) == len(products)
    assert NOTHING not in actions[:-1]
    assert len(actions) == slots or actions[-1] == NOTHING or "stress" in made.guardrails


@some
@given(held=situations(), number=NUMBERS, slots=SLOTS)
def test_a_shorter_slate_is_the_upper_part_of_a_longer_one_to_the_byte(
    held: DecisionInput, number: int, slots: int
) -> None:
    longer, shorter = (slate_of(held, count, number=number).places for count in (slots, slots - 1))
    for one, other in zip(longer, shorter, strict=False):
        assert msgspec.json.encode(one) == msgspec.json.encode(other)
    single = decide(ask(number), drawn(held, number), BOOK)
    assert single.places == (single,)
    assert msgspec.json.encode(single) == msgspec.json.encode(longer[0])


@some
@given(held=situations(), number=NUMBERS, slots=SLOTS)
def test_what_stands_above_only_ever_closes_actions(held: DecisionInput, number: int, slots: int) -> None:
    places = slate_of(held, slots, number=number).places
    for above, below in pairwise(places):
        assert open_to(below) <= open_to(above) - {above.action}
        assert stage_of(below, above.action) == ("not_eligible", "above: it stands higher up in this slate")


@some
@given(held=situations(), number=NUMBERS)
def test_without_the_rule_of_diversity_no_action_is_closed_that_was_open(held: DecisionInput, number: int) -> None:
    free, diverse = (slate_of(held, 2, number=number, bank=bank).places for bank in (BOOK, DIVERSE))
    assert [place.action for place in free[:1]] == [place.action for place in diverse[:1]]
    for one, other in zip(free[1:], diverse[1:], strict=True):
        assert open_to(other) <= open_to(one)
    assert max(Counter(KIND[action] for action in shown(slate_of(held, 6, bank=DIVERSE))).values(), default=0) <= 1


@some
@given(held=situations(), number=NUMBERS, slots=SLOTS)
def test_each_place_keeps_the_guardrails_as_if_what_stands_above_had_just_been_said(
    held: DecisionInput, number: int, slots: int
) -> None:
    said, first = held.contacts, prepare(ask(), held, compiled=BOOK).circumstances
    for action in shown(slate_of(held, slots, number=number)):
        offered = next(one for one in BOOK.offered if one.id == action)
        counted = tally(said, now=NOW, caps=GUARDRAILS.caps)
        assert objection(offered, msgspec.structs.replace(first, tally=counted), guardrails=GUARDRAILS) is None
        said = (*said, Contact(action=action, kind=offered.kind, at=NOW, channel="app"))


@some
@given(held=situations(), number=NUMBERS, slots=SLOTS)
def test_the_same_question_gives_the_same_bytes(held: DecisionInput, number: int, slots: int) -> None:
    first = msgspec.json.encode(slate_of(held, slots, number=number))
    assert msgspec.json.encode(slate_of(held, slots, number=number, bank=AGAIN)) == first


@some
@given(held=situations(), number=NUMBERS, slots=SLOTS)
def test_the_terms_of_each_place_add_up_to_its_score(held: DecisionInput, number: int, slots: int) -> None:
    for place in slate_of(held, slots, number=number).places:
        chosen = next(candidate for candidate in place.candidates if candidate.stage == "chosen")
        assert abs(sum(reason.term for reason in place.reasons) - chosen.draw) < 0.005 + 1e-6


@pytest.mark.parametrize("group", GROUPS)
def test_the_logged_probability_of_the_second_place_is_how_often_an_action_is_really_drawn_there(
    group: Assignment,
) -> None:
    held = msgspec.structs.replace(decision_input(LIFE, exploration=0.3), **in_group(group))
    taken, expected, spread = Counter[str](), Counter[str](), Counter[str]()
    for number in range(120):
        second = slate_of(held, 2, number=number).places[1:]
        for place in second:
            taken[place.action] += 1
            for one in place.candidates:
                expected[one.action] += one.propensity  # type: ignore[assignment]
                spread[one.action] += one.propensity * (1.0 - one.propensity)  # type: ignore[assignment]
    assert len(taken) > 2
    for action, chance in expected.items():
        assert abs(taken[action] - chance) < 4.5 * np.sqrt(spread[action]) + 1.0


def test_the_control_group_draws_uniformly_at_every_place_and_leaving_in_peace_ends_it() -> None:
    held = decision_input(LIFE, assignment="control")
    lengths = set()
    for number in range(20):
        made = slate_of(held, 4, number=number)
        for place in made.places:
            assert {one.propensity for one in place.candidates if one.propensity} == {1.0 / len(open_to(place))}
            assert "by lot" in place.reasons[0].text or len(open_to(place)) == 1
        lengths.add(len(shown(made)))
    assert len(lengths) > 1


def test_who_is_to_be_left_in_peace_gets_no_slate() -> None:
    held = msgspec.structs.replace(decision_input(LIFE, exploration=0.0), **in_group("nothing"))
    assert [place.action for place in slate_of(held, 4).places] == [NOTHING]


def test_under_stress_one_voice_reaches_out_and_no_more() -> None:
    made = slate_of(decision_input([*LIFE, UPSET, *RUSH]), 4)
    assert [KIND[action] for action in shown(made)] == ["outreach"]
    assert len(made.places) == 1


def test_of_one_cause_a_slate_tells_once() -> None:
    held = decision_input(LIFE, forecast=foreseen(("below_zero", 0.9)), exploration=0.0)
    about = {action.id for action in BOOK.offered if action.about == "below_zero"}
    first = decide(ask(), held, BOOK)
    assert len(about & open_to(first)) > 1  # several could tell of it
    told = [slate_of(held, 6, number=number) for number in range(12)]
    assert any(about & set(shown(made)) for made in told)
    assert all(len(about & set(shown(made))) <= 1 for made in told)


def test_a_cap_that_is_reached_halfway_ends_the_kind_it_is_about() -> None:
    two = msgspec.structs.replace(GUARDRAILS.caps.contacts, per_day=2)
    caps = msgspec.structs.replace(GUARDRAILS.caps, contacts=two)
    strict = msgspec.structs.replace(GUARDRAILS, caps=caps)
    bank = bind(parse_actions(ACTIONS_TEXT, features=FEATURES), features=FEATURES, guardrails=strict)
    lengths = [shown(slate_of(decision_input(LIFE), 6, number=number, bank=bank)) for number in range(12)]
    assert max(map(len, lengths)) == 2


def test_a_placement_says_how_many_places_there_are() -> None:
    held = decision_input(LIFE)
    assert len(decide(slated(2, placement="side"), held, DIVERSE).places) == 2
    with pytest.raises(MalformedRequest, match="at most 2"):
        decide(slated(3, placement="side"), held, DIVERSE)
    with pytest.raises(MalformedRequest, match="placement"):
        decide(slated(1, placement="nowhere"), held, DIVERSE)


def test_an_action_with_placements_is_shown_in_them_and_nowhere_else() -> None:
    bank = compiled(
        ACTIONS_TEXT.replace('id = "savings_plan"\n', 'id = "savings_plan"\nplacements = ["home"]\n') + HOME
    )
    held = decision_input(LIFE, config=bank)
    assert "savings_plan" in open_to(decide(slated(1, placement="home"), held, bank))
    for elsewhere in (None, "side"):
        made = decide(slated(1, placement=elsewhere), held, bank)
        assert stage_of(made, "savings_plan") == ("not_eligible", "placement: only in home")
        fate = fates_of([made])["savings_plan"]
        assert (GATES[fate.passed], fate.why) == ("applicable", "placement: only in home")


def test_the_funnel_counts_what_a_slate_shows_at_any_of_its_places() -> None:
    made = slate_of(decision_input(LIFE), 4)
    fates = fates_of([made])
    assert len(shown(made)) > 1
    assert all(fates[action].passed == len(GATES) for action in shown(made))


def test_a_place_that_was_not_decided_is_refused() -> None:
    made = slate_of(decision_input(LIFE), 2)
    for number in (0, 3):
        with pytest.raises(MalformedRequest, match="slot"):
            made.place(number)
