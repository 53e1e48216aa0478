"""Long work over many customers: piece by piece, in a pool of processes, in order.

Each process opens the bank for itself and reads one piece at a time, so memory is bounded by the pool and not by the
bank, and no snapshot of the store is held for the whole run. A few pieces are under way at any moment; what was given
is done, so a run that is interrupted loses only those.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from typing import TypeVar

from marketofone.domain.errors import StoreError
from marketofone.services.runtime.app_context import AppContext

T = TypeVar("T")
R = TypeVar("R")
Task = Callable[[AppContext, Sequence[T]], R]
Reopen = Callable[[], AppContext]

_AHEAD = 2  # pieces under way or waiting for each process


class _Process:
    """What a process of the pool opened."""

    context: AppContext | None = None


def in_pieces(context: AppContext, task: Task[T, R], items: Sequence[T], *, size: int, workers: int = 1) -> Iterator[R]:
    """Do a task for every piece of some items; gives the results in order.

    Parameters
    ----------
    context
        The bank. With more than one worker it must know how to be opened again.
    task
        A function of a module, which a process can find by its name.
    items
        What the work is about; a piece holds at most ``size`` of them.
    workers
        How many processes; 1 does the work here.

    Raises
    ------
    StoreError
        When several workers are asked for and the bank cannot be opened again.
    """
    pieces = (items[start : start + size] for start in range(0, len(items), size))
    if workers <= 1 or len(items) <= size:
        for piece in pieces:
            yield task(context, piece)
        return
    if context.reopen is None:
        raise StoreError("this bank was opened in a way that other processes cannot repeat; use one worker")
    spawn = multiprocessing.get_context("spawn")  # a fork would share open files with this process
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_open, initargs=(context.reopen,)) as pool:
        waiting: deque[Future[R]] = deque()
        try:
            for piece in pieces:
                waiting.append(pool.submit(partial(_run, task), piece))
                if len(waiting) > _AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()


def _open(reopen: Reopen) -> None:
    _Process.context = reopen()


def _run(task: Task[T, R], piece: Sequence[T]) -> R:
    if _Process.context is None:
        raise AssertionError("a process works after it opened the bank")
    return task(_Process.context, piece)
