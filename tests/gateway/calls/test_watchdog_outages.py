"""The watchdog while Redis or LiveKit is away, and after it."""

import asyncio

import pytest

from shared.redis.client import connect
from tests.gateway.calls.scene import Scene
from tests.gateway.rooms import Rooms
from tests.valkey import Valkey
from tests.waiting import until


async def test_a_new_watchdog_waits_a_lease_before_it_judges(scene: Scene) -> None:
    """After an outage all leases have lapsed: agents get the time to renew them."""
    call_id = await scene.open()
    await scene.caller_comes(call_id)
    await scene.ago(call_id, created=10, joined=6)
    scene.watchdog = scene.another()
    for _ in range(3):
        await scene.poll()
        scene.clock.seconds += 0.99
    assert scene.rooms.dispatched == []
    scene.clock.seconds += 0.1
    await scene.poll()
    assert len(scene.rooms.dispatched) == 1


async def test_a_watchdog_that_slept_waits_a_lease(scene: Scene) -> None:
    """A suspended laptop wakes up with every lease lapsed, and every agent alive."""
    call_id = await scene.open()
    await scene.caller_comes(call_id)
    await scene.ago(call_id, created=10, joined=6)
    scene.clock.seconds += 60
    await scene.poll()
    assert scene.rooms.dispatched == []


async def test_after_a_redis_outage_it_waits_a_lease(own_valkey: Valkey, rooms: Rooms) -> None:
    """Redis restarts in one second, and nobody could renew meanwhile."""
    redis = connect(own_valkey.url, retries=0, timeout=1)
    scene = Scene(redis, rooms)
    await scene.on_duty()
    call_id = await scene.open()
    await scene.caller_comes(call_id)
    await scene.ago(call_id, created=10, joined=6)
    own_valkey.kill()
    await scene.poll()
    own_valkey.start()
    await scene.poll()
    assert rooms.dispatched == []
    scene.clock.seconds += 2.9
    await scene.poll()
    assert rooms.dispatched == []
    scene.clock.seconds += 0.2
    await scene.poll()
    assert len(rooms.dispatched) == 1
    await redis.aclose()


async def test_livekit_away_is_said_and_tried_again(scene: Scene) -> None:
    """The page says what is wrong, and the call goes on as soon as it can."""
    call_id = await scene.open()
    await scene.caller_comes(call_id)
    await scene.ago(call_id, created=10, joined=6)
    scene.rooms.away = True
    await scene.poll()
    assert "livekit" in scene.health.reasons
    assert 0 < (await scene.due_in(call_id) or 0) <= 1
    scene.rooms.away = False
    await scene.look(call_id)
    assert scene.health.reasons == {}
    assert len(scene.rooms.dispatched) == 1


async def test_a_slow_livekit_holds_up_no_other_call(scene: Scene) -> None:
    """One call's room that does not answer must not cost another caller their agent."""
    slow, other = await scene.open(), await scene.open()
    for call_id in (slow, other):
        await scene.caller_comes(call_id)
        await scene.ago(call_id, created=10, joined=6)
    scene.rooms.slow[(await scene.call(slow)).room] = asyncio.Event()
    await scene.watchdog.poll()

    async def dispatched() -> bool:
        return [call_id for _, call_id in scene.rooms.dispatched] == [other]

    await until(dispatched)
    scene.rooms.slow.popitem()[1].set()
    await scene.watchdog.finish_looks()
    assert len(scene.rooms.dispatched) == 2


@pytest.mark.parametrize(
    ("spoil", "mend"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
    ],
    ids=["full", "read-only"],
)
async def test_after_refused_writes_it_waits_a_lease(
    own_valkey: Valkey, rooms: Rooms, spoil: tuple[str, ...], mend: tuple[str, ...]
) -> None:
    """Nobody could renew a lease meanwhile: agents that live would be doubled."""
    redis = connect(own_valkey.url, retries=0, timeout=1)
    scene = Scene(redis, rooms)
    await scene.on_duty()
    call_id = await scene.open()
    await scene.caller_comes(call_id)
    await scene.calls.take(call_id, "agent-1")
    await scene.ago(call_id, lease=0.1)
    await redis.execute_command(*spoil)  # type: ignore[no-untyped-call]
    await scene.poll()
    await redis.execute_command(*mend)  # type: ignore[no-untyped-call]
    await scene.poll()
    assert rooms.dispatched == []
    scene.clock.seconds += 2.9
    await scene.poll()
    assert rooms.dispatched == []
    scene.clock.seconds += 0.2
    await scene.poll()
    assert len(rooms.dispatched) == 1
    await redis.aclose()
