"""`insights CUSTOMER`: what a person's own spending says, as one JSON document or in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from marketofone.cli import main

AS_OF = "2025-06-20"


def run(folder: Path, *words: str) -> Result:
    result = CliRunner().invoke(main, [*words, "--bank", str(folder)])
    assert result.exit_code == 0, result.stderr
    return result


@pytest.fixture
def lived(project: Path, tmp_path: Path) -> Path:
    """Write a bank with one person who pays rent, and a film stream that became dearer in May."""
    events: list[dict[str, Any]] = []
    for month in range(18):
        for day, amount, whom in (
            (1, 90_000, "Housing Association"),
            (10, 999 if month < 16 else 1_299, "Film Stream"),
        ):
            events.append(
                {
                    "specversion": "1.0",
                    "id": f"{month}-{day}",
                    "source": "/core",
                    "type": "transaction.booked",
                    "subject": "c-1",
                    "time": f"{2024 + month // 12}-{month % 12 + 1:02}-{day:02}T08:00:00Z",
                    "data": {"account": "a", "currency": "EUR", "amount_minor": -amount, "counterparty": whom},
                }
            )
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(map(json.dumps, events)), encoding="utf-8")
    run(project, "consent", "grant", "c-1", "--as-of", "2023-12-31")
    run(project, "import", "cloudevents", str(file), "--json")
    return project


def test_it_is_one_document_with_what_comes_back_and_what_is_new(lived: Path) -> None:
    document = json.loads(run(lived, "insights", "c-1", "--as-of", AS_OF, "--json").stdout)
    assert {"customer", "as_of", "currency", "standing", "habits", "insights", "sources", "notes"} <= set(document)
    states = {payment["what"]: payment["state"] for payment in document["standing"]}
    assert states == {"Housing Association": "active", "Film Stream": "changed_price"}
    assert [insight["name"] for insight in document["insights"]] == ["subscription_price"]


def test_in_words_it_reads_like_a_letter(lived: Path) -> None:
    words = run(lived, "insights", "c-1", "--as-of", AS_OF).stdout
    assert "Film Stream takes 12.99 EUR since 10 May 2025; before, it was 9.99 EUR" in words
    assert "every month" in words
