"""The sending end of a socket: messages leave in order, without anybody waiting for them."""

import asyncio
from contextlib import suppress

from aiohttp import WSCloseCode
from aiohttp.web import WebSocketResponse

from shared.runtime.tasks import cancel

_PING_S = 10.0


class Outbox:
    """Made around a prepared socket; `end` it when the socket has closed."""

    def __init__(self, socket: WebSocketResponse) -> None:
        self._socket = socket
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._idle = asyncio.Event()
        self._idle.set()
        self._writer = asyncio.create_task(self._write())
        self._pinger = asyncio.create_task(self._ping())

    def send(self, message: bytes) -> None:
        """Dropped when the socket is gone."""
        if self._writer.done():
            return
        self._idle.clear()
        self._queue.put_nowait(message)

    async def flush(self) -> None:
        """Until everything is out, and the socket closed if that was asked for."""
        await self._idle.wait()

    def close(self) -> None:
        """Close with 1000 once everything before is out."""
        if self._writer.done():
            return
        self._idle.clear()
        self._queue.put_nowait(None)

    async def _write(self) -> None:
        with suppress(ConnectionError):
            while (message := await self._queue.get()) is not None:
                await self._socket.send_bytes(message)
                if self._queue.empty():
                    self._idle.set()
        await self._socket.close(code=WSCloseCode.OK)
        self._idle.set()

    async def _ping(self) -> None:
        """The real server pings every 10 s, and does not ask for the answer."""
        with suppress(ConnectionError):
            while True:
                await asyncio.sleep(_PING_S)
                await self._socket.ping()

    async def end(self) -> None:
        """Stop both tasks; what has not been written is lost."""
        await cancel(self._writer, self._pinger)
