"""Every read behind a permit is in the log before anything of it is given away: counted at the gate, by method."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from situations import NOW, gives_up, pays, runs_short, says, sent, shares, spends

from counted_gate import Gate
from marketofone import Bank
from marketofone.domain.errors import MarketOfOneError, StoreError
from marketofone.domain.moment import DAY, HOUR, Instant
from proofs import proven, recorded

LATER = Instant(NOW + HOUR)
SHOWN = "shown"


@pytest.fixture
def lived_in(bank: Bank) -> Bank:
    """Give a bank of two people with money, messages, a forecast, something shown and a trained model."""
    for customer in ("c-1", "c-2"):
        says(bank, customer)
        bank.ingest([*runs_short(customer), *spends(customer), sent("app.opened", customer)], now=NOW)
        bank.forecast(customer, now=NOW)
        for step in range(50):
            made = bank.decide(customer, occasion="app.opened", id=f"{SHOWN}-{customer}-{step}", now=NOW)
            if made.action != "nothing":
                break
        bank.decide(customer, occasion="app.opened", id=f"{SHOWN}-{customer}", now=NOW)
    bank.train(now=NOW)
    return bank


MONEY = {"transactions", "open_banking"}
ASKED_FOR = {  # the first that a method is called by; a method of another name reads all that its purpose may
    "forecast": MONEY,
    "spending": MONEY,
    "train bands": {"transactions"},
    "train": {"transactions", "life_events", "location", "app"},
}


def shown(bank: Bank, customer: str) -> str:
    with bank.context.store.read() as reader:
        return bank.context.snapshot(reader).person(customer).contacts[-1].decision


METHODS: dict[str, Callable[[Bank], object]] = {
    "profile": lambda bank: bank.profile("c-1", now=LATER),
    "profile as of": lambda bank: bank.profile("c-1", now=LATER, as_of=Instant(NOW - 40 * DAY)),
    "insights": lambda bank: bank.insights("c-1", now=LATER),
    "insights as of": lambda bank: bank.insights("c-1", now=LATER, as_of=Instant(NOW - 40 * DAY)),
    "spending": lambda bank: bank.spending("c-1", now=LATER),
    "forecast": lambda bank: bank.forecast("c-1", now=LATER),
    "forecast as of": lambda bank: bank.forecast("c-1", now=LATER, as_of=Instant(NOW - 40 * DAY)),
    "show_forecast": lambda bank: bank.show_forecast("c-1", now=LATER),
    "decide": lambda bank: bank.decide("c-1", occasion="app.opened", now=LATER),
    "decide on a forecast": lambda bank: bank.decide("c-1", occasion="forecast.made", now=LATER),
    "decide as of": lambda bank: bank.decide("c-1", occasion="app.opened", now=LATER, as_of=Instant(NOW - 40 * DAY)),
    "forecast_all": lambda bank: list(bank.forecast_all(now=LATER)),
    "refresh_forecasts": lambda bank: bank.refresh_forecasts(now=Instant(NOW + 40 * DAY)),
    "refresh_forecasts of the calm": lambda bank: bank.refresh_forecasts(now=LATER),
    "intervene": lambda bank: bank.intervene(now=LATER),
    "train": lambda bank: bank.train(now=LATER),
    "train bands": lambda bank: bank.train(now=LATER, tasks=("bands",)),
    "an outcome": lambda bank: bank.outcome(shown(bank, "c-1"), "accepted", now=LATER),
    "a message": lambda bank: bank.ingest(
        [sent("message.received", "c-1", at=LATER, text="i am desperate, i lost my job")], now=LATER
    ),
    "a search": lambda bank: bank.ingest([sent("partner.searched", "c-1", at=LATER, query="baby crib")], now=LATER),
}
READS_NOTHING: dict[str, Callable[[Bank], object]] = {
    "consents": lambda bank: bank.consents("c-1", now=LATER),
    "epoch": lambda bank: bank.epoch("c-1"),
    "uses": lambda bank: bank.uses("c-1"),
    "counts": lambda bank: bank.counts(),
    "versions": lambda bank: bank.versions(),
    "board": lambda bank: bank.board(now=LATER),
    "a payment": lambda bank: bank.ingest([pays("c-1", -5, "dining", at=LATER)], now=LATER),
    "replay": lambda bank: bank.replay(),
}


def log(bank: Bank) -> dict[tuple[str, str, str], int]:
    """Give the log of uses: how often each person's source was read for a purpose."""
    return {
        (customer, use.purpose, use.source): sum(
            one.count for one in bank.uses(customer) if (one.purpose, one.source) == (use.purpose, use.source)
        )
        for customer in ("c-1", "c-2")
        for use in bank.uses(customer)
    }


def grown(bank: Bank, before: dict[tuple[str, str, str], int]) -> set[tuple[str, str, str]]:
    return {line for line, count in log(bank).items() if count > before.get(line, 0)}


