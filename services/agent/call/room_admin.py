"""What an agent does to its room beside talking: clear out a dead predecessor, close it."""

from contextlib import suppress

import aiohttp
from livekit import api
from loguru import logger

from shared.calls.caller import is_caller

# LiveKit's server API may be away or may have closed the room itself: neither is our concern here.
FAILURES = (api.TwirpError, aiohttp.ClientError, OSError, TimeoutError)


async def remove_other_agents(server: api.LiveKitAPI, room: str, own_identity: str) -> None:
    """Removes agents of earlier attempts. LiveKit lists a killed one as present for 22 s."""
    with suppress(*FAILURES):
        answer = await server.room.list_participants(api.ListParticipantsRequest(room=room))
        for participant in answer.participants:
            if _is_agent(participant) and participant.identity != own_identity:
                logger.info("removing an earlier agent of this call")
                await server.room.remove_participant(
                    api.RoomParticipantIdentity(room=room, identity=participant.identity)
                )


async def has_caller(server: api.LiveKitAPI, room: str, caller_identity: str | None) -> bool | None:
    """Whether the caller is in the room (see `is_caller`); None when LiveKit does not say."""
    try:
        answer = await server.room.list_participants(api.ListParticipantsRequest(room=room))
    except api.TwirpError as error:
        return False if error.code == api.TwirpErrorCode.NOT_FOUND else None
    except (aiohttp.ClientError, OSError, TimeoutError):
        return None
    return any(is_caller(each.identity, each.kind, caller_identity) for each in answer.participants)


def _is_agent(participant: api.ParticipantInfo) -> bool:
    return api.ParticipantInfo.Kind.Name(participant.kind) == "AGENT"


async def close(server: api.LiveKitAPI, room: str) -> None:
    """Ends the room, and with it the caller's connection."""
    with suppress(*FAILURES):
        await server.room.delete_room(api.DeleteRoomRequest(room=room))
