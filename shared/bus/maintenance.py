"""Keeping a stream small and its groups free of consumers that are gone."""

from redis.asyncio import Redis

from shared.clock import DAY_S
from shared.redis.scripts import load_script

KEEP_S = DAY_S  # handled entries stay for a day, for people who look for what happened
IDLE_CONSUMER_S = 600.0  # a consumer that was not seen for longer and holds nothing is removed
TRIM_LIMIT = 10_000  # entries removed in one go, so that Redis answers others in between


async def trim(redis: Redis, stream: str, *, keep: float = KEEP_S, exact: bool = False) -> int:
    """Removes entries that every group has acknowledged and that are older than `keep` seconds.

    Never one that some group has yet to read or to acknowledge; none at all from a stream without
    groups. At most about TRIM_LIMIT entries unless `exact`. Answers how many.
    """
    script = load_script(redis, __file__, "trim", "info")
    return int(await script(keys=[stream], args=[int(keep * 1000), 0 if exact else TRIM_LIMIT]))


async def remove_idle_consumers(
    redis: Redis, stream: str, group: str, *, idle: float = IDLE_CONSUMER_S
) -> list[str]:
    """Removes consumers that hold nothing and were silent for `idle` seconds; answers names."""
    script = load_script(redis, __file__, "remove_idle_consumers", "info")
    return [str(name) for name in await script(keys=[stream], args=[group, int(idle * 1000)])]
