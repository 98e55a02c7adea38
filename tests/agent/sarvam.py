"""Both of Sarvam's sockets on one port, quick and exact: speech is a short hum for each text."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from tests.agent.speech.stt.server import SttServer

SECONDS_A_CHARACTER = 0.01
HUM_HZ = 220


@dataclass
class TtsServer:
    """`close_after` closes cleanly once that many pieces of audio were sent (None: never)."""

    close_after: int | None = None
    refuse: int | None = None
    connections: int = 0
    spoken: list[str] = field(default_factory=list)
    configs: list[dict[str, Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.connections += 1
        if self.refuse is not None:
            return web.Response(status=self.refuse)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        rate, held, sent = 24_000, "", 0
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            said = json.loads(message.data)
            match said["type"]:
                case "config":
                    self.configs.append(said["data"])
                    rate = int(said["data"]["speech_sample_rate"])
                case "text":
                    held += said["data"]["text"]
                case "flush":
                    self.spoken.append(held)
                    for piece in _pieces(held, rate):
                        if self.close_after is not None and sent >= self.close_after:
                            self.close_after = None
                            await socket.close()
                            return socket
                        sent += 1
                        await socket.send_json({"type": "audio", "data": {"audio": piece}})
                    held = ""
                    await socket.send_json({"type": "event", "data": {"event_type": "final"}})
        return socket


def _pieces(text: str, rate: int) -> list[str]:
    """A hum as long as the text, in pieces of 100 ms, base64."""
    count = int(len(text) * SECONDS_A_CHARACTER * rate)
    wave = (6000 * np.sin(2 * np.pi * HUM_HZ * np.arange(count) / rate)).astype("<i2").tobytes()
    step = rate // 10 * 2
    return [base64.b64encode(wave[at : at + step]).decode() for at in range(0, len(wave), step)]


@dataclass
class Speech:
    stt: SttServer
    tts: TtsServer
    url: str


@asynccontextmanager
async def speech() -> AsyncIterator[Speech]:
    stt, tts = SttServer(), TtsServer()
    app = web.Application()
    app.router.add_get("/speech-to-text-realtime/ws", stt.handle)
    app.router.add_get("/text-to-speech/ws", tts.handle)
    async with TestServer(app, host="127.0.0.1") as running:
        stt.url = str(running.make_url("")).rstrip("/").replace("http", "ws")
        yield Speech(stt, tts, stt.url)
        await stt.close_all(1001)
