"""How many are in a room and how many publish, as fresh as the real server keeps it (rule 20)."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.sandbox.livekit.rooms import Room

_NEARLY = 0.98  # of a count_tick: counts older than that are taken anew at the next change


class Counts:
    def __init__(self, room: "Room") -> None:
        self._room = room
        self._taken_at = time.monotonic()
        self._stale = False

    def changed(self) -> None:
        """Somebody came, went, or began or ceased to publish: now, unless that was just done."""
        self._stale = True
        if time.monotonic() - self._taken_at >= self._room.timings.count_tick * _NEARLY:
            self.take()

    def step(self) -> None:
        if self._stale:
            self.take()

    def take(self) -> None:
        """Agents are not counted among the participants, but among those who publish."""
        self._stale = False
        self._taken_at = time.monotonic()
        present = [p for p in self._room.participants.values() if not p.hidden]
        people = sum(1 for p in present if not p.is_agent)
        publishers = sum(1 for p in present if p.info.is_publisher)
        info = self._room.info
        if (people, publishers) != (info.num_participants, info.num_publishers):
            info.num_participants, info.num_publishers = people, publishers
            self._room.tell_room()
