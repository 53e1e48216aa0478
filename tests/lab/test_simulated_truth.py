"""The truth is hard but fair: few offers are taken, clicks mislead, timing matters, people differ."""

from __future__ import annotations

from collections import Counter
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marketofone.domain.action import KINDS_OF_ACTION, Action, Kind
from marketofone.domain.event import KINDS
from marketofone.domain.moment import DAY, Calendar, day_number
from marketofone.domain.outcome import WHY_NOT
from marketofone.lab.simulate.chronicle import SITUATIONS
from marketofone.lab.simulate.life import Life, lives_of
from marketofone.lab.simulate.span import Span, span_of
from marketofone.lab.simulate.tables import TABLES
from marketofone.lab.simulate.truth import Mood, Truth, clicky
from marketofone.lab.simulate.voice import sign_of

PEOPLE, DAYS, SEED = 80, 300, 5


def action(name: str, kind: Kind, *, value: int = 6_000, tags: tuple[str, ...] = (), credit: bool = False) -> Action:
    return Action(id=name, kind=kind, title="A title", text="A text", value_minor=value, tags=tags, credit=credit)


ACTIONS = (
    action("nothing", "nothing", value=0),
    action("month_in_review", "insight", value=400),
    action("budget_hint", "nudge", value=900),
    action("round_up", "feature", value=900),
    action("savings_plan", "offer", tags=("savings",)),
    action("home_cover", "offer", tags=("insurance",)),
    action("travel_cover", "offer", tags=("travel",)),
    action("funds", "offer", value=9_000),
    action("parental_plan", "life_match", tags=("child",)),
    action("lounge", "place_offer", value=3_000, tags=("airport",)),
    action("overdraft", "offer", value=1_500, credit=True),
    action("quick_money", "offer", value=3_000, credit=True),
    action("gold_card", "offer", value=9_000, credit=True),
    action("care_call", "outreach", value=500),
)


@pytest.fixture(scope="module")
def span() -> Span:
    return span_of(Calendar("Europe/Prague"), first=day_number(date(2024, 9, 1)), days=DAYS)


@pytest.fixture(scope="module")
def lives(span: Span) -> list[Life]:
    return lives_of(PEOPLE, seed=SEED, span=span)


@pytest.fixture(scope="module")
def truth(lives: list[Life], span: Span) -> Truth:
    return Truth(lives, ACTIONS, span=span, seed=SEED)


@pytest.fixture(scope="module")
def moments(lives: list[Life], span: Span) -> list[tuple[int, Mood]]:
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(3_000):
        person = int(rng.integers(PEOPLE))
        day = int(rng.integers(lives[person].person.joined, DAYS))
        holds = frozenset(lives[person].person.holds)
        drawn.append((person, Mood(at=span.at(day, minute=1_180), tired=1.0, holds=holds)))
    return drawn


def positions(truth: Truth, names: set[str]) -> list[int]:
    return [truth.position[name] for name in sorted(names)]


def test_two_to_five_percent_of_offers_are_taken_when_offered_at_random(
    truth: Truth, moments: list[tuple[int, Mood]]
) -> None:
    offers = positions(truth, {item.id for item in ACTIONS if item.marketing})
    rng = np.random.default_rng(2)

    taken = [
        truth.react(person, ACTIONS[int(rng.choice(offers))].id, mood=mood, rng=rng).verdict == "accepted"
        for person, mood in moments
    ]

    assert 0.02 <= np.mean(taken) <= 0.05


def test_offers_that_draw_clicks_lose_value_on_average(truth: Truth, moments: list[tuple[int, Mood]]) -> None:
    lure = positions(truth, {item.id for item in ACTIONS if clicky(item)})
    fair = positions(truth, {item.id for item in ACTIONS if item.marketing and not clicky(item)})
    chances = np.mean([truth.acceptance_probabilities(person, mood=mood) for person, mood in moments], axis=0)
    values = np.mean([truth.expected_values(person, mood=mood) for person, mood in moments], axis=0)

    assert len(lure) == 3
    assert chances[lure].mean() > chances[fair].mean()
    assert (values[lure] < 0).all()
    assert values[fair].mean() > 0


def test_help_is_taken_more_often_than_offers_and_worth_less(truth: Truth, moments: list[tuple[int, Mood]]) -> None:
    help_, fair = positions(truth, {"month_in_review", "budget_hint", "round_up"}), positions(truth, {"home_cover"})
    chances = np.mean([truth.acceptance_probabilities(person, mood=mood) for person, mood in moments], axis=0)
    worths = np.mean([truth.worths(person, at=mood.at) for person, mood in moments], axis=0)

    assert chances[help_].mean() > 2 * chances[fair].mean()
    assert np.abs(worths[help_]).mean() < np.abs(worths[fair]).mean()


def test_timing_matters(truth: Truth, lives: list[Life], span: Span) -> None:
    child = SITUATIONS.index("child")
    due = [
        (life.person.index, int(life.situation[:, child].argmax())) for life in lives if life.situation[:, child].any()
    ]
    parental = truth.position["parental_plan"]
    assert due
    for person, day in due:
        far = int(lives[person].situation[:, child].argmin())
        then, ever = (
            truth.acceptance_probabilities(
                person, mood=Mood(at=span.at(at, minute=1_180), tired=0.0, holds=frozenset())
            )[parental]
            for at in (day, far)
        )
        assert then > 2 * ever


