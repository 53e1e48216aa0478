"""Blocks of the documentation that are executed: how they are found, run, compared, and written again.

A ``python`` block holds examples as in a docstring (``>>>``); those of a page run in order in one namespace. A line of
a ``console`` block that begins with ``$`` is a command, and what follows it is its output. ``...`` stands for what
differs from run to run. Blocks of any other language are not run.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

FLAGS = doctest.ELLIPSIS | doctest.REPORT_NDIFF
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CHECKER = doctest.OutputChecker()


class Block(NamedTuple):
    """A fenced block: its language, the line it begins on (from 1), and its text."""

    language: str
    line: int
    text: str


class Command(NamedTuple):
    """A command of a console block, and what it is said to print."""

    line: int
    said: str
    want: str


@dataclass(frozen=True)
class Difference:
    """An example that gives something else than the page says; ``lines`` are those of the page to be replaced."""

    page: str
    lines: range
    want: str
    got: str

    def __str__(self) -> str:
        return (
            f"{self.page}:{self.lines.start}\nexpected:\n{self.want}got:\n{self.got}run `make docs`, then read it again"
        )


def blocks(page: Path, *, language: str) -> list[Block]:
    """Find the blocks of one language."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(found[1], text.count("\n", 0, found.start()) + 2, found[2])
        for found in _BLOCK.finditer(text)
        if found[1] == language
    ]


def commands(page: Path) -> Iterator[Command]:
    """Find the commands of a page and what each is said to print."""
    for block in blocks(page, language="console"):
        starts = [found.start() for found in re.finditer(r"^\$ ", block.text, re.MULTILINE)]
        for start, end in pairwise([*starts, len(block.text)]):
            said, _, want = block.text[start + 2 : end].partition("\n")
            yield Command(block.line + block.text.count("\n", 0, start), said, want)


def run(said: str, *, folder: Path) -> str:
    """Run a command of a page in a folder and give what it prints."""
    words = shlex.split(said)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S603 - the commands stand in our own pages
        words, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{said}: {done.stderr}")
    return done.stdout


def agrees(want: str, got: str) -> bool:
    """Say whether an output is what a page says."""
    return _CHECKER.check_output(want, got, FLAGS)


def run_python(page: Path) -> list[Difference]:
    """Run the examples of a page in one namespace; give those that differ from what the page says."""
    recorder = _Recorder(page.name)
    names: dict[str, Any] = {}
    for block in blocks(page, language="python"):
        examples = doctest.DocTestParser().get_examples(block.text)
        test = doctest.DocTest(examples, names, page.name, str(page), block.line - 1, block.text)
        recorder.run(test, clear_globs=False)
        names = test.globs
    return recorder.found


def fix(page: Path, differences: list[Difference]) -> None:
    """Write into a page what its examples gave."""
    lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
    for difference in reversed(differences):
        lines[difference.lines.start - 1 : difference.lines.stop - 1] = [difference.got]
    page.write_text("".join(lines), encoding="utf-8")


def replace_output(page: Path, command: Command, output: str) -> None:
    """Write what a command printed into its page."""
    text = page.read_text(encoding="utf-8")
    before, shown, after = text.partition(f"$ {command.said}\n{command.want}")
    page.write_text(f"{before}$ {command.said}\n{output}{after}" if shown else text, encoding="utf-8")


class _Recorder(doctest.DocTestRunner):
    """Keeps what differs, instead of printing it."""

    def __init__(self, page: str) -> None:
        super().__init__(verbose=False, optionflags=FLAGS)
        self._page = page
        self.found: list[Difference] = []

    def report_failure(
        self, out: Callable[[str], object], test: doctest.DocTest, example: doctest.Example, got: str
    ) -> None:
        """Keep an output that differs."""
        del out
        start = (test.lineno or 0) + example.lineno + 1 + example.source.count("\n")
        lines = range(start, start + example.want.count("\n"))
        self.found.append(Difference(self._page, lines, example.want, got))

    def report_unexpected_exception(
        self,
        out: Callable[[str], object],
        test: doctest.DocTest,
        example: doctest.Example,
        exc_info: tuple[type[BaseException], BaseException, TracebackType],
    ) -> None:
        """Keep an error as the examples of a docstring show it; one where a page shows none is no value to write."""
        kind, error, _ = exc_info
        if example.exc_msg is None:
            raise RuntimeError(f"{self._page}: {example.source.strip()} ends with {kind.__qualname__}: {error}")
        got = f"Traceback (most recent call last):\n    ...\n{kind.__module__}.{kind.__qualname__}: {error}\n"
        self.report_failure(out, test, example, got)
