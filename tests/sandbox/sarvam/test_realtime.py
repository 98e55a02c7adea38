"""The realtime socket, message by message, as the agent uses it."""

import asyncio
import base64
from typing import Any

import pytest

from tests.sandbox.sarvam.running import Running, Talk, running
from tests.sandbox.speech.audio import SENTENCES, Samples, samples, silence, white_noise
from tests.sandbox.speech.conftest import Voices

PATH = "/speech-to-text-realtime/ws"
HINDI = SENTENCES["hi-IN"]


async def _utter(talk: Talk, *audio: Samples) -> dict[str, Any]:
    """One utterance that the client delimits; its final."""
    await talk.send(event="speech_start")
    await talk.say(*audio)
    await talk.send(event="speech_end")
    return await talk.event("transcript.final")


@pytest.mark.parametrize("language", ["hi-IN", "ta-IN", "or-IN", "en-IN"])
async def test_an_utterance_between_its_boundaries_is_transcribed(
    sarvam: Running, voices: Voices, language: str
) -> None:
    """This is a caller's turn: without it no call goes anywhere."""
    async with sarvam.realtime(language) as talk:
        audio = samples(voices.said[language].pcm)
        final = await _utter(talk, silence(0.5), audio, silence(0.25))
        assert final == {
            "event": "transcript.final",
            "utterance_idx": 0,
            "text": SENTENCES[language],
            "language": language,
            "language_confidence": 0.98,
        }


async def test_partials_grow_word_by_word_up_to_the_final(sarvam: Running, voices: Voices) -> None:
    """The reply starts from the last partial: if it lacked words, every reply would start late."""
    async with sarvam.realtime(stream_type="fast") as talk:
        await _utter(talk, samples(voices.said["hi-IN"].pcm), silence(0.25))
        partials = [message["text"] for message in talk.named("transcript.partial")]
        assert len(partials) > 3
        assert all(HINDI.startswith(text) for text in partials)
        assert [len(text) for text in partials] == sorted({len(text) for text in partials})
        assert partials[-1] == HINDI


async def test_speech_sent_again_in_large_pieces_is_transcribed(
    sarvam: Running, voices: Voices
) -> None:
    """After a lost socket the agent repeats what had no transcript, faster than it was said."""
    async with sarvam.realtime() as lost:
        await lost.send(event="speech_start")
        await lost.say(samples(voices.said["hi-IN"].pcm)[:20_000])
    async with sarvam.realtime() as talk:
        first, second = samples(voices.said["hi-IN"].pcm), samples(voices.said["te-IN"].pcm)
        for audio in (first, second):
            await talk.send(event="speech_start")
            await talk.say(silence(0.4), audio, silence(0.2), piece_s=0.2)
            await talk.send(event="speech_end")
        texts = [(await talk.event("transcript.final"))["text"] for _ in range(2)]
        assert texts == [HINDI, SENTENCES["te-IN"]]


async def test_other_sounds_have_an_empty_final(sarvam: Running, voices: Voices) -> None:
    """A cough must end its utterance, or the agent would wait for a transcript for ever."""
    async with sarvam.realtime() as talk:
        assert (await _utter(talk, white_noise(0.6, 2000)))["text"] == ""
        cut = samples(voices.said["hi-IN"].pcm)[:-8000]
        assert (await _utter(talk, cut, silence(0.3)))["text"] == ""
        assert (await _utter(talk, silence(0.2)))["utterance_idx"] == 2


async def test_a_pause_in_a_phrase_gives_its_text_once_and_at_its_end(
    sarvam: Running, voices: Voices
) -> None:
    """An eager voice detector cuts sentences in two: the text must neither vanish nor double."""
    async with sarvam.realtime() as talk:
        audio = samples(voices.said["hi-IN"].pcm)
        finals = [await _utter(talk, audio[:24_000]), await _utter(talk, audio[24_000:])]
        assert [final["text"] for final in finals] == ["", HINDI]


async def test_audio_may_come_as_json_and_outside_utterances_is_not_heard(
    sarvam: Running, voices: Voices
) -> None:
    """What lies before the boundary is nobody's turn."""
    audio = samples(voices.said["hi-IN"].pcm)
    async with sarvam.realtime() as talk:
        await talk.say(audio)
        assert (await _utter(talk, silence(0.3)))["text"] == ""
        await talk.send(event="speech_start")
        encoded = base64.b64encode(audio.tobytes()).decode()
        await talk.send(event="audio_input", audio=encoded)
        await talk.send(event="flush")
        assert (await talk.event("transcript.final"))["text"] == HINDI


async def test_the_server_finds_the_turns_itself(sarvam: Running, voices: Voices) -> None:
    """In `vad` endpointing a client sends nothing but audio."""
    async with sarvam.realtime(endpointing="vad", return_timestamps="true") as talk:
        for language in ("hi-IN", "ta-IN"):
            await talk.say(silence(0.4), samples(voices.said[language].pcm), silence(0.4))
        finals = [await talk.event("transcript.final") for _ in range(2)]
        assert [final["text"] for final in finals] == [HINDI, SENTENCES["ta-IN"]]
        length = finals[0]["end_s"] - finals[0]["start_s"]
        assert length == pytest.approx(voices.said["hi-IN"].seconds + 0.2, abs=0.08)
        order = [message["event"] for message in talk.messages if "partial" not in message["event"]]
        assert order[1:3] == ["vad.speech_start", "vad.speech_end"]
        assert order.count("vad.speech_start") == order.count("vad.speech_end") == 2


async def test_the_language_is_detected_when_asked_for(sarvam: Running, voices: Voices) -> None:
    """A call in an unknown language takes its language from the first transcript."""
    async with sarvam.realtime("auto") as talk:
        final = await _utter(talk, samples(voices.said["or-IN"].pcm), silence(0.3))
        assert (final["language"], final["language_confidence"]) == ("or-IN", 0.98)


