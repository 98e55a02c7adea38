"""The leads service put together: consumers in front, ledgers in Redis, dispatchers behind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.leads import metrics
from services.leads.alerts import Alerts
from services.leads.delivery import client as destination
from services.leads.delivery.client import CONNECT_S, Destination
from services.leads.delivery.response_policy import Backoff
from services.leads.delivery.store import Claimed, Ledger, Rules
from services.leads.delivery.worker import BEGIN_WITHIN_S, Build, Dispatcher
from services.leads.destinations.payload import CallReports, lead_body
from services.leads.handlers import Intake
from services.leads.settings import LeadsSettings, split_secrets
from shared.bus import Consumer, DeadLetters
from shared.bus.consumer import BLOCK_MS
from shared.calls import Calls
from shared.calls.log import CallLog
from shared.deliveries import CALL_ENDED, LEAD_CAPTURE, Deliveries
from shared.events import CallEnded, LeadChanged
from shared.leads import Leads
from shared.redis import keys
from shared.redis.outage import outage_reason
from shared.runtime.health import Health

GROUP = "leads"
INTAKE = 100  # events in hand at once: each is one script, or nothing but an acknowledgement
LOOK_EVERY_S = 2.0


class LeadsService:
    """Everything that `python -m services.leads` runs, for one replica."""

    def __init__(
        self,
        redis: Redis,
        settings: LeadsSettings,
        health: Health,
        *,
        block_ms: int = BLOCK_MS,
        look_every: float = LOOK_EVERY_S,
    ) -> None:
        self._redis = redis
        self._block_ms = block_ms
        self._look_every = look_every
        self._settings = settings
        self._health = health
        self._deliveries = Deliveries(redis)
        self._slots = asyncio.Semaphore(settings.lead_concurrency)
        self._dispatchers: dict[str, Dispatcher] = {}
        self._over = asyncio.Event()  # nothing is cancelled that talks to Redis: see Consumer
        self._leads = Ledger(redis, rules(settings, LEAD_CAPTURE))
        self._reports = (
            Ledger(redis, rules(settings, CALL_ENDED)) if settings.n8n_webhook_call_ended else None
        )
        self.consumers = self._consumers()

    async def run(self, stop: asyncio.Event) -> None:
        """Delivers until `stop`; then lets what is under way end (LEAD_TIMEOUT at most).

        When one part fails, the others are asked to end, and what it raised is raised.
        """
        async with self._delivering() as dispatching:
            parts = [
                *(consumer.run() for consumer in self.consumers),
                *(consumer.watch() for consumer in self.consumers),
                *(dispatcher.run() for dispatcher in dispatching),
                self._look(),
            ]
            working = [asyncio.create_task(part) for part in parts]
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait([stopped, *working], return_when="FIRST_COMPLETED")
            finally:
                stopped.cancel()
                self._ask_to_end(dispatching)
            await asyncio.wait(working)
            for task in working:
                task.result()

    def _ask_to_end(self, dispatching: list[Dispatcher]) -> None:
        for dispatcher in dispatching:
            dispatcher.stop()
        for consumer in self.consumers:
            consumer.ask_to_stop()
        self._over.set()

    @contextlib.asynccontextmanager
    async def _delivering(self) -> AsyncIterator[list[Dispatcher]]:
        settings = self._settings
        async with (
            destination.client(settings.lead_concurrency, settings.lead_timeout) as client,
            httpx.AsyncClient() as alerting,
        ):
            alerts = Alerts(alerting, settings.alert_webhook_url)
            if settings.n8n_base_url is not None:
                self._add(client, alerts, self._leads, self._lead_body)
                if self._reports is not None:
                    self._add(client, alerts, self._reports, self._report_body())
            yield list(self._dispatchers.values())
            await alerts.close()

    def _add(self, client: httpx.AsyncClient, alerts: Alerts, ledger: Ledger, build: Build) -> None:
        settings = self._settings
        self._dispatchers[ledger.rules.name] = Dispatcher(
            ledger,
            webhook(client, settings, ledger.rules.address),
            build,
            slots=self._slots,
            backoff=Backoff(settings.lead_retry_first, settings.lead_retry_longest),
            alerts=alerts,
            on_outage=self._redis_trouble,
        )

    async def _lead_body(self, claimed: Claimed) -> bytes:
        return lead_body(claimed, self._settings.lead_max_bytes)

    def _report_body(self) -> Build:
        reports = CallReports(
            Calls(self._redis, source=GROUP),
            CallLog(self._redis),
            Leads(self._redis, source=GROUP),
        )
        limit = self._settings.lead_max_bytes

        async def body(claimed: Claimed) -> bytes:
            return await reports.body(claimed, limit)

        return body

    def _consumers(self) -> list[Consumer]:
        intake = Intake(self._leads, self._reports, wake=self._wake)
        handlers = {
            keys.LEADS: {LeadChanged: intake.lead_changed},
            keys.CALLS: {CallEnded: intake.call_ended},
        }
        return [
            Consumer(
                self._redis,
                stream,
                GROUP,
                each,  # type: ignore[arg-type]
                concurrency=INTAKE,
                block_ms=self._block_ms,
                deduplicate=False,
                on_outage=self._redis_trouble,
            )
            for stream, each in handlers.items()
        ]

    def _wake(self, name: str) -> None:
        if name in self._dispatchers:
            self._dispatchers[name].wake()

    def _redis_trouble(self, reason: str | None) -> None:
        if reason is None:
            self._health.set_ok("redis_writes")
        else:
            self._health.set_failing("redis_writes", reason)

    async def _look(self) -> None:
        """Keeps /readyz and /metrics true about the destinations, until the service ends."""
        while not self._over.is_set():
            try:
                for ledger in filter(None, (self._leads, self._reports)):
                    await self._look_at(ledger.rules.name)
                await self._look_at_events()
            except (RedisError, OSError) as error:
                if outage_reason(error) is None:
                    raise
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), self._look_every)

    async def _look_at_events(self) -> None:
        """Events that could not even be read: nothing of what they meant has happened."""
        dead = {
            stream: await DeadLetters(self._redis, stream, GROUP).count()
            for stream in (keys.LEADS, keys.CALLS)
        }
        if any(dead.values()):
            what = ", ".join(f"{count} of {stream}" for stream, count in dead.items() if count)
            self._health.set_degraded(
                "dead_events", f"unreadable events: {what}; see `bolchaal events list`"
            )
        else:
            self._health.set_ok("dead_events")

    async def _look_at(self, name: str) -> None:
        counts = await self._deliveries.counts(name)
        for state, count in counts.items():
            metrics.WAITING.labels(name, state).set(count)
        breaker = await self._deliveries.destination(name)
        metrics.OPEN.labels(name).set(breaker.open)
        suffix = "" if name == LEAD_CAPTURE else f"_{name.replace('-', '_')}"
        reason = breaker.reason if breaker.open else ""
        if self._settings.n8n_base_url is None:
            reason = "N8N_BASE_URL is not set: leads wait, none is lost"
        if reason:
            self._health.set_degraded(f"n8n{suffix}", reason)
        else:
            self._health.set_ok(f"n8n{suffix}")
        if counts["dead"]:
            self._health.set_degraded(
                f"dead_letters{suffix}",
                f"{counts['dead']} could not be delivered to {name}: see `bolchaal leads list"
                " --state dead`",
            )
        else:
            self._health.set_ok(f"dead_letters{suffix}")


def rules(settings: LeadsSettings, name: str) -> Rules:
    """How `name` is treated, from the settings."""
    path = {
        LEAD_CAPTURE: settings.n8n_webhook_lead_capture,
        CALL_ENDED: settings.n8n_webhook_call_ended,
    }[name]
    value = settings.n8n_auth_value
    return Rules(
        name=name,
        address=f"{settings.n8n_base_url or ''}{path or ''}",
        credentials=f"{settings.n8n_auth_header} {value.get_secret_value() if value else ''}",
        ack=settings.lead_ack,
        grace=settings.lead_attempt_grace,
        head_start=min(CONNECT_S, settings.lead_timeout) + BEGIN_WITHIN_S + 0.1,
        threshold=settings.lead_breaker_failures,
        pause_first=settings.lead_retry_first,
        pause_longest=min(60.0, settings.lead_retry_longest),
        park=settings.lead_retry_longest,
        budget=settings.lead_retry_hours * 3600,
        keep_days=settings.keep_days,
        content=keys.lead("") if name == LEAD_CAPTURE else "",
    )


def webhook(client: httpx.AsyncClient, settings: LeadsSettings, url: str) -> Destination:
    """The destination at `url`, with the settings' secrets and header."""
    value = settings.n8n_auth_value
    auth = (
        (settings.n8n_auth_header, value.get_secret_value())
        if settings.n8n_auth_header and value
        else None
    )
    return Destination(
        client,
        url,
        secrets=split_secrets(settings.lead_webhook_secret),
        auth=auth,
        timeout=settings.lead_timeout,
    )
