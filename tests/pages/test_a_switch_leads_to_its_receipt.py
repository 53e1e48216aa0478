"""After a switch: what it stops is read from the journal, what it would have changed is decided again, and undo."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from page_visitor import NOW, Visitor, client_of, clock, year_of

import marketofone
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange, What
from marketofone.domain.errors import UnknownEntry
from marketofone.domain.moment import DAY, MINUTE, Instant, instant_of, text_of
from marketofone.projection import codec
from marketofone.services.rights.consent_history import ConsentReceipt, consent_receipt
from marketofone.services.rights.consequence import LATEST, consequence

EVERY = ("*",)
WHO, AGO = "c-1", 30 * MINUTE
TITLE = "\N{LEFT DOUBLE QUOTATION MARK}Understand my money\N{RIGHT DOUBLE QUOTATION MARK}"


def say(
    bank: Bank,
    change: What,
    *,
    now: Instant,
    until: Instant | None = None,
    purposes: tuple[str, ...] = EVERY,
    sources: tuple[str, ...] = EVERY,
    channels: tuple[str, ...] = EVERY,
) -> int:
    said = ConsentChange(
        customer=WHO, change=change, since=now, until=until, purposes=purposes, sources=sources, channels=channels
    )
    return bank.consent_given(said, now=now).entry.n


def decided(bank: Bank, number: int) -> str:
    at = Instant(instant_of(NOW) - AGO + number * MINUTE)
    return bank.decide(WHO, occasion="app.opened", id=f"d-{number}", now=at).action


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a bank of one person who allows everything and has a year of payments, before any decision."""
    folder = tmp_path_factory.mktemp("laid")
    wiring.lay_out(folder)
    since = Instant(instant_of(NOW) - 2 * AGO)
    with marketofone.open(folder, clock=clock, now=since, random=Random(3).randbytes) as bank:
        say(bank, "grant", now=since)
        bank.ingest(year_of(WHO, until=NOW)[:-1], now=since)
    return folder


@pytest.fixture
def bank(laid: Path, tmp_path: Path) -> Iterator[Bank]:
    with marketofone.open(shutil.copytree(laid, tmp_path / "bank"), clock=clock) as opened:
        yield opened


def test_what_would_have_been_decided_is_what_another_bank_decides_that_heard_the_no_before(
    laid: Path, bank: Bank, tmp_path: Path
) -> None:
    shown = [decided(bank, number) for number in range(8)]
    n = say(bank, "withdraw", now=bank.now(), purposes=("insights",))
    found = consequence(bank.context, WHO, n, now=bank.now())
    assert (found.looked, found.untold) == (LATEST, 0)
    told = {one.decision.id: one.instead for one in found.differ}
    assert told
    for number in range(8 - LATEST, 8):
        copy = tmp_path / f"other-{number}"
        with marketofone.open(shutil.copytree(laid, copy), clock=clock) as other:
            assert [decided(other, before) for before in range(number)] == shown[:number]
            say(other, "withdraw", now=other.now(), purposes=("insights",))
            instead = decided(other, number)
        assert told.get(f"d-{number}", (shown[number],)) == (instead,)


def test_what_was_decided_is_not_told_again_after_the_no_and_only_what_may_be_read_is_read(bank: Bank) -> None:
    for number in range(8):
        decided(bank, number)
    n = say(bank, "withdraw", now=bank.now(), purposes=("insights",))
    found = consequence(bank.context, WHO, n, now=bank.now())
    assert {one.decision.action for one in found.differ} == {"not_shown"}
    (owner,) = bank.context.keys.find((WHO,)).values()
    with bank.context.store.read() as reader:
        (last,) = reader.entries(owner.subject, after=reader.head(owner.subject).n - 1)
        record = codec.read(last, box=owner.box)
    assert record.what == "receipt"
    assert record.uses
    assert "insights" not in {purpose for purpose, _ in record.uses}


def test_what_may_not_be_read_any_more_is_not_made_again(bank: Bank) -> None:
    decided(bank, 0)
    n = say(bank, "withdraw", now=bank.now(), purposes=("insights",))
    say(bank, "withdraw", now=bank.now())
    assert consequence(bank.context, WHO, n, now=bank.now()).untold == 1


