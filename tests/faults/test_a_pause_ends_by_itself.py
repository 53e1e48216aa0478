"""A pause: while it lasts nothing is used, and afterwards everything is as it was, by itself and without an entry."""

from __future__ import annotations

from pathlib import Path

import pytest
from situations import NOW, runs_short, says, sent, shares, spends

import marketofone
from learned import beliefs
from marketofone import Bank
from marketofone.domain.decision import Decision
from marketofone.domain.errors import ConsentRefused
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.store.ports import EntryKind
from proofs import proven, recorded

END = NOW + 30 * DAY
DURING, AFTER = Instant(NOW + DAY), Instant(END)


def allowed(bank: Bank, customer: str = "c-1", *, channel: str = "*") -> None:
    says(bank, customer, channel=channel)
    bank.ingest([*spends(customer), sent("app.opened", customer)], now=NOW)


def decided(bank: Bank, *, now: int, id: str | None = None) -> Decision:  # noqa: A002
    return bank.decide("c-1", occasion="app.opened", id=id, now=Instant(now))


def sources(made: Decision) -> set[str]:
    return {source for _, source in made.uses}


def test_while_it_lasts_nothing_is_used_shown_or_released_and_every_door_says_why(bank: Bank) -> None:
    allowed(bank)
    decided(bank, now=NOW, id="queued")
    bank.forecast("c-1", now=NOW)
    says(bank, "c-1", "pause", now=NOW)
    made = decided(bank, now=DURING)
    assert sources(made) <= {"protection"}
    assert {one.why.partition(" (")[0] for one in made.not_used} == {"you paused this for some time"}
    assert bank.profile("c-1", now=DURING).known == ()
    assert bank.insights("c-1", now=DURING) == []
    with pytest.raises(ConsentRefused, match="you paused this"):
        bank.forecast("c-1", now=DURING)
    with pytest.raises(ConsentRefused, match="you paused this"):
        bank.decision("queued", now=DURING)
    assert bank.intervene(["c-1"], now=DURING) == []
    assert bank.train(now=DURING).people == 0
    assert {cell.state for cell in bank.consents("c-1", now=DURING).cells} == {"paused"}
    proven(bank)


def test_at_its_end_everything_is_as_it_was_without_an_entry(bank: Bank) -> None:
    allowed(bank)
    queued = decided(bank, now=NOW, id="queued")
    bank.forecast("c-1", now=NOW)
    says(bank, "c-1", "pause", now=NOW)
    kinds: tuple[EntryKind, ...] = ("consent", "forecast", "ingest")
    before = {kind: recorded(bank, kind) for kind in kinds}
    assert {cell.state for cell in bank.consents("c-1", now=Instant(END - 1)).cells} == {"paused"}
    assert {cell.state for cell in bank.consents("c-1", now=AFTER).cells} == {"granted"}
    assert bank.decision("queued", now=AFTER) == queued
    assert sources(decided(bank, now=AFTER)) == sources(queued)
    assert {kind: recorded(bank, kind) for kind in before} == before
    assert bank.profile("c-1", now=AFTER, as_of=NOW).known
    proven(bank)


def test_the_last_forecast_counts_again_once_it_has_ended(bank: Bank) -> None:
    says(bank, "c-1")
    bank.ingest(runs_short("c-1"), now=NOW)
    bank.forecast("c-1", now=NOW)
    says(bank, "c-1", "pause", now=NOW)

    assert bank.intervene(["c-1"], now=DURING) == []
    says(bank, "c-1", "resume", now=DURING)
    assert recorded(bank, "forecast") == 1
    assert [one.customer for one in bank.intervene(["c-1"], now=DURING)] == ["c-1"]


def test_resuming_ends_it_at_once_and_a_grant_does_not(bank: Bank) -> None:
    allowed(bank)
    says(bank, "c-1", "pause", now=NOW)
    says(bank, "c-1", now=NOW + HOUR)
    assert sources(decided(bank, now=DURING)) <= {"protection"}
    says(bank, "c-1", "resume", purpose="insights", now=DURING)
    assert {purpose for purpose, _ in decided(bank, now=DURING).uses} - {"protection"} == {"insights"}
    says(bank, "c-1", "resume", now=DURING)
    assert {"personalisation", "marketing", "care"} <= {purpose for purpose, _ in decided(bank, now=DURING).uses}
    proven(bank)


