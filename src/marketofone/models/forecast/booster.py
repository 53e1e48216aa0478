"""Boosted trees, learned and asked through LightGBM's C interface.

Its Python package takes a second and 130 MB to load, for it loads pandas and scikit-learn as well; the library behind
it takes a few milliseconds.

Source
------
The C interface of LightGBM 4, https://lightgbm.readthedocs.io/en/stable/C-API.html.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.errors import MalformedDocument

NO_OPENMP = "LightGBM lacks an OpenMP library (libgomp1 on Debian)"
_FLOAT32, _ROW_MAJOR, _NORMAL, _FROM_THE_FIRST, _ALL, _SPLITS = 0, 1, 0, 0, -1, 0
_QUIETLY = b"num_threads=1 verbosity=-1"
Settings = Mapping[str, object]


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
        rows = np.ascontiguousarray(rows, np.float32)
        said, count = np.empty(len(rows)), ctypes.c_int64()
        failed = self._library.LGBM_BoosterPredictForMat(
            self._handle,
            _pointer(rows),
            _FLOAT32,
            *map(ctypes.c_int32, rows.shape),
            _ROW_MAJOR,
            _NORMAL,
            _FROM_THE_FIRST,
            _ALL,
            _QUIETLY,
            ctypes.byref(count),
            _pointer(said),
        )
        if failed or count.value != len(rows):
            raise MalformedDocument(
                field="model", shape=f"{rows.shape[1]} inputs", fix="train the model again with this release"
            )
        return said


class Bins:
    """Rows and their labels, cut into bins once for several models that are learned from them.

    Shapes
    ------
    rows : float32[n, inputs]
    labels : float32[n]

    Raises
    ------
    ModuleNotFoundError
        When LightGBM is not there.
    """

    def __init__(self, rows: NDArray[np.float32], labels: NDArray[np.float32], *, settings: Settings) -> None:
        self._library = _library()
        self._handle = ctypes.c_void_p()
        rows, labels = np.ascontiguousarray(rows, np.float32), np.ascontiguousarray(labels, np.float32)
        self._check(
            self._library.LGBM_DatasetCreateFromMat(
                _pointer(rows),
                _FLOAT32,
                *map(ctypes.c_int32, rows.shape),
                _ROW_MAJOR,
                _written(settings),
                None,
                ctypes.byref(self._handle),
            )
        )
        size = ctypes.c_int(len(labels))
        self._check(self._library.LGBM_DatasetSetField(self._handle, b"label", _pointer(labels), size, _FLOAT32))

    def __del__(self) -> None:
        if self._handle.value:
            self._library.LGBM_DatasetFree(self._handle)

    def learn(self, *, rounds: int, settings: Settings) -> str:
        """Learn a model in some rounds; gives it as text."""
        with self._booster(settings) as handle:
            ended = ctypes.c_int()
            for _ in range(rounds):
                self._check(self._library.LGBM_BoosterUpdateOneIter(handle, ctypes.byref(ended)))
            return self._text(handle)

    @contextmanager
    def _booster(self, settings: Settings) -> Iterator[ctypes.c_void_p]:
        handle = ctypes.c_void_p()
        self._check(self._library.LGBM_BoosterCreate(self._handle, _written(settings), ctypes.byref(handle)))
        try:
            yield handle
        finally:
            self._library.LGBM_BoosterFree(handle)

    def _text(self, handle: ctypes.c_void_p) -> str:
        length, room = ctypes.c_int64(), 0
        while True:  # first ask how long it is, then for all of it
            text = ctypes.create_string_buffer(max(room, 1))
            write = self._library.LGBM_BoosterSaveModelToString
            asked = handle, _FROM_THE_FIRST, _ALL, _SPLITS, ctypes.c_int64(room), ctypes.byref(length), text
            self._check(write(*asked))
            if length.value <= room:
                return text.value.decode()
            room = length.value

    def _check(self, failed: int) -> None:
        if failed:
            self._library.LGBM_GetLastError.restype = ctypes.c_char_p
            raise ValueError(self._library.LGBM_GetLastError().decode(errors="replace"))


def _written(settings: Settings) -> bytes:
    return " ".join(f"{name}={value}" for name, value in settings.items()).encode()


def _pointer(numbers: NDArray[Any]) -> ctypes.c_void_p:
    return numbers.ctypes.data_as(ctypes.c_void_p)


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
