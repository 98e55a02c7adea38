"""Answers that come later, in the order in which they were promised."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Finals:
    """Sends each message once its time has come, and never before the one ahead of it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._queue: asyncio.Queue[tuple[float, dict[str, Any]]] = asyncio.Queue()
        self._task = asyncio.create_task(self._run(), name="sarvam-finals")

    def put(self, message: dict[str, Any], delay_s: float) -> None:
        self._queue.put_nowait((asyncio.get_running_loop().time() + delay_s, message))

    async def drain(self) -> None:
        """Waits until everything promised has been sent."""
        await self._queue.join()

    async def aclose(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, message = await self._queue.get()
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            await self._send(message)
            self._queue.task_done()
