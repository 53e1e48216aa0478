"""The server: loopback only, until staff and customers can prove who they are. One process, or several on a socket."""

from __future__ import annotations

import logging
import multiprocessing
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess

import uvicorn
from starlette.applications import Starlette

from marketofone.domain.errors import MalformedRequest
from marketofone.services.bank import Bank
from marketofone.services.runtime import often
from marketofone.services.runtime.short_collections import short_collections
from marketofone.web.app import build_app
from marketofone.web.connections import MAX_CONNECTIONS, MAX_HEAD_BYTES, BoundedProtocol
from marketofone.web.security import LOOPBACK

# The event loop shares the interpreter with the threads that decide: five milliseconds, the default, of waiting for
# one's turn would be half of what a whole decision may take.
SWITCH_SECONDS = 0.001
GRACE_SECONDS = 5
PATIENCE_SECONDS = 20.0  # how long a process of several may take to end
PAUSE_SECONDS = 1.0  # before a process that ended is replaced
_ENDING = (signal.SIGINT, signal.SIGTERM)
_LOG = logging.getLogger(__name__)


def serve(bank: Bank, *, host: str, port: int) -> None:
    """Serve the API and the pages until interrupted, then close the bank.

    Raises
    ------
    MalformedRequest
        When the host is not loopback.
    """
    _check(host)
    _run(bank, build_app(bank), host=host, port=port)


def serve_together(opened: Callable[[], Bank], *, host: str, port: int, workers: int) -> None:
    """Serve by several processes on one socket until interrupted; each opens the bank for itself.

    Parameters
    ----------
    opened
        Opens the bank; a function of a module, which a process can find by its name.

    Raises
    ------
    MalformedRequest
        When the host is not loopback.
    """
    _check(host)
    secret = secrets.token_bytes(32)
    with _listening(host, port) as listener, _until_interrupted() as interrupted:
        # A fork would share what is open in this process.
        spawn = multiprocessing.get_context("spawn")

        def begin() -> SpawnProcess:
            process = spawn.Process(target=_work, args=(opened, listener, secret))
            process.start()
            return process

        running = [begin() for _ in range(workers)]
        try:
            while not interrupted.is_set():
                wait([process.sentinel for process in running], timeout=PAUSE_SECONDS / 4)
                for place, process in enumerate(running):
                    if not process.is_alive() and not interrupted.wait(PAUSE_SECONDS):
                        _LOG.warning("a process of the server ended with %s and is replaced", process.exitcode)
                        running[place] = begin()
        finally:
            _end(running)


def config_of(app: Starlette, *, host: str, port: int) -> uvicorn.Config:
    """Give how an application is served."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        access_log=False,  # addresses name customers, and logs hold no personal data
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # nothing stands before a loopback server, so no header may say who asks
        backlog=MAX_CONNECTIONS,
        limit_concurrency=MAX_CONNECTIONS + 1,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _check(host: str) -> None:
    if host not in LOOPBACK:
        raise MalformedRequest(field="host", shape="an address others can reach", fix="use 127.0.0.1")


def _run(bank: Bank, app: Starlette, *, host: str, port: int, listener: socket.socket | None = None) -> None:
    """Run a server until it is told to end; then the bank is closed."""
    server = uvicorn.Server(config_of(app, host=host, port=port))
    _ = bank.context.language  # read before the first text comes, not while somebody waits
    often.get_ready()

    def end(*_: object) -> None:  # uvicorn raises the signal again once it is done: then there is nothing left to do
        server.should_exit = True

    before = {of: signal.signal(of, end) for of in _ENDING}
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_when_gone, args=(parent.sentinel, end), daemon=True).start()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        with short_collections():
            server.run(sockets=None if listener is None else [listener])
    finally:
        bank.close()
        for of, handler in before.items():
            signal.signal(of, handler)


def _when_gone(sentinel: int, end: Callable[[], None]) -> None:
    wait([sentinel])
    end()


def _work(opened: Callable[[], Bank], listener: socket.socket, secret: bytes) -> None:
    """Be one of several processes."""
    bank = opened()
    host, port = listener.getsockname()[:2]
    _run(bank, build_app(bank, secret=secret), host=host, port=port, listener=listener)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(MAX_CONNECTIONS)
        yield listener


@contextmanager
def _until_interrupted() -> Iterator[threading.Event]:
    interrupted = threading.Event()

    def interrupt(*_: object) -> None:
        interrupted.set()

    before = {of: signal.signal(of, interrupt) for of in _ENDING}
    try:
        yield interrupted
    finally:
        for of, handler in before.items():
            signal.signal(of, handler)


def _end(running: Sequence[SpawnProcess]) -> None:
    for process in running:
        process.terminate()
    for process in running:
        process.join(PATIENCE_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
