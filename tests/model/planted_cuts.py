"""Faults planted in how files are kept, each of which a cut of the power must find."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from unittest.mock import patch

from marketofone.store import keyfile
from marketofone.store.sqlite import connection

Fault = Callable[[], AbstractContextManager[object]]


def _settings(name: str) -> AbstractContextManager[object]:
    others = tuple(one for one in connection._WRITING if not one.startswith("synchronous"))
    return patch.object(connection, "_WRITING", (*others, f"synchronous = {name}"))


FAULTS: Mapping[str, Fault] = {
    "none": nullcontext,
    "the journals are never flushed": lambda: _settings("OFF"),
    "the journals are flushed by checkpoints only": lambda: _settings("NORMAL"),
    "the key store does not flush that a change is whole": lambda: patch.object(keyfile, "SYNCHRONOUS", "FULL"),
    "the key store is never flushed": lambda: patch.object(keyfile, "SYNCHRONOUS", "OFF"),
    "no file and no folder is flushed but by the engine": lambda: patch.object(os, "fsync", lambda _: None),
}