def test_savings_are_started_after_pay_day_rather_than_before(truth: Truth, lives: list[Life], span: Span) -> None:
    saving = truth.position["savings_plan"]
    after: list[float] = []
    before: list[float] = []
    for life in lives:
        for pay in (int(day) for day in life.pay_days if 5 < day < DAYS - 5):
            for day, chances in ((pay + 1, after), (pay - 2, before)):
                mood = Mood(at=span.at(day, minute=1_180), tired=0.0, holds=frozenset())
                chances.append(truth.acceptance_probabilities(life.person.index, mood=mood)[saving])
    assert np.mean(after) > 1.15 * np.mean(before)


def test_selling_under_stress_loses_value_and_listening_gains_it(truth: Truth, lives: list[Life], span: Span) -> None:
    stress = SITUATIONS.index("stress")
    hard = [(life.person.index, int(life.situation[:, stress].argmax())) for life in lives]
    hard = [(person, day) for person, day in hard if lives[person].situation[day, stress] > 0.7]
    assert hard
    for person, day in hard:
        mood = Mood(at=span.at(day, minute=1_180), tired=0.0, holds=frozenset())
        values = truth.expected_values(person, mood=mood)
        assert values[truth.position["care_call"]] > values[truth.position["travel_cover"]] - 200
        assert values[truth.position["overdraft"]] < 0


def test_people_differ_in_what_is_best_for_them(truth: Truth, moments: list[tuple[int, Mood]]) -> None:
    values = np.array([truth.expected_values(person, mood=mood) for person, mood in moments])

    assert len(set(values.argmax(axis=1))) >= 6
    assert values.max(axis=1).mean() > 1.5 * values.mean(axis=0).max()  # no single action serves everybody


def test_help_with_a_shortfall_is_worth_most_to_whoever_runs_short(
    lives: list[Life], span: Span, moments: list[tuple[int, Mood]]
) -> None:
    # One is called like a move and the other like savings: what they help with counts, not the name.
    helps = [replace(action(name, "nudge"), about="below_zero") for name in ("move_the_date", "savings_first")]
    truth = Truth(lives, helps, span=span, seed=SEED)
    values = np.array([truth.expected_values(person, mood=mood) for person, mood in moments])
    strain = np.array([truth.situation(person, at=mood.at)[SITUATIONS.index("strain")] for person, mood in moments])

    assert (values[strain > 0.7].mean(axis=0) > 2 * values[strain < 0.1].mean(axis=0)).all()


def test_doing_nothing_is_worth_what_it_costs(truth: Truth, moments: list[tuple[int, Mood]]) -> None:
    nothing = truth.position["nothing"]
    values = [truth.expected_values(person, mood=mood)[nothing] for person, mood in moments[:50]]

    assert np.abs(values).max() < 1e-9


def test_worth_is_reported_with_noise_after_sixty_to_ninety_days(truth: Truth, moments: list[tuple[int, Mood]]) -> None:
    rng = np.random.default_rng(3)
    heard = [truth.react(person, "month_in_review", mood=mood, rng=rng) for person, mood in moments]
    taken = [reaction for reaction in heard if reaction.verdict == "accepted"]

    assert all(60 * DAY <= reaction.valued_after <= 90 * DAY for reaction in taken)
    assert len({reaction.value_minor for reaction in taken}) > len(taken) // 4
    assert {reaction.why for reaction in heard if reaction.verdict == "declined"} <= set(WHY_NOT)
    assert all(reaction.after >= 0 for reaction in heard)


@given(
    name=st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True),
    kind=st.sampled_from(KINDS_OF_ACTION),
    value=st.integers(-100_000, 100_000),
    tags=st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), max_size=3).map(tuple),
    credit=st.booleans(),
)
def test_any_catalogue_has_a_truth(*, name: str, kind: Kind, value: int, tags: tuple[str, ...], credit: bool) -> None:
    span = span_of(Calendar("Europe/Prague"), first=day_number(date(2025, 1, 1)), days=30)
    unknown = action(name, kind, value=value, tags=tags, credit=credit)
    truth = Truth(lives_of(2, seed=1, span=span), [unknown], span=span, seed=1)
    mood = Mood(at=span.at(20, minute=600), tired=0.0, holds=frozenset())

    assert 0 < truth.acceptance_probabilities(0, mood=mood)[0] < 1
    assert np.isfinite(truth.expected_values(0, mood=mood)).all()


def test_what_harms_is_followed_by_other_signs_than_what_helps(truth: Truth, moments: list[tuple[int, Mood]]) -> None:
    rng = np.random.default_rng(1)
    followed: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    seen: Counter[bool] = Counter()
    for person, mood in moments:
        worths = truth.worths(person, at=mood.at)
        for harms, place in ((True, int(worths.argmin())), (False, int(worths.argmax()))):
            signs = truth.signs(person, truth.actions[place].id, at=mood.at, rng=rng)
            assert all(0 < after <= 15 * DAY for after in signs.values())
            seen[harms] += 1
            followed[harms].update(list(signs))

    often = {harms: {name: count / seen[harms] for name, count in of.items()} for harms, of in followed.items()}
    for name in ("taken_back", "complaint", "fee"):
        assert often[False].get(name, 0.0) < 0.5 * often[True][name] < 0.5  # no sign is certain
    assert often[True]["use"] < often[False]["use"]


def test_signs_are_told_as_events_that_anybody_may_send(lives: list[Life]) -> None:
    rng = np.random.default_rng(1)
    told = {name: sign_of(name, lives[0].person, rng=rng) for name in TABLES.signs}

    assert not told["taken_back"]  # it is told as an answer
    assert {kind for data in told.values() for kind in data} == {
        "message.received",
        "transaction.booked",
        "app.opened",
        "app.feature",
    }
    assert all(isinstance(data, KINDS[kind][0]) for of in told.values() for kind, data in of.items())
