"""A realtime speech-to-text server for tests: it tells exactly which audio it was sent.

Speaks Sarvam's protocol in manual endpointing. The final of an utterance is the list of distinct
sample values that lay in it, so a test sees which frames arrived, and in what order. One fault can
be armed at a time; it strikes in the middle of speech, after speech, or while idle.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer


@dataclass
class Fault:
    """What to do once `after` binary messages of an utterance have come (0: at once)."""

    kind: str  # close, reset, freeze, fatal, lost_final
    code: int = 1000
    after: int = 3
    times: int = 1


@dataclass
class SttServer:
    fault: Fault | None = None
    refuse_status: int | None = None
    refuse_code: int | None = None
    connections: int = 0
    queries: list[dict[str, str]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    finals: list[str] = field(default_factory=list)
    pings: int = 0
    language: str | None = None
    silent: bool = False  # sends no partials
    sockets: set[web.WebSocketResponse] = field(default_factory=set)
    url: str = ""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.connections += 1
        self.queries.append(dict(request.query))
        await self.tell()
        if self.refuse_status is not None:
            raise web.HTTPForbidden() if self.refuse_status == 403 else web.HTTPUnauthorized()
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if self.refuse_code is not None:
            await socket.close(code=self.refuse_code)
            return socket
        self.sockets.add(socket)
        try:
            await _Session(self, request, socket).run()
        finally:
            self.sockets.discard(socket)
        return socket

    async def tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def until(self, condition: Any, timeout: float = 5.0) -> None:
        """Waits until `condition()` holds; told of every change."""
        async with asyncio.timeout(timeout), self.changed:
            await self.changed.wait_for(condition)

    async def close_all(self, code: int) -> None:
        for socket in list(self.sockets):
            await socket.close(code=code)

    def take_fault(self, kind: str, messages: int) -> bool:
        fault = self.fault
        if fault is None or fault.kind != kind or messages < fault.after:
            return False
        fault.times -= 1
        if fault.times <= 0:
            self.fault = None
        return True


class _Session:
    def __init__(
        self, server: SttServer, request: web.Request, socket: web.WebSocketResponse
    ) -> None:
        self.server = server
        self.request = request
        self.socket = socket
        self.pcm = bytearray()
        self.messages = 0
        self.frozen = False

    async def run(self) -> None:
        await self._send(event="session.begin", session_id="s", config={})
        await self.server.tell()
        async for message in self.socket:
            if self.frozen:
                continue
            if message.type is WSMsgType.BINARY:
                await self._audio(message.data)
            elif message.type is WSMsgType.TEXT:
                await self._control(json.loads(message.data))
            await self.server.tell()

    async def _audio(self, data: bytes) -> None:
        self.pcm += data
        self.messages += 1
        server = self.server
        code = server.fault.code if server.fault else 1000
        if server.take_fault("close", self.messages):
            await self.socket.close(code=code)
        elif server.take_fault("reset", self.messages):
            transport = self.request.transport
            assert transport is not None
            transport.abort()
        elif server.take_fault("freeze", self.messages):
            self.frozen = True
        elif server.take_fault("fatal", self.messages):
            await self._send(
                event="error", code="model_unavailable", status_code=503, is_fatal=True
            )
        elif not server.silent:
            await self._send(event="transcript.partial", text=values(self.pcm), language="hi-IN")

    async def _control(self, message: dict[str, Any]) -> None:
        self.server.events.append(message)
        match message["event"]:
            case "speech_start":
                self.pcm.clear()
                self.messages = 0
            case "speech_end":
                if self.server.take_fault("lost_final", self.messages):
                    return
                text = values(self.pcm)
                self.server.finals.append(text)
                await self._send(
                    event="transcript.final", text=text, language=self.server.language or "hi-IN"
                )
            case "ping":
                self.server.pings += 1
                await self._send(event="pong")
            case "end":
                await self._send(event="session.end", audio_duration_s=0.0)
                await self.socket.close()

    async def _send(self, **message: Any) -> None:
        if not self.socket.closed:
            await self.socket.send_json(message)


def values(pcm: bytes | bytearray) -> str:
    """The distinct sample values other than silence, in the order in which they first appear."""
    samples = np.frombuffer(bytes(pcm), "<i2")
    seen = dict.fromkeys(int(value) for value in samples if value)
    return " ".join(str(value) for value in seen)


@asynccontextmanager
async def stt_server() -> AsyncIterator[SttServer]:
    server = SttServer()
    app = web.Application()
    app.router.add_get("/speech-to-text-realtime/ws", server.handle)
    async with TestServer(app, host="127.0.0.1") as running:
        server.url = str(running.make_url("")).rstrip("/").replace("http", "ws")
        yield server
        await server.close_all(1001)
