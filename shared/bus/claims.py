"""Who holds which entry: signs of life for ours, and taking over those of consumers that died."""

from collections.abc import Sequence

from redis.asyncio import Redis

from shared.bus.entry import Address, Entry
from shared.redis import keys
from shared.redis.scripts import load_script, pairs

START = "0-0"


class Claims:
    """Claims of one consumer. An entry without a sign of life for `idle` seconds is anybody's."""

    def __init__(self, redis: Redis, address: Address, *, idle: float) -> None:
        self._address = address
        self._idle_ms = int(idle * 1000)
        self._cursors = dict.fromkeys(address.streams, START)
        self._claim = load_script(redis, __file__, "claim")
        self._heartbeat = load_script(redis, __file__, "heartbeat")

    async def take_over(self, stream: str, limit: int) -> list[Entry]:
        """Entries of consumers that are silent, at most `limit`; they are ours from now on."""
        cursor, *found = await self._claim(
            keys=[stream],
            args=[
                self._address.group,
                self._address.consumer,
                self._idle_ms,
                self._cursors[stream],
                limit,
            ],
        )
        self._cursors[stream] = str(cursor)
        return [
            Entry(stream, str(entry_id), pairs(fields), int(deliveries))
            for entry_id, fields, deliveries in found
        ]

    async def beat(self, stream: str, entries: Sequence[Entry]) -> set[str]:
        """Shows life for entries in hand; answers the ids of those that others have taken."""
        if not entries:
            return set()
        group = self._address.group
        lost = await self._heartbeat(
            keys=[stream, *(keys.handled(group, entry.event_id) for entry in entries)],
            args=[
                group,
                self._address.consumer,
                self.lease_ms,
                *(entry.id for entry in entries),
            ],
        )
        return {str(entry_id) for entry_id in lost}

    @property
    def lease_ms(self) -> int:
        """How long "is being handled" holds without a sign of life."""
        return self._idle_ms * 2
