"""How well the server hears each participant, told to itself and to those who listen to it."""

from livekit.protocol.models import ConnectionQuality
from livekit.protocol.rtc import ConnectionQualityInfo, ConnectionQualityUpdate, SignalResponse

from services.sandbox.livekit.participant import Participant
from services.sandbox.livekit.peer import State
from services.sandbox.livekit.roster import Roster

_SCORES = {
    ConnectionQuality.EXCELLENT: 4.5,
    ConnectionQuality.GOOD: 3.5,
    ConnectionQuality.POOR: 2.0,
    ConnectionQuality.LOST: 1.252,
}
_GOOD_LOSS, _POOR_LOSS = 0.02, 0.08  # shares of packets lost since the last look


class Quality:
    def __init__(self, roster: Roster, silence_lost: float) -> None:
        """`silence_lost`: seconds of silence after which the connection counts as lost."""
        self._roster = roster
        self._silence_lost = silence_lost
        self._counts: dict[str, tuple[int, int]] = {}
        self._told: dict[str, dict[str, ConnectionQuality]] = {}  # by listener sid

    def judge(self) -> None:
        """Tell each participant of itself and of those it hears, when any of it has changed."""
        active = [p for p in self._roster.participants.values() if p.info.state == State.ACTIVE]
        now = {p.sid: self._quality(p) for p in active}
        told_before, self._told = self._told, {}
        for participant in active:
            heard = {participant.sid: now[participant.sid]}
            for subscription in participant.subscriber.subscriptions.values():
                owner = subscription.track.owner.sid
                if owner in now:
                    heard[owner] = now[owner]
            self._told[participant.sid] = heard
            if told_before.get(participant.sid) != heard:
                participant.send(_message(heard))

    def _quality(self, participant: Participant) -> ConnectionQuality:
        silent = participant.silent_for()
        if silent is not None and silent >= self._silence_lost:
            return ConnectionQuality.LOST
        share = self._share_lost(participant)
        if share > _POOR_LOSS:
            return ConnectionQuality.POOR
        return ConnectionQuality.GOOD if share > _GOOD_LOSS else ConnectionQuality.EXCELLENT

    def _share_lost(self, participant: Participant) -> float:
        counts = [t.incoming.counts() for t in participant.publisher.tracks if t.incoming]
        expected, lost = sum(e for e, _ in counts), sum(n for _, n in counts)
        expected_before, lost_before = self._counts.get(participant.sid, (0, 0))
        self._counts[participant.sid] = (expected, lost)
        if expected <= expected_before:
            return 0.0
        return max(0, lost - lost_before) / (expected - expected_before)


def _message(heard: dict[str, ConnectionQuality]) -> SignalResponse:
    updates = [
        ConnectionQualityInfo(participant_sid=sid, quality=quality, score=_SCORES[quality])
        for sid, quality in heard.items()
    ]
    return SignalResponse(connection_quality=ConnectionQualityUpdate(updates=updates))
