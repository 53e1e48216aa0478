"""Collections of garbage stay short while a process works through much: a server, or the import of a file.

All threads stand still during a collection. What was loaded by then, and the people who are remembered for the next
question, would be looked through again and again, and are no garbage.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter

_YOUNG, _OLDEST = 1, 2  # generations
_LONG_SECONDS = 0.01


@contextmanager
def short_collections() -> Iterator[None]:
    """Look through nothing that is there already, and after a long collection through nothing of it again.

    What is remembered goes by itself when it is dropped. Only rings that were alive at such a moment stay until the
    end, and these moments are as few as the memory is bounded. So does old garbage from before: little was made by
    then, and to look for it would cost a short command more than anything it does.
    """
    watch = _Watch()
    gc.collect(_YOUNG)
    gc.freeze()
    gc.callbacks.append(watch)
    try:
        yield
    finally:
        gc.callbacks.remove(watch)
        gc.unfreeze()


class _Watch:
    """Sets aside what a long collection looked through and kept."""

    def __init__(self) -> None:
        self._began = 0.0

    def __call__(self, phase: str, info: Mapping[str, int]) -> None:
        if phase == "start":
            self._began = perf_counter()
        elif info["generation"] == _OLDEST and perf_counter() - self._began > _LONG_SECONDS:
            gc.freeze()
