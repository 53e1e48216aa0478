"""CloudEvents in binary mode: attributes in headers, data as the body (HTTP Protocol Binding 1.0.2).

A header's value is unquoted where it stands in double quotes, then percent-decoded once. What is no UTF-8 afterwards is
refused. The media type of the body is ``datacontenttype``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

import msgspec
from msgspec import Raw

from marketofone.domain.errors import MalformedRequest

PREFIX = "ce-"
_TELLING = frozenset({"specversion", "id", "source", "type"})
"""Where one of these stands in a header, the event is told in headers."""
_NAME = re.compile(r"[a-z0-9]+")
_NOT_HERE = frozenset({"data", "datacontenttype"})  # the body, and its media type
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)


def attributes_in(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    r"""Give the attributes that headers tell; none where they tell no event.

    Raises
    ------
    MalformedRequest
        When one is told twice, or is no text.

    Examples
    --------
    >>> headers = {"ce-id": "7", "ce-subject": "Z%C3%BCrich%20%22one%22", "ce-Source": '"/a \\"b\\""'}
    >>> attributes_in((name.encode(), value.encode()) for name, value in headers.items())
    {'id': '7', 'subject': 'Zürich "one"', 'source': '/a "b"'}
    """
    told: dict[str, str] = {}
    for raw_name, raw in headers:
        name = raw_name.decode("latin-1").lower()
        attribute = name.removeprefix(PREFIX)
        if not name.startswith(PREFIX) or attribute in _NOT_HERE or not _NAME.fullmatch(attribute):
            continue
        if attribute in told:
            raise MalformedRequest(field=name, shape="told twice", fix="send each attribute in one header")
        told[attribute] = _value(raw, field=name)
    return told if told.keys() & _TELLING else {}


def event_of(attributes: Mapping[str, str], body: bytes, *, media: str) -> bytes:
    """Give the JSON document of an event whose data are a body of JSON."""
    return msgspec.json.encode({**attributes, "datacontenttype": media, "data": Raw(body)})


def _value(raw: bytes, *, field: str) -> str:
    try:
        text = raw.decode().strip(" \t")
        quoted = _QUOTED.fullmatch(text)
        return unquote(text if quoted is None else _ESCAPED.sub(r"\1", quoted[1]), errors="strict")
    except ValueError as error:
        fix = "encode what is no printable ASCII as the percent-encoded bytes of its UTF-8"
        raise MalformedRequest(field=field, shape="no UTF-8", fix=fix) from error
