"""Handling one entry: read it, run its handler, acknowledge it or say why not."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from loguru import logger
from redis.asyncio import Redis

from shared.bus import metrics
from shared.bus.batching import Batcher
from shared.bus.claims import Claims
from shared.bus.dead_letters import DeadLetters
from shared.bus.entry import Address, Context, Entry, Handler
from shared.bus.policy import Policy
from shared.bus.retry import Retries
from shared.clock import DAY_S
from shared.errors import BolchaalError, NewerVersion, Permanent
from shared.events.base import Event
from shared.events.wire import from_fields
from shared.redis import keys
from shared.redis.outage import retry_until_available
from shared.redis.scripts import load_script

T = TypeVar("T")

HANDLED_KEEP_MS = DAY_S * 1000  # duplicates come within seconds; replays within a day
BUSY_PAUSE_S = 1.0  # until a second entry of an event looks again whether the first is done


@dataclass
class EntryProcessor:
    """What handling an entry takes. `abandon`: stop retrying, the process has to go."""

    redis: Redis
    address: Address
    handlers: Mapping[type[Event], Handler]
    claims: Claims
    policy: Policy
    on_outage: Callable[[str | None], None] | None
    abandon: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._by_type = {cls.type: (cls, handler) for cls, handler in self.handlers.items()}
        self.retries = Retries(self.redis, self.address)
        self.letters = DeadLetters(self.redis, self.address.stream, self.address.group)
        self._acks = {
            stream: Batcher(partial(self._acknowledge_all, stream))
            for stream in self.address.streams
        }
        self._begin = load_script(self.redis, __file__, "begin")
        self._done = load_script(self.redis, __file__, "done")

    async def process(self, entry: Entry) -> None:
        """Handles one entry and acknowledges it. Does not raise, but for cancellation."""
        type_ = entry.fields.get("type")
        if not type_ or not entry.fields.get("id"):
            await self._dead_letter(entry, "malformed: no type or no id")
            return
        if type_ not in self._by_type:
            metrics.EVENTS.labels(*self._labels, "unknown").inc()
            await self._until_available("acknowledge", lambda: self._acknowledge(entry))
            return
        if entry.deliveries > self.policy.crashes:
            await self._dead_letter(entry, f"its consumer died {entry.deliveries - 1} times")
            return
        if self.policy.deduplicate:
            verdict = await self._may_begin(entry)
            if verdict != "go":
                await self._drop_or_wait(entry, verdict)
                return
        await self._handle(entry, *self._by_type[type_])

    async def _handle(self, entry: Entry, cls: type[Event], handler: Handler) -> None:
        context = Context(
            stream=entry.stream,
            group=self.address.group,
            entry_id=entry.id,
            consumer=self.address.consumer,
            attempt=entry.tries + 1,
            source=entry.fields.get("src", ""),
            traceparent=entry.fields.get("traceparent", ""),
        )
        try:
            with metrics.DURATION.labels(*self._labels).time():
                event = from_fields(cls, entry.fields)
                async with asyncio.timeout(self.policy.timeout):
                    await handler(event, context)
        except Permanent as error:
            await self._dead_letter(entry, f"{error.code}: {error.message}", error.code)
        except Exception as error:  # noqa: BLE001 - a handler may fail in any way; the bus must not
            await self._failed(entry, error)
        else:
            metrics.EVENTS.labels(*self._labels, "handled").inc()
            if not context.acknowledged:
                await self._until_available("acknowledge", lambda: self._note_done(entry))

    async def _failed(self, entry: Entry, error: Exception) -> None:
        # Only errors of our own may be quoted: others may hold what the event held.
        why = error.code if isinstance(error, BolchaalError) else type(error).__name__
        tries = entry.tries + 1
        if tries >= self.policy.tries:
            await self._dead_letter(entry, f"{why}, {tries} times")
            return
        delay = self.policy.backoff.delay(tries)
        logger.warning(
            "{} {} failed: {} at {}; try {} in {:.1f} s",
            entry.fields["type"],
            entry.event_id,
            why,
            _place(error),
            tries + 1,
            delay,
        )
        metrics.EVENTS.labels(*self._labels, "retried").inc()
        await self._until_available("retry", lambda: self.retries.schedule_retry(entry, delay))

    async def _drop_or_wait(self, entry: Entry, verdict: str | None) -> None:
        if verdict == "done":
            metrics.EVENTS.labels(*self._labels, "duplicate").inc()
            await self._until_available("drop", lambda: self._acknowledge(entry))
        elif verdict == "busy":
            await self._until_available(
                "wait", lambda: self.retries.schedule_retry(entry, BUSY_PAUSE_S, counted=False)
            )

    async def _may_begin(self, entry: Entry) -> str | None:
        key = keys.handled(self.address.group, entry.event_id)
        answer = await self._until_available(
            "begin", lambda: self._begin(keys=[key], args=[entry.id, self.claims.lease_ms])
        )
        return None if answer is None else str(answer)

    async def _note_done(self, entry: Entry) -> None:
        if not self.policy.deduplicate:
            await self._acknowledge(entry)
            return
        await self._done(
            keys=[entry.stream, keys.handled(self.address.group, entry.event_id)],
            args=[self.address.group, entry.id, HANDLED_KEEP_MS],
        )

    async def _acknowledge(self, entry: Entry) -> None:
        await self._acks[entry.stream].add(entry.id)

    async def _acknowledge_all(self, stream: str, entry_ids: Sequence[str]) -> None:
        await self.redis.xack(stream, self.address.group, *entry_ids)

    async def _dead_letter(self, entry: Entry, why: str, code: str = "") -> None:
        logger.error(
            "dead letter on {} for {}: {} ({})",
            self.address.stream,
            self.address.group,
            entry.event_id,
            why,
        )
        result = "newer_version" if code == NewerVersion.code else "dead"
        metrics.EVENTS.labels(*self._labels, result).inc()
        await self._until_available(
            "dead letter", lambda: self.letters.add(self.address, entry, why)
        )

    async def _until_available(self, what: str, action: Callable[[], Awaitable[T]]) -> T | None:
        return await retry_until_available(
            f"{what} on {self.address.stream}",
            action,
            until=self.abandon,
            on_outage=self.on_outage,
        )

    @property
    def _labels(self) -> tuple[str, str]:
        return self.address.stream, self.address.group


def _place(error: BaseException) -> str:
    """file:line of where it was raised: a whole traceback could quote what the event held."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
