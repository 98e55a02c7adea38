"""Whether the caller is in the room, and how long to wait for one who is not."""

import asyncio
from collections.abc import Callable

from livekit import rtc

from shared.calls.caller import is_caller
from shared.events import EndReason

# Reasons for which a caller who left does not come back.
LEFT = (
    rtc.DisconnectReason.CLIENT_INITIATED,
    rtc.DisconnectReason.ROOM_DELETED,
    rtc.DisconnectReason.USER_REJECTED,
    rtc.DisconnectReason.PARTICIPANT_REMOVED,
)


class CallerPresence:
    """Says by `gone` that the call is over: left, lost for `grace`, or not come within `wait`.

    Times are in seconds. `caller_identity` as in `is_caller`. There is one timer at most and no
    loop: the room tells who comes and goes.
    """

    def __init__(
        self,
        room: rtc.Room,
        gone: Callable[[EndReason], None],
        *,
        caller_identity: str | None,
        grace: float,
        wait: float,
    ) -> None:
        self._room = room
        self._gone = gone
        self._caller_identity = caller_identity
        self._grace = grace
        self._timer: asyncio.TimerHandle | None = None
        room.on("participant_connected", self._on_connected)
        room.on("participant_disconnected", self._on_disconnected)
        if not self.present:
            self._expect(wait, "never_joined")

    @property
    def present(self) -> bool:
        return any(self._is_caller(each) for each in self._room.remote_participants.values())

    def stop(self) -> None:
        self._cancel()
        self._room.off("participant_connected", self._on_connected)
        self._room.off("participant_disconnected", self._on_disconnected)

    def _is_caller(self, participant: rtc.RemoteParticipant) -> bool:
        return is_caller(participant.identity, participant.kind, self._caller_identity)

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        if self._is_caller(participant):
            self._cancel()

    def _on_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        if not self._is_caller(participant) or self.present:
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
