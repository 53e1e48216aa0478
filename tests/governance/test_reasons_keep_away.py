"""What somebody says no for decides what is kept away, and for how long."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.action import KINDS_OF_ACTION, MARKETING, Action, Kind
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import WHY_NOT, Outcome, WhyNot
from marketofone.governance.guardrails import (
    Circumstances,
    Contact,
    Pause,
    lowered,
    objection,
    parse_guardrails,
    tally,
)

TEXT = (files("marketofone") / "template" / "guardrails.toml").read_text(encoding="utf-8")
RAILS = parse_guardrails(TEXT)
NOW = Instant(1_000 * DAY)
KINDS = tuple(kind for kind in KINDS_OF_ACTION if kind != "nothing")


def action(kind: Kind, name: str = "another") -> Action:
    return Action(id=name, kind=kind, title="Something", text="Something.")


def answer(to: Action, *, about: Action, why: WhyNot | None, days: float) -> str | None:
    """Judge an action some days after somebody said no to another, or to the same."""
    at = Instant(int(NOW - days * DAY))
    said = Contact(action=about.id, kind=about.kind, at=at, channel="app", declined_at=at, why=why)
    circumstances = Circumstances(
        now=NOW,
        quiet=False,
        channel="app",
        begun_by="customer",
        tally=tally([said], now=NOW, caps=RAILS.caps),
        stressed=False,
        credit_could_hurt="",
    )
    return objection(to, circumstances, guardrails=RAILS)


@pytest.mark.parametrize("why", WHY_NOT)
def test_every_reason_has_its_pause_in_the_template(why: WhyNot) -> None:
    pause = RAILS.declines[why]
    offer = action("offer", "offer")
    for days, stopped in ((pause.action - 1, True), (pause.action + 1, False)):
        assert (answer(offer, about=offer, why=why, days=days) is not None) is stopped


def lowered_by(*said: tuple[str, Kind, WhyNot | None, float]) -> dict[Kind, float]:
    """Give what some noes take off, each said about an action of a kind, with a reason, some days ago."""
    contacts = [
        Contact(action=name, kind=kind, at=at, channel="app", declined_at=at, why=why)
        for name, kind, why, days in said
        for at in [Instant(int(NOW - days * DAY))]
    ]
    return lowered(tally(contacts, now=NOW, caps=RAILS.caps).declined, now=NOW, guardrails=RAILS)


def test_not_relevant_lowers_its_kind_for_a_while_and_keeps_none_of_it_away() -> None:
    loan, card = action("offer", "loan"), action("offer", "card")
    days = RAILS.declines["not relevant"].lower_days

    assert answer(card, about=loan, why="not relevant", days=1) is None
    assert lowered_by(("loan", "offer", "not relevant", 1)) == pytest.approx({"offer": 0.3})
    assert lowered_by(("loan", "offer", "not relevant", days + 1)) == {}
    assert lowered_by(("loan", "offer", "not now", 1), ("loan", "offer", None, 1)) == {}


def test_each_thing_that_is_not_relevant_takes_its_share_of_what_is_left_and_warnings_stay_as_they_are() -> None:
    twice: list[tuple[str, Kind, WhyNot | None, float]] = [
        ("loan", "offer", "not relevant", 1.0),
        ("card", "offer", "not relevant", 2.0),
    ]

    assert lowered_by(*twice) == lowered_by(*reversed(twice)) == pytest.approx({"offer": 1.0 - 0.7 * 0.7})
    assert lowered_by(twice[0], twice[0]) == lowered_by(twice[0])
    assert lowered_by(("low", "alert", "not relevant", 1)) == {}


def test_not_now_waits_for_less_than_a_plain_no() -> None:
    tip = action("feature", "tip")
    days = RAILS.declines["not now"].action + 1
    assert answer(tip, about=tip, why="not now", days=days) is None
    assert answer(tip, about=tip, why=None, days=days) == "cool_off: you said no to this within 90 days"


@given(st.sampled_from(WHY_NOT), st.sampled_from(KINDS), st.sampled_from(KINDS), st.integers(0, 400))
def test_a_reason_keeps_away_what_it_says_and_nothing_else(why: WhyNot, kind: Kind, other: Kind, days: int) -> None:
    pause: Pause = RAILS.declines[why]
    alike = kind == other and kind not in RAILS.caps.exempt and days < pause.kind
    sold = other in MARKETING and days < pause.marketing

    found = answer(action(other), about=action(kind, "this"), why=why, days=days)

    assert (found is not None) is (alike or sold)
    assert found is None or (found.startswith("cool_off: ") and why in found)


def test_a_warning_is_kept_away_only_by_a_no_to_itself() -> None:
    fraud, shortfall = action("alert", "fraud"), action("alert", "shortfall")
    assert answer(fraud, about=shortfall, why="too often", days=1) is None
    assert answer(shortfall, about=shortfall, why="too often", days=1) is not None


def test_who_does_not_trust_is_sold_nothing_and_helped_all_the_same() -> None:
    offer = action("offer", "this")
    assert "nothing is sold" in str(answer(action("place_offer"), about=offer, why="do not trust", days=3))
    assert answer(action("insight"), about=offer, why="do not trust", days=3) is None


def test_a_document_without_pauses_keeps_away_what_it_did() -> None:
    plain = parse_guardrails(TEXT.split("[declines]")[0] + "[quiet_hours]" + TEXT.split("[quiet_hours]")[1])
    assert plain.declines == {}


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("not now", "not now"),
        (" Not relevant ", "not relevant"),
        ("not useful to me", "not relevant"),
        ("you are wrong about me", "wrong about me"),
        ("because I say so", None),
        ("", None),
    ],
)
def test_other_texts_are_kept_and_mean_a_plain_no(said: str, means: WhyNot | None) -> None:
    assert Outcome(decision="d", verdict="declined", at=NOW, why=said).why_not == means
    assert Outcome(decision="d", verdict="accepted", at=NOW, why=said).why_not is None
