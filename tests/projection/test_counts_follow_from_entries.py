"""Counts follow from entries alone, and their names hold nothing that a person wrote."""

from __future__ import annotations

import json
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.moment import DAY, Instant, text_of
from marketofone.domain.money_events import Movement
from marketofone.domain.reading import MovementReading
from marketofone.projection.counts import TOLD, UNCATEGORISED, UNKNOWN, counted, is_count, told_of
from marketofone.projection.records import IngestRecord, KeptEvent
from marketofone.store.ports import Entry

NOW = Instant(1_767_600_000_000_000)
PRINTED = st.text(st.characters(min_codepoint=33, exclude_characters="\x7f", codec="utf-8"), min_size=1, max_size=30)
CODES = st.text("ABCXYZabcxyz019_.:/-", min_size=1, max_size=30)


TEXTS = dict.fromkeys(("merchant", "counterparty", "text", "bank_code", "category"), PRINTED)
WORDS = dict.fromkeys(("operation", "purpose_code"), CODES)


def moved(**facts: object) -> Movement:
    return msgspec.convert({"account": "a", "amount_minor": -100, "currency": "EUR", **facts}, Movement)


def kept(number: int, *, at: int, verdict: int, **data: object) -> KeptEvent:
    facts = {"account": "a", "amount_minor": -100, "currency": "EUR", **data}
    document = {"specversion": "1.0", "id": str(number), "source": "/core", "type": "transaction.booked"}
    body = json.dumps({**document, "subject": "c", "time": text_of(Instant(at)), "data": facts}).encode()
    return KeptEvent(verdict, "transactions", "transaction.booked", Instant(at), body)


def counts_of(*events: KeptEvent, recorded: Instant = NOW) -> Counter[str]:
    entry = Entry(subject=1, n=1, stamp=1, kind="ingest", at=NOW, recorded=recorded, body=b"", commitment=b"", hash=b"")
    return counted(entry, IngestRecord("test", events))


@given(st.lists(st.tuples(st.integers(-20_000, 400), st.integers(0, 2)), min_size=1, max_size=20))
def test_each_event_counts_once_for_its_verdict_its_arrival_and_what_it_is_about(told: list[tuple[int, int]]) -> None:
    events = [kept(number, at=NOW + day * DAY, verdict=verdict) for number, (day, verdict) in enumerate(told)]
    counts = counts_of(*events)
    sums = Counter[str]()
    for name, n in counts.items():
        sums[name.replace(".", " ").split(" ")[0]] += n
        assert is_count(name)
    assert {sums[sort] for sort in ("events", "arrived", "about", "movements", "untold")} == {len(events)}
    assert sums["newest"] == 1
    assert counts == counts_of(*reversed(events)), "in whatever order they stand"


@given(texts=st.fixed_dictionaries({}, optional=TEXTS), codes=st.fixed_dictionaries({}, optional=WORDS))
def test_no_count_is_named_after_what_a_person_wrote(texts: dict[str, str], codes: dict[str, str]) -> None:
    movement = moved(**texts, **codes)
    told = told_of(movement, MovementReading())
    alone = "".join(told_of(moved(), MovementReading()).missing)
    words = {word for name in told.missing for word in name.replace(",", "").split()} - set(alone.split())
    for text in (*texts.values(), *codes.values()):
        if text in words:
            assert is_code(text), text


def is_code(text: str) -> bool:
    """Say whether a text is written as a code: digits, capitals, or words that are joined."""
    return text.isdigit() or text == text.upper() or any(sign in text for sign in "_.-")


@pytest.mark.parametrize(
    ("movement", "said", "how", "missing"),
    [
        ({"category": "groceries", "nature": "spending"}, {}, TOLD, ("category one word",)),
        ({"category": "groceries"}, {"nature": "spending", "category": "groceries"}, TOLD, ()),
        ({"nature": "salary"}, {}, TOLD, ()),
        ({"amount_minor": 0}, {}, TOLD, ()),
        ({"text": "Anna Novak"}, {"nature": "spending"}, UNCATEGORISED, ("untold money out, text",)),
        ({"category": "Haus und Hof"}, {}, UNKNOWN, ("untold money out, no text", "category 3 words")),
        ({"bank_code": "PMNT-ICDT", "text": "x"}, {}, UNKNOWN, ("untold money out, bank code PMNT-ICDT, text",)),
        ({"operation": "Anna"}, {}, UNKNOWN, ("untold money out, operation of its own, no text",)),
    ],
)  # fmt: skip
def test_what_is_told_of_a_movement_is_what_its_producer_or_its_reading_tells(
    movement: dict[str, object], said: dict[str, object], how: str, missing: tuple[str, ...]
) -> None:
    assert told_of(moved(**movement), msgspec.convert([said.get("nature"), said.get("category")], MovementReading)) == (
        how,
        missing,
    )
