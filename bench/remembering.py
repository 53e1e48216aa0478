"""Memory of the long readings: the most any of their processes held at any moment, on a small bank and a large one.

What the system says of processes that a reading started counts what their parent held when it started them, too: it is
an upper bound.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from bench.crowd import Crowd
from bench.figures import Aim, Figure, Row

MEGABYTES = 1_024.0
_READINGS = ("replay", "verify", "train", "forecast_all")
_CHILD = """
import resource, sys
from pathlib import Path
from bench.crowd import Crowd
what, folder = sys.argv[1:]
with Crowd(Path(folder), ()).open() as bank:
    done = getattr(bank, what)()
    for _ in done if what == "forecast_all" else ():
        pass
held = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))  # ru_maxrss counts the parent's
print(max(int(held.split()[1]), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
"""


def measure(small: Crowd, large: Crowd, *, events: tuple[int, int]) -> Iterator[Figure]:
    """Run each reading in a process of its own, on both banks."""
    for what in _READINGS:
        least, most = (_held(what, crowd) for crowd in (small, large))
        yield Figure(
            own=Row(name=f"memory of {what} at {events[1]:,} events, any process", unit="MB", values={"peak": most}),
            yardsticks=(Row(name=f"at {events[0]:,} events", unit="MB", values={"peak": least}),),
            aim=Aim(of="peak", bound=300.0, must=300.0, above=False),
        )


def _held(what: str, crowd: Crowd) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, what, crowd.folder], capture_output=True, check=True, text=True
    )
    return int(done.stdout) / MEGABYTES
