"""One command for what several tasks ask for at the same time, instead of thirty."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Batcher(Generic[Item]):
    """`act` is given all items that came while the last act was under way.

    What it raises, everybody raises who gave an item to it.
    """

    def __init__(self, act: Callable[[Sequence[Item]], Awaitable[object]]) -> None:
        self._act = act
        self._waiting: list[tuple[Item, asyncio.Future[None]]] = []
        self._acting: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> None:
        """Returns when `act` has returned for this item."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._acting is None:
            self._acting = asyncio.create_task(self._act_on_all())
        await done

    async def _act_on_all(self) -> None:
        batch: list[tuple[Item, asyncio.Future[None]]] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._act_on(batch)
        finally:
            # Cancelled, by redis-py or at the end of the process: nobody may wait for ever.
            for _, done in (*batch, *self._waiting):
                done.cancel()
            self._waiting = []
            self._acting = None

    async def _act_on(self, batch: Sequence[tuple[Item, asyncio.Future[None]]]) -> None:
        error: Exception | None = None
        try:
            await self._act([item for item, _ in batch])
        except Exception as caught:  # noqa: BLE001 - it is raised by those who wait
            error = caught
        for _, done in batch:
            if done.done():
                continue  # whoever asked was cancelled
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)
