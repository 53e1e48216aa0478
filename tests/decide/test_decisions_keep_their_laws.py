"""Laws that hold for every person, every consent and every belief."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any, cast, get_args

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from one_person import (
    BOOK,
    CREDIT,
    CRIB,
    FRAGILE,
    LATE,
    LIFE,
    NOW,
    RUSH,
    UPSET,
    approved,
    ask,
    compiled,
    consents,
    decision_input,
    drawn,
    event,
    open_to,
)

from marketofone.decide.choose import choose, prepare, propensities_of
from marketofone.decide.compiled_catalogue import NOTHING_ROW, CompiledCatalogue, bind
from marketofone.decide.counterfactual import find_counterfactual
from marketofone.decide.decision_input import ACTION_ROLES, DecisionInput
from marketofone.decide.engine import decide, decide_each
from marketofone.decide.fixed_order import fixed_order
from marketofone.decide.random_draws import draw_random
from marketofone.domain.action import MARKETING, NOTHING, Action
from marketofone.domain.decision import Assignment
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.event import SWITCHABLE, Event
from marketofone.domain.moment import DAY, HOUR, MINUTE, Instant
from marketofone.domain.role import Role
from marketofone.governance.guardrails import Contact, Pause
from marketofone.models.bandit import HEADS, Arm, Head, OwnAnswers

ASSIGNMENTS: tuple[Assignment, ...] = get_args(Assignment)
HAPPENINGS = [
    CRIB,
    UPSET,
    *RUSH,
    event("place.visited", ago=10 * MINUTE, venue="airport"),
    event("life.declared", ago=9 * DAY, event="bereavement"),
    event("life.declared", ago=9 * DAY, event="move"),
    event("app.failed", ago=HOUR, code="e1"),
    event("openbanking.balance", ago=DAY, institution="x", account="y", balance_minor=7_000, currency="EUR"),
]
PEOPLE = st.lists(st.sampled_from(HAPPENINGS), unique_by=lambda happened: happened.id).map(lambda more: [*LIFE, *more])
CELLS = [(purpose, source) for purpose in ACTION_ROLES for source in SWITCHABLE]
REFUSALS = st.lists(st.sampled_from(CELLS), max_size=8)
CONTACTS = st.lists(
    st.builds(
        Contact,
        action=st.sampled_from([action.id for action in BOOK.offered]),
        kind=st.sampled_from(["offer", "nudge", "outreach"]),
        at=st.integers(0, 10 * DAY).map(lambda ago: Instant(NOW - ago)),
        channel=st.just("app"),
        declined_at=st.none() | st.integers(0, DAY).map(lambda ago: Instant(NOW - ago)),
    ),
    max_size=6,
).map(tuple)
NUMBERS = st.integers(0, 10**6)
few = settings(max_examples=25, deadline=None)


RELEVANT = [action for action in BOOK.offered if action.kind in ("offer", "nudge", "insight", "feature")]


@few
@given(
    said=st.lists(st.sampled_from(RELEVANT), min_size=1, max_size=3, unique_by=lambda action: action.id),
    seed=st.integers(0, 1),
    number=NUMBERS,
)
def test_what_is_not_relevant_makes_nothing_of_another_kind_less_likely_and_its_terms_say_so(
    said: list[Action], seed: int, number: int
) -> None:
    at = Instant(NOW - 10 * DAY)
    noes = tuple(
        Contact(action=one.id, kind=one.kind, at=at, channel="app", declined_at=at, why="not relevant") for one in said
    )
    plain = tuple(msgspec.structs.replace(no, why="not now") for no in noes)  # which keeps the same ones away by now
    held = msgspec.structs.replace(_taught_life(seed), contacts=plain)
    config = _that_keeps_only_the_same_away()
    before = decide(ask(number), drawn(held, number), config)
    after = decide(ask(number), drawn(msgspec.structs.replace(held, contacts=noes), number), config)

    kinds, lowered = {action.id: action.kind for action in BOOK.offered}, {one.kind for one in said}
    shares = [{one.action: one.propensity for one in made.candidates} for made in (before, after)]
    assert sum(shares[1].values()) == pytest.approx(1.0, abs=1e-6)
    for action, share in shares[0].items():
        assert kinds.get(action) in lowered or shares[1][action] >= share - 1e-7
    terms = [reason.term for reason in after.reasons if "is not for you" in reason.text]
    assert all(term < 0.0 for term in terms)
    if after.action != NOTHING:
        sample = next(one.draw for one in after.candidates if one.action == after.action)
        assert sum(reason.term for reason in after.reasons) == pytest.approx(sample, abs=0.01)
    assert decide(ask(number), drawn(msgspec.structs.replace(held, contacts=noes), number), config) == after


@cache
def _taught_life(seed: int) -> DecisionInput:
    return decision_input(LIFE, **taught(seed))


@cache
def _that_keeps_only_the_same_away() -> CompiledCatalogue:
    pauses = {"not now": Pause(action=180), "not relevant": Pause(action=180, lower=0.5, lower_days=60)}
    guardrails = msgspec.structs.replace(BOOK.guardrails, declines=pauses)
    return bind(BOOK.catalogue, features=BOOK.features, guardrails=guardrails)


def taught(seed: int) -> dict[str, Any]:
    """Give beliefs that outcomes have moved, so that features carry weight, and a person's own answers."""
    generator, start = np.random.default_rng(seed), BOOK.policy.start
    arms: dict[Head, dict[str, Arm]] = {head: {} for head in HEADS}
    for action in BOOK.offered:
        for head in HEADS * 12:
            context = generator.uniform(-0.5, 0.9, BOOK.dim)
            context[0] = 1.0
            reward = float(generator.random() < 0.5) if head == "chance" else generator.normal(8_000.0, 6_000.0)
            arm = arms[head].get(action.id)
            arms[head][action.id] = start.learned(head, action.id, arm, context=context, reward=reward)
    shared = {head: start.pooled(head, arms[head]) for head in HEADS}
    answers = tuple((action.id, place < 2 * seed) for place, action in enumerate(BOOK.offered[: 3 * seed]))
    return {"beliefs": BOOK.policy.prior.after(arms, shared=shared), "own_answers": OwnAnswers(answers)}


