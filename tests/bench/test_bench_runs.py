"""The benchmarks run, on a tiny town: every figure says something, and what cannot be measured says why."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from bench.__main__ import measure
from bench.figures import Figure, table
from bench.town import Scale

pytestmark = pytest.mark.slow

TINY = Scale(
    people=25,
    days=120,
    decisions=40,
    choices=50,
    rounds=1,
    seconds=0.5,
    turns=1,
    crowd=20,
    past=5,
    arrivals={100: 200, 1: 10},
    memory=(100, 200),
    heavy=300,
    classes=40,
    readers=1,
    allowing=30,
    checks=2_000,
)


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Figure]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.over_http.WARM_UP_SECONDS", 0.2)
        yield list(measure(TINY, folder=tmp_path_factory.mktemp("bench"), peers_python=Path("nowhere/python")))


def test_every_figure_is_a_positive_number(figures: list[Figure]) -> None:
    for figure in figures:
        assert figure.own.values
        for row in (figure.own, *figure.yardsticks):
            least = -1.0 if "that wait for" in row.name else 0.0  # of which there should be none
            assert all(math.isfinite(value) and value > least for value in row.values.values()), row.name


def test_all_that_was_promised_is_measured(figures: list[Figure]) -> None:
    names = " | ".join(figure.own.name for figure in figures)
    promised = (
        "ingest",
        "decide in process",
        "score 100 actions",
        "choose",
        "features of one person",
        "consent",
        "forecast",
        "fresh risk",
    )
    beside = (
        "HTTP",
        "batches of 1,000 arrive",
        "two workers against one, SQLite",
        "two workers against one, PostgreSQL",
        "wait for a lock",
        "a decision's entry",
        "at rest",
        "two cores",
        "memory of",
        "consent click",
        "import OFX",
        "import camt",
        "diff: decisions compared",
        "consent check",
        "page of a year of use: My data",
        "page of a year of use: why this",
    )
    for what in (*promised, *beside):
        assert what in names
    assert sum(figure.aim is not None for figure in figures) >= 12


def test_a_library_that_is_not_there_is_named_as_absent(figures: list[Figure]) -> None:
    absent = [row for figure in figures for row in figure.yardsticks if not row.values]
    assert {row.name.split()[0] for row in absent} == {"VW", "MABWiser"}
    assert all(row.note.startswith("absent: ") for row in absent)


def test_the_table_shows_each_figure_with_its_yardsticks_and_the_document_reads_back(figures: list[Figure]) -> None:
    lines = table(figures).splitlines()
    assert sum(bool(line.strip()) for line in lines) == 1 + sum(1 + len(figure.yardsticks) for figure in figures)
    assert msgspec.json.decode(msgspec.json.encode(figures), type=list[Figure]) == figures
