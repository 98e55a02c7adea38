"""Everything around an agent worker: Redis, LiveKit, speech, a language model, and a caller."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from livekit import api, rtc
from redis.asyncio import Redis

from services.sandbox.caller.microphone import Microphone
from services.sandbox.livekit import DevServer, Timings
from shared.calls import Call, Calls
from shared.calls.log import CallLog, LogEntry
from shared.redis.client import connect, now_ms
from shared.runtime.health import read_reports
from shared.runtime.tasks import cancel
from tests.agent.calls import open_call, scripted_llm
from tests.agent.sarvam import Speech, speech
from tests.waiting import until

KEY, SECRET = "devkey", "a-secret-of-thirty-two-characters-0"
PATIENCE_S = 20.0
START_S = 60.0  # five on a quiet machine


@dataclass
class World:
    redis: Redis
    redis_url: str
    livekit: DevServer
    speech: Speech
    llm_url: str
    folder: Path

    async def worker(self, **more: str) -> asyncio.subprocess.Process:
        """An agent service in a session of its own, once it has registered."""
        before = {report.replica for report in await read_reports(self.redis)}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.agent"),
            env={**os.environ, **self.environment(), **more},
            start_new_session=True,
        )
        try:
            await self._registered(process, before)
        except BaseException:
            await end(process)
            raise
        return process

    def environment(self) -> dict[str, str]:
        return {
            "REDIS_URL": self.redis_url,
            "LIVEKIT_URL": self.livekit.url,
            "LIVEKIT_API_KEY": KEY,
            "LIVEKIT_API_SECRET": SECRET,
            "SARVAM_API_KEY": "sandbox",
            "SARVAM_BASE_URL": self.speech.url,
            "LLM_PROVIDER": "openai",
            "OPENAI_API_KEY": "sandbox",
            "LLM_MODEL": "scripted",
            "LLM_BASE_URL": self.llm_url,
            "HEALTH_PORT": "0",
            "DRAIN_TIMEOUT": "1",
            "SPOOL_DIR": str(self.folder),
        }

    async def _registered(self, process: asyncio.subprocess.Process, before: set[str]) -> None:
        async def registered() -> bool:
            assert process.returncode is None, f"the worker ended with {process.returncode}"
            return any(
                each.service == "agent" and each.status == "ok" and each.replica not in before
                for each in await read_reports(self.redis)
            )

        await until(registered, timeout=START_S, every=0.1)

    async def open(self, **more: Any) -> Call:
        return await open_call(self.redis, **more)

    async def dispatch(self, call: Call) -> None:
        """What the gateway's watchdog does."""
        async with api.LiveKitAPI(self.livekit.http_url, KEY, SECRET) as server:
            await server.agent_dispatch.create_dispatch(
                api.CreateAgentDispatchRequest(
                    agent_name="bolchaal", room=call.room, metadata=call.id
                )
            )

    async def participants(self, call: Call) -> list[api.ParticipantInfo]:
        async with api.LiveKitAPI(self.livekit.http_url, KEY, SECRET) as server:
            answer = await server.room.list_participants(
                api.ListParticipantsRequest(room=call.room)
            )
            return list(answer.participants)

    async def entry(self, call: Call, wanted: Callable[[LogEntry], bool]) -> LogEntry:
        """The first entry of the call's log that is wanted; waits for it."""
        async with asyncio.timeout(PATIENCE_S):
            async for batch in CallLog(self.redis).follow(call.id, block_ms=1000):
                for logged in batch:
                    if wanted(logged.entry):
                        return logged.entry
        raise AssertionError("following a log never ends")

    async def lapsed(self, call: Call, *, within: float = PATIENCE_S) -> None:
        """Waits until nobody holds the call, as a watchdog does. Asks every 50 ms."""
        calls = Calls(self.redis, source="gateway")

        async def has_lapsed() -> bool:
            return (await calls.get(call.id)).lease_ms <= await now_ms(self.redis)

        await until(has_lapsed, timeout=within, every=0.05)

    async def field(self, call: Call, name: str) -> str | None:
        value = await self.redis.hget(f"bolchaal:call:{call.id}", name)
        return None if value is None else str(value)


