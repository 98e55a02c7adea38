"""The call watchdog: no caller waits for an agent that will not come.

LiveKit dispatches once and never again: not when no worker was free, not when one was killed. So
every gateway looks at the calls that are due (popped atomically, so that one gateway at a time
looks at a call) and asks for another agent when the caller is in the room and nobody holds the
call. A renewal by the current attempt always wins: this module only asks, the lease decides.
"""

import asyncio

from loguru import logger
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.gateway import metrics
from services.gateway.calls.token import DEPARTURE_TIMEOUT_S
from services.gateway.livekit import LiveKitError, LiveKitRooms
from shared.calls import LEASE_MS, NO_AGENT_MS, Call, Calls
from shared.calls.log import CallLog, CallNotice
from shared.clock import SYSTEM_CLOCK, Clock, set_within
from shared.errors import NotFound
from shared.events.calls import EndReason
from shared.redis import keys
from shared.redis.client import now_ms
from shared.redis.outage import outage_reason
from shared.runtime.health import Health

POLL_S = 0.25  # a lapsed lease is seen within this, and the whole hand-over has 5 s
LOOK_AGAIN_MS = 1_000  # while the caller is awaited, or away
HOLD_MS = 7_000  # longer than one look at a call can take: two requests of LiveKit's time-out
DISPATCH_AGAIN_MS = 4_000  # an agent takes a call within 2 s of a dispatch, on a busy machine 3
NOBODY_JOINED_MS = 120_000
SAID_S = 3_600  # how long we remember what a call was told
ROOM_GRACE_MS = 10_000  # a room is made when the caller connects: absence means nothing before
ABSENT_MS = 1_000 * DEPARTURE_TIMEOUT_S  # LiveKit closes a room that nobody else is in after this
FORGET_ABSENCE_S = 10  # without a look that renews it: looks are about LOOK_AGAIN_MS apart

NO_AGENT = "agent_none"
AGENT_LOST = "agent_lost"
SAYS = {
    NO_AGENT: "No agent is free just now. Please hold the line: the first free one is called.",
    AGENT_LOST: "The agent was lost. Another one is being called and goes on where it stopped.",
}


