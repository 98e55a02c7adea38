"""Fulfilling wishes for profiles: one fetch per profile at a time, over all replicas.

A wish that finds what it wants is answered by the notice alone. After every wish there is a notice,
so that whoever waits never waits for a fetch that has been made already.
"""

import asyncio
from pathlib import Path

from loguru import logger
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import LockError

from services.config.fetch_result import Failed, FetchResult
from services.config.files import builtin, from_folder
from services.config.n8n import N8nProfiles
from services.config.resolve import Local, resolve
from shared.bus import Context
from shared.clock import SYSTEM_CLOCK, Clock
from shared.events import ProfileWanted
from shared.profiles import DEFAULT_ID
from shared.profiles.model import is_agent_id
from shared.profiles.record import ProfileRecord, announce, read, write
from shared.redis import keys
from shared.redis.client import now_ms
from shared.runtime.health import Health

# An invalidation of a profile that was invalidated so recently waits for the end of this time.
INVALIDATION_PAUSE_MS = 10_000
# Beyond the fetch's own time-out: for Redis, before a lock is taken for a dead replica's.
LOCK_SLACK_S = 2.0
# While somebody waits, an N8N that is starting is asked again after so many seconds.
ASK_AGAIN_S = 1.0
# N8N answers in 0.1 s: with less time than this there is no other try.
SHORTEST_TRY_S = 0.5
# How long before a reader gives up it must be told: for the notice to reach it.
NOTICE_MS = 200

FETCHES = Counter("bolchaal_profile_fetches", "Profiles asked for, by what came", ["outcome"])


