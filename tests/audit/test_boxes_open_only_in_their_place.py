"""A sealed body opens under its key and in its place, and nowhere else; without the key nothing is left of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.audit.sealed_box import Box, CannotOpen, open_, seal, unwrap_key, wrap_key

KEY, OTHER = bytes(range(32)), bytes(32)
NONCE = bytes(range(12))
SEALED = seal(b"salary", key=KEY, nonce=NONCE, about=b"7/1")
WRAPPED = wrap_key(OTHER, under=KEY, nonce=NONCE, about=b"7")


@given(st.binary(max_size=300), st.binary(min_size=12, max_size=12), st.binary(max_size=40))
def test_what_was_sealed_opens_in_its_place(plain: bytes, nonce: bytes, about: bytes) -> None:
    box = Box(KEY)
    sealed = box.seal(plain, nonce=nonce, about=about)

    assert box.open(sealed, about=about) == plain
    assert sealed == seal(plain, key=KEY, nonce=nonce, about=about)
    assert len(sealed) == len(plain) + 29


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=40))
def test_a_wrapped_key_opens_for_its_owner(key: bytes, about: bytes) -> None:
    assert unwrap_key(wrap_key(key, under=KEY, nonce=NONCE, about=about), under=KEY, about=about) == key


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_no_byte_can_be_altered(place: int, change: int) -> None:
    altered = SEALED[:place] + bytes([SEALED[place] ^ change]) + SEALED[place + 1 :]

    with pytest.raises(CannotOpen):
        open_(altered, key=KEY, about=b"7/1")


@pytest.mark.parametrize("length", range(len(SEALED)))
def test_a_cut_box_does_not_open(length: int) -> None:
    with pytest.raises(CannotOpen):
        open_(SEALED[:length], key=KEY, about=b"7/1")


ELSEWHERE: dict[str, Callable[[], bytes]] = {
    "another key": lambda: open_(SEALED, key=OTHER, about=b"7/1"),
    "another place": lambda: open_(SEALED, key=KEY, about=b"7/2"),
    "a key wrapped under another": lambda: unwrap_key(WRAPPED, under=OTHER, about=b"7"),
    "a key of another customer": lambda: unwrap_key(WRAPPED, under=KEY, about=b"8"),
    "a wrapped key as a body": lambda: open_(WRAPPED, key=KEY, about=b"7"),
    "a body as a wrapped key": lambda: unwrap_key(seal(OTHER, key=KEY, nonce=NONCE, about=b"7"), under=KEY, about=b"7"),
    "a wrapped key relabelled as a body": lambda: open_(b"\x01" + WRAPPED[1:], key=KEY, about=b"7"),
    "a later format": lambda: open_(b"\x03" + SEALED[1:], key=KEY, about=b"7/1"),
}


@pytest.mark.parametrize("case", ELSEWHERE)
def test_nothing_opens_elsewhere(case: str) -> None:
    with pytest.raises(CannotOpen):
        ELSEWHERE[case]()


def test_a_box_names_the_format_it_cannot_read() -> None:
    with pytest.raises(CannotOpen, match="format 3; format 1"):
        open_(b"\x03" + SEALED[1:], key=KEY, about=b"7/1")


@pytest.mark.parametrize("length", [0, 11, 13])
def test_a_nonce_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=r"[Nn]once"):
        Box(KEY).seal(b"", nonce=bytes(length), about=b"")


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="key"):
        Box(bytes(length))
    with pytest.raises(ValueError, match="32 bytes"):
        Box(KEY).wrap_key(bytes(length), nonce=NONCE, about=b"")


def test_the_bytes_of_a_box_stay_the_same() -> None:
    assert SEALED.hex() == "01000102030405060708090a0bfa9a64615b6ef20f6f79996413647da6e5816849db6b"
    assert WRAPPED.hex() == (
        "02000102030405060708090a0b"  # format and nonce
        "89fb08002917a540b7833ff3981d0e63c970b2e75174adb9e6972fc575c0a63c"  # key
        "53ea333623d3c6fb2b26550217696c6f"  # tag
    )


def test_the_cipher_is_that_of_the_standard() -> None:
    """The key and the nonce of RFC 8439, section 2.8.2, which has other associated data: so only the text agrees."""
    key, nonce = bytes(range(0x80, 0xA0)), bytes.fromhex("070000004041424344454647")
    plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen "

    sealed = seal(plain + b"would be it.", key=key, nonce=nonce, about=b"")

    assert sealed[13:45].hex() == "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
