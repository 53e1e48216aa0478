"""What is wrong with the file itself: pages and indexes, the layout of the tables, and the end of the log.

SQLite reads a log up to the first frame that does not hold and takes what follows for a write that never ended. So one
byte off the log takes the last commit away without a word. Here the end of the log is looked at: after the last commit
nothing of the same generation may follow.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from marketofone.store.sqlite.lock import LOCK
from marketofone.store.sqlite.schema import TABLES

Run = Callable[..., sqlite3.Cursor]
Matrix = tuple[tuple[int, int], tuple[int, int]]

_MOST = 20
_PATIENCE = 2.0
_LAYOUT = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite^_%' ESCAPE '^'"
_PLACES = "(SELECT * FROM places UNION ALL SELECT * FROM fresh_places) AS p"
_PLACED = (
    "SELECT count(*) FROM entries",
    f"SELECT count(*) FROM {_PLACES}",  # noqa: S608
    f"SELECT count(*) FROM {_PLACES} JOIN entries AS e USING (row, subject, n)",  # noqa: S608
)
_NUMBERED = """
SELECT 'letters' WHERE (SELECT count(*) <> coalesce(max(row), 0) FROM letters)
UNION ALL
SELECT 'lessons' WHERE (SELECT coalesce(max(row), 0) FROM lessons) > (SELECT coalesce(max(seq), 0) FROM sqlite_sequence)
OR (SELECT coalesce(max(seq), 0) FROM sqlite_sequence) > (SELECT count(*) FROM entries)
"""
"""Letters have no gaps, and each lesson is an entry: a number further on would leave no room for those to come."""
_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_BIG_ENDIAN = 0x377F0683
_MAGICS = (0x377F0682, _BIG_ENDIAN)
_WORD = 0xFFFFFFFF
_ALTERED = "holds a frame that was altered"
_CHUNK = 256  # frames looked at together


def damage_of(run: Run) -> list[str]:
    """Say in words what is wrong; empty when the file is sound."""
    try:
        found = [str(row[0]) for row in run(f"PRAGMA integrity_check({_MOST})").fetchall()]
        layout = set(run(_LAYOUT).fetchall())
        misplaced = len({run(count).fetchone()[0] for count in _PLACED}) > 1
        numbered = [name for (name,) in run(_NUMBERED).fetchall()]
    except sqlite3.DatabaseError as error:
        return [f"the database cannot be read: {getattr(error, 'sqlite_errorname', type(error).__name__)}"]
    problems = [f"the database is damaged: {line}" for line in found if line != "ok"]
    wrong = sorted({name for _, name, _, _ in layout ^ _expected_layout()})
    problems += [f"the layout of the database was changed: {name}" for name in wrong]
    problems += ["the places of entries are not those where they stand"] if misplaced else []
    problems += [f"the numbers of {name} are not those in which they came" for name in numbered]
    file = next((row[2] for row in run("PRAGMA database_list").fetchall() if row[1] == "main"), "")
    return problems + (end_of_log(Path(file)) if file else [])


def end_of_log(file: Path) -> list[str]:
    """Say whether the log beside a file ends with a commit that is whole."""
    log = file.with_name(f"{file.name}-wal")
    if not log.exists() or log.stat().st_size == 0:
        return []
    with _without_writers(file.parent / LOCK), log.open("rb") as opened:
        fault = _fault_of(opened, size=log.stat().st_size)
    if fault is None:
        return []
    return [f"the log of the database {fault}: a write was cut off, or commits were taken away at the end"]


def _expected_layout() -> set[tuple[str, str, str, str]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
        for statement in TABLES:
            empty.execute(statement)
        return set(empty.execute(_LAYOUT).fetchall())


@contextmanager
def _without_writers(lock: Path) -> Iterator[None]:
    """Keep writers away for the while, where there may be any; a copy has no lock, and no writer."""
    try:
        file = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                break
            time.sleep(0.001)
        yield
    finally:
        os.close(file)


def _fault_of(log: BinaryIO, *, size: int) -> str | None:
    """Say where a log breaks off, None when after its last commit nothing of the same generation follows.

    Source
    ------
    https://www.sqlite.org/fileformat2.html#walformat
    """
    if size < _HEADER.size:
        return "has no whole head"
    head = log.read(_HEADER.size)
    magic, _, page, _, *salts, sum_1, sum_2 = _HEADER.unpack(head)
    kind = np.dtype(">u4" if magic == _BIG_ENDIAN else "<u4")
    sums = _summed(np.frombuffer(head[:24], dtype=kind)[None, :].astype(np.uint32), (0, 0))[-1]
    if magic not in _MAGICS or page not in range(512, 65_537) or sums != (sum_1, sum_2):
        return "has a head that was altered"
    if (size - _HEADER.size) % (_FRAME.size + page):
        return "does not end with a whole frame"
    return _fault_of_frames(log, whole=_FRAME.size + page, kind=kind, salts=salts, sums=sums)


def _fault_of_frames(
    log: BinaryIO, *, whole: int, kind: np.dtype[np.uint32], salts: list[int], sums: tuple[int, int]
) -> str | None:
    ended = True
    while block := log.read(_CHUNK * whole):
        frames = [block[start : start + whole] for start in range(0, len(block), whole)]
        covered = b"".join(frame[:8] + frame[_FRAME.size :] for frame in frames)
        words = np.frombuffer(covered, dtype=kind).reshape(len(frames), -1).astype(np.uint32)
        for number, (frame, computed) in enumerate(zip(frames, _summed(words, sums), strict=True)):
            _, pages_after, here_1, here_2, right_1, right_2 = _FRAME.unpack_from(frame)
            if [here_1, here_2] != salts and not ended:
                return "ends within a commit"
            if [here_1, here_2] != salts:
                rest = chain(frames[number:], iter(partial(log.read, whole), b""))
                is_old = computed != (right_1, right_2) and _are_old(rest, salts=salts)
                return None if is_old else _ALTERED
            if computed != (right_1, right_2):
                return _ALTERED
            sums, ended = computed, pages_after > 0
    return None if ended else "ends within a commit"


def _are_old(frames: Iterable[bytes], *, salts: list[int]) -> bool:
    """Say whether frames that carry other salts were all written before the log began anew.

    Then SQLite adds one to the first salt and draws the second, so an old frame shares neither. One that was altered
    keeps one of them, or has frames of this generation behind it, or its sum goes on with those before: the sum leaves
    the salts out.
    """
    return not any(
        one == other for frame in frames for one, other in zip(_FRAME.unpack_from(frame)[2:4], salts, strict=True)
    )


@lru_cache(maxsize=8)
def _weights(length: int) -> tuple[NDArray[np.uint32], Matrix]:
    """Give how each word of a row counts in the sum after it, and how the sum before counts."""
    weights = np.zeros((length, 2), dtype=np.uint32)
    step, power = ((1, 1), (1, 2)), ((1, 0), (0, 1))
    for pair in range(length // 2 - 1, -1, -1):
        (a, b), (c, d) = power
        weights[2 * pair] = ((a + b) & _WORD, (c + d) & _WORD)
        weights[2 * pair + 1] = (b, d)
        power = _times(power, step)
    return weights, power


def _summed(words: NDArray[np.uint32], before: tuple[int, int]) -> list[tuple[int, int]]:
    """Give SQLite's running sum after each row of words.

    For each pair of words, a += word + b and b += word + a. That is linear, so what a row adds is one product.
    """
    weights, ((a, b), (c, d)) = _weights(words.shape[1])
    added = (words[:, :, None] * weights[None, :, :]).sum(axis=1, dtype=np.uint32)
    sums = []
    first, second = before
    for more_1, more_2 in added.tolist():
        first, second = (a * first + b * second + more_1) & _WORD, (c * first + d * second + more_2) & _WORD
        sums.append((first, second))
    return sums


def _times(left: Matrix, right: Matrix) -> Matrix:
    (a, b), (c, d) = left
    (e, f), (g, h) = right
    return (((a * e + b * g) & _WORD, (a * f + b * h) & _WORD), ((c * e + d * g) & _WORD, (c * f + d * h) & _WORD))
