"""One connection to the realtime socket: a sender, a receiver, and a watcher that notices death."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp

from services.agent.settings import SarvamSettings
from services.agent.speech.stt import protocol
from services.agent.speech.stt.utterance import Utterance, UtteranceBuffer
from shared.clock import Clock
from shared.runtime.tasks import cancel

CONNECT_TIMEOUT_S = 5.0  # the real service takes 0.2
CLOSE_TIMEOUT_S = 0.2  # a peer that does not answer a close is gone anyway
RESEND_CHUNK = protocol.BYTES_PER_SECOND // 5  # 200 ms a message when audio is sent again
WATCH_EVERY_S = 0.1

OnMessage = Callable[[dict[str, Any]], None]


class Lost(Exception):
    """The connection is gone, for a reason that another one may not have.

    `code` is the WebSocket close code or the HTTP status, when there was one.
    """

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code

    @property
    def refused(self) -> bool:
        """Whether Sarvam said no, rather than went away."""
        return self.code in protocol.REFUSED_PART

    def __str__(self) -> str:
        return self.reason if self.code is None else f"{self.reason} ({self.code})"


class Connection:
    """Carries what the stream puts into it until the socket is lost.

    `on_message` is called with every JSON message, in order.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        buffer: UtteranceBuffer,
        on_message: OnMessage,
        *,
        settings: SarvamSettings,
        clock: Clock,
    ) -> None:
        self._session = session
        self._buffer = buffer
        self._on_message = on_message
        self._settings = settings
        self._clock = clock
        self._outbox: deque[str | bytes | Utterance] = deque()
        self._wake = asyncio.Event()
        self._heard = 0.0
        self._pinged: float | None = None
        self._finishing = False
        self.began = False

    def start(self, utterance: Utterance) -> None:
        """Speech began: the boundary, then what was heard before it."""
        self._put(protocol.SPEECH_START)
        if utterance.pcm:
            self._put(bytes(utterance.pcm))

    def audio(self, pcm: bytes) -> None:
        self._put(pcm)

    def end(self, utterance: Utterance) -> None:
        """Speech ended: from the moment that this is sent, the final is awaited."""
        self._put(utterance)

    def text(self, message: str) -> None:
        self._put(message)

    def finish(self) -> None:
        """No more audio will come: the server may close when it has answered."""
        self._finishing = True
        self._put(protocol.END)

    async def run(self, url: str, headers: dict[str, str]) -> None:
        """Connects and serves until the server ends the session that we finished. Raises Lost."""
        socket = await self._connect(url, headers)
        tasks = [
            asyncio.create_task(each, name=f"stt-{name}")
            for name, each in (
                ("receive", self._receive(socket)),
                ("send", self._send(socket)),
                ("watch", self._watch()),
            )
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await cancel(*tasks)
            with suppress(TimeoutError, ConnectionError, aiohttp.ClientError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await socket.close()

    def _put(self, item: str | bytes | Utterance) -> None:
        self._outbox.append(item)
        self._wake.set()

    async def _connect(self, url: str, headers: dict[str, str]) -> aiohttp.ClientWebSocketResponse:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                socket = await self._session.ws_connect(url, headers=headers, heartbeat=30.0)
        except aiohttp.WSServerHandshakeError as error:
            raise Lost("the handshake was refused", error.status) from error
        except TimeoutError as error:
            raise Lost("no connection in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Lost(f"no connection: {type(error).__name__}") from error
        self._heard = self._clock.monotonic()
        return socket

    async def _send(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Sends what is in the outbox, in order, and never returns: the receiver decides."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            # A socket that closes meanwhile is the receiver's to report, with its close code.
            with suppress(ConnectionError, aiohttp.ClientError):
                while self._outbox:
                    await self._send_one(socket, self._outbox.popleft())

    async def _send_one(
        self, socket: aiohttp.ClientWebSocketResponse, item: str | bytes | Utterance
    ) -> None:
        match item:
            case str():
                await socket.send_str(item)
            case bytes():
                for at in range(0, len(item), RESEND_CHUNK):
                    await socket.send_bytes(item[at : at + RESEND_CHUNK])
            case Utterance():
                item.told = self._clock.monotonic()
                item.sends += 1
                await socket.send_str(protocol.SPEECH_END)

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Returns when the server ends a session that we finished; raises Lost otherwise."""
        while True:
            message = await socket.receive()
            self._heard = self._clock.monotonic()
            match message.type:
                case aiohttp.WSMsgType.TEXT:
                    if self._handle(protocol.parse(message.data)):
                        return
                case aiohttp.WSMsgType.CLOSE | aiohttp.WSMsgType.CLOSED | aiohttp.WSMsgType.CLOSING:
                    if self._finishing and not self._buffer.waiting:
                        return
                    raise Lost("the server closed the socket", socket.close_code)
                case aiohttp.WSMsgType.ERROR:
                    raise Lost("the socket failed")
                case _:
                    pass

    def _handle(self, message: dict[str, Any]) -> bool:
        """Hands a message on; True when the session is over as it should be."""
        match message.get("event"):
            case "session.begin":
                self.began = True
            case "session.end":
                return self._finishing
            case "error" if message.get("is_fatal"):
                status = message.get("status_code")
                raise Lost(
                    f"the server reports {message.get('code', 'an error')}",
                    status if isinstance(status, int) else None,
                )
        self._on_message(message)
        return False

    async def _watch(self) -> None:
        """Raises Lost when a final or the answer to a ping does not come in time."""
        while True:
            await self._clock.sleep(WATCH_EVERY_S)
            now = self._clock.monotonic()
            if self._buffer.waiting:
                told = self._buffer.waiting[0].told
                if told is not None and now - told > self._settings.stt_final_timeout:
                    raise Lost("no transcript in time")
            if self._pinged is not None and self._heard < self._pinged:
                if now - self._pinged > self._settings.stt_pong_timeout:
                    raise Lost("no answer to a ping")
            elif now - self._heard > self._settings.stt_ping_after:
                self._pinged = now
                self._put(protocol.PING)
