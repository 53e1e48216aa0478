"""A bank changes its mind about features, actions and settings; what was lived through stays true and provable."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from people import happened, live_states, ordinary_months

import marketofone
from bank_projects import Projects
from marketofone import Bank, wiring
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import Event, IdentityLinked
from marketofone.domain.moment import DAY, HOUR, Instant
from proofs import proven, recorded


def edit(project: Path, document: str, change: Callable[[str], str]) -> None:
    path = project / document
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8")


def without_action(action: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        blocks = re.split(r"(?m)^(?=\[\[actions\]\])", text)
        return "".join(block for block in blocks if f'id = "{action}"' not in block)

    return change


def without_first_context_feature(text: str) -> str:
    return re.sub(r"(?m)^(CONTEXT = \{\n).*\n", r"\1", text, count=1)


def longer_windows(text: str) -> str:
    return text.replace('window="90d"', 'window="80d"')


def move_in(bank: Bank, *, now: Instant, life: list[Event] | None = None) -> None:
    yes = ConsentChange(
        customer="c-1",
        change="grant",
        purposes=("*",),
        sources=("*",),
        channels=("*",),
        since=Instant(now - 400 * DAY),
        until=Instant(now + 365 * DAY),
    )
    bank.consent(yes, now=now)
    bank.ingest(life or ordinary_months("c-1", until=now), now=now)


def something_shown(bank: Bank, *, now: Instant) -> Decision:
    decisions = (
        bank.decide("c-1", occasion="app.opened", id=f"shown-{step}", now=Instant(now + step)) for step in range(50)
    )
    return next(decision for decision in decisions if decision.action != "nothing")


def test_under_other_features_everybody_is_folded_again_from_the_log(
    project: Path, projects: Projects, now: Instant, tmp_path: Path
) -> None:
    life, today = ordinary_months("c-1", until=now), ordinary_months("c-1", until=Instant(now + DAY), days=1)
    with marketofone.open(project, now=now) as bank:
        move_in(bank, now=now, life=life)
        before = bank.profile("c-1", now=now).known
    edit(project, "features.py", longer_windows)
    fresh = projects.twin(project, tmp_path / "fresh")

    with marketofone.open(project, now=now) as changed, marketofone.open(fresh, now=now) as never_other:
        move_in(never_other, now=now, life=life)
        asked = changed.profile("c-1", now=now).known
        assert asked == never_other.profile("c-1", now=now).known != before
        for bank in (changed, never_other):
            bank.ingest(today, now=Instant(now + DAY))
        states = [live_states(bank, "c-1", now=Instant(now + DAY)) for bank in (changed, never_other)]
        assert states[0] == states[1] != {}


def test_new_guardrails_hold_for_the_very_next_decision(project: Path, now: Instant) -> None:
    with marketofone.open(project, now=now) as bank:
        move_in(bank, now=now)
        bank.forecast("c-1", now=now)
        assert something_shown(bank, now=now).guardrails == ()
    edit(project, "guardrails.toml", lambda text: re.sub(r"per_day = \d+", "per_day = 0", text))

    with marketofone.open(project, now=now) as bank:
        after = bank.decide("c-1", occasion="app.opened", now=Instant(now + HOUR))
        assert after.action == "nothing"
        assert "cap_same_action" in after.guardrails
        proven(bank)


def test_an_action_that_left_the_catalogue_is_never_proposed_again_and_its_decisions_stay(
    project: Path, now: Instant
) -> None:
    with marketofone.open(project, now=now) as bank:
        move_in(bank, now=now)
        shown = something_shown(bank, now=now)
    edit(project, "actions.toml", without_action(shown.action))

    with marketofone.open(project, now=now) as bank:
        after = bank.decide("c-1", occasion="app.opened", now=Instant(now + HOUR))
        assert shown.action not in {candidate.action for candidate in after.candidates}
        assert bank.decision(shown.id) == shown
        proven(bank)
        assert bank.impact().finding


def test_a_bank_keeps_the_timezone_it_has_counted_its_days_in(project: Path, now: Instant) -> None:
    with marketofone.open(project, now=now) as bank:
        move_in(bank, now=now)
    edit(project, "bank.toml", lambda text: text.replace("Europe/Prague", "Asia/Tokyo"))
    with pytest.raises(MalformedDocument) as raised:
        marketofone.open(project, now=now)
    assert raised.value.field == "timezone"
    edit(project, "bank.toml", lambda text: text.replace("Asia/Tokyo", "Europe/Prague"))
    with marketofone.open(project, now=now) as bank:
        proven(bank)


def test_documents_that_did_not_change_are_not_recorded_again(project: Path, now: Instant) -> None:
    for _ in range(3):
        with marketofone.open(project, now=now) as bank:
            assert recorded(bank, "document") == 1
    assert (project / wiring.DATA).is_dir()


def test_a_process_that_has_not_read_the_new_documents_yet_is_replayed_by_its_own(project: Path, now: Instant) -> None:
    with marketofone.open(project, now=now) as server:
        move_in(server, now=now)
        edit(project, "bank.toml", lambda text: text.replace("exploration = 0.02", "exploration = 0.20"))
        with marketofone.open(project, now=now) as command:
            server.decide("c-1", occasion="app.opened", now=now)
            command.decide("c-1", occasion="app.opened", now=now)
            proven(command)


def test_people_may_be_merged_after_an_action_left_the_catalogue(project: Path, now: Instant) -> None:
    with marketofone.open(project, now=now) as bank:
        move_in(bank, now=now)
        shown = something_shown(bank, now=now)
    edit(project, "actions.toml", without_action(shown.action))
    with marketofone.open(project, now=now) as bank:
        link = IdentityLinked(key_kind="email_hash", key="d-9")
        bank.ingest([happened(who, link, at=now) for who in ("c-1", "c-2")], now=now)
        bank.decide("c-1", occasion="app.opened", now=Instant(now + HOUR))
        proven(bank)


def with_first_context_features_swapped(text: str) -> str:
    return re.sub(r"(?m)^(CONTEXT = \{\n)(.*\n)(.*\n)", r"\1\3\2", text, count=1)


@pytest.mark.parametrize("change", ["the action", "a feature it looked at", "the order of what it looked at"])
def test_an_answer_to_a_decision_under_other_documents_is_recorded_and_teaches_nothing(
    project: Path, now: Instant, change: str
) -> None:
    with marketofone.open(project, now=now) as bank:
        move_in(bank, now=now)
        shown = something_shown(bank, now=now)
    if change == "the action":
        edit(project, "actions.toml", without_action(shown.action))
    else:
        edit(
            project,
            "features.py",
            without_first_context_feature if change.startswith("a feature") else with_first_context_features_swapped,
        )
    with marketofone.open(project, now=now) as bank:
        heard = bank.outcome(shown.id, "declined", why="not now", now=Instant(now + HOUR))
        assert not heard.learned
        assert recorded(bank, "outcome") == 1
        proven(bank)
