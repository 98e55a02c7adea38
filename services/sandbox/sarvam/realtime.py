"""`/speech-to-text-realtime/ws`: partial and final transcripts, turns by server or client."""

import base64
import binascii
import json
from typing import Any, Final

from aiohttp import WSMsgType, web

from services.sandbox.sarvam.admission import REFUSED, REJECTED, admitted
from services.sandbox.sarvam.audio_input import AudioInput, OpenUtterance
from services.sandbox.sarvam.backend import Backend
from services.sandbox.sarvam.delayed import DelayedMessages
from services.sandbox.sarvam.realtime_query import RealtimeConfig, changed, read_query
from services.sandbox.sarvam.socket import Socket
from services.sandbox.sarvam.socket_faults import inject_fault
from services.sandbox.sarvam.transcript import partial, transcript
from services.sandbox.speech import pcm
from shared.ids import uuid7

PATH: Final = "realtime"
TIMED_OUT: Final = 1008
# Seconds of audio between partial transcripts; Sarvam does not publish its own.
CADENCE_S: Final = {"fast": 0.1, "balanced": 0.3, "simulated": 0.6}
_ERROR: Final = {
    "event": "error",
    "code": "model_unavailable",
    "message": "The model is temporarily unavailable.",
    "status_code": 503,
    "is_fatal": True,
}


async def handle(request: web.Request, backend: Backend) -> web.StreamResponse:
    async with admitted(request, backend, PATH, refused=REFUSED) as socket:
        try:
            config = read_query(request.query)
        except ValueError as error:
            await socket.close(REJECTED, str(error))
        else:
            await RealtimeSession(socket, config, backend).run()
    return socket.response


