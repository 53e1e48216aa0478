"""Policies can be valued from the command line, from the log of any engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from marketofone.cli import main

DONE, BAD_USAGE, BAD_INPUT = 0, 2, 3


def invoke(*words: str) -> Result:
    return CliRunner().invoke(main, ["evaluate", "policy", *words])


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 2,000 decisions between two offers, of which b is taken twice as often."""
    rng = np.random.default_rng(1)
    lines = ["customer,context_age,action,reward,propensity"]
    for number in range(2_000):
        action = "ab"[int(rng.random() < 0.4)]
        taken = rng.random() < (0.4 if action == "b" else 0.2)
        lines.append(f"c-{number // 2},{rng.integers(20, 70)},{action},{int(taken)},{0.4 if action == 'b' else 0.6}")
    path = tmp_path_factory.mktemp("logs") / "log.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def valued(*words: str) -> dict[str, Any]:
    result = invoke(*words, "--json")
    assert result.exit_code == DONE, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_one_action_always_is_valued_by_every_estimator(log: Path) -> None:
    document = valued(str(log), "--policy", "always:b")
    assert document["rows"] == 2_000
    assert document["enough"]
    assert document["ess"] > 500
    estimates = {one["method"]: one for one in document["estimates"]}
    assert list(estimates) == ["ips", "snips", "dm", "dr", "switch-dr", "dros"]
    assert all(one["low"] < 0.4 < one["high"] for one in estimates.values())
    assert document["finding"] == "the target is worth more than what was logged"


@pytest.mark.parametrize("policy", ["uniform", "ranking", "learned"])
def test_policies_that_need_no_column_are_valued(log: Path, policy: str) -> None:
    document = valued(str(log), "--policy", policy)
    assert 0.25 < {one["method"]: one["value"] for one in document["estimates"]}["dr"] < 0.45


def test_people_read_what_was_used_and_what_to_read_first(log: Path) -> None:
    output = invoke(str(log), "--policy", "always:b").stdout
    assert "over 2,000 decisions about 1,000 persons" in output
    assert "<- read this first" in output
    assert "read from: action action, reward reward, propensity propensity, customer customer" in output


def test_rows_that_cannot_be_used_are_told_and_end_with_bad_input(log: Path, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(log.read_text(encoding="utf-8") + "c-1,30,a,1,0\nc-1,30,a,1,0\n", encoding="utf-8")
    result = invoke(str(path), "--policy", "uniform", "--json")
    assert result.exit_code == BAD_INPUT
    document = json.loads(result.stdout)
    assert [(one["field"], one["shape"], one["rows"]) for one in document["left_out"]] == [("propensity", "zero", 2)]
    assert document["rows"] == 2_000


@pytest.mark.parametrize("policy", ["always:c", "best", "columns"])
def test_a_policy_that_is_not_there_is_bad_input(log: Path, policy: str) -> None:
    assert invoke(str(log), "--policy", policy).exit_code == BAD_INPUT


def test_a_log_is_asked_for() -> None:
    assert invoke().exit_code == BAD_USAGE


def test_slates_are_valued_place_by_place(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    lines = ["slate,position,action,reward,propensity,target_a,target_b"]
    for number in range(1_500):
        for place in (2, 1):
            action = "ab"[int(rng.random() < 0.5)]
            lines.append(f"s-{number},{place},{action},{int(rng.random() < (0.3 if action == 'b' else 0.1))},0.5,0,1")
    path = tmp_path / "slates.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    document = valued(str(path))
    estimates = {one["method"]: one for one in document["estimates"]}
    assert list(estimates) == ["standard-ips", "independent-ips", "rips", "cascade-dr"]
    assert all(one["low"] < 0.6 < one["high"] for one in estimates.values())
    assert document["rows"] == 1_500


def test_a_slate_that_is_not_whole_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "slates.csv"
    path.write_text("slate,position,action,reward,propensity\n1,1,a,0,1\n1,2,a,0,1\n2,1,a,0,1\n", encoding="utf-8")
    result = invoke(str(path), "--policy", "uniform")
    assert result.exit_code == BAD_INPUT
    assert "1 of 2 slates" in result.output


@pytest.mark.slow
def test_estimates_hold_the_truth_of_synthetic_banks() -> None:
    result = invoke("--calibrate", "--banks", "4", "--json")
    assert result.exit_code == DONE, result.output
    worlds = json.loads(result.stdout)
    assert {world["rows"] for world in worlds} == {10_000, 50_000}
    assert all(one["coverage_high"] > 0.9 for world in worlds for one in world["methods"])
