"""A log of decisions is read from whatever file another engine wrote; what cannot be used is counted by reason."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from marketofone.domain.errors import MalformedDocument, MalformedRequest
from marketofone.importers.decision_log import Columns, LeftOut, read

HEADER = "customer,context_age,context_town,action,reward,propensity,target_a,target_b\n"
ROWS = "c-1,30,north,a,1,0.5,0.9,0.1\nc-1,31,south,b,0,0.5,0.2,0.8\nc-2,60,north,a,0.5,0.25,1,0\n"


def written(folder: Path, text: str, *, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_are_found_by_their_names(tmp_path: Path) -> None:
    found = read(written(tmp_path, HEADER + ROWS), Columns())
    assert found.log.names == ("a", "b")
    assert found.log.actions.tolist() == [0, 1, 0]
    assert found.log.rewards.tolist() == [1.0, 0.0, 0.5]
    assert found.log.persons.tolist() == ["c-1", "c-1", "c-2"]
    assert found.columns.context == ("context_age", "context_town")
    assert found.target is not None
    assert found.target.tolist() == [[0.9, 0.1], [0.2, 0.8], [1.0, 0.0]]
    assert not found.left_out
    assert not found.unused


def test_columns_may_be_named_and_others_are_not_used(tmp_path: Path) -> None:
    path = written(tmp_path, "when;item_id;click;pscore;later\nmon;7;1;0.5;9\ntue;8;0;0.5;9\n")
    found = read(path, Columns(context=("when",)))
    assert (found.columns.action, found.columns.reward, found.columns.propensity) == ("item_id", "click", "pscore")
    assert found.unused == ("later",)
    assert found.log.context.shape[1] == 2


def test_a_packed_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress((HEADER + ROWS).encode()))
    assert len(read(path, Columns()).log.rewards) == 3


def test_parquet_says_the_same_as_csv(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import csv, parquet  # noqa: PLC0415 - an extra

    path = written(tmp_path, HEADER + ROWS)
    parquet.write_table(csv.read_csv(path), tmp_path / "log.parquet")
    one, other = read(path, Columns()), read(tmp_path / "log.parquet", Columns())
    assert pa.__version__
    assert (one.log.context == other.log.context).all()
    assert (one.log.rewards == other.log.rewards).all()
    assert np.array_equal(one.target, other.target)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "field", "shape"),
    [
        ("c-3,30,north,a,,0.5,0.9,0.1", "reward", "empty"),
        ("c-3,30,north,a,nan,0.5,0.9,0.1", "reward", "not a finite number"),
        ("c-3,30,north,a,yes,0.5,0.9,0.1", "reward", "no number"),
        ("c-3,30,north,a,1,,0.9,0.1", "propensity", "empty"),
        ("c-3,30,north,a,1,0,0.9,0.1", "propensity", "zero"),
        ("c-3,30,north,a,1,1.5,0.9,0.1", "propensity", "above 1"),
        ("c-3,30,north,a,1,-0.5,0.9,0.1", "propensity", "below 0"),
        ("c-3,30,north,,1,0.5,0.9,0.1", "action", "empty"),
        ("c-3,30,north,c,1,0.5,0.9,0.1", "action", "an action the target does not know"),
        (",30,north,a,1,0.5,0.9,0.1", "customer", "empty"),
        ("c-3,30,north,a,1,0.5,0.9,0.3", "target_<action>", "probabilities whose sum is not 1"),
        ("c-3,30,north,a,1,0.5,0.9", "row", "7 cells where the header has 8"),
    ],
)
def test_a_row_that_cannot_be_used_is_counted_with_its_reason(tmp_path: Path, row: str, field: str, shape: str) -> None:
    found = read(written(tmp_path, f"{HEADER}{ROWS}{row}\n{row}\n"), Columns())
    (reason,) = found.left_out
    assert isinstance(reason, LeftOut)
    assert (reason.field, reason.shape, reason.rows, reason.line) == (field, shape, 2, 5)
    assert reason.fix
    assert len(found.log.rewards) == 3


def test_a_column_that_is_needed_and_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MalformedRequest, match="--propensity"):
        read(written(tmp_path, "action,reward\na,1\n"), Columns())


def test_a_file_without_a_good_row_is_none(tmp_path: Path) -> None:
    with pytest.raises(MalformedDocument, match="no row that can be used; first reason: reward: empty"):
        read(written(tmp_path, HEADER + "c-1,30,north,a,,0.5,0.9,0.1\n"), Columns())
