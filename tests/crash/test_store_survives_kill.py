"""kill -9 at random moments of a writing store: what was acknowledged is there, once, and the chain holds."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from marketofone.audit.verify import verify
from marketofone.store.embedded.store import EmbeddedStore

KILLS = 30
THREADS = 4
EVENTS = 5
CHILD = Path(__file__).with_name("store_writing_child.py")
# Pages before the log is copied into the file: rarely, so that recovery has much to read, or all the time, so that
# some kills fall into the copying.
CHECKPOINTS = (16_384, 20)

Acknowledged = dict[tuple[int, int], int]


@contextmanager
def writing_process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(CHILD), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def live_and_die(process: subprocess.Popen[str], order: str, *, seconds: float) -> Acknowledged:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(order + "\n")
    process.stdin.flush()
    word, _, pid = process.stdout.readline().partition(" ")
    assert word == "born"
    time.sleep(seconds)
    os.kill(int(pid), signal.SIGKILL)
    acknowledged: Acknowledged = {}
    for line in process.stdout:
        if line == "dead\n":
            break
        _, thread, number, seq = line.split()
        acknowledged[int(thread), int(number)] = int(seq)
    return acknowledged


def check(store: EmbeddedStore, acknowledged: Acknowledged) -> None:
    with store.read() as reader:
        found = verify((e.seq, e.kind, e.at, e.customer, e.body, e.link) for e in reader.entries())
        assert found.ok
        assert found.entries == reader.position()
        bodies = {entry.seq: entry.body for entry in reader.entries()}
        for (thread, number), seq in acknowledged.items():
            assert bodies[seq] == f"{thread} {number}".encode()
        events = [event.body or b"" for event in reader.events()]
        assert len(set(events)) == len(events), "an event was counted twice"
        batches = Counter(tuple(map(int, event.split(b"-")[:2])) for event in events)
        assert set(batches.values()) <= {EVENTS}, "half a batch was kept"
        assert set(acknowledged) <= set(batches), "an acknowledged batch is lost"
        counts = reader.counts()
        assert counts.get("events.admitted", 0) == len(events)
        assert counts.get("entries.ingest", 0) == found.entries
        for thread in range(THREADS):
            last = [entry for entry in bodies.values() if entry and entry.startswith(b"%d " % thread)]
            state = reader.states(f"c-{thread}").get("app")
            assert (state is None) == (not last)
            assert state is None or state.rstrip(b"\0") == last[-1].split()[1]


@pytest.mark.crash
def test_whatever_was_acknowledged_before_a_kill_is_there_once_and_the_chain_holds(tmp_path: Path) -> None:
    rng = random.Random(30)
    acknowledged: Acknowledged = {}
    busy = 0
    with writing_process(tmp_path) as process:
        for life in range(KILLS):
            # Each thread sends its last batch again, as a producer does that cannot know whether it was heard.
            firsts = [max((n for t, n in acknowledged if t == thread), default=0) for thread in range(THREADS)]
            order = " ".join(map(str, (*firsts, CHECKPOINTS[life % 2])))
            heard = live_and_die(process, order, seconds=rng.uniform(0.0, 0.12))
            busy += bool(heard)
            acknowledged |= heard
            with closing(EmbeddedStore(tmp_path)) as store:
                check(store, acknowledged)
    assert busy > KILLS // 2, "the machine was too slow for the test to mean anything"
