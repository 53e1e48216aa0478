"""The OpenAPI 3.1 document, generated from the table of operations and the structures they take and give."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from marketofone.consent.ledger import EVERY
from marketofone.domain.event import KINDS
from marketofone.projection.bank_config import BankConfig
from marketofone.services.rights.consent_rows import COLUMNS, ConsentSaid
from marketofone.web.api.operations import OPERATIONS, Operation
from marketofone.web.api.schemas import (
    Authority,
    ChannelName,
    CloudEvent,
    Customer,
    Days,
    DecisionId,
    EntryNumber,
    Moment,
    PurposeName,
)
from marketofone.web.problem import MEDIA_TYPE, Problem
from marketofone.web.request_data import BATCH, EVENT, JSON, LINES, TABLE

_REF = "#/components/schemas/{name}"
_PARAMETERS = {"customer": Customer, "decision": DecisionId, "entry": EntryNumber}
_QUERY = {
    "as_of": Moment,
    "customer": Customer,
    "authority": Authority,
    "days": Days,
    "purpose": PurposeName,
    "channel": ChannelName,
}
_NEEDED = {"purpose"}
_ALWAYS = {400, 405, 421, 503}  # any operation may answer these
_WITH_BODY = {408, 413, 415}


def document(config: BankConfig, *, version: str) -> dict[str, Any]:
    """Give the whole document; the words a bank chose for itself are told as well."""
    types: list[Any] = [Problem, CloudEvent, ConsentSaid, *(facts for facts, _ in KINDS.values())]
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        types += [operation.gives, operation.takes or Problem]
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    _, components = msgspec.json.schema_components(types, ref_template=_REF)
    _tell_words(components, config)
    _tell_query(paths, {"purpose": list(config.policy.purposes), "channel": list(config.policy.channels)})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": config.settings.name,
            "version": version,
            "description": "Consented, explained, replayable decisions. Staff and customers are not authenticated "
            "yet: the server listens on loopback only.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }


def _tell_words(components: dict[str, Any], config: BankConfig) -> None:
    policy, event = config.policy, components["CloudEvent"]["properties"]
    event["type"] = {"enum": sorted(KINDS)}
    event["data"] = {"anyOf": [{"$ref": _REF.format(name=facts.__name__)} for facts, _ in KINDS.values()]}
    asked, said = components["DecisionAsked"]["properties"], components["ConsentRequest"]["properties"]
    asked["occasion"] = {"enum": sorted(config.actions.occasions)}
    asked["channel"] = {"enum": [*policy.channels, None], "default": None}
    asked["placement"] = {"enum": [*config.actions.placements, None], "default": None}
    words: dict[str, list[str]] = {
        "purposes": [name for name, purpose in policy.purposes.items() if purpose.basis == "consent"],
        "sources": [*policy.sources],
        "channels": [*policy.channels],
    }
    for name, known in words.items():
        said[name]["items"] = {"enum": [EVERY, *known]}


def _tell_query(paths: Mapping[str, Mapping[str, Any]], words: Mapping[str, list[str]]) -> None:
    """Tell the words that a bank chose for itself where a query takes no other."""
    for operation in (one for of_path in paths.values() for one in of_path.values()):
        for parameter in operation["parameters"]:
            if parameter["in"] == "query" and parameter["name"] in words:
                parameter["schema"]["enum"] = words[parameter["name"]]


def _operation(operation: Operation) -> dict[str, Any]:
    refusals = {*operation.fails, *_ALWAYS, *(_WITH_BODY if operation.media else ())}
    described: dict[str, Any] = {
        "operationId": operation.run.__name__,
        "summary": operation.summary,
        "description": inspect.getdoc(operation.run),
        "responses": {
            str(operation.status): _answer("What was asked for.", operation.gives, JSON),
            **{str(status): _answer(HTTPStatus(status).phrase, Problem, MEDIA_TYPE) for status in sorted(refusals)},
        },
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": _schema(_PARAMETERS[name])}
            for name in re.findall(r"\{(\w+)\}", operation.path)
        ],
    }
    described["parameters"] += [
        {"name": name, "in": "query", "required": name in _NEEDED, "schema": _schema(_QUERY[name])}
        for name in operation.query
    ]
    if operation.takes is not None:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": _schema(operation.takes)}}}
    elif operation.media:
        described["requestBody"] = _events() if EVENT in operation.media else _consents()
    return described


def _schema(kind: Any) -> Any:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    return schema


def _answer(description: str, kind: Any, media: str) -> dict[str, Any]:
    return {"description": description, "content": {media: {"schema": _schema(kind)}}}


def _events() -> dict[str, Any]:
    # Rows are judged one by one: a row that is no event is kept aside and named in the answer, not refused.
    one = {"type": "object", "description": "A CloudEvent; see components/schemas/CloudEvent."}
    many = {"type": "array", "items": {}, "description": "CloudEvents; each is judged for itself."}
    either = {"schema": {"oneOf": [one, many]}, "example": [_EXAMPLE]}
    rows = {"schema": {"type": "string", "description": "A CloudEvent on each line; each is judged for itself."}}
    media = {EVENT: {"schema": one}, BATCH: {"schema": many}, JSON: either, LINES: rows}
    return {"required": True, "content": media}


def _consents() -> dict[str, Any]:
    columns = ",".join(COLUMNS)
    text = {"schema": {"type": "string", "description": "A row on each line; see components/schemas/ConsentSaid."}}
    table = {"schema": {"type": "string", "description": f"A table with a header: {columns}. Rows are judged alone."}}
    return {"required": True, "content": {LINES: text, TABLE: table}}


_EXAMPLE = {
    "specversion": "1.0",
    "id": "1",
    "source": "/core",
    "type": "app.opened",
    "subject": "c-42",
    "time": "2026-01-31T09:30:00Z",
    "data": {},
}
