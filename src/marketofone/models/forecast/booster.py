"""Boosted trees, asked through LightGBM's C interface.

Its Python package takes a second and 130 MB to load, for it loads pandas and scikit-learn as well; the library behind
it takes a few milliseconds. Who only looks ahead needs no more.

Source
------
The C interface of LightGBM 4: ``LGBM_BoosterLoadModelFromString`` and ``LGBM_BoosterPredictForMat``.
"""

from __future__ import annotations

import ctypes
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.errors import MalformedDocument

NO_OPENMP = "LightGBM lacks an OpenMP library (libgomp1 on Debian)"
_FLOAT32, _ROW_MAJOR, _NORMAL, _FROM_THE_FIRST, _ALL = 0, 1, 0, 0, -1
_QUIETLY = b"num_threads=1 verbosity=-1"


def loadable() -> bool:
    """Tell whether LightGBM is there."""
    try:
        _library()
    except ModuleNotFoundError:
        return False
    return True


class Booster:
    """A boosted model that was learned before.

    Parameters
    ----------
    text
        The model as LightGBM writes it.

    Raises
    ------
    ModuleNotFoundError
        When LightGBM is not installed, or lacks the OpenMP library that it links to.
    MalformedDocument
        When the text is no model.
    """

    def __init__(self, text: str) -> None:
        self._library = _library()
        self._handle = ctypes.c_void_p()
        rounds = ctypes.c_int()
        read = self._library.LGBM_BoosterLoadModelFromString
        if read(text.encode(), ctypes.byref(rounds), ctypes.byref(self._handle)):
            raise MalformedDocument(field="model", shape=f"{len(text)} characters", fix="train the model again")

    def __del__(self) -> None:
        if self._handle.value:
            self._library.LGBM_BoosterFree(self._handle)

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Give what the model says of each row.

        Shapes
        ------
        rows : float32[n, inputs]
        result : float64[n]

        Raises
        ------
        MalformedDocument
            When the model was learned from other inputs.
        """
        rows = np.ascontiguousarray(rows)
        said, count = np.empty(len(rows)), ctypes.c_int64()
        failed = self._library.LGBM_BoosterPredictForMat(
            self._handle,
            rows.ctypes.data_as(ctypes.c_void_p),
            _FLOAT32,
            *map(ctypes.c_int32, rows.shape),
            _ROW_MAJOR,
            _NORMAL,
            _FROM_THE_FIRST,
            _ALL,
            _QUIETLY,
            ctypes.byref(count),
            said.ctypes.data_as(ctypes.c_void_p),
        )
        if failed or count.value != len(rows):
            raise MalformedDocument(
                field="model", shape=f"{rows.shape[1]} inputs", fix="train the model again with this release"
            )
        return said


@cache
def _library() -> Any:
    spec = find_spec("lightgbm")
    places = [] if spec is None else spec.submodule_search_locations or []
    found = next((file for place in places for file in Path(place).glob("*/lib_lightgbm.*")), None)
    if found is None:
        raise ModuleNotFoundError("LightGBM is not installed", name="lightgbm")
    try:
        return ctypes.CDLL(str(found))
    except OSError as error:
        raise ModuleNotFoundError(NO_OPENMP, name="libgomp") from error
