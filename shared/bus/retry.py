"""Trying an entry again: when, and how it comes back.

Idle time is not used for back-off (it would hide entries of a dead consumer). An entry that failed
leaves the stream for a sorted set by due time, in one step, and comes back on a stream that only
its own group reads: other groups never see a retry, and nothing waits behind it.
"""

import json
from collections.abc import Mapping

from redis.asyncio import Redis

from shared.bus.entry import TRIES, Address, Entry
from shared.redis import keys
from shared.redis.scripts import flat, load_script

PROMOTE_LIMIT = 100  # moved in one step, so that Redis answers others in between


class Retries:
    """The scheduled retries of one group."""

    def __init__(self, redis: Redis, address: Address) -> None:
        self._address = address
        self._schedule = load_script(redis, __file__, "schedule_retry", "owned")
        self._promote = load_script(redis, __file__, "promote_due")

    async def schedule_retry(self, entry: Entry, delay: float, *, counted: bool = True) -> bool:
        """Schedules the entry for `delay` seconds from now and acknowledges it, in one step.

        False when the entry is not ours any more, or was scheduled by an earlier call.
        """
        fields = with_tries(entry.fields, entry.tries + (1 if counted else 0))
        address = self._address
        due = await self._schedule(
            keys=[entry.stream, address.retry_due, keys.handled(address.group, entry.event_id)],
            args=[
                address.group,
                entry.id,
                address.consumer,
                int(delay * 1000),
                # The entry's id makes equal entries (a malformed one, sent twice) two members.
                json.dumps([*flat(fields), "was", entry.id], ensure_ascii=False),
            ],
        )
        return int(due) > 0

    async def promote_due(self) -> int | None:
        """Moves what is due to the retry stream; answers when the next is due (Redis TIME, ms)."""
        address = self._address
        _, upcoming = await self._promote(
            keys=[address.retry_due, address.retry_stream], args=[PROMOTE_LIMIT]
        )
        return int(upcoming) if int(upcoming) >= 0 else None


def with_tries(fields: Mapping[str, str], tries: int) -> dict[str, str]:
    """The fields of an entry on its way to the retry stream."""
    kept = {name: value for name, value in fields.items() if name not in (TRIES, "was")}
    return {**kept, TRIES: str(tries)}
