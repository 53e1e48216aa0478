"""Customers read their pages in English or in German, as they choose; what is recorded is the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from hashlib import shake_256
from itertools import count
from pathlib import Path
from urllib.parse import quote

import pytest
from babel.messages.catalog import Message
from page_check import Element, Page
from page_visitor import HTML, NOW, Visitor, client_of, clock, year_of

import marketofone
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import MalformedDocument, MalformedRequest
from marketofone.domain.moment import instant_of
from marketofone.projection import codec
from marketofone.services.rights.customer_links import CustomerLinks
from marketofone.web.catalogs import catalog_of
from marketofone.web.page_lint import page_faults

GERMAN = {**HTML, "Accept-Language": "de-AT, en;q=0.5"}
PAGES_OF_BANK = '[pages]\nlanguages = ["en", "de"]\n'
PERSON = quote("a/b:c", safe="")
PAGES = (
    "",
    "/purposes/insights",
    "/purposes/marketing",
    "/purposes/protection",
    "/purposes/marketing/allow",
    "/consents/1",
    "/delegates",
    "/uses",
    "/forecast",
    "/insights",
    "/merchants",
    "/wrong",
    "/cases",
    "/take",
    "/forget",
    "/decisions/d-0",
    "/decisions/d-1",
    "/decisions/d-2",
)


def english_left(page: Page) -> list[str]:
    """Give what a page says in messages of the source, outside of what is marked as English."""
    said = [(text, part) for body in page.all("body") for text, part in _texts(body)]
    return [text for text, part in said if not _is_marked(part) and any(one.fullmatch(text) for one in ENGLISH)]


def _texts(element: Element) -> Iterator[tuple[str, Element]]:
    for part in element.parts:
        if isinstance(part, Element):
            yield from _texts(part)
        elif part.strip():
            yield " ".join(part.split()), element
    for name in ("aria-label", "alt", "title"):
        if element.attributes.get(name):
            yield element.attributes[name], element


def _is_marked(element: Element) -> bool:
    within: Element | None = element
    while within is not None and "lang" not in within.attributes:
        within = within.parent
    return within is not None and within.tag != "html" and within.attributes["lang"] == "en"


def _patterns() -> Iterator[re.Pattern[str]]:
    """Give what each message looks like on an English page: text between two tags, anything in its places."""
    for message in catalog_of("de"):
        for form, other in forms(message):
            for part in re.split(r"<[^>]+>", form):
                own = re.sub(r"%\(\w+\)s", " ", part).strip(" .:,;“”()")
                is_telling = len(own.split()) > 1 if "%(" in part else len(own) > 2
                if is_telling and own not in other:  # some words are the same in both languages
                    whole = re.sub(r"%\\\(\w+\\\)s", ".+", re.escape(" ".join(part.split())))
                    yield re.compile(f"(?i:{whole[0]}){whole[1:]}" if whole[0].isalpha() else whole)


def forms(message: Message) -> Iterator[tuple[str, str]]:
    """Give the forms of a message, each with its translation."""
    if isinstance(message.id, str):
        yield message.id, str(message.string)
    else:
        yield from zip(message.id, message.string or (), strict=True)


ENGLISH = list(_patterns())


@pytest.fixture
def german(town: Bank) -> Iterator[Callable[[str], Page]]:
    with client_of(town) as client:

        def page(path: str, *, status: int = 200) -> Page:
            response = client.get(path, headers=GERMAN)
            assert response.status_code == status
            assert page_faults(response.text) == []
            read = Page(response.text)
            assert read.faults == []
            assert [html.attributes["lang"] for html in read.all("html")] == ["de"]
            return read

        yield page


@pytest.mark.parametrize("path", PAGES)
def test_no_english_sentence_of_ours_is_left_on_a_german_page(german: Callable[[str], Page], path: str) -> None:
    assert english_left(german(f"/customer/{PERSON}{path}")) == []


def test_what_is_shown_to_a_newcomer_and_to_nobody_is_german_too(german: Callable[[str], Page]) -> None:
    assert english_left(german("/customer/nobody/first")) == []
    assert english_left(german("/customer/nobody/purposes/care")) == []


def test_an_english_page_would_be_found(visitor: Visitor) -> None:
    for path in PAGES:
        assert len(english_left(visitor.page(f"/customer/{PERSON}{path}"))) >= 5, path


def test_days_amounts_and_numbers_are_written_as_in_german(german: Callable[[str], Page]) -> None:
    assert re.search(r"\d\. (Jan\.|Feb\.|März|Apr\.) 2026", german(f"/customer/{PERSON}/forecast").text)
    assert re.search(r"\d+,\d\d\s€", german(f"/customer/{PERSON}/insights").text)
    assert re.search(r"\d,\d %", german(f"/customer/{PERSON}/forecast").text)


def test_a_problem_is_told_in_the_language_of_the_visitor(town: Bank) -> None:
    with client_of(town) as client:
        closed = Page(client.get("/customer/somebody%2Felse/uses?day=never", headers=GERMAN).text)
        assert closed.heading == "Die Eingabe ist nicht so, wie sie sein muss"
        assert english_left(closed) == ["day"]  # the name of a field
        client.get(f"/customer/{PERSON}", headers=GERMAN)
        client.cookies.clear()
        refused = client.get(f"/customer/{PERSON}", headers=GERMAN)
        assert (refused.status_code, "eigenen Link aus der App" in refused.text) == (403, True)


def test_a_link_at_the_foot_changes_the_language_and_the_visit_keeps_it(town: Bank) -> None:
    with client_of(town) as client:
        path = f"/customer/{PERSON}/uses?day=2026-01-04"
        english = Page(client.get(path, headers=HTML).text)
        choose = next(link for link in english.all("a") if link.attributes.get("hreflang") == "de")
        assert (choose.text, choose.attributes["lang"]) == ("Deutsch", "de")
        chosen = client.get(choose.attributes["href"], headers=HTML, follow_redirects=False)
        assert (chosen.status_code, chosen.headers["location"]) == (303, path)
        kept = client.get(path, headers={**HTML, "Accept-Language": "en"})
        assert kept.headers["content-language"] == "de"
        assert Page(kept.text).heading == "Wie es genutzt wurde"
        here = next(item for item in Page(kept.text).all("span") if item.attributes.get("aria-current") == "true")
        assert here.text == "Deutsch"


def test_a_form_that_comes_back_with_a_fault_keeps_the_language_and_leads_to_a_page(town: Bank) -> None:
    with client_of(town) as client:
        token = Page(client.get(f"/customer/{PERSON}/cases", headers=GERMAN).text)
        hidden = next(item for item in token.all("input") if item.attributes["name"] == "token")
        said = {"say": "grant marketing@1", "token": hidden.attributes["value"]}
        again = Page(client.post(f"/customer/{PERSON}/consents", data=said, headers=GERMAN).text)
        assert "ein Ja braucht mindestens eine Quelle und einen Kanal" in again.text
        other = next(link for link in again.all("a") if link.attributes.get("hreflang") == "en")
        assert client.get(other.attributes["href"], headers=HTML).status_code == 200


def test_a_link_of_the_bank_may_name_the_language(town: Bank) -> None:
    with client_of(town) as client:
        made = client.post(f"/v1/customers/{PERSON}/links", json={"page": "cases", "language": "de"}).json()
        opened = client.get(made["path"], headers={**HTML, "Accept-Language": "en"})
        assert opened.headers["content-language"] == "de"
        assert client.post(f"/v1/customers/{PERSON}/links", json={"language": "xx"}).status_code == 400
    link = CustomerLinks.of(town.context).link("a/b:c", language="de").path
    forged = link.replace(".de.", ".en.")
    with client_of(town) as client:
        assert client.get(forged.replace(PERSON, "other"), headers=HTML).status_code == 403


@pytest.mark.parametrize(
    ("asked", "language"),
    [("de", "de"), ("fr, de;q=0.4", "de"), ("en, de;q=0.9", "en"), ("de;q=0", "en"), ("fr", "en"), ("*", "en")],
)
def test_without_a_choice_the_browser_is_asked_and_then_the_bank(town: Bank, asked: str, language: str) -> None:
    with client_of(town) as client:
        answer = client.get(f"/customer/{PERSON}/cases", headers={**HTML, "Accept-Language": asked})
        assert answer.headers["content-language"] == language


def test_staff_and_programs_are_answered_in_english(town: Bank) -> None:
    with client_of(town) as client:
        assert Page(client.get("/console", headers=GERMAN).text).heading == "Console"
        told = client.get(f"/v1/customers/{PERSON}/forecast", headers={"Accept-Language": "de"})
        assert told.json()["accounts"][0]["title"] == "current account"


def test_a_bank_that_names_no_language_has_english_pages_and_no_choice(project: Path) -> None:
    settings = project / "bank.toml"
    settings.write_text(settings.read_text().replace(PAGES_OF_BANK, ""))
    with marketofone.open(project, clock=clock) as bank, client_of(bank) as client:
        page = Page(client.get("/customer/nobody/first", headers=GERMAN).text)
        assert page.heading == "What may we use?"
        assert not [link for link in page.all("a") if "hreflang" in link.attributes]


def test_the_first_language_is_for_those_whose_browser_asks_for_none(project: Path) -> None:
    settings = project / "bank.toml"
    settings.write_text(settings.read_text().replace('["en", "de"]', '["de"]'))
    with marketofone.open(project, clock=clock) as bank, client_of(bank) as client:
        assert client.get("/customer/nobody/first", headers=HTML).headers["content-language"] == "de"


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('[translations.de.channels.phone]\ntitle = "Telefon"\n', "", "translations.de.channels.phone.title"),
        ("[translations.de.sources.app]", "[translations.de.sources.reference]", "translations.de.sources.app.title"),
        ("[translations.de.purposes.care]", "[translations.de.purposes.cared]", "translations.de.purposes.care.title"),
        ("App-Nutzung, Konten bei anderen Banken, Orte und", "Orte und", "translations.de.purposes.marketing.notice"),
        ('title = "E-Mail"', 'title = "Nur noch heute"', "translations.de.channels.email.title"),
    ],
    ids=["missing", "of another", "of nothing", "names less", "a dark pattern"],
)  # fmt: skip
def test_a_bank_whose_translation_is_not_whole_does_not_open(project: Path, old: str, new: str, field: str) -> None:
    path = project / "consent.toml"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    with pytest.raises(MalformedDocument) as refused:
        marketofone.open(project)
    assert refused.value.field == f"consent.toml {field}"


def test_an_action_without_a_translation_is_shown_as_the_bank_wrote_it_and_marked(project: Path) -> None:
    path = project / "actions.toml"
    path.write_text(re.sub(r"(?ms)^\[translations\.de.*", "", path.read_text()))
    with marketofone.open(project, clock=clock) as bank, client_of(bank) as client:
        bank.consent(said("c-1", "grant"), now=bank.now())
        bank.ingest(year_of("c-1", until=NOW)[:3])
        decision = bank.decide("c-1", occasion="app.opened", id="d-1")
        page = Page(client.get("/customer/c-1", headers=GERMAN).text)
        title = bank.catalogue.action(decision.action).title
        shown = next(link for link in page.all("a") if link.attributes["href"].endswith("/d-1"))
        assert [(item.text, item.attributes["lang"]) for item in shown.all("span")] == [(title, "en")]


def said(customer: str, change: str, **more: object) -> ConsentChange:
    words = {"purposes": ("*",), "sources": ("*",), "channels": ("*",), **more}
    return ConsentChange(customer=customer, change=change, since=instant_of(NOW), **words)  # type: ignore[arg-type]


def test_a_yes_is_recorded_with_the_language_of_its_notice_and_the_receipt_shows_that_notice(project: Path) -> None:
    with marketofone.open(project, clock=clock) as bank, client_of(bank) as client:
        token = Page(client.get("/customer/new/first", headers=GERMAN).text).all("input")[0].attributes["value"]
        form = {"purpose.care@1": "yes", "channel.app": "yes", "say": "these", "token": token}
        receipt = client.post("/customer/new/first", data=form, headers=GERMAN)
        assert "Sie haben am" in receipt.text
        (processing,) = bank.rights.receipt("new").pii_processing
        german = bank.config.policy.said_in("de").purposes["care"]
        assert (processing.language, processing.purpose_title) == ("de", german.title)
        assert processing.privacy_notice.text == german.notice
        assert bank.rights.export("new").consents[0].language == "de"
        assert client.put("/v1/customers/new/consents", json={"change": "withdraw"}).status_code == 200
        assert {one.language for one in bank.rights.receipt("new").pii_processing} == {"en"}


def test_a_language_in_which_no_notice_is_cannot_have_been_read(project: Path) -> None:
    path = project / "bank.toml"
    path.write_text(path.read_text().replace(PAGES_OF_BANK, ""))
    consent = project / "consent.toml"
    consent.write_text(consent.read_text().partition("\n# The same in German")[0])
    with marketofone.open(project, clock=clock) as bank, pytest.raises(MalformedRequest) as refused:
        bank.consent(said("c-1", "grant", language="de"), now=bank.now())
    assert refused.value.field == "language"


def test_a_reworded_translation_needs_a_new_version_too(project: Path) -> None:
    with marketofone.open(project, clock=clock) as bank:
        bank.consent(said("c-1", "grant"), now=bank.now())
    path = project / "consent.toml"
    path.write_text(path.read_text().replace("damit jemand helfen kann", "damit jemand etwas tun kann"))
    with pytest.raises(MalformedDocument) as refused:
        marketofone.open(project, clock=clock)
    assert refused.value.field == "consent.toml translations.de.purposes.care"


def test_what_is_decided_and_recorded_does_not_depend_on_the_language(tmp_path: Path) -> None:
    def recorded(headers: dict[str, str], name: str) -> object:
        numbers = count()
        folder = tmp_path / name
        wiring.lay_out(folder)
        with marketofone.open(
            folder,
            clock=lambda: instant_of(NOW),
            random=lambda size: shake_256(str(next(numbers)).encode()).digest(size),
        ) as bank:
            bank.consent(said("c-1", "grant"), now=bank.now())
            bank.ingest(year_of("c-1", until=NOW)[:40])
            decision = bank.decide("c-1", occasion="app.opened", id="d-1")
            with client_of(bank) as client:
                for path in ("", "/forecast", "/decisions/d-1", "/insights"):
                    assert client.get(f"/customer/c-1{path}", headers=headers).status_code == 200
            (customer,) = bank.context.keys.customers()
            with bank.context.store.read() as reader:
                entries = [
                    (entry.kind, entry.recorded, codec.read(entry, box=customer.box))
                    for entry in reader.entries(customer.subject)
                ]
            assert not bank.replay().differences
            return decision, entries

    assert recorded(HTML, "english") == recorded(GERMAN, "german")
