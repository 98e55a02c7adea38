"""`/speech-to-text/ws`, which Sarvam calls legacy: final transcripts only, turns by the server."""

import base64
import binascii
import json
from typing import Any, Final

from aiohttp import web

from services.sandbox.sarvam import spelling
from services.sandbox.sarvam.admission import REFUSED, REJECTED, admitted
from services.sandbox.sarvam.audio_input import AudioInput, OpenUtterance
from services.sandbox.sarvam.backend import Backend
from services.sandbox.sarvam.delayed import DelayedMessages
from services.sandbox.sarvam.socket import Socket
from services.sandbox.sarvam.socket_faults import inject_fault
from services.sandbox.sarvam.transcript import transcript
from services.sandbox.speech import pcm
from shared.ids import uuid7

PATH: Final = "legacy"
MODELS: Final = ("saaras:v3", "saaras:v4")
RATES: Final = (8000, 16000)
_ERROR: Final = {"type": "error", "data": {"message": "Internal server error", "code": "500"}}
_RIFF_HEADER: Final = 44  # bytes; a client may send whole WAV files


async def handle(request: web.Request, backend: Backend) -> web.StreamResponse:
    async with admitted(request, backend, PATH, refused=REFUSED) as socket:
        if fault := query_fault(request):
            await socket.close(REJECTED, fault)
        else:
            await LegacySession(socket, request, backend).run()
    return socket.response


def query_fault(request: web.Request) -> str | None:
    """What is wrong with the query, in one line."""
    query = request.query
    if query.get("model", MODELS[0]) not in MODELS:
        return f"model: expected one of {', '.join(MODELS)}"
    if query.get("language-code", "") not in spelling.LEGACY:
        return "language-code: is not a supported language"
    if query.get("sample_rate", "16000") not in map(str, RATES):
        return "sample_rate: expected 8000 or 16000"
    return None


class LegacySession:
    """One socket from its handshake to its close."""

    def __init__(self, socket: Socket, request: web.Request, backend: Backend) -> None:
        self._socket = socket
        self._backend = backend
        self._language = socket.language = request.query["language-code"]
        self._rate = int(request.query.get("sample_rate", "16000"))
        self._flushes = request.query.get("flush_signal", "false") == "true"
        self._input = AudioInput(backend.registry, self._rate)
        self._utterance: OpenUtterance | None = None
        self._count = 0

    async def run(self) -> None:
        self._delayed = DelayedMessages(self._socket.send)
        try:
            async for message in self._socket.messages():
                if not await self._message(message.data):
                    return
        finally:
            await self._delayed.aclose()

    async def _message(self, data: str | bytes) -> bool:
        """False after the client's last message."""
        try:
            message = json.loads(data)
            kind = message.get("type")
            audio = base64.b64decode((message.get("audio") or {}).get("data") or "")
        except (ValueError, AttributeError, binascii.Error):
            await self._socket.send(
                {"type": "error", "data": {"message": "Invalid message", "code": "400"}}
            )
            return True
        if kind == "end_of_stream":
            await self._end_of_speech()
            await self._delayed.drain()
            await self._socket.close()
            return False
        if kind == "flush" and self._flushes:
            self._input.end_speech()
            await self._end_of_speech()
        if audio:
            await self._audio(audio)
        return True

    async def _audio(self, audio: bytes) -> None:
        samples = pcm.samples(audio[_RIFF_HEADER:] if audio[:4] == b"RIFF" else audio)
        self._socket.carried_s += len(samples) / self._rate
        silence_s = self._backend.latencies.stt_silence_ms / 1000
        for speaking in self._input.watch(samples, silence_s):
            await (self._start_of_speech() if speaking else self._end_of_speech())
        utterance = self._utterance
        if utterance is None or utterance.fault is None:
            return
        utterance.heard_s = self._input.seconds - utterance.start_s
        if utterance.fault_is_due():
            await inject_fault(self._socket, utterance.fault, _ERROR)
            utterance.fault = None

    async def _start_of_speech(self) -> None:
        self._count += 1
        self._utterance = OpenUtterance(
            self._count,
            self._language,
            self._input.seconds,
            self._backend.faults.mid_stream(PATH),
        )
        await self._signal("START_SPEECH")

    async def _end_of_speech(self) -> None:
        utterance, self._utterance = self._utterance, None
        if utterance is None:
            return
        await self._signal("END_SPEECH")
        if utterance.fault and utterance.fault_is_due(at_end=True):
            await inject_fault(self._socket, utterance.fault, _ERROR)
        heard = transcript(self._input.take(), utterance.language)
        data = {
            "request_id": uuid7(),
            "transcript": heard.text,
            "language_code": spelling.legacy(heard.language),
            "language_probability": heard.confidence,
            "speech_start": round(utterance.start_s, 3),
            "speech_end": round(self._input.seconds, 3),
            "metrics": {
                "audio_duration": round(self._input.seconds - utterance.start_s, 3),
                "processing_latency": self._backend.latencies.stt_ms / 1000,
            },
        }
        if not self._backend.faults.drops_final(PATH):
            delay = self._backend.latencies.stt_ms / 1000 + self._backend.faults.delay_s(PATH)
            self._delayed.put({"type": "data", "data": data}, delay)

    async def _signal(self, signal: str) -> None:
        data: dict[str, Any] = {"signal_type": signal, "occured_at": self._input.seconds}
        await self._socket.send({"type": "events", "data": data})
