"""The stream that AgentSession feeds: one reader for its whole life, one connection after another.

The session's own voice-activity detector delimits the utterances: its start of speech opens one
(`user_speaking`), its end of speech flushes the stream, which closes it. Audio in between turns is
not sent. Whatever has no transcript when a connection is lost is sent again on the next one.
"""

import asyncio
from typing import Any

import aiohttp
from livekit import rtc
from livekit.agents import APIConnectOptions, LanguageCode, stt
from loguru import logger

from services.agent.settings import SarvamSettings
from services.agent.speech.stt import protocol
from services.agent.speech.stt.connection import Connection, Lost
from services.agent.speech.stt.listener import SttListener
from services.agent.speech.stt.utterance import UtteranceBuffer
from shared.backoff import Backoff
from shared.clock import Clock
from shared.runtime.tasks import cancel

# Before each new connection but the first one, which is made at once.
RETRY = Backoff(first=0.2, longest=2.0, jitter=(1.0, 1.0))
REFUSALS_TO_TELL = 3  # refusals in a row that are no accident
LOSSES_TO_TELL = 8  # losses in a row after which somebody should know
REFUSED_PAUSE_S = 15.0  # between tries when Sarvam refuses us: a key does not mend in one
EXPIRE_EVERY_S = 0.25  # how often utterances are looked at that wait for their transcript
STEADY_S = 5.0  # that a connection must last for the losses to be counted anew


