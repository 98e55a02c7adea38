"""What providers refuse, as the calls of all workers have met it: one hash in Redis."""

from collections.abc import Mapping
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from redis.asyncio import Redis

from shared.redis import keys
from shared.redis.client import now_ms
from shared.runtime.health import Health

Upstream = Literal["sarvam_stt", "sarvam_tts", "llm"]
UPSTREAMS: tuple[Upstream, ...] = ("sarvam_stt", "sarvam_tts", "llm")

FORGET_AFTER_MS = 600_000  # a refusal that no call has met again for this long is over
MIRROR_EVERY_S = 2.0


class _Refusal(BaseModel):
    model_config = ConfigDict(extra="ignore")

    reason: str
    at_ms: int


class StatusBoard:
    """Refusals by upstream. Calls run in processes of their own and tell the worker by this."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def set(self, upstream: Upstream, reason: str) -> None:
        refusal = _Refusal(reason=reason, at_ms=await now_ms(self._redis))
        await self._redis.hset(keys.AGENT_FAULTS, upstream, refusal.model_dump_json())

    async def clear(self, upstream: Upstream) -> None:
        await self._redis.hdel(keys.AGENT_FAULTS, upstream)

    async def read(self) -> dict[str, str]:
        """Reasons by upstream; those that are over, or cannot be read, are left out."""
        now = await now_ms(self._redis)
        raw = cast("Mapping[str, str]", await self._redis.hgetall(keys.AGENT_FAULTS))
        found: dict[str, str] = {}
        for upstream, text in raw.items():
            try:
                refusal = _Refusal.model_validate_json(text)
            except ValidationError:  # of another version
                continue
            if now - refusal.at_ms < FORGET_AFTER_MS:
                found[upstream] = refusal.reason
        return found

    async def mirror(self, health: Health) -> None:
        """Shows the refusals of this moment as reasons of this worker."""
        refusals = await self.read()
        for upstream in UPSTREAMS:
            health.set_degraded(upstream, refusals.get(upstream))
