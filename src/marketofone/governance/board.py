"""The review board: rulings, folded into what may be served now.

A ruling approves one action until a stated moment, stops a scope (one action, one kind, or ``*`` for everything), or
lifts the stop of exactly that scope again. A stop wins over every approval. Only doing nothing cannot be stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from marketofone.domain.action import KINDS_OF_ACTION, NOTHING, Action
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.fields import LongText, Text
from marketofone.domain.moment import Instant
from marketofone.governance.tiers import Tier

EVERYTHING = "*"
APPROVAL_DAYS = 180  # what the board grants where no end is named; callers turn it into an explicit ``until``

Scope = Annotated[str, Meta(pattern=r"^(\*|[A-Za-z0-9_.:/-]{1,64})$")]
Standing = Literal["free", "approved", "not_approved", "expired", "stopped"]
WHY: dict[Standing, str] = {
    "free": "",
    "approved": "",
    "not_approved": "the review board has not approved it",
    "expired": "the review board's approval has ended",
    "stopped": "the review board stopped it",
}


class Ruling(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing the board said. ``until`` belongs to approvals, which always end."""

    ruling: Literal["approve", "stop", "resume"]
    scope: Scope
    by: Text
    at: Instant
    until: Instant | None = None
    note: LongText | None = None


class BoardState(Struct, frozen=True, kw_only=True):
    """What holds after some rulings: approvals by action (until when), and the scopes that are stopped."""

    approvals: Mapping[str, Instant]
    stops: frozenset[str]

    def standing(self, action: Action, *, tier: Tier, at: Instant) -> Standing:
        """Say how an action stands with the board at a moment.

        Examples
        --------
        >>> card = Action(id="card", kind="offer", title="A card", text="A card.", credit=True)
        >>> NO_RULINGS.standing(card, tier=Tier.SENSITIVE, at=Instant(0))
        'not_approved'
        """
        if action.kind == NOTHING:
            return "free"
        if self.stops and not self.stops.isdisjoint((action.id, action.kind, EVERYTHING)):
            return "stopped"
        if tier < Tier.SENSITIVE:
            return "free"
        until = self.approvals.get(action.id)
        if tier >= Tier.FORBIDDEN or until is None:
            return "not_approved"
        return "approved" if at < until else "expired"


NO_RULINGS = BoardState(approvals={}, stops=frozenset())


def apply(board: BoardState, ruling: Ruling) -> BoardState:
    """Give what holds after one more ruling.

    Raises
    ------
    MalformedRequest
        When an approval has no end, ends before it begins, or names more than one action; when another ruling ends.
    """
    _check(ruling)
    scope = {ruling.scope}
    if ruling.until is not None:
        return replace(board, approvals={**board.approvals, ruling.scope: ruling.until})
    return replace(board, stops=board.stops | scope if ruling.ruling == "stop" else board.stops - scope)


def fold(rulings: Iterable[Ruling]) -> BoardState:
    """Fold rulings, in the order of the log."""
    return reduce(apply, rulings, NO_RULINGS)


def _check(ruling: Ruling) -> None:
    if ruling.ruling != "approve":
        if ruling.until is not None:
            raise MalformedRequest(field="until", shape="an end", fix="a stop holds until somebody resumes")
    elif ruling.scope in (EVERYTHING, *KINDS_OF_ACTION):
        raise MalformedRequest(field="scope", shape="more than one action", fix="approve actions one by one")
    elif ruling.until is None or ruling.until <= ruling.at:
        raise MalformedRequest(field="until", shape="no later moment", fix="say when the approval ends")
