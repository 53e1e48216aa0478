"""kill -9 at random moments of a writing store: what was acknowledged is there, once, and the chain holds."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from store_cases import chain_holds, journal, log_holds

from marketofone.store.sqlite.store import SqliteStore

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
        _, thread, number, n = line.split()
        acknowledged[int(thread), int(number)] = int(n)
    return acknowledged


def check(store: SqliteStore, acknowledged: Acknowledged) -> None:
    with store.read() as reader:
        events = 0
        for subject in reader.subjects(limit=1_000):
            entries = journal(reader, subject)
            assert chain_holds(entries)
            assert entries[-1].hash == reader.head(subject).hash
            if subject > THREADS:
                continue
            numbers = [int(entry.body.split()[1]) for entry in entries]
            assert len(set(numbers)) == len(numbers), "a batch was counted twice"
            keys = [(subject, EVENTS * number + index) for number in numbers for index in range(EVENTS)]
            assert reader.known(keys) == set(keys), "half a batch was kept"
            events += len(keys)
            assert reader.snapshots(subject)["app"].body.rstrip(b"\0") == entries[-1].body
        for (thread, number), n in acknowledged.items():
            [entry] = reader.entries(thread, after=n - 1, upto=n)
            assert entry.body == f"{thread} {number}".encode(), "an acknowledged batch is lost"
        assert reader.tallies().get("events", 0) == events
    store.seal()
    with store.read() as reader:
        assert log_holds(reader)


@pytest.mark.crash
def test_whatever_was_acknowledged_before_a_kill_is_there_once_and_the_chain_holds(tmp_path: Path) -> None:
    rng = random.Random(30)
    acknowledged: Acknowledged = {}
    busy = 0
    with writing_process(tmp_path) as process:
        for life in range(4 * KILLS):
            if life >= KILLS and busy > KILLS // 2:
                break
            # Each thread sends its last batch again, as a producer does that cannot know whether it was heard.
            firsts = [max((n for t, n in acknowledged if t == thread), default=0) for thread in range(1, THREADS + 1)]
            order = " ".join(map(str, (*firsts, CHECKPOINTS[life % 2])))
            # Where the machine was too slow for the first, each lives longer: at last all are heard.
            seconds = rng.uniform(0.0, 0.12) * (1.0 if life < KILLS else 4.0 ** (life / KILLS))
            heard = live_and_die(process, order, seconds=seconds)
            busy += bool(heard)
            acknowledged |= heard
            with closing(SqliteStore(tmp_path)) as store:
                check(store, acknowledged)
    assert busy > KILLS // 2
