"""Who speaks, told to everybody when it changes."""

import time
from typing import TYPE_CHECKING

from livekit.protocol.models import SpeakerInfo
from livekit.protocol.rtc import SignalResponse, SpeakersChanged

if TYPE_CHECKING:
    from services.sandbox.livekit.participant import Participant
    from services.sandbox.livekit.rooms import Room


class Speakers:
    def __init__(self, room: "Room") -> None:
        self._room = room
        self._levels: dict[str, float] = {}  # by participant sid, of those who speak

    def judge(self) -> None:
        """Send the levels that changed; whoever stopped has neither level nor `active`."""
        now = time.monotonic()
        levels = {
            p.sid: level
            for p in self._room.participants.values()
            if not p.hidden and (level := _level(p, now)) > 0
        }
        changed = [
            SpeakerInfo(sid=sid, level=level, active=True)
            for sid, level in levels.items()
            if self._levels.get(sid) != level
        ]
        changed += [SpeakerInfo(sid=sid) for sid in self._levels if sid not in levels]
        self._levels = levels
        if not changed:
            return
        message = SignalResponse(speakers_changed=SpeakersChanged(speakers=changed))
        for participant in self._room.participants.values():
            participant.send(message)


def _level(participant: "Participant", now: float) -> float:
    incoming = [track.incoming for track in participant.publisher.tracks]
    return max((i.loudness.speaking(now) for i in incoming if i is not None), default=0.0)
