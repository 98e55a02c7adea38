"""Who speaks, told to everybody when it changes."""

import time

from livekit.protocol.models import SpeakerInfo
from livekit.protocol.rtc import SignalResponse, SpeakersChanged

from services.sandbox.livekit.participant import Participant
from services.sandbox.livekit.roster import Roster


class Speakers:
    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._levels: dict[str, float] = {}  # by participant sid, of those who speak

    def judge(self) -> None:
        """Send the levels that changed; whoever stopped has neither level nor `active`."""
        now = time.monotonic()
        levels = {
            p.sid: level
            for p in self._roster.participants.values()
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
        self._roster.send(SignalResponse(speakers_changed=SpeakersChanged(speakers=changed)))


def _level(participant: Participant, now: float) -> float:
    incoming = [track.incoming for track in participant.publisher.tracks]
    return max((i.loudness.speaking(now) for i in incoming if i is not None), default=0.0)
