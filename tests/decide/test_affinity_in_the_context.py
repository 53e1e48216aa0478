"""What a person holds speaks for a product in the context of its actions, until they said no to it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from one_person import AFFINITY, BOOK, LIFE, NOW, ask, consents, decision_input, decisions, event

from marketofone.decide.context_matrix import build_view
from marketofone.decide.decision_input import ACTION_ROLES
from marketofone.decide.engine import decide
from marketofone.domain.decision import Request
from marketofone.domain.event import Event
from marketofone.domain.moment import DAY, Instant
from marketofone.governance.guardrails import Contact
from marketofone.models.recommend import Regularisation, fit_affinity

HOLDS_A_CARD = [event("product.opened", ago=DAY, product="credit_card")]
ASKED = Request(id="d-1", customer="c-1", occasion="app.opened", channel="app", at=NOW)


def affinities(*contacts: Contact) -> dict[str, float]:
    """Give the affinity in the context of each action."""
    view = build_view(ASKED, decision_input(HOLDS_A_CARD, contacts=contacts), compiled=BOOK)
    assert view.affinities is not None
    return dict(zip((action.id for action in BOOK.offered), view.affinities[BOOK.item_of].tolist(), strict=True))


def test_what_goes_with_what_is_held_is_in_the_context_of_each_action_that_leads_to_it() -> None:
    found = affinities()
    leading = {action for action, product in BOOK.item_by_action.items() if product == "savings_plan"}

    assert leading
    assert all(0.0 < found[action] <= 1.0 for action in leading)
    assert all(score == 0.0 for action, score in found.items() if action not in leading)


def test_what_was_declined_falls_and_what_was_only_said_does_not() -> None:
    leading = next(action for action, product in BOOK.item_by_action.items() if product == "savings_plan")
    told = {"kind": "offer", "at": Instant(NOW - 100 * DAY), "channel": "app"}

    assert affinities(Contact(action=leading, **told))[leading] > 0.0  # type: ignore[arg-type]
    assert affinities(Contact(action=leading, declined_at=told["at"], **told))[leading] == 0.0  # type: ignore[arg-type]


MOVED, WAS_AT, USED = "life_events move", "location airport", "app budgets"
WIDER = fit_affinity(
    [frozenset({MOVED, "home_insurance"}), frozenset({WAS_AT, "lounge_access"}), frozenset({USED, "app categories"})]
    * 30,
    regularisation=Regularisation(shrink=5.0, strength=0.2, order=1),
)
MOVE = event("life.declared", ago=5 * DAY, event="move")
AIRPORT = event("place.visited", ago=5 * DAY, venue="airport")
BUDGETS = event("app.feature", ago=5 * DAY, feature="budgets")


def wider(events: list[Event], *refused: tuple[str, str]) -> dict[str, float]:
    held = decision_input(events, affinity=WIDER, said=consents(*refused))
    view = build_view(ASKED, held, compiled=BOOK)
    assert view.affinities is not None
    scores = zip((action.id for action in BOOK.offered), view.affinities[BOOK.item_of].tolist(), strict=True)
    return {action: score for action, score in scores if score}


@pytest.mark.parametrize(
    ("happened", "source", "purpose", "leading"),
    [
        (MOVE, "life_events", "marketing", {"home_insurance", "home_insurance_move"}),
        (AIRPORT, "location", "marketing", {"airport_lounge", "lounge_access"}),
        (BUDGETS, "app", "personalisation", {"categories"}),
    ],
)
def test_a_life_event_a_place_and_a_function_of_the_app_speak_for_what_goes_with_them_where_that_is_allowed(
    happened: Event, source: str, purpose: str, leading: set[str]
) -> None:
    assert set(wider([happened])) == leading
    assert wider([happened], (purpose, source)) == {}


def test_what_happened_more_than_a_year_ago_or_is_not_sure_says_nothing() -> None:
    long_ago = event("life.declared", ago=366 * DAY, event="move")
    perhaps = event("life.declared", ago=DAY, event="move", confidence=0.4)

    assert wider([long_ago]) == wider([perhaps]) == {}


def test_what_is_used_already_is_not_spoken_for() -> None:
    assert wider([BUDGETS, event("app.feature", ago=DAY, feature="categories")]) == {}


def test_the_reason_names_what_speaks_most() -> None:
    made = decisions(decision_input([*LIFE, MOVE], affinity=WIDER), count=150)
    offered = next(one for one in made if one.action == "home_insurance")
    told = {reason.text: reason.source for reason in offered.reasons}

    assert told["it often goes with a life event you told us of: move"] == "life_events"


def test_only_the_sources_that_the_affinity_knows_of_are_read_for_it() -> None:
    """So a decision that was made with products alone is recomputed to the byte."""
    of_products = dict.fromkeys(ACTION_ROLES, frozenset({"transactions"}))
    read = {}
    for name, affinity in (("products", AFFINITY), ("wider", WIDER)):
        held = decision_input([MOVE], affinity=affinity)
        made = decide(ask(), held, replace(BOOK, reads=of_products))
        read[name] = {source for purpose, source in made.uses if purpose == held.purpose("marketing")}

    assert read == {"products": {"transactions"}, "wider": {"transactions", "app", "location", "life_events"}}
