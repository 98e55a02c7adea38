"""Reading profiles: memory, then Redis, then a wish on the stream that config fulfils.

Notices on pub/sub are hints: a profile is held in memory for 30 s at most, and everything is
dropped when the connection to Redis was lost, so a missed notice costs freshness for seconds only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from loguru import logger
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from shared.clock import SYSTEM_CLOCK, Clock
from shared.errors import NotFound, Unavailable
from shared.events.profiles import ProfileWanted
from shared.profiles.model import Profile
from shared.profiles.record import Notice, ProfileRecord, known_ids, read
from shared.redis import keys
from shared.redis.client import AWAY, now_ms
from shared.runtime.tasks import cancel

HELD_S = 30.0  # how long a profile stays in a process's memory
RETRY_AFTER_S = 5  # what a caller is told when there is no profile to serve

Wish = Callable[[ProfileWanted], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A profile as it was read: what a call uses from its first to its last word."""

    profile: Profile
    version: str


class ProfileReader:
    """Profiles for one process. Use as `async with`; `wish` publishes a ProfileWanted.

    `timeout` is CONFIG_TIMEOUT, the seconds a reader waits for a fetch.
    """

    def __init__(
        self, redis: Redis, wish: Wish, *, timeout: float, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._redis = redis
        self._wish = wish
        self._timeout = timeout
        self._clock = clock
        self._held: dict[str, tuple[float, Snapshot]] = {}
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._listening = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "ProfileReader":
        self._listener = asyncio.create_task(self._listen(), name="profile-notices")
        return self

    async def __aexit__(self, *_: object) -> None:
        await cancel(self._listener)

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
            if record.profile is None and record.failed_until_ms > now:
                raise _unavailable(agent_id, record)
            return await self._wait(agent_id, fresh=False)
        if record.fresh_until_ms <= now:
            await self._wish(ProfileWanted(agent_id=agent_id))
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
        """Publishes the wish and waits for config's notice, then reads what is there."""
        with self._changes(agent_id) as changed:
            try:
                async with asyncio.timeout(self._timeout):
                    await self._listening.wait()
                    deadline = await now_ms(self._redis) + int(self._timeout * 1000)
                    wanted = ProfileWanted(agent_id=agent_id, fresh=fresh, expires_ms=deadline)
                    await self._wish(wanted)
                    await changed.wait()
            except TimeoutError:
                logger.warning("no profile {} within {} s", agent_id, self._timeout)
        record = await read(self._redis, agent_id)
        if record.unknown_until_ms > await now_ms(self._redis):
            raise _unknown(agent_id)
        if record.profile is None:
            raise _unavailable(agent_id, record)
        return self._hold(agent_id, record.profile, record.version)

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

    async def _listen(self) -> None:
        """Follows the notices for the life of the reader, over every loss of the connection."""
        while True:
            pubsub = self._redis.pubsub(ignore_subscribe_messages=True)
            try:
                await pubsub.subscribe(keys.PROFILE_NOTICES)
                self._held.clear()
                self._listening.set()
                await self._follow(pubsub)
            except AWAY:
                self._listening.clear()
                await asyncio.sleep(0.2)
            finally:
                await pubsub.aclose()  # type: ignore[no-untyped-call]

    async def _follow(self, pubsub: PubSub) -> None:
        while True:
            message = await pubsub.get_message(timeout=5.0)
            if message is None:
                continue
            try:
                notice = Notice.model_validate_json(message["data"])
            except ValidationError:
                continue  # not ours; notices are hints
            self._held.pop(notice.agent_id, None)
            for changed in self._waiting.get(notice.agent_id, ()):
                changed.set()


def _unknown(agent_id: str) -> NotFound:
    return NotFound(f"no agent {agent_id!r}", code="unknown_agent", field="agentId")


def _unavailable(agent_id: str, record: ProfileRecord) -> Unavailable:
    why = f": {record.fault}" if record.fault else ""
    return Unavailable(
        f"the profile of agent {agent_id!r} cannot be had just now{why}",
        retry_after=RETRY_AFTER_S,
        code="profile_unavailable",
    )