def test_a_no_to_what_no_decision_read_changes_none(bank: Bank) -> None:
    for number in range(3):
        decided(bank, number)
    n = say(bank, "withdraw", now=bank.now(), channels=("email",))
    found = consequence(bank.context, WHO, n, now=bank.now())
    assert (found.looked, found.untold, found.differ) == (3, 0, ())


def receipt(bank: Bank, n: int) -> ConsentReceipt:
    return consent_receipt(bank.context, WHO, n, now=bank.now())


def on(bank: Bank) -> dict[tuple[str, str, str], str | None]:
    cells = bank.consents(WHO).cells
    return {(of.purpose, of.source, of.channel): of.until for of in cells if of.state == "granted"}


def test_undo_gives_back_what_was_on_with_the_end_that_each_had_and_no_more(bank: Bank) -> None:
    say(bank, "withdraw", now=bank.now(), purposes=("marketing", "care"), sources=("location", "app"))
    say(bank, "withdraw", now=bank.now(), channels=("phone",))
    say(bank, "grant", now=bank.now(), purposes=("care",), sources=("app",), channels=("push",))
    before = on(bank)
    found = receipt(bank, say(bank, "withdraw", now=bank.now()))
    assert len(found.closed) == len(before)
    assert on(bank) == {}
    for change in found.undone_by:
        bank.consent(change)
    assert on(bank) == before


def test_undo_brings_back_nothing_of_which_something_was_said_since(bank: Bank) -> None:
    n = say(bank, "withdraw", now=bank.now(), purposes=("marketing",))
    say(bank, "withdraw", now=bank.now(), purposes=("marketing",), sources=("location",))
    given_back = {source for change in receipt(bank, n).undone_by for source in change.sources}
    assert "location" not in given_back
    assert "app" in given_back
    say(bank, "withdraw", now=bank.now())
    assert receipt(bank, n).undone_by == ()


def test_undo_of_a_yes_stops_only_what_the_yes_began(bank: Bank) -> None:
    say(bank, "withdraw", now=bank.now(), purposes=("marketing",), sources=("app",))
    before = on(bank)
    found = receipt(bank, say(bank, "grant", now=bank.now(), purposes=("marketing",)))
    assert {of.source for of in found.opened} == {"app"}
    for change in found.undone_by:
        bank.consent(change)
    assert on(bank).keys() == before.keys()


def test_undo_of_a_pause_leaves_the_pause_that_it_took_the_place_of(bank: Bank) -> None:
    now = bank.now()
    first, second = Instant(now + 5 * DAY), Instant(now + 20 * DAY)
    say(bank, "pause", now=now, until=first, purposes=("care",))
    for change in receipt(bank, say(bank, "pause", now=now, until=second)).undone_by:
        bank.consent(change)
    paused = {of.purpose: of.paused_until for of in bank.consents(WHO).purposes if of.paused_until}
    assert paused == {"care": text_of(first)}


def test_a_receipt_that_a_pause_was_ended_says_nothing_of_what_was_never_said(bank: Bank) -> None:
    say(bank, "pause", now=bank.now())
    n = say(bank, "resume", now=bank.now())
    with client_of(bank) as client:
        text = Visitor(client).page(f"/customer/{WHO}/consents/{n}").text
    assert "Something else was said" not in text
    assert "A pause that ended is begun anew: on your page" in text


@pytest.mark.parametrize(("first", "taken_back"), [("object", "lift"), ("lift", "object")])
def test_only_the_entry_that_changed_an_objection_undoes_it(bank: Bank, first: What, taken_back: What) -> None:
    say(bank, taken_back, now=bank.now())
    n = say(bank, first, now=bank.now())
    again = say(bank, first, now=bank.now())
    assert [change.change for change in receipt(bank, n).undone_by] == [taken_back]
    assert receipt(bank, again).undone_by == ()
    say(bank, taken_back, now=bank.now())
    say(bank, first, now=bank.now())
    assert receipt(bank, n).undone_by == ()


