"""A checkpoint is a few signed lines: nothing in them can be altered, and what changed since is said in words."""

from __future__ import annotations

from base64 import b64encode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.audit import merkle
from marketofone.audit.checkpoint import (
    BadCheckpoint,
    Checkpoint,
    Finding,
    SignedCheckpoint,
    compare,
    key_id_of,
    parse,
    public_key_of,
    sign,
    verify_signature,
)
from marketofone.domain.moment import Instant

SEED = bytes(range(32))
KEY = public_key_of(SEED)
ORIGIN = "example-bank/7f3a"
LEAVES = [merkle.leaf_hash(bytes([number])) for number in range(9)]
LAST = 253_402_300_799_999_999


def made(
    *, size: int = 5, origin: str = ORIGIN, at: int = 1_767_600_000_000_001, map_root: bytes = bytes(32)
) -> Checkpoint:
    return Checkpoint(
        origin=origin,
        size=size,
        root=merkle.root(LEAVES[:size]),
        map_root=map_root,
        at=Instant(at),
        key_id=key_id_of(KEY, origin=origin),
    )


def held_against(
    old: SignedCheckpoint,
    *,
    leaves: list[bytes],
    origin: str = ORIGIN,
    key: bytes = KEY,
    map_root: bytes | None = None,
) -> Finding | None:
    old_size, size = old.checkpoint.size, len(leaves)
    return compare(
        old,
        public_key=key,
        origin=origin,
        size=size,
        root=merkle.root(leaves),
        proof=merkle.consistency_proof(leaves, old_size=old_size, size=size) if old_size <= size else (),
        map_root=map_root,
    )


def fault_of(finding: Finding | None) -> str | None:
    return None if finding is None else finding.fault


TEXT = sign(made(), seed=SEED)
SIGNED = parse(TEXT)


@given(
    st.integers(0, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
    st.integers(0, LAST),
    st.sampled_from([ORIGIN, "b", "Sparkasse-Köln/1", "銀行"]),
)
def test_what_was_signed_is_read_again(size: int, root: bytes, at: int, origin: str) -> None:
    stated = Checkpoint(
        origin=origin, size=size, root=root, map_root=root, at=Instant(at), key_id=key_id_of(KEY, origin=origin)
    )

    read = parse(sign(stated, seed=SEED))

    assert read.checkpoint == stated
    assert read.text() == sign(stated, seed=SEED)
    assert verify_signature(read, public_key=KEY)


def test_the_text_of_a_checkpoint_stays_the_same() -> None:
    assert TEXT == (
        "example-bank/7f3a\n"
        "5\n"
        "uFW0LWww9bCH4FJmeD+9bjlPe5JgE8yqZ3AKiwxaWW8=\n"
        "format 1\n"
        "map AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
        "time 2026-01-05T08:00:00.000001Z\n"
        "\n"
        "— example-bank/7f3a "
        "L/KakAv5eX16/FuORk3ZHniIiwH5EXRgAj/nPre0Df090VgJ7TYq9fp7BXjJQPXCLjieEw8W+v0vozdc/lqB7n6DMwA=\n"
    )


def test_the_key_id_is_that_of_a_signed_note() -> None:
    # The example of Go's package for signed notes: PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW
    key = bytes.fromhex("1a5cd907143c384c41e830c5bce12aa8817ec5649aaabf2c31388b35b2d744d6")

    assert key_id_of(key, origin="PeterNeumann").hex() == "c74f20a3"


@given(st.integers(0, len(TEXT) - 1), st.characters(codec="utf-8"))
def test_no_character_can_be_altered(place: int, character: str) -> None:
    altered = TEXT[:place] + character + TEXT[place + 1 :]

    try:
        verified = verify_signature(parse(altered), public_key=KEY)
    except BadCheckpoint:
        verified = False

    assert verified == (altered == TEXT)


@pytest.mark.parametrize(
    "altered",
    [
        "",
        TEXT[:-1],
        TEXT + "\n",
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n5\n", "\n05\n"),
        TEXT.replace("\n5\n", "\n+5\n"),
        TEXT.replace("\n5\n", "\n99999999999999999999\n"),
        TEXT.replace("\n5\n", "\n9223372036854775808\n"),
        TEXT.replace("format 1", "format 2"),
        TEXT.replace("format 1", "format 01"),
        TEXT.replace("time 2026", "time 226"),
        TEXT.replace(".000001Z", ".1Z"),
        TEXT.replace("-01-05", "-02-31"),
        TEXT.replace("— example-bank", "— other-bank"),
        TEXT.replace("— ", "- "),
        TEXT[:-3] + "\n",
        TEXT.rpartition(" ")[0] + " " + b64encode(bytes(67)).decode() + "\n",
        "\n".join(("example bank", *TEXT.split("\n")[1:])),
    ],
)
def test_a_text_that_differs_in_anything_is_no_checkpoint(altered: str) -> None:
    assert altered != TEXT
    with pytest.raises(BadCheckpoint):
        parse(altered)


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "line\nbreak", "no\u00a0break", "tab\t", "\ud800"])
def test_an_origin_is_one_printable_word(origin: str) -> None:
    with pytest.raises(BadCheckpoint, match="origin"):
        msgspec.structs.replace(made(), origin=origin)


