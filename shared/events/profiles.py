"""Wishes for agent profiles, on the stream `bolchaal:profiles.wanted`."""

from typing import ClassVar

from pydantic import Field

from shared.events.base import Event
from shared.redis import keys


class ProfileWanted(Event):
    """Somebody needs a profile that is not in Redis, or is too old. Producers: gateway, agent."""

    type: ClassVar[str] = "profile.wanted"
    stream: ClassVar[str] = keys.PROFILES_WANTED
    agent_id: str = Field(description="the profile that is wanted")
    fresh: bool = Field(False, description="fetch it however fresh it is: it was invalidated")
    expires_ms: int = Field(
        0,
        description="when nobody waits any more, milliseconds since 1970: an older wish is"
        " acknowledged unread; 0: never",
    )
