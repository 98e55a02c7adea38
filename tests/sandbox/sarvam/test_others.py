"""The legacy socket, the REST endpoints, and what callers say."""

import base64
import io
import wave
from typing import Any

import aiohttp
import pytest

from services.sandbox.speech import Espeak, Registry, pcm
from services.sandbox.speech.espeak import SpeechUnavailable
from tests.sandbox.sarvam.running import HEADERS, Running, Talk
from tests.sandbox.speech.audio import (
    RATE,
    SENTENCES,
    Samples,
    pieces,
    samples,
    silence,
    understood,
)
from tests.sandbox.speech.conftest import Voices

LEGACY = "/speech-to-text/ws"
QUERY = {"language-code": "hi-IN", "model": "saaras:v3", "vad_signals": "true"}


async def _say(talk: Talk, *audio: Samples) -> None:
    for part in audio:
        for piece in pieces(part, 0.05):
            data = base64.b64encode(piece.astype("<i2").tobytes()).decode()
            audio_data = {"data": data, "encoding": "audio/wav", "sample_rate": RATE}
            await talk.send(audio=audio_data)


def _transcripts(talk: Talk) -> list[str]:
    return [message["data"]["transcript"] for message in talk.messages if message["type"] == "data"]


async def test_the_legacy_socket_transcribes_turns(sarvam: Running, voices: Voices) -> None:
    """The agent falls back to it when an account has no access to the realtime one."""
    async with sarvam.socket(LEGACY, QUERY) as talk:
        for language in ("hi-IN", "ta-IN"):
            await _say(talk, samples(voices.said[language].pcm), silence(0.3))
        await talk.send(type="end_of_stream", audio={"data": ""})
        assert await talk.closed() == 1000
        assert _transcripts(talk) == [SENTENCES["hi-IN"], SENTENCES["ta-IN"]]
        signals = [
            message["data"]["signal_type"]
            for message in talk.messages
            if message["type"] == "events"
        ]
        assert signals == ["START_SPEECH", "END_SPEECH"] * 2


async def test_a_flush_ends_a_legacy_turn_at_once(sarvam: Running, voices: Voices) -> None:
    """A client with its own voice detection need not wait for the server's."""
    async with sarvam.socket(LEGACY, QUERY | {"flush_signal": "true"}) as talk:
        await _say(talk, samples(voices.said["hi-IN"].pcm))
        await talk.send(type="flush")
        data = (await talk.until(lambda message: message["type"] == "data"))["data"]
        assert data["transcript"] == SENTENCES["hi-IN"]
        seconds = voices.said["hi-IN"].seconds
        assert data["metrics"]["audio_duration"] == pytest.approx(seconds, abs=0.1)


async def test_odia_is_spelled_as_this_socket_has_it(sarvam: Running, voices: Voices) -> None:
    """It is or-IN on one socket and od-IN on the other: a mix-up is a language that fails."""
    query = QUERY | {"language-code": "unknown", "flush_signal": "true"}
    async with sarvam.socket(LEGACY, query) as talk:
        await _say(talk, samples(voices.said["or-IN"].pcm))
        await talk.send(type="flush")
        data = (await talk.until(lambda message: message["type"] == "data"))["data"]
        assert data["language_code"] == "od-IN"
    async with sarvam.socket(LEGACY, QUERY | {"language-code": "or-IN"}) as talk:
        assert await talk.closed() == 4000


@pytest.mark.parametrize("fault", [{"kind": "close", "code": 1013}, {"kind": "error"}])
async def test_a_legacy_socket_fails_on_demand(
    sarvam: Running, voices: Voices, fault: dict[str, Any]
) -> None:
    """The fallback has to survive what the first choice survives."""
    sarvam.stand_in.set_faults([fault | {"path": "legacy"}])
    async with sarvam.socket(LEGACY, QUERY) as talk:
        await _say(talk, samples(voices.said["hi-IN"].pcm)[:9600])
        assert await talk.closed() == 1013


async def test_a_file_is_transcribed(sarvam: Running, voices: Voices) -> None:
    """A recording can be checked without a socket."""
    said = voices.said["or-IN"]
    form = aiohttp.FormData()
    form.add_field("file", said.wav(), filename="a.wav", content_type="audio/wav")
    form.add_field("language_code", "unknown")
    url = f"{sarvam.http}/speech-to-text"
    async with sarvam.session.post(url, data=form, headers=HEADERS) as answer:
        assert answer.status == 200
        body = await answer.json()
    assert (body["transcript"], body["language_code"]) == (SENTENCES["or-IN"], "od-IN")


