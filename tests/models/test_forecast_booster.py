"""Boosted models are asked without LightGBM's Python package, and say the same to the bit."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from marketofone.domain.errors import MalformedDocument
from marketofone.models.forecast.boost import boost, lightgbm
from marketofone.models.forecast.booster import Bins, Booster

pytestmark = pytest.mark.usefixtures("lightgbm", "few_trees")


@pytest.fixture(scope="module")
def rows() -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    drawn = np.random.default_rng(3).normal(size=(400, 5)).astype(np.float32)
    drawn[::7, 2] = np.nan  # what is not known is asked about as well
    return drawn


def test_it_says_what_the_python_package_says(rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
    for text in boost(rows, np.nansum(rows, axis=1), seed=7):
        theirs = lightgbm().Booster(model_str=text).predict(rows, num_threads=1)
        assert Booster(text).predict(rows).tobytes() == theirs.tobytes()


def test_it_learns_what_the_python_package_learns(rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
    labels = np.nansum(rows, axis=1).astype(np.float32)
    rules = {"objective": "quantile", "alpha": 0.3, "num_leaves": 7, "deterministic": True, "num_threads": 1, "seed": 7}
    quiet = {"verbosity": -1, "force_row_wise": True, "bagging_fraction": 0.7, "bagging_freq": 1}
    data = lightgbm().Dataset(rows, labels, params=quiet)
    theirs = lightgbm().train({**rules, **quiet}, data, num_boost_round=20).predict(rows, num_threads=1)
    ours = Bins(rows, labels, settings=quiet).learn(rounds=20, settings=rules | quiet)
    assert Booster(ours).predict(rows).tobytes() == theirs.tobytes()


def test_a_setting_that_the_library_refuses_is_an_error(
    rows: np.ndarray[tuple[int, int], np.dtype[np.float32]],
) -> None:
    bins = Bins(rows, np.nansum(rows, axis=1), settings={"verbosity": -1})
    with pytest.raises(ValueError, match="nonsense"):
        bins.learn(rounds=1, settings={"objective": "nonsense", "verbosity": -1})


def test_rows_of_other_inputs_are_refused(rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
    model = Booster(boost(rows, np.nansum(rows, axis=1), seed=7)[0])
    with pytest.raises(MalformedDocument, match="inputs"):
        model.predict(rows[:, :3])


def test_a_text_that_is_no_model_is_refused() -> None:
    with pytest.raises(MalformedDocument, match="characters"):
        Booster("no model")


def test_looking_ahead_loads_no_learner() -> None:
    script = (
        "import sys; from marketofone.models.forecast.booster import loadable; assert loadable();"
        "assert not {'lightgbm', 'sklearn', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
