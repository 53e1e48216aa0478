"""Past decisions are made again with one thing replaced: what changes, for whom, and that nothing else does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from people import happened, ordinary_months

import marketofone
from allowing import everything
from bank_projects import Projects, keep_nobody_for_control
from marketofone.bank import Bank
from marketofone.domain.decision import Decision
from marketofone.domain.errors import BadExpression, MalformedDocument
from marketofone.domain.event import PersonDescribed
from marketofone.domain.moment import DAY, Instant
from marketofone.services.proof.changes import Change
from marketofone.services.proof.diff import FEW

START = Instant(1_767_600_000_000_000)
LATER = Instant(START + 40 * DAY)
PEOPLE = tuple(f"c-{number}" for number in range(12))
LIMITS = r"(?m)^marketing = .*$"


@pytest.fixture(scope="module")
def past(lasting_projects: Projects, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Bank]]:
    """Give a bank with some decisions and answers, and its folder."""
    folder = lasting_projects.lay_out(tmp_path_factory.mktemp("compared") / "bank")
    keep_nobody_for_control(folder)
    with marketofone.open(folder, now=START, clock=lambda: LATER) as bank:
        for name in PEOPLE:
            live(bank, name)
        yield folder, bank


def live(bank: Bank, name: str) -> None:
    """Let a person allow everything, be decided for on some days, and answer."""
    bank.consent(everything(name, since=START), now=START)
    born = happened(name, PersonDescribed(birth_year=1975), at=Instant(START - DAY))
    bank.ingest([born, *ordinary_months(name, until=START, days=40)], now=START)
    for day in range(5):
        at = Instant(START + 2 * day * DAY)
        made = bank.decide(name, occasion="app.opened", id=f"{name}-{day}", now=at)
        if made.action != "nothing":
            bank.outcome(made.id, ("accepted", "declined", "ignored")[day % 3], now=Instant(at + DAY))


def decisions(bank: Bank) -> list[Decision]:
    return [bank.decision(f"{name}-{day}", now=LATER) for name in PEOPLE for day in range(5)]


def document(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8")


def most_chosen(bank: Bank) -> str:
    chosen = Counter(made.action for made in decisions(bank) if made.action != "nothing")
    return chosen.most_common(1)[0][0]


def at_zero(text: str, action: str) -> str:
    """Let the condition of an action never hold."""
    head, _, rest = text.partition(f'id = "{action}"')
    never, times = re.subn(r"(?m)^eligible = .*$", 'eligible = "app_opens_7d < 0 - 1"', rest, count=1)
    assert times == 1
    return head + f'id = "{action}"' + never


def without(text: str, action: str) -> str:
    """Take an action out of the document."""
    blocks = text.split("[[actions]]")
    return "[[actions]]".join(block for block in blocks if f'id = "{action}"' not in block)


def test_the_same_document_changes_no_decision_and_no_byte(past: tuple[Path, Bank]) -> None:
    folder, bank = past
    text = document(folder, "actions.toml")

    for new in (text, f"# a remark\n{text}"):
        found = bank.diff(Change(document="actions.toml", text=new))

        assert (found.decisions, found.differ, found.bytes, found.otherwise) == (60, 0, 0, 0)
        assert not found.changes
        assert found.value is not None
        assert (found.value.value, found.value.finding) == (0.0, "no difference")


def test_an_action_that_can_not_be_chosen_any_more_goes_and_nothing_comes_where_it_was_not(
    past: tuple[Path, Bank],
) -> None:
    folder, bank = past
    action = most_chosen(bank)
    before = sum(made.action == action for made in decisions(bank))

    found = bank.diff(Change(document="actions.toml", text=at_zero(document(folder, "actions.toml"), action)))

    assert {pair.before for pair in found.instead} == {action}
    assert found.otherwise == before == sum(pair.decisions for pair in found.instead)
    counted = {one.action: (one.before, one.after) for one in found.actions}
    assert counted.pop(action) == (before, 0)
    assert all(after > chosen for chosen, after in counted.values())
    assert found.expected > 0.0


def test_an_action_that_is_taken_out_is_chosen_no_more(past: tuple[Path, Bank]) -> None:
    folder, bank = past
    action = most_chosen(bank)
    before = sum(made.action == action for made in decisions(bank))

    found = bank.diff(Change(document="actions.toml", text=without(document(folder, "actions.toml"), action)))

    gone = [pair for pair in found.instead if pair.before == action]
    assert sum(pair.decisions for pair in gone) == before
    assert {one.action: one.after for one in found.actions}[action] == 0
    assert action not in {pair.after for pair in found.instead}
    # Elsewhere, too, another action may come: what its person answered to the one taken out says nothing any more.


def test_a_gate_that_is_added_takes_actions_away_and_lets_in_none_that_was_not_open(past: tuple[Path, Bank]) -> None:
    folder, bank = past
    strict = re.sub(LIMITS, "marketing = { per_day = 0, per_week = 0 }", document(folder, "guardrails.toml"))

    found = bank.diff(Change(document="guardrails.toml", text=strict))

    assert found.otherwise
    assert {pair.why for pair in found.instead} == {"cap_marketing"}
    for pair in found.instead:
        for name in pair.examples:
            stages = {one.action: one.stage for one in bank.decision(name, now=LATER).candidates}
            assert stages[pair.after] == "scored"


def test_a_gate_that_is_removed_adds_no_action_but_those_that_it_stopped(past: tuple[Path, Bank]) -> None:
    folder, bank = past
    loose = document(folder, "guardrails.toml")
    for name in ("marketing", "contacts", "same_action"):
        loose = re.sub(rf"(?m)^{name} = .*$", f"{name} = {{ per_day = 99, per_week = 99 }}", loose)
    loose = re.sub(r"(?m)^decline_days = .*$", "decline_days = 0", loose)

    found = bank.diff(Change(document="guardrails.toml", text=loose))

    assert found.differ
    for pair in found.instead:
        for name in pair.examples:
            stages = {one.action: one.stage for one in bank.decision(name, now=LATER).candidates}
            assert stages[pair.after] == "guarded"


def test_people_are_counted_by_group_and_small_groups_are_put_together(past: tuple[Path, Bank]) -> None:
    folder, bank = past
    action = most_chosen(bank)

    found = bank.diff(Change(document="actions.toml", text=at_zero(document(folder, "actions.toml"), action)))

    for kind in ("stage of life", "money left", "decided by"):
        own = [group for group in found.groups if group.kind == kind]
        assert sum(group.decisions for group in own) == found.decisions
        assert sum(group.otherwise for group in own) == found.otherwise
        assert all(group.people >= 10 or group.group == FEW for group in own)
    assert [group.group for group in found.groups if group.kind == "stage of life"] == ["45 to 64"]


def test_few_people_are_not_enough_evidence(past: tuple[Path, Bank]) -> None:
    folder, bank = past

    found = bank.diff(
        Change(document="actions.toml", text=at_zero(document(folder, "actions.toml"), most_chosen(bank)))
    )

    assert found.value is not None
    assert (found.value.enough, found.value.finding) == (False, "not enough evidence")
    assert any("persons" in reason for reason in found.value.reasons)


def test_a_broken_document_is_refused_in_the_words_of_its_loader(past: tuple[Path, Bank], tmp_path: Path) -> None:
    folder, bank = past
    text = document(folder, "actions.toml")
    for broken, kind in (
        (text.replace("spend_30d > 0", "spend_3d > 0", 1), BadExpression),
        (text.replace('kind = "insight"', 'kind = "insihgt"', 1), MalformedDocument),
    ):
        with pytest.raises(kind) as told:
            bank.diff(Change(document="actions.toml", text=broken))
        for name in ("bank.toml", "consent.toml", "features.py", "guardrails.toml"):
            (tmp_path / name).write_text(document(folder, name), encoding="utf-8")
        (tmp_path / "actions.toml").write_text(broken, encoding="utf-8")
        with pytest.raises(kind) as loaded:
            marketofone.open(tmp_path, now=START)
        assert str(told.value) == str(loaded.value)


def test_an_occasion_that_is_gone_makes_its_decisions_impossible(past: tuple[Path, Bank]) -> None:
    folder, bank = past
    gone = document(folder, "actions.toml").replace('[occasions."app.opened"]', '[occasions."app.began"]')
    gone = gone.replace('"app.opened"', '"app.began"')

    found = bank.diff(Change(document="actions.toml", text=gone))

    assert (found.impossible, found.decisions, found.changes) == (60, 60, True)


@pytest.fixture
def changed(project: Path) -> Path:
    """Give a bank that decided under one document and then under another."""
    keep_nobody_for_control(project)
    with marketofone.open(project, now=START, clock=lambda: LATER) as bank:
        live(bank, "c-0")
        action = next((made.action for made in of_one(bank) if made.action != "nothing"), "fees_explained")
    text = document(project, "actions.toml")
    (project / "actions.toml").write_text(at_zero(text, action), encoding="utf-8")
    return project


def of_one(bank: Bank) -> list[Decision]:
    return [bank.decision(f"c-0-{day}", now=LATER) for day in range(5)]


def test_what_an_earlier_document_decided_is_compared_with_what_is_in_force(changed: Path) -> None:
    with marketofone.open(changed, now=LATER, clock=lambda: LATER) as bank:
        found = bank.diff(Change(document="actions.toml", text=document(changed, "actions.toml")))

        assert (found.decisions, found.recomputed, found.differ, found.bytes) == (5, 5, 0, 0)


def test_who_was_forgotten_is_counted_apart(changed: Path) -> None:
    with marketofone.open(changed, now=LATER, clock=lambda: LATER) as bank:
        bank.erase("c-0", ground="asked", now=LATER)

        found = bank.diff(Change(document="actions.toml", text=document(changed, "actions.toml")))

        assert (found.decisions, found.unreplayable, found.value) == (0, 5, None)


@pytest.mark.slow
def test_two_processes_find_what_one_does(past: tuple[Path, Bank], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, bank = past
    monkeypatch.setattr("marketofone.services.proof.diff.TOGETHER", 4)
    text = at_zero(document(folder, "actions.toml"), most_chosen(bank))
    alone, both = (bank.diff(Change(document="actions.toml", text=text), workers=workers) for workers in (1, 2))

    assert but_for_seconds(alone) == but_for_seconds(both)


def but_for_seconds(found: object) -> str:
    return re.sub(r"seconds=[0-9.e-]+", "", repr(found))
