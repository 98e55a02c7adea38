"""What the stand-in does wrong on demand, so that the agent can be shown to survive it."""

from typing import Any

import aiohttp
import pytest

from tests.sandbox.sarvam.running import HEADERS, Running, Talk
from tests.sandbox.speech.audio import SENTENCES, samples, silence
from tests.sandbox.speech.conftest import Voices


async def _begin(talk: Talk, voices: Voices) -> None:
    await talk.send(event="speech_start")
    await talk.say(samples(voices.said["hi-IN"].pcm))


@pytest.mark.parametrize("code", [1000, 1008, 1013, 4000])
async def test_a_socket_closes_in_mid_speech(sarvam: Running, voices: Voices, code: int) -> None:
    """The agent has to survive every close code that Sarvam documents, so each must happen."""
    sarvam.stand_in.set_faults([{"kind": "close", "code": code, "ms": 500, "count": 1}])
    async with sarvam.realtime() as talk:
        await talk.send(event="speech_start")
        audio = samples(voices.said["hi-IN"].pcm)
        await talk.say(audio[:6400])
        await talk.send(event="ping")
        await talk.event("pong")
        await talk.say(audio[6400:9600])
        assert await talk.closed() == code
    async with sarvam.realtime() as again:
        await _begin(again, voices)
        await again.send(event="speech_end")
        assert (await again.event("transcript.final"))["text"] == SENTENCES["hi-IN"]


async def test_a_connection_is_cut(sarvam: Running, voices: Voices) -> None:
    """Networks do not say goodbye."""
    sarvam.stand_in.set_faults([{"kind": "reset", "count": 1}])
    async with sarvam.realtime() as talk:
        await talk.send(event="speech_start")
        await talk.say(samples(voices.said["hi-IN"].pcm)[:6400])
        assert await talk.closed() in (None, 1006)


async def test_a_socket_freezes(sarvam: Running, voices: Voices) -> None:
    """No message, no pong: only an agent that watches the clock finds out."""
    sarvam.stand_in.set_faults([{"kind": "freeze", "count": 1, "path": "realtime"}])
    async with sarvam.realtime() as talk:
        await _begin(talk, voices)
        await talk.send(event="speech_end")
        await talk.send(event="ping")
        with pytest.raises(TimeoutError):
            await talk.socket.receive(timeout=0.15)


async def test_a_fatal_error_is_reported_and_the_socket_closed(
    sarvam: Running, voices: Voices
) -> None:
    """The agent tells its cause on the page only if it comes as Sarvam sends it."""
    sarvam.stand_in.set_faults([{"kind": "error", "count": 1}])
    async with sarvam.realtime() as talk:
        await _begin(talk, voices)
        error = await talk.event("error")
        assert (error["code"], error["status_code"], error["is_fatal"]) == (
            "model_unavailable",
            503,
            True,
        )
        assert await talk.closed() == 1013


async def test_a_fault_meets_an_utterance_that_is_too_short_for_it(sarvam: Running) -> None:
    """Otherwise a chaos test would believe in a fault that never happened."""
    sarvam.stand_in.set_faults([{"kind": "close", "ms": 5000, "code": 1013}])
    async with sarvam.realtime() as talk:
        await talk.send(event="speech_start")
        await talk.say(silence(0.1))
        await talk.send(event="speech_end")
        assert await talk.closed() == 1013


async def test_a_final_is_lost_and_the_next_one_is_not(sarvam: Running) -> None:
    """An agent that waits for ever for one lost transcript is deaf for the call."""
    sarvam.stand_in.set_faults([{"kind": "drop_final", "count": 1}])
    async with sarvam.realtime() as talk:
        for _ in range(2):
            await talk.send(event="speech_start")
            await talk.send(event="speech_end")
        assert (await talk.event("transcript.final"))["utterance_idx"] == 1
        assert sarvam.stand_in.faults()[0]["count"] == 0


async def test_a_slow_final_does_not_overtake(sarvam: Running) -> None:
    """Finals carry no reference to the speech: out of order, answers get the wrong question."""
    sarvam.stand_in.set_faults([{"kind": "slow", "count": 1, "ms": 80}])
    async with sarvam.realtime() as talk:
        for _ in range(2):
            await talk.send(event="speech_start")
            await talk.send(event="speech_end")
        order = [(await talk.event("transcript.final"))["utterance_idx"] for _ in range(2)]
        assert order == [0, 1]


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/speech-to-text-realtime/ws", {"language_code": "hi-IN"}, 1003),
        ("/speech-to-text/ws", {"language-code": "hi-IN"}, 1003),
    ],
)
async def test_a_refused_account_is_closed_out(
    sarvam: Running, path: str, query: dict[str, Any], code: int
) -> None:
    """The account's limits show as close codes on both sockets."""
    sarvam.stand_in.set_faults([{"kind": "refuse"}])
    async with sarvam.socket(path, query) as talk:
        assert await talk.closed() == code
    sarvam.stand_in.set_faults([{"kind": "refuse", "code": 4000}])
    async with sarvam.socket(path, query) as talk:
        assert await talk.closed() == 4000


async def test_a_refusal_can_be_a_handshake(sarvam: Running) -> None:
    """A rate limit in front of the service answers in HTTP."""
    sarvam.stand_in.set_faults([{"kind": "refuse", "code": 429}])
    for path in ("/speech-to-text-realtime/ws", "/text-to-speech/ws"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with sarvam.socket(path, {"language_code": "hi-IN"}):
                pass
        assert refused.value.status == 429


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "explode"}, "explode"),
        ({"kind": "close", "path": "llm"}, "llm"),
        ({"kind": "close", "code": 7}, "7"),
        ({"kind": "close", "ratio": 2}, "ratio"),
    ],
)
async def test_a_wrong_fault_changes_nothing(
    sarvam: Running, fault: dict[str, Any], said: str
) -> None:
    """A test that mistypes a fault must not run without one."""
    sarvam.stand_in.set_faults([{"kind": "slow"}])
    with pytest.raises(ValueError, match=said):
        sarvam.stand_in.set_faults([fault])
    assert [each["kind"] for each in sarvam.stand_in.faults()] == ["slow"]


async def test_open_sockets_can_be_closed_at_once(sarvam: Running) -> None:
    """A socket that closes while nobody speaks is the case that makes the plugin deaf."""
    url = f"{sarvam.http}/sandbox/sockets"
    async with sarvam.realtime() as talk:
        async with sarvam.session.get(url) as listed:
            sockets = (await listed.json())["sockets"]
            assert [(each["path"], each["language"]) for each in sockets] == [("realtime", "hi-IN")]
        async with sarvam.session.post(url, json={"close": 1000, "path": "tts"}) as none:
            assert await none.json() == {"sockets": 0}
        async with sarvam.session.post(url, json={"close": 1000}, headers=HEADERS) as closed:
            assert await closed.json() == {"sockets": 1}
        assert await talk.closed() == 1000
    async with sarvam.session.post(url, json={"close": 99}) as refused:
        assert refused.status == 422
