"""The speech-to-text model as AgentSession knows it."""

import weakref
from typing import Any

import aiohttp
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, APIConnectOptions, stt, utils
from livekit.agents.types import NotGivenOr
from livekit.agents.utils import AudioBuffer, is_given

from services.agent.settings import SarvamSettings
from services.agent.speech.stt.listener import SttListener
from services.agent.speech.stt.stream import RealtimeStream
from shared.clock import SYSTEM_CLOCK, Clock


class RealtimeSTT(stt.STT[Any]):
    """Sarvam's realtime speech-to-text, with turns that the session's own detector delimits.

    `language` is one of ours, `unknown` included. Wire `user_speaking` to the session's
    `user_state_changed`.
    """

    def __init__(
        self,
        settings: SarvamSettings,
        *,
        language: str,
        listener: SttListener,
        session: aiohttp.ClientSession | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True,
                interim_results=True,
                offline_recognize=False,
                # Lets AgentSession's own detector end an utterance by flushing the stream.
                manual_flush=True,
            )
        )
        self._settings = settings
        self._language = language
        self._listener = listener
        self._session = session
        self._clock = clock
        self._streams: weakref.WeakSet[RealtimeStream] = weakref.WeakSet()

    @property
    def model(self) -> str:
        return self._settings.sarvam_stt_model

    @property
    def provider(self) -> str:
        return "Sarvam"

    def user_speaking(self, speaking: bool) -> None:
        for stream in list(self._streams):
            stream.user_speaking(speaking)

    def set_language(self, language: str) -> None:
        """Changes the language from the next utterance on."""
        self._language = language
        for stream in list(self._streams):
            stream.set_language(language)

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> RealtimeStream:
        stream = RealtimeStream(
            self,
            self._settings,
            language=language if is_given(language) else self._language,
            listener=self._listener,
            # The stream reconnects by itself, without losing what was said.
            conn_options=APIConnectOptions(max_retry=0, timeout=conn_options.timeout),
            session=self._session or utils.http_context.http_session(),
            clock=self._clock,
        )
        self._streams.add(stream)
        return stream

    async def aclose(self) -> None:
        for stream in list(self._streams):
            await stream.aclose()

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        raise NotImplementedError("the realtime socket takes streams only")
