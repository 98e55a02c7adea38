"""LiveKit as the gateway sees it, in memory: rooms, who is in them, and what was asked for."""

import asyncio
from dataclasses import dataclass, field

from livekit.api import ParticipantInfo

from services.gateway.livekit import LiveKitAway
from shared.calls.caller import is_caller


@dataclass
class Rooms:
    """A room exists while it is in `people`, who are there now."""

    people: dict[str, list[ParticipantInfo]] = field(default_factory=dict)
    dispatched: list[tuple[str, str]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    away: bool = False
    slow: dict[str, asyncio.Event] = field(default_factory=dict)  # rooms that answer when it is set

    async def caller_present(self, room: str, identity: str | None) -> bool:
        if room in self.slow:
            await self.slow[room].wait()
        self._answer()
        here = self.people.get(room, [])
        return any(is_caller(each.identity, each.kind, identity) for each in here)

    async def room_exists(self, room: str) -> bool:
        self._answer()
        return room in self.people

    async def dispatch(self, room: str, call_id: str) -> None:
        self._answer()
        self.dispatched.append((room, call_id))

    async def delete_room(self, room: str) -> None:
        self._answer()
        self.deleted.append(room)

    async def check(self) -> None:
        self._answer()

    def _answer(self) -> None:
        if self.away:
            raise LiveKitAway("LiveKit does not answer", retry_after=1)


def participant(identity: str, kind: str = "STANDARD") -> ParticipantInfo:
    """Somebody in a room; `kind` is one of LiveKit's, e.g. EGRESS for a recorder."""
    return ParticipantInfo(identity=identity, kind=kind)
