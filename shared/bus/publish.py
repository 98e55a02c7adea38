"""Publishing events."""

from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.clock import SYSTEM_CLOCK, Clock
from shared.errors import Unavailable
from shared.events.base import Event
from shared.events.wire import to_fields
from shared.redis.outage import retry_until_available

PATIENCE_S = 10.0  # a Redis that restarts is back in one


class Bus:
    """Publishes for one service. `source` is its name, which travels with each event."""

    def __init__(
        self,
        redis: Redis,
        source: str,
        *,
        patience: float = PATIENCE_S,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._redis = redis
        self._source = source
        self._patience = patience
        self._clock = clock

    async def publish(self, event: Event, *, traceparent: str = "") -> str:
        """Appends the event to its stream; answers the entry id.

        Tries again, `patience` seconds at most, while Redis is away or refuses to write. An answer
        that was lost on the way makes a second entry with the same event id, which consumers drop.
        Raises Unavailable when the time is up: then the event may or may not have been stored.
        """
        fields = cast("dict[Any, Any]", to_fields(event, self._source, traceparent))
        try:
            entry_id = await retry_until_available(
                f"publishing {event.type}",
                lambda: self._redis.xadd(event.stream, fields),
                within=self._patience,
                clock=self._clock,
            )
        except TimeoutError as error:
            raise Unavailable(str(error), retry_after=1) from error
        except RedisError as error:
            raise Unavailable("Redis refused the event", retry_after=1) from error
        return str(entry_id)
