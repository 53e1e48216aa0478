"""A mapping rests as a document that people can read and change, and is never written over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marketofone.domain.errors import MalformedDocument
from marketofone.importers.tables.mapping import (
    Columns,
    Mapping,
    Words,
    load_mapping,
    parse_mapping,
    save_mapping,
    to_toml,
)

SAID = Mapping(
    columns=Columns(booked=("Date",), amount="Amount", direction="Way", text=("Text", "More")),
    date="DMY",
    decimal=",",
    order="newest first",
    account="main",
    currency="EUR",
    separator="\t",
    words=Words(money_out=("Af",), money_in=("Bij",)),
)
NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(columns=st.lists(NAME, min_size=3, max_size=6), word=NAME)
def test_a_mapping_is_the_same_once_it_was_written_and_read(columns: list[str], word: str) -> None:
    booked, amount, *text = columns
    mapping = replace(
        SAID,
        columns=Columns(booked=(booked,), amount=amount, text=tuple(text)),
        words=Words(pending=(word,)),
        separator=";",
    )

    assert parse_mapping(to_toml(mapping, made_from="june.csv"), name="june") == mapping


def test_a_mapping_says_in_words_what_its_keys_are() -> None:
    lines = to_toml(SAID, made_from="june.csv").splitlines()

    assert lines[:3] == [
        "# How rows of files like june.csv are read; docs/import.md says what may stand here.",
        "format = 1",
        'date = "DMY"  # order of year, month and day',
    ]
    assert 'text = ["Text","More"]' in lines


@pytest.mark.parametrize(
    ("changed", "by", "told"),
    [
        ("format = 1", "format = 2", "format"),
        ('date = "DMY"', 'date = "YDM"', "date"),
        ('decimal = ","', 'decimal = ";"', "decimal"),
        ('booked = ["Date"]', "", "booked"),
        ('currency = "EUR"', 'currency = "XXQ"', "currency"),
        ('separator = "\\t"', 'separator = ";;"', "separator"),
        ('separator = "\\t"', 'encoding = "tea"', "encoding"),
        ("format = 1", 'format = 1\nperiod = "2026"', "period"),
        ("format = 1", 'format = 1\nperiod = "2026-01-31/2025-01-31"', "period"),
        ("[words]", "[words]\ntea = 1", "tea"),
        ("[words]", "[words", "june"),
    ],
)
def test_a_mapping_that_breaks_its_contract_is_refused_with_the_key(changed: str, by: str, told: str) -> None:
    with pytest.raises(MalformedDocument, match=told):
        parse_mapping(to_toml(SAID, made_from="june.csv").replace(changed, by), name="june")


def test_a_mapping_is_saved_under_the_name_of_its_file_and_never_over_another(tmp_path: Path) -> None:
    first = save_mapping(SAID, folder=tmp_path, made_from="Umsätze Juni.csv.gz")
    again = save_mapping(SAID, folder=tmp_path, made_from="Umsätze Juni.csv")
    other = save_mapping(replace(SAID, account="other"), folder=tmp_path, made_from="Umsätze Juni.csv")

    assert [path.relative_to(tmp_path).as_posix() for path in (first, again, other)] == [
        "mappings/umsatze-juni.toml", "mappings/umsatze-juni.toml", "mappings/umsatze-juni-2.toml",
    ]  # fmt: skip
    assert load_mapping("umsatze-juni", folder=tmp_path) == SAID


def test_a_mapping_is_named_or_lies_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(to_toml(SAID, made_from="june.csv"), encoding="utf-8")

    assert load_mapping(str(path), folder=tmp_path / "bank") == SAID


def test_a_mapping_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    save_mapping(SAID, folder=tmp_path, made_from="june.csv")

    with pytest.raises(MalformedDocument, match=re.escape("one of: june")):
        load_mapping("july", folder=tmp_path)
