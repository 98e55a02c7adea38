"""The text-to-speech socket, message by message."""

import asyncio
import base64
from typing import Any

import aiohttp
import numpy as np
import pytest

from services.sandbox.speech import Hearer
from services.sandbox.speech.pcm import resample
from shared.voices import VOICES
from tests.sandbox.sarvam.running import Running, Talk, running
from tests.sandbox.speech.audio import SENTENCES, samples

PATH = "/text-to-speech/ws"
QUERY = {"model": "bulbul:v3", "send_completion_event": "True"}
CONFIG = {
    "target_language_code": "hi-IN",
    "speaker": "priya",
    "pace": 1.0,
    "model": "bulbul:v3",
    "speech_sample_rate": 24000,
    "output_audio_codec": "linear16",
    "output_audio_bitrate": "128k",
    "temperature": 0.6,
    "min_buffer_size": 30,
    "max_chunk_length": 150,
}
SHORT = "नमस्ते।"


async def _spoken(talk: Talk) -> bytes:
    """The audio up to the completion event."""
    done = await talk.until(lambda message: message["type"] in ("event", "error"))
    assert done["data"]["event_type"] == "final"
    audio = b"".join(
        base64.b64decode(message["data"]["audio"])
        for message in talk.messages
        if message["type"] == "audio"
    )
    talk.messages.clear()
    return audio


async def _text(talk: Talk, text: str) -> None:
    await talk.send(type="text", data={"text": text})


async def _quiet(talk: Talk) -> bool:
    """Whether nothing comes within several times the latency."""
    try:
        await talk.socket.receive(timeout=0.12)
    except TimeoutError:
        return True
    return False


async def test_a_flushed_text_is_spoken_and_completed(sarvam: Running) -> None:
    """This is every sentence that a caller hears."""
    async with sarvam.socket(PATH, QUERY) as talk:
        await talk.send(type="config", data=CONFIG)
        await _text(talk, SENTENCES["hi-IN"])
        await talk.send(type="flush")
        audio = samples(await _spoken(talk))
        assert 2.0 < len(audio) / 24_000 < 6.0
        assert np.abs(audio).max() > 3000


async def test_short_text_waits_for_more_or_a_flush(sarvam: Running) -> None:
    """Sarvam holds text back: an agent that does not flush its first clause answers late."""
    async with sarvam.socket(PATH, QUERY) as talk:
        await talk.send(type="config", data=CONFIG)
        await _text(talk, SHORT)
        assert await _quiet(talk)
        await _text(talk, "आप कैसे हैं, क्या हाल है?")
        await talk.until(lambda message: message["type"] == "audio")
        await talk.send(type="flush")
        assert len(await _spoken(talk)) > 24_000


async def test_one_socket_serves_turn_after_turn(sarvam: Running) -> None:
    """Clients pool sockets: a second turn with another language must not get the first's voice."""
    async with sarvam.socket(PATH, QUERY) as talk:
        lengths = []
        for language in ("hi-IN", "od-IN"):
            await talk.send(type="config", data=CONFIG | {"target_language_code": language})
            await _text(talk, SENTENCES[language.replace("od", "or")])
            await talk.send(type="flush")
            lengths.append(len(await _spoken(talk)))
            await talk.send(type="ping")
        assert lengths[0] != lengths[1]


async def test_an_empty_turn_is_completed_too(sarvam: Running) -> None:
    """Otherwise the agent would wait for speech that nobody asked for."""
    async with sarvam.socket(PATH, QUERY) as talk:
        await talk.send(type="config", data=CONFIG)
        await _text(talk, " … ")
        await talk.send(type="flush")
        assert await _spoken(talk) == b""


async def test_completion_comes_only_if_asked_for(sarvam: Running) -> None:
    """A client that did not ask would take the event for one of its next turn."""
    async with sarvam.socket(PATH, {"model": "bulbul:v3"}) as talk:
        await talk.send(type="config", data=CONFIG)
        await talk.send(type="flush")
        assert await _quiet(talk)


