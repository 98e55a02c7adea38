"""A WebSocket of the stand-in, with the ways in which a real one fails."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

from aiohttp import WSMessage, WSMsgType, web

from services.sandbox.handlers import cut_connection

_CLOSE_TIMEOUT_S: Final = 1.0
_REASON_BYTES: Final = 120  # a close frame has room for 123
_numbers = itertools.count(1)


class Socket:
    """`path` is the kind of socket, as faults name it; `carried_s` the audio so far, in seconds."""

    def __init__(self, request: web.Request, path: str, *, idle_s: float) -> None:
        self.id = f"s{next(_numbers)}"
        self.path = path
        self.language = ""
        self.carried_s = 0.0
        self.response = web.WebSocketResponse(
            autoping=False, timeout=_CLOSE_TIMEOUT_S, max_msg_size=8 * 1024 * 1024
        )
        self._request = request
        self._idle_s = idle_s
        self._frozen = False

    async def prepare(self) -> None:
        await self.response.prepare(self._request)

    async def messages(self, *, idle_code: int = 1000) -> AsyncIterator[WSMessage]:
        """Text and binary messages until the socket closes, or is closed with `idle_code`.

        A protocol ping is answered and does not count as activity.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._idle_s
        while not self.response.closed:
            try:
                message = await self.response.receive(timeout=deadline - loop.time())
            except TimeoutError:
                await self.close(idle_code, "no activity")
                return
            match message.type:
                case WSMsgType.PING if not self._frozen:
                    await self.response.pong(message.data)
                case WSMsgType.TEXT | WSMsgType.BINARY:
                    deadline = loop.time() + self._idle_s
                    if not self._frozen:
                        yield message
                case WSMsgType.CLOSE | WSMsgType.CLOSING | WSMsgType.CLOSED | WSMsgType.ERROR:
                    return
                case _:
                    pass

    async def send(self, message: dict[str, Any]) -> None:
        """Sends JSON; dropped when the socket is frozen or closed."""
        if self._frozen or self.response.closed:
            return
        with suppress(ConnectionError):  # the other side has gone: the receiver sees it too
            await self.response.send_json(message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self.response.close(code=code, message=reason.encode()[:_REASON_BYTES])

    def reset(self) -> None:
        """Cuts the connection without a close frame."""
        cut_connection(self._request)

    def freeze(self) -> None:
        """From now on nothing is read or answered, not even a ping."""
        self._frozen = True
