"""When others learn of a participant: at once if it matters to them, else with the next tick."""

from livekit.protocol.models import ParticipantInfo
from livekit.protocol.rtc import ParticipantUpdate, SignalResponse

from services.sandbox.livekit.participant import Participant
from services.sandbox.livekit.roster import Roster


class Updates:
    """Joins and leaves of those who publish nothing wait, and share one message."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._waiting: dict[str, ParticipantInfo] = {}

    def announce(self, participant: Participant, *, at_once: bool = False) -> None:
        """One more version of it: told at once when it publishes, or when that is asked for."""
        participant.changed()
        self.repeat(participant, at_once=at_once)

    def repeat(self, participant: Participant, *, at_once: bool = False) -> None:
        """The version that it has: as it is now, whatever changes until the tick."""
        info = ParticipantInfo()
        info.CopyFrom(participant.info)
        waiting = self._waiting.pop(participant.identity, None)
        if participant.hidden:
            participant.send_update(info)
            return
        replaced = waiting is not None and waiting.sid != info.sid
        if at_once or info.is_publisher or replaced:
            self.send([info])
        else:
            self._waiting[participant.identity] = info

    def flush(self) -> None:
        waiting, self._waiting = list(self._waiting.values()), {}
        if waiting:
            self.send(waiting)

    def send(self, infos: list[ParticipantInfo]) -> None:
        """To everybody, now."""
        self._roster.send(SignalResponse(update=ParticipantUpdate(participants=infos)))