class Refresher:
    """Keeps profile:ID up to date. `n8n` None: there is none. `timeout`, `ttl`: seconds."""

    def __init__(
        self,
        redis: Redis,
        health: Health,
        *,
        n8n: N8nProfiles | None,
        folder: Path | None,
        ttl: float,
        timeout: float,
        pause_ms: int = INVALIDATION_PAUSE_MS,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._redis = redis
        self._health = health
        self._n8n = n8n
        self._folder = folder
        self._ttl_ms = int(ttl * 1000)
        self._timeout = timeout
        self._pause_ms = pause_ms
        self._clock = clock
        # What the next probe asks for: the default agent at first, then one that found N8N away.
        self.to_probe: str | None = DEFAULT_ID

    async def on_wanted(self, event: ProfileWanted, _: Context) -> None:
        """The bus handler. An invalidation counts though nobody waits for it any more."""
        late = event.expires_ms and event.expires_ms < await now_ms(self._redis)
        if (late and not event.fresh) or not is_agent_id(event.agent_id):
            return
        await self.fulfil(event.agent_id, fresh=event.fresh, expires_ms=event.expires_ms)

    async def probe(self) -> None:
        """Has the default profile at hand from the start, and notices when N8N is back."""
        if self.to_probe is not None:
            await self.fulfil(self.to_probe)

    async def fulfil(self, agent_id: str, *, fresh: bool = False, expires_ms: int = 0) -> None:
        """Fetches the profile unless it is fresh (or `fresh` asks for more), then announces it.

        `expires_ms`: until then (Redis TIME) somebody waits, and an N8N that is starting is asked
        again and again.
        """
        if fresh and not await self._may_invalidate(agent_id):
            return  # another replica waits for the end of the pause, and will announce
        asked = await now_ms(self._redis)
        ends = max(asked + int(self._timeout * 1000), expires_ms - NOTICE_MS)
        lock = self._redis.lock(
            keys.profile_fetch(agent_id),
            timeout=(ends - asked) / 1000 + LOCK_SLACK_S,
            sleep=0.05,
        )
        await lock.acquire()
        try:
            record = await read(self._redis, agent_id)
            satisfied = _satisfied(record, fresh=fresh, asked_ms=asked)
            left: float | None = None  # for the first try there is the whole time-out
            if satisfied and record.passing:  # it failed for somebody who waits no longer
                left = await self._pause(expires_ms - NOTICE_MS)
            if not satisfied or left is not None:
                if fresh or not record.profile:  # readers wait instead of taking what is there
                    record = record.model_copy(update={"refreshing_until_ms": ends})
                    await write(self._redis, agent_id, record)
                record = await self._refresh(agent_id, record, expires_ms - NOTICE_MS, left)
            await announce(self._redis, agent_id, record.version)
        finally:
            try:
                await lock.release()
            except LockError:
                logger.warning("the fetch of profile {} took longer than its lock", agent_id)

    async def _may_invalidate(self, agent_id: str) -> bool:
        """Waits until this invalidation may fetch; False when another one waits already."""
        recent, waiting = keys.profile_invalidated(agent_id), keys.profile_invalidating(agent_id)
        if await self._redis.set(recent, 1, nx=True, px=self._pause_ms):
            return True
        if not await self._redis.set(waiting, 1, nx=True, px=self._pause_ms):
            return False
        left = await self._redis.pttl(recent)
        await self._clock.sleep(max(left, 0) / 1000)
        await self._redis.delete(waiting)
        await self._redis.set(recent, 1, px=self._pause_ms)
        return True

    async def _refresh(
        self, agent_id: str, record: ProfileRecord, until_ms: int, left: float | None
    ) -> ProfileRecord:
        """One fetch, and what it makes of the record."""
        answer = await self._ask_until(until_ms, agent_id, record, left)
        local = Local(
            file=await asyncio.to_thread(from_folder, self._folder, agent_id),
            builtin=builtin(agent_id),
        )
        now = await now_ms(self._redis)
        after = resolve(record, answer, local, now_ms=now, ttl_ms=self._ttl_ms)
        await write(self._redis, agent_id, after)
        self._report(agent_id, answer, record, after)
        return after

    async def _ask_until(
        self, until_ms: int, agent_id: str, record: ProfileRecord, left: float | None
    ) -> FetchResult | None:
        """N8N's answer; while it may be starting, and until `until_ms`, the one to another try.

        `left`: seconds that the first try has, None for the whole time-out.
        """
        while True:
            answer = await self._ask(agent_id, record, left)
            if not (isinstance(answer, Failed) and answer.passing):
                return answer
            left = await self._pause(until_ms)
            if left is None:
                return answer

    async def _pause(self, until_ms: int) -> float | None:
        """Waits before another try; answers its seconds, or None at once when there are too few."""
        left = (until_ms - await now_ms(self._redis)) / 1000 - ASK_AGAIN_S
        if left < SHORTEST_TRY_S:
            return None
        await self._clock.sleep(ASK_AGAIN_S)
        return left

    async def _ask(
        self, agent_id: str, record: ProfileRecord, timeout: float | None
    ) -> FetchResult | None:
        if self._n8n is None:
            return None
        known = record.profile is not None and record.origin == "n8n"
        answer = await self._n8n.fetch(agent_id, record.etag if known else "", timeout=timeout)
        FETCHES.labels(type(answer).__name__.lower()).inc()
        return answer

    def _report(
        self, agent_id: str, answer: FetchResult | None, before: ProfileRecord, after: ProfileRecord
    ) -> None:
        if after.version != before.version:
            logger.info(
                "profile {}: version {} from {}", agent_id, after.version or "none", after.origin
            )
        if isinstance(answer, Failed) and answer.away:
            self.to_probe = agent_id
            self._health.set_degraded("n8n", answer.reason)
            return
        self.to_probe = None
        if answer is not None:
            self._health.set_ok("n8n")
        self._health.set_degraded(f"profile:{agent_id}", after.fault or None)


def _satisfied(record: ProfileRecord, *, fresh: bool, asked_ms: int) -> bool:
    """Whether nobody needs to be asked: it is fresh, or was fetched since the wish was made."""
    if fresh:
        return record.fetched_ms > asked_ms
    until = (record.fresh_until_ms, record.unknown_until_ms, record.failed_until_ms)
    return max(until) > asked_ms
