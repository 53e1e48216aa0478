"""What may not be kept is not kept: not of refused events, not of malformed ones, and no live state after a no."""

from __future__ import annotations

from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest
from situations import NOW, pays, said_in, says, sent, shares, spends, values

import marketofone
from marketofone import Bank, wiring
from marketofone.domain.cloudevents import parse_event
from marketofone.domain.errors import MalformedEvent, StoreError
from marketofone.domain.moment import HOUR
from marketofone.projection.codec import open_letter, subject_of_letter
from marketofone.services.intake.ingest import IngestReport
from marketofone.services.intake.letters import row_of
from marketofone.store.ports import DeadLetter

SECRET = "i-am-pregnant-and-lost-my-job"  # noqa: S105 - what nobody may read
UNKNOWN: dict[str, Any] = {SECRET: 1}
LIKE_A_PATH: dict[str, Any] = {f"x` - at `$.{SECRET}": 1}
MALFORMED = {
    "a moment ahead": sent("message.received", "c-1", at=NOW + HOUR, text=SECRET),
    "a field that is none": sent("message.received", "c-1", text=SECRET, form="letter"),
    "a field named by a text": sent("message.received", "c-1", text="x", **UNKNOWN),
    "a field named like a path": sent("message.received", "c-1", text="x", **LIKE_A_PATH),
    "a word named like a path": sent("life.declared", "c-1", event=f"x - at `$.{SECRET}`"),
    "a word named like a field": sent("life.declared", "c-1", event=f"Object missing required field `{SECRET}`"),
    "a text that is no text": sent("message.received", "c-1", text=[SECRET]),
    "a kind that is none": sent("message.received", "c-1", text=SECRET).replace(b"received", b"recieved"),
    "a life event that is none": sent("life.declared", "c-1", event=SECRET),
    "half a row": sent("message.received", "c-1", text=SECRET)[:-9],
    "no customer": sent("message.received", "", text=SECRET),
    "a customer that is none": sent("message.received", "c-1\u0000", text=SECRET),
    "a producer that is none": sent("message.received", "c-1", text=SECRET).replace(b'"/faults"', b"7"),
    "a kind that is a list": sent("message.received", "c-1", text=SECRET).replace(b'"message.received"', b'["x"]'),
    "no UTF-8": sent("message.received", "c-1", text=SECRET).replace(b"pregnant", b"preg\xffant"),
    "a list": b"[" + sent("message.received", "c-1", text=SECRET) + b"]",
    "two rows in one": sent("message.received", "c-1", text=SECRET) * 2,
    "a search with too much": sent("partner.searched", "c-1", query=SECRET, age=30),
    "a place that is none": sent("place.visited", "c-1", venue=[SECRET]),
}


def raws(bank: Bank) -> list[bytes]:
    """Give what is kept of dead letters."""
    with bank.context.store.read() as reader:
        snapshot = bank.context.snapshot(reader)
        rows = [row_of(bank.context, snapshot, letter, now=NOW) for letter in reader.letters(limit=1_000)]
    return [row for row in rows if row is not None]


def sealed(bank: Bank) -> list[bytes]:
    """Give the sealed rows of dead letters."""
    with bank.context.store.read() as reader:
        return [letter.raw for letter in reader.letters(limit=1_000) if letter.raw is not None]


def letters(bank: Bank) -> str:
    with bank.context.store.read() as reader:
        return str([(one.field, one.shape, one.fix) for one in reader.letters(limit=1_000)])


@pytest.mark.parametrize("what", MALFORMED)
@pytest.mark.parametrize("before", ["nothing", "no", "another yes"])
def test_of_a_malformed_row_stays_its_shape_and_reason_where_its_source_is_not_allowed(
    bank: Bank, what: str, before: str
) -> None:
    if before == "no":
        says(bank, "c-1")
        says(bank, "c-1", "withdraw")
    if before == "another yes":
        says(bank, "c-1", source="transactions")
    report = bank.ingest([MALFORMED[what]], now=NOW)
    assert (report.rows, report.dead_letters) == (1, 1)
    assert sealed(bank) == []
    assert SECRET not in letters(bank)


