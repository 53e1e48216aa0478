"""What the bank signs in JSON has one form only: RFC 8785, held to a rule that was written down without ours."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.audit.checkpoint import public_key_of
from marketofone.audit.signed_document import LARGEST, NotCanonical, canonical, sign_document, verify_document

SEED = bytes(range(32))
ORIGIN = "example-bank/7f3a"
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
SHORT = {0x08: "b", 0x09: "t", 0x0A: "n", 0x0C: "f", 0x0D: "r", 0x22: '"', 0x5C: "\\"}


def by_the_letter(value: object) -> str:
    """RFC 8785 as its text has it: sections 3.2.2.2 for texts and 3.2.3 for the order of names."""
    if isinstance(value, str):
        return '"' + "".join(map(_letter, value)) + '"'
    if isinstance(value, dict):
        names = sorted(value, key=_units)
        return "{" + ",".join(f"{by_the_letter(name)}:{by_the_letter(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(by_the_letter, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _letter(letter: str) -> str:
    code = ord(letter)
    if code in SHORT:
        return "\\" + SHORT[code]
    return f"\\u{code:04x}" if code < 0x20 else letter


def _units(name: str) -> list[int]:
    """Give the UTF-16 code units: above 16 bits it is two, a high one and a low one, both below U+E000."""
    units: list[int] = []
    for code in map(ord, name):
        units += [code] if code < 0x10000 else [0xD800 + (code - 0x10000 >> 10), 0xDC00 + (code - 0x10000 & 0x3FF)]
    return units


@given(values)
def test_a_value_is_written_as_the_standard_says(value: object) -> None:
    assert canonical(value).decode() == by_the_letter(value)
    assert json.loads(canonical(value)) == value


def test_names_stand_in_the_order_of_their_code_units_and_not_of_their_letters() -> None:
    said = {"\U0001f600": 1, "\ufb33": 2, "\u20ac": 3, "\r": 4, "1": 5, "\u0080": 6, "\u00f6": 7}  # section 3.2.3
    order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(canonical(said))) == order


@pytest.mark.parametrize(
    "value", [1.0, 0.1, LARGEST + 1, -LARGEST - 1, b"x", {1: 2}, {"a": {3, 4}}, "\ud800", {"\udfff": 1}]
)
def test_what_has_no_form_of_its_own_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical({"said": [value]})


@given(st.dictionaries(texts.filter(lambda name: name != "signature"), values, max_size=4), texts)
def test_no_other_document_fits_a_signature(document: dict[str, object], added: str) -> None:
    signed = sign_document(document, seed=SEED, origin=ORIGIN)
    key = public_key_of(SEED)
    assert verify_document(signed, public_key=key)
    assert not verify_document({**signed, f"{added}+": 1}, public_key=key)
    assert not verify_document(signed, public_key=public_key_of(bytes(32)))
    for name in ("algorithm", "canonicalization", "key_id", "origin", "value"):
        said = signed["signature"]
        assert not verify_document({**signed, "signature": {**said, name: said[name] + "A"}}, public_key=key)
    assert not verify_document(document, public_key=key)
