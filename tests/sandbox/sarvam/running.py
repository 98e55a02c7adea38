"""The stand-in on a free port, with callers to speak to it and clients to ask it."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp.test_utils import TestServer

from services.sandbox.sarvam import SarvamStandIn
from services.sandbox.speech import Espeak, Registry, Speaker, Speech
from tests.sandbox.speech.audio import Samples, pieces

KEY = "a-key"
HEADERS = {"api-subscription-key": KEY}
# Short, so that tests are quick: what they show is the order of things.
QUICK = {"stt_silence_ms": 200, "stt_ms": 20, "tts_ms": 20}
WAIT_S = 15.0
# Shared by all tests: a process of its own for each would take 0.2 s of CPU.
_SPOKEN: OrderedDict[tuple[str, str, int], Speech] = OrderedDict()


class Talk:
    """A socket whose messages can be waited for."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.messages: list[dict[str, Any]] = []

    async def send(self, **message: Any) -> None:
        await self.socket.send_str(json.dumps(message))

    async def say(self, *audio: Samples, piece_s: float = 0.010) -> None:
        """Sends audio as binary messages, faster than it lasts, as long as the socket is there."""
        with suppress(ConnectionError):
            for part in audio:
                for piece in pieces(part, piece_s):
                    await self.socket.send_bytes(piece.astype("<i2").tobytes())

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next message that is wanted; those before it are kept in `messages`."""
        async with asyncio.timeout(WAIT_S):
            while True:
                message = await self.socket.receive()
                if message.type is not aiohttp.WSMsgType.TEXT:
                    raise AssertionError(f"{message.type.name} {self.socket.close_code}")
                self.messages.append(json.loads(message.data))
                if wanted(self.messages[-1]):
                    return self.messages[-1]

    async def event(self, name: str) -> dict[str, Any]:
        return await self.until(lambda message: message.get("event") == name)

    async def closed(self) -> int | None:
        """The close code, after whatever else was still said."""
        async with asyncio.timeout(WAIT_S):
            while not self.socket.closed:
                message = await self.socket.receive()
                if message.type is aiohttp.WSMsgType.TEXT:
                    self.messages.append(json.loads(message.data))
        return self.socket.close_code

    def named(self, name: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message.get("event") == name]


@dataclass
class Running:
    """`http` and `ws` are base addresses without a slash at the end."""

    http: str
    ws: str
    registry: Registry
    espeak: Espeak
    speaker: Speaker
    stand_in: SarvamStandIn
    session: aiohttp.ClientSession

    @asynccontextmanager
    async def socket(
        self, path: str, query: Mapping[str, object], headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Talk]:
        url = f"{self.ws}{path}?{urlencode(query)}"
        async with self.session.ws_connect(
            url, headers=HEADERS if headers is None else headers
        ) as socket:
            yield Talk(socket)

    @asynccontextmanager
    async def realtime(self, language: str = "hi-IN", **query: Any) -> AsyncIterator[Talk]:
        """A realtime session, begun; manual endpointing unless told otherwise."""
        query = {"language_code": language, "endpointing": "manual", **query}
        async with self.socket("/speech-to-text-realtime/ws", query) as talk:
            await talk.event("session.begin")
            yield talk


@asynccontextmanager
async def running(registry: Registry | None = None, **keywords: Any) -> AsyncIterator[Running]:
    """`keywords` go to SarvamStandIn; the latencies are QUICK unless given."""
    registry = registry or Registry()
    async with Espeak() as espeak:
        espeak._cache = _SPOKEN
        speaker = Speaker(espeak, registry)
        stand_in = SarvamStandIn(espeak, registry, speaker=speaker, **QUICK | keywords)
        async with (
            TestServer(stand_in.app(), host="127.0.0.1") as server,
            aiohttp.ClientSession() as session,
        ):
            http = str(server.make_url("")).rstrip("/")
            yield Running(
                http, http.replace("http", "ws"), registry, espeak, speaker, stand_in, session
            )
