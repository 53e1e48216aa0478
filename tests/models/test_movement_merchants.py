"""Who was paid: names as people write them, in every script, and what is usually bought there."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.remembered import forget_texts
from marketofone.models.movement import trades
from marketofone.models.movement.merchants import Merchant, clean_name, directory, recognise
from marketofone.models.movement.taxonomy import CATEGORIES

BRANDS = directory().brands


def test_no_way_to_write_a_name_belongs_to_two_merchants() -> None:
    owners = defaultdict(set)
    for entry in directory().entries:
        owners[entry.parts].add(entry.brand.merchant.name)
    assert {" ".join(way): names for way, names in owners.items() if len(names) > 1} == {}
    assert [name for name, count in Counter(brand.merchant.name for brand in BRANDS).items() if count > 1] == []


def test_each_well_known_name_is_recognised_as_it_is_written() -> None:
    wrong = {brand.merchant.name for brand in BRANDS if recognise(brand.merchant.name) != brand.merchant}
    assert wrong == set()


def test_no_word_names_two_trades() -> None:
    meanings = defaultdict(set)
    for _, said, category in trades._WAYS:
        meanings[said].add(category)
    assert {" ".join(said): found for said, found in meanings.items() if len(found) > 1} == {}
    assert {category for _, _, category in trades._WAYS} <= set(CATEGORIES)


@pytest.mark.parametrize(
    ("text", "name", "category"),
    [
        # Germany
        ("EC 54001234 12.05 18.04 CE0 REWE SAGT DANKE 4711//BERLIN/DE", "Rewe", "groceries"),
        ("girocard NETTO MARKEN-DISCOU//MUENCHEN/DE 2024-05-12T18:04:11", "Netto", "groceries"),
        ("PayPal (Europe) S.a.r.l. Ihr Einkauf bei ZALANDO SE", "Zalando", "clothing"),
        ("SEPA-Lastschrift Allianz Versicherungs-AG", "Allianz", "insurance"),
        ("dm-drogerie markt 1234 Karlsruhe", "dm", "personal_care"),
        ("DB Vertrieb GmbH", "Deutsche Bahn", "transport"),
        ("BÄCKEREI HUBER GMBH MÜNCHEN", "Bäckerei Huber", "groceries"),
        ("STADTBAECKEREI JUNGE GMBH & CO. KG", "Stadtbaeckerei Junge", "groceries"),
        ("Kartenzahlung ZAHNARZT DR. MEIER", "Zahnarzt Dr. Meier", "health"),
        ("Tierarztpraxis Dr. Wolf", "Tierarztpraxis Dr. Wolf", "pets"),
        ("Stadtwerke München GmbH", "Stadtwerke München", "utilities"),
        # Britain
        ("CARD PAYMENT TO TESCO STORES 3211 LONDON", "Tesco", "groceries"),
        ("BP 1234 HIGH STREET SLOUGH", "BP", "transport"),
        ("O2 UK", "O2", "telecom"),
        ("EE LIMITED", "EE", "telecom"),
        ("MARKS&SPENCER PLC LONDON", "Marks & Spencer", "shopping"),
        ("PAWS VETERINARY SURGERY", "Paws Veterinary Surgery", "pets"),
        # France
        ("CB CARREFOUR 12/05", "Carrefour", "groceries"),
        ("FACTURE CARTE DU 120524 SNCF INTERNET PARIS CARTE 4974XXXX1234", "SNCF", "transport"),
        ("PRLV SEPA EDF CLIENTS PARTICULIERS", "EDF", "utilities"),
        ("PAIEMENT PAR CARTE 12/05 BOULANGERIE DUPONT PARIS", "Boulangerie Dupont", "groceries"),
        # United States
        ("AMZN Mktp US*2K4", "Amazon", "shopping"),
        ("TST* JOE'S DINER", "Joe's Diner", "dining"),
        ("SQ *BLUE BOTTLE COFFEE", "Blue Bottle", "dining"),
        ("CHECKCARD 0512 TRADER JOE'S #123 BROOKLYN NY", "Trader Joe's", "groceries"),
        ("NETFLIX.COM 866-579-7172 CA", "Netflix", "entertainment"),
        # India
        ("UPI/P2M/412345/SWIGGY/okaxis", "Swiggy", "dining"),
        ("UPI-SHARMA KIRANA STORE-sharma@okaxis-HDFC0001234-412345678901-PAYMENT", "Sharma Kirana Store", "groceries"),
        ("UPI/9876543210@ybl/RAVI TEA STALL", "Ravi Tea Stall", "dining"),
        ("POS 4129XXXX BIG BAZAAR", "Big Bazaar", "groceries"),
        ("SHREE MEDICAL STORE PUNE", "Shree Medical Store", "health"),
        # Czechia, Spain, Italy, Poland
        ("PLATBA KARTOU ALBERT HYPERMARKET PRAHA 4", "Albert", "groceries"),
        ("COMPRA TARJ. 4567XXXXXXXX1234 MERCADONA VALENCIA", "Mercadona", "groceries"),
        ("ADDEBITO SDD ENEL ENERGIA SPA", "Enel", "utilities"),
        ("Płatność kartą ŻABKA Z1234 KRAKÓW", "Żabka", "groceries"),
    ],
)
def test_a_name_is_found_in_what_a_statement_writes_around_it(text: str, name: str, category: str) -> None:
    found = recognise(text)
    assert found is not None
    assert (found.name, found.category) == (name, category)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("PAYPAL *SPOTIFY", "Spotify"),
        ("KLARNA*H&M", "H&M"),
        ("PAYTM*MOTHER DAIRY", "Mother Dairy"),
        ("KLARNA BANK AB", "Klarna"),
    ],
)
def test_who_passes_a_payment_on_is_named_only_where_nobody_else_is(text: str, name: str) -> None:
    assert clean_name(text) == name


@pytest.mark.parametrize(
    ("text", "name"), [("CARREFOU", "Carrefour"), ("SAINSBUR", "Sainsbury's"), ("BURGER KIN", "Burger King")]
)
def test_a_name_cut_off_inside_a_word_is_completed(text: str, name: str) -> None:
    assert clean_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "Burger",
        "NEXT LEVEL",
        "Three Little Pigs",
        "Action Man Comics",
        "John Deebank",
        "Maria Dirksen",
        "Shelley Winters",
        "Andree Eeden",
        "Ramesh Kumar",
        "Karim Abubakar",
        "Vetter Maria",
        "Jan Müller",
        "Target Practice Range",
    ],
)
def test_a_well_known_name_is_not_found_inside_another(text: str) -> None:
    found = recognise(text)
    assert found is not None
    assert found not in [brand.merchant for brand in BRANDS]


@pytest.mark.parametrize(
    "text", ["", "  ", "12/05 18:04", "CARD PAYMENT 12/05", "4129XXXXXXXX1234", "\x1f", "* * *", "\ud800"]
)
def test_a_text_without_a_name_names_nobody(text: str) -> None:
    assert recognise(text) is None
    assert clean_name(text) == ""


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("किराना दुकान", "करन दकन"),
        ("ป้าแดง", "ปาแดง"),
        ("東京ガス", "東京カス"),
        ("مطعمُ", "مطعمِ"),
        ("Phở Má", "Phò Mả"),
        ("한국전력", "서울가스"),
        ("Łódź", "Lodz"),
    ],
)
def test_names_of_every_script_stay_whole_and_distinct(one: str, two: str) -> None:
    assert (clean_name(one), clean_name(two)) == (one, two)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("किराना दुकान", "groceries"),
        ("さくら薬局", "health"),
        ("ローソン 新宿店", "groceries"),
        ("صيدلية النور", "health"),
        ("ร้านอาหาร สมชาย", "dining"),
        ("스타벅스", "dining"),
    ],
)
def test_trades_and_well_known_names_are_known_in_other_scripts(text: str, category: str) -> None:
    found = recognise(text)
    assert found is not None
    assert found.category == category


def test_umlauts_match_however_they_are_written() -> None:
    ways = ("Bäckerei Görtz", "BAECKEREI GOERTZ", "Backerei Gortz", unicodedata.normalize("NFD", "Bäckerei Görtz"))
    assert {found.category for way in ways if (found := recognise(way))} == {"groceries"}
    assert recognise("MUELLER DROGERIE") == recognise("Müller Drogerie") == Merchant("Müller", "personal_care")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Visa Card Services", "Visa Card Services"),
        ("12/05 VISA CARD SERVICES LONDON GB", "Visa Card Services"),
        ("CARD PAYMENT TO PAYMENT SOLUTIONS LTD", "Payment Solutions"),
        ("CARD 1234 CREDIT CARD SERVICES 0800", "Credit Card Services"),
        ("Barclays Card Services", "Barclays Card Services"),
        ("CARD PAYMENT TO LAMP SERVICES", "Lamp Services"),
    ],
)
def test_a_word_that_is_no_name_alone_keeps_what_stands_before_it(text: str, name: str) -> None:
    assert clean_name(text) == name


def test_a_name_that_tells_nothing_has_no_category() -> None:
    assert recognise("RAMESH KUMAR") == Merchant("Ramesh Kumar", None)


@given(st.text(max_size=80) | st.text(alphabet=" */-.:0123456789ABCXx@&#'äл東ガ\u0301\u3099\x1f", max_size=60))
def test_any_text_may_be_asked_and_only_the_text_decides(text: str) -> None:
    first = recognise(text)
    forget_texts()
    assert recognise(text) == first
    assert clean_name(text) == (first.name if first else "")
    assert first is None or first.name.strip()


@given(st.sampled_from([brand.merchant for brand in BRANDS if brand.merchant.category]))
def test_a_payment_by_card_with_its_date_and_shop_names_the_same_merchant(merchant: Merchant) -> None:
    assert recognise(f"CARD PAYMENT TO {merchant.name} 4711 12/05/2024 18:04") == merchant