async def test_the_first_byte_comes_after_its_latency_and_speech_faster_than_it_lasts(
    sarvam: Running,
) -> None:
    """Voice-to-voice latency is measured against this; slower speech would stutter."""
    sarvam.stand_in.update_settings({"SANDBOX_TTS_MS": 120})
    loop = asyncio.get_running_loop()
    async with sarvam.socket(PATH, QUERY) as talk:
        await talk.send(type="config", data=CONFIG)
        started = loop.time()
        await _text(talk, SENTENCES["hi-IN"])
        await talk.send(type="flush")
        await talk.until(lambda message: message["type"] == "audio")
        assert 0.115 < loop.time() - started < 2.0
        first = loop.time()
        seconds = len(await _spoken(talk)) / 2 / 24_000
        assert loop.time() - first < seconds / 2


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"speaker": "anushka"}, None, "400: Speaker 'anushka' is not compatible"),
        ({"model": "bulbul:v2"}, None, "400: Model 'bulbul:v2' is not available"),
        ({"target_language_code": "or-IN"}, 422, "target_language_code"),
        ({"target_language_code": "unknown"}, 422, "target_language_code"),
        ({"speech_sample_rate": 48000}, 422, "speech_sample_rate"),
        ({"output_audio_codec": "mp3"}, 422, "linear16 only"),
        ({"output_audio_codec": "mp4"}, 422, "output_audio_codec"),
        ({"pace": 2.5}, 422, "pace"),
        ({"min_buffer_size": 10}, 422, "min_buffer_size"),
    ],
)
async def test_a_configuration_that_sarvam_would_refuse_is_refused(
    sarvam: Running, change: dict[str, Any], code: int | None, said: str
) -> None:
    """What only the simulator takes would be a mute agent with the first real key."""
    async with sarvam.socket(PATH, QUERY) as talk:
        await talk.send(type="config", data=CONFIG | change)
        error = await talk.until(lambda message: message["type"] == "error")
        assert error["data"].get("code") == code
        assert said in error["data"]["message"]
        assert error["data"]["request_id"]


async def test_text_before_a_configuration_is_refused(sarvam: Running) -> None:
    """A mistake in the client must show, not end in silence."""
    async with sarvam.socket(PATH, QUERY) as talk:
        await _text(talk, SHORT)
        error = await talk.until(lambda message: message["type"] == "error")
        assert "config" in error["data"]["message"]
        await talk.socket.send_str("[]")
        assert (await talk.until(bool))["data"]["code"] == 422


async def test_all_voices_of_the_model_speak(sarvam: Running) -> None:
    """The page offers 38: none of them may be refused."""
    assert len(VOICES["bulbul:v3"]) == 38
    async with sarvam.socket(PATH, QUERY) as talk:
        for voice in VOICES["bulbul:v3"]:
            await talk.send(type="config", data=CONFIG | {"speaker": voice})
        await _text(talk, SHORT)
        await talk.send(type="flush")
        assert len(await _spoken(talk)) > 0


async def test_a_wrong_key_fails_the_handshake(sarvam: Running) -> None:
    """A wrong key has to show as what it is on the page."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with sarvam.socket(PATH, QUERY, {"api-subscription-key": "invalid"}):
            pass
    assert refused.value.status == 403


async def test_an_idle_socket_is_closed_cleanly() -> None:
    """Sarvam does so after a minute; a sentence sent into such a socket would be lost."""
    async with running(idle_s=0.05) as sarvam, sarvam.socket(PATH, QUERY) as talk:
        assert await talk.closed() == 1000


@pytest.mark.parametrize("code", [1000, 1011])
async def test_speech_is_cut_by_a_close(sarvam: Running, code: int) -> None:
    """A clean close in mid-sentence truncates it silently, unless the agent notices."""
    sarvam.stand_in.set_faults([{"kind": "close", "code": code, "path": "tts", "ms": 500}])
    async with sarvam.socket(PATH, QUERY) as talk:
        await talk.send(type="config", data=CONFIG)
        await _text(talk, SENTENCES["hi-IN"])
        await talk.send(type="flush")
        assert await talk.closed() == code
        assert [message["type"] for message in talk.messages] == ["audio"] * 5


async def test_a_failure_of_the_service_is_reported(sarvam: Running) -> None:
    """The agent must try another way rather than wait for speech that will not come."""
    sarvam.stand_in.set_faults([{"kind": "error", "path": "tts", "ms": 0}])
    async with sarvam.socket(PATH, QUERY) as talk:
        await talk.send(type="config", data=CONFIG)
        await _text(talk, SHORT)
        await talk.send(type="flush")
        error = await talk.until(lambda message: message["type"] == "error")
        assert error["data"]["code"] == 500


async def test_the_agents_voice_is_never_understood(sarvam: Running) -> None:
    """It carries no tag: an echo of the agent on the line must not become the caller's words."""
    async with sarvam.socket(PATH, QUERY) as talk:
        await talk.send(type="config", data=CONFIG)
        await _text(talk, SENTENCES["hi-IN"])
        await talk.send(type="flush")
        audio = samples(await _spoken(talk)).astype(float)
    hearer = Hearer(lambda ident: pytest.fail(f"heard {ident}"))
    hearer.feed(np.round(resample(audio, 24_000, 16_000)).astype(np.int16))
    assert hearer.take() == []
