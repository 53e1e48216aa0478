"""Why somebody of the staff looks: it is said first, and stands in the log of whom they look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from msgspec import Meta, Struct

from marketofone.domain.languages import message
from marketofone.domain.texts import ONE_LINE
from marketofone.services.runtime.app_context import AppContext

REASONS = {
    "asked": message("the customer asked us"),
    "complaint": message("a complaint is looked into"),
    "check": message("a check that the law or the review board asks for"),
}
_STAFF = message("staff: %(name)s, because %(text_reason)s")
_STAFF_MORE = message("staff: %(name)s, because %(text_reason)s (%(name_more)s)")


_NAME = rf"(?=.*\w){ONE_LINE}"  # white space of no width is no name


class Looked(Struct, frozen=True):
    """What the form says: who looks, why, and a few words more."""

    by: Annotated[str, Meta(min_length=1, max_length=100, pattern=_NAME)]
    reason: Literal["asked", "complaint", "check"]
    more: Annotated[str, Meta(max_length=200, pattern=ONE_LINE)] = ""


def looking(context: AppContext, said: Looked) -> AppContext:
    """Give a context in which each use names who looks, and why."""
    return replace(context, actor=actor_of(said))


def actor_of(said: Looked) -> str:
    """Name whoever looks as the customer reads it in the log."""
    told = {"name": said.by, "text_reason": REASONS[said.reason], "name_more": said.more}
    return (_STAFF_MORE if said.more else _STAFF) % told
