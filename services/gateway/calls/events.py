"""A call's log as server-sent events, live, for any number of browsers."""

import asyncio
from collections.abc import AsyncIterator

from fastapi.sse import ServerSentEvent
from redis.exceptions import RedisError

from services.gateway import metrics
from shared.calls.log import CallLog, Logged
from shared.errors import Unavailable
from shared.redis.client import connect
from shared.redis.outage import outage_reason

BLOCK_MS = 1_000  # how long a stream may take to notice that the server stops
RECONNECT_MS = 1_000  # after which a browser whose stream ended asks again
MAX_STREAMS = 500  # each holds a connection to Redis while it waits
CONNECTIONS = MAX_STREAMS + 20


class EventStreams:
    """The streams of one process, on connections to Redis of their own; `stop` ends them."""

    def __init__(self, redis_url: str, stop: asyncio.Event) -> None:
        self._redis = connect(redis_url, max_connections=CONNECTIONS)
        self._log = CallLog(self._redis)
        self._stop = stop
        self._open = 0

    def require_room(self) -> None:
        """Raises Unavailable while there are as many streams as one process serves."""
        if self._open >= MAX_STREAMS:
            raise Unavailable(
                f"{MAX_STREAMS} calls are being followed, and no more can be: try again later"
            )

    async def follow(self, call_id: str, after: str | None) -> AsyncIterator[ServerSentEvent]:
        """The call's log from the start, or after the entry with id `after`, and on.

        Ends when the server stops or Redis is away: the reader comes back with its last id.
        """
        self._count(+1)
        try:
            yield ServerSentEvent(comment="open", retry=RECONNECT_MS)
            async for batch in self._log.follow(call_id, after=after or "0", block_ms=BLOCK_MS):
                for logged in batch:
                    yield _event(logged)
                if self._stop.is_set():
                    return
        except (RedisError, OSError) as error:
            if outage_reason(error) is None:
                raise
        finally:
            self._count(-1)

    async def aclose(self) -> None:
        await self._redis.aclose()

    def _count(self, change: int) -> None:
        self._open += change
        metrics.STREAMS.set(self._open)


def _event(logged: Logged) -> ServerSentEvent:
    return ServerSentEvent(
        id=logged.id,
        event=logged.entry.type,
        raw_data=logged.entry.model_dump_json(exclude_none=True),
    )
