"""A person with a hundred thousand events holds nobody up, and neither does what they say about consent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from situations import NOW, at_once, pays, says, sent, spends, states, values

import marketofone
from bank_projects import Projects
from marketofone import Bank
from marketofone.domain.errors import ConsentRefused
from marketofone.domain.moment import DAY, Instant
from marketofone.features import state
from marketofone.projection import folding
from proofs import recorded


@pytest.fixture
def folds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count how many events are folded; the fold itself goes on as it is."""
    counted: list[int] = []
    fold_all = state.fold_all

    def counting(batches: list[tuple[object, list[object]]], **more: object) -> object:
        counted.extend(len(events) for _, events in batches)
        return fold_all(batches, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(folding, "fold_all", counting)
    return counted


@pytest.fixture(scope="module", params=[10_000, pytest.param(100_000, marks=pytest.mark.slow)])
def lived_in(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, lasting_projects: Projects
) -> Path:
    """Give a bank in which one customer has a very long history and another a short one."""
    folder = lasting_projects.lay_out(tmp_path_factory.mktemp("busy") / "bank")
    with marketofone.open(folder, now=NOW) as bank:
        for customer in ("busy", "other"):
            says(bank, customer)
        bank.ingest([*spends("other"), sent("app.opened", "other")], now=NOW)
        bank.ingest(
            (
                pays("busy", -1 - step % 999, "groceries", at=NOW - step % 290 * DAY - step)
                for step in range(request.param)
            ),
            now=NOW,
        )
    return folder


@pytest.fixture
def busy(lived_in: Path, projects: Projects, tmp_path: Path) -> Iterator[Bank]:
    with marketofone.open(projects.copy(lived_in, tmp_path / "bank"), now=NOW) as bank:
        values(bank, "busy")
        yield bank


def test_a_click_folds_nothing_and_others_are_unmoved(busy: Bank, folds: list[int]) -> None:
    values(busy, "other")
    folds.clear()
    entries = recorded(busy, "consent")
    says(busy, "busy", "withdraw", purpose="marketing", source="app", channel="phone")
    says(busy, "busy", purpose="marketing", source="app", channel="phone")
    says(busy, "busy", "withdraw", source="transactions")
    says(busy, "busy", source="transactions")
    says(busy, "busy", "withdraw")
    assert folds == []
    assert recorded(busy, "consent") == entries + 5
    assert states(busy, "busy") == {"withdrawn"}
    assert folds == []

    busy.decide("other", occasion="app.opened", now=NOW)
    assert values(busy, "other")
    assert sum(folds) == 0, "another person's state stands"
    assert not values(busy, "busy")
    assert sum(folds) == 0, "what may not be used is not folded either"


def test_what_arrives_is_folded_once_and_nothing_else_again(busy: Bank, folds: list[int]) -> None:
    before = values(busy, "busy")["groceries_30d"]
    folds.clear()
    busy.ingest([pays("busy", -7, "groceries")], now=NOW)
    assert folds == [], "ingest appends"
    assert values(busy, "busy")["groceries_30d"] == before + 7
    busy.decide("busy", occasion="app.opened", now=NOW)
    assert sum(folds) == 1


def test_a_change_of_consent_folds_again_only_the_sources_whose_admission_it_changed(
    busy: Bank, folds: list[int]
) -> None:
    busy.ingest([sent("app.opened", "busy", at=NOW - step) for step in range(5)], now=NOW)
    values(busy, "busy")
    folds.clear()
    says(busy, "busy", "withdraw", source="app")
    values(busy, "busy")
    assert folds == []
    says(busy, "busy", source="app")
    values(busy, "busy")
    assert folds == [5]


def test_everybody_is_answered_while_a_long_past_is_asked_about(busy: Bank) -> None:
    """Ask about the past of one, and decide for the other, consent for both, at once: all of it is answered."""

    def past() -> int:
        return len(busy.profile("busy", now=NOW, as_of=Instant(NOW - 2 * DAY)).known)

    def others() -> int:
        made = [busy.decide("other", occasion="app.opened", now=NOW) for _ in range(10)]
        says(busy, "other", "withdraw", source="location")
        return len(made)

    def click() -> int:
        for step in range(5):
            says(busy, "busy", "withdraw" if step % 2 else "grant", purpose="marketing", source="app")
        return 5

    known, decided, clicks = at_once([past, others, click])
    assert known
    assert (decided, clicks) == (10, 5)


def test_a_no_while_a_long_past_is_folded_is_obeyed(busy: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    fold_all = state.fold_all
    said: list[int] = []

    def no_meanwhile(batches: list[tuple[object, list[object]]], **more: object) -> object:
        if not said:
            said.append(1)
            says(busy, "busy", "withdraw")
        return fold_all(batches, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(folding, "fold_all", no_meanwhile)
    with pytest.raises(ConsentRefused):
        busy.forecast("busy", now=NOW, as_of=Instant(NOW - 2 * DAY))
    assert said
