"""Faults that a client asks for, to watch itself recover from them (`simulateScenario`)."""

import asyncio
from collections.abc import Callable

from livekit.protocol.models import DisconnectReason, SpeakerInfo
from livekit.protocol.rtc import LeaveRequest, SignalResponse, SimulateScenario, SpeakersChanged

from services.sandbox.livekit.participant import Participant
from services.sandbox.livekit.room import Room

Action = LeaveRequest.Action


def simulate(room: Room, participant: Participant, request: SimulateScenario) -> None:
    """Scenarios about bandwidth, and about ICE over TCP, change nothing here."""
    scenario = request.WhichOneof("scenario")
    if scenario == "speaker_update":
        _speak(participant, request.speaker_update)
    elif scenario in _FAULTS:
        _FAULTS[scenario](room, participant)


def _node_failure(room: Room, participant: Participant) -> None:
    """Gone without a `leave`: the client resumes, finds itself unknown, and joins anew."""
    participant.lose_socket()
    room.remove(participant, DisconnectReason.STATE_MISMATCH)


def _migration(_room: Room, participant: Participant) -> None:
    """The client is to resume, as it would on another node."""
    leave = LeaveRequest(reason=DisconnectReason.MIGRATION, action=Action.RESUME)
    participant.send(SignalResponse(leave=leave))
    participant.lose_socket()


def _server_leave(room: Room, participant: Participant) -> None:
    room.remove(participant, DisconnectReason.SERVER_SHUTDOWN)


def _full_reconnect(_room: Room, participant: Participant) -> None:
    leave = LeaveRequest(reason=DisconnectReason.UNKNOWN_REASON, action=Action.RECONNECT)
    participant.send(SignalResponse(leave=leave))
    participant.lose_socket()


def _disconnect_on_resume(_room: Room, participant: Participant) -> None:
    participant.drop_next_resume = True


_FAULTS: dict[str, Callable[[Room, Participant], None]] = {
    "node_failure": _node_failure,
    "migration": _migration,
    "server_leave": _server_leave,
    "leave_request_full_reconnect": _full_reconnect,
    "disconnect_signal_on_resume": _disconnect_on_resume,
    "disconnect_signal_on_resume_no_messages": _disconnect_on_resume,
}


def _speak(participant: Participant, seconds: int) -> None:
    """The participant itself is told that it speaks, for so long."""

    def tell(*, active: bool) -> None:
        speaker = SpeakerInfo(sid=participant.sid, level=1.0 if active else 0.0, active=active)
        participant.send(SignalResponse(speakers_changed=SpeakersChanged(speakers=[speaker])))

    tell(active=True)
    asyncio.get_running_loop().call_later(seconds, lambda: tell(active=False))
