"""An interest that a person says is wrong makes no action fit better, whatever they pay for; others go on fitting."""

from __future__ import annotations

from one_person import BOOK, LIFE, ask, consents, decision_input, payment

from marketofone.decide.context_matrix import build_contexts, build_view
from marketofone.decide.interests import paid_for, payments_read
from marketofone.domain.moment import DAY
from marketofone.profile.inferences import interest_in

TRIP = [payment("travel", -40_000, ago=3 * DAY)]
TRAVEL = interest_in("travel")


def fitting(topic: str, *wrong: str) -> list[float]:
    """Give how well the actions of a topic fit."""
    held = decision_input([*LIFE, *TRIP], corrected=frozenset(wrong))
    view = build_view(ask(), held, compiled=BOOK)
    conditions = BOOK.candidate_set(occasion="app.opened", channel="app").conditions
    (matrix,) = build_contexts([view], compiled=BOOK, conditions=conditions, changes={})
    return [float(matrix.table.entries[:, place].max()) for place, tags in enumerate(BOOK.tags) if topic in tags]


def test_what_is_paid_for_makes_actions_of_its_topic_fit_until_it_is_wrong() -> None:
    assert min(fitting("travel")) > 0.0
    assert max(fitting("travel", TRAVEL)) == 0.0
    assert fitting("travel", "interest.child", "stress") == fitting("travel")


def test_the_interests_that_are_listed_are_those_that_make_actions_fit() -> None:
    seen = decision_input([*LIFE, *TRIP]).seen["marketing"]
    assert list(paid_for(seen, BOOK)) == ["travel"]
    assert payments_read(seen, BOOK) == {"transactions"}


def test_what_may_not_be_read_is_no_interest() -> None:
    seen = decision_input([*LIFE, *TRIP], said=consents(("marketing", "transactions"))).seen["marketing"]
    assert paid_for(seen, BOOK) == {}
    assert payments_read(seen, BOOK) == frozenset()