async def test_another_language_than_agreed_is_transcribed_without_confidence(
    sarvam: Running, voices: Voices
) -> None:
    """Callers mix languages: the words count, and the doubt is said."""
    async with sarvam.realtime("hi-IN") as talk:
        final = await _utter(talk, samples(voices.said["en-IN"].pcm), silence(0.3))
        assert final["text"] == SENTENCES["en-IN"]
        assert (final["language"], final["language_confidence"]) == ("hi-IN", 0.3)


async def test_a_change_of_language_holds_from_the_next_utterance(sarvam: Running) -> None:
    """The agent switches in mid-call: the utterance that is open keeps the old language."""
    async with sarvam.realtime("hi-IN") as talk:
        await talk.send(event="speech_start")
        await talk.send(event="config.update", language_code="ta-IN")
        applied = (await talk.event("config.updated"))["applied"]
        assert applied == ["language_code=ta-IN (from the next utterance)"]
        await talk.send(event="speech_end")
        assert (await talk.event("transcript.final"))["language"] == "hi-IN"
        await talk.send(event="config.update", language_code="te-IN", stream_type="fast")
        applied = (await talk.event("config.updated"))["applied"]
        assert applied == ["language_code=te-IN", "stream_type=fast"]
        assert (await _utter(talk, silence(0.1)))["language"] == "te-IN"


async def test_mistakes_are_told_and_the_session_goes_on(sarvam: Running) -> None:
    """A client's bug must show in its log, not as a call that is silently deaf."""
    async with sarvam.realtime() as talk:
        await talk.send(event="speech_end")
        await talk.send(event="dance")
        await talk.send(event="audio_input", audio="???")
        await talk.send(event="config.update", language_code="xx-IN")
        await talk.send(event="config.update", sample_rate=8000)
        await talk.socket.send_str("{")
        codes = [(await talk.event("error"))["code"] for _ in range(6)]
        assert codes == [
            *("invalid_state", "unknown_event", "invalid_audio"),
            *("invalid_config", "invalid_config", "invalid_message"),
        ]
        assert not any(error["is_fatal"] for error in talk.named("error"))
        await talk.send(event="ping")
        await talk.event("pong")


async def test_the_end_waits_for_the_last_final(sarvam: Running, voices: Voices) -> None:
    """What a caller says just before hanging up belongs into the lead."""
    async with sarvam.realtime() as talk:
        await talk.send(event="speech_start")
        await talk.say(samples(voices.said["hi-IN"].pcm), silence(0.2))
        await talk.send(event="end")
        ended = await talk.event("session.end")
        assert [final["text"] for final in talk.named("transcript.final")] == [HINDI]
        seconds = voices.said["hi-IN"].seconds + 0.2
        assert ended["audio_duration_s"] == pytest.approx(seconds, abs=0.01)
        assert await talk.closed() == 1000


@pytest.mark.parametrize("headers", [{}, {"api-subscription-key": "invalid-key"}])
async def test_a_wrong_key_is_refused(sarvam: Running, headers: dict[str, str]) -> None:
    """A wrong key has to show as what it is on the page."""
    query = {"language_code": "hi-IN"}
    async with sarvam.socket(PATH, query, headers) as talk:
        assert await talk.closed() == 1003
    async with running(api_keys={"right"}) as strict, strict.socket(PATH, query) as talk:
        assert await talk.closed() == 1003


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"language_code": "od-IN"},
        {"language_code": "hi-IN", "model": "saaras:v3"},
        {"language_code": "hi-IN", "sample_rate": "44100"},
        {"language_code": "hi-IN", "endpointing": "maybe"},
    ],
    ids=["no language", "odia of the other socket", "model", "rate", "endpointing"],
)
async def test_a_query_that_sarvam_would_refuse_is_refused(
    sarvam: Running, query: dict[str, str]
) -> None:
    """A request that only the simulator takes would fail with the first real key."""
    async with sarvam.socket(PATH, query) as talk:
        assert await talk.closed() == 4000


async def test_an_idle_socket_is_closed(voices: Voices) -> None:
    """Sarvam does so after a minute: an agent that does not ping goes deaf."""
    async with running(voices.registry, idle_s=0.05) as sarvam, sarvam.realtime() as talk:
        assert await talk.closed() == 1008


async def test_it_says_that_it_is_simulated(sarvam: Running) -> None:
    """Nobody shall take its transcripts for a recogniser's."""
    async with sarvam.realtime() as talk:
        assert talk.socket._response.headers["x-simulated"] == "bolchaal-sandbox"
        assert talk.messages[0]["simulated"] is True


async def test_latencies_change_while_it_runs(sarvam: Running, voices: Voices) -> None:
    """A measurement needs exact latencies: the final comes when it is due, not before."""
    sarvam.stand_in.update_settings({"SANDBOX_STT_MS": 120, "SANDBOX_LLM_MS": 1})
    assert sarvam.stand_in.settings()["SANDBOX_STT_MS"] == 120
    async with sarvam.realtime() as talk:
        await talk.send(event="speech_start")
        await talk.say(samples(voices.said["te-IN"].pcm), silence(0.2))
        await talk.send(event="ping")
        await talk.event("pong")
        started = asyncio.get_running_loop().time()
        await talk.send(event="speech_end")
        await talk.event("transcript.final")
        assert 0.115 < asyncio.get_running_loop().time() - started < 2.0
    with pytest.raises(ValueError, match="SANDBOX_STT_MS"):
        sarvam.stand_in.update_settings({"SANDBOX_STT_MS": "fast"})
