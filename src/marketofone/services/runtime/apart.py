"""Heavy work in a process of its own: what it loads and fills is given back when it ends.

The process is this interpreter again, and reads its work from a pipe. It never runs the main module, so a script that
opens a bank needs no guard.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import IO, Any, ParamSpec, TypeVar

from marketofone.domain.errors import StoreError

P = ParamSpec("P")
R = TypeVar("R")
_MAIN = "from marketofone.services.runtime.apart import main; main()"


def apart(work: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function of a module in a process of its own; what it raises is raised here.

    Raises
    ------
    StoreError
        When the process ended before it answered.

    Examples
    --------
    >>> apart(sorted, [3, 1, 2])
    [1, 2, 3]
    """
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command, pipe = [sys.executable, "-c", _MAIN], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=found) as child:  # noqa: S603 - our own words
        try:
            result, error = _exchange(child, (work, args, kwargs))
        except (OSError, EOFError, pickle.UnpicklingError) as broken:
            raise StoreError("a process that learns ended before it was done: is there enough memory?") from broken
        except BaseException:
            child.kill()
            raise
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]  # the type that the function gives


def _exchange(child: subprocess.Popen[bytes], asked: Any) -> Any:
    if child.stdin is None or child.stdout is None:
        raise AssertionError("both are pipes")
    with child.stdin as work, child.stdout as answer:
        pickle.dump(asked, work, protocol=pickle.HIGHEST_PROTOCOL)  # large arrays are written without a copy
        work.close()
        return pickle.load(answer)  # noqa: S301 - our own process wrote it


def main() -> None:
    """Be the process: read a function and its arguments, and answer what it gives or raises."""
    with os.fdopen(os.dup(1), "wb") as answer:
        os.dup2(2, 1)  # what a library prints is no answer
        sys.modules["pandas"] = None  # type: ignore[assignment]  # where it is, scikit-learn loads its 60 MB for nothing
        _work(sys.stdin.buffer, answer)


def _work(asked: IO[bytes], answer: IO[bytes]) -> None:
    result, error = None, None
    try:
        work, args, kwargs = pickle.load(asked)  # noqa: S301 - the process that began this one wrote it
        result = work(*args, **kwargs)
    except Exception as raised:  # noqa: BLE001 - whatever it is, the caller must know
        error = raised
    pickle.dump((result, error), answer, protocol=pickle.HIGHEST_PROTOCOL)
