"""Whatever rests on disk has golden bytes: the same values give the same bytes, and old bytes still mean the same."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from formats import (
    ANSWERING_STATE,
    ASKED_STATE,
    BOX,
    CALENDAR,
    CATALOGUE,
    CORRECTING_STATE,
    GOLDEN,
    KEPT_ROW,
    LENT_STATE,
    NOW,
    OBJECTING_STATE,
    PAUSING_STATE,
    RECORDS,
    SHARING_STATE,
    SLATES,
    STOPS,
    SUBJECT,
    SUBJECT_STATE,
    WAITING_STATE,
    entry,
    states,
    written,
)

import marketofone
from marketofone.domain.errors import SchemaChanged, StoreError
from marketofone.domain.event import SOURCE_CODES, SOURCES
from marketofone.domain.moment import Calendar
from marketofone.features.state_form import from_bytes, to_bytes
from marketofone.profile import ledger, registers
from marketofone.projection import codec, reducer
from marketofone.projection.contacts import Decided
from marketofone.projection.kept_rows import kept_row_of
from marketofone.projection.own_answers import Answer
from marketofone.projection.records import ConsentRecord, OutcomeRecord
from marketofone.store.ports import BANK, CODES, EntryKind

HELD: dict[str, str] = json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(HELD))
def test_the_same_value_gives_the_same_bytes(name: str) -> None:
    assert written()[name].hex() == HELD[name], "a format changed: see formats.py"


def test_everything_written_has_golden_bytes() -> None:
    assert written().keys() == HELD.keys()
    assert {f"entry: {kind}" for kind in CODES} <= HELD.keys()


@pytest.mark.parametrize("kind", RECORDS)
def test_old_bytes_of_an_entry_say_the_same(kind: EntryKind) -> None:
    held = entry(kind, bytes.fromhex(HELD[f"entry: {kind}"]), bytes.fromhex(HELD[f"commitment: {kind}"]))

    assert codec.read(held, box=BOX) == RECORDS[kind]
    assert codec.proved(held, box=BOX) == RECORDS[kind]


@pytest.mark.parametrize("name", SLATES | STOPS)
def test_old_bytes_of_what_came_later_say_the_same(name: str) -> None:
    kind, record = (SLATES | STOPS)[name]
    held = entry(kind, bytes.fromhex(HELD[f"entry: {name}"]), bytes.fromhex(HELD[f"commitment: {name}"]))
    assert codec.proved(held, box=BOX) == record


def test_what_was_brought_along_before_asks_were_told_is_read() -> None:
    kept = RECORDS["history"]
    older = msgspec.msgpack.encode(list(msgspec.structs.astuple(kept))[:-1])
    assert msgspec.msgpack.decode(older, type=type(kept)) == msgspec.structs.replace(kept, asks=())


def test_an_outcome_that_was_written_without_what_it_answered_is_still_read() -> None:
    kept = RECORDS["outcome"]
    older = msgspec.msgpack.encode(list(msgspec.structs.astuple(kept))[:-1])
    assert msgspec.msgpack.decode(older, type=OutcomeRecord) == msgspec.structs.replace(kept, to=None)


def test_an_outcome_and_an_answer_that_were_written_without_how_many_look_are_still_read() -> None:
    to = Decided("tip", "insight", "app", NOW, 0.5)
    answer = Answer("tip", NOW, NOW, accepted=True, seen=0.5)
    for kept in (to, answer):
        older = msgspec.msgpack.encode(list(msgspec.structs.astuple(kept))[:-1])
        assert msgspec.msgpack.decode(older, type=type(kept)) == msgspec.structs.replace(kept, seen=1.0)


def test_a_consent_that_was_written_without_a_key_or_without_documents_is_still_read() -> None:
    kept = RECORDS["consent"]
    for fields in (2, 3):  # from then on it also names the documents by which its words were read, and its part
        older = msgspec.msgpack.encode(list(msgspec.structs.astuple(kept))[:fields])
        assert msgspec.msgpack.decode(older, type=ConsentRecord) == kept


def test_a_state_that_was_written_before_answers_were_kept_is_folded_again() -> None:
    assert reducer.from_bytes(b"\x02" + reducer.to_bytes(SUBJECT_STATE)[1:]) is None


def test_a_state_that_was_written_before_noes_were_kept_is_folded_again() -> None:
    older = b"\x03" + reducer.to_bytes(SUBJECT_STATE)[1:]
    assert reducer.from_bytes(older) is None
    assert reducer.is_of_earlier_format(older)
    assert not reducer.is_of_earlier_format(reducer.to_bytes(SUBJECT_STATE))


def test_old_bytes_of_states_mean_the_same() -> None:
    for source, state in states().items():
        old = from_bytes(bytes.fromhex(HELD[f"live state: {source}"]), catalogue=CATALOGUE, calendar=CALENDAR)
        assert (old.source, old.latest, old.registers) == (source, state.latest, state.registers)
        assert to_bytes(old) == to_bytes(state)
    for source in ("transactions", "open_banking", "protection"):
        held = bytes.fromhex(HELD[f"ledger: {source}"])
        assert ledger.to_bytes(ledger.from_bytes(held)) == held
        assert registers.unpack(bytes.fromhex(HELD[f"registers: {source}"])) == states()[source].registers
    assert reducer.from_bytes(bytes.fromhex(HELD["subject state"])) == SUBJECT_STATE
    assert reducer.from_bytes(bytes.fromhex(HELD["subject state that shares accounts"])) == SHARING_STATE
    assert reducer.from_bytes(bytes.fromhex(HELD["subject state with a pending movement"])) == WAITING_STATE
    assert reducer.from_bytes(bytes.fromhex(HELD["subject state with answers"])) == ANSWERING_STATE
    assert reducer.from_bytes(bytes.fromhex(HELD["subject state with corrections"])) == CORRECTING_STATE
    assert reducer.from_bytes(bytes.fromhex(HELD["subject state with an objection"])) == OBJECTING_STATE
    assert reducer.from_bytes(bytes.fromhex(HELD["subject state with a pause"])) == PAUSING_STATE
    assert reducer.from_bytes(bytes.fromhex(HELD["subject state of a minor with a delegate"])) == LENT_STATE
    assert reducer.from_bytes(bytes.fromhex(HELD["subject state with an ask and noes"])) == ASKED_STATE


def test_old_bytes_of_a_dead_letter_name_whose_key_opens_them() -> None:
    for name, subject in (("dead letter", SUBJECT), ("dead letter of format 1", BANK)):
        held = bytes.fromhex(HELD[name])
        assert codec.subject_of_letter(held) == subject
        assert codec.open_letter(held, box=BOX) == b"letter"
        for altered in (held[:-1] + bytes((held[-1] ^ 1,)), held[:5] + bytes((held[5] ^ 1,)) + held[6:], b"", held[:9]):
            with pytest.raises(StoreError, match="altered"):
                codec.open_letter(altered, box=BOX)


def test_old_bytes_of_a_row_of_a_table_say_the_same() -> None:
    held = bytes.fromhex(HELD["row of a table in a dead letter"])
    assert kept_row_of(held) == KEPT_ROW
    assert kept_row_of(held.replace(b'"version":1', b'"version":2')) is None


def test_a_state_of_another_format_or_timezone_is_folded_again() -> None:
    held = bytes.fromhex(HELD["live state: app"] if "live state: app" in HELD else HELD["live state: messages"])
    with pytest.raises(SchemaChanged):
        from_bytes(held, catalogue=CATALOGUE, calendar=Calendar("America/Lima"))
    with pytest.raises(SchemaChanged):
        from_bytes(bytes(1) + held[1:], catalogue=CATALOGUE, calendar=CALENDAR)
    assert reducer.from_bytes(b"\x00" + reducer.to_bytes(SUBJECT_STATE)[1:]) is None


def test_an_entry_of_another_format_is_refused_with_its_number() -> None:
    salted = bytes(16) + bytes((codec.FORMAT + 1,))
    about = SUBJECT.to_bytes(8, "big") + bytes((CODES["use"],))
    later = entry("use", BOX.seal(salted, nonce=bytes(12), about=about), bytes(32))

    with pytest.raises(StoreError, match="entry 1 of a journal has format"):
        codec.read(later, box=BOX)


def test_every_source_has_a_number_of_its_own() -> None:
    assert set(SOURCE_CODES) == set(SOURCES)
    assert len(set(SOURCE_CODES.values())) == len(SOURCES)


ASK = """
import sys
sys.path.insert(0, {tests!r})
from formats import BOX, CALENDAR, CATALOGUE, GOLDEN, NOW, entry
import json
from marketofone.consent.gate import Permit
from marketofone.domain.event import SOURCES, SWITCHABLE
from marketofone.features.state_form import from_bytes
from marketofone.features.vector import see
assert SOURCES[1] == "telephony", SOURCES
held = json.loads(GOLDEN.read_text())
names = [name for name in held if name.startswith("live state: ")]
states = [from_bytes(bytes.fromhex(held[name]), catalogue=CATALOGUE, calendar=CALENDAR) for name in names]
assert [state.source for state in states] == [name.removeprefix("live state: ") for name in names]
sources = frozenset(state.source for state in states)
permit = Permit(customer="c", purpose="p", channel="", epoch=1, sources=sources, refused={{}})
seen = see({{state.source: state for state in states}}, permit=permit, catalogue=CATALOGUE, calendar=CALENDAR, now=NOW)
print(json.dumps([seen.values.tolist(), seen.profile.in_arrears]))
"""


def asked(source: Path) -> list[object]:
    script = ASK.format(tests=str(Path(__file__).parent))
    if source == Path(marketofone.__file__).parent.parent:
        script = script.replace('assert SOURCES[1] == "telephony", SOURCES', "")
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": str(source)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: list[object] = json.loads(done.stdout)
    return answer


def test_a_source_inserted_in_the_middle_of_the_list_leaves_old_states_as_they_were(tmp_path: Path) -> None:
    package = Path(marketofone.__file__).parent
    shutil.copytree(package, tmp_path / "marketofone", ignore=shutil.ignore_patterns("__pycache__"))
    event = tmp_path / "marketofone" / "domain" / "event.py"
    text = event.read_text(encoding="utf-8")
    grown = text.replace('"transactions", "app", ', '"transactions", "telephony", "app", ', 1)
    grown = grown.replace('    "app": 2,\n', '    "app": 2,\n    "telephony": 9,\n', 1)
    assert grown.count("telephony") == 2
    event.write_text(grown, encoding="utf-8")

    after = asked(tmp_path)

    assert after == asked(package.parent)
    assert after[1] is True
