"""A pretrained forecaster can be a peer, from weights in a folder that the user names, and nothing is downloaded."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from marketofone.cli import main
from marketofone.domain.errors import MalformedRequest
from marketofone.importers import weights
from marketofone.lab.evaluation.pretrained import medians_of, pretrained
from marketofone.profile.ledger import Account

ABSENT = importlib.util.find_spec("chronos") is None
CUT = 19_960
QUANTILES = [0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99]
PATCHES = {"context_length": 512, "input_patch_size": 16, "input_patch_stride": 16, "quantiles": QUANTILES}


def tiny(kind: str, folder: Path) -> Path:
    """Write a small model of random weights into a folder."""
    import chronos  # noqa: PLC0415 - an extra
    import torch  # noqa: PLC0415 - an extra

    torch.manual_seed(1)
    size = {"d_model": 16, "d_kv": 4, "d_ff": 32, "num_layers": 1, "num_heads": 4, "vocab_size": 2, "reg_token_id": 1}
    if kind == "Chronos-2":
        from chronos.chronos2.config import Chronos2CoreConfig  # noqa: PLC0415 - an extra

        ahead = {"output_patch_size": 16, "max_output_patches": 8, "use_reg_token": True, "use_arcsinh": True}
        config = Chronos2CoreConfig(
            **size, chronos_config=PATCHES | ahead, chronos_pipeline_class="Chronos2Pipeline", dropout_rate=0.0
        )
        chronos.Chronos2Model(config).save_pretrained(folder)
    else:
        from chronos.chronos_bolt import ChronosBoltModelForForecasting  # noqa: PLC0415 - an extra
        from transformers import T5Config  # noqa: PLC0415 - an extra

        config = T5Config(
            **size,
            chronos_config=PATCHES | {"prediction_length": 64, "use_reg_token": True},
            chronos_pipeline_class="ChronosBoltPipeline",
            decoder_start_token_id=0,
        )
        ChronosBoltModelForForecasting(config).save_pretrained(folder)
    return folder


@pytest.mark.skipif(ABSENT, reason="chronos-forecasting is not installed: marketofone[pretrained]")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["Chronos-2", "Chronos-Bolt"])
def test_it_gives_quantiles_in_order_for_accounts_of_any_length(
    kind: str, small_bank: list[Account], tmp_path: Path
) -> None:
    pipeline = weights.read(tiny(kind, tmp_path))
    known = [small_bank[0].until(CUT), small_bank[1].until(CUT - 60), small_bank[2].until(CUT)]
    ahead = pretrained(pipeline).fit([], CUT)(known, CUT)
    assert ahead.quantiles.shape == (3, 90, 9)
    assert np.isfinite(ahead.quantiles).all()
    assert (np.diff(ahead.quantiles, axis=2) >= 0).all()
    assert ahead.events is not None
    again = pretrained(pipeline).fit([], CUT)(known[:1], CUT)
    np.testing.assert_allclose(again.quantiles[0], ahead.quantiles[0], rtol=1e-3)
    assert medians_of(pipeline, np.cumsum(np.ones((4, 120)), axis=1), 56).shape == (4, 56)


def test_a_folder_without_weights_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(MalformedRequest, match="nothing is downloaded"):
        weights.read(tmp_path)


@pytest.mark.skipif(not ABSENT, reason="chronos-forecasting is installed")
def test_without_the_extra_the_command_says_which_one_is_missing(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "model.safetensors").touch()
    said = CliRunner().invoke(main, ["evaluate", "forecast", str(tmp_path), "--pretrained", str(tmp_path)])
    assert said.exit_code == 2
    assert "marketofone[pretrained]" in said.output


@pytest.mark.skipif(ABSENT, reason="chronos-forecasting is not installed: marketofone[pretrained]")
@pytest.mark.filterwarnings("ignore")
def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "t5"}', encoding="utf-8")
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(MalformedRequest, match="cannot read"):
        weights.read(tmp_path)
