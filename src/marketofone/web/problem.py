"""The one table from errors to answers: problem documents as of RFC 9457."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

from msgspec import Struct
from starlette.exceptions import HTTPException

from marketofone.domain.errors import (
    BadInput,
    Conflict,
    ConsentRefused,
    DecisionExists,
    MarketOfOneError,
    NotFound,
    Refused,
    StoreBusy,
)
from marketofone.domain.languages import message

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 1
_LOG = logging.getLogger(__name__)

# Looked up along an error's ancestors: the nearest line holds. A line is status, name and title.
TABLE: Mapping[type[Exception], tuple[int, str, str]] = {
    BadInput: (400, "bad-input", message("The input breaks its contract")),
    RecursionError: (400, "bad-input", message("The input is nested too deeply")),
    ConsentRefused: (403, "consent-refused", message("The person did not allow it")),
    Refused: (403, "refused", message("The system said no")),
    NotFound: (404, "not-found", message("There is no such thing")),
    DecisionExists: (409, "decision-exists", message("This decision id was used for another request")),
    Conflict: (409, "conflict", message("The world changed meanwhile: read again, then ask again")),
    StoreBusy: (503, "busy", message("Too much to do at the moment: try again")),
    MarketOfOneError: (500, "operator", message("Something an operator must look at")),
    Exception: (500, "unexpected", message("Something went wrong on our side")),
}


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a request was not answered, for programs: where, what stands there, and what to do about it."""

    type: str
    title: str
    status: int
    detail: str | None = None
    field: str | None = None
    shape: str | None = None
    fix: str | None = None


def problem_of(error: Exception) -> tuple[Problem, dict[str, str]]:
    """Give the problem document of an error, and the headers that go with it. No value of the input is repeated."""
    if isinstance(error, HTTPException):
        return _of_http(error)
    status, name, title = next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)
    said: dict[str, str] = {}
    match error:
        case BadInput():
            said = {"field": error.field, "shape": error.shape, "fix": error.fix}
        case Refused() | NotFound():
            said = {"detail": str(error)}
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _report(error)
    headers = {"Retry-After": str(RETRY_SECONDS)} if isinstance(error, StoreBusy) else {}
    return Problem(type=_urn(name), title=title, status=status, **said), headers


def _of_http(error: HTTPException) -> tuple[Problem, dict[str, str]]:
    phrase = HTTPStatus(error.status_code).phrase
    headers = dict(error.headers or {})
    if "Allow" in headers:
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))
    detail = error.detail if error.detail != phrase else None
    name = phrase.lower().replace(" ", "-")
    return Problem(type=_urn(name), title=phrase, status=error.status_code, detail=detail), headers


def _urn(name: str) -> str:
    return f"urn:marketofone:problem:{name}"


def _report(error: Exception) -> None:
    # Where it happened, never the message: messages of foreign libraries may repeat what a person wrote.
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    _LOG.error("unexpected %s at %s", type(error).__name__, where)