MINDS = [taught(seed) for seed in range(3)]


def in_group(assignment: Assignment) -> dict[str, Any]:
    """Put somebody into a group, with the order that it has."""
    ranking = np.arange(len(BOOK.offered), dtype=np.float64) - 20.0
    return {"assignment": assignment, "order": fixed_order(assignment, actions=BOOK.offered, ranking=ranking)}


@st.composite
def situations(draw: st.DrawFn) -> DecisionInput:
    return decision_input(
        draw(PEOPLE),
        said=consents(*draw(REFUSALS)),
        board=approved(*draw(st.lists(st.sampled_from(CREDIT)))),
        contacts=draw(CONTACTS),
        **in_group(draw(st.sampled_from(ASSIGNMENTS))),
        **draw(st.sampled_from([{}, *MINDS])),
    )


@few
@given(held=situations(), number=NUMBERS)
def test_the_terms_add_up_to_the_score_in_hundredths_and_the_propensities_to_one(
    held: DecisionInput, number: int
) -> None:
    decision = decide(ask(number), drawn(held, number), BOOK)
    chosen = next(candidate for candidate in decision.candidates if candidate.stage == "chosen")
    assert abs(sum(reason.term for reason in decision.reasons) - chosen.draw) < 0.005 + 1e-6
    assert abs(sum(candidate.propensity for candidate in decision.candidates) - 1.0) < 1e-6
    assert (chosen.action, chosen.propensity) == (decision.action, decision.propensity)
    assert all(reason.text for reason in decision.reasons)


@few
@given(held=situations(), number=NUMBERS)
def test_the_same_question_in_the_same_situation_gives_the_same_bytes(held: DecisionInput, number: int) -> None:
    first = msgspec.json.encode(decide(ask(number), drawn(held, number), BOOK))
    assert msgspec.json.encode(decide(ask(number), drawn(held, number), compiled())) == first