@pytest.mark.parametrize("n", [-1, 0, 2, 10_000])
def test_only_a_consent_entry_has_a_receipt(bank: Bank, n: int) -> None:
    with pytest.raises(UnknownEntry):
        receipt(bank, n)
    with pytest.raises(UnknownEntry):
        consequence(bank.context, WHO, n, now=bank.now())


def test_the_page_says_it_and_undoes_it(bank: Bank) -> None:
    for number in range(8):
        decided(bank, number)
    before = on(bank)
    with client_of(bank) as client:
        visitor = Visitor(client)
        page = visitor.say(visitor.page(f"/customer/{WHO}"), f"Stop {TITLE}")
        for words in (
            "You said no on 5 January 2026",
            f"{TITLE} uses nothing of yours any more. It gave: forecasts",
            "17 permissions were still on",
            "We made your last 5 decisions before this again",
            "would have been different: 5 January 2026",
            "What it was is not shown any more. Without it:",
        ):
            assert words in page.text
        page = visitor.say(page, "Allow it again")
        assert "You said yes" in page.text
        assert on(bank) == before
        page = visitor.say(page, "Stop it again")
        assert len(on(bank)) == len(before) - 24
        nothing = say(bank, "withdraw", now=bank.now(), purposes=("insights",))
        assert "Nothing of it was on, so nothing changed." in visitor.page(f"/customer/{WHO}/consents/{nothing}").text


def test_everything_is_paused_and_goes_on_as_it_was(bank: Bank) -> None:
    for number in range(8):
        decided(bank, number)
    before = on(bank)
    with client_of(bank) as client:
        visitor = Visitor(client)
        page = visitor.say(visitor.page(f"/customer/{WHO}"), "Pause everything for 30 days")
        assert on(bank) == {}
        for words in ("You said not now", "It ends by itself on 4 Feb 2026", "What stops", "would have been different"):
            assert words in page.text
        home = visitor.page(f"/customer/{WHO}")
        assert "Everything is paused until 4 Feb 2026" in home.text
        assert "0 of 23 permissions are on" in home.text
        assert "Paused until 4 Feb 2026 Go on" in home.text
        page = visitor.say(page, "Go on now")
        assert on(bank) == before
        assert "You said that it goes on" in page.text
        visitor.say(visitor.page(f"/customer/{WHO}"), "Pause everything for 30 days")
        one = visitor.page(f"/customer/{WHO}/purposes/care")
        assert "Allowed, and stopped for now" in one.text
        visitor.say(one, "Go on now")
        assert {purpose for purpose, _, _ in on(bank)} == {"care"}
        assert "Something is paused until 4 Feb 2026" in visitor.page(f"/customer/{WHO}").text


def test_offers_are_stopped_whatever_is_allowed_and_come_back_only_after_a_page_that_says_what_for(bank: Bank) -> None:
    with client_of(bank) as client:
        visitor = Visitor(client)
        page = visitor.say(visitor.page(f"/customer/{WHO}"), "Stop offers")
        assert "You said no to all offers" in page.text
        assert "marketing" not in {purpose for purpose, _, _ in on(bank)}
        n = say(bank, "grant", now=bank.now(), purposes=("marketing",))
        page = visitor.page(f"/customer/{WHO}/consents/{n}")
        assert "your no to all offers, still stops it" in page.text
        home = visitor.page(f"/customer/{WHO}")
        assert "Stopped: you said no to all offers" in home.text
        assert "Stop offers" not in home.text
        (link,) = [of for of in home.links if of.endswith("/marketing/allow")]
        asked = visitor.page(link)
        assert asked.heading == "Take back your no to all offers?"
        assert "choose offers of this bank" in asked.text
        page = visitor.say(asked, "Yes, take it back")
        assert "Offers are possible again" in page.text
        assert "marketing" in {purpose for purpose, _, _ in on(bank)}
        page = visitor.say(page, "Stop offers again")
        assert "marketing" not in {purpose for purpose, _, _ in on(bank)}
        visitor.say(page, "Take it back")
        assert "marketing" in {purpose for purpose, _, _ in on(bank)}


