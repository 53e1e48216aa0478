"""Read the weights of a pretrained forecaster (Chronos-2, Chronos-Bolt, Chronos) from a folder the user names.

Nothing is ever downloaded: a folder without weights is an error, not a reason to look elsewhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marketofone.domain.errors import MalformedRequest

_SETTINGS, _WEIGHTS = "config.json", ("*.safetensors", "*.bin")


def read(folder: Path) -> Any:
    """Give the pipeline of package ``chronos`` that the folder holds.

    Raises
    ------
    MalformedRequest
        When the folder holds no weights, or those of something else.
    ModuleNotFoundError
        When the extra ``marketofone[pretrained]`` is not installed.
    """
    if not (folder / _SETTINGS).is_file() or not any(any(folder.glob(pattern)) for pattern in _WEIGHTS):
        count = sum(1 for _ in folder.iterdir()) if folder.is_dir() else 0
        raise _unusable(f"a folder of {count} files, without {_SETTINGS} or without weights")
    from chronos import BaseChronosPipeline  # noqa: PLC0415 - an extra, loaded only where somebody names weights

    try:
        return BaseChronosPipeline.from_pretrained(str(folder), device_map="cpu", local_files_only=True)
    except (AssertionError, AttributeError, OSError, RuntimeError, ValueError) as error:
        raise _unusable(f"files that chronos cannot read ({type(error).__name__})") from error


def _unusable(shape: str) -> MalformedRequest:
    fix = (
        f"name a folder with {_SETTINGS} and the weights of a Chronos model, fetched beforehand; nothing is downloaded"
    )
    return MalformedRequest(field="--pretrained", shape=shape, fix=fix)
