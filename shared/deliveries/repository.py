"""Reading deliveries, and sending one again. All other changes are the leads service's to make."""

import json
from collections.abc import Sequence
from typing import cast

from redis.asyncio import Redis

from shared.deliveries.listing import Listing
from shared.deliveries.model import Delivery, DeliveryState, DestinationState
from shared.errors import NotFound
from shared.redis import keys
from shared.redis.scripts import load_script


class Deliveries:
    """The deliveries in Redis, for whoever shows them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._listing = Listing(redis)
        self._replay = load_script(redis, __file__, "replay")

    async def get(self, destination: str, subject: str) -> Delivery:
        """One delivery with its attempts, the oldest first. Raises NotFound."""
        found = await self.many(destination, [subject], attempts=True)
        if not found:
            raise NotFound(f"{subject} was never to be sent to {destination}", code="not_delivered")
        return found[0]

    async def many(
        self, destination: str, subjects: Sequence[str], *, attempts: bool = False
    ) -> list[Delivery]:
        """Those of these deliveries that there are, in the same order; with or without attempts."""
        return await self._listing.many(destination, subjects, attempts=attempts)

    async def list(
        self, destination: str, *, state: DeliveryState | None = None, limit: int = 100
    ) -> list[Delivery]:
        """The newest first, without their attempts; all of them, or those in one state."""
        return await self._listing.newest(destination, state, limit)

    async def counts(self, destination: str) -> dict[str, int]:
        """How many wait (in flight included), are parked, are dead."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.zcard(keys.deliveries_due(destination))
            pipe.zcard(keys.deliveries_parked(destination))
            pipe.zcard(keys.deliveries_dead(destination))
            waiting, parked, dead = await pipe.execute()
        return {"waiting": int(waiting) - int(parked), "parked": int(parked), "dead": int(dead)}

    async def replay(self, destination: str, subject: str) -> bool:
        """Makes the newest revision due at once, with its whole budget and the same key as before.

        False when there is nothing to do: it is acknowledged, in flight or about to be sent.
        Raises NotFound.
        """
        answer = await self._replay(
            keys=[
                keys.delivery(destination, subject),
                keys.deliveries_due(destination),
                keys.deliveries_dead(destination),
                keys.deliveries_parked(destination),
            ],
            args=[
                subject,
                keys.call_log("%s"),
                json.dumps({"destination": destination, "subject": subject, "state": "scheduled"}),
            ],
        )
        if int(answer) == -1:
            raise NotFound(f"{subject} was never to be sent to {destination}", code="not_delivered")
        return bool(answer)

    async def destination(self, name: str) -> DestinationState:
        fields = cast("dict[str, str]", await self._redis.hgetall(keys.destination(name)))
        return DestinationState(
            open="open_until" in fields,
            reason=fields.get("reason", ""),
            failures=int(fields.get("failures", 0)),
            opened_ms=int(fields["opened_ms"]) if "opened_ms" in fields else None,
            probe_ms=int(fields["open_until"]) if "open_until" in fields else None,
        )
