"""Wishes for agent profiles, on the stream `bolchaal:profiles.wanted`."""

from typing import ClassVar

from shared.events.base import Event
from shared.redis import keys


class ProfileWanted(Event):
    """Somebody needs a profile that is not in Redis, or is too old. Producers: gateway, agent.

    `fresh` asks for a fetch however fresh the profile is (an invalidation). `expires_ms` is when
    nobody waits any more, milliseconds since 1970: an older wish is acknowledged unread.
    """

    type: ClassVar[str] = "profile.wanted"
    stream: ClassVar[str] = keys.PROFILES_WANTED
    agent_id: str
    fresh: bool = False
    expires_ms: int = 0
