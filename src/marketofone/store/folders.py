"""Folders and files that are still there after the power went: what was made is flushed, and so is who knows of it."""

from __future__ import annotations

import os
from pathlib import Path


def make_folder(path: Path) -> None:
    """Make a folder that only its owner may enter, where there is none; it is durable when this returns.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> made = Path(mkdtemp()) / "data"
    >>> make_folder(made)
    >>> made.is_dir()
    True
    """
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    flush(path.parent)


def flush(path: Path) -> None:
    """Flush a file, or a folder's memory of what is in it."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
