"""Every kind of event survives the wire, and whatever breaks its contract is refused by the name of the field."""

from __future__ import annotations

import json
import math
import re
import string
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from marketofone.domain.cloudevents import MAX_EVENT_BYTES, cloudevent, parse_event
from marketofone.domain.errors import MalformedEvent
from marketofone.domain.event import KINDS, SOURCES, Event
from marketofone.domain.moment import Instant, instant_of
from marketofone.domain.texts import PRINTED

WORDS = string.ascii_letters + string.digits + "_.:/-"
READABLE = st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"))
IDS = st.text(READABLE, min_size=1, max_size=40)
CUSTOMERS = IDS.filter(lambda id_: id_ not in (".", ".."))  # no address can carry these two
ANYTHING = st.characters(codec="utf-8")
PERSONAL = "Petra-Novakova-19800101"


def texts(of: inspect.StrType, *, pattern: str | None = None) -> st.SearchStrategy[str]:
    pattern = pattern or of.pattern
    if pattern is not None and any(sign in pattern for sign in "{|"):
        return st.from_regex(pattern.replace("$", r"\Z"))
    least, most = of.min_length or 0, min(of.max_length or 20, 40)
    return st.text(ANYTHING if pattern is None else WORDS, min_size=least, max_size=most)


def fields(of: inspect.StructType) -> st.SearchStrategy[dict[str, Any]]:
    needed = {field.encode_name: values(field.type) for field in of.fields if field.required}
    other = {field.encode_name: values(field.type) for field in of.fields if not field.required}
    return st.fixed_dictionaries(needed, optional=other)


DECADES = (datetime(1800, 1, 1), datetime(2199, 12, 31))  # noqa: DTZ001 - in UTC

MAKE: dict[type[inspect.Type], Callable[[Any], st.SearchStrategy[Any]]] = {
    inspect.StrType: texts,
    inspect.Metadata: lambda of: texts(of.type, pattern=of.extra["pattern"]),
    inspect.IntType: lambda of: st.integers(of.ge, of.le),
    inspect.FloatType: lambda of: st.floats(
        of.ge if of.gt is None else of.gt,
        of.le,
        exclude_min=of.gt is not None,
        allow_nan=False,
        allow_infinity=False,
    ),
    inspect.BoolType: lambda _: st.booleans(),
    inspect.NoneType: lambda _: st.none(),
    inspect.LiteralType: lambda of: st.sampled_from(of.values),
    inspect.UnionType: lambda of: st.one_of([values(part) for part in of.types]),
    inspect.DateType: lambda _: st.dates(DECADES[0].date(), DECADES[1].date()),
    inspect.DateTimeType: lambda _: st.datetimes(*DECADES, timezones=st.just(UTC)),
    inspect.DictType: lambda of: st.dictionaries(values(of.key_type), values(of.value_type), max_size=3),
    inspect.VarTupleType: lambda of: st.lists(values(of.item_type), max_size=3).map(tuple),
    inspect.StructType: fields,
}


def values(of: inspect.Type) -> st.SearchStrategy[Any]:
    """Give everything a declared type allows: a new kind, or a new field, is tried without a line here."""
    return MAKE[type(of)](of)


FACTS = {kind: values(inspect.type_info(structure)) for kind, (structure, _) in KINDS.items()}
MOMENTS = st.datetimes(*DECADES, timezones=st.just(UTC)).map(instant_of)


