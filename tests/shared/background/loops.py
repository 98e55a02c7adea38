"""Loops for a Background: what they do is said by the test, when they begin is noted."""

import asyncio
from collections.abc import Awaitable, Callable

from redis import exceptions

from shared.backoff import Backoff
from shared.runtime.background import Background
from shared.runtime.health import Health

EXACT = Backoff(first=1.0, longest=8.0, jitter=(1.0, 1.0))


def now() -> float:
    return asyncio.get_running_loop().time()


def opened(health: Health | None = None, **options: float) -> Background:
    return Background(health, restart=EXACT, **options)


class Work:
    """Notes when it is started; does what the step of that start says, then runs until stopped."""

    def __init__(self, *steps: Callable[[], Awaitable[object]]) -> None:
        self._steps = list(steps)
        self.starts: list[float] = []
        self.ended = False

    async def __call__(self, stop: asyncio.Event) -> None:
        self.starts.append(round(now(), 3))
        if self._steps:
            await self._steps.pop(0)()
        else:
            await stop.wait()
            self.ended = True


async def fail() -> None:
    raise ValueError("a fault")


async def return_early() -> None:
    pass


async def lose_redis() -> None:
    raise exceptions.ConnectionError("gone")
