"""Structures of the code as tables of a page."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

NOTE = "<!-- Written by `make docs`; a test compares it with the code. -->\n"
_FAR = 10**9  # a bound beyond this only keeps integers in their width


def purpose_of(kind: type) -> str:
    """Give the first sentences of a docstring, on one line."""
    return (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ").replace("``", "`")


def fields_of(structure: type[Struct]) -> list[str]:
    """Give the table of a structure's fields; nothing where it has none."""
    fields, types = msgspec.structs.fields(structure), types_of(structure)
    if not fields:
        return []
    rows = [f"| `{field.encode_name}` | {types[field.encode_name]} | {_default(field)} |" for field in fields]
    return ["| field | type | default |", "| --- | --- | --- |", *rows, ""]


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "needed"
    if field.default is msgspec.NODEFAULT:  # a collection, which begins empty
        return "none"
    return "none" if field.default is None else f"`{msgspec.json.encode(field.default).decode()}`"


def parts_of(parts: Mapping[str, type[Struct]]) -> list[str]:
    """Give structures one after the other, each with its name, purpose and fields."""
    lines: list[str] = []
    for name, structure in parts.items():
        lines += [f"### {name}", "", purpose_of(structure), "", *fields_of(structure)]
    return lines


def types_of(structure: type[Struct]) -> dict[str, str]:
    """Give the types of a structure's fields, in words."""
    schema = msgspec.json.schema(structure)
    own = schema["$defs"][structure.__name__]["properties"]
    return {name: _type(property_) for name, property_ in own.items()}


def _type(schema: Any) -> str:
    match schema:
        case {"anyOf": options}:
            told = _type(next(option for option in options if option != {"type": "null"}))
        case {"enum": words}:
            told = "one of " + ", ".join(f"`{word}`" for word in words)
        case {"$ref": where}:
            told = str(where.rpartition("/")[2])
        case {"type": "array", "items": {**item}}:
            told = f"list of {_type(item)}"
        case {"type": "object", "additionalProperties": {**item}}:
            told = f"table of {_type(item)}"
        case _:
            told = f"{schema.get('format') or schema['type']}{_bounds(schema)}"
    return told


def _bounds(schema: Mapping[str, Any]) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "more than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    return "".join(f", {word} {schema[key]:,}" for key, word in words.items() if abs(schema.get(key, _FAR)) < _FAR)


def page_of(lines: list[str]) -> str:
    """Put the lines of a page together."""
    return "\n".join(lines).rstrip() + "\n"
