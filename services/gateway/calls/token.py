"""The token of a call: what a caller may do in the room, for how long, and which agent comes."""

from datetime import timedelta

from livekit.api import AccessToken, RoomAgentDispatch, RoomConfiguration, VideoGrants

from services.gateway.settings import GatewaySettings
from shared.calls import CallSettings

# Seconds after which LiveKit closes a room that the caller has left, or never came to. The first is
# longer than the 30 s of grace for a lost network, the second as long as we wait for a caller.
DEPARTURE_TIMEOUT_S = 45
EMPTY_TIMEOUT_S = 120


def caller_token(call: CallSettings, settings: GatewaySettings) -> str:
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
        agents=[RoomAgentDispatch(agent_name=settings.agent_name, metadata=call.id)],
        departure_timeout=DEPARTURE_TIMEOUT_S,
        empty_timeout=EMPTY_TIMEOUT_S,
        max_participants=1,  # agents do not count
    )
    return (
        AccessToken(settings.livekit_api_key, settings.livekit_api_secret.get_secret_value())
        .with_identity(call.caller_identity or "")
        .with_name(call.user_name)
        .with_ttl(timedelta(seconds=settings.token_ttl))
        .with_grants(grants)
        .with_room_config(config)
        .to_jwt()
    )