@pytest.mark.parametrize("method", METHODS)
def test_what_a_method_reads_behind_a_permit_is_in_the_log_when_it_answers(
    lived_in: Bank, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    before = log(lived_in)
    at_the_gate = Gate(monkeypatch)
    METHODS[method](lived_in)
    logged = grown(lived_in, before)
    if method in ("a message", "a search"):
        assert {source for _, _, source in logged} == {"messages" if method == "a message" else "life_events"}
        return
    if method == "an outcome":
        assert {purpose for _, purpose, _ in logged} == {"learning"}
        return
    if method.startswith("intervene"):  # whom nothing new is foreseen for is passed over unread
        assert logged <= at_the_gate.opened
        return
    used = {
        line for line in at_the_gate.opened if line[1] not in ("care", "personalisation", "marketing", "protection")
    }
    asked_for = next((sources for name, sources in ASKED_FOR.items() if name in method), None)
    if "decide" in method:
        assert logged, "a decision names what it used"
        assert logged <= at_the_gate.opened
        return
    assert logged == {line for line in used if asked_for is None or line[2] in asked_for} != set()


@pytest.mark.parametrize("method", READS_NOTHING)
def test_what_reads_nothing_behind_a_permit_leaves_no_line(lived_in: Bank, method: str) -> None:
    before, entries = log(lived_in), recorded(lived_in, "use")
    READS_NOTHING[method](lived_in)
    assert (log(lived_in), recorded(lived_in, "use")) == (before, entries)


def test_the_log_never_claims_a_source_that_was_shut(lived_in: Bank) -> None:
    says(lived_in, "c-1", "withdraw", source="transactions", now=LATER)
    before = log(lived_in)
    for ask in METHODS.values():
        with suppress(MarketOfOneError):
            ask(lived_in)
    assert not {line for line in grown(lived_in, before) if line[0] == "c-1" and line[2] == "transactions"}
    assert grown(lived_in, before)
    proven(lived_in)


def test_nothing_is_given_away_when_the_use_cannot_be_recorded(lived_in: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> list[object]:
        raise StoreError("no space left on the device")

    monkeypatch.setattr(lived_in.context.store, "commit", full)
    for method in ("profile", "insights", "spending", "show_forecast", "forecast", "decide", "decide as of"):
        with pytest.raises(StoreError, match="no space"):
            METHODS[method](lived_in)
    with pytest.raises(StoreError, match="no space"):
        next(iter(lived_in.forecast_all(now=LATER)))


def test_a_no_between_reading_and_recording_is_obeyed_by_every_answer(
    lived_in: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = lived_in.context.store.commit
    waiting: list[int] = []
    asking = threading.current_thread()

    def no_first(unit: object) -> object:
        if waiting and threading.current_thread() is asking:  # snapshots are renewed beside it
            waiting.clear()
            says(lived_in, "c-1", "withdraw", now=LATER)
        return commit(unit)  # type: ignore[arg-type]

    monkeypatch.setattr(lived_in.context.store, "commit", no_first)
    for method in ("profile", "insights", "spending", "show_forecast", "forecast", "decide", "decide as of"):
        says(lived_in, "c-1", now=LATER)
        waiting.append(1)
        before = log(lived_in)
        with suppress(MarketOfOneError):
            METHODS[method](lived_in)
        assert not waiting
        assert {source for _, _, source in grown(lived_in, before)} <= {"protection"}, method


def test_one_request_for_one_person_is_one_line_for_each_source(lived_in: Bank) -> None:
    before = log(lived_in)
    lived_in.insights("c-1", now=LATER)
    assert {log(lived_in)[line] - before.get(line, 0) for line in grown(lived_in, before)} == {1}
    entries = recorded(lived_in, "use")
    lived_in.train(now=LATER)
    assert recorded(lived_in, "use") == entries + 2, "one line a person, purpose and nightly run"


def test_what_was_read_while_two_ids_were_one_stays_in_the_log_of_both(bank: Bank) -> None:
    for one in ("a", "b"):
        says(bank, one)
    bank.ingest(spends("b"), now=NOW)
    shares(bank, "k", "a", "b")
    made = bank.decide("a", occasion="app.opened", now=NOW)
    read = {(use.purpose, use.source) for use in bank.uses("b")}
    assert set(made.uses) <= read
    gives_up(bank, "k", "b")
    assert {(use.purpose, use.source) for use in bank.uses("b")} == read
    bank.decide("a", occasion="app.opened", now=Instant(NOW + HOUR))
    counts = [use.count for use in bank.uses("b")]
    assert sum(counts) == len(made.uses), "what is read of the other alone is none of theirs"


def test_whose_forecast_was_read_for_help_is_in_the_log_also_where_none_was_needed(lived_in: Bank) -> None:
    lived_in.forecast("c-1", now=LATER)
    before = {(use.purpose, use.source): use.count for use in lived_in.uses("c-1", days=3_650)}
    lived_in.intervene(now=LATER)
    after = {(use.purpose, use.source): use.count for use in lived_in.uses("c-1", days=3_650)}
    purpose = lived_in.config.policy.serving("forecast")
    assert after[purpose, "transactions"] > before[purpose, "transactions"]
