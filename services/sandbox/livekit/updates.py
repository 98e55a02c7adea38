"""When others learn of a participant: at once if it matters to them, else with the next tick."""

from typing import TYPE_CHECKING

from livekit.protocol.models import ParticipantInfo

if TYPE_CHECKING:
    from services.sandbox.livekit.participant import Participant
    from services.sandbox.livekit.rooms import Room


class Updates:
    """Joins and leaves of those who publish nothing wait, and share one message."""

    def __init__(self, room: "Room") -> None:
        self._room = room
        self._waiting: dict[str, ParticipantInfo] = {}

    def announce(self, participant: "Participant", *, at_once: bool = False) -> None:
        """Snapshot it as it is now."""
        info = ParticipantInfo()
        info.CopyFrom(participant.info)
        waiting = self._waiting.pop(participant.identity, None)
        if participant.hidden:
            participant.send_update(info)
            return
        replaced = waiting is not None and waiting.sid != info.sid
        if at_once or info.is_publisher or replaced:
            self._send([info])
        else:
            self._waiting[participant.identity] = info

    def flush(self) -> None:
        waiting, self._waiting = list(self._waiting.values()), {}
        if waiting:
            self._send(waiting)

    def _send(self, infos: list[ParticipantInfo]) -> None:
        for participant in self._room.participants.values():
            participant.send_update(*infos)
