"""Answers that are sent some time after they are known, as by a service that computes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from services.sandbox.pacing import sleep_until
from shared.runtime.tasks import cancel

Send = Callable[[dict[str, Any]], Awaitable[None]]


class DelayedMessages:
    """Sends each message once its delay is over, and never before the one that was put ahead."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._queue: asyncio.Queue[tuple[float, dict[str, Any]]] = asyncio.Queue()
        self._task = asyncio.create_task(self._run(), name="sarvam-delayed")

    def put(self, message: dict[str, Any], delay_s: float) -> None:
        self._queue.put_nowait((asyncio.get_running_loop().time() + delay_s, message))

    async def drain(self) -> None:
        """Waits until everything has been sent."""
        await self._queue.join()

    async def aclose(self) -> None:
        await cancel(self._task)

    async def _run(self) -> None:
        while True:
            due, message = await self._queue.get()
            await sleep_until(due)
            await self._send(message)
            self._queue.task_done()
