"""The real clients against the stand-in: LiveKit's Sarvam plugin, and the agent's own stream."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions, APIStatusError, stt, tts
from livekit.plugins import sarvam as plugin

from services.agent.settings import SarvamSettings
from services.agent.speech.stt.model import RealtimeSTT
from tests.sandbox.sarvam.running import KEY, WAIT_S, Running
from tests.sandbox.speech.audio import RATE, SENTENCES, Samples, pieces, samples, silence
from tests.sandbox.speech.conftest import Voices

HINDI = SENTENCES["hi-IN"]
ONCE = APIConnectOptions(max_retry=0, timeout=WAIT_S)


def _push(stream: stt.RecognizeStream, *audio: Samples) -> None:
    """Feeds frames of 10 ms, as the agent's audio input does."""
    for part in audio:
        for piece in pieces(part):
            data = piece.astype("<i2").tobytes()
            stream.push_frame(rtc.AudioFrame(data, RATE, 1, len(piece)))


async def _finals(stream: stt.RecognizeStream, count: int) -> list[stt.SpeechData]:
    found: list[stt.SpeechData] = []
    async with asyncio.timeout(WAIT_S):
        async for event in stream:
            if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
                found += event.alternatives
            if len(found) >= count:
                break
    return found


def _realtime(sarvam: Running, language: str, endpointing: str) -> plugin.STTRealtime:
    return plugin.STTRealtime(
        language=language,
        endpointing=endpointing,
        stream_type="fast",
        api_key=KEY,
        base_url=f"{sarvam.ws}/speech-to-text-realtime/ws",
        http_session=sarvam.session,
    )


async def test_the_plugins_realtime_stream_in_manual_endpointing(
    sarvam: Running, voices: Voices
) -> None:
    """What the plugin sends and expects is the protocol: if this fails, the stand-in is wrong."""
    stream = _realtime(sarvam, "ta-IN", "manual").stream()
    _push(stream, silence(0.2), samples(voices.said["ta-IN"].pcm), silence(0.25))
    stream.flush()
    [final] = await _finals(stream, 1)
    assert (final.text, final.language) == (SENTENCES["ta-IN"], "ta-IN")
    await stream.aclose()


async def test_the_plugins_realtime_stream_in_vad_endpointing(
    sarvam: Running, voices: Voices
) -> None:
    """Speech events of every kind, up to the usage that the session's end reports."""
    stream = _realtime(sarvam, "auto", "vad").stream()
    _push(stream, silence(0.3), samples(voices.said["or-IN"].pcm), silence(0.4))
    stream.end_input()
    async with asyncio.timeout(WAIT_S):
        events = [event async for event in stream]
    kinds = [event.type for event in events]
    for kind in ("START_OF_SPEECH", "INTERIM_TRANSCRIPT", "END_OF_SPEECH", "FINAL_TRANSCRIPT"):
        assert stt.SpeechEventType[kind] in kinds
    finals = [e for e in events if e.type is stt.SpeechEventType.FINAL_TRANSCRIPT]
    texts = [(e.alternatives[0].text, e.alternatives[0].language) for e in finals]
    assert texts == [(SENTENCES["or-IN"], "or-IN")]
    heard = sum(e.recognition_usage.audio_duration for e in events if e.recognition_usage)
    assert heard == pytest.approx(voices.said["or-IN"].seconds + 0.7, abs=0.06)


async def test_the_plugin_reads_a_refusal_as_one(sarvam: Running) -> None:
    """The page can only name the key as the culprit if the close code says so."""
    sarvam.stand_in.set_faults([{"kind": "refuse"}])
    stream = _realtime(sarvam, "hi-IN", "manual").stream()
    with pytest.raises(APIStatusError, match="authentication") as refused:
        async for _ in stream:
            pass
    assert refused.value.status_code == 1003
    await stream.aclose()


async def test_the_plugins_legacy_stream(sarvam: Running, voices: Voices) -> None:
    """The way out for accounts without the realtime socket."""
    legacy = plugin.STT(language="hi-IN", model="saaras:v3", api_key=KEY)
    stream = legacy.stream(conn_options=ONCE)
    stream._opts.streaming_url = f"{sarvam.ws}/speech-to-text/ws"
    _push(stream, silence(0.2), samples(voices.said["hi-IN"].pcm), silence(0.4))
    assert [final.text for final in await _finals(stream, 1)] == [HINDI]
    await legacy.aclose()