@few
@given(
    people=st.lists(
        st.tuples(situations(), NUMBERS, st.sampled_from(["app.opened", "partner.searched", "nothing.of.the.kind"]))
        | st.tuples(situations(), NUMBERS, st.just("app.opened")),
        max_size=3,
    ),
    slots=st.integers(1, 3),
)
def test_many_are_decided_for_as_each_would_be_alone(people: list[tuple[DecisionInput, int, str]], slots: int) -> None:
    asked = [
        (msgspec.structs.replace(ask(number, occasion=occasion), slots=slots), drawn(held, number))
        for held, number, occasion in people
    ]
    together = decide_each(asked, BOOK)
    for (request, held), made in zip(asked, together, strict=True):
        if isinstance(made, MalformedRequest):
            with pytest.raises(MalformedRequest):
                decide(request, held, BOOK)
        else:
            assert msgspec.msgpack.encode(made) == msgspec.msgpack.encode(decide(request, held, BOOK))


@few
@given(held=situations(), number=NUMBERS)
def test_what_would_have_changed_the_action_really_changes_it(held: DecisionInput, number: int) -> None:
    request, held = ask(number), drawn(held, number)
    context = prepare(request, held, compiled=BOOK)
    found = find_counterfactual(context, choose(context, changes={}, before=None))
    if found is None:
        return
    counterfactual, change = found
    seen = {purpose: other(held, purpose, change.name, change.new) for purpose in held.seen}
    forecast = held.forecast
    if forecast is not None:
        forecast = forecast.changed({change.name: change.new})
    changed = decide(request, msgspec.structs.replace(held, seen=seen, forecast=forecast), BOOK)
    assert changed.action == counterfactual.action != decide(request, held, BOOK).action


def other(held: DecisionInput, purpose: str, name: str, value: float) -> object:
    """Give what a purpose sees with one known value changed."""
    seen = held.seen[cast("Role", purpose)]
    place = seen.catalogue.index.get(name)
    if place is None or not seen.known[place]:
        return seen
    values = seen.values.copy()
    values[place] = value
    return msgspec.structs.replace(seen, values=values)


@few
@given(held=situations(), number=NUMBERS, noise=st.floats(-1e9, 1e9))
def test_hidden_values_never_influence_anything(held: DecisionInput, number: int, noise: float) -> None:
    held = drawn(held, number)
    seen = {
        purpose: msgspec.structs.replace(of, values=np.where(of.hidden, noise, of.values))
        for purpose, of in held.seen.items()
    }
    told = msgspec.json.encode(decide(ask(number), held, BOOK))
    assert msgspec.json.encode(decide(ask(number), msgspec.structs.replace(held, seen=seen), BOOK)) == told


@few
@given(events=PEOPLE, refused=REFUSALS, more=st.sampled_from([cell for cell in CELLS if cell[0] != "care"]))
def test_one_more_refusal_never_opens_an_action(
    events: list[Event], refused: list[tuple[str, str]], more: tuple[str, str]
) -> None:
    # Refusals for care are left out: they end the search for stress, which only ever silences.
    before = decide(ask(), decision_input(events, said=consents(*refused), board=approved(*CREDIT)), BOOK)
    after = decide(ask(), decision_input(events, said=consents(*refused, more), board=approved(*CREDIT)), BOOK)
    assert open_to(after) <= open_to(before) | {"nothing"}


@few
@given(events=PEOPLE, refused=REFUSALS, harm=st.sampled_from([LATE, FRAGILE]))
def test_worse_finances_never_open_a_credit_offer(
    events: list[Event], refused: list[tuple[str, str]], harm: Event
) -> None:
    held = decision_input([*events, harm], said=consents(*refused), board=approved(*CREDIT))
    assert open_to(decide(ask(), held, BOOK)).isdisjoint(CREDIT)


@few
@given(held=situations(), number=NUMBERS)
def test_under_stress_nothing_is_sold_and_only_care_is_drawn(held: DecisionInput, number: int) -> None:
    decision = decide(ask(number), drawn(held, number), BOOK)
    kinds = {BOOK.catalogue.action(action).kind for action in open_to(decision)}
    if "stress" in decision.guardrails:
        assert kinds.isdisjoint(MARKETING)
        assert kinds in ({"outreach"}, {"nothing"})
    else:
        assert "nothing" in kinds


@few
@given(held=situations())
def test_what_was_looked_at_and_what_was_not_never_overlap(held: DecisionInput) -> None:
    decision = decide(ask(), held, BOOK)
    for purpose, source in decision.uses:
        assert source in held.permits[cast("Role", purpose)].sources
    for unused in decision.not_used:
        refusing = [purpose for purpose in ACTION_ROLES if unused.source in held.permits[purpose].refused]
        assert refusing
        assert any(purpose in unused.why for purpose in refusing)


