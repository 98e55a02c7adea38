"""Sarvam's text to speech as the plugin has it, with what a call needs beside.

The plugin's table of voices lacks some of bulbul:v3, so ours decides. Its pool keeps sockets
longer than Sarvam does: they are replaced while the caller speaks, when nobody waits for one. A
socket that closes in the middle of a sentence is an error, not the end of the sentence.
"""

import weakref
from typing import Any

import aiohttp
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    APIConnectionError,
    APIConnectOptions,
    APIStatusError,
    tokenize,
    tts,
)
from livekit.plugins import sarvam
from livekit.plugins.sarvam.tts import SynthesizeStream

from services.agent.settings import AgentSettings
from shared.clock import SYSTEM_CLOCK, Clock
from shared.locales.model import UNKNOWN
from shared.locales.registry import DEFAULT_LANGUAGE, locale

PATH = "/text-to-speech/ws"
REST_PATH = "/text-to-speech"
PLACEHOLDER = "shubh"  # a voice that the plugin's own table surely has

# HTTP statuses and close codes with which Sarvam says "no", and not "not now".
REFUSED_STATUSES = (400, 401, 402, 403, 404, 422, 1003)


def spelling(language: str, otherwise: str = DEFAULT_LANGUAGE) -> str:
    """Our language code as the text-to-speech socket spells it.

    The socket cannot detect a language: for `unknown` it speaks `otherwise`.
    """
    return locale(otherwise if language == UNKNOWN else language).sarvam.others


def refusal(error: BaseException | None) -> int | None:
    """The status with which Sarvam said no; None when it only is not there just now."""
    while error is not None:
        status = getattr(error, "status_code", None) or getattr(error, "status", None)
        if status in REFUSED_STATUSES:
            return int(status)
        error = error.__cause__
    return None


class SarvamTTS(sarvam.TTS):
    """`voice` is one of the model's, as shared.voices resolves it. Speech is PCM16 mono."""

    def __init__(
        self,
        settings: AgentSettings,
        *,
        language: str,
        voice: str,
        session: aiohttp.ClientSession | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        base = settings.sarvam_base_url
        super().__init__(
            target_language_code=spelling(language, settings.default_language),
            model=settings.sarvam_tts_model,
            speaker=PLACEHOLDER,
            speech_sample_rate=settings.tts_sample_rate,
            pace=settings.tts_pace,
            temperature=settings.tts_temperature,
            min_buffer_size=settings.tts_min_buffer,
            api_key=settings.sarvam_api_key.get_secret_value(),
            base_url=f"http{base.removeprefix('ws').removeprefix('http')}{REST_PATH}",
            ws_url=f"{base}{PATH}",
            output_audio_codec="linear16",
            http_session=session,
        )
        self._opts.speaker = voice
        self._max_age = settings.tts_socket_age
        self._clock = clock
        self._opened: weakref.WeakKeyDictionary[aiohttp.ClientWebSocketResponse, float] = (
            weakref.WeakKeyDictionary()
        )

    @property
    def language(self) -> str:
        """The language spoken now, as the socket spells it."""
        return str(self._opts.target_language_code)

    def set_language(self, language: str) -> None:
        """Holds from the next segment on."""
        self._opts.target_language_code = spelling(language)

    def warm(self) -> None:
        """To be called while the caller speaks: a fresh socket is ready for the reply.

        Replaces an idle socket that Sarvam will soon close, and opens one when a barge-in has
        thrown the last one away.
        """
        now = self._clock.monotonic()
        for socket, opened in list(self._opened.items()):
            idle = id(socket) in self._ws_keepalive_tasks
            if idle and (socket.closed or now - opened > self._max_age):
                self._pool.remove(socket)
                del self._opened[socket]
        self.prewarm()

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> "SarvamStream":
        stream = SarvamStream(tts=self, conn_options=conn_options)
        self._streams.add(stream)
        return stream

    async def _connect_ws(self, timeout: float) -> aiohttp.ClientWebSocketResponse:
        try:
            socket = await super()._connect_ws(timeout)
        except APIConnectionError as error:
            # A refusal must not be tried again as if it were the network's fault.
            if isinstance(error.__cause__, aiohttp.WSServerHandshakeError):
                status = error.__cause__.status
                raise APIStatusError("Sarvam refuses to speak", status_code=status) from error
            raise
        self._opened[socket] = self._clock.monotonic()
        return socket


class SarvamStream(SynthesizeStream):
    """A segment is over when Sarvam says so; a clean close before that is a failure."""

    async def _run_ws(
        self, word_stream: tokenize.SentenceStream, output_emitter: tts.AudioEmitter
    ) -> None:
        self._complete = False
        await super()._run_ws(word_stream, output_emitter)
        if not self._complete:
            raise APIConnectionError("the text-to-speech socket closed in mid-sentence")

    async def _handle_event_message(
        self, resp: dict[str, Any], output_emitter: tts.AudioEmitter
    ) -> bool:
        if resp.get("data", {}).get("event_type") == "final":
            self._complete = True
        return await super()._handle_event_message(resp, output_emitter)