class _Listener:
    """Takes note of what the agent's stream reports; `again` is set at the second session."""

    def __init__(self) -> None:
        self.again = asyncio.Event()
        self.unheard = 0
        self._sessions = 0

    def stt_ready(self) -> None:
        self._sessions += 1
        if self._sessions == 2:
            self.again.set()

    def stt_refused(self, reason: str) -> None:
        pytest.fail(reason)

    def stt_unreachable(self, reason: str) -> None:
        pytest.fail(reason)

    def utterances_lost(self, count: int) -> None:
        self.unheard += count

    def drops_transcript(self, text: str) -> bool:
        return not text


@pytest.mark.parametrize("kind", ["close", "reset", "error"])
async def test_the_agents_stream_loses_nothing_to_a_lost_socket(
    sarvam: Running, voices: Voices, kind: str
) -> None:
    """Sarvam closes in mid-sentence: the caller's whole sentence must still arrive, and once."""
    sarvam.stand_in.set_faults([{"kind": kind, "count": 1, "ms": 500, "path": "realtime"}])
    listener = _Listener()
    model = RealtimeSTT(
        SarvamSettings(_env_file=None, sarvam_api_key=KEY, sarvam_base_url=sarvam.ws),
        language="hi-IN",
        listener=listener,
        session=sarvam.session,
    )
    stream = model.stream()
    model.user_speaking(True)
    audio = samples(voices.said["hi-IN"].pcm)
    _push(stream, audio[: len(audio) // 2])
    async with asyncio.timeout(WAIT_S):
        await listener.again.wait()
    _push(stream, audio[len(audio) // 2 :], silence(0.2))
    model.user_speaking(False)
    stream.flush()
    stream.end_input()
    finals = await _finals(stream, 2)
    assert [final.text for final in finals] == [HINDI]
    assert listener.unheard == 0
    await stream.aclose()


def _tts(sarvam: Running, **keywords: object) -> plugin.TTS:
    return plugin.TTS(
        target_language_code="od-IN",
        model="bulbul:v3",
        speaker="shubh",
        speech_sample_rate=24_000,
        min_buffer_size=30,
        api_key=KEY,
        base_url=f"{sarvam.http}/text-to-speech",
        ws_url=f"{sarvam.ws}/text-to-speech/ws",
        output_audio_codec="linear16",
        http_session=sarvam.session,
        **keywords,  # type: ignore[arg-type]
    )


async def _frames(events: AsyncIterator[tts.SynthesizedAudio]) -> np.ndarray:
    async with asyncio.timeout(WAIT_S):
        parts = [np.frombuffer(event.frame.data, np.int16) async for event in events]
    return np.concatenate(parts)


async def test_the_plugins_speech_over_its_pooled_socket(sarvam: Running) -> None:
    """Two turns on one socket, each spoken to its end."""
    engine = _tts(sarvam)
    for text in (SENTENCES["or-IN"], "ନମସ୍କାର।"):
        stream = engine.stream(conn_options=ONCE)
        stream.push_text(text)
        stream.end_input()
        audio = await _frames(stream)
        assert len(audio) > 12_000
        assert np.abs(audio).max() > 3000
        await stream.aclose()
    url = f"{sarvam.http}/sandbox/sockets"
    async with sarvam.session.get(url) as listed:
        assert [each["path"] for each in (await listed.json())["sockets"]] == ["tts"]
    await engine.aclose()


async def test_the_plugin_reads_an_error_of_the_socket(sarvam: Running) -> None:
    """A voice that the model does not have is the operator's mistake: no use trying again."""
    engine = _tts(sarvam)
    engine._opts.speaker = "anushka"
    stream = engine.stream(conn_options=ONCE)
    stream.push_text("ନମସ୍କାର।")
    stream.end_input()
    with pytest.raises(APIStatusError) as refused:
        async for _ in stream:
            pass
    assert refused.value.status_code == 400
    await stream.aclose()
    await engine.aclose()


async def test_the_plugins_speech_in_one_piece(sarvam: Running) -> None:
    """A greeting made beforehand comes this way."""
    engine = _tts(sarvam)
    audio = await _frames(engine.synthesize(SENTENCES["or-IN"], conn_options=ONCE))
    assert len(audio) > 24_000
    await engine.aclose()
