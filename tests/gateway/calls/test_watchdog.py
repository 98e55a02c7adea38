"""The watchdog: whom it calls an agent for, when, and when it keeps still."""

import asyncio

from services.gateway.calls.watchdog import AGENT_LOST, NO_AGENT
from shared.redis import keys
from tests.gateway.calls.scene import Scene


async def test_polling_notices_the_caller_without_a_webhook(scene: Scene) -> None:
    """A cloud cannot reach a laptop's webhook: without polling nobody would watch."""
    call_id = await scene.open()
    await scene.look(call_id)
    assert (await scene.call(call_id)).joined_ms is None
    await scene.caller_comes(call_id)
    await scene.look(call_id)
    assert (await scene.call(call_id)).joined_ms is not None
    assert 4 < (await scene.due_in(call_id) or 0) <= 5
    assert scene.rooms.dispatched == []


async def test_no_agent_five_seconds_after_the_caller_joined(scene: Scene) -> None:
    """LiveKit dispatches once: without this the caller waits for ever, in silence."""
    call_id = await scene.open()
    await scene.caller_comes(call_id)
    await scene.ago(call_id, created=10, joined=4.5)
    await scene.poll()
    assert scene.rooms.dispatched == []
    await scene.ago(call_id, joined=5)
    await scene.poll()
    assert scene.rooms.dispatched == [((await scene.call(call_id)).room, call_id)]
    assert await scene.notices(call_id) == [NO_AGENT]


async def test_the_first_free_agent_is_called_while_the_caller_waits(scene: Scene) -> None:
    """With all agents busy one asks again and again; the page is told once."""
    call_id = await scene.open()
    await scene.caller_comes(call_id)
    for _ in range(3):
        await scene.ago(call_id, created=20, joined=10)
        await scene.poll()
    assert len(scene.rooms.dispatched) == 3
    assert await scene.notices(call_id) == [NO_AGENT]
    assert 3 < (await scene.due_in(call_id) or 0) <= 4


async def test_a_lapsed_lease_calls_another_agent(scene: Scene) -> None:
    """The agent was killed in mid-sentence: the caller hears the next one within seconds."""
    call_id = await scene.open()
    await scene.caller_comes(call_id)
    await scene.calls.joined(call_id)
    await scene.calls.take(call_id, "agent-1")
    await scene.ago(call_id, lease=0.1)
    await scene.poll()
    assert len(scene.rooms.dispatched) == 1
    assert await scene.notices(call_id) == [AGENT_LOST]


async def test_a_renewed_lease_is_left_alone(scene: Scene) -> None:
    """A slow agent is not a dead one."""
    call_id = await scene.open()
    await scene.caller_comes(call_id)
    held = await scene.calls.take(call_id, "agent-1")
    await scene.ago(call_id, lease=0.1)
    await scene.calls.renew(held)
    await scene.look(call_id)
    assert scene.rooms.dispatched == []
    assert 2 < (await scene.due_in(call_id) or 0) <= 3


async def test_nobody_is_called_for_a_caller_who_is_away(scene: Scene) -> None:
    """Agents are for callers: one whose network dropped may come back to the same room."""
    call_id = await scene.open()
    await scene.caller_comes(call_id)
    await scene.calls.take(call_id, "agent-1")
    await scene.caller_goes(call_id)
    await scene.ago(call_id, created=60, joined=50, started=50, lease=30)
    await scene.poll()
    assert scene.rooms.dispatched == []
    assert (await scene.call(call_id)).state == "active"


async def test_a_room_that_is_gone_ends_the_call(scene: Scene) -> None:
    """The partial lead of a caller who hung up on a dead agent is posted when the call ends."""
    call_id = await scene.open()
    await scene.calls.take(call_id, "agent-1")
    await scene.ago(call_id, created=60, joined=50, started=50, lease=30)
    await scene.poll()
    call = await scene.call(call_id)
    assert (call.state, call.how) == ("ended", "room_closed")
    assert await scene.due_in(call_id) is None


async def test_a_call_that_nobody_joins_expires_after_two_minutes(scene: Scene) -> None:
    """Tokens that were fetched and never used must not be looked after for ever."""
    call_id = await scene.open()
    await scene.ago(call_id, created=119)
    await scene.poll()
    assert (await scene.call(call_id)).state == "requested"
    await scene.ago(call_id, created=120)
    await scene.poll()
    assert (await scene.call(call_id)).how == "never_joined"


async def test_one_watchdog_of_many_looks_at_a_call(scene: Scene) -> None:
    """Two gateways must not call two agents."""
    call_id = await scene.open()
    await scene.caller_comes(call_id)
    others = [scene.another() for _ in range(3)]
    for other in others:
        await other.poll()
    scene.clock.seconds += 3
    for other in (scene.watchdog, *others):
        await other.poll()
    await scene.ago(call_id, created=10, joined=6)
    await asyncio.gather(*(each.poll() for each in (scene.watchdog, *others)))
    await asyncio.gather(*(each.finish_looks() for each in (scene.watchdog, *others)))
    assert len(scene.rooms.dispatched) == 1


async def test_calls_that_are_over_or_forgotten_are_not_looked_after(scene: Scene) -> None:
    call_id = await scene.open()
    await scene.calls.end(await scene.call(call_id), "caller_hung_up")
    await scene.calls.due_at("0199b3a0-0000-7000-8000-000000000000", 1)
    await scene.look(call_id)
    assert await scene.redis.zcard(keys.CALLS_DUE) == 0
