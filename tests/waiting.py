"""Waiting for something to become true, where there is no event to wait for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(
    check: Callable[[], Awaitable[T]], *, timeout: float = 5.0, every: float = 0.005
) -> T:
    """Asks again and again until the answer is truthy; fails after `timeout` seconds.

    `every` is the pause between two asks, in seconds.
    """
    async with asyncio.timeout(timeout):
        while True:
            answer = await check()
            if answer:
                return answer
            await asyncio.sleep(every)  # the one place that asks again and again