async def test_a_text_is_spoken_into_a_file(sarvam: Running) -> None:
    """Greetings are made beforehand this way."""
    url = f"{sarvam.http}/text-to-speech"
    body = {"text": "नमस्ते", "target_language_code": "hi-IN", "speech_sample_rate": 16000}
    async with sarvam.session.post(url, json=body, headers=HEADERS) as answer:
        assert answer.headers["x-simulated"] == "bolchaal-sandbox"
        audio = base64.b64decode((await answer.json())["audios"][0])
    assert pcm.read_wav(audio)[1] == 16000
    async with sarvam.session.post(
        url, json=body | {"speaker": "nobody"}, headers=HEADERS
    ) as answer:
        assert answer.status == 400
        assert "nobody" in (await answer.json())["error"]["message"]


@pytest.mark.parametrize("path", ["/speech-to-text", "/text-to-speech"])
async def test_bad_requests_are_answered(sarvam: Running, path: str) -> None:
    """A client's mistake must come back as a sentence, not as a crash of the simulator."""
    url = f"{sarvam.http}{path}"
    async with sarvam.session.post(url, data=b"?", headers=HEADERS) as answer:
        assert answer.status == 400
    async with sarvam.session.post(url, data=b"?") as answer:
        assert answer.status == 403
        assert answer.headers["x-simulated"] == "bolchaal-sandbox"
        assert (await answer.json())["error"]["code"] == "invalid_api_key_error"


async def test_a_caller_in_another_process_gets_its_words_as_audio(sarvam: Running) -> None:
    """`make call` fetches what it says; it must then be understood."""
    url = f"{sarvam.http}/sandbox/utterances"
    body = {"text": "हाँ, ठीक है।", "language": "hi-IN", "sample_rate": RATE}
    async with sarvam.session.post(url, json=body) as answer:
        assert answer.content_type == "audio/wav"
        with wave.open(io.BytesIO(await answer.read())) as file:
            audio = samples(file.readframes(file.getnframes()))
        seconds = float(answer.headers["x-utterance-seconds"])
    assert seconds == pytest.approx(len(audio) / RATE, abs=0.001)
    assert understood(sarvam.registry, audio, silence(0.2)) == ["हाँ, ठीक है।"]
    async with sarvam.session.post(url, json=body | {"format": "pcm"}) as answer:
        assert (await answer.read())[:4] != b"RIFF"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "object"),
        ({"text": "a"}, "language"),
        ({"text": "a", "language": "xx"}, "xx"),
        ({"text": "a", "language": "hi-IN", "sample_rate": "high"}, "sample_rate"),
        ({"text": "a", "language": "hi-IN", "format": "mp3"}, "mp3"),
    ],
)
async def test_what_a_caller_cannot_say_is_named(sarvam: Running, body: object, said: str) -> None:
    """The scenario's author needs to know which line is wrong."""
    async with sarvam.session.post(f"{sarvam.http}/sandbox/utterances", json=body) as answer:
        assert answer.status == 422
        assert said in (await answer.json())["error"]["message"]


async def test_without_espeak_it_says_why(sarvam: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """espeak-ng is optional: without it the page must say what is missing."""
    monkeypatch.setattr("services.sandbox.speech.espeak._MODULE", "tests.sandbox.sarvam.mute")
    assert sarvam.stand_in.health() is None
    body = {"text": "a", "language": "en-IN"}
    async with sarvam.session.post(f"{sarvam.http}/sandbox/utterances", json=body) as answer:
        assert answer.status == 503
        assert "not installed" in (await answer.json())["error"]["message"]
    assert "not installed" in str(sarvam.stand_in.health())
    monkeypatch.undo()
    assert await sarvam.espeak.warm() is None
    assert sarvam.stand_in.health() is None


async def test_an_engine_that_dies_at_a_text_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """One text must not keep the sandbox starting processes for ever."""
    monkeypatch.setattr("services.sandbox.speech.espeak._MODULE", "tests.sandbox.sarvam.fragile")
    async with Espeak() as espeak:
        with pytest.raises(SpeechUnavailable, match="dies"):
            await espeak.synthesise("a", "hi", 165)
        assert espeak.pid is None


def test_the_registry_forgets_the_oldest() -> None:
    """A long run must not fill the memory, nor hand out an id twice."""
    from services.sandbox.speech import Phrase

    registry = Registry(capacity=2)
    idents = [registry.reserve() for _ in range(3)]
    for ident in idents:
        registry.put(ident, Phrase(str(ident), 1.0, "hi-IN"))
    assert registry.get(idents[0]) is None
    assert [registry.get(ident) is not None for ident in idents[1:]] == [True, True]
    assert len(registry) == 2
