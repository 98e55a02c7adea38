"""The token of a call: what a caller may do in the room, for how long, and which agent comes."""

from datetime import timedelta

from livekit.api import AccessToken, RoomAgentDispatch, RoomConfiguration, VideoGrants

from shared.calls import CallSettings

# Seconds after which LiveKit closes a room that the caller has left, or never came to. The first is
# longer than the 30 s of grace for a lost network, the second as long as we wait for a caller.
DEPARTURE_TIMEOUT_S = 45
EMPTY_TIMEOUT_S = 120


class CallerTokens:
    """Makes tokens with the LiveKit key; `ttl` is in seconds."""

    def __init__(self, *, key: str, secret: str, agent_name: str, ttl: int) -> None:
        self._key = key
        self._secret = secret
        self._agent_name = agent_name
        self._ttl = timedelta(seconds=ttl)

    def for_caller(self, call: CallSettings) -> str:
        """A JWT for the caller of one call.

        The caller can read it, so the dispatch carries the opaque call id and nothing else.
        """
        grants = VideoGrants(
            room_join=True,
            room=call.room,
            can_publish=True,
            can_publish_sources=["microphone"],
            can_publish_data=True,
            can_subscribe=True,
        )
        config = RoomConfiguration(
            agents=[RoomAgentDispatch(agent_name=self._agent_name, metadata=call.id)],
            departure_timeout=DEPARTURE_TIMEOUT_S,
            empty_timeout=EMPTY_TIMEOUT_S,
            max_participants=1,  # agents do not count
        )
        return (
            AccessToken(self._key, self._secret)
            .with_identity(call.caller_identity or "")
            .with_name(call.user_name)
            .with_ttl(self._ttl)
            .with_grants(grants)
            .with_room_config(config)
            .to_jwt()
        )
