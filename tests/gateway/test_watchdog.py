"""The watchdog: whom it calls an agent for, when, and when it keeps still."""

import asyncio

import pytest
from livekit.api import ParticipantInfo
from redis.asyncio import Redis

from services.gateway.calls.watchdog import AGENT_LOST, NO_AGENT, Watchdog
from shared.calls import Call, Calls
from shared.calls.log import CallLog, CallNotice
from shared.redis import keys
from shared.redis.client import connect, now_ms
from shared.runtime.health import Health
from tests.agent.clock import HandClock
from tests.gateway.rooms import Rooms, participant
from tests.shared.builders import new_call
from tests.valkey import Valkey
from tests.waiting import until

CALLER = "caller-1"


class Scene:
    """One call, its room, and a watchdog that has been at its post for longer than a lease."""

    def __init__(self, redis: Redis, rooms: Rooms) -> None:
        self.redis = redis
        self.rooms = rooms
        self.clock = HandClock()
        self.calls = Calls(redis, source="test")
        self.log = CallLog(redis)
        self.health = Health("gateway", "test")
        self.watchdog = self.another()

    def another(self) -> Watchdog:
        return Watchdog(
            redis=self.redis,
            calls=self.calls,
            call_log=self.log,
            livekit=self.rooms,
            health=self.health,
            clock=self.clock,
        )

    async def poll(self) -> None:
        await self.watchdog.poll()
        await self.watchdog.settled()

    async def on_duty(self) -> None:
        for _ in range(4):
            await self.poll()
            self.clock.seconds += 1

    async def open(self, **settings: str) -> str:
        new = new_call(caller_identity=CALLER, **settings)
        await self.calls.open(new)
        return new.id

    async def call(self, call_id: str) -> Call:
        return await self.calls.get(call_id)

    async def caller_comes(self, call_id: str) -> None:
        await self.comes(call_id, participant(CALLER))

    async def caller_goes(self, call_id: str) -> None:
        self.rooms.people[(await self.call(call_id)).room] = []

    async def comes(self, call_id: str, who: ParticipantInfo) -> None:
        self.rooms.people.setdefault((await self.call(call_id)).room, []).append(who)

    async def ago(self, call_id: str, **seconds: float) -> None:
        """Sets times of the call that many seconds into the past, and makes it due."""
        now = await now_ms(self.redis)
        for name, value in seconds.items():
            await self.redis.hset(keys.call(call_id), f"{name}_ms", int(now - value * 1000))
        await self.calls.due_at(call_id, now - 1)

    async def look(self, call_id: str) -> None:
        await self.calls.due_at(call_id, await now_ms(self.redis) - 1)
        await self.poll()

    async def due_in(self, call_id: str) -> float | None:
        """Seconds until somebody looks at the call again; None when nobody will."""
        due = await self.redis.zscore(keys.CALLS_DUE, call_id)
        return None if due is None else (due - await now_ms(self.redis)) / 1000

    async def notices(self, call_id: str) -> list[str]:
        logged = [each.entry for each in await self.log.read(call_id)]
        return [entry.code for entry in logged if isinstance(entry, CallNotice)]


@pytest.fixture
async def scene(redis: Redis, rooms: Rooms) -> Scene:
    scene = Scene(redis, rooms)
    await scene.on_duty()
    return scene


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
    await asyncio.gather(*(each.settled() for each in (scene.watchdog, *others)))
    assert len(scene.rooms.dispatched) == 1


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
    await scene.watchdog.settled()
    assert len(scene.rooms.dispatched) == 2


async def test_calls_that_are_over_or_forgotten_are_not_looked_after(scene: Scene) -> None:
    call_id = await scene.open()
    await scene.calls.end(await scene.call(call_id), "caller_hung_up")
    await scene.calls.due_at("0199b3a0-0000-7000-8000-000000000000", 1)
    await scene.look(call_id)
    assert await scene.redis.zcard(keys.CALLS_DUE) == 0


NOT_THE_CALLER = [
    participant("EG_recorder", "EGRESS"),
    participant("IN_music", "INGRESS"),
    participant("supervisor", "STANDARD"),
    participant("colleague", "SIP"),
    participant("agent-1", "AGENT"),
]


@pytest.mark.parametrize("other", NOT_THE_CALLER, ids=lambda who: str(who.identity))
async def test_only_the_caller_counts_as_the_caller(scene: Scene, other: ParticipantInfo) -> None:
    """A recorder or a supervisor in the room had agents called for a caller who was not there."""
    call_id = await scene.open()
    await scene.comes(call_id, other)
    await scene.ago(call_id, created=60, joined=50)
    await scene.poll()
    assert scene.rooms.dispatched == []
    await scene.caller_comes(call_id)
    await scene.look(call_id)
    assert len(scene.rooms.dispatched) == 1


@pytest.mark.parametrize(
    ("who", "counts"),
    [
        (participant("anybody", "STANDARD"), True),
        (participant("anybody", "SIP"), True),
        (participant("EG_recorder", "EGRESS"), False),
        (participant("IN_music", "INGRESS"), False),
        (participant("agent-1", "AGENT"), False),
    ],
    ids=lambda value: getattr(value, "identity", None),
)
async def test_a_call_opened_before_identities_were_stored_still_has_a_caller(
    scene: Scene, who: ParticipantInfo, counts: bool
) -> None:
    """Calls under way during an update must not lose their agent."""
    call_id = await scene.open()
    await scene.redis.hdel(keys.call(call_id), "caller_identity")
    await scene.comes(call_id, who)
    await scene.ago(call_id, created=10, joined=6)
    await scene.poll()
    assert bool(scene.rooms.dispatched) is counts
