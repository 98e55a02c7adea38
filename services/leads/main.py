"""The leads service: carries leads, and reports of calls, to N8N.

Consumers in front, deliveries in Redis, workers behind.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import httpx

from services.leads.alerts import Alerts
from services.leads.delivery.attempt import AttemptRunner
from services.leads.delivery.client import open_http
from services.leads.delivery.store import DeliveryStore
from services.leads.delivery.worker import DeliveryWorker
from services.leads.destinations.base import Destination
from services.leads.destinations.registry import DESTINATIONS
from services.leads.handlers import handlers_by_stream
from services.leads.readiness import show_destinations
from services.leads.settings import DeliverySettings, LeadsSettings
from services.leads.setup import backoff, delivery_policy, webhook_client
from shared.bus import Consumer, Policy
from shared.bus.policy import BLOCK_MS
from shared.deliveries import Deliveries
from shared.runtime.service import ServiceContext, run

GROUP = "leads"
EVENTS_AT_ONCE = 100  # each is one script, or nothing but an acknowledgement
LOOK_EVERY_S = 2.0
RECORDING_S = 5.0  # beyond LEAD_TIMEOUT, for what is in flight at the end to be recorded

LeadsContext = ServiceContext[DeliverySettings]
Used = tuple[Destination[Any, Any], DeliveryStore]


def main() -> None:
    run("leads", LeadsSettings, serve)


async def serve(
    context: LeadsContext, *, block_ms: int = BLOCK_MS, look_every: float = LOOK_EVERY_S
) -> None:
    """Delivers until it is asked to stop; then lets end what is under way (LEAD_TIMEOUT at most).

    A part that fails is started again, and /readyz names it meanwhile.
    """
    settings, background = context.settings, context.background
    background.grace = settings.lead_timeout + RECORDING_S
    destinations = [each(context.redis) for each in DESTINATIONS]
    stores = {
        each.name: DeliveryStore(context.redis, policy)
        for each in destinations
        if (policy := delivery_policy(type(each), settings)) is not None
    }
    used = [(each, stores[each.name]) for each in destinations if each.name in stores]
    # None without N8N: deliveries wait.
    workers = await _start_workers(context, used) if settings.n8n_base_url else {}

    def wake(name: str) -> None:
        if name in workers:
            workers[name].wake()

    reading = Policy(concurrency=EVENTS_AT_ONCE, deduplicate=False, block_ms=block_ms)
    _start_consumers(
        context, [(each, stores.get(each.name)) for each in destinations], reading, wake
    )
    show = partial(
        show_destinations,
        [type(each) for each, _ in used],
        Deliveries(context.redis),
        context.health,
        n8n_is_set=settings.n8n_base_url is not None,
    )
    background.every("a look at deliveries", look_every, show)
    await context.stop.wait()
    background.ask_to_stop()
    for worker in workers.values():
        worker.wake()


async def _start_workers(context: LeadsContext, used: Iterable[Used]) -> dict[str, DeliveryWorker]:
    """A worker for each destination, by its name; they share the connections and the slots."""
    settings, resources = context.settings, context.resources
    slots = asyncio.Semaphore(settings.lead_concurrency)
    http = await resources.enter_async_context(
        open_http(settings.lead_concurrency, settings.lead_timeout)
    )
    alerting = await resources.enter_async_context(httpx.AsyncClient())
    alerts = Alerts(alerting, settings.alert_webhook_url)
    resources.push_async_callback(alerts.aclose)
    workers: dict[str, DeliveryWorker] = {}
    for destination, store in used:
        attempts = AttemptRunner(
            destination.name,
            webhook_client(http, store.policy, settings),
            partial(destination.body, limit=settings.lead_max_bytes),
            backoff=backoff(settings),
        )
        worker = workers[destination.name] = DeliveryWorker(
            store, attempts, slots=slots, alerts=alerts, on_outage=_on_outage(context)
        )
        context.background.run(f"delivery to {destination.name}", worker.run, critical=True)
    return workers


def _start_consumers(
    context: LeadsContext,
    destinations: Iterable[tuple[Destination[Any, Any], DeliveryStore | None]],
    policy: Policy,
    wake: Callable[[str], None],
) -> None:
    """A consumer for each stream."""
    for stream, handlers in handlers_by_stream(destinations, wake).items():
        consumer = Consumer(
            context.redis,
            stream,
            GROUP,
            handlers,
            policy=policy,
            health=context.health,
            on_outage=_on_outage(context),
        )
        context.background.run(f"consumer of {stream}", consumer.run, critical=True)


def _on_outage(context: LeadsContext) -> Callable[[str | None], None]:
    return partial(context.health.set_failing, "redis_writes")
