"""What a process and all that it started have used of the processor so far."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _SYSTEM = 1, 11, 12  # fields of /proc/PID/stat after the name


def cpu_seconds(pid: int) -> float:
    """Give the processor time of a process and its descendants, as far as they still run."""
    fields = dict(_running())
    family, waiting = {pid}, [pid]
    while waiting:
        parent = waiting.pop()
        born = [of for of, stat in fields.items() if int(stat[_PARENT]) == parent and of not in family]
        family.update(born)
        waiting += born
    return sum(int(fields[of][_USER]) + int(fields[of][_SYSTEM]) for of in family & fields.keys()) / _TICKS


def _running() -> Iterator[tuple[int, list[str]]]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            yield int(path.parent.name), path.read_text().rpartition(")")[2].split()
