"""Small valid things that tests start from."""

from typing import Any, cast

from redis.asyncio import Redis

from shared.calls import CallSettings
from shared.ids import uuid7
from shared.leads import LeadContext
from shared.profiles import Profile, default_profile, version


def new_call(**changes: Any) -> CallSettings:
    profile: Profile = changes.pop("profile", default_profile())
    call_id = changes.pop("id", uuid7())
    return CallSettings(
        **{
            "id": call_id,
            "lead_id": uuid7(),
            "room": f"room-{call_id}",
            "agent_id": profile.id,
            "language": "hi-IN",
            "voice": "priya",
            "profile": profile,
            "profile_version": version(profile),
            **changes,
        }
    )


def lead_context(call: CallSettings, **changes: Any) -> LeadContext:
    return LeadContext(
        **{
            "lead_id": call.lead_id,
            "call_id": call.id,
            "room": call.room,
            "channel": call.channel,
            "caller": call.caller,
            "account": call.account,
            "agent_id": call.agent_id,
            "profile_version": call.profile_version,
            "language": call.language,
            "required": call.profile.required(),
            **changes,
        }
    )


async def entries(redis: Redis, stream: str) -> list[dict[str, str]]:
    """The fields of all entries of a stream, oldest first."""
    raw = cast("list[tuple[str, dict[str, str]]]", await redis.xrange(stream))
    return [fields for _, fields in raw]