class Watchdog:
    """Looks at the calls that are due. Every dependency is given, so that tests are exact."""

    def __init__(
        self,
        *,
        redis: Redis,
        calls: Calls,
        call_log: CallLog,
        livekit: LiveKitRooms,
        health: Health,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._redis = redis
        self._calls = calls
        self._log = call_log
        self._livekit = livekit
        self._health = health
        self._clock = clock
        self._polled: float | None = None  # when the last poll succeeded, monotonic seconds
        self._judge_from = 0.0  # monotonic seconds before which nothing is judged
        self._looking: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Polls until `stop` is set and every look that has begun is over (HOLD_MS at most)."""
        self._polled = None
        try:
            while not stop.is_set():
                await self.poll()
                await set_within(stop, POLL_S)
        finally:
            await self.finish_looks()

    async def poll(self) -> None:
        """One round: claims what is due and begins to look at each call, or waits after a gap.

        It does not wait for the looks: a LiveKit that is slow for one call must not hold up others.
        """
        try:
            await self._poll()
        except (RedisError, OSError) as error:
            if not self._is_outage(error):
                raise

    async def finish_looks(self) -> None:
        """Waits for every look that has begun."""
        await asyncio.gather(*self._looking, return_exceptions=True)

    async def _poll(self) -> None:
        now = self._clock.monotonic()
        lease = LEASE_MS / 1000
        if self._polled is None or now - self._polled > lease:
            await self._redis.ping()
            self._judge_from = now + lease
        self._polled = now
        if now < self._judge_from:
            return
        for call_id in await self._calls.claim_due(hold_ms=HOLD_MS):
            task = asyncio.create_task(self._look(call_id), name=f"look at call {call_id}")
            self._looking.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._looking.discard(task)
        error = None if task.cancelled() else task.exception()
        if error and not self._is_outage(error):
            logger.opt(exception=error).error("{} failed; tried again", task.get_name())

    def _is_outage(self, error: BaseException) -> bool:
        """Whether Redis is away or refuses writes; then a lease passes before anything is judged.

        Leases may have lapsed only because their holders could not renew them either.
        """
        reason = outage_reason(error)
        if reason is None:
            return False
        self._polled = None
        logger.debug("watchdog: {}", reason)
        return True

    async def _look(self, call_id: str) -> None:
        """Looks at one call; when LiveKit does not answer, again in a moment."""
        try:
            call = await self._calls.get(call_id)
        except NotFound:
            await self._calls.not_due(call_id)
            return
        if call.state == "ended":
            await self._calls.not_due(call_id)
            return
        try:
            await self._judge(call, await now_ms(self._redis))
            self._health.set_ok("livekit")
        except LiveKitError as error:
            self._health.set_degraded("livekit", error.message)
            await self._calls.due_at(call.id, await now_ms(self._redis) + LOOK_AGAIN_MS)

    async def _judge(self, call: Call, now: int) -> None:
        if call.state == "active" and call.lease_ms > now:
            await self._calls.due_at(call.id, call.lease_ms)
            return
        if not await self._livekit.caller_present(call.room, call.caller_identity):
            await self._caller_absent(call, now)
            return
        await self._calls.joined(call.id)
        await self._redis.delete(keys.caller_absent(call.id))
        if call.state == "active":
            await self._call_agent(call, now, AGENT_LOST)
        elif call.joined_ms is None:
            await self._calls.due_at(call.id, now + NO_AGENT_MS)
        elif now - call.joined_ms < NO_AGENT_MS:
            await self._calls.due_at(call.id, call.joined_ms + NO_AGENT_MS)
        else:
            await self._call_agent(call, now, NO_AGENT)

    async def _caller_absent(self, call: Call, now: int) -> None:
        """Nobody to serve now. They may come (back); the call ends when they cannot any more."""
        joined = call.joined_ms or call.started_ms
        if joined is None and now - call.created_ms >= NOBODY_JOINED_MS:
            await self._end(call, "never_joined")
        elif joined is None or now - joined < ROOM_GRACE_MS:
            await self._calls.due_at(call.id, now + LOOK_AGAIN_MS)
        elif not await self._livekit.room_exists(call.room):
            await self._end(call, "room_closed")
        elif now - await self._absent_since(call, now) >= ABSENT_MS:
            # A recorder or a supervisor holds the room open, for a caller who will not come back.
            await self._livekit.delete_room(call.room)
            await self._end(call, "room_closed")
        else:
            await self._calls.due_at(call.id, now + LOOK_AGAIN_MS)

    async def _absent_since(self, call: Call, now: int) -> int:
        """Since when every look has found the caller away, milliseconds; `now` at the first."""
        key = keys.caller_absent(call.id)
        since = await self._redis.set(key, now, nx=True, get=True, ex=FORGET_ABSENCE_S)
        await self._redis.expire(key, FORGET_ABSENCE_S)
        return int(since or now)

    async def _call_agent(self, call: Call, now: int, why: str) -> None:
        """Asks for another agent, and says so once for each that is missing."""
        await self._livekit.dispatch(call.room, call.id)
        metrics.DISPATCHES.labels(why=why).inc()
        logger.warning("call {}: {}, dispatched again", call.id, why)
        await self._calls.due_at(call.id, now + DISPATCH_AGAIN_MS)
        if await self._first_time(call, why):
            notice = CallNotice(level="warning", code=why, text=SAYS[why])
            await self._log.append(call.id, notice)

    async def _first_time(self, call: Call, why: str) -> bool:
        key = keys.call_notice(call.id, why, call.attempt)
        return bool(await self._redis.set(key, "1", nx=True, ex=SAID_S))

    async def _end(self, call: Call, how: EndReason) -> None:
        ended = await self._calls.end(call, how)
        if ended.first:
            logger.info("call {} ended: {}", call.id, how)