class Workers:
    """Agent services that last over several tests; `more` is added to their environment."""

    def __init__(self, around: World, **more: str) -> None:
        self._around = around
        self._more = more
        self._running: list[asyncio.subprocess.Process] = []

    async def one(self) -> asyncio.subprocess.Process:
        """A running worker, the only one."""
        self._running = [each for each in self._running if each.returncode is None]
        return self._running[0] if self._running else await self.another()

    async def another(self) -> asyncio.subprocess.Process:
        process = await self._around.worker(**self._more)
        self._running.append(process)
        return process

    async def end(self) -> None:
        for process in self._running:
            await end(process)


@dataclass
class Caller:
    """Somebody in the room: joins with a token as the gateway makes them."""

    world: World
    call: Call
    room: rtc.Room = field(default_factory=rtc.Room)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    agents: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _microphone: Microphone | None = None

    async def join(self, *, dispatch: bool = True, identity: str = "caller") -> None:
        grants = api.VideoGrants(
            room_join=True, room=self.call.room, can_publish_sources=["microphone"]
        )
        token = api.AccessToken(KEY, SECRET).with_identity(identity).with_grants(grants)
        if dispatch:
            agent = api.RoomAgentDispatch(agent_name="bolchaal", metadata=self.call.id)
            token = token.with_room_config(api.RoomConfiguration(agents=[agent]))
        self.room.on("track_subscribed", self._on_track)
        self.room.on("participant_connected", lambda each: self.agents.append(each.identity))
        self.room.on("participant_attributes_changed", self._on_attributes)
        self.room.on("disconnected", lambda *_: self.disconnected.set())
        self.room.register_text_stream_handler("lk.transcription", self._on_text)
        await self.room.connect(self.world.livekit.url, token.to_jwt())

    async def type(self, text: str) -> None:
        await self.room.local_participant.send_text(text, topic="lk.chat")

    async def pick_up(self) -> Microphone:
        """A microphone that is published; stopped when the caller leaves."""
        self._microphone = Microphone()
        source = rtc.TrackSource.SOURCE_MICROPHONE
        await self.room.local_participant.publish_track(
            self._microphone.track, rtc.TrackPublishOptions(source=source)
        )
        self._microphone.start()
        return self._microphone

    async def leave(self) -> None:
        if self._microphone:
            await self._microphone.stop()
        await self.room.disconnect()
        await cancel(*self._tasks)

    def _on_track(self, track: rtc.Track, *_: object) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._spawn(self._listen(track))

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=16_000, num_channels=1)
        try:
            async for event in stream:
                if max(abs(sample) for sample in event.frame.data) > 1000:
                    self.heard.set()
        finally:
            await stream.aclose()

    def _on_attributes(self, changed: dict[str, str], _: object) -> None:
        if state := changed.get("lk.agent.state"):
            self.states.append(state)

    def _on_text(self, reader: rtc.TextStreamReader, _: str) -> None:
        async def read() -> None:
            self.texts.append(await reader.read_all())

        self._spawn(read())

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def world(redis_url: str, folder: Path) -> AsyncIterator[World]:
    redis = connect(redis_url)
    await redis.flushall()
    timings = replace(Timings(), room_second=0.1, update_tick=0.1)
    async with (
        DevServer(KEY, SECRET, port=0, timings=timings) as livekit,
        speech() as sockets,
        scripted_llm() as (_, llm_url),
    ):
        yield World(redis, redis_url, livekit, sockets, llm_url, folder)
    await redis.aclose()


def is_agent(participant: api.ParticipantInfo) -> bool:
    return api.ParticipantInfo.Kind.Name(participant.kind) == "AGENT"


async def end(process: asyncio.subprocess.Process) -> int:
    """SIGTERM once, and its exit code; a kill of the whole session when that takes too long."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), PATIENCE_S)
        except TimeoutError:
            kill(process)
            await process.wait()
    return process.returncode or 0


def kill(process: asyncio.subprocess.Process) -> None:
    """kill -9 of the worker and all that belongs to it."""
    os.killpg(process.pid, signal.SIGKILL)
