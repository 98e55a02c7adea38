"""The rooms of a server, by name."""

from livekit.protocol.agent import JobType
from livekit.protocol.models import DisconnectReason
from livekit.protocol.room import RoomConfiguration

from services.sandbox.livekit.dispatches import AgentDispatches
from services.sandbox.livekit.participant import Participant
from services.sandbox.livekit.room import Room
from services.sandbox.livekit.timings import Timings
from services.sandbox.livekit.webhooks import Webhooks
from shared.clock import Clock


class Rooms:
    def __init__(
        self, dispatches: AgentDispatches, webhooks: Webhooks, timings: Timings, clock: Clock
    ) -> None:
        self._dispatches = dispatches
        self._webhooks = webhooks
        self._timings = timings
        self._clock = clock
        self._rooms: dict[str, Room] = {}
        self._finished: list[Room] = []

    def get(self, name: str) -> Room | None:
        return self._rooms.get(name)

    def all(self) -> list[Room]:
        return list(self._rooms.values())

    def get_or_create(self, name: str, config: RoomConfiguration) -> Room:
        """`config` matters only when the room is new: then its agents are dispatched too."""
        room = self._rooms.get(name)
        if room is not None:
            return room
        room = Room(
            name,
            config,
            timings=self._timings,
            webhooks=self._webhooks,
            now=self._clock.now().timestamp(),
            events=self,
        )
        self._rooms[name] = room
        self._webhooks.room("room_started", room.info)
        self._dispatches.on_room(room, list(config.agents))
        return room

    # What rooms report.

    def on_active(self, room: Room, participant: Participant) -> None:
        self._dispatches.on_participant(room, participant, JobType.JT_PARTICIPANT)

    def on_publisher(self, room: Room, participant: Participant) -> None:
        self._dispatches.on_participant(room, participant, JobType.JT_PUBLISHER)

    def on_gone(self, room: Room, participant: Participant) -> None:
        self._dispatches.on_gone(room, participant)

    def on_finished(self, room: Room) -> None:
        del self._rooms[room.name]
        self._dispatches.on_room_finished(room)
        self._finished = [r for r in self._finished if r.busy]
        self._finished.append(room)

    async def stop(self) -> None:
        for room in self.all():
            room.close(DisconnectReason.SERVER_SHUTDOWN)
        for room in self._finished:
            await room.settled()
