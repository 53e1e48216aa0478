"""Personal data is taken out of a text before anything else looks at it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.models.language import mask
from marketofone.models.language.text import words


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to Ann.Lee+bank@mail.example.org please", "write to <email> please"),
        ("my card 4929 1234 1234 1234 is gone", "my card <number> is gone"),
        ("call +44 (0)7700 900-123", "call + <number>"),
        ("IBAN DE89 3704 0044 0532 0130 00 is mine", "IBAN <iban> is mine"),
        ("gb33bukb20201555555555", "<iban>"),
        ("see https://bank.example/me?id=77 now", "see <link> now"),
        ("@bank_help where is it", "<handle> where is it"),
        ("full-width \uff11\uff12 and Arabic \u0661\u0662", "full-width <number> and Arabic <number>"),
    ],
)
def test_what_identifies_a_person_is_replaced(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_plain_words_stay() -> None:
    assert mask("My card, lost on Monday!") == "My card, lost on Monday!"


LOCAL = st.from_regex(r"[a-z][a-z0-9._+-]{0,30}", fullmatch=True)
DOMAIN = st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z]{2,6}){1,3}", fullmatch=True)


@given(text=st.text(max_size=400))
def test_no_digit_survives(text: str) -> None:
    assert not any(sign.isdecimal() for sign in mask(text))


@given(before=st.text(max_size=40), local=LOCAL, domain=DOMAIN)
def test_no_email_survives(before: str, local: str, domain: str) -> None:
    masked = mask(f"{before} {local}@{domain} ")
    assert "@" not in masked.removeprefix(mask(before))
    assert not re.search(rf"{re.escape(local)}@", masked)


@given(text=st.text(max_size=400))
def test_masking_twice_masks_no_more(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@given(text=st.text(max_size=300))
def test_any_text_falls_into_words_without_space_or_digit(text: str) -> None:
    assert all(piece and not piece.isspace() and not any(map(str.isdecimal, piece)) for piece in words(text))


def test_a_negation_reaches_three_words_and_stops_at_a_stop() -> None:
    assert words("not a very happy customer") == ["not", "¬a", "¬very", "¬happy", "customer"]
    assert words("no, thanks") == ["no", ",", "thanks"]
    assert words("Can\u2019t pay") == ["cant", "¬pay"]


def test_a_hostile_text_costs_linear_time() -> None:
    for unit in ("a", "@", "a@", "1 ", "ab12", "www.", "a.", "-1"):
        assert isinstance(mask(unit * 20_000), str)
