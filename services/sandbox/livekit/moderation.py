"""Changes to a participant that come from the server API: muting, metadata, permissions."""

from livekit.protocol.models import ParticipantPermission
from livekit.protocol.room import UpdateParticipantRequest
from livekit.protocol.rtc import MuteTrackRequest, SignalResponse

from services.sandbox.livekit.participant import Participant
from services.sandbox.livekit.room import Room
from services.sandbox.livekit.tracks import Track


def mute(room: Room, owner: Participant, track: Track) -> None:
    """The publisher is told; only it can unmute."""
    if track.info.muted:
        return
    track.mute(True)
    owner.send(SignalResponse(mute=MuteTrackRequest(sid=track.sid, muted=True)))
    room.updates.announce(owner, at_once=True)


def update(room: Room, participant: Participant, request: UpdateParticipantRequest) -> None:
    """One version for each kind of change, as the real server counts them."""
    if request.name:
        participant.info.name = request.name
        room.updates.announce(participant, at_once=True)
    if request.metadata:
        participant.info.metadata = request.metadata
        room.updates.announce(participant, at_once=True)
    if request.attributes:
        participant.set_attributes(request.attributes)
        room.updates.announce(participant, at_once=True)
    if request.HasField("permission") and request.permission != participant.info.permission:
        _permit(room, participant, request.permission)
    participant.refresh_token()


def _permit(room: Room, participant: Participant, permission: ParticipantPermission) -> None:
    """Everybody learns of it, and what is not allowed any more ends."""
    participant.info.permission.CopyFrom(permission)
    room.exchange.apply_permission(participant)