@pytest.mark.parametrize(
    "changes",
    [
        {"size": -1},
        {"size": 2**63},
        {"at": -1},
        {"at": LAST + 1},
        {"root": bytes(31)},
        {"map_root": bytes(33)},
        {"key_id": b""},
        {"format": 2},
    ],
)
def test_what_cannot_be_written_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadCheckpoint):
        msgspec.structs.replace(made(), **changes)


def test_another_key_does_not_verify() -> None:
    other = public_key_of(bytes(32))
    claimed = msgspec.structs.replace(made(), key_id=key_id_of(other, origin=ORIGIN))
    forged = msgspec.structs.replace(SIGNED, checkpoint=claimed)

    assert not verify_signature(SIGNED, public_key=other)
    assert not verify_signature(forged, public_key=other)
    assert not verify_signature(SIGNED, public_key=b"no key")


def test_a_checkpoint_of_another_key_is_not_signed() -> None:
    with pytest.raises(BadCheckpoint, match="another key"):
        sign(made(), seed=bytes(32))


@pytest.mark.parametrize("size", [5, 6, 9])
def test_a_log_that_only_grew_is_right(size: int) -> None:
    assert held_against(SIGNED, leaves=LEAVES[:size]) is None
    assert held_against(SIGNED, leaves=LEAVES[:size], map_root=bytes(32)) is None


def test_everything_continues_a_checkpoint_of_the_empty_log() -> None:
    assert held_against(parse(sign(made(size=0), seed=SEED)), leaves=LEAVES) is None


def test_a_cut_log_has_shrunk() -> None:
    finding = held_against(SIGNED, leaves=LEAVES[:4])

    assert fault_of(finding) == "shrunk"
    assert finding is not None
    assert "knows 5 entries, the log holds 4" in finding.text


@pytest.mark.parametrize("size", [5, 9])
def test_a_changed_entry_means_that_the_log_was_rewritten(size: int) -> None:
    leaves = LEAVES[:size]
    leaves[2] = merkle.leaf_hash(b"another")

    assert fault_of(held_against(SIGNED, leaves=leaves)) == "rewritten"


def test_a_journal_that_ended_elsewhere_means_that_it_was_rewritten() -> None:
    assert fault_of(held_against(SIGNED, leaves=LEAVES, map_root=bytes([1] * 32))) == "rewritten"


def test_a_checkpoint_of_another_bank_is_named_so() -> None:
    assert fault_of(held_against(SIGNED, leaves=LEAVES, origin="other-bank")) == "other bank"


def test_a_forged_checkpoint_is_named_so() -> None:
    forged = msgspec.structs.replace(SIGNED, checkpoint=made(size=4))

    assert fault_of(held_against(forged, leaves=LEAVES)) == "bad signature"
    assert fault_of(held_against(SIGNED, leaves=LEAVES, key=public_key_of(bytes(32)))) == "bad signature"
