"""What /readyz and /metrics say of the destinations."""

from collections.abc import Sequence

from redis.asyncio import Redis

from services.leads import metrics
from services.leads.alerts import list_dead
from services.leads.destinations.registry import AnyDestination
from shared.deliveries import Deliveries
from shared.runtime.health import Health


class Readiness:
    """`destinations` are those in use. Events that are dead letters are the consumers' to name."""

    def __init__(
        self,
        redis: Redis,
        health: Health,
        *,
        destinations: Sequence[AnyDestination],
        n8n_is_set: bool,
    ) -> None:
        self._health = health
        self._destinations = destinations
        self._n8n_is_set = n8n_is_set
        self._deliveries = Deliveries(redis)

    async def look(self) -> None:
        """Says how things are now."""
        for destination in self._destinations:
            await self._look_at(destination.name, destination.suffix())

    async def _look_at(self, name: str, suffix: str) -> None:
        counts = await self._deliveries.counts(name)
        for state, count in counts.items():
            metrics.WAITING.labels(name, state).set(count)
        breaker = await self._deliveries.destination(name)
        metrics.OPEN.labels(name).set(breaker.open)
        reason = (breaker.reason or None) if breaker.open else None
        if not self._n8n_is_set:
            reason = "N8N_BASE_URL is not set: leads wait, none is lost"
        self._health.set_degraded(f"n8n{suffix}", reason)
        dead = counts["dead"]
        self._health.set_degraded(
            f"dead_letters{suffix}",
            f"{dead} could not be delivered to {name}: see `{list_dead(name)}`" if dead else None,
        )
