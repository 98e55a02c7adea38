"""What a process does beside answering: named loops that do not die and end when they are told.

    async with Background(health) as background:
        background.run("consumer of leads", consumer.run, critical=True)
        background.every("health reports", 2.0, report)
        ...                                   # leaving the block ends all of them

A loop that raises, or returns before it was told to end, is started again after a growing pause;
until it runs steadily /readyz says so. Loops are ended by an event and never by cancelling them in
the middle of a Redis command: redis-py 8.1 swallows some cancellations, and the loop would go on
for ever.
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from loguru import logger

from shared.backoff import Backoff
from shared.clock import SYSTEM_CLOCK, Clock, set_within
from shared.redis.outage import outage_reason
from shared.runtime.health import Health
from shared.runtime.tasks import cancel

# Runs until the event is set.
Work = Callable[[asyncio.Event], Awaitable[object]]
Action = Callable[[], Awaitable[object]]

RESTART = Backoff(first=0.2, longest=30.0)
OUTAGE_LONGEST_S = 1.0  # a Redis that is back is noticed within this
STEADY_S = 5.0  # a loop that has run for so long since its last failure is well again
GRACE_S = 10.0  # for loops to end by themselves before they are cancelled


class Background:
    """The loops of one process. `health` None reports to the log alone (a job process, a test)."""

    def __init__(
        self,
        health: Health | None = None,
        *,
        restart: Backoff = RESTART,
        grace: float = GRACE_S,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._health = health
        self._restart = restart
        self._grace = grace
        self._clock = clock
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, name: str, work: Work, *, critical: bool = False) -> None:
        """Keeps `work` running. It is given the event that ends it.

        `critical`: without it the service cannot do its work, so /readyz answers 503 meanwhile.
        """
        self._start(name, _Loop(self, name, work, critical=critical))

    def every(
        self,
        name: str,
        seconds: float | Callable[[], float],
        action: Action,
        *,
        critical: bool = False,
    ) -> None:
        """Does `action` now and then again `seconds` after each time it is done."""

        async def repeat(stop: asyncio.Event) -> None:
            while not stop.is_set():
                await action()
                loop.succeeded()
                await set_within(stop, seconds() if callable(seconds) else seconds)

        loop = _Loop(self, name, repeat, critical=critical)
        self._start(name, loop)

    def ask_to_stop(self) -> None:
        """Tells every loop to end, without waiting for it."""
        self._stop.set()

    async def aclose(self) -> None:
        """Ends every loop; one that has not ended after the grace is cancelled, and named."""
        self.ask_to_stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._grace)
        for task in self._tasks:
            logger.warning("{} did not end when asked: cancelled", task.get_name())
        await cancel(*self._tasks)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _: type[BaseException] | None,
        __: BaseException | None,
        ___: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _start(self, name: str, loop: "_Loop") -> None:
        task = asyncio.create_task(loop.run(self._stop), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Loop:
    """One loop: how often it has failed in a row, and what health was told of it."""

    def __init__(self, owner: Background, name: str, work: Work, *, critical: bool) -> None:
        self._name = name
        self._work = work
        self._critical = critical
        self._health = owner._health  # noqa: SLF001 - one module, one subject
        self._restart = owner._restart  # noqa: SLF001 - the same
        self._clock = owner._clock  # noqa: SLF001 - the same
        self._failures = 0
        self._began = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._began = self._clock.monotonic()
            try:
                await self._attempt(stop)
                if stop.is_set():
                    return
                pause = self._failed("it ended by itself", None)
            except Exception as error:  # noqa: BLE001 - a loop may fail in any way, and must go on
                pause = self._failed(type(error).__name__, error)
            await set_within(stop, pause)

    def succeeded(self) -> None:
        """The loop has done its work since it last failed."""
        if self._failures:
            logger.info("{} works again", self._name)
        self._failures = 0
        if self._health is not None:
            self._health.set_ok(self._reason)

    async def _attempt(self, stop: asyncio.Event) -> None:
        """One run of the work; after STEADY_S without a failure it counts as well again."""
        steady = asyncio.get_running_loop().call_later(STEADY_S, self.succeeded)
        try:
            await self._work(stop)
        finally:
            steady.cancel()

    def _failed(self, what: str, error: Exception | None) -> float:
        """Tells the log and health; answers the pause before the next attempt, in seconds."""
        self._failures += 1
        pause = self._restart.delay(self._failures)
        if error is not None and (reason := outage_reason(error)):
            # Redis is everybody's trouble, and named once by the health reports.
            logger.debug("{}: {}", self._name, reason)
            return min(pause, OUTAGE_LONGEST_S)
        logger.opt(exception=error).error("{} failed ({}): started again", self._name, what)
        if self._health is not None:
            tell = self._health.set_failing if self._critical else self._health.set_degraded
            tell(self._reason, f"{self._name} failed ({what}) and is started again")
        return pause

    @property
    def _reason(self) -> str:
        return f"loop:{self._name}"
