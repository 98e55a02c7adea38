"""One call and a watchdog over it, with everything that tests bring about."""

from livekit.api import ParticipantInfo
from redis.asyncio import Redis

from services.gateway.calls.watchdog import Watchdog
from shared.calls import Call, Calls
from shared.calls.log import CallLog, CallNotice
from shared.redis import keys
from shared.redis.client import now_ms
from shared.runtime.health import Health
from tests.gateway.rooms import Rooms, participant
from tests.shared.builders import new_call
from tests.step_clock import StepClock

CALLER = "caller-1"


class Scene:
    """One call, its room, and a watchdog that has been at its post for longer than a lease."""

    def __init__(self, redis: Redis, rooms: Rooms) -> None:
        self.redis = redis
        self.rooms = rooms
        self.clock = StepClock()
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
        await self.watchdog.finish_looks()

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
