"""The leads service put together: consumers in front, deliveries in Redis, workers behind."""

import asyncio
from functools import partial
from typing import Any

import httpx
from redis.asyncio import Redis

from services.leads.alerts import Alerts
from services.leads.delivery.attempt import AttemptRunner
from services.leads.delivery.client import WebhookClient, open_http
from services.leads.delivery.model import ClaimedAttempt
from services.leads.delivery.store import DeliveryStore
from services.leads.delivery.worker import DeliveryWorker
from services.leads.destinations.base import Destination
from services.leads.destinations.registry import DESTINATIONS
from services.leads.handlers import handlers_by_stream
from services.leads.readiness import show_destinations
from services.leads.settings import DeliverySettings
from services.leads.setup import backoff, delivery_policy, webhook_client
from shared.bus import Consumer, Policy
from shared.bus.policy import BLOCK_MS
from shared.deliveries import Deliveries
from shared.runtime.background import Background
from shared.runtime.health import Health

GROUP = "leads"
EVENTS_AT_ONCE = 100  # each is one script, or nothing but an acknowledgement
LOOK_EVERY_S = 2.0
RECORDING_S = 5.0  # beyond LEAD_TIMEOUT, for what is in flight at the end to be recorded


class LeadsService:
    """Everything that `python -m services.leads` runs, for one replica."""

    def __init__(
        self,
        redis: Redis,
        settings: DeliverySettings,
        health: Health,
        *,
        block_ms: int = BLOCK_MS,
        look_every: float = LOOK_EVERY_S,
    ) -> None:
        self._redis = redis
        self._settings = settings
        self._health = health
        self._on_outage = partial(health.set_failing, "redis_writes")
        self._block_ms = block_ms
        self._look_every = look_every
        self._destinations = [each(redis) for each in DESTINATIONS]
        self._stores = {
            each.name: DeliveryStore(redis, policy)
            for each in self._destinations
            if (policy := delivery_policy(type(each), settings)) is not None
        }
        self._workers: dict[str, DeliveryWorker] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Delivers until `stop`; then lets what is under way end (LEAD_TIMEOUT at most).

        A part that fails is started again, and /readyz names it meanwhile.
        """
        settings = self._settings
        async with (
            open_http(settings.lead_concurrency, settings.lead_timeout) as http,
            httpx.AsyncClient() as alerting,
        ):
            alerts = Alerts(alerting, settings.alert_webhook_url)
            grace = settings.lead_timeout + RECORDING_S
            async with Background(self._health, grace=grace) as background:
                self._deliver(background, http, alerts)
                self._consume(background)
                self._look(background)
                await stop.wait()
                background.ask_to_stop()
                self._wake(*self._workers)
            await alerts.aclose()

    def _deliver(self, background: Background, http: httpx.AsyncClient, alerts: Alerts) -> None:
        """A worker for each destination; none without N8N: deliveries wait."""
        slots = asyncio.Semaphore(self._settings.lead_concurrency)
        for destination in self._destinations if self._settings.n8n_base_url else ():
            store = self._stores.get(destination.name)
            if store is None:
                continue
            worker = DeliveryWorker(
                store,
                self._attempts(destination, webhook_client(http, store.policy, self._settings)),
                slots=slots,
                alerts=alerts,
                on_outage=self._on_outage,
            )
            self._workers[destination.name] = worker
            background.run(f"delivery to {destination.name}", worker.run, critical=True)

    def _attempts(
        self, destination: Destination[Any, Any], webhook: WebhookClient
    ) -> AttemptRunner:
        async def build(claimed: ClaimedAttempt) -> bytes:
            return await destination.body(claimed, self._settings.lead_max_bytes)

        return AttemptRunner(destination.name, webhook, build, backoff=backoff(self._settings))

    def _consume(self, background: Background) -> None:
        """A consumer for each stream."""
        handlers = handlers_by_stream(
            ((each, self._stores.get(each.name)) for each in self._destinations), self._wake
        )
        for stream, of_stream in handlers.items():
            consumer = Consumer(
                self._redis,
                stream,
                GROUP,
                of_stream,
                policy=Policy(
                    concurrency=EVENTS_AT_ONCE, deduplicate=False, block_ms=self._block_ms
                ),
                health=self._health,
                on_outage=self._on_outage,
            )
            background.run(f"consumer of {stream}", consumer.run, critical=True)

    def _look(self, background: Background) -> None:
        show = partial(
            show_destinations,
            [type(each) for each in self._destinations if each.name in self._stores],
            Deliveries(self._redis),
            self._health,
            n8n_is_set=self._settings.n8n_base_url is not None,
        )
        background.every("a look at deliveries", self._look_every, show)

    def _wake(self, *names: str) -> None:
        for name in names:
            if name in self._workers:
                self._workers[name].wake()
