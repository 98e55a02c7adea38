"""The speech-to-text model as AgentSession knows it."""

import weakref
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, APIConnectOptions, stt, utils
from livekit.agents.types import NotGivenOr
from livekit.agents.utils import AudioBuffer, is_given

from services.agent.settings import SarvamSettings
from services.agent.speech.stt.stream import RealtimeStream
from shared.clock import SYSTEM_CLOCK, Clock


@dataclass(frozen=True, slots=True)
class Tuning:
    """The numbers of the recipe; the settings say what each is for. Seconds, unless `_ms`."""

    stream_type: str = "fast"
    prefix_ms: int = 500
    hold: float = 30.0
    final_timeout: float = 1.5
    give_up: float = 6.0
    ping_after: float = 5.0
    pong_timeout: float = 3.0
    preflight: bool = True

    @classmethod
    def from_settings(cls, settings: SarvamSettings) -> "Tuning":
        return cls(
            stream_type=settings.stt_stream_type,
            prefix_ms=settings.stt_prefix_ms,
            hold=settings.stt_hold,
            final_timeout=settings.stt_final_timeout,
            give_up=settings.stt_give_up,
            ping_after=settings.stt_ping_after,
            pong_timeout=settings.stt_pong_timeout,
            preflight=settings.stt_preflight,
        )


class Listener(Protocol):
    """What the call wants to know about its speech-to-text. None of it may raise."""

    def stt_ready(self) -> None:
        """A session began."""

    def stt_refused(self, reason: str) -> None:
        """Sarvam refuses the key, the model or the account."""

    def stt_away(self, reason: str) -> None:
        """Sarvam cannot be reached for many tries in a row."""

    def stt_unheard(self, count: int) -> None:
        """Utterances were given up: the caller has to say them again."""

    def stt_drops(self, text: str) -> bool:
        """Whether a transcript is to be dropped, since it is only a backchannel."""
        ...


class RealtimeSTT(stt.STT[Any]):
    """Sarvam's realtime speech-to-text, with turns that the session's own detector delimits.

    `language` is one of ours, `unknown` included. Wire `user_speaking` to the session's
    `user_state_changed`.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        model: str,
        language: str,
        listener: Listener,
        tuning: Tuning | None = None,
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
        self.base_url = base_url
        self.listener = listener
        self.tuning = tuning or Tuning()
        self.clock = clock
        self._api_key = api_key
        self._model_name = model
        self._language = language
        self._session = session
        self._streams: weakref.WeakSet[RealtimeStream] = weakref.WeakSet()

    @property
    def model(self) -> str:
        return self._model_name

    @property
    def provider(self) -> str:
        return "Sarvam"

    def headers(self) -> dict[str, str]:
        return {"api-subscription-key": self._api_key}

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
            stt=self,
            language=language if is_given(language) else self._language,
            # The stream reconnects by itself, without losing what was said.
            conn_options=APIConnectOptions(max_retry=0, timeout=conn_options.timeout),
            session=self._session or utils.http_context.http_session(),
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
