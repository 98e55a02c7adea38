"""How many are in a room and how many publish, as fresh as the real server keeps it (rule 20)."""

import time

from services.sandbox.livekit.roster import Roster

_NEARLY = 0.98  # of a count_tick: counts older than that are taken anew at the next change


class Counts:
    def __init__(self, roster: Roster, tick: float) -> None:
        """`tick` in seconds."""
        self._roster = roster
        self._tick = tick
        self._taken_at = time.monotonic()
        self._stale = False

    def changed(self) -> None:
        """Somebody came, went, or began or ceased to publish: now, unless that was just done."""
        self._stale = True
        if time.monotonic() - self._taken_at >= self._tick * _NEARLY:
            self.take()

    def step(self) -> None:
        if self._stale:
            self.take()

    def take(self) -> None:
        """Agents are not counted among the participants, but among those who publish."""
        self._stale = False
        self._taken_at = time.monotonic()
        present = [p for p in self._roster.participants.values() if not p.hidden]
        people = sum(1 for p in present if not p.is_agent)
        publishers = sum(1 for p in present if p.info.is_publisher)
        info = self._roster.info
        if (people, publishers) != (info.num_participants, info.num_publishers):
            info.num_participants, info.num_publishers = people, publishers
            self._roster.send_room_update()
