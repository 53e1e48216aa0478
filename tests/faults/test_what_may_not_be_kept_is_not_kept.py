"""What may not be kept is not kept: not of refused events, not of malformed ones, and no live state after a no."""

from __future__ import annotations

from pathlib import Path

import pytest
from situations import NOW, pays, said_in, says, sent, shares, values

import marketofone
from marketofone import Bank, wiring
from marketofone.domain.moment import HOUR
from marketofone.projection.codec import open_letter
from marketofone.services.ingest import IngestReport

SECRET = "i-am-pregnant-and-lost-my-job"  # noqa: S105 - what nobody may read
MALFORMED = {
    "a moment ahead": sent("message.received", "c-1", at=NOW + HOUR, text=SECRET),
    "a field that is none": sent("message.received", "c-1", text=SECRET, form="letter"),
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
        kept = [letter.raw for letter in reader.letters(limit=1_000) if letter.raw is not None]
    return [open_letter(raw, box=bank.context.keys.bank) for raw in kept]


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
    assert raws(bank) == []
    assert SECRET not in letters(bank)


def test_a_malformed_row_of_an_id_is_not_kept_where_another_id_of_the_person_said_no(bank: Bank) -> None:
    says(bank, "a")
    says(bank, "b")
    shares(bank, "k", "a", "b")
    bank.ingest([sent("message.received", "a", text=SECRET, form="letter")], now=NOW)
    assert len(raws(bank)) == 1, "both allow it"
    says(bank, "b", "withdraw", source="messages")
    bank.ingest([sent("message.received", "a", text=SECRET, form="letter")], now=NOW)
    assert len(raws(bank)) == 1


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