@pytest.mark.slow
def test_the_logged_propensity_is_how_often_an_action_is_really_drawn() -> None:
    held = decision_input(LIFE, exploration=0.2)
    rounds = 3_000
    taken: Counter[int] = Counter()
    for number in range(rounds):
        taken[choose(prepare(ask(number), drawn(held, number), compiled=BOOK), changes={}, before=None).chosen] += 1
    choice = choose(prepare(ask(), held, compiled=BOOK), changes={}, before=None)
    for row, acceptance_probability in zip(choice.options, propensities_of(choice, held).tolist(), strict=True):
        assert (
            abs(taken[row] / rounds - acceptance_probability)
            < 4.5 * np.sqrt(acceptance_probability * (1 - acceptance_probability) / rounds) + 1e-3
        )


@few
@given(held=situations(), number=NUMBERS)
def test_the_highest_sample_wins_unless_the_lot_decides(held: DecisionInput, number: int) -> None:
    choice = choose(prepare(ask(number), drawn(held, number), compiled=BOOK), changes={}, before=None)
    samples = dict(zip(choice.options.tolist(), choice.samples.tolist(), strict=True))
    assert samples.get(NOTHING_ROW, 0.0) == 0.0
    assert choice.uniform or samples[choice.chosen] == max(samples.values())


def test_the_control_group_draws_uniformly_among_the_allowed() -> None:
    held = decision_input(LIFE, assignment="control")
    decision = decide(ask(), held, BOOK)
    assert decision.assignment == "control"
    chances_logged = {candidate.propensity for candidate in decision.candidates if candidate.propensity}
    assert chances_logged == {1.0 / len(open_to(decision))}


@few
@given(held=situations(), number=NUMBERS, assignment=st.sampled_from(ASSIGNMENTS[2:]))
def test_in_a_group_with_a_fixed_order_the_first_of_it_wins_with_what_the_lot_leaves(
    held: DecisionInput, number: int, assignment: Assignment
) -> None:
    grouped = msgspec.structs.replace(held, **in_group(assignment))
    decision = decide(ask(number), drawn(grouped, number), BOOK)
    assert grouped.order is not None
    worth = {action.id: float(value) for action, value in zip(BOOK.offered, grouped.order, strict=False)} | {
        NOTHING: 0.0
    }
    options = [one for one in decision.candidates if one.stage in ("scored", "chosen")]
    first = max(options, key=lambda one: worth[one.action])
    uniform = grouped.exploration / len(options)
    for one in options:
        assert one.propensity == pytest.approx(uniform + (one is first) * (1.0 - grouped.exploration))
    explored = draw_random(drawn(grouped, number).seed, actions=len(BOOK.offered)).explore < grouped.exploration
    assert explored or decision.action == first.action
    assert decision.assignment == assignment


def test_who_is_left_in_peace_is_reached_out_to_all_the_same_in_hard_days() -> None:
    calm = decide(ask(), decision_input(LIFE, **in_group("nothing")), BOOK)
    hard = decide(ask(), decision_input([*LIFE, UPSET, *RUSH], **in_group("nothing")), BOOK)
    assert calm.action == NOTHING
    assert "in a fixed order" in calm.reasons[0].text
    assert BOOK.catalogue.action(hard.action).kind == "outreach"
    assert "the first of a fixed order" in hard.reasons[0].text


def test_an_action_that_leaves_the_choice_moves_nobody_elses_luck() -> None:
    full = decide(ask(5), decision_input(LIFE, board=approved(*CREDIT)), BOOK)
    less = decide(ask(5), decision_input(LIFE), BOOK)
    draws = {candidate.action: candidate.draw for candidate in full.candidates}
    assert all(draws[candidate.action] == candidate.draw for candidate in less.candidates if candidate.draw)


def test_credit_is_closed_when_the_bank_cannot_know_whether_it_would_hurt() -> None:
    held = decision_input(LIFE, board=approved(*CREDIT))
    blind = msgspec.structs.replace(
        held, seen={purpose: seen for purpose, seen in held.seen.items() if purpose != "protection"}
    )
    assert open_to(decide(ask(), blind, BOOK)).isdisjoint(CREDIT)
