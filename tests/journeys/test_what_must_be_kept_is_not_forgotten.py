"""Nobody is forgotten while a legal hold stands, and whoever asks reads why; an erasure ends wherever it is killed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import marketofone
from marketofone import cli
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import MalformedRequest, MarketOfOneError, Refused, UnknownCustomer
from marketofone.domain.moment import DAY, HOUR, MINUTE, Instant, text_of
from marketofone.projection.records import Hold
from marketofone.services.rights import erase
from marketofone.services.rights.legal_holds import MOST_DAYS
from proofs import recorded

WHO, OTHER = "c-1", "c-2"


def hold(now: Instant, **more: Any) -> Hold:
    said = {"name": "case-7", "basis": "Money laundering act, section 8", "covers": "payments", "by": "Ann of legal"}
    return Hold(**{**said, "until": Instant(now + 30 * DAY), **more})


@pytest.fixture
def lived(bank: Bank, allow: Callable[..., None], now: Instant) -> Bank:
    for customer in (WHO, OTHER):
        allow(customer)
        bank.decide(customer, occasion="app.opened", id=f"d-{customer}", now=now)
    return bank


def test_nobody_is_forgotten_while_a_hold_stands_and_nothing_is_done(lived: Bank, now: Instant) -> None:
    lived.rights.set_hold(WHO, hold(now), now=now)
    before = lived.counts()
    with pytest.raises(Refused, match=r"section 8 \(covers payments, set by Ann of legal, until 2026-"):
        lived.erase(WHO, ground="asked", now=now)
    assert lived.counts() == before
    assert not lived.context.keys.barred((WHO,), now=now)
    assert lived.profile(WHO, now=now).customer == WHO
    lived.erase(OTHER, ground="asked", now=now)
    assert lived.verify().problems == ()


@pytest.mark.parametrize("ending", ["by itself", "lifted"])
def test_who_was_held_is_forgotten_when_the_last_hold_ended(lived: Bank, now: Instant, ending: str) -> None:
    lived.rights.set_hold(WHO, hold(now, name="short", until=Instant(now + DAY)), now=now)
    lived.rights.set_hold(WHO, hold(now), now=now)
    later = Instant(now + 2 * DAY)
    assert [one.hold.name for one in lived.rights.holds(WHO, now=later)] == ["case-7"]
    with pytest.raises(Refused):
        lived.erase(WHO, ground="asked", now=later)
    if ending == "lifted":
        lived.rights.lift_hold(WHO, "case-7", by="Ben", now=later)
    else:
        later = Instant(now + 30 * DAY)
    assert lived.rights.holds(WHO, now=later) == []
    lived.erase(WHO, ground="asked", now=later)
    with pytest.raises(UnknownCustomer):
        lived.rights.holds(WHO, now=later)
    assert lived.verify().problems == ()


def test_a_hold_that_is_said_anew_counts_as_it_was_said_last(lived: Bank, now: Instant) -> None:
    lived.rights.set_hold(WHO, hold(now), now=now)
    lived.rights.set_hold(WHO, hold(now, until=Instant(now + DAY), by="Ben"), now=now)
    (one,) = lived.rights.holds(WHO, now=now)
    assert (one.hold.by, one.hold.until) == ("Ben", now + DAY)
    assert lived.rights.holds(WHO, now=Instant(now + DAY)) == []
    lived.rights.lift_hold(WHO, "case-7", by="Ben", now=now)
    with pytest.raises(MalformedRequest, match="no hold"):
        lived.rights.lift_hold(WHO, "case-7", by="Ben", now=now)


@pytest.mark.parametrize(
    ("field", "value"), [("basis", " "), ("by", ""), ("covers", "x" * 201), ("name", "a\nb"), ("until", 0)]
)
def test_a_hold_that_says_nothing_or_never_ends_is_refused(lived: Bank, now: Instant, field: str, value: Any) -> None:
    for said in (value, Instant(now + (MOST_DAYS + 1) * DAY)) if field == "until" else (value,):
        with pytest.raises(MalformedRequest, match=field):
            lived.rights.set_hold(WHO, hold(now, **{field: said}), now=now)
    assert recorded(lived, "hold") == 0


def test_a_hold_opens_nothing_that_the_customer_closed(lived: Bank, now: Instant) -> None:
    lived.rights.set_hold(WHO, hold(now), now=now)
    every = ("*",)
    said = ConsentChange(customer=WHO, change="withdraw", purposes=every, sources=every, channels=every, since=now)
    lived.consent(said, now=now)
    assert lived.profile(WHO, now=now).known == ()


def test_the_commands_set_list_and_lift_it_and_tell_before_anything_is_erased(lived: Bank, project: Path) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(cli.main, ["rights", *words, "--bank", str(project)])

    words = ("hold", WHO, "case-7", "--basis", "A court order", "--covers", "payments", "--by", "Ann")
    assert run(*words, "--until", "2199-01-01").exit_code == 3
    until = text_of(Instant(lived.now() + 400 * DAY))[:10]
    made = run(*words, "--until", until)
    assert made.exit_code == 0, made.output
    told = run("erase", WHO)
    assert (told.exit_code, "A court order, set by Ann (case-7)" in told.stdout) == (3, True)
    refused = run("erase", WHO, "--yes")
    assert (refused.exit_code, "refused: nothing was destroyed" in refused.stderr) == (1, True)
    assert json.loads(run("holds", WHO, "--json").stdout)["holds"][0]["basis"] == "A court order"
    assert run("lift-hold", WHO, "case-7", "--by", "Ben").exit_code == 0
    assert "no legal hold stands" in run("holds", WHO).stdout
    assert run("erase", WHO, "--yes").exit_code == 0


STEPS = ("bar", "end", "destroy fits", "destroy key", "forget texts", "pay", "train again")


def killed(*_: object, **__: object) -> Iterator[Any]:
    raise KeyboardInterrupt


@pytest.mark.parametrize("step", STEPS)
def test_an_erasure_that_is_killed_before_any_step_is_finished_by_the_next_process_that_learns(
    bank: Bank, project: Path, allow: Callable[..., None], now: Instant, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    for customer in (WHO, OTHER):
        allow(customer)
        bank.decide(customer, occasion="app.opened", id=f"d-{customer}", now=now)
    places = {
        "bar": (bank.context.keys, "bar"),
        "end": (erase, "_end_journal"),
        "destroy fits": (erase, "destroy"),
        "destroy key": (bank.context.keys, "destroy"),
        "forget texts": (erase, "forget_texts"),
        "pay": (erase, "pay"),
        "train again": (erase, "train_again"),
    }
    with monkeypatch.context() as patch:
        patch.setattr(*places[step], killed)
        with pytest.raises(KeyboardInterrupt):
            bank.erase(WHO, ground="asked", now=now)
    later = Instant(now + HOUR)
    with marketofone.open(project, clock=lambda: later, now=later) as next_process:
        known = next_process.context.keys.find((WHO,))
        assert bool(known) == (STEPS.index(step) <= STEPS.index("destroy key"))
        if step == "bar":  # nothing was done yet
            next_process.erase(WHO, ground="asked", now=later)
        next_process.learn(now=later)
        for ask in (next_process.profile, next_process.rights.export, next_process.uses, next_process.rights.prove):
            with pytest.raises(MarketOfOneError):
                ask(WHO)
        assert recorded(next_process, "erasure") == 1
        assert next_process.debt(now=later) == 0
        assert next_process.verify().problems == ()
        assert next_process.profile(OTHER, now=later).customer == OTHER


def test_an_erasure_that_may_still_be_under_way_is_left_to_whoever_began_it(
    lived: Bank, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(lived.context.keys, "destroy", killed)
        with pytest.raises(KeyboardInterrupt):
            lived.erase(WHO, ground="asked", now=now)
    lived.learn(now=Instant(now + MINUTE - 1))
    assert lived.context.keys.find((WHO,))
    lived.learn(now=Instant(now + MINUTE))
    assert not lived.context.keys.find((WHO,))
    assert lived.verify().problems == ()


def test_a_hold_does_not_stop_an_erasure_that_was_begun(
    lived: Bank, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(erase, "_end_journal", killed)
        with pytest.raises(KeyboardInterrupt):
            lived.erase(WHO, ground="asked", now=now)
    with pytest.raises(Refused, match="forgotten"):
        lived.rights.set_hold(WHO, hold(now), now=now)
    lived.erase(WHO, ground="asked", now=now)


def test_a_hold_that_is_acknowledged_while_an_erasure_begins_stops_it(
    lived: Bank, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar = lived.context.keys.bar

    def hold_first(*asked: Any, **more: Any) -> None:
        monkeypatch.setattr(lived.context.keys, "bar", bar)
        lived.rights.set_hold(WHO, hold(now), now=now)
        bar(*asked, **more)

    monkeypatch.setattr(lived.context.keys, "bar", hold_first)
    with pytest.raises(Refused, match="section 8"):
        lived.erase(WHO, ground="asked", now=now)
    with pytest.raises(Refused, match="section 8"):
        lived.erase(WHO, ground="asked", now=now)
    lived.learn(now=Instant(now + HOUR))
    assert lived.rights.holds(WHO, now=Instant(now + HOUR)), "they must be kept"
    later = Instant(now + 31 * DAY)
    lived.learn(now=later)
    with pytest.raises(UnknownCustomer):
        lived.profile(WHO, now=later)


@pytest.mark.parametrize("by", ["", " ", "Ann\x1b[2J", "A" * 501])
def test_nobody_lifts_a_hold_without_a_name_that_can_be_read(lived: Bank, now: Instant, by: str) -> None:
    lived.rights.set_hold(WHO, hold(now), now=now)
    with pytest.raises(MalformedRequest, match="printed characters"):
        lived.rights.lift_hold(WHO, "case-7", by=by, now=now)
    assert lived.rights.holds(WHO, now=now)
