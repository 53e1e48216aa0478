"""A customer who leaves reads what they may take along, and is forgotten when they ask for it and confirm it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from page_visitor import HTML, NOW, Visitor, client_of, year_of

from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import StoreError
from marketofone.domain.moment import DAY, Instant
from marketofone.projection.records import Hold
from marketofone.web.customer.taking import WORDS
from proofs import recorded

NAME = "maria"
Confirm = Callable[..., Any]


@pytest.fixture
def house(bank: Bank) -> Bank:
    """Give a bank with two people, who allow everything."""
    for who in (NAME, "otto"):
        every, now = ("*",), bank.now()
        said = ConsentChange(customer=who, change="grant", purposes=every, sources=every, channels=every, since=now)
        bank.consent(said, now=now)
        bank.ingest(year_of(who, until=NOW))
    bank.decide(NAME, occasion="app.opened", id="d-1")
    return bank


@pytest.fixture
def reader(house: Bank) -> Visitor:
    return Visitor(client_of(house))


@pytest.fixture
def confirm(reader: Visitor) -> Confirm:
    """Fill in the form of the page and press its button."""

    def fill_in(words: str, *, token: str | None = None) -> Any:
        page = reader.page(f"/customer/{NAME}/forget")
        held = next(item.attributes["value"] for item in page.all("input") if item.attributes["name"] == "token")
        form = {"words": words, "say": "forget", "token": held if token is None else token}
        return reader.client.post(f"/customer/{NAME}/forget", data=form, headers=HTML)

    return fill_in


def test_the_page_counts_what_is_in_the_file_that_its_link_gives(reader: Visitor) -> None:
    page = reader.page(f"/customer/{NAME}/take")

    answer = reader.client.get(f"/customer/{NAME}/take/file")
    assert f"/customer/{NAME}/take/file" in page.links
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    assert answer.headers["content-type"].startswith("application/json")
    file = json.loads(answer.content)
    door = reader.client.get(f"/v1/customers/{NAME}/export").json()
    between = ("journal", "uses")  # the first reading is a use, which the second one tells
    assert {of: door[of] for of in door if of not in between} == {of: file[of] for of in file if of not in between}
    kept = [one["source"] for one in file["events"] if "event" in one]
    parts = (one.all("span") for one in page.all("li"))
    rows = {words[0].text: words[1].text.partition(" ,")[0] for words in parts if len(words) == 2}
    assert rows["Accounts and payments here"] == f"{kept.count('transactions'):,}"
    assert rows["What you said about consent"] == str(len(file["consents"])) == "1"
    assert rows["Decisions, each with its reasons"] == "1"
    assert rows["What was shown to you and still counts"] == str(len(file["history"].get("shown", ())))
    assert "Keys by which you were recognised" not in rows


def test_it_is_one_link_away_from_my_data_and_tells_what_is_not_in_it(house: Bank, reader: Visitor) -> None:
    assert f"/customer/{NAME}/take" in reader.page(f"/customer/{NAME}").links
    assert "several customer numbers" not in reader.page(f"/customer/{NAME}/take").text
    for who in (NAME, "otto"):
        link = {"type": "identity.linked", "subject": who, "id": f"link-{who}", "source": "/pages"}
        data = {"key_kind": "national_id_hash", "key": "one"}
        house.ingest([{**link, "specversion": "1.0", "time": NOW.isoformat(), "data": data}])

    page = reader.page(f"/customer/{NAME}/take")

    assert "several customer numbers" in page.text
    assert "otto" not in page.text


def test_asking_changes_nothing_and_says_what_goes_and_what_stays(house: Bank, reader: Visitor) -> None:
    before = recorded(house, "erasure"), house.counts()

    page = reader.page(f"/customer/{NAME}/forget")

    assert {item.text for item in page.all("h2")} == {"What is destroyed", "What must stay, and why", "Confirm it"}
    assert "accounts and payments here, arrears and care are destroyed here as well" in page.text
    assert (recorded(house, "erasure"), house.counts()) == before


def test_what_must_be_kept_stands_on_the_page_with_its_ground_and_there_is_no_button(
    house: Bank, reader: Visitor, confirm: Confirm
) -> None:
    form = reader.page(f"/customer/{NAME}/forget")
    until = Instant(house.now() + 30 * DAY)
    hold = Hold(name="case-7", basis="Money laundering act", covers="Payments", by="Ann of legal", until=until)
    house.rights.set_hold(NAME, hold)

    page = reader.page(f"/customer/{NAME}/forget")

    assert "Money laundering act : Payments must be kept until 4 Feb 2026. Ann of legal set this on" in page.text
    assert "Not before 5 Feb 2026" in page.text
    assert not page.all("button")
    held = next(item.attributes["value"] for item in form.all("input") if item.attributes["name"] == "token")
    sent = {"words": WORDS, "say": "forget", "token": held}
    answer = reader.client.post(f"/customer/{NAME}/forget", data=sent, headers=HTML)
    assert (answer.status_code, "Nothing was destroyed" in answer.text) == (403, True)
    assert house.profile(NAME).known
    house.rights.lift_hold(NAME, "case-7", by="Ben")
    assert confirm(WORDS).status_code == 200


@pytest.mark.parametrize("words", ["", "yes", "forget"])
def test_other_words_forget_nobody(house: Bank, confirm: Confirm, words: str) -> None:
    answer = confirm(words)

    assert answer.status_code == 400
    assert house.profile(NAME).known
    assert recorded(house, "erasure", NAME) == 0


def test_a_form_of_another_site_forgets_nobody(house: Bank, confirm: Confirm) -> None:
    assert confirm(WORDS, token="of another").status_code == 403  # noqa: S106 - a word of a form
    assert house.profile(NAME).known


def test_who_confirms_is_forgotten_and_no_door_knows_them(house: Bank, reader: Visitor, confirm: Confirm) -> None:
    answer = confirm(f" {WORDS.upper()} ")

    assert (answer.status_code, "You are forgotten" in answer.text) == (200, True)
    assert NAME not in answer.text
    for path in ("", "/take", "/take/file", "/forget", "/forecast", "/insights", "/merchants"):
        reader.page(f"/customer/{NAME}{path}", status=404)
    for door in ("profile", "insights", "forecast", "merchants", "uses", "export"):
        assert reader.client.get(f"/v1/customers/{NAME}/{door}").status_code == 404, door
    assert reader.client.get("/v1/decisions/d-1").status_code == 404
    assert house.profile("otto").known
    assert house.verify().problems == ()


def test_an_erasure_that_was_interrupted_is_finished_on_the_same_page(
    house: Bank, reader: Visitor, confirm: Confirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(house.context.keys, "destroy", lambda *_, **__: (_ for _ in ()).throw(StoreError("no power")))
        assert confirm(WORDS).status_code == 500
    reader.page(f"/customer/{NAME}", status=404)
    assert house.verify().problems != ()

    assert confirm(WORDS).status_code == 200

    assert recorded(house, "erasure") == 1
    assert house.verify().problems == ()
