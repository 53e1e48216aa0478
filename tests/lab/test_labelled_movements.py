"""Movements that people labelled by hand, before the models existed, are understood as they labelled them."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from marketofone.cli import main
from marketofone.domain.errors import MalformedDocument
from marketofone.lab.evaluation.movements import ALL, MovementScore, evaluate_movements

LABELLED = Path(__file__).parents[1] / "labelled"


@pytest.fixture(scope="module")
def scores() -> dict[tuple[str, str], MovementScore]:
    return {(one.what, one.where): one for one in evaluate_movements(LABELLED)}


def test_no_label_changed_since_it_was_written() -> None:
    for line in (LABELLED / "SHA256SUMS").read_text("ascii").splitlines():
        digest, name = line.split()
        assert sha256((LABELLED / name).read_bytes()).hexdigest() == digest, name


def test_natures_are_right_where_they_are_spoken_for_and_most_are(scores: dict[tuple[str, str], MovementScore]) -> None:
    natures = scores["nature", ALL]

    assert natures.spoken_for.n == 300
    assert natures.right.share >= 0.92
    assert natures.spoken_for.share >= 0.85


def test_categories_are_right_where_they_are_spoken_for(scores: dict[tuple[str, str], MovementScore]) -> None:
    assert scores["category of a descriptor", "merchants"].spoken_for.n == 200
    assert scores["category of a descriptor", "merchants"].right.share >= 0.8
    assert scores["category", ALL].right.share >= 0.8


def test_the_command_prints_them_and_refuses_a_folder_without_labels(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["evaluate", "movements", str(LABELLED)])
    assert done.exit_code == 0
    assert "nature                     all          300" in done.stdout

    (tmp_path / "bad.jsonl").write_text('{"person": 1}\n', "utf-8")
    with pytest.raises(MalformedDocument):
        evaluate_movements(tmp_path)
    assert CliRunner().invoke(main, ["evaluate", "movements", str(tmp_path)]).exit_code == 3
