"""What /readyz and /metrics say of the destinations and of events that could not be read."""

from collections.abc import Sequence

from redis.asyncio import Redis

from services.leads import metrics
from services.leads.destinations.registry import AnyDestination
from shared.bus import DeadLetters
from shared.deliveries import Deliveries
from shared.runtime.health import Health


class Readiness:
    """`destinations` are those in use, `streams` those that `group` reads."""

    def __init__(
        self,
        redis: Redis,
        health: Health,
        *,
        destinations: Sequence[AnyDestination],
        streams: Sequence[str],
        group: str,
        n8n_is_set: bool,
    ) -> None:
        self._health = health
        self._destinations = destinations
        self._n8n_is_set = n8n_is_set
        self._deliveries = Deliveries(redis)
        self._dead_events = {stream: DeadLetters(redis, stream, group) for stream in streams}

    async def look(self) -> None:
        """Says how things are now."""
        for destination in self._destinations:
            await self._look_at(destination.name, destination.suffix())
        await self._look_at_events()

    async def _look_at(self, name: str, suffix: str) -> None:
        counts = await self._deliveries.counts(name)
        for state, count in counts.items():
            metrics.WAITING.labels(name, state).set(count)
        breaker = await self._deliveries.destination(name)
        metrics.OPEN.labels(name).set(breaker.open)
        reason = breaker.reason if breaker.open else ""
        if not self._n8n_is_set:
            reason = "N8N_BASE_URL is not set: leads wait, none is lost"
        self._say(f"n8n{suffix}", reason)
        dead = counts["dead"]
        self._say(
            f"dead_letters{suffix}",
            f"{dead} could not be delivered to {name}: see `bolchaal leads list --state dead`"
            if dead
            else "",
        )

    async def _look_at_events(self) -> None:
        """Events that could not even be read: nothing of what they meant has happened."""
        dead = {stream: await letters.count() for stream, letters in self._dead_events.items()}
        what = ", ".join(f"{count} of {stream}" for stream, count in dead.items() if count)
        self._say(
            "dead_events", f"unreadable events: {what}; see `bolchaal events list`" if what else ""
        )

    def _say(self, name: str, reason: str) -> None:
        """Degraded because of `reason`; well when there is none."""
        if reason:
            self._health.set_degraded(name, reason)
        else:
            self._health.set_ok(name)