@pytest.mark.parametrize("what", sorted(MALFORMED.keys() - {"a moment ahead"}))
def test_no_error_repeats_a_word_of_a_malformed_row(what: str) -> None:
    with pytest.raises(MalformedEvent) as raised:
        parse_event(MALFORMED[what])
    assert SECRET not in "".join(format_exception(raised.value))


def test_a_field_that_a_kind_does_not_have_is_told_by_its_place(project: Path, tmp_path: Path) -> None:
    with marketofone.open(project, now=NOW) as bank:
        bank.ingest([MALFORMED["a field named by a text"]], now=NOW)
        with bank.context.store.read() as reader:
            (letter,) = reader.letters(limit=9)
    assert (letter.field, letter.shape) == ("data", "a field this kind does not have")
    assert SECRET.encode() not in at_rest(project, tmp_path / "backup")


def test_a_malformed_row_of_an_id_is_not_kept_where_another_id_of_the_person_said_no(bank: Bank) -> None:
    says(bank, "a")
    says(bank, "b")
    shares(bank, "k", "a", "b")
    bank.ingest([sent("message.received", "a", text=SECRET, form="letter")], now=NOW)
    assert len(raws(bank)) == 1, "both allow it"
    says(bank, "b", "withdraw", source="messages")
    bank.ingest([sent("message.received", "a", text=SECRET, form="letter")], now=NOW)
    assert len(sealed(bank)) == 1
    assert raws(bank) == [], "what was kept before is not shown any more"


@pytest.mark.parametrize("scope", [{}, {"source": "messages"}], ids=str)
def test_a_malformed_message_that_was_kept_under_a_yes_is_not_shown_after_the_no(
    bank: Bank, scope: dict[str, str]
) -> None:
    row = MALFORMED["a field that is none"]
    says(bank, "c-1")
    bank.ingest([row], now=NOW)
    assert raws(bank) == [row]
    says(bank, "c-1", "withdraw", **scope)  # type: ignore[arg-type]
    assert raws(bank) == []
    assert bank.verify().problems == ()


def test_a_malformed_row_opens_under_its_customers_key_only_and_goes_with_it(bank: Bank) -> None:
    says(bank, "anna")
    says(bank, "c-1")
    anna = sent("transaction.booked", "anna", account="a", amount_minor="much", currency="EUR", merchant=SECRET)
    message, other = sent("message.received", "anna", text=[SECRET]), pays("c-1", -100, "health", odd=1)
    bank.ingest([anna, message, other], now=NOW)
    assert raws(bank) == [other, message, anna]
    before = letters(bank)
    keys = bank.context.keys
    for raw in sealed(bank):
        with pytest.raises(StoreError):
            open_letter(raw, box=keys.bank)

    bank.erase("anna", ground="asked", now=NOW)

    assert raws(bank) == [other]
    for raw in sealed(bank)[1:]:
        assert keys.customer(subject_of_letter(raw)) is None
        for box in (keys.bank, keys.find(("c-1",))["c-1"].box):
            with pytest.raises(StoreError):
                open_letter(raw, box=box)
    assert letters(bank) == before, "shape and reason stay"
    assert bank.verify().problems == ()


def test_of_a_malformed_row_about_somebody_forgotten_stays_its_shape_and_reason(bank: Bank) -> None:
    says(bank, "anna")
    done = bank.erase("anna", ground="asked", now=NOW)
    customers = bank.counts()["customers"]
    row = sent("transaction.booked", "anna", account="a", amount_minor="much", currency="EUR", merchant=SECRET)
    assert bank.ingest([row, sent("message.received", "anna", text=[SECRET])], now=NOW).dead_letters == 2
    assert sealed(bank) == []
    assert "data.amount_minor" in letters(bank)
    assert bank.counts()["customers"] == customers, "nobody gets a new key"

    bank.ingest([row], now=done.until)
    assert len(sealed(bank)) == 1, "after the end of the bar they are somebody new"
    assert bank.verify().problems == ()


