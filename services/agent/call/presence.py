"""Whether the caller is in the room, and how long to wait for one who is not."""

import asyncio
from collections.abc import Callable

from livekit import rtc

from shared.events import EndReason

AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT

# Reasons for which a caller who left does not come back.
LEFT = (
    rtc.DisconnectReason.CLIENT_INITIATED,
    rtc.DisconnectReason.ROOM_DELETED,
    rtc.DisconnectReason.USER_REJECTED,
    rtc.DisconnectReason.PARTICIPANT_REMOVED,
)


def is_caller(participant: rtc.RemoteParticipant) -> bool:
    return participant.kind != AGENT


class CallerPresence:
    """Says by `gone` that the call is over: left, lost for `grace`, or not come within `wait`.

    Times are in seconds.
    """

    def __init__(
        self, room: rtc.Room, gone: Callable[[EndReason], None], *, grace: float, wait: float
    ) -> None:
        self._room = room
        self._gone = gone
        self._grace = grace
        self._timer: asyncio.TimerHandle | None = None
        room.on("participant_connected", self._on_connected)
        room.on("participant_disconnected", self._on_disconnected)
        if not self.present:
            self._expect(wait, "never_joined")

    @property
    def present(self) -> bool:
        return any(is_caller(each) for each in self._room.remote_participants.values())

    def stop(self) -> None:
        self._cancel()
        self._room.off("participant_connected", self._on_connected)
        self._room.off("participant_disconnected", self._on_disconnected)

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        if is_caller(participant):
            self._cancel()

    def _on_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        if not is_caller(participant) or self.present:
            return
        if participant.disconnect_reason in LEFT:
            self._gone("caller_hung_up")
        else:
            self._expect(self._grace, "caller_lost")

    def _expect(self, seconds: float, otherwise: EndReason) -> None:
        self._cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self._gone, otherwise)

    def _cancel(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
