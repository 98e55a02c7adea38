"""Reading profiles: memory, then Redis, then a wish on the stream that config fulfils.

Notices on pub/sub are hints: a profile is held in memory for 30 s at most, and everything is
dropped when the connection to Redis was lost, so a missed notice costs freshness for seconds only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from loguru import logger
from pydantic import ValidationError
from redis.asyncio import Redis

from shared.clock import SYSTEM_CLOCK, Clock, set_within
from shared.errors import NotFound, Unavailable
from shared.events.profiles import ProfileWanted
from shared.profiles.model import Profile
from shared.profiles.record import ProfileNotice, ProfileRecord, known_ids, read
from shared.redis import keys
from shared.redis.client import now_ms
from shared.runtime.background import Background
from shared.runtime.health import Health
from shared.runtime.tasks import cancel

HELD_S = 30.0  # how long a profile stays in a process's memory
NOTICE_WAIT_S = 0.2  # how long one read of notices waits; a stop is noticed within it

Wish = Callable[[ProfileWanted], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A profile as it was read: what a call uses from its first to its last word."""

    profile: Profile
    version: str


class ProfileReader:
    """Profiles for one process. Use as `async with`; `wish` publishes a ProfileWanted.

    `timeout` is CONFIG_TIMEOUT, the seconds a reader waits for a fetch. `health` is told when
    notices cannot be followed.
    """

    def __init__(
        self,
        redis: Redis,
        wish: Wish,
        *,
        timeout: float,
        health: Health | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._redis = redis
        self._wish = wish
        self._timeout = timeout
        self._clock = clock
        self._background = Background(health)
        self._held: dict[str, tuple[float, Snapshot]] = {}
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._wishing: set[asyncio.Task[None]] = set()
        self._listening = asyncio.Event()

    async def __aenter__(self) -> "ProfileReader":
        self._background.run("profile notices", self._listen)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._background.aclose()
        await cancel(*self._wishing)

    async def get(self, agent_id: str) -> Snapshot:
        """The profile to use now.

        A stale one is served and refreshed behind the reader's back; only when there is none, or an
        invalidation is under way, is the fetch waited for. Raises NotFound (no such agent) and
        Unavailable (nothing to serve and nobody to ask).
        """
        held = self._held.get(agent_id)
        if held and self._clock.monotonic() - held[0] < HELD_S:
            return held[1]
        record = await read(self._redis, agent_id)
        now = await now_ms(self._redis)
        if record.unknown_until_ms > now:
            raise _unknown(agent_id)
        if record.profile is None or record.refreshing_until_ms > now:
            if record.profile is None and record.failed_until_ms > now and not record.passing:
                raise _unavailable(agent_id, record)
            return await self._wait(agent_id, fresh=False)
        if record.fresh_until_ms <= now:
            self._start_wish(agent_id)
        return self._hold(agent_id, record.profile, record.version)

    async def invalidate(self, agent_id: str | None = None) -> None:
        """Has config fetch the profile (all known ones when omitted) and waits until it has.

        Waits CONFIG_TIMEOUT at most; a fetch that fails leaves the last good profile in use.
        """
        ids = [agent_id] if agent_id is not None else await known_ids(self._redis)
        await asyncio.gather(*(self._refetch(each) for each in ids))

    async def _refetch(self, agent_id: str) -> None:
        self._held.pop(agent_id, None)
        try:
            await self._wait(agent_id, fresh=True)
        except (NotFound, Unavailable) as error:
            logger.info("invalidated profile {}: {}", agent_id, error.code)

    async def _wait(self, agent_id: str, *, fresh: bool) -> Snapshot:
        """Publishes the wish and waits for config's notice, then reads what is there.

        The notice that N8N is still starting may be for another reader, who came before: wait on.
        """
        ends = self._clock.monotonic() + self._timeout
        with self._changes(agent_id) as changed:
            heard = await set_within(
                self._listening, ends - self._clock.monotonic()
            ) and await self._wished_within(agent_id, fresh, ends - self._clock.monotonic())
            record = ProfileRecord(passing=True)
            while heard and record.profile is None and record.passing:
                heard = await set_within(changed, ends - self._clock.monotonic())
                changed.clear()
                record = await read(self._redis, agent_id)
        if not heard:
            logger.warning("no profile {} within {} s", agent_id, self._timeout)
            record = await read(self._redis, agent_id)
        if record.unknown_until_ms > await now_ms(self._redis):
            raise _unknown(agent_id)
        if record.profile is None:
            raise _unavailable(agent_id, record)
        return self._hold(agent_id, record.profile, record.version)

    async def _wished_within(self, agent_id: str, fresh: bool, seconds: float) -> bool:
        """Whether the wish is on the stream within `seconds`. Raises what the bus raises.

        The wish is not cancelled when the time is up: redis-py may swallow the cancellation, which
        comes only once, and whatever is waited for next is then waited for without end.
        """
        wishing = self._start_wish(agent_id, fresh=fresh, seconds=seconds)
        done, _ = await asyncio.wait({wishing}, timeout=seconds)
        if done:
            wishing.result()
        return bool(done)

    def _start_wish(
        self, agent_id: str, *, fresh: bool = False, seconds: float | None = None
    ) -> asyncio.Task[None]:
        """Publishes a wish beside whoever needs it. `seconds`: nobody waits for longer."""

        async def publish() -> None:
            expires = 0 if seconds is None else await now_ms(self._redis) + int(seconds * 1000)
            await self._wish(ProfileWanted(agent_id=agent_id, fresh=fresh, expires_ms=expires))

        task = asyncio.create_task(publish(), name=f"wish-{agent_id}")
        self._wishing.add(task)
        task.add_done_callback(self._wish_ended)
        return task

    def _wish_ended(self, task: asyncio.Task[None]) -> None:
        self._wishing.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.warning("{} was not published: {}", task.get_name(), type(error).__name__)

    @contextmanager
    def _changes(self, agent_id: str) -> Iterator[asyncio.Event]:
        """An event of the waiter's own, set by the next notice; gone when the waiter has gone."""
        changed = asyncio.Event()
        waiters = self._waiting.setdefault(agent_id, set())
        waiters.add(changed)
        try:
            yield changed
        finally:
            waiters.discard(changed)
            if not waiters:
                self._waiting.pop(agent_id, None)

    def _hold(self, agent_id: str, profile: Profile, version: str) -> Snapshot:
        snapshot = Snapshot(profile, version)
        self._held[agent_id] = (self._clock.monotonic(), snapshot)
        return snapshot

    async def _listen(self, stop: asyncio.Event) -> None:
        """Follows the notices until `stop`; raises what Redis raises, and is started again."""
        async with self._redis.pubsub() as pubsub:
            try:
                await pubsub.subscribe(keys.PROFILE_NOTICES)
                while not stop.is_set():
                    message = await pubsub.get_message(timeout=NOTICE_WAIT_S)
                    if message is not None:
                        self._take_notice(message)
            finally:
                self._listening.clear()

    def _take_notice(self, message: dict[str, Any]) -> None:
        """Redis also confirms each subscription: redis-py makes it anew when a connection broke."""
        if message["type"] == "subscribe":
            self._held.clear()  # notices may have been missed
            self._listening.set()
            return
        try:
            notice = ProfileNotice.model_validate_json(message["data"])
        except ValidationError:
            return  # not ours; notices are hints
        self._held.pop(notice.agent_id, None)
        for changed in self._waiting.get(notice.agent_id, ()):
            changed.set()


def _unknown(agent_id: str) -> NotFound:
    return NotFound(f"no agent {agent_id!r}", code="unknown_agent", field="agentId")


def _unavailable(agent_id: str, record: ProfileRecord) -> Unavailable:
    why = f": {record.fault}" if record.fault else ""
    return Unavailable(
        f"the profile of agent {agent_id!r} is not available{why}",
        code="profile_unavailable",
    )
