"""Every message has its translation, with the same places, and nothing is translated that nobody says any more."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from babel.messages.catalog import Catalog, Message

from marketofone.domain.languages import LANGUAGES, Language
from marketofone.governance.dark_patterns import found_in
from marketofone.web.catalogs import catalog_of
from marketofone.web.extraction import PACKAGE, extracted, written
from marketofone.web.wording import wording

OTHERS: list[Language] = [language for language in LANGUAGES if language != "en"]
HOW = "run `python -m marketofone.web.extraction`, then write what is missing into the catalog"
PLACE = re.compile(r"%\((\w+)\)s|%%|<[^>]+>")
# What stands in the places of a recorded sentence, by the first word of their names: in English, and in German.
SAMPLES = {
    "day": ("3 March 2026", "3. März 2026"),
    "money": ("-1,250.50 EUR", "\N{MINUS SIGN}1.250,50\N{NO-BREAK SPACE}€"),
    "number": ("1,234.5", "1.234,5"),
    "text": ("groceries", "Lebensmittel"),
    "name": ("Corner Shop", "Corner Shop"),
    "source": ("app", "app"),
    "purpose": ("care", "care"),
    "purposes": ("care, learning", "care, learning"),
}


def texts(message: Message) -> list[tuple[str, str]]:
    """Give each form of a message with each form of its translation that must have the same places."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string or ""))]
    return list(zip(message.id, [str(form) for form in message.string or ("", "")], strict=False))


def faults(catalog: Catalog) -> list[str]:
    found = []
    for message in catalog:
        for english, said in texts(message) if message.id else ():
            if not said:
                found.append(f"no translation: {english!r}")
            elif Counter(place.group() for place in PLACE.finditer(english)) != Counter(
                place.group() for place in PLACE.finditer(said)
            ):
                found.append(f"other places or tags: {english!r}")
            if message.fuzzy:
                found.append(f"only guessed: {english!r}")
    return found


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated_with_the_same_places_and_tags(language: Language) -> None:
    assert faults(catalog_of(language)) == [], HOW


def test_what_is_missing_guessed_or_has_other_places_is_found() -> None:
    catalog = Catalog(locale="de")
    catalog.add("You said no")
    catalog.add("until %(day)s", "bis")
    catalog.add("<strong>%(n)s</strong> of them", "%(n)s davon")
    catalog.add("Off", "Aus", flags=["fuzzy"])
    catalog.add(("%(n)s thing", "%(n)s things"), ("%(n)s Sache", ""))
    catalog.add(("%(n)s day", "%(n)s days"), ("ein Tag", "%(n)s Tage"))
    assert Counter(fault.partition(":")[0] for fault in faults(catalog)) == {
        "no translation": 2,
        "other places or tags": 3,
        "only guessed": 1,
    }


@pytest.mark.parametrize("language", OTHERS)
def test_the_catalog_holds_exactly_what_the_code_says(language: Language) -> None:
    there = (PACKAGE / "web" / "locale" / language / "LC_MESSAGES" / "marketofone.po").read_bytes()
    assert written(language) == there, HOW


def test_messages_of_code_templates_and_vocabularies_are_found() -> None:
    found = {message.id: [place for place, _ in message.locations] for message in extracted() if message.id}
    assert "consent/gate.py" in found["you said no"]
    assert found["Stop everything"] == ["web/templates/customer/data.html"]
    assert "domain/fields.py" in found["personal care"]
    assert not any("templates/console" in place for places in found.values() for place in places)


@pytest.mark.parametrize("language", OTHERS)
def test_no_message_holds_a_dark_pattern(language: Language) -> None:
    catalog = catalog_of(language)
    every = [text for message in catalog if message.id for pair in texts(message) for text in pair]
    assert {text: found_in(text) for text in every if found_in(text)} == {}


AMONG_PAGES = {"%(text_risk)s: %(text_chances)s in %(number_days)s days"}  # made in the language of the page


def test_a_sentence_is_found_again_with_all_that_stands_in_its_places() -> None:
    german, sentences = wording("de"), 0
    for message in catalog_of("de"):
        if not isinstance(message.id, str) or not any(place.endswith(".py") for place, _ in message.locations):
            continue
        names = re.findall(r"%\((\w+)\)s", message.id)
        kinds = {name: name.partition("_")[0] for name in names}
        if names and set(kinds.values()) <= SAMPLES.keys() and message.id not in AMONG_PAGES:
            english, said = ({name: SAMPLES[kind][at] for name, kind in kinds.items()} for at in (0, 1))
            assert german.told(message.id % english) == str(message.string) % said
            sentences += 1
    assert sentences > 60


def test_what_no_message_fits_stays_and_is_marked_as_english() -> None:
    german = wording("de")
    assert german.told("<b>Nobody</b> wrote this") == '<span lang="en">&lt;b&gt;Nobody&lt;/b&gt; wrote this</span>'
    assert german.plainly_told("Nobody wrote this") == "Nobody wrote this"
    assert wording("en").told("Nobody wrote this") == "Nobody wrote this"


@pytest.mark.parametrize("day", ["31 February 2026", "12 Easter 2026", "2026-02-30"])
def test_words_that_only_look_like_a_day_are_left_as_they_are(day: str) -> None:
    said = f"it is expected around {day}"
    assert said in wording("de").told(said)
