"""The OpenAPI 3.1 document, generated from the table of operations and the structures they take and give."""

from __future__ import annotations

import inspect
import re
from http import HTTPStatus
from typing import Any

import msgspec

from marketofone.consent.ledger import EVERY
from marketofone.domain.event import KINDS
from marketofone.flow.book import Book
from marketofone.web.api.operations import OPERATIONS, Operation
from marketofone.web.api.shapes import Customer, DecisionId, Moment
from marketofone.web.problem import MEDIA_TYPE, Problem
from marketofone.web.visit import BATCH, EVENT, JSON

_REF = "#/components/schemas/{name}"
_PARAMETERS = {"customer": Customer, "decision": DecisionId}
_ALWAYS = (405, 421, 503)  # any operation may answer these


def document(book: Book, *, version: str) -> dict[str, Any]:
    """Give the whole document; the words a bank chose for itself are told as well."""
    types: list[Any] = [Problem, *_PARAMETERS.values(), Moment]
    for operation in OPERATIONS:
        types += [operation.gives] if operation.takes in (None, [msgspec.Raw]) else [operation.gives, operation.takes]
    types += [facts for facts, _ in KINDS.values()]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    _tell_words(components, book)
    known = {_key(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, known)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": book.settings.name,
            "version": version,
            "description": "Consented, explained, replayable decisions. Staff and customers are not authenticated "
            "yet: the server listens on loopback only.",
        },
        "paths": paths,
        "components": {"schemas": {**components, "CloudEvent": _cloud_event()}},
    }


def _tell_words(components: dict[str, Any], book: Book) -> None:
    policy = book.policy
    asked, said = components["DecisionAsked"]["properties"], components["ConsentSaid"]["properties"]
    asked["occasion"] = {"enum": sorted(book.actions.occasions)}
    asked["channel"] = {"enum": [*policy.channels, None], "default": None}
    words: dict[str, list[str]] = {
        "purposes": [name for name, purpose in policy.purposes.items() if purpose.basis == "consent"],
        "sources": [*policy.sources],
        "channels": [*policy.channels],
    }
    for name, known in words.items():
        said[name]["items"] = {"enum": [EVERY, *known]}


def _key(kind: Any) -> str:
    return repr(kind)


def _operation(operation: Operation, known: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.run.__name__,
        "summary": operation.summary,
        "description": inspect.getdoc(operation.run),
        "responses": {str(operation.status): _answer("What was asked for.", known[_key(operation.gives)], JSON)},
    }
    for status in sorted({*operation.fails, *_ALWAYS}):
        described["responses"][str(status)] = _answer(HTTPStatus(status).phrase, known[_key(Problem)], MEDIA_TYPE)
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": known[_key(_PARAMETERS[name])]}
        for name in re.findall(r"\{(\w+)\}", operation.path)
    ]
    if operation.as_of:
        parameters.append({"name": "as_of", "in": "query", "required": False, "schema": known[_key(Moment)]})
    if parameters:
        described["parameters"] = parameters
    if operation.takes == [msgspec.Raw]:
        described["requestBody"] = _events()
    elif operation.takes is not None:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": known[_key(operation.takes)]}}}
    return described


def _answer(description: str, schema: Any, media: str) -> dict[str, Any]:
    return {"description": description, "content": {media: {"schema": schema}}}


def _events() -> dict[str, Any]:
    # Rows are judged one by one: a row that is no event is kept aside and named in the answer, not refused.
    one = {"type": "object", "description": "A CloudEvent; see components/schemas/CloudEvent."}
    many = {"type": "array", "items": {}, "description": "CloudEvents; each is judged for itself."}
    return {
        "required": True,
        "content": {
            EVENT: {"schema": one},
            BATCH: {"schema": many},
            JSON: {"schema": {"oneOf": [one, many]}, "example": [_EXAMPLE]},
        },
    }


def _cloud_event() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": 200}
    return {
        "title": "CloudEvent",
        "description": "One thing that happened to a person. `data` depends on `type`: see docs/events.md.",
        "type": "object",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": text,
            "source": text,
            "type": {"enum": sorted(KINDS)},
            "subject": msgspec.json.schema(Customer),
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": JSON},
            "data": {"anyOf": [{"$ref": _REF.format(name=facts.__name__)} for facts, _ in KINDS.values()]},
        },
        "required": ["id", "source", "type", "subject", "time", "data"],
        "examples": [_EXAMPLE],
    }


_EXAMPLE = {
    "specversion": "1.0",
    "id": "1",
    "source": "/core",
    "type": "app.opened",
    "subject": "c-42",
    "time": "2026-01-31T09:30:00Z",
    "data": {},
}
