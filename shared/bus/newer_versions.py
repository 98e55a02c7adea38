"""Events of a newer version than a replica knows: they wait among the dead letters of its group.

While a release rolls out, old replicas read what new ones publish. They set it aside at once, and a
replica that knows the version takes it up: when it starts, and again and again while old ones run.
"""

from collections.abc import Iterable

from loguru import logger

from shared.bus.dead_letters import DeadLetter, DeadLetters
from shared.errors import NewerVersion
from shared.events.base import Event
from shared.events.wire import version_of


class NewerVersions:
    """What of a group's dead letters this replica can take up. `events` are those it handles."""

    def __init__(self, letters: DeadLetters, events: Iterable[type[Event]]) -> None:
        self._letters = letters
        self._known = {cls.type: cls.v for cls in events}
        self._after = "-"  # each letter is looked at once

    async def take_up(self) -> int:
        """Gives the letters that can be handled now back to the group; answers how many."""
        taken = 0
        while letters := await self._letters.list(after=self._after):
            for letter in letters:
                if self._is_known(letter):
                    taken += await self._letters.replay(letter.id)
                self._after = letter.id
        if taken:
            logger.info("{} events of a newer version are taken up", taken)
        return taken

    def _is_known(self, letter: DeadLetter) -> bool:
        if not letter.why.startswith(f"{NewerVersion.code}:"):
            return False
        return version_of(letter.fields) <= self._known.get(letter.type, 0)
