"""A disk that loses its power: what may be on it afterwards, given every call of a process that changed a file.

What was synced is there. Of what was not, any part may be: each sector of 512 bytes of each write by itself, the length
of a file, and each entry of a folder (a file that was created, moved, linked or removed) until that folder was synced.
Bytes that a file was lengthened by and that were not written are zeros. A sector is whole, old or new, and to move a
file is one step, as SQLite and every journaling file system take for granted.

Source: T. S. Pillai et al., "All file systems are not created equal: on the complexity of crafting crash-consistent
applications", OSDI 2014 (ALICE); SQLite's own crash tests draw what a lost sync leaves in the same way.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

SECTOR = 512
Kind = Literal["create", "write", "length", "sync", "move", "link", "remove", "folder", "told"]


class Call(NamedTuple):
    """One call that changed something: of which file or folder, and what goes with it."""

    kind: Kind
    path: str
    to: str = ""
    at: int = 0
    data: bytes = b""


Draw = Callable[[], bool]
"""Says of one thing that was not synced whether it is there."""


@dataclass
class _File:
    """What of a file was synced, and the writes and lengths since, in order."""

    safe: bytearray = field(default_factory=bytearray)
    since: list[Call] = field(default_factory=list)

    def sync(self) -> None:
        self.safe = self.after(lambda: True)
        self.since = []

    def after(self, draw: Draw) -> bytearray:
        found = bytearray(self.safe)
        for call in self.since:
            if call.kind == "length":
                if draw():
                    del found[call.at :]
                    found.extend(bytes(call.at - len(found)))
                continue
            for begin, end in _sectors(call.at, len(call.data)):
                if draw():
                    found.extend(bytes(max(0, end - len(found))))
                    found[begin:end] = call.data[begin - call.at : end - call.at]
        return found


def _sectors(at: int, size: int) -> list[tuple[int, int]]:
    """Cut a write where sectors begin."""
    edges = [at, *range(at - at % SECTOR + SECTOR, at + size, SECTOR), at + size]
    return list(pairwise(edges))


Names = dict[str, _File | None]
"""What stands under each path: a file, or None for a folder."""


class _Change(NamedTuple):
    """One change of the entries of a folder, and the file that it is about."""

    call: Call
    held: _File | None

    @property
    def folder(self) -> str:
        return str(PurePosixPath(self.call.path).parent)

    def apply(self, names: Names) -> None:
        if self.call.kind in ("create", "folder"):
            names[self.call.path] = self.held
        if self.call.kind in ("move", "remove"):
            names.pop(self.call.path, None)
        if self.call.kind in ("move", "link"):
            names[self.call.to] = self.held


class Disk:
    """The files below a folder: what is there now, and what is safe whatever happens.

    It stands for the files below ``root``, and begins with those of another folder, all of them synced.
    """

    def __init__(self, root: Path, *, begins: Path) -> None:
        self._root = str(root)
        self._now: Names = {self._root: None}
        for path in sorted(begins.rglob("*")):
            name = str(root / path.relative_to(begins))
            self._now[name] = _File(bytearray(path.read_bytes())) if path.is_file() else None
        self._safe: Names = dict(self._now)
        self._since: list[_Change] = []

    def do(self, call: Call) -> None:
        """Follow a call; what is about other folders changes nothing here."""
        if call.kind == "told" or (call.path != self._root and not call.path.startswith(f"{self._root}/")):
            return
        held = self._now.get(call.path)
        if call.kind in ("write", "length"):
            if held is not None:
                held.since.append(call)
        elif call.kind == "sync":
            if held is not None:
                held.sync()
            else:
                self._sync_folder(call.path)
        elif call.kind != "create" or call.path not in self._now:
            change = _Change(call, _File() if call.kind == "create" else held)
            change.apply(self._now)
            self._since.append(change)

    def _sync_folder(self, folder: str) -> None:
        for change in self._since:
            if change.folder == folder:
                change.apply(self._safe)
        self._since = [change for change in self._since if change.folder != folder]

    def cut(self, target: Path, *, rng: random.Random) -> None:
        """Write what may be on the disk after the power went, below another folder."""
        chance = rng.choice((0.0, 0.0, 0.5, 0.5, 0.9, 1.0))
        draw: Draw = lambda: rng.random() < chance  # noqa: E731 - the chance of this cut
        left = dict(self._safe)
        for change in self._since:
            if draw():
                change.apply(left)
        for name in sorted(left):  # folders before what is in them
            place = target / PurePosixPath(name).relative_to(self._root)
            held = left[name]
            if place != target and not place.parent.is_dir():
                continue  # its folder was lost
            if held is None:
                place.mkdir(exist_ok=True)
            else:
                place.write_bytes(held.after(draw))
