"""The server: loopback only, until staff and customers can prove who they are."""

from __future__ import annotations

import gc
import sys

import uvicorn

from marketofone.domain.errors import MalformedRequest
from marketofone.services.bank import Bank
from marketofone.web.app import build_app
from marketofone.web.security import LOOPBACK

# The event loop shares the interpreter with the threads that decide: five milliseconds, the default, of waiting for
# one's turn would be half of what a whole decision may take.
SWITCH_SECONDS = 0.0005


def serve(bank: Bank, *, host: str, port: int) -> None:
    """Serve the API and the pages until interrupted, then close the bank.

    Raises
    ------
    MalformedRequest
        When the host is not loopback.
    """
    if host not in LOOPBACK:
        raise MalformedRequest(field="host", shape="an address others can reach", fix="use 127.0.0.1")
    config = uvicorn.Config(
        build_app(bank),
        host=host,
        port=port,
        access_log=False,  # addresses name customers, and logs hold no personal data
        log_level="warning",
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()  # what was loaded stays: collecting garbage need not look through it in the middle of an answer
    try:
        uvicorn.Server(config).run()
    finally:
        bank.close()
