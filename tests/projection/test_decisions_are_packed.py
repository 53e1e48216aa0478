"""A decision is written in few bytes, and read back to the bit."""

from __future__ import annotations

import math
import zlib

import msgspec
import pytest
import zstandard
from formats import BOX, DECISION, NOW, RESTS_ON, SUBJECT, entry
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.decision import (
    STAGE_CODES,
    Candidate,
    Candidates,
    Counterfactual,
    Decision,
    Notification,
    NotUsed,
    Reason,
    Slot,
    Stage,
)
from marketofone.domain.errors import MalformedRequest
from marketofone.projection import codec, decision_form
from marketofone.projection.compressed import decompress
from marketofone.projection.records import DecisionRecord, RestsOn

TEXTS = st.text(max_size=12) | st.sampled_from(["", "you said no", "its condition does not hold"])
FLOATS = st.floats(allow_nan=False) | st.floats(-1e6, 1e6).map(lambda number: round(number, 2)) | st.just(0.0)
SINGLES = st.floats(width=32, allow_nan=False)
INTS = st.integers(0, 2**62)
STAGES = st.sampled_from(list(STAGE_CODES))
CANDIDATES = st.builds(
    Candidate,
    action=TEXTS,
    stage=STAGES,
    why=TEXTS,
    mean=FLOATS,
    spread=FLOATS,
    draw=FLOATS,
    propensity=st.floats(0, 1) | st.just(0.0),
)
DECISIONS = st.builds(
    Decision,
    id=TEXTS,
    customer=TEXTS,
    occasion=TEXTS,
    channel=TEXTS,
    at=st.integers(-(2**62), 2**62),
    action=TEXTS,
    propensity=st.floats(1e-12, 1.0),
    assignment=st.sampled_from(["policy", "control"]),
    reasons=st.lists(
        st.builds(Reason, text=TEXTS, feature=st.none() | TEXTS, source=st.none() | TEXTS, term=FLOATS),
        min_size=1,
        max_size=4,
    ).map(tuple),
    not_used=st.lists(st.builds(NotUsed, source=TEXTS, why=TEXTS), max_size=3).map(tuple),
    candidates=st.lists(CANDIDATES, max_size=8).map(Candidates.of),
    uses=st.lists(st.tuples(TEXTS, TEXTS), max_size=5).map(tuple),
    context=(st.lists(SINGLES, max_size=6) | st.lists(FLOATS, max_size=6)).map(tuple),
    guardrails=st.lists(TEXTS, max_size=2).map(tuple),
    epoch=INTS,
    position=INTS,
    documents=TEXTS,
    notification=st.none()
    | st.builds(Notification, event=TEXTS, cause=TEXTS, day=st.none() | INTS, probability=FLOATS),
)
RECORDS = st.builds(
    DecisionRecord,
    actor=TEXTS,
    decision=DECISIONS,
    rests_on=st.builds(
        RestsOn, bank=INTS, version=INTS, journals=st.lists(st.tuples(INTS, INTS), max_size=3).map(tuple)
    ),
    kind=st.sampled_from([None, "offer", "insight"]),
    counterfactual=st.none() | st.builds(Counterfactual, change=TEXTS, action=TEXTS),
)


@given(RECORDS)
def test_every_decision_is_read_back_to_the_bit(record: DecisionRecord) -> None:
    again = decision_form.unpack(decision_form.pack(record))

    assert again == record
    assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode(record)  # also of minus nought


@pytest.mark.slow
@given(
    record=RECORDS, below=st.lists(RECORDS, max_size=3), placement=st.none() | TEXTS, names=st.lists(TEXTS, max_size=2)
)
def test_every_slate_is_read_back_to_the_bit(
    record: DecisionRecord, below: list[DecisionRecord], placement: str | None, names: list[str]
) -> None:
    actions = record.decision.candidates.actions
    slots = tuple(slot_of(one, candidates=fared(one.decision.candidates, actions)) for one in below)
    slate = msgspec.structs.replace(record.decision, placement=placement, slots=1 + len(slots), below=slots)
    slate = msgspec.structs.replace(slate, closed=tuple(names), charged=tuple(names))
    record = msgspec.structs.replace(record, decision=slate)
    again = decision_form.unpack(decision_form.pack(record))

    assert again == record
    assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode(record)
    assert decision_form.unpack_said(decision_form.pack(record)) == record.said


