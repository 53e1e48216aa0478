"""What the tests of the documentation share: one run of the README's demo, and one server over what it left."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ports import kept_port

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # `docs` is no part of the installed package

from docs import examples  # noqa: E402 - needs the line above

PATIENCE_SECONDS = 120  # more than a loaded machine takes


class Demo(NamedTuple):
    folder: Path
    printed: str


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Run the first command of the README, the demo, in an empty folder."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "docs" / "samples", folder / "docs" / "samples")
    command = next(examples.commands(ROOT / "README.md"))
    return Demo(folder, examples.run(command.said, folder=folder))


@pytest.fixture(scope="session")
def port(demo: Demo) -> Iterator[int]:
    """Serve the demo's bank; gives the port."""
    with kept_port() as number:
        program = str(Path(sys.executable).parent / "marketofone")
        command = [program, "serve", "--bank", "demo-bank", "--port", str(number)]
        with subprocess.Popen(command, cwd=demo.folder, stderr=subprocess.DEVNULL) as server:
            try:
                _wait_for(number)
                yield number
            finally:
                server.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the server did not start")
