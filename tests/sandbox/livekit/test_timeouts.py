"""What happens by the clock: rooms nobody is in, clients nobody hears."""

import asyncio
import time
from dataclasses import replace

import pytest
from livekit import api
from livekit.protocol import models, rtc

from services.sandbox.livekit import Timings
from tests.sandbox.livekit.clients import Clients, Heard, token
from tests.sandbox.livekit.hook import Hook

Reason = models.DisconnectReason


@pytest.fixture
def timings() -> Timings:
    """Silence is judged after tenths of a second; ICE checks of a live client come more often."""
    fast = Timings().faster(100)
    return replace(fast, silence_resume=30, silence_remove=40)


async def test_a_room_that_nobody_joins(clients: Clients, hook: Hook) -> None:
    """Rooms made ahead would pile up."""
    lk = await clients.api()
    started = time.monotonic()
    await lk.room.create_room(api.CreateRoomRequest(name="r", empty_timeout=20))
    await hook.until("room_finished")
    assert time.monotonic() - started >= 0.2


async def test_a_room_that_everybody_left_ends_with_its_agents(
    clients: Clients, hook: Hook
) -> None:
    """An agent would stay, and cost money, after the caller has hung up."""
    config = api.RoomConfiguration(departure_timeout=10, empty_timeout=3000)
    caller = await clients.signal(token("caller", config=config))
    agent = await clients.signal(token("agent", agent=True, kind="agent"))
    await agent.until("join")
    await caller.send(leave=rtc.LeaveRequest())
    left = time.monotonic()
    assert (await agent.until("leave")).reason == Reason.ROOM_CLOSED
    assert time.monotonic() - left >= 0.09
    await hook.until("room_finished")
    assert hook.names[-2:] == ["participant_connection_aborted", "room_finished"]


async def test_an_agent_that_leaves_does_not_prolong_the_room(clients: Clients) -> None:
    """Agents that come and go would keep a room open that no caller is in."""
    config = api.RoomConfiguration(departure_timeout=40, empty_timeout=3000)
    caller = await clients.signal(token("caller", config=config))
    first = await clients.signal(token("first", agent=True, kind="agent"))
    second = await clients.signal(token("second", agent=True, kind="agent"))
    await second.until("join")
    await caller.send(leave=rtc.LeaveRequest())
    await caller.closed()
    left = time.monotonic()
    await asyncio.sleep(0.2)  # half of the timeout
    await first.send(leave=rtc.LeaveRequest())
    assert (await second.until("leave")).reason == Reason.ROOM_CLOSED
    assert time.monotonic() - left < 0.55


async def test_a_caller_who_comes_back_in_time(clients: Clients) -> None:
    """A dropped network would end the call at once."""
    config = api.RoomConfiguration(departure_timeout=30)
    first = await clients.signal(token("caller", config=config))
    room = (await first.until("join")).room.sid
    await first.send(leave=rtc.LeaveRequest())
    await first.closed()
    again = await clients.signal(token("caller"))
    assert (await again.until("join")).room.sid == room


async def test_a_client_that_falls_silent(clients: Clients, hook: Hook) -> None:
    """A caller whose machine died would stay in the room, and the agent with it."""
    server = clients.server
    heard = Heard("reconnecting")
    await clients.room("a", prepare=heard)
    await hook.until("participant_joined")
    room = server.rooms.get("room")
    assert room is not None
    participant = room.participants["a"]
    ice = participant.link.ice
    ice._current.heard = lambda: None  # the machine of this client has died
    assert ice.last_heard is not None
    ice.last_heard -= room.timings.silence_resume
    await heard.until("reconnecting")
    ice.last_heard -= room.timings.silence_remove
    left = await hook.until("participant_left")
    assert left.participant.sid == participant.sid
    assert left.participant.disconnect_reason == Reason.CONNECTION_TIMEOUT