def test_the_history_of_a_purpose_tells_everything_that_was_said_and_pages(bank: Bank) -> None:
    for change in ("pause", "resume", "object", "lift"):
        bank.consent(ConsentChange(customer=WHO, change=change, since=bank.now()))
    for _ in range(5):
        say(bank, "withdraw", now=bank.now(), purposes=("marketing",), channels=("email",))
        say(bank, "grant", now=bank.now(), purposes=("marketing",), sources=("location",), channels=("email",))
    with client_of(bank) as client:
        visitor = Visitor(client)
        page = visitor.page(f"/customer/{WHO}/purposes/marketing")
        (history,) = [of for of in page.all("section") if of.attributes["aria-labelledby"] == "history"]
        assert len(history.all("li")) == 10
        assert "allowed \N{EN DASH} places; e-mail; until 5 Jan 2027" in history.text
        (earlier,) = [link for link in page.links if "before=" in link]
        (history,) = [
            of for of in visitor.page(earlier).all("section") if of.attributes["aria-labelledby"] == "history"
        ]
        told = [item.text.partition(": ")[2].partition(" \N{EN DASH}")[0] for item in history.all("li")]
        assert [words.partition(";")[0] for words in told] == [
            "no to all offers taken back",
            "no to all offers",
            "went on",
            "paused",
            "allowed",
        ]


def test_undo_that_takes_several_entries_is_one_unit_of_work_with_one_receipt(bank: Bank) -> None:
    for number in range(3):
        decided(bank, number)
    say(bank, "withdraw", now=bank.now(), purposes=("marketing", "care"), sources=("location", "app"))
    say(bank, "withdraw", now=bank.now(), channels=("phone",))
    until = Instant(bank.now() + 9 * DAY)
    say(bank, "grant", now=bank.now(), purposes=("care",), sources=("app",), channels=("push",), until=until)
    before = on(bank)
    n = say(bank, "withdraw", now=bank.now())
    many = len(receipt(bank, n).undone_by)
    assert many > 1
    commits = []
    commit = bank.context.store.commit

    def counted(unit: Any) -> Any:
        commits.append([draft.kind for draft in unit.drafts])
        return commit(unit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bank.context.store, "commit", counted)
        first = bank.rights.undo(WHO, n)
    assert commits == [["consent"] * many]
    assert on(bank) == before
    assert first == n + 1
    found = receipt(bank, first)
    each = [receipt(bank, first + part) for part in range(many)]
    assert [(of.parts, of.opened) for of in each] == [(found.parts, found.opened)] * many
    assert {(of.purpose, of.source, of.channel) for of in found.opened} == before.keys()
    signed = [bank.rights.receipt(WHO, first + part) for part in range(many)]
    assert signed == [signed[0]] * many
    assert [entry.n for entry in signed[0].record.entries] == list(range(first, first + many))
    assert len(signed[0].events) == many
    assert bank.verify().problems == ()
    assert bank.replay().differences == 0
    again = bank.rights.undo(WHO, first)
    assert on(bank) == {}
    assert consequence(bank.context, WHO, again, now=bank.now()).looked == 3
    with client_of(bank) as client:
        page = Visitor(client).page(f"/customer/{WHO}/consents/{first + 1}")
        assert f"You said it at once in {many} entries, up to {first + many - 1}." in page.text
        page = Visitor(client).say(Visitor(client).page(f"/customer/{WHO}/consents/{again}"), "Allow it again")
        assert "You said yes" in page.text
    assert on(bank) == before


def test_undo_of_pauses_of_several_ends_is_undone_at_once(bank: Bank) -> None:
    first, second = Instant(bank.now() + 5 * DAY), Instant(bank.now() + 20 * DAY)
    say(bank, "pause", now=bank.now(), until=first, purposes=("care",))
    n = say(bank, "pause", now=bank.now(), until=second)
    undone = bank.rights.undo(WHO, n)
    assert {part.change.change for part in receipt(bank, undone).parts} == {"pause", "resume"}
    paused = {of.purpose: of.paused_until for of in bank.consents(WHO).purposes if of.paused_until}
    assert paused == {"care": text_of(first)}
