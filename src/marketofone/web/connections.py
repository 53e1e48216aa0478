"""Connections that are waited for only so long, and only so many of them.

A client that sends half a request and then nothing, or drips bytes, costs a connection. It is closed after a while, and
at once when the room is needed for somebody else: who sends whole requests is always answered.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0  # from the first byte that is waited for until a whole head of a request is there
MAX_CONNECTIONS = 512
MAX_HEAD_BYTES = 16 * 1024


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 of uvicorn, with a time-out for heads of requests and a bound on connections."""

    _deadline: asyncio.TimerHandle | None = None
    since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection; where there is no room, the one goes that was waited for longest."""
        super().connection_made(transport)
        self._watch()
        if len(self.connections) > MAX_CONNECTIONS:
            waiting = [one for one in self.connections if isinstance(one, BoundedProtocol) and one.owes_us]
            min(waiting, key=lambda one: one.since, default=self).end()

    def data_received(self, data: bytes) -> None:
        """Take bytes; they move no deadline."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._forget()
        super().connection_lost(exc)

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return getattr(self.cycle, "response_complete", True)  # before the first request there is no cycle

    @property
    def owes_us(self) -> bool:
        """Whether the rest of a request is still to come."""
        return self.idle or self.cycle.more_body

    def _watch(self) -> None:
        if not self.idle:
            self._forget()
            self.since = self.loop.time()
        elif self._deadline is None:
            self.since = self.loop.time()
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.end)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def end(self) -> None:
        """Close the connection."""
        if not self.transport.is_closing():
            if self.idle and self.conn.our_state is h11.IDLE:
                self.conn.send(h11.ConnectionClosed())
            self.transport.close()
