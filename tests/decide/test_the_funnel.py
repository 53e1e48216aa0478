"""The funnel counts each person and action once, at the furthest gate they came to; who got nothing is found."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.decide.funnel import LISTED, Funnel, FunnelCounts, fates_of, funnel_of
from marketofone.decide.gates import GATES, OUTSCORED, Gate, stopped_at
from marketofone.decide.money_left import MoneyActions, money_left
from marketofone.domain.decision import Candidate, Candidates, Decision, MoneyLeft, Reason, Stage
from marketofone.domain.moment import Instant

_IDS = count()
ACTIONS = MoneyActions(lending=frozenset({"loan"}), helping=frozenset({"warn"}))


def candidate(action: str, stage: Stage, why: str = "") -> Candidate:
    return Candidate(action=action, stage=stage, why=why)


def decided(*candidates: Candidate, chosen: str = "nothing") -> Decision:
    nothing = candidate("nothing", "chosen" if chosen == "nothing" else "scored")
    return Decision(
        id=f"d-{next(_IDS)}",
        customer="a",
        occasion="app.opened",
        channel="app",
        at=Instant(0),
        action=chosen,
        propensity=0.5,
        assignment="policy",
        reasons=(Reason(text="your starting point", feature=None, source=None, term=0.0),),
        not_used=(),
        candidates=Candidates.of((nothing, *candidates)),
        uses=(),
        context=(),
        guardrails=(),
        epoch=0,
        position=0,
        documents="0",
    )


def counted(*people: tuple[str, Sequence[Decision]], money: MoneyLeft = "not known", hidden: int = 0) -> Funnel:
    counts = FunnelCounts()
    for customer, decisions in people:
        counts.add(customer, decisions, money=money, hidden=hidden)
    return funnel_of(counts, since="", until="")


STOPS: list[tuple[Candidate, Gate]] = [
    (candidate("x", "not_eligible", "its condition does not hold"), "eligible"),
    (candidate("x", "not_eligible", "too late to help: expected in 2 days, it takes 7"), "applicable"),
    (candidate("x", "guarded", "told_already: 3 days ago, and nothing has changed since"), "applicable"),
    (candidate("x", "guarded", "stress: signs of stress, so care comes before everything else"), "suitable"),
    (candidate("x", "guarded", "credit_protection: a payment is late"), "suitable"),
    (candidate("x", "not_eligible", "unknown, because app is refused for marketing: you said no"), "permitted"),
    (candidate("x", "not_permitted", "nothing is allowed for marketing"), "permitted"),
    (candidate("x", "guarded", "cap_contacts: at most 2 in a day"), "guarded"),
    (candidate("x", "not_approved", "the review board has not approved it"), "approved"),
    (candidate("x", "scored"), "chosen"),
]


@pytest.mark.parametrize(("stopped", "gate"), STOPS)
def test_every_reason_stops_at_its_gate(stopped: Candidate, gate: Gate) -> None:
    stop = stopped_at(stopped)
    assert stop is not None
    assert stop[0] == gate
    assert stop[1]


def test_what_was_chosen_came_past_every_gate() -> None:
    found = counted(("a", [decided(candidate("loan", "chosen"), chosen="loan")]))
    assert {of.passed for of in found.gates} == {1}
    assert (found.people, found.asked, found.served, found.unserved) == (1, 1, 1, {})


def test_numbers_that_differ_by_person_make_no_reasons_of_their_own() -> None:
    late = [candidate("x", "not_eligible", f"too late to help: expected in {days} days, it takes 7") for days in (1, 2)]
    told = [candidate("x", "guarded", f"told_already: {days} days ago, and nothing has changed") for days in (1, 2)]
    for pair in (late, told):
        assert len({stopped_at(one) for one in pair}) == 1


@given(st.lists(st.sampled_from([stop for stop, _ in STOPS]), min_size=1, max_size=4))
def test_a_pair_counts_once_at_the_furthest_gate_whatever_the_order(stops: list[Candidate]) -> None:
    furthest = max(GATES.index(stop[0]) for one in stops if (stop := stopped_at(one)) is not None)
    for order in permutations(stops):
        fate = fates_of([decided(one) for one in order])["x"]
        assert fate.passed == furthest


@given(st.lists(st.lists(st.sampled_from([stop for stop, _ in STOPS]), max_size=3), max_size=6))
def test_what_came_past_a_gate_and_what_it_stopped_is_what_reached_it(people: list[list[Candidate]]) -> None:
    found = counted(*((f"p-{number}", [decided(one) for one in stops]) for number, stops in enumerate(people)))
    reached = found.pairs
    for gate in found.gates:
        assert gate.passed + gate.stopped == reached
        reached = gate.passed
    assert sum(found.unserved.values()) == len(people) - found.served
    assert sum(stop.pairs for of in found.actions for stop in of.stops) == found.pairs - reached


def test_who_got_nothing_is_told_with_the_gate_that_anything_came_furthest_to_and_its_commonest_reason() -> None:
    quiet = candidate("tip", "guarded", "quiet_hours: nothing by push between 20:00 and 08:00")
    capped = [candidate(name, "guarded", "cap_contacts: at most 2 in a day") for name in ("loan", "card")]
    early = candidate("jar", "not_eligible", "its condition does not hold")
    made = [decided(quiet, *capped, early), decided(early)]

    (one,) = counted(("ann", made)).listed

    assert (one.customer, one.gate, one.why) == ("ann", "guarded", "cap_contacts: at most 2 in a day")
    assert (one.decisions, one.decision) == (2, made[-1].id)


def test_who_was_served_once_in_the_period_is_not_underserved() -> None:
    found = counted(
        ("ann", [decided(candidate("x", "scored")), decided(candidate("x", "chosen"), chosen="x")]),
        ("ben", [decided(candidate("x", "scored"))]),
        ("cyd", []),
    )
    assert found.unserved == {"chosen": 1, "not asked": 1}
    assert [(one.customer, one.gate, one.why) for one in found.listed] == [
        ("ben", "chosen", OUTSCORED),
        ("cyd", "not asked", "nothing was asked"),
    ]
    assert [(of.group, of.people, of.unserved) for of in found.by_assignment] == [("policy", 2, 1)]


def test_nobody_is_called_underserved_for_decisions_that_may_not_be_shown() -> None:
    found = counted(("ann", []), hidden=3)
    assert (found.hidden, found.unserved, found.listed) == (3, {}, ())


def test_all_are_counted_and_the_list_is_short() -> None:
    found = counted(*((f"p-{number:03}", [decided()] * (number % 3)) for number in range(3 * LISTED)))
    assert sum(found.unserved.values()) == 3 * LISTED
    assert len(found.listed) == LISTED
    assert {one.decisions for one in found.listed} == {2}


@pytest.mark.parametrize(
    ("candidates", "money"),
    [
        ([candidate("loan", "guarded", "credit_protection: a payment is late")], "little"),
        ([candidate("loan", "guarded", "credit_protection: the account may run short")], "little"),
        ([candidate("loan", "not_approved"), candidate("warn", "guarded", "cap_contacts: at most 2")], "little"),
        ([candidate("loan", "not_approved"), candidate("warn", "not_eligible")], "enough"),
        ([candidate("loan", "guarded", "cap_marketing: at most 1 in a day")], "enough"),
        ([candidate("loan", "guarded", "credit_protection: nobody looked ahead of late")], "not known"),
        ([candidate("loan", "guarded", "stress: signs of stress")], "not known"),
        ([candidate("loan", "not_eligible"), candidate("tip", "chosen")], "not known"),
    ],
)
def test_how_much_money_is_left_is_read_off_what_stopped_a_credit(
    candidates: list[Candidate], money: MoneyLeft
) -> None:
    assert money_left(decided(*candidates), actions=ACTIONS) == money
