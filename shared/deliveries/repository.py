"""Reading deliveries, and sending a dead one again. All else is the leads service's to do."""

import json
from typing import Any, cast

from redis.asyncio import Redis

from shared.deliveries.model import Attempt, Delivery, DeliveryState, DestinationState
from shared.errors import NotFound
from shared.redis import keys
from shared.redis.scripts import load_script

# States that have a set of their own; the others are found by looking.
_SETS = {"dead": keys.deliveries_dead, "parked": keys.deliveries_parked}


class Deliveries:
    """The deliveries in Redis, for whoever shows them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._replay = load_script(redis, __file__, "replay")

    async def get(self, destination: str, subject: str, *, attempts: bool = True) -> Delivery:
        """One delivery with its attempts, the oldest first. Raises NotFound."""
        fields = await self._fields(destination, subject)
        if "wanted" not in fields:
            raise NotFound(f"{subject} was never to be sent to {destination}", code="not_delivered")
        found = Delivery.from_hash(destination, subject, fields)
        due = await self._redis.zscore(
            keys.deliveries_due(destination), f"{subject}.{found.revision}"
        )
        return found.model_copy(
            update={
                "next_ms": None if due is None else int(due),
                "attempts": await self._attempts(destination, subject) if attempts else (),
            }
        )

    async def list(
        self, destination: str, *, state: DeliveryState | None = None, limit: int = 100
    ) -> list[Delivery]:
        """The newest first, without their attempts; all of them, or those in one state."""
        if state in _SETS:
            members = await self._redis.zrevrange(_SETS[state](destination), 0, limit - 1)
            subjects = [str(member).rpartition(".")[0] for member in members]
        else:
            subjects = [
                str(subject)
                for subject in await self._redis.zrevrange(
                    keys.deliveries_index(destination), 0, -1 if state else limit - 1
                )
            ]
        found: list[Delivery] = []
        for subject in dict.fromkeys(subjects):
            try:
                delivery = await self.get(destination, subject, attempts=False)
            except NotFound:
                await self._redis.zrem(keys.deliveries_index(destination), subject)
                continue
            if state is None or delivery.state == state:
                found.append(delivery)
            if len(found) == limit:
                break
        return found

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

    async def _attempts(self, destination: str, subject: str) -> tuple[Attempt, ...]:
        raw = cast(
            "list[str]",
            await cast(
                "Any", self._redis.lrange(keys.delivery_attempts(destination, subject), 0, -1)
            ),
        )
        return tuple(Attempt.model_validate_json(text) for text in raw)

    async def _fields(self, destination: str, subject: str) -> dict[str, str]:
        return cast(
            "dict[str, str]", await self._redis.hgetall(keys.delivery(destination, subject))
        )
