"""Text to speech against a server that closes, refuses and counts its sockets."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from livekit.agents import APIConnectOptions, APIError, APIStatusError

from services.agent.speech.tts import SarvamTTS, spelling
from tests.agent.calls import settings
from tests.agent.sarvam import Speech, speech
from tests.step_clock import StepClock


@pytest.fixture
async def server() -> AsyncIterator[Speech]:
    async with speech() as running:
        yield running


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


@pytest.fixture
async def voice(server: Speech, clock: StepClock) -> AsyncIterator[SarvamTTS]:
    async with aiohttp.ClientSession() as session:
        made = SarvamTTS(
            settings(sarvam_base_url=server.url),
            language="or-IN",
            voice="anand",
            session=session,
            clock=clock,
        )
        yield made
        await made.aclose()


async def speak(voice: SarvamTTS, text: str) -> float:
    """Seconds of audio that the text became."""
    stream = voice.stream(conn_options=APIConnectOptions(max_retry=0, timeout=2))
    stream.push_text(text)
    stream.end_input()
    seconds = 0.0
    async with stream:
        async for event in stream:
            seconds += event.frame.duration
    return seconds


async def test_a_sentence_is_spoken_in_the_calls_language_and_voice(
    voice: SarvamTTS, server: Speech
) -> None:
    """A voice that the plugin does not know is Sarvam's all the same, and Odia has its spelling."""
    assert await speak(voice, "ନମସ୍କାର, ଆପଣ କେମିତି ଅଛନ୍ତି?") == pytest.approx(0.27, abs=0.05)
    sent = server.tts.configs[0]
    assert sent["speaker"] == "anand"
    assert sent["target_language_code"] == "od-IN"
    assert sent["model"] == "bulbul:v3"
    assert sent["min_buffer_size"] == 30
    assert sent["output_audio_codec"] == "linear16"


async def test_a_socket_serves_one_sentence_after_another(voice: SarvamTTS, server: Speech) -> None:
    """A connection for each sentence would cost its handshake in every turn."""
    await speak(voice, "one sentence here")
    await speak(voice, "and another one")
    assert server.tts.connections == 1


async def test_a_clean_close_in_mid_sentence_is_an_error(voice: SarvamTTS, server: Speech) -> None:
    """As shipped, the sentence would just stop and nobody would know."""
    server.tts.close_after = 1
    with pytest.raises(APIError):
        await speak(voice, "a sentence that is long enough to have several pieces of audio")


async def test_a_refusal_is_told_with_its_status_and_not_tried_again(
    voice: SarvamTTS, server: Speech
) -> None:
    """A wrong key costs the caller half a second of tries in every sentence otherwise."""
    server.tts.refuse = 403
    with pytest.raises(APIStatusError) as refused:
        await speak(voice, "a sentence")
    assert refused.value.status_code == 403
    assert not refused.value.retryable


async def test_an_old_socket_is_replaced_while_the_caller_speaks(
    voice: SarvamTTS, server: Speech, clock: StepClock
) -> None:
    """Sarvam closes sockets after a minute: the reply would begin with a reconnect."""
    await speak(voice, "one sentence here")
    clock.seconds += 40
    voice.warm()
    await speak(voice, "still the same socket")
    assert server.tts.connections == 1
    clock.seconds += 10
    voice.warm()
    await speak(voice, "now a new one")
    assert server.tts.connections == 2


async def test_the_language_follows_the_caller(voice: SarvamTTS, server: Speech) -> None:
    """With auto-detect the voice must not read Tamil as Odia."""
    await speak(voice, "one sentence here")
    voice.set_language("ta-IN")
    await speak(voice, "வணக்கம்")
    assert server.tts.configs[-1]["target_language_code"] == "ta-IN"


def test_what_cannot_be_detected_is_spoken_in_the_default() -> None:
    """Text to speech has no auto-detect."""
    assert spelling("unknown", "mr-IN") == "mr-IN"
    assert spelling("or-IN") == "od-IN"
    assert spelling("hi-IN") == "hi-IN"
