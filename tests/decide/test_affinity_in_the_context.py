"""What a person holds speaks for a product in the context of its actions, until they said no to it."""

from __future__ import annotations

from one_person import BOOK, NOW, decision_input, event

from marketofone.decide.context_matrix import build_view
from marketofone.domain.decision import Request
from marketofone.domain.moment import DAY, Instant
from marketofone.governance.guardrails import Contact

HOLDS_A_CARD = [event("product.opened", ago=DAY, product="credit_card")]
ASKED = Request(id="d-1", customer="c-1", occasion="app.opened", channel="app", at=NOW)


def affinities(*contacts: Contact) -> dict[str, float]:
    """Give the affinity in the context of each action."""
    view = build_view(ASKED, decision_input(HOLDS_A_CARD, contacts=contacts), compiled=BOOK)
    assert view.affinities is not None
    return dict(zip((action.id for action in BOOK.offered), view.affinities[BOOK.product_of].tolist(), strict=True))


def test_what_goes_with_what_is_held_is_in_the_context_of_each_action_that_leads_to_it() -> None:
    found = affinities()
    leading = {action for action, product in BOOK.product_by_action.items() if product == "savings_plan"}

    assert leading
    assert all(0.0 < found[action] <= 1.0 for action in leading)
    assert all(score == 0.0 for action, score in found.items() if action not in leading)


def test_what_was_declined_falls_and_what_was_only_said_does_not() -> None:
    leading = next(action for action, product in BOOK.product_by_action.items() if product == "savings_plan")
    told = {"kind": "offer", "at": Instant(NOW - 100 * DAY), "channel": "app"}

    assert affinities(Contact(action=leading, **told))[leading] > 0.0  # type: ignore[arg-type]
    assert affinities(Contact(action=leading, declined_at=told["at"], **told))[leading] == 0.0  # type: ignore[arg-type]
