"""Recommendation can be judged from the command line, on a log of who took what."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from marketofone.cli import main

DONE, BAD_INPUT = 0, 3
ITEMS = 40
TASTES = 4
USERS = 60


def invoke(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def judged(*words: str) -> dict[str, Any]:
    result = invoke("evaluate", "recommend", *words, "--splits", "1", "--json")
    assert result.exit_code == DONE, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


@pytest.fixture(scope="module")
def rows() -> list[tuple[str, str]]:
    """Let each user take most items of one taste out of four, and a few others."""
    rng = np.random.default_rng(1)
    return [
        (f"user-{user}", f"item-{item}")
        for user in range(USERS)
        for item in range(ITEMS)
        if rng.random() < (0.7 if item % TASTES == user % TASTES else 0.06)
    ]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> dict[str, Any]:
    """Give what is said of the log."""
    return judged(written(tmp_path_factory.mktemp("log") / "log.csv", rows))


def written(path: Path, rows: Iterable[tuple[str, str]], *, header: str = "user,item") -> str:
    path.write_text("\n".join([header, *(f"{one},{other}" for one, other in rows)]), encoding="utf-8")
    return str(path)


def test_what_was_hidden_is_found_more_often_than_by_popularity(
    found: dict[str, Any], rows: list[tuple[str, str]]
) -> None:
    assert (found["users"], found["items"], found["rows"]) == (USERS, ITEMS, len(rows))
    ours = found["methods"][0]
    assert (ours["method"], ours["ndcg_at_10"]["value"]) == ("marketofone", found["ndcg_at_10"])
    assert ours["ndcg_at_10"]["low"] < found["ndcg_at_10"] < ours["ndcg_at_10"]["high"]
    assert 0.0 < ours["recall_at_10"]["value"] <= 1.0
    assert 0.0 < ours["coverage"]["value"] <= 1.0
    leads = {one["peer"]: one["ndcg_at_10"]["low"] for one in found["leads"]}
    assert leads["popularity"] > 0.1


def test_the_order_and_repetition_of_rows_change_nothing(
    found: dict[str, Any], tmp_path: Path, rows: list[tuple[str, str]]
) -> None:
    assert found == judged(written(tmp_path / "other.csv", [*rows[::-1], rows[0]]))


def test_a_parquet_file_with_other_names_is_the_same_log(
    found: dict[str, Any], tmp_path: Path, rows: list[tuple[str, str]]
) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet  # noqa: PLC0415 - an extra

    path = tmp_path / "log.parquet"
    users, items = zip(*rows, strict=True)
    parquet.write_table(pa.table({"at": range(len(rows)), "who": users, "what": items}), path)

    assert judged(str(path), "--user", "who", "--item", "what") == found


def test_items_that_nobody_was_shown_are_ranked_by_their_tags(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    tags = [(f"item-{item}", f"taste-{item % TASTES} all") for item in range(ITEMS)]
    items = written(tmp_path / "items.csv", tags, header="name,about")
    told = judged(written(tmp_path / "log.csv", rows), "--items", items, "--id", "name", "--tags", "about")

    cold = {one["method"]: one["ndcg_at_10"] for one in told["cold_start"]}
    assert cold["marketofone, by content"]["low"] > cold["by chance"]["high"]


def test_people_read_a_table(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    result = invoke("evaluate", "recommend", written(tmp_path / "log.csv", rows), "--splits", "1")

    assert result.exit_code == DONE, result.output
    for word in ("nDCG@10", "recall@10", "coverage", "marketofone", "popularity", "item-kNN", "chosen"):
        assert word in result.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("who,item\na,b\n", "'user'"),
        ("user,item\n", "no rows"),
        ("user,item\na,b\nc,d\n", "4 items"),
    ],
)
def test_a_log_that_cannot_be_judged_is_refused_with_what_to_do(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(content, encoding="utf-8")
    result = invoke("evaluate", "recommend", str(path))

    assert result.exit_code == BAD_INPUT
    assert said in result.stderr
