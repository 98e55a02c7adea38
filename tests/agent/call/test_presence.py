"""Whether the caller is there: left, lost, or never come."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from livekit import rtc

from services.agent.call.presence import CallerPresence
from shared.calls.caller import is_caller
from shared.events import EndReason
from tests.virtual_time import in_virtual_time

STANDARD = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
GRACE_S, WAIT_S = 30.0, 120.0
EGRESS = rtc.ParticipantKind.PARTICIPANT_KIND_EGRESS
SIP = rtc.ParticipantKind.PARTICIPANT_KIND_SIP


@dataclass
class Participant:
    identity: str = "caller"
    kind: Any = STANDARD
    disconnect_reason: Any = None


class Room(rtc.EventEmitter[Any]):
    """As much of a room as presence looks at."""

    def __init__(self) -> None:
        super().__init__()
        self.remote_participants: dict[str, Participant] = {}

    def join(self, participant: Participant) -> None:
        self.remote_participants[participant.identity] = participant
        self.emit("participant_connected", participant)

    def leave(self, participant: Participant, reason: Any) -> None:
        participant.disconnect_reason = reason
        del self.remote_participants[participant.identity]
        self.emit("participant_disconnected", participant)


@dataclass
class Rig:
    room: Room = field(default_factory=Room)
    over: asyncio.Queue[EndReason] = field(default_factory=asyncio.Queue)

    def presence(
        self, *, grace: float = GRACE_S, wait: float = WAIT_S, identity: str | None = "caller"
    ) -> CallerPresence:
        return CallerPresence(
            cast("rtc.Room", self.room),
            self.over.put_nowait,
            caller_identity=identity,
            grace=grace,
            wait=wait,
        )

    async def end(self) -> EndReason:
        return await self.over.get()


@pytest.fixture
def rig() -> Rig:
    return Rig()


@in_virtual_time
async def test_a_caller_who_hangs_up_ends_the_call_at_once(rig: Rig) -> None:
    """Nobody is talked to who has gone."""
    caller = Participant()
    rig.room.join(caller)
    rig.presence()
    rig.room.leave(caller, rtc.DisconnectReason.CLIENT_INITIATED)
    assert await rig.end() == "caller_hung_up"


@in_virtual_time
async def test_a_network_that_drops_has_a_grace(rig: Rig) -> None:
    """A tunnel must not end the call, and a phone that died must not hold it for ever."""
    caller = Participant()
    rig.room.join(caller)
    rig.presence()
    rig.room.leave(caller, rtc.DisconnectReason.CONNECTION_TIMEOUT)
    assert await rig.end() == "caller_lost"


@in_virtual_time
async def test_a_caller_who_comes_back_in_time_goes_on(rig: Rig) -> None:
    """Browsers reconnect within seconds."""
    caller = Participant()
    rig.room.join(caller)
    presence = rig.presence()
    rig.room.leave(caller, rtc.DisconnectReason.CONNECTION_TIMEOUT)
    rig.room.join(Participant())
    await asyncio.sleep(GRACE_S * 2)
    assert rig.over.empty()
    assert presence.present
    presence.stop()


@in_virtual_time
async def test_nobody_comes(rig: Rig) -> None:
    """An agent that was dispatched early leaves an empty room in time."""
    rig.room.join(Participant("dead-agent", AGENT))
    rig.presence()
    assert await rig.end() == "never_joined"


@in_virtual_time
async def test_an_agent_that_leaves_is_no_caller(rig: Rig) -> None:
    """The dead predecessor is removed at the start of a resumed call."""
    caller, other = Participant(), Participant("dead-agent", AGENT)
    rig.room.join(caller)
    rig.room.join(other)
    presence = rig.presence()
    rig.room.leave(other, rtc.DisconnectReason.PARTICIPANT_REMOVED)
    await asyncio.sleep(GRACE_S * 2)
    assert rig.over.empty()
    presence.stop()


@pytest.mark.parametrize("other", [EGRESS, STANDARD], ids=["recorder", "supervisor"])
@in_virtual_time
async def test_who_else_is_in_the_room_keeps_no_call_alive(rig: Rig, other: Any) -> None:
    """A recorder or a supervisor who stays would be talked to for ever."""
    caller = Participant()
    rig.room.join(Participant("somebody-else", other))
    rig.room.join(caller)
    presence = rig.presence()
    rig.room.leave(caller, rtc.DisconnectReason.CLIENT_INITIATED)
    assert await rig.end() == "caller_hung_up"
    assert not presence.present
    presence.stop()


@in_virtual_time
async def test_who_else_leaves_the_room_ends_no_call(rig: Rig) -> None:
    """A supervisor who has listened in must not hang up on the caller."""
    caller, supervisor = Participant(), Participant("supervisor")
    rig.room.join(caller)
    rig.room.join(supervisor)
    presence = rig.presence()
    rig.room.leave(supervisor, rtc.DisconnectReason.CLIENT_INITIATED)
    assert presence.present
    assert rig.over.empty()
    presence.stop()


@in_virtual_time
async def test_only_somebody_else_comes(rig: Rig) -> None:
    """An agent waits for its caller, and no longer because a recorder is there."""
    rig.room.join(Participant("recorder", EGRESS))
    rig.presence()
    assert await rig.end() == "never_joined"


@pytest.mark.parametrize(
    ("kind", "counts"), [(STANDARD, True), (SIP, True), (AGENT, False), (EGRESS, False)]
)
def test_a_call_of_yesterday_names_no_caller(kind: Any, counts: bool) -> None:
    """Calls that were opened before an update go on after it: people count, programs do not."""
    assert is_caller("anybody", kind, None) is counts
