"""Changes to a participant that come from the server API: muting, metadata, permissions."""

from collections.abc import Callable

from livekit.protocol.room import UpdateParticipantRequest
from livekit.protocol.rtc import MuteTrackRequest, SignalResponse

from services.sandbox.livekit.grants import may_publish
from services.sandbox.livekit.participant import Participant
from services.sandbox.livekit.tracks import Track


class Moderation:
    def __init__(self, refresh_token: Callable[[Participant], None]) -> None:
        self._refresh_token = refresh_token

    def mute(self, participant: Participant, track: Track) -> None:
        if track.info.muted:
            return
        track.mute(True)
        participant.send(SignalResponse(mute=MuteTrackRequest(sid=track.sid, muted=True)))
        participant.room.announce(participant)

    def update(self, participant: Participant, request: UpdateParticipantRequest) -> None:
        """One version for each kind of change, as the real server counts them."""
        if request.name:
            participant.info.name = request.name
            participant.room.announce(participant)
        if request.metadata:
            participant.info.metadata = request.metadata
            participant.room.announce(participant)
        if request.attributes:
            participant.set_attributes(request.attributes)
            participant.room.announce(participant)
        if request.HasField("permission"):
            self._permit(participant, request)

    def _permit(self, participant: Participant, request: UpdateParticipantRequest) -> None:
        """Everybody learns of it, tracks not allowed any more go, and a new token says so."""
        if participant.info.permission == request.permission:
            return
        participant.info.permission.CopyFrom(request.permission)
        room = participant.room
        room.announce(participant)
        permission = participant.info.permission
        tracks = participant.publisher.tracks
        room.revoke_publishing(
            participant, [t for t in tracks if not may_publish(permission, t.info.source)]
        )
        room.apply_subscribing(participant)
        self._refresh_token(participant)
