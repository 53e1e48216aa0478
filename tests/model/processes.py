"""Processes of their own, forked from this one: what they tell arrives here, and they can be killed at any moment."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

Tell = Callable[[object], None]
Work = Callable[[Tell], None]
"""What a process does; ``tell`` sends the parent a value that arrives also when the process is killed afterwards."""


class Child:
    """A process that does some work. The parent has no bank open when it begins one."""

    def __init__(self, work: Work) -> None:
        reading, writing = os.pipe()
        with warnings.catch_warnings():  # the child opens everything anew, so threads of the parent do not matter to it
            warnings.simplefilter("ignore", DeprecationWarning)
            self._id = os.fork()
        if self._id == 0:
            _work_and_end(work, writing)
        os.close(writing)
        self._pipe = os.fdopen(reading, "rb")

    def kill(self) -> None:
        """Kill it as ``kill -9`` does."""
        os.kill(self._id, signal.SIGKILL)

    def next(self) -> Any:
        """Wait for the next value that it tells.

        Raises
        ------
        EOFError
            When it ended, or was killed while it told the value.
        """
        size = int.from_bytes(self._exactly(4), "big")
        return pickle.loads(self._exactly(size))  # noqa: S301 - our own child wrote it

    def rest(self) -> list[Any]:
        """Give everything that it tells until it ends."""
        with self._pipe:
            return list(self._until_it_ends())

    def end(self) -> None:
        """Wait until it has ended; until then it can be killed."""
        os.waitpid(self._id, 0)

    def _until_it_ends(self) -> Iterator[Any]:
        while True:
            try:
                yield self.next()
            except EOFError:
                return

    def _exactly(self, size: int) -> bytes:
        found = self._pipe.read(size)
        if len(found) < size:
            raise EOFError
        return found


def at_once(works: Sequence[Work], *, kill_first_after: float | None = None) -> list[list[Any]]:
    """Let processes begin their work at the same moment; gives what each told, once all have ended.

    Each tells something first, when it is ready. With ``kill_first_after`` the first is killed after so many seconds.
    """
    gate, opened = os.pipe()
    children = [Child(partial(_behind, gate, opened, work)) for work in works]
    for child in children:
        child.next()
    os.close(gate)
    os.close(opened)
    with ThreadPoolExecutor(len(children)) as pool:
        telling = [pool.submit(child.rest) for child in children]
        if kill_first_after is not None:
            time.sleep(kill_first_after)
            children[0].kill()
        told = [each.result() for each in telling]
    for child in children:
        child.end()
    return told


def _behind(gate: int, opened: int, work: Work, tell: Tell) -> None:
    """Wait at the gate after the first thing that is told: it opens for all when the parent closes its end."""
    os.close(opened)
    told: list[object] = []

    def tell_and_wait(value: object) -> None:
        tell(value)
        if not told:
            told.append(value)
            os.read(gate, 1)

    work(tell_and_wait)


def _work_and_end(work: Work, writing: int) -> None:
    lock = threading.Lock()

    def tell(value: object) -> None:
        plain = pickle.dumps(value)
        with lock, os.fdopen(os.dup(writing), "wb") as pipe:
            pipe.write(len(plain).to_bytes(4, "big") + plain)

    try:
        work(tell)
    except BaseException:  # noqa: BLE001 - nothing of the parent's may run in the child
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