@st.composite
def events(draw: st.DrawFn, kind: str) -> Event:
    return Event(
        id=draw(IDS),
        producer=draw(IDS),
        kind=kind,
        customer=draw(CUSTOMERS),
        at=draw(MOMENTS),
        data=msgspec.convert(draw(FACTS[kind]), KINDS[kind][0]),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_of_every_kind_survives_the_wire(kind: str) -> None:
    @given(event=events(kind))
    def law(event: Event) -> None:
        assert parse_event(msgspec.json.encode(cloudevent(event))) == event
        assert event.source == KINDS[kind][1]
        assert event.source in SOURCES

    law()


@given(data=st.data())
def test_two_events_are_the_same_when_producer_and_id_are(data: st.DataObject) -> None:
    kind = st.sampled_from(sorted(KINDS))
    one = data.draw(kind.flatmap(events))
    other = data.draw(kind.flatmap(events))
    assert (one.key == other.key) == ((one.producer, one.id) == (other.producer, other.id))
    twin = msgspec.structs.replace(other, producer=one.producer, id=one.id)
    assert twin.key == one.key


def document(**changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "1",
        "source": "/core",
        "type": "app.opened",
        "subject": "c-1",
        "time": "2026-01-05T07:00:00Z",
        "data": {},
        **changes,
    }


def objection(sent: object) -> MalformedEvent | None:
    try:
        parse_event(sent if isinstance(sent, bytes) else json.dumps(sent, ensure_ascii=False).encode())
    except MalformedEvent as error:
        return error
    return None


def refused(sent: object) -> MalformedEvent:
    error = objection(sent)
    assert error is not None
    return error


@pytest.mark.parametrize("kind", KINDS)
def test_each_field_of_each_kind_is_named_when_it_is_missing_wrong_or_unknown(kind: str) -> None:
    structure = inspect.type_info(KINDS[kind][0])
    assert isinstance(structure, inspect.StructType)

    @settings(max_examples=10)
    @given(facts=FACTS[kind])
    def law(facts: dict[str, Any]) -> None:
        sent = msgspec.to_builtins(facts)
        assert refused(document(type=kind, data={**sent, "mood": PERSONAL})).field == "data"
        for field in structure.fields:
            name = field.encode_name
            error = refused(document(type=kind, data={**sent, name: [PERSONAL]}))
            assert error.field.partition("[")[0] == f"data.{name}"
            assert PERSONAL not in str(error)
            if field.required:
                without = {other: value for other, value in sent.items() if other != name}
                assert refused(document(type=kind, data=without)).field == f"data.{name}"

    law()


@pytest.mark.parametrize("field", ["id", "source", "type", "subject", "time", "data"])
def test_each_field_of_the_envelope_is_named_when_it_is_missing_or_wrong(field: str) -> None:
    whole = document()
    del whole[field]
    assert refused(whole).field == field
    wrong: dict[str, object] = {**document(), field: PERSONAL if field == "data" else [PERSONAL]}
    error = refused(wrong)
    assert error.field.split(".")[0] == field
    assert PERSONAL not in str(error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@given(sent=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_sent_is_an_event_or_gets_our_own_error(sent: bytes) -> None:
    error = refused(sent)  # nothing drawn here is a whole event
    assert error.field
    assert error.fix


@given(field=st.sampled_from(sorted(document())), value=JSON)
def test_whatever_stands_in_one_field_the_event_is_read_or_refused_by_that_field(field: str, value: object) -> None:
    sent: dict[str, object] = {**document(), field: value}
    error = objection(sent)
    if error is None:
        assert parse_event(json.dumps(sent).encode()).kind in KINDS
    else:
        assert error.field.split(".")[0] == field


@given(secret=st.text("äöüßčřž-", min_size=12, max_size=30))
def test_an_error_never_repeats_a_value(secret: str) -> None:
    facts = {"account": "a", "amount_minor": 1, "currency": "EUR"}
    strict = ("amount_minor", "currency", "operation", "purpose_code", "mcc", "status", "booked")
    inner = [document(type="transaction.booked", data={**facts, name: secret}) for name in strict]
    outer: list[dict[str, object]] = [{**document(), name: secret * 20} for name in document()]
    for sent in inner + outer:
        assert secret[:6] not in str(refused(sent))


def test_an_event_may_be_as_long_as_documented_and_not_a_byte_longer() -> None:
    room = MAX_EVENT_BYTES - len(json.dumps(document()))
    assert parse_event(json.dumps(document()).encode() + b" " * room).id == "1"
    error = refused(json.dumps(document()).encode() + b" " * (room + 1))
    assert (error.field, error.shape) == ("event", f"{MAX_EVENT_BYTES + 1} bytes")


@pytest.mark.parametrize(
    "deep", [b"[" * 60_000, b'{"data":' * 7_000, json.dumps(document()).encode()[:-3] + b"[" * 60_000]
)
def test_what_is_nested_without_end_is_refused(deep: bytes) -> None:
    assert refused(deep).fix


def test_the_offset_of_a_time_is_understood_and_its_absence_refused() -> None:
    summer = parse_event(json.dumps(document(time="2026-07-01T09:00:00+02:00")).encode())
    assert summer.at == parse_event(json.dumps(document(time="2026-07-01T07:00:00Z")).encode()).at
    assert refused(document(time="2026-07-01T09:00:00")).field == "time"


@pytest.mark.parametrize("number", [math.nan, math.inf, 1e400])
def test_a_number_that_is_none_is_refused(number: float) -> None:
    sent = document(type="life.declared", data={"event": "child", "confidence": number})
    assert refused(json.dumps(sent).replace("Infinity", "1e999").encode()).field


def test_the_end_of_a_care_flag_needs_its_timezone() -> None:
    assert refused(document(type="care.flagged", data={"driver": "health", "until": "2026-07-01T09:00:00"})).field == (
        "data.until"
    )


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_instant_no_calendar_can_hold_is_refused(time: str) -> None:
    assert refused(document(time=time)).field == "time"


@pytest.mark.parametrize("changes", [{"id": "b\0c", "source": "a"}, {"id": "c", "source": "a\0b"}])
def test_a_control_character_in_a_name_is_refused_as_cloudevents_says(changes: dict[str, str]) -> None:
    assert refused(document(**changes)).field in changes


@given(
    text=st.text(st.sampled_from('aZ 9_ä漢\x00\t\n\x1f\x7f\x80\u2028\\"'), min_size=1, max_size=6),
    escaped=st.booleans(),
)
def test_a_text_is_refused_where_it_does_not_match_its_pattern_however_it_is_written(
    text: str, *, escaped: bool
) -> None:
    facts = {"account": text, "amount_minor": 1, "currency": "EUR", "text": text, "operation": text}
    patterns = {"text": PRINTED, "account": PRINTED, "operation": r"^[A-Za-z0-9_.:/-]+$(?!\n)"}
    for field, pattern in patterns.items():
        sent = document(
            type="transaction.booked", data={"account": "a", **facts, **dict.fromkeys(patterns, "a"), field: text}
        )
        error = objection(json.dumps(sent, ensure_ascii=escaped).encode())
        assert (error is None) == (re.search(pattern, text) is not None)
        assert error is None or error.field == f"data.{field}"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("subject", {"subject": "c-1\n"}),
        ("data.device", {"data": {"device": "d\n"}}),
        ("data.country", {"type": "place.visited", "data": {"venue": "airport", "country": "CZ\n"}}),
    ],
)
def test_a_word_ends_where_it_ends(field: str, changes: dict[str, Any]) -> None:
    assert refused(document(**changes)).field == field


def test_a_kind_nobody_declared_is_refused_by_its_type() -> None:
    error = refused(document(type=PERSONAL))
    assert error.field == "type"
    assert PERSONAL not in str(error)


def test_an_event_made_in_python_is_the_one_that_was_sent() -> None:
    sent = parse_event(json.dumps(document()).encode())
    assert sent == Event(
        id="1",
        producer="/core",
        kind="app.opened",
        customer="c-1",
        at=Instant(1_767_596_400_000_000),
        data=KINDS["app.opened"][0](),
    )
