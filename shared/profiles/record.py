"""`profile:ID` in Redis: the last good profile and what is known about its freshness.

config writes it, everybody else reads it. Times are milliseconds since 1970 by Redis TIME; 0 means
never.
"""

from typing import Any, Literal, cast

from loguru import logger
from pydantic import ValidationError
from redis.asyncio import Redis

from shared.clock import DAY_S
from shared.frozen import FrozenModel
from shared.profiles.model import Profile
from shared.redis import keys

# Where a profile came from. `builtin` is ours, `file` the operator's folder.
Origin = Literal["n8n", "file", "builtin"]


# Anybody may ask for any id, so what was never found must not pile up. Seconds. An agent that was
# deleted in N8N is remembered longer: no file may stand in for it.
NEVER_FOUND_S = 60
GONE_S = 7 * DAY_S


class ProfileRecord(FrozenModel):
    """What config knows about one agent id.

    profile, version, origin: the last good one, kept whatever happens later.
    fetched_ms: when it was last fetched or confirmed. fresh_until_ms: nobody asks before that.
    refreshing_until_ms: a fetch that readers should wait for is under way, at most until then.
    unknown_until_ms: N8N says that there is no such agent; remembered until then.
    failed_until_ms: the last fetch failed, nothing can be served; not tried again until then.
    passing: that failure passes by itself, perhaps within a second: whoever waits goes on waiting.
    fault: why the last fetch failed, or what of the profile was left out, for people.
    etag: N8N's, for If-None-Match.
    """

    profile: Profile | None = None
    version: str = ""
    origin: Origin | None = None
    etag: str = ""
    fetched_ms: int = 0
    fresh_until_ms: int = 0
    refreshing_until_ms: int = 0
    unknown_until_ms: int = 0
    failed_until_ms: int = 0
    passing: bool = False
    fault: str = ""


async def read(redis: Redis, agent_id: str) -> ProfileRecord:
    """The record; an empty one, so that it is fetched, when there is none or it cannot be read."""
    fields = cast("dict[str, str]", await redis.hgetall(keys.profile(agent_id)))
    if not fields:
        return ProfileRecord()
    profile = fields.pop("profile", "")
    try:
        record = ProfileRecord.model_validate(fields)
        if profile:
            record = record.model_copy(update={"profile": Profile.model_validate_json(profile)})
    except ValidationError as error:  # of another version, or written by hand
        logger.warning("the record of profile {} cannot be read: {}", agent_id, error.title)
        return ProfileRecord()
    return record


async def write(redis: Redis, agent_id: str, record: ProfileRecord) -> None:
    """Replaces the record. Only config calls it."""
    fields: dict[Any, Any] = {
        name: "" if value is None else str(value)
        for name, value in record.model_dump(mode="json", exclude={"profile"}).items()
        if value is not None
    }
    if record.profile is not None:
        fields["profile"] = record.profile.model_dump_json()
    async with redis.pipeline(transaction=True) as pipe:
        pipe.delete(keys.profile(agent_id))
        pipe.hset(keys.profile(agent_id), mapping=fields)
        if record.profile is not None:
            pipe.sadd(keys.PROFILES_INDEX, agent_id)
        else:
            pipe.srem(keys.PROFILES_INDEX, agent_id)
            pipe.expire(keys.profile(agent_id), GONE_S if record.origin else NEVER_FOUND_S)
        await pipe.execute()


class ProfileNotice(FrozenModel):
    """A message on the pub/sub channel: something about this agent's profile is new. A hint."""

    agent_id: str
    version: str = ""


async def announce(redis: Redis, agent_id: str, version: str) -> None:
    """Tells every reader that waits for, or holds, this profile."""
    notice = ProfileNotice(agent_id=agent_id, version=version)
    await redis.publish(keys.PROFILE_NOTICES, notice.model_dump_json())


async def known_ids(redis: Redis) -> list[str]:
    """Ids of all agents that were ever asked for and found, sorted."""
    members = cast("set[str]", await redis.smembers(keys.PROFILES_INDEX))
    return sorted(members)