class RealtimeSession:
    """One socket from its `session.begin` to its close."""

    def __init__(self, socket: Socket, config: RealtimeConfig, backend: Backend) -> None:
        self._socket = socket
        self._config = config
        self._next = config  # holds from the next utterance on
        self._backend = backend
        self._id = uuid7()
        self._request_id = uuid7()
        self._input = AudioInput(backend.registry, config.sample_rate)
        self._tune()
        self._utterance: OpenUtterance | None = None
        self._index = -1

    async def run(self) -> None:
        self._delayed = DelayedMessages(self._socket.send)
        try:
            await self._send("session.begin", config=self._config.model_dump(), simulated=True)
            async for message in self._socket.messages(idle_code=TIMED_OUT):
                if message.type is WSMsgType.BINARY:
                    await self._audio(message.data)
                else:
                    await self._control(message.data)
        finally:
            await self._delayed.aclose()

    # What the client says.

    async def _control(self, text: str) -> None:
        try:
            message = json.loads(text)
            event = message["event"]
        except (ValueError, KeyError, TypeError):
            await self._error("invalid_message", "expected a JSON object with an event")
            return
        match event:
            case "audio_input":
                await self._audio_input(message.get("audio"))
            case "speech_start":
                await self._speech_start()
            case "speech_end" if self._utterance is None or self._config.endpointing == "vad":
                await self._error("invalid_state", "no utterance is open")
            case "speech_end":
                await self._end()
            case "flush":
                await self._flush()
            case "config.update":
                await self._update({k: v for k, v in message.items() if k != "event"})
            case "ping":
                await self._send("pong")
            case "end":
                await self._finish()
            case _:
                await self._error("unknown_event", f"no such event: {event}")

    async def _audio_input(self, encoded: object) -> None:
        try:
            if not isinstance(encoded, str):
                raise TypeError("no text")
            audio = base64.b64decode(encoded, validate=True)
        except (TypeError, binascii.Error):
            await self._error("invalid_audio", "audio: expected base64")
            return
        await self._audio(audio)

    async def _audio(self, encoded: bytes) -> None:
        audio = pcm.decode(encoded, self._config.encoding)
        self._socket.carried_s += len(audio) / self._config.sample_rate
        if self._config.endpointing == "vad":
            for speaking in self._input.watch(audio, self._silence_s()):
                await (self._speech_began() if speaking else self._speech_ended())
        elif self._utterance is not None:
            self._input.hear(audio)
        await self._progress()

    async def _speech_start(self) -> None:
        if self._config.endpointing != "manual" or self._utterance is not None:
            await self._error("invalid_state", "an utterance is open, or the server finds them")
            return
        self._open()

    async def _flush(self) -> None:
        if self._utterance is None:
            return
        if self._config.endpointing == "vad":
            self._input.end_speech()
            await self._speech_ended()
        else:
            await self._end()

    async def _update(self, update: dict[str, Any]) -> None:
        try:
            self._next = changed(self._next, update)
        except ValueError as error:
            await self._error("invalid_config", str(error))
            return
        waits = self._utterance is not None
        if not waits:
            self._adopt()
        suffix = " (from the next utterance)" if waits else ""
        await self._send(
            "config.updated", applied=[f"{name}={value}{suffix}" for name, value in update.items()]
        )

    async def _finish(self) -> None:
        if self._utterance is not None:
            await self._end()
        await self._delayed.drain()
        await self._send("session.end", audio_duration_s=round(self._socket.carried_s, 3))
        await self._socket.close()

    # The utterance.

    def _open(self) -> None:
        self._index += 1
        self._utterance = OpenUtterance(
            self._index,
            self._config.language_code,
            self._input.seconds,
            self._backend.faults.mid_stream(PATH),
        )

    async def _speech_began(self) -> None:
        self._open()
        await self._send("vad.speech_start", utterance_idx=self._index)

    async def _speech_ended(self) -> None:
        await self._send("vad.speech_end", utterance_idx=self._index)
        await self._end()

    async def _progress(self) -> None:
        """A fault that is due, or a partial transcript when there is more to say."""
        utterance = self._utterance
        if utterance is None:
            return
        utterance.heard_s = self._input.seconds - utterance.start_s
        if utterance.fault and utterance.fault_is_due():
            await inject_fault(self._socket, utterance.fault, _ERROR)
            utterance.fault = None
        if utterance.heard_s - utterance.partial_s < CADENCE_S[self._config.stream_type]:
            return
        utterance.partial_s = utterance.heard_s
        so_far = partial(self._input.so_far(), utterance.language)
        if so_far.text and so_far.text != utterance.partial:
            utterance.partial = so_far.text
            await self._send(
                "transcript.partial",
                utterance_idx=utterance.index,
                text=so_far.text,
                language=so_far.language,
                language_confidence=so_far.confidence,
            )

    async def _end(self) -> None:
        utterance, self._utterance = self._utterance, None
        if utterance is None:
            return
        if utterance.fault and utterance.fault_is_due(at_end=True):
            await inject_fault(self._socket, utterance.fault, _ERROR)
        heard = transcript(self._input.take(), utterance.language)
        final: dict[str, Any] = {
            "event": "transcript.final",
            "utterance_idx": utterance.index,
            "text": heard.text,
            "language": heard.language,
            "language_confidence": heard.confidence,
        }
        if self._config.return_timestamps:
            final["start_s"] = round(utterance.start_s, 3)
            final["end_s"] = round(self._input.seconds, 3)
        if not self._backend.faults.drops_final(PATH):
            delay = self._backend.latencies.stt_ms / 1000 + self._backend.faults.delay_s(PATH)
            self._delayed.put(final, delay)
        self._adopt()

    def _adopt(self) -> None:
        if self._next != self._config:
            self._config = self._next
            self._tune()

    def _tune(self) -> None:
        self._socket.language = self._config.language_code
        self._input.tune(
            threshold=self._config.threshold,
            onset_s=self._config.min_speech_duration_ms / 1000,
        )

    def _silence_s(self) -> float:
        asked = self._config.silence_duration_ms
        return (self._backend.latencies.stt_silence_ms if asked is None else asked) / 1000

    async def _send(self, event: str, **more: Any) -> None:
        if event.startswith("session."):
            more |= {"session_id": self._id, "request_id": self._request_id}
        await self._socket.send({"event": event, **more})

    async def _error(self, code: str, message: str) -> None:
        await self._send("error", code=code, message=message, status_code=400, is_fatal=False)