def test_what_arrives_meanwhile_is_kept_only_where_it_must_be_and_may_be_used_afterwards(bank: Bank) -> None:
    allowed(bank)
    says(bank, "c-1", "pause", now=NOW)
    arrived = [
        sent("app.failed", "c-1", at=DURING, code="slow"),
        sent("transaction.booked", "c-1", at=DURING, account="account-c-1", amount_minor=-70_000, currency="EUR",
             category="groceries"),
    ]  # fmt: skip
    report = bank.ingest(arrived, now=DURING)
    assert (report.events, report.refused) == (2, 2)
    assert bank.profile("c-1", now=DURING).known == ()
    again = bank.ingest(arrived, now=AFTER)
    assert (again.events, again.duplicates) == (1, 1)  # what was not kept may be sent again
    later = {one.name: one.value for one in bank.profile("c-1", now=AFTER).known}
    assert later["groceries_30d"] == 70_000
    proven(bank)


def test_a_pause_of_some_purposes_leaves_the_others_as_they_are_and_lets_in_what_they_use(bank: Bank) -> None:
    allowed(bank)
    says(bank, "c-1", "pause", purpose="marketing", now=NOW)
    made = decided(bank, now=DURING)
    assert {"insights", "care"} <= {purpose for purpose, _ in made.uses}
    assert "marketing" not in {purpose for purpose, _ in made.uses}
    assert bank.ingest([sent("app.opened", "c-1", at=DURING)], now=DURING).refused == 0


def test_a_pause_under_one_id_counts_for_the_whole_person(bank: Bank) -> None:
    for one in ("c-1", "b"):
        allowed(bank, one)
    shares(bank, "k", "c-1", "b")
    says(bank, "b", "pause", now=NOW)
    assert sources(decided(bank, now=DURING)) <= {"protection"}
    assert "transactions" in sources(decided(bank, now=AFTER))
    proven(bank)


def test_it_ends_also_where_the_bank_was_opened_anew_meanwhile(project: Path) -> None:
    with marketofone.open(project, now=NOW) as bank:
        allowed(bank)
        says(bank, "c-1", "pause", now=NOW)
    with marketofone.open(project, now=DURING) as bank:
        assert sources(decided(bank, now=DURING)) <= {"protection"}
        assert "transactions" in sources(decided(bank, now=AFTER))
        proven(bank)


@pytest.fixture
def taught(bank: Bank) -> tuple[Bank, Decision]:
    """Answer what somebody was shown: one lesson is learned, and there is another decision to answer."""
    allowed(bank)
    shown = [made for step in range(60) if (made := decided(bank, now=NOW + step)).action != "nothing"]
    assert bank.outcome(shown[0].id, "accepted", now=Instant(NOW + HOUR)).learned
    assert [version.lessons for version in bank.versions()] == [1]
    return bank, shown[1]


def test_nothing_is_learned_while_it_lasts_and_what_was_learned_before_stays(taught: tuple[Bank, Decision]) -> None:
    bank, other = taught
    says(bank, "c-1", "pause", now=NOW + 2 * HOUR)
    assert not bank.outcome(other.id, "declined", now=DURING).learned
    assert bank.debt(now=DURING) == 0
    version = bank.versions()[0].version
    bank.roll_back(0, now=DURING)
    bank.roll_back(version, now=DURING)  # looks whether anything is owed
    assert [one.lessons for one in bank.versions()] == [1]
    says(bank, "c-1", "withdraw", purpose="learning", now=DURING + HOUR)
    assert [one.why for one in bank.versions()][:1] == ["without what may not be used any more"]
    proven(bank)


def test_what_another_owes_is_learned_anew_without_forgetting_who_paused(taught: tuple[Bank, Decision]) -> None:
    bank, _ = taught
    allowed(bank, "b")
    alone = beliefs(bank)
    shown = next(
        made
        for step in range(60)
        if (made := bank.decide("b", occasion="app.opened", now=Instant(NOW + 2 * HOUR + step))).action != "nothing"
    )
    assert bank.outcome(shown.id, "accepted", now=Instant(NOW + 3 * HOUR)).learned
    says(bank, "c-1", "pause", now=NOW + 4 * HOUR)
    assert beliefs(bank) != alone
    says(bank, "b", "withdraw", now=NOW + 5 * HOUR)
    assert bank.debt(now=DURING) == 0
    assert beliefs(bank) == alone
    proven(bank)
