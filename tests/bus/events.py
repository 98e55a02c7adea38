"""Events and helpers of the bus' own tests."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import fields, replace
from typing import Any, ClassVar

from redis.asyncio import Redis

from shared.backoff import Backoff
from shared.bus import Consumer, Context, Policy
from shared.events.base import Event

STREAM = "bolchaal:test"
GROUP = "readers"


class Counted(Event):
    type: ClassVar[str] = "test.counted"
    stream: ClassVar[str] = STREAM
    number: int


class Other(Event):
    type: ClassVar[str] = "test.other"
    stream: ClassVar[str] = STREAM


# Quick enough for a test, slow enough to see the order of things.
QUICK = Policy(Backoff(0.02, 0.05, uniform=lambda _, high: high), tries=3, block_ms=20)


class Seen:
    """A handler that notes what it was given and lets a test wait for it."""

    def __init__(self, act: Callable[[Counted, Context], Awaitable[None]] | None = None) -> None:
        self.numbers: list[int] = []
        self.contexts: list[Context] = []
        self._act = act
        self._changed = asyncio.Condition()

    async def __call__(self, event: Counted, context: Context) -> None:
        self.contexts.append(context)
        if self._act:
            await self._act(event, context)
        async with self._changed:
            self.numbers.append(event.number)
            self._changed.notify_all()

    async def wait(self, count: int, seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: len(self.numbers) >= count)


@contextlib.asynccontextmanager
async def consuming(redis: Redis, handler: Any, **options: Any) -> AsyncIterator[Consumer]:
    """A consumer that runs while the context is open. Options of the policy are given flat."""
    names = {each.name for each in fields(Policy)} & options.keys()
    policy = replace(QUICK, **{name: options.pop(name) for name in names})
    group = options.pop("group", GROUP)
    handlers = handler if isinstance(handler, dict) else {Counted: handler}
    consumer = Consumer(redis, STREAM, group, handlers, policy=policy, **options)
    stop = asyncio.Event()
    task = asyncio.create_task(consumer.run(stop, grace=1.0))
    try:
        yield consumer
    finally:
        stop.set()
        await task


async def raw(redis: Redis, event: Event, **fields: str) -> str:
    """Appends an entry by hand, some fields replaced."""
    entry = {
        "type": event.type,
        "v": "1",
        "id": event.id,
        "src": "test",
        "traceparent": "",
        "data": json.dumps(event.model_dump(mode="json", exclude={"id"})),
        **fields,
    }
    return str(await redis.xadd(event.stream, dict(entry)))  # type: ignore[arg-type]
