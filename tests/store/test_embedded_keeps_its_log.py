"""Whoever comes and goes, a process that has the bank open keeps the log it writes to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from marketofone.domain.moment import Instant
from marketofone.store.embedded.store import EmbeddedStore
from marketofone.store.ports import Writer

COME_AND_GO = """
import sys
from pathlib import Path
from marketofone.store.embedded.store import EmbeddedStore
store = EmbeddedStore(Path(sys.argv[1]))
with store.read() as reader:
    print(reader.position())
store.close()
"""


def note(writer: Writer) -> int:
    return writer.append("ruling", at=Instant(0), customer=None, body=b"{}").seq


def seen_by_another_process(folder: Path) -> int:
    said = subprocess.run([sys.executable, "-c", COME_AND_GO, str(folder)], capture_output=True, text=True, check=True)
    return int(said.stdout)


@pytest.mark.parametrize("again", [False, True], ids=["a new bank", "a bank that was there"])
def test_another_process_that_closes_the_bank_leaves_our_log_in_place(tmp_path: Path, *, again: bool) -> None:
    if again:
        EmbeddedStore(tmp_path).close()
    store, twin = EmbeddedStore(tmp_path), EmbeddedStore(tmp_path)
    assert store.commit(note) == 1
    log = (tmp_path / "bank.sqlite-wal").stat().st_ino

    twin.close()
    assert seen_by_another_process(tmp_path) == 1
    assert (tmp_path / "bank.sqlite-wal").stat().st_ino == log
    assert store.commit(note) == 2
    assert seen_by_another_process(tmp_path) == 2

    store.close()
    assert not (tmp_path / "bank.sqlite-wal").exists()  # the last to close puts it away
