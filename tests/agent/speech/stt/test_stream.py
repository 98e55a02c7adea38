"""The stream against a server that closes, freezes and forgets: no speech may be lost."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from livekit import rtc
from livekit.agents import stt

from services.agent.settings import AgentSettings
from services.agent.speech.stt import RealtimeSTT
from services.agent.speech.stt.stream import RealtimeStream
from tests.agent.calls import settings
from tests.agent.speech.stt.server import Fault, SttServer, stt_server


def quick(url: str, **more: float) -> AgentSettings:
    """Settings with which a dead socket is noticed within a test's patience."""
    numbers: dict[str, Any] = {
        "stt_final_timeout": 0.3,
        "stt_give_up": 5.0,
        "stt_ping_after": 0.4,
        "stt_pong_timeout": 0.3,
    }
    return settings(sarvam_base_url=url, sarvam_api_key="secret", **{**numbers, **more})


@dataclass
class Heard:
    """Collects what the listener is told."""

    ready: int = 0
    refused: list[str] = field(default_factory=list)
    away: list[str] = field(default_factory=list)
    unheard: int = 0
    drop: str | None = None
    told: asyncio.Event = field(default_factory=asyncio.Event)

    def stt_ready(self) -> None:
        self.ready += 1

    def stt_refused(self, reason: str) -> None:
        self.refused.append(reason)
        self.told.set()

    def stt_unreachable(self, reason: str) -> None:
        self.away.append(reason)

    def utterances_lost(self, count: int) -> None:
        self.unheard += count
        self.told.set()

    def drops_transcript(self, text: str) -> bool:
        return text == self.drop


@dataclass
class Rig:
    server: SttServer
    model: RealtimeSTT
    stream: RealtimeStream
    heard: Heard
    next_value: int = 1

    def frames(self, count: int) -> None:
        """`count` frames of 10 ms, each of another sample value."""
        for _ in range(count):
            data = self.next_value.to_bytes(2, "little") * 160
            self.next_value += 1
            self.stream.push_frame(rtc.AudioFrame(data, 16_000, 1, 160))

    async def say(self, count: int = 8) -> None:
        """A whole utterance, in steps that let the socket breathe."""
        self.model.user_speaking(True)
        for _ in range(count):
            self.frames(1)
            await asyncio.sleep(0.002)  # a frame takes time, and the socket is read meanwhile
        self.model.user_speaking(False)
        self.stream.flush()

    async def event(self, kind: stt.SpeechEventType, timeout: float = 6.0) -> str:
        async with asyncio.timeout(timeout):
            async for event in self.stream:
                if event.type is kind:
                    return event.alternatives[0].text if event.alternatives else ""
        raise AssertionError("the stream ended")

    async def final(self) -> str:
        return await self.event(stt.SpeechEventType.FINAL_TRANSCRIPT)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with stt_server() as server, aiohttp.ClientSession() as session:
        heard = Heard()
        model = RealtimeSTT(quick(server.url), language="hi-IN", listener=heard, session=session)
        stream = model.stream()
        await server.until(lambda: server.sockets)
        yield Rig(server, model, stream, heard)
        await stream.aclose()


def words(first: int, last: int) -> str:
    return " ".join(str(value) for value in range(first, last + 1))


async def test_an_utterance_becomes_one_final_with_all_of_its_audio(rig: Rig) -> None:
    """The plain case, and what was heard just before the detector noticed."""
    rig.frames(3)
    await asyncio.sleep(0.02)  # what is not sent yet makes no event
    await rig.say(5)
    assert await rig.final() == words(1, 8)
    query = rig.server.queries[0]
    assert query["endpointing"] == "manual"
    assert query["language_code"] == "hi-IN"
    assert query["model"] == "saaras:v3-realtime"


@pytest.mark.parametrize(
    "fault",
    [
        Fault("close", 1000),
        Fault("close", 1001),
        Fault("close", 1008),
        Fault("close", 1013),
        Fault("close", 4000),
        Fault("reset"),
        Fault("freeze"),
        Fault("fatal"),
        Fault("lost_final"),
        Fault("close", 1008, after=1, times=2),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.code}-x{fault.times}",
)
async def test_no_close_in_mid_speech_loses_a_word(rig: Rig, fault: Fault) -> None:
    """What the caller said before the socket went would never reach the agent."""
    rig.server.fault = fault
    await rig.say()
    assert await rig.final() == words(1, 8)
    assert rig.server.connections == 1 + (2 if fault.code == 1008 and fault.after == 1 else 1)
    await rig.say(4)
    assert await rig.final() == words(9, 12)
    assert rig.heard.unheard == 0


@pytest.mark.parametrize("code", [1000, 1001, 1008])
async def test_a_close_while_nobody_speaks_leaves_the_agent_listening(rig: Rig, code: int) -> None:
    """Sarvam closes idle sockets cleanly; the plugin is deaf from then on."""
    await rig.server.close_all(code)
    await rig.server.until(lambda: rig.server.connections == 2)
    await rig.say()
    assert await rig.final() == words(1, 8)


