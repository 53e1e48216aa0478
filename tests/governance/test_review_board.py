"""What the review board said decides what may be served."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.action import KINDS_OF_ACTION, Action
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import DAY, Instant
from marketofone.governance.board import APPROVAL_DAYS, NO_RULINGS, BoardState, Ruling, fold
from marketofone.governance.tiers import Tier, tier_of

CARD = Action(id="card", kind="offer", title="A card", text="A card.", credit=True)
TIP = Action(id="tip", kind="nudge", title="A tip", text="A tip.")
NOTHING = Action(id="nothing", kind="nothing", title="Nothing", text="Nothing.")
END = Instant(APPROVAL_DAYS * DAY)


def ruling(word: str, scope: str, *, until: int | None = None) -> Ruling:
    return Ruling(ruling=word, scope=scope, by="chair", at=Instant(0), until=until)  # type: ignore[arg-type] # words


def standing(board: BoardState, action: Action, at: int = 1) -> str:
    return board.standing(action, tier=tier_of(action), at=Instant(at))


def test_a_tier_3_action_waits_for_an_approval_and_stops_the_moment_it_ends() -> None:
    assert standing(NO_RULINGS, CARD) == "not_approved"
    board = fold([ruling("approve", "card", until=END)])
    assert standing(board, CARD, END - 1) == "approved"
    assert standing(board, CARD, END) == "expired"


def test_what_is_not_sensitive_needs_nobody() -> None:
    assert standing(NO_RULINGS, TIP) == "free"


def test_no_approval_can_free_what_is_forbidden() -> None:
    board = fold([ruling("approve", "card", until=END)])
    assert board.standing(CARD, tier=Tier.FORBIDDEN, at=Instant(1)) == "not_approved"


@pytest.mark.parametrize("scope", ["card", "offer", "*"])
def test_a_stop_at_any_scope_wins_over_an_approval_until_somebody_resumes_that_scope(scope: str) -> None:
    rulings = [ruling("approve", "card", until=END), ruling("stop", scope)]
    assert standing(fold(rulings), CARD) == "stopped"
    assert standing(fold([*rulings, ruling("approve", "card", until=END)]), CARD) == "stopped"
    assert standing(fold([*rulings, ruling("resume", scope)]), CARD) == "approved"


def test_stopping_everything_still_leaves_doing_nothing() -> None:
    board = fold([ruling("stop", "*")])
    assert standing(board, TIP) == "stopped"
    assert standing(board, NOTHING) == "free"


@pytest.mark.parametrize(
    "wrong",
    [
        ruling("approve", "card"),
        ruling("approve", "card", until=0),
        ruling("approve", "*", until=END),
        ruling("approve", "offer", until=END),
        ruling("stop", "card", until=END),
    ],
)
def test_a_ruling_that_cannot_hold_is_refused(wrong: Ruling) -> None:
    with pytest.raises(MalformedRequest):
        fold([wrong])


def test_rulings_survive_being_written_down() -> None:
    for original in (ruling("stop", "*"), ruling("approve", "card", until=END)):
        assert msgspec.json.decode(msgspec.json.encode(original), type=Ruling) == original


SCOPES = st.sampled_from(["card", "tip", "*", *KINDS_OF_ACTION])


@given(stops=st.lists(SCOPES), resumed=st.lists(SCOPES), extra=SCOPES)
def test_one_more_stop_never_opens_anything(stops: list[str], resumed: list[str], extra: str) -> None:
    rulings = [ruling("approve", "card", until=END)]
    rulings += [ruling("stop", scope) for scope in stops] + [ruling("resume", scope) for scope in resumed]
    before, after = fold(rulings), fold([*rulings, ruling("stop", extra)])
    for action in (CARD, TIP):
        assert standing(after, action) in {standing(before, action), "stopped"}
