"""The server's side of the HTTP figure, in a process of its own: the real server, or a plain ASGI echo.

``python -m bench.serving bank|echo FOLDER PORT WORKERS``
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

import marketofone
from marketofone.web.server import serve, serve_together

HOST = "127.0.0.1"


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main(what: str, folder: str, port: str, workers: str) -> None:
    if what == "bank":
        opened = partial(marketofone.open, Path(folder))
        if int(workers) > 1:
            serve_together(opened, host=HOST, port=int(port), workers=int(workers))
        else:
            serve(opened(), host=HOST, port=int(port))
    else:
        uvicorn.run(echo, host=HOST, port=int(port), access_log=False, log_level="warning", timeout_keep_alive=75)


if __name__ == "__main__":
    main(*sys.argv[1:])
