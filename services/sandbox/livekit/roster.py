"""Who is in a room, for the parts of it that tell them something."""

from livekit.protocol import models
from livekit.protocol.models import ParticipantInfo
from livekit.protocol.rtc import RoomUpdate, SignalResponse

from services.sandbox.livekit.participant import Participant
from services.sandbox.livekit.tracks import Track


class Roster:
    def __init__(self, info: models.Room) -> None:
        self.info = info
        """The room as clients and the server API see it."""
        self.participants: dict[str, Participant] = {}
        """By identity, in the order in which they came."""

    def others(self, participant: Participant) -> list[Participant]:
        return [p for p in self.participants.values() if p is not participant]

    def visible_to(self, participant: Participant) -> list[ParticipantInfo]:
        return [p.info for p in self.others(participant) if not p.hidden]

    def find_track(self, track_sid: str) -> Track | None:
        tracks = (p.publisher.find(track_sid) for p in self.participants.values())
        return next((track for track in tracks if track is not None), None)

    def send(self, message: SignalResponse) -> None:
        """To everybody."""
        for participant in self.participants.values():
            participant.send(message)

    def send_room_update(self) -> None:
        self.send(SignalResponse(room_update=RoomUpdate(room=self.info)))
