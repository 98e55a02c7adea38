"""A call page on a real gateway, LiveKit development server and Valkey, with the agent played.

The agent is a participant of the test's own, so that each thing that the page shows can be brought
about by itself: a state, words that are being said, a turn in the log, a lead, a delivery.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from livekit import api, rtc
from playwright.async_api import Page, expect
from redis.asyncio import Redis

from services.sandbox.livekit import DevServer
from shared.calls import Call, Calls
from shared.calls.log import CallLog, Turn
from shared.leads import LeadChange, Leads
from shared.redis import keys
from tests.gateway.conftest import KEY, SECRET
from tests.shared.builders import lead_context


@dataclass
class PlayedAgent:
    """The agent in one call's room."""

    room: rtc.Room
    call: Call
    redis: Redis

    async def is_(self, state: str) -> None:
        await self.room.local_participant.set_attributes({"lk.agent.state": state})

    async def says(self, text: str, segment: str) -> None:
        """The words as they are spoken; `said` follows when the turn is over."""
        writer = await self.room.local_participant.stream_text(
            topic="lk.transcription",
            attributes={"lk.segment_id": segment, "lk.transcribed_track_id": "TR_agent"},
        )
        await writer.write(text)
        await writer.aclose()

    async def turn(self, who: Any, text: str, **more: Any) -> None:
        """A finished turn of either side, in the call's log."""
        turn = Turn(who=who, text=text, language=self.call.language, **more)
        await CallLog(self.redis).append(self.call.id, turn)

    async def captures(self, **values: str) -> int:
        """Saves fields of the lead; answers its revision."""
        changes = [
            LeadChange(field=field, value=value, attempt=1, sequence=number)
            for number, (field, value) in enumerate(values.items())
        ]
        merged = await Leads(self.redis, source="test").apply(lead_context(self.call), changes)
        return merged.revision

    def chat(self) -> "Chat":
        """What the caller types from now on."""
        return Chat(self.room)


class Chat:
    """Messages on the topic on which callers type."""

    def __init__(self, room: rtc.Room) -> None:
        self._texts: asyncio.Queue[str] = asyncio.Queue()
        self._reading: set[asyncio.Task[None]] = set()
        room.register_text_stream_handler("lk.chat", self._take)

    def _take(self, reader: rtc.TextStreamReader, _: str) -> None:
        task = asyncio.create_task(self._read(reader))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _read(self, reader: rtc.TextStreamReader) -> None:
        await self._texts.put(await reader.read_all())

    async def next(self) -> str:
        return await self._texts.get()


@asynccontextmanager
async def agent_in(server: DevServer, redis: Redis, call_id: str) -> AsyncIterator[PlayedAgent]:
    """Joins a call's room as its agent."""
    call = await Calls(redis, source="test").get(call_id)
    token = api.AccessToken(KEY, SECRET).with_identity("agent-test").with_kind("agent")
    grants = api.VideoGrants(
        room_join=True, room=call.room, agent=True, can_update_own_metadata=True
    )
    room = rtc.Room()
    await room.connect(server.url, token.with_grants(grants).to_jwt())
    try:
        yield PlayedAgent(room, call, redis)
    finally:
        await room.disconnect()


async def start(page: Page, redis: Redis, **choices: str) -> str:
    """Fills the form, presses Start and waits for the room; answers the call's id."""
    for label, value in choices.items():
        field = page.get_by_label(label.capitalize().replace("_", " "))
        if await field.evaluate("field => field.tagName") == "SELECT":
            await field.select_option(value)
        else:
            await field.fill(value)
    await page.get_by_role("button", name="Start call").click()
    await expect(page.locator("main")).to_have_attribute("data-phase", "connected")
    [call_id] = await redis.zrevrange(keys.CALLS_INDEX, 0, 0)
    return str(call_id)
