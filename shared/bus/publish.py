"""Publishing events."""

from collections.abc import Mapping
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError
from tenacity import (
    AsyncRetrying,
    RetryError,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from shared.errors import Unavailable
from shared.events.base import Event
from shared.events.wire import to_fields
from shared.redis.outage import outage_reason

PATIENCE_S = 10.0  # a Redis that restarts is back in one


class Bus:
    """Publishes for one service. `source` is its name, which travels with each event."""

    def __init__(self, redis: Redis, source: str, *, patience: float = PATIENCE_S) -> None:
        self._redis = redis
        self._source = source
        self._patience = patience

    async def publish(self, event: Event, *, traceparent: str = "") -> str:
        """Appends the event to its stream; answers the entry id.

        Tries again, `patience` seconds at most, while Redis is away or refuses to write. An answer
        that was lost on the way makes a second entry with the same event id, which consumers drop.
        Raises Unavailable when the time is up: then the event may or may not have been stored.
        """
        fields = cast("Mapping[Any, Any]", to_fields(event, self._source, traceparent))
        attempts = AsyncRetrying(
            retry=retry_if_exception(lambda error: outage_reason(error) is not None),
            stop=stop_after_delay(self._patience),
            wait=wait_random_exponential(multiplier=0.05, max=1.0),
        )
        try:
            async for attempt in attempts:
                with attempt:
                    return str(await self._redis.xadd(event.stream, dict(fields)))
        except RetryError as error:
            cause = error.last_attempt.exception()
            reason = outage_reason(cause) if cause else None
            raise Unavailable(reason or "the event could not be stored", retry_after=1) from cause
        except RedisError as error:
            raise Unavailable("Redis refused the event", retry_after=1) from error
        raise AssertionError("tenacity ends by returning or raising")
