"""`/text-to-speech/ws`: text comes in pieces, speech goes out faster than it lasts."""

import asyncio
import base64
import json
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from services.sandbox.pacing import sleep_until
from services.sandbox.sarvam.admission import FORBIDDEN, admitted
from services.sandbox.sarvam.backend import Backend
from services.sandbox.sarvam.faults import SpeechFault
from services.sandbox.sarvam.socket import Socket
from services.sandbox.sarvam.socket_faults import inject_fault
from services.sandbox.sarvam.synthesis import Rejected, VoiceRequest, read_voice
from services.sandbox.speech import SpeechUnavailable
from shared.ids import uuid7
from shared.runtime.tasks import cancel

PATH: Final = "tts"
PIECE_S: Final = 0.1  # of speech a message
SPEED: Final = 20  # times as fast as it lasts
_CODECS: Final = ("linear16",)


async def handle(request: web.Request, backend: Backend) -> web.StreamResponse:
    async with admitted(request, backend, PATH, refused=FORBIDDEN) as socket:
        await SpeechSession(socket, request, backend).run()
    return socket.response


@dataclass(frozen=True, slots=True)
class _Text:
    """A text released for speech at a moment of the loop's clock, with the fault that it will
    meet."""

    voice: VoiceRequest
    text: str
    released: float
    fault: SpeechFault | None
    late_s: float


@dataclass(frozen=True, slots=True)
class _Flushed:
    """Everything before this has been asked for: the completion event goes out here."""


class SpeechSession:
    """One socket: many configurations, one after another, as clients pool their sockets."""

    def __init__(self, socket: Socket, request: web.Request, backend: Backend) -> None:
        self._socket = socket
        self._backend = backend
        self._model = request.query.get("model")
        self._completes = request.query.get("send_completion_event", "false").lower() == "true"
        self._request_id = uuid7()
        self._voice: VoiceRequest | None = None
        self._held = ""
        self._queue: asyncio.Queue[_Text | _Flushed] = asyncio.Queue()

    async def run(self) -> None:
        speaking = asyncio.create_task(self._speak(), name="sarvam-tts")
        try:
            async for message in self._socket.messages():
                try:
                    self._message(message.data)
                except Rejected as rejected:
                    await self._reject(rejected)
        finally:
            await cancel(speaking)

    def _message(self, raw: str | bytes) -> None:
        try:
            message = json.loads(raw)
            kind, data = message["type"], message.get("data") or {}
            text = data.get("text")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Rejected("Invalid message: expected a JSON object with a type", 422) from None
        match kind:
            case "config":
                self._configure(data)
            case "text" if isinstance(text, str):
                self._take(text)
            case "flush":
                self._release()
                self._queue.put_nowait(_Flushed())
            case "ping":
                pass
            case _:
                raise Rejected(f"Invalid message of type {kind!r}", 422)

    def _configure(self, data: dict[str, Any]) -> None:
        self._voice = None
        self._held = ""
        model = data.get("model") or self._model
        self._voice = read_voice(data | {"model": model}, codecs=_CODECS, codec="mp3")
        self._socket.language = self._voice.language

    def _take(self, text: str) -> None:
        """Text waits until there is enough of it, or a flush."""
        if self._voice is None:
            raise Rejected("400: The first message must be a config")
        self._held += text
        if len(self._held) >= self._voice.min_buffer:
            self._release()

    def _release(self) -> None:
        text, self._held = self._held, ""
        if self._voice is None or not text.strip():
            return
        now = asyncio.get_running_loop().time()
        faults = self._backend.faults
        self._queue.put_nowait(
            _Text(self._voice, text, now, faults.mid_stream(PATH), faults.delay_s(PATH))
        )

    async def _reject(self, rejected: Rejected) -> None:
        await self._socket.send({"type": "error", "data": rejected.data(self._request_id)})

    # Speaking.

    async def _speak(self) -> None:
        while True:
            match await self._queue.get():
                case _Text() as text:
                    await self._say(text)
                case _Flushed():
                    if self._completes and not self._backend.faults.drops_final(PATH):
                        data = {"event_type": "final", "request_id": self._request_id}
                        await self._socket.send({"type": "event", "data": data})

    async def _say(self, text: _Text) -> None:
        try:
            audio = await text.voice.speak(self._backend.espeak, text.text)
        except SpeechUnavailable as error:
            await self._reject(Rejected(f"the simulator cannot speak: {error.message}", 503))
            return
        latency_s = self._backend.latencies.tts_ms / 1000 + text.late_s
        await sleep_until(text.released + latency_s)
        rate = text.voice.rate
        piece = 2 * int(rate * PIECE_S)
        begun = asyncio.get_running_loop().time()
        fault = text.fault
        for number, at in enumerate(range(0, len(audio), piece)):
            await sleep_until(begun + number * PIECE_S / SPEED)
            if fault is not None and at / 2 / rate * 1000 >= fault.ms:
                await inject_fault(self._socket, fault, self._failure())
                fault = None
            await self._send_audio(audio[at : at + piece])
            self._socket.carried_s += len(audio[at : at + piece]) / 2 / rate
        if fault is not None:
            await inject_fault(self._socket, fault, self._failure())

    async def _send_audio(self, audio: bytes) -> None:
        data = {
            "content_type": "audio/pcm",
            "audio": base64.b64encode(audio).decode(),
            "request_id": self._request_id,
        }
        await self._socket.send({"type": "audio", "data": data})

    def _failure(self) -> dict[str, Any]:
        error = Rejected("Internal server error", 500)
        return {"type": "error", "data": error.data(self._request_id)}
