"""Events come in whatever the file: lines, an array, one object after the other, UTF-16, packed, or broken off."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.cloudevents import MAX_EVENT_BYTES, parse_event
from marketofone.domain.errors import MalformedDocument, MalformedEvent
from marketofone.importers import cloudevents
from marketofone.importers.json_objects import JsonObjects

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text(), JSON, min_size=1, max_size=4), max_size=6)
EVENTS = [{"id": str(number), "data": {"a": [1, {"b": '}]"\\ \n'}], "t": "é" * number}} for number in range(9)]


def as_lines(events: list[Any]) -> str:
    return "\n".join(map(json.dumps, events))


def as_array(events: list[Any]) -> str:
    return json.dumps(events)


def as_indented_array(events: list[Any]) -> str:
    return json.dumps(events, indent=2, ensure_ascii=False)


def as_indented_objects(events: list[Any]) -> str:
    return "\n".join(json.dumps(event, indent=1, ensure_ascii=False) for event in events)


FORMS = [as_lines, as_array, as_indented_array, as_indented_objects]


def given_by(path: Path) -> list[Any]:
    return [json.loads(event) for event in cloudevents.read(path)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("packed", [False, True])
def test_events_are_given_whatever_form_they_have(tmp_path: Path, form: Any, encoding: str, packed: bool) -> None:  # noqa: FBT001 - a case
    content = form(EVENTS).encode(encoding)
    path = tmp_path / "events.gzip"
    path.write_bytes(gzip.compress(content) if packed else content)

    assert given_by(path) == EVENTS


@pytest.mark.parametrize("form", [as_array, as_indented_array, as_indented_objects])
@given(events=OBJECTS, size=st.integers(1, 40))
def test_objects_are_taken_apart_wherever_their_text_is_cut_into_pieces(
    form: Any, events: list[Any], size: int
) -> None:
    content = form(events).encode()
    pieces = iter([content[at : at + size] for at in range(0, len(content), size)])

    assert [json.loads(event) for _, event in JsonObjects(pieces, name="events")] == events


@given(events=OBJECTS.filter(len), data=st.data())
def test_of_an_array_that_breaks_off_whole_objects_are_given_before_it_is_said(events: list[Any], data: Any) -> None:
    content = as_indented_array(events).encode()
    cut = data.draw(st.integers(1, len(content) - 1))
    found: list[bytes] = []

    with pytest.raises(MalformedDocument, match="breaks off"):
        found.extend(event for _, event in JsonObjects(iter([content[:cut]]), name="events"))

    whole = [json.loads(event) for event in found if is_whole(event)]
    assert whole == events[: len(whole)]
    assert len(found) - len(whole) <= 1


def is_whole(event: bytes) -> bool:
    try:
        json.loads(event)
    except ValueError:
        return False
    return True


def test_each_event_knows_the_line_on_which_it_begins(tmp_path: Path) -> None:
    def lines_of(text: str) -> Iterator[int]:
        path = tmp_path / "events.json"
        path.write_text(text, encoding="utf-8")
        events = cloudevents.read(path)
        return (events.line for _ in events)

    assert list(lines_of('{"a":1}\n\n{"b":2}\n')) == [1, 3]
    assert list(lines_of('[\n  {\n    "a": 1\n  },\n  {"b": 2}\n]')) == [2, 5]


def test_what_is_no_object_in_an_array_is_given_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    path.write_text('[1, {"a": 1}, tea]', encoding="utf-8")

    assert list(cloudevents.read(path)) == [b"1", b'{"a": 1}', b"tea"]


def test_an_object_beyond_the_size_of_an_event_is_cut_and_the_next_one_is_given(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    path.write_text(json.dumps([{"a": "x" * 3 * MAX_EVENT_BYTES}, {"b": 1}]), encoding="utf-8")
    first, second = cloudevents.read(path)

    assert (len(first), second) == (MAX_EVENT_BYTES + 1, b'{"b": 1}')


def test_of_packed_lines_that_break_off_all_that_can_be_read_is_given(tmp_path: Path) -> None:
    lines = [json.dumps({"id": number * 7919 % 10_007}) for number in range(5000)]
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode())[:-900])
    found: list[bytes] = []

    with pytest.raises(MalformedDocument, match="breaks off"):
        found.extend(cloudevents.read(path))

    assert [event.decode() for event in found[:-1]] == lines[: len(found) - 1]
    assert lines[len(found) - 1].startswith(found[-1].decode())


@pytest.mark.parametrize(
    "media",
    ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8", "application/vnd.a+json"],
)
def test_data_may_be_json_of_any_name_and_charset(media: str) -> None:
    event = {
        "id": "1",
        "source": "/x",
        "type": "app.opened",
        "subject": "c",
        "time": "2026-01-01T00:00:00Z",
        "data": {},
    }

    assert parse_event(json.dumps({**event, "datacontenttype": media}).encode()).kind == "app.opened"


@pytest.mark.parametrize("media", ["text/plain", "application/xml", "application/jsonp", "", "application/json\n"])
def test_data_that_is_no_json_is_refused(media: str) -> None:
    event = {
        "id": "1",
        "source": "/x",
        "type": "app.opened",
        "subject": "c",
        "time": "2026-01-01T00:00:00Z",
        "data": {},
    }

    with pytest.raises(MalformedEvent, match="datacontenttype"):
        parse_event(json.dumps({**event, "datacontenttype": media}).encode())
