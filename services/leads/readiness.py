"""What /readyz and /metrics say of the destinations."""

from collections.abc import Iterable

from services.leads import metrics
from services.leads.alerts import list_dead
from services.leads.destinations.registry import AnyDestination
from shared.deliveries import Deliveries
from shared.runtime.health import Health


async def show_destinations(
    destinations: Iterable[AnyDestination],
    deliveries: Deliveries,
    health: Health,
    *,
    n8n_is_set: bool,
) -> None:
    """Says how things are now. Events that are dead letters are the consumers' to name."""
    for destination in destinations:
        name, suffix = destination.name, destination.suffix()
        counts = await deliveries.counts(name)
        for state, count in counts.items():
            metrics.WAITING.labels(name, state).set(count)
        breaker = await deliveries.destination(name)
        metrics.OPEN.labels(name).set(breaker.open)
        reason = (breaker.reason or None) if breaker.open else None
        if not n8n_is_set:
            reason = "N8N_BASE_URL is not set: leads wait, none is lost"
        health.set_degraded(f"n8n{suffix}", reason)
        dead = counts["dead"]
        health.set_degraded(
            f"dead_letters{suffix}",
            f"{dead} could not be delivered to {name}: see `{list_dead(name)}`" if dead else None,
        )