def fared(of: Candidates, actions: tuple[str, ...]) -> Candidates:
    """Give how other actions fared like these: those that there are too many of are left out, new ones were scored."""
    each = [msgspec.structs.replace(one, action=action) for one, action in zip(of, actions, strict=False)]
    return Candidates.of([*each, *(Candidate(action=action, stage="scored") for action in actions[len(each) :])])


def slot_of(record: DecisionRecord, *, candidates: Candidates) -> Slot:
    made = record.decision
    return Slot(
        action=made.action,
        kind=record.kind,
        propensity=made.propensity,
        reasons=made.reasons,
        candidates=candidates,
        context=made.context,
        guardrails=made.guardrails,
        notification=made.notification,
    )


def test_a_place_with_other_candidates_than_the_first_is_not_written() -> None:
    other = slot_of(DecisionRecord("api", DECISION, RESTS_ON), candidates=Candidates())
    record = DecisionRecord("api", msgspec.structs.replace(DECISION, slots=2, below=(other,)), RESTS_ON)
    with pytest.raises(MalformedRequest):
        codec.draft("decision", record, subject=SUBJECT, box=BOX, at=NOW)


def test_more_actions_and_words_than_a_byte_can_count_are_read_back() -> None:
    many = Candidates.of(
        Candidate(action=f"action-{n}", stage="not_eligible", why=f"why {n}", mean=n / 100) for n in range(1_000)
    )
    pairs = tuple((f"purpose-{n}", f"source-{n}") for n in range(300))
    record = DecisionRecord("api", msgspec.structs.replace(DECISION, candidates=many, uses=pairs), RESTS_ON)

    assert decision_form.unpack(decision_form.pack(record)) == record


@pytest.mark.parametrize("odd", [math.inf, -math.inf, -0.0, 1e300, 0.1 + 0.2, 2.0**60])
def test_numbers_that_are_no_hundredths_are_kept_exactly(odd: float) -> None:
    one = Candidate(action="a", stage="chosen", mean=odd, spread=0.01, draw=odd, propensity=0.5)
    record = DecisionRecord(
        "api", msgspec.structs.replace(DECISION, candidates=Candidates.of([one]), context=(odd, 0.1)), RESTS_ON, "offer"
    )

    again = decision_form.unpack(decision_form.pack(record))

    assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode(record)


def test_rounded_numbers_take_a_fraction_of_the_bytes() -> None:
    def size(digits: int) -> int:
        scored = Candidates.of(
            Candidate(
                action="a", stage="scored", mean=round(n * math.pi, digits), spread=1.5, draw=2.5, propensity=n / 100
            )
            for n in range(100)
        )
        return len(
            decision_form.pack(
                DecisionRecord("api", msgspec.structs.replace(DECISION, candidates=scored), RESTS_ON, "offer")
            )
        )

    assert size(2) < size(12) - 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 7},
        {"occasion": None},
        {"propensity": 0.5, "epoch": "one"},
        {"customer": "\ud800"},
        {"context": ("a",)},
        {"candidates": Candidates(("a",), b"\x09", ("",), bytes(4), bytes(32))},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_could_not_be_read_again_is_not_written(wrong: dict[str, object]) -> None:
    record = DecisionRecord("api", msgspec.structs.replace(DECISION, **wrong), RESTS_ON)
    with pytest.raises(MalformedRequest):
        codec.draft("decision", record, subject=SUBJECT, box=BOX, at=NOW)


def test_the_codec_writes_and_reads_this_form() -> None:
    record = DecisionRecord("api", DECISION, RESTS_ON, "offer")
    drafted = codec.draft("decision", record, subject=SUBJECT, box=BOX, at=NOW)

    assert codec.read(entry("decision", drafted.body, drafted.commitment), box=BOX) == record


def test_a_decision_that_an_earlier_build_deflated_is_still_read() -> None:
    record = DecisionRecord("api", DECISION, RESTS_ON, "offer")
    deflate = zlib.compressobj(3, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated = deflate.compress(decompress(decision_form.pack(record))) + deflate.flush()

    assert decision_form.unpack(deflated) == record


@pytest.mark.parametrize("odd", [b"", b"\x00", zstandard.FRAME_HEADER, zstandard.FRAME_HEADER + bytes(9)])
def test_bytes_that_are_no_compressed_decision_are_refused(odd: bytes) -> None:
    with pytest.raises(ValueError, match="no compressed bytes"):
        decompress(odd)


def test_every_stage_has_a_number_of_its_own() -> None:
    assert set(STAGE_CODES) == set(Stage.__args__)  # type: ignore[attr-defined]
    assert len(set(STAGE_CODES.values())) == len(STAGE_CODES)