async def test_a_frozen_idle_socket_is_noticed_by_its_missing_pong(rig: Rig) -> None:
    """A half-open connection would swallow the next thing that the caller says."""
    rig.server.fault = Fault("freeze", after=1)
    rig.model.user_speaking(True)
    rig.frames(1)
    await rig.server.until(lambda: rig.server.fault is None)
    await rig.server.until(lambda: rig.server.connections == 2, timeout=3.0)
    rig.frames(3)
    rig.model.user_speaking(False)
    rig.stream.flush()
    assert await rig.final() == words(1, 4)


async def test_pings_keep_an_idle_socket_and_find_it_alive(rig: Rig) -> None:
    """A caller who listens for a minute must not cost a reconnect."""
    await rig.server.until(lambda: rig.server.pings >= 2)
    assert rig.server.connections == 1


async def test_the_last_partial_starts_the_reply_before_the_final(rig: Rig) -> None:
    """Preflight: without it every reply comes later by the time that a final takes."""
    await rig.say()
    assert await rig.event(stt.SpeechEventType.PREFLIGHT_TRANSCRIPT) != ""


async def test_an_utterance_without_a_partial_has_no_preflight(rig: Rig) -> None:
    """An empty guess would ask the language model to answer nothing."""
    rig.server.silent = True
    await rig.say()
    seen = []
    async for event in rig.stream:
        seen.append(event.type)
        if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
            break
    assert stt.SpeechEventType.PREFLIGHT_TRANSCRIPT not in seen


async def test_a_dropped_backchannel_clears_its_partial_and_makes_no_turn(rig: Rig) -> None:
    """A "haan" while the agent speaks would else be answered at the end of the call."""
    rig.heard.drop = words(1, 2)
    await rig.say(2)
    last_interim = "unset"
    async with asyncio.timeout(3):
        async for event in rig.stream:
            if event.type is stt.SpeechEventType.INTERIM_TRANSCRIPT:
                last_interim = event.alternatives[0].text
            if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
                assert event.alternatives[0].text == ""
                break
    assert last_interim == ""


async def test_a_flush_without_speech_is_answered_at_once(rig: Rig) -> None:
    """A call that ends would wait two seconds for a transcript of nothing."""
    rig.stream.flush()
    assert await rig.event(stt.SpeechEventType.FINAL_TRANSCRIPT, timeout=0.5) == ""


async def test_speech_that_resumes_within_a_turn_is_a_new_utterance(rig: Rig) -> None:
    """A pause of 200 ms makes two finals, and none of the words between them are lost."""
    rig.model.user_speaking(True)
    rig.frames(3)
    rig.stream.flush()
    rig.frames(2)
    await asyncio.sleep(0.02)  # a pause within the turn, of real sound
    rig.frames(2)
    rig.model.user_speaking(False)
    rig.stream.flush()
    assert await rig.final() == words(1, 3)
    assert await rig.final() == words(4, 7)


async def test_the_language_changes_in_the_running_session(rig: Rig) -> None:
    """Auto-detect would otherwise need a reconnect, and a gap in hearing."""
    rig.model.set_language("ta-IN")
    await rig.server.until(
        lambda: {"event": "config.update", "language_code": "ta-IN"} in rig.server.events
    )
    assert rig.server.connections == 1


async def test_a_transcript_says_which_language_it_is_in(rig: Rig) -> None:
    """With auto-detect the agent answers in the caller's language."""
    rig.server.language = "od-IN"
    await rig.say()
    async for event in rig.stream:
        if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
            assert event.alternatives[0].language == "or-IN"
            break


async def test_a_refused_key_is_told_once_and_not_hammered(rig: Rig) -> None:
    """An operator reads which key is wrong; Sarvam is not asked ten times a second."""
    rig.server.refuse_code = 1003
    await rig.server.close_all(1003)
    await rig.server.until(lambda: rig.server.connections == 3)
    await asyncio.wait_for(rig.heard.told.wait(), 2)
    assert "1003" in rig.heard.refused[0]
    assert len(rig.heard.refused) == 1
    assert rig.server.connections == 3


async def test_an_utterance_that_is_never_answered_is_given_up(rig: Rig) -> None:
    """The caller is asked to say it again; silence for ever is worse."""
    rig.server.fault = Fault("lost_final", after=0, times=99)
    await rig.say()
    await asyncio.wait_for(rig.heard.told.wait(), 6)
    assert rig.heard.unheard == 1


async def test_closing_the_stream_ends_everything_at_once(rig: Rig) -> None:
    """A call that ends must not wait for a reconnect."""
    await rig.server.close_all(1013)
    async with asyncio.timeout(1):
        await rig.stream.aclose()