def test_of_a_malformed_row_about_somebody_who_is_being_forgotten_nothing_is_kept_or_shown(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = pays("anna", -100, "health", merchant=SECRET, odd=1)
    says(bank, "anna")
    bank.ingest([row], now=NOW)
    destroy, seen = bank.context.keys.destroy, []

    def look_first(*args: Any, **more: Any) -> bool:
        bank.ingest([row], now=NOW)
        seen.append((len(sealed(bank)), raws(bank)))
        return destroy(*args, **more)

    monkeypatch.setattr(bank.context.keys, "destroy", look_first)
    bank.erase("anna", ground="asked", now=NOW)
    assert seen == [(1, [])]


def test_a_customer_whose_first_row_is_malformed_can_be_forgotten_and_stops_nobody(bank: Bank) -> None:
    row = pays("anna", -100, "health", merchant=SECRET, odd=1)
    bank.ingest([row], now=NOW)
    says(bank, "c-1")
    bank.ingest(spends("c-1"), now=NOW)
    assert raws(bank) == [row]
    assert {one.customer for one in bank.intervene(now=NOW)} <= {"c-1"}
    assert bank.replay().differences == 0
    bank.erase("anna", ground="asked", now=NOW)
    assert raws(bank) == []
    assert bank.verify().problems == ()


@pytest.mark.parametrize("after", ["nothing", "an erasure", "an erasure whose bar has ended"])
def test_a_row_that_an_earlier_release_sealed_under_the_banks_key_is_shown_of_who_was_never_forgotten_only(
    bank: Bank, after: str
) -> None:
    row = pays("anna", -100, "health", merchant=SECRET, odd=1)
    old = bank.context.keys.bank.seal(row, nonce=bytes(12), about=b"letter")
    letter = DeadLetter(at=NOW, field="data", shape="not a field of this kind", fix="", raw=old)
    now = NOW
    says(bank, "anna")
    if after != "nothing":
        done = bank.erase("anna", ground="asked", now=NOW)
        now = done.until if "ended" in after else NOW
    if "ended" in after:
        says(bank, "anna", now=now)
    with bank.context.store.read() as reader:
        shown = row_of(bank.context, bank.context.snapshot(reader), letter, now=now)
    assert shown == (row if after == "nothing" else None)


def test_a_malformed_payment_is_kept_sealed_for_payments_must_be_kept(project: Path, tmp_path: Path) -> None:
    row = pays("c-1", -100, "health", merchant=SECRET, odd=1)
    with marketofone.open(project, now=NOW) as bank:
        bank.ingest([row], now=NOW)
        assert raws(bank) == [row]
    assert SECRET.encode() not in at_rest(project, tmp_path / "backup")


@pytest.mark.parametrize("source", ["messages", "life_events", "app", "open_banking", "location"])
def test_a_refused_event_leaves_no_word_and_burns_no_id(bank: Bank, source: str) -> None:
    rows = {
        "messages": sent("message.received", "c-1", id="one", text=SECRET),
        "life_events": sent("partner.searched", "c-1", id="one", query=SECRET),
        "app": sent("app.searched", "c-1", id="one", query=SECRET),
        "open_banking": sent(
            "openbanking.transaction",
            "c-1",
            id="one",
            institution="x",
            account="y",
            amount_minor=-5,
            currency="EUR",
            counterparty=SECRET,
        ),
        "location": sent("place.visited", "c-1", id="one", venue="airport"),
    }
    refused = bank.ingest([rows[source]], now=NOW)
    assert (refused.events, refused.refused) == (1, 1)
    assert SECRET not in said(bank)
    says(bank, "c-1", source=source)
    again = bank.ingest([rows[source]], now=NOW)
    assert (again.events, again.refused, again.duplicates) == (1, 0, 0)
    assert bank.ingest([rows[source]], now=NOW) == IngestReport(rows=1, duplicates=1)


def test_after_a_no_no_snapshot_of_the_source_is_left_and_nothing_of_it_is_remembered(project: Path) -> None:
    with marketofone.open(project, now=NOW) as bank:
        says(bank, "c-1")
        for minute in range(80):  # enough for snapshots of both sources
            bank.ingest(
                [pays("c-1", -100, "dining", at=NOW - minute), sent("app.opened", "c-1", at=NOW - minute)], now=NOW
            )
        assert values(bank, "c-1")["dining_30d"] == 8_000
    assert {"app", "transactions"} <= snapshots(project)

    with marketofone.open(project, now=NOW) as bank:
        values(bank, "c-1")
        says(bank, "c-1", "withdraw", source="transactions")
        assert "transactions" not in snapshots(project)
        assert "app" in snapshots(project), "a change of consent touches only the sources whose admission it changes"
        assert "dining_30d" not in values(bank, "c-1")
        bank.ingest([pays("c-1", -100, "dining")], now=NOW)
        bank.decide("c-1", occasion="app.opened", now=NOW)
        bank.decide("c-1", occasion="app.opened", now=NOW, as_of=NOW)
    assert "transactions" not in snapshots(project)
    with marketofone.open(project, now=NOW) as bank:
        says(bank, "c-1", source="transactions")
        assert values(bank, "c-1")["dining_30d"] == 8_100


def test_a_no_to_one_purpose_keeps_the_snapshot_while_another_may_use_the_source(project: Path) -> None:
    with marketofone.open(project, now=NOW) as bank:
        says(bank, "c-1")
        for minute in range(80):
            bank.ingest([pays("c-1", -100, "dining", at=NOW - minute)], now=NOW)
        values(bank, "c-1")
    with marketofone.open(project, now=NOW) as bank:
        says(bank, "c-1", "withdraw", purpose="marketing")
        assert "transactions" in snapshots(project)
        for purpose in ("insights", "personalisation", "care", "learning"):
            says(bank, "c-1", "withdraw", purpose=purpose)
        assert "transactions" not in snapshots(project)


def test_nothing_that_rests_on_disk_tells_a_name_or_a_word(project: Path, tmp_path: Path) -> None:
    with marketofone.open(project, now=NOW) as bank:
        says(bank, "c-anna-karenina")
        for minute in range(70):
            words = sent("message.received", "c-anna-karenina", at=NOW - minute, text=SECRET)
            bank.ingest([words, pays("c-anna-karenina", -100, "dining", merchant=SECRET)], now=NOW)
        bank.decide("c-anna-karenina", occasion="app.opened", id="d-anna-karenina", now=NOW)
        bank.outcome("d-anna-karenina", "declined", why=SECRET, now=NOW)
        shares(bank, "anna-karenina@bank", "c-anna-karenina")
    data = at_rest(project, tmp_path / "backup")
    assert data
    assert SECRET.encode() not in data
    assert b"anna-karenina" not in data


def said(bank: Bank) -> str:
    """Give everything that one person's journal says, opened."""
    return str(said_in(bank, "c-1"))


def snapshots(project: Path) -> set[str]:
    """Name the snapshots of all customers."""
    with marketofone.open(project, read_only=True) as bank, bank.context.store.read() as reader:
        return {name for subject in reader.subjects(limit=10) for name in reader.snapshots(subject)}


def at_rest(project: Path, backup: Path) -> bytes:
    """Give every byte that the engine keeps: its file and its log where it is embedded, and a backup on each engine."""
    with marketofone.open(project, now=NOW) as bank:
        bank.backup(backup)
    kept = [*(project / wiring.DATA).glob("*sqlite*"), *(backup / wiring.DATA).rglob("*")]
    return b"".join(path.read_bytes() for path in kept if path.is_file())
