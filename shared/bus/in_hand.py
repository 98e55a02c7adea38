"""The entries that a consumer has in hand: each is handled in a task of its own."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable

from loguru import logger

from shared.bus.entry import Entry
from shared.clock import set_within

LOOK_S = 0.5  # while all places are taken, a stop is noticed within this
CANCEL_S = 1.0  # for handlers to end after they were cancelled


class InHand:
    """At most `limit` entries at once. `process` handles and acknowledges one."""

    def __init__(self, process: Callable[[Entry], Coroutine[None, None, None]], limit: int) -> None:
        self._process = process
        self._limit = limit
        self._running: dict[tuple[str, str], tuple[Entry, asyncio.Task[None]]] = {}
        self._freed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._running)

    @property
    def free(self) -> int:
        return self._limit - len(self._running)

    async def wait_for_room(self, stop: asyncio.Event) -> bool:
        """Waits for a free place; False when it is time to stop."""
        while self.free <= 0 and not stop.is_set():
            self._freed.clear()
            await set_within(self._freed, LOOK_S)
        return not stop.is_set()

    def start(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            key = (entry.stream, entry.id)
            if key in self._running:
                continue  # our own sign of life was late, and we took it over from ourselves
            task = asyncio.create_task(self._process(entry), name=f"handle-{entry.id}")
            self._running[key] = (entry, task)
            task.add_done_callback(lambda done, key=key: self._ended(key, done))  # type: ignore[misc]

    def of(self, stream: str) -> list[Entry]:
        """The entries of one stream that are in hand."""
        return [entry for entry, _ in self._running.values() if entry.stream == stream]

    def drop(self, stream: str, entry_id: str) -> None:
        """Ends the handling of an entry that another consumer has: it is handled there."""
        if held := self._running.get((stream, entry_id)):
            logger.warning("entry {} was taken over by another consumer", entry_id)
            held[1].cancel()

    async def finish(self, grace: float) -> None:
        """Waits until all are handled, `grace` seconds at most."""
        if tasks := self._tasks():
            _, late = await asyncio.wait(tasks, timeout=grace)
            if late:
                logger.warning("{} entries stay pending, for another consumer", len(late))

    async def cancel(self) -> None:
        """Ends what is left: it stays pending in Redis."""
        if tasks := self._tasks():
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=CANCEL_S)

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [task for _, task in self._running.values()]

    def _ended(self, key: tuple[str, str], task: asyncio.Task[None]) -> None:
        self._running.pop(key, None)
        self._freed.set()
        if not task.cancelled() and (error := task.exception()):
            # The entry stays pending, and is taken over and tried again.
            logger.opt(exception=error).error("entry {} could not be acknowledged", key[1])
