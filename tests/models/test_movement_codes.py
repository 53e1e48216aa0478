"""What codes and words of other systems say of a payment."""

from __future__ import annotations

from collections import defaultdict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.models.movement import codes
from marketofone.models.movement.codes import (
    category_of_mcc,
    meaning_of_bank_code,
    meaning_of_purpose,
    meaning_of_word,
)
from marketofone.models.movement.spelling import spellings
from marketofone.models.movement.taxonomy import CATEGORIES, NATURES, Meaning

NOTHING = Meaning()
TABLES: dict[str, dict[str, list[str]]] = msgspec.to_builtins(codes._GUIDE)


def said(meaning: Meaning) -> str | None:
    return meaning.nature or meaning.category


@pytest.mark.parametrize("table", TABLES)
def test_each_meaning_is_a_word_of_the_taxonomy_and_no_code_means_two_things(table: str) -> None:
    assert set(TABLES[table]) <= {*NATURES, *CATEGORIES}
    meanings = defaultdict(list)
    for name, listed in TABLES[table].items():
        for code in listed:
            meanings[code].append(name)
    assert {code: names for code, names in meanings.items() if len(names) > 1} == {}


def test_no_spelling_of_a_word_means_two_things() -> None:
    meanings = defaultdict(set)
    for name, words in TABLES["words"].items():
        for word in words:
            for way in spellings(word):
                meanings[codes._plain(way)].add(name)
    assert {word: names for word, names in meanings.items() if len(names) > 1} == {}


def test_ranges_of_merchant_codes_do_not_overlap() -> None:
    each = [code for listed in TABLES["mcc"].values() for code in codes._each(tuple(listed))]
    assert len(each) == len(set(each))


def test_natures_and_categories_share_no_word() -> None:
    assert set(NATURES).isdisjoint(CATEGORIES)


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("PMNT-RCDT-SALA", "salary"),
        ("PMNT RCDT SALA", "salary"),
        ("pmnt/ccrd/cwdl", "cash"),
        ("PMNT-CCRD-POSD", "spending"),
        ("PMNT-IDDT-UPDD", "returned_debit"),
        ("PMNT-RDDT-UPDD", "returned_debit"),
        ("ACMT-MDOP-CHRG", "fee"),
        ("ACMT-MCOP-INTR", "interest"),
        ("LDAS-CSLN-DDWN", "loan_paid_out"),
        ("LDAS-MGLN-PPAY", "loan_payment"),
        ("LDAS-MGLN", "loan_payment"),
        ("153", "salary"),
        ("NTRF+153+00931", "salary"),
        ("109", "returned_debit"),
        ("808", "fee"),
        ("083", "cash"),
        ("119", "donations"),
        ("DIRECTDEP", "salary"),
        ("SRVCHG", "fee"),
        ("INT", "interest"),
        ("CPT", "cash"),
        ("C/L", "cash"),
    ],
)
def test_a_bank_code_says_what_it_stands_for(code: str, meaning: str) -> None:
    assert said(meaning_of_bank_code(code)) == meaning


@pytest.mark.parametrize(
    "code",
    ["", " ", "CREDIT", "DEBIT", "FPI", "FPO", "TFR", "XFER", "DD", "166", "116", "105", "PMNT-ICDT-ESCT", "PMNT"],
)
def test_a_code_of_direction_or_rail_says_nothing(code: str) -> None:
    assert meaning_of_bank_code(code) == NOTHING


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("SALA", "salary"),
        ("pens", "pension"),
        ("SSBE", "benefit"),
        ("LOAR", "loan_payment"),
        ("VATX", "tax"),
        ("CHAR", "donations"),
    ],
)
def test_a_purpose_code_says_what_it_stands_for(code: str, meaning: str) -> None:
    assert said(meaning_of_purpose(code)) == meaning
    assert meaning_of_purpose("OTHR") == NOTHING


@pytest.mark.parametrize(
    ("mcc", "meaning"),
    [
        ("5411", "groceries"),
        ("5812", "dining"),
        ("3000", "travel"),
        ("3838", "travel"),
        ("7011", "travel"),
        ("6011", "cash"),
        ("7995", "gambling"),
        ("742", "pets"),
        ("0742", "pets"),
        ("9999", None),
        ("54111", None),
        ("", None),
    ],
)
def test_a_merchant_code_says_its_category(mcc: str, meaning: str | None) -> None:
    assert said(category_of_mcc(mcc)) == meaning


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("Food & Drink", "dining"),
        ("food and drink", "dining"),
        ("FOOD_AND_DRINK", "dining"),
        ("FOOD_AND_DRINK_GROCERIES", "groceries"),
        ("TRANSPORTATION_TAXIS_AND_RIDE_SHARES", "transport"),
        ("LOAN_PAYMENTS_CREDIT_CARD_PAYMENT", "card_bill"),
        ("INCOME_WAGES", "salary"),
        ("Income tax", "tax"),
        ("Eating out", "dining"),
        ("Bills", "utilities"),
        ("Épicerie", "groceries"),
        ("EPICERIE", "groceries"),
        ("Gebuehren", "fee"),
        ("Miete", "rent"),
        ("Loyer", "rent"),
        ("Expenses:Food:Milk", "groceries"),
        ("Household > Maid", "household"),
        ("Festivals", "gifts"),
        ("Public Provident Fund", "own_transfer"),
        ("Saving Bank account 1", "own_transfer"),
        ("食費", "groceries"),
        ("किराना", "groceries"),
        ("5411", "groceries"),
        ("TRANSFER_IN", None),
        ("Qwertz", None),
        ("", None),
    ],
)
def test_a_category_word_is_understood_as_people_and_banks_write_it(word: str, meaning: str | None) -> None:
    assert said(meaning_of_word(word)) == meaning


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("transfer", "own_transfer"),
        ("savings", "own_transfer"),
        ("salary", "salary"),
        ("bonus", "salary"),
        ("loan", "loan_payment"),
        ("fees", "fee"),
        ("cash", "cash"),
        ("tax", "tax"),
        ("subscription", "entertainment"),
        *((name, name) for name in CATEGORIES),
    ],
)
def test_the_words_of_this_project_are_understood(word: str, meaning: str) -> None:
    assert said(meaning_of_word(word)) == meaning


def test_a_mark_that_makes_another_word_is_kept() -> None:
    assert said(meaning_of_word("किराना")) == "groceries"
    assert meaning_of_word("करन") == NOTHING


@given(st.text(max_size=60))
def test_any_text_may_be_asked_and_means_the_same_twice(text: str) -> None:
    for ask in (meaning_of_bank_code, meaning_of_purpose, category_of_mcc, meaning_of_word):
        assert ask(text) == ask(text)