class RealtimeStream(stt.RecognizeStream):
    """Never ends by itself and never raises for the server's sake: it reconnects and reports."""

    def __init__(
        self,
        model: stt.STT[Any],
        settings: SarvamSettings,
        *,
        language: str,
        listener: SttListener,
        conn_options: APIConnectOptions,
        session: aiohttp.ClientSession,
        clock: Clock,
    ) -> None:
        super().__init__(stt=model, conn_options=conn_options, sample_rate=protocol.SAMPLE_RATE)
        self._settings = settings
        self._language = language
        self._listener = listener
        self._session = session
        self._clock = clock
        self._buffer = UtteranceBuffer(
            prefix=protocol.BYTES_PER_SECOND * settings.stt_prefix_ms // 1000,
            hold=int(protocol.BYTES_PER_SECOND * settings.stt_hold),
        )
        self._connection: Connection | None = None
        self._partial = ""
        self._speaking = False
        self._finished = False

    # What the session tells us.

    def user_speaking(self, speaking: bool) -> None:
        """The local detector's word: voice began (True) or ended."""
        self._speaking = speaking
        if speaking and self._buffer.open is None and not self._event_ch.closed:
            self._open()

    def set_language(self, language: str) -> None:
        """Holds from the next utterance on."""
        self._language = language
        if self._connection is not None:
            self._connection.text(protocol.config_update(language))

    async def _run(self) -> None:
        # Ended by cancelling and no Background: they live as long as the stream and ask no Redis.
        reader = asyncio.create_task(self._read(), name="stt-read")
        expiry = asyncio.create_task(self._expire(), name="stt-expire")
        try:
            await self._serve()
        finally:
            await cancel(reader, expiry)

    async def _read(self) -> None:
        async for item in self._input_ch:
            if isinstance(item, rtc.AudioFrame):
                pcm = item.data.tobytes()
                if self._buffer.push(pcm) and self._connection is not None:
                    self._connection.audio(pcm)
            else:
                self._close()
                if self._speaking:
                    self._open()
        self._close()
        self._finished = True
        if self._connection is not None:
            self._connection.finish()

    def _open(self) -> None:
        utterance = self._buffer.start()
        self._partial = ""
        if self._connection is not None:
            self._connection.start(utterance)
        self._emit(stt.SpeechEventType.START_OF_SPEECH)

    def _close(self) -> None:
        utterance = self._buffer.end(self._clock.monotonic())
        if utterance is None:
            self._nothing_to_hear()
            return
        if self._connection is not None:
            self._connection.end(utterance)
        if self._settings.stt_preflight and self._partial and not self._dropped(self._partial):
            # The reply is begun on the last partial; a final with the same words adopts it.
            self._emit(stt.SpeechEventType.PREFLIGHT_TRANSCRIPT, self._partial)
        self._emit(stt.SpeechEventType.END_OF_SPEECH)
        seconds = len(utterance.pcm) / protocol.BYTES_PER_SECOND
        self._event_ch.send_nowait(
            stt.SpeechEvent(
                type=stt.SpeechEventType.RECOGNITION_USAGE,
                recognition_usage=stt.RecognitionUsage(audio_duration=seconds),
            )
        )

    def _nothing_to_hear(self) -> None:
        """A session that closes flushes the stream and waits seconds for a final: here it is."""
        if not self._buffer.waiting and not self._event_ch.closed:
            self._emit(stt.SpeechEventType.FINAL_TRANSCRIPT, "")

    # The connections.

    async def _serve(self) -> None:
        losses = refusals = 0
        while True:
            began_at = self._clock.monotonic()
            connection = self._connect()
            try:
                await connection.run(self._url(), protocol.headers(self._settings.sarvam_api_key))
                return
            except Lost as lost:
                self._connection = None
                if self._finished and not self._buffer.waiting:
                    return
                steady = connection.began and self._clock.monotonic() - began_at > STEADY_S
                losses = 1 if steady else losses + 1
                refusals = refusals + 1 if lost.refused else 0
                self._report(str(lost), losses, refusals)
            await self._clock.sleep(_pause(losses, refusals))

    def _report(self, reason: str, losses: int, refusals: int) -> None:
        logger.warning("speech-to-text socket lost: {} ({} in a row)", reason, losses)
        if refusals == REFUSALS_TO_TELL:
            self._listener.stt_refused(reason)
        elif losses == LOSSES_TO_TELL:
            self._listener.stt_unreachable(reason)

    def _connect(self) -> Connection:
        """A connection whose outbox already holds what must be sent again."""
        connection = Connection(
            self._session,
            self._buffer,
            self._on_message,
            settings=self._settings,
            clock=self._clock,
        )
        again, dropped = self._buffer.resend()
        if dropped:
            self._listener.utterances_lost(dropped)
        for utterance in again:
            connection.start(utterance)
            if utterance.ended is not None:
                connection.end(utterance)
        if self._finished:
            connection.finish()
        self._connection = connection
        return connection

    def _url(self) -> str:
        return protocol.url(
            self._settings.sarvam_base_url,
            model=self._settings.sarvam_stt_model,
            language=self._language,
            stream_type=self._settings.stt_stream_type,
        )

    async def _expire(self) -> None:
        """Gives up utterances that have waited too long for their transcript."""
        while True:
            await self._clock.sleep(EXPIRE_EVERY_S)
            given_up = self._buffer.expire(self._clock.monotonic(), self._settings.stt_give_up)
            if given_up:
                self._listener.utterances_lost(given_up)

    # What the server says.

    def _on_message(self, message: dict[str, Any]) -> None:
        if self._event_ch.closed:
            return
        match message.get("event"):
            case "session.begin":
                self._listener.stt_ready()
            case "transcript.partial":
                self._on_partial(message)
            case "transcript.final":
                self._on_final(message)
            case "error":
                logger.warning("speech-to-text says {}", message.get("code"))
            case _:
                pass

    def _on_partial(self, message: dict[str, Any]) -> None:
        text = str(message.get("text") or "").strip()
        if not text:
            return
        self._partial = text
        self._emit(stt.SpeechEventType.INTERIM_TRANSCRIPT, text, message)

    def _on_final(self, message: dict[str, Any]) -> None:
        self._buffer.transcribed()
        self._partial = ""
        text = str(message.get("text") or "").strip()
        if not text or self._dropped(text):
            # Clears the partial that the session still holds: it would be committed at the end.
            self._emit(stt.SpeechEventType.INTERIM_TRANSCRIPT, "", message)
            text = ""
        self._emit(stt.SpeechEventType.FINAL_TRANSCRIPT, text, message)

    def _dropped(self, text: str) -> bool:
        return self._listener.drops_transcript(text)

    def _emit(
        self,
        kind: stt.SpeechEventType,
        text: str | None = None,
        message: dict[str, Any] | None = None,
    ) -> None:
        alternatives = []
        if text is not None:
            language = protocol.language_of((message or {}).get("language"), self._language)
            alternatives = [
                stt.SpeechData(language=LanguageCode(language), text=text, confidence=1.0)
            ]
        self._event_ch.send_nowait(stt.SpeechEvent(type=kind, alternatives=alternatives))


def _pause(losses: int, refusals: int) -> float:
    """Seconds before the next connection."""
    if refusals >= REFUSALS_TO_TELL:
        return REFUSED_PAUSE_S
    return RETRY.delay(losses - 1) if losses > 1 else 0.0
