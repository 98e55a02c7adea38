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
from redis.exceptions import RedisError

from shared.backoff import Backoff
from shared.clock import set_within
from shared.redis.outage import outage_reason
from shared.runtime.health import Health
from shared.runtime.tasks import cancel

# Runs until the event is set.
Work = Callable[[asyncio.Event], Awaitable[object]]
Action = Callable[[], Awaitable[object]]

RESTART = Backoff(first=0.2, longest=30.0)
OUTAGE_LONGEST_S = 1.0  # a Redis that is back is noticed within this
STEADY_S = 5.0  # a work that has run for so long since its last failure is well again
GRACE_S = 10.0  # for loops to end by themselves before they are cancelled


class Background:
    """The loops of one process. `health` None reports to the log alone (a job process, a test).

    restart: the pauses before a loop is started again. grace: seconds that loops have to end.
    """

    def __init__(
        self,
        health: Health | None = None,
        *,
        restart: Backoff = RESTART,
        grace: float = GRACE_S,
    ) -> None:
        self._health = health
        self._restart = restart
        self.grace = grace
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, name: str, work: Work, *, critical: bool = False) -> None:
        """Keeps `work` running. It is given the event that ends it.

        `critical`: without it the service cannot do its work, so /readyz answers 503 meanwhile.
        """
        loop = _Loop(name, self._health, self._restart, critical=critical)

        async def run_steadily(stop: asyncio.Event) -> None:
            steady = asyncio.get_running_loop().call_later(STEADY_S, loop.succeeded)
            try:
                await work(stop)
            finally:
                steady.cancel()

        self._start(loop, run_steadily)

    def every(
        self,
        name: str,
        seconds: float | Callable[[], float],
        action: Action,
        *,
        critical: bool = False,
    ) -> None:
        """Does `action` now and then again `seconds` after each time it is done.

        After a failure it is done again no later than that (nor within the first pause of
        `restart`): a sign of life that failed once must not wait for half a minute.
        """
        loop = _Loop(name, self._health, self._restart, critical=critical)

        async def repeat(stop: asyncio.Event) -> None:
            while not stop.is_set():
                pause = seconds() if callable(seconds) else seconds
                loop.longest_pause = max(pause, self._restart.first)
                await action()
                loop.succeeded()
                await set_within(stop, pause)

        self._start(loop, repeat)

    def ask_to_stop(self) -> None:
        """Tells every loop to end, without waiting for it."""
        self._stop.set()

    async def aclose(self) -> None:
        """Ends every loop; one that has not ended after the grace is named and cancelled."""
        self.ask_to_stop()
        tasks = set(self._tasks)
        try:
            if tasks:
                _, late = await asyncio.wait(tasks, timeout=self.grace)
                for task in late:
                    logger.warning("{} did not end when asked: cancelled", task.get_name())
        finally:
            await cancel(*tasks)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _: type[BaseException] | None,
        __: BaseException | None,
        ___: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _start(self, loop: "_Loop", work: Work) -> None:
        if any(task.get_name() == loop.name for task in self._tasks):
            raise ValueError(
                f"a loop {loop.name!r} runs already: /readyz could not tell them apart"
            )
        task = asyncio.create_task(loop.run(work, self._stop), name=loop.name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Loop:
    """One loop: how often it has failed in a row, and what was said of it."""

    longest_pause = float("inf")  # seconds until it is started again, at most

    def __init__(
        self, name: str, health: Health | None, restart: Backoff, *, critical: bool
    ) -> None:
        self.name = name
        self._health = health
        self._restart = restart
        self._critical = critical
        self._failures = 0
        self._reported: str | None = None

    async def run(self, work: Work, stop: asyncio.Event) -> None:
        try:
            while not stop.is_set():
                if (pause := await self._attempt(work, stop)) is not None:
                    await set_within(stop, pause)
        finally:
            self._set_ok()  # a loop that has ended is no longer a reason for anything

    def succeeded(self) -> None:
        """The loop has done its work since it last failed."""
        if self._reported is not None:
            logger.info("{} works again", self.name)
        self._failures = 0
        self._reported = None
        self._set_ok()

    async def _attempt(self, work: Work, stop: asyncio.Event) -> float | None:
        """Runs the work; answers the pause before the next attempt, None when it is to end."""
        try:
            await work(stop)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody cancelled this loop: the work waited for something that was cancelled.
            return self._failed("CancelledError", None)
        except Exception as error:  # noqa: BLE001 - a loop may fail in any way, and must go on
            return self._failed(type(error).__name__, error)
        return None if stop.is_set() else self._failed("it ended by itself", None)

    def _failed(self, what: str, error: Exception | None) -> float:
        """Tells the log and health; answers the pause before the next attempt, in seconds."""
        self._failures += 1
        pause = min(self._restart.delay(self._failures), self.longest_pause)
        if isinstance(error, RedisError) and (reason := outage_reason(error)):
            # The health reports say once for all loops that Redis is away.
            logger.debug("{}: {}", self.name, reason)
            return min(pause, OUTAGE_LONGEST_S)
        if self._reported != what:  # the same fault again and again is said once
            self._reported = what
            logger.opt(exception=error).error("{} failed ({}): started again", self.name, what)
        if self._health is not None:
            tell = self._health.set_failing if self._critical else self._health.set_degraded
            tell(self._reason, f"{self.name} failed ({what}) and is started again")
        return pause

    def _set_ok(self) -> None:
        if self._health is not None:
            self._health.set_ok(self._reason)

    @property
    def _reason(self) -> str:
        return f"loop:{self.name}"
