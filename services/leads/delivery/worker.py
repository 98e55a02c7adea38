"""Delivering what is due to one destination: claim, post, record, and the next one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from loguru import logger

from services.leads.alerts import Alerts, list_dead
from services.leads.delivery.attempt import AttemptRunner
from services.leads.delivery.breaker import tell_change
from services.leads.delivery.model import AttemptResult, ClaimedAttempt, DueAttempts, Recorded
from services.leads.delivery.store import DeliveryStore
from shared.clock import SYSTEM_CLOCK, Clock, set_within
from shared.redis.outage import retry_until_available

POLL_S = 0.5  # another replica's news, and due times, are noticed within this
BURST = 16  # posts in a row before a slot is offered to the other destinations

T = TypeVar("T")


class DeliveryWorker:
    """Posts of one destination, within `slots` that all destinations share."""

    def __init__(
        self,
        store: DeliveryStore,
        attempts: AttemptRunner,
        *,
        slots: asyncio.Semaphore,
        alerts: Alerts,
        on_outage: Callable[[str | None], None] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._store = store
        self._attempts = attempts
        self._slots = slots
        self._alerts = alerts
        self._on_outage = on_outage
        self._clock = clock
        self._name = store.policy.name
        self._news = asyncio.Event()
        self._stop = asyncio.Event()
        self._bursts: set[asyncio.Task[None]] = set()
        self._broken: BaseException | None = None

    def wake(self) -> None:
        """There is something new: look at once."""
        self._news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Delivers until `stop`; then returns when what is under way is recorded.

        Raises what ended a burst, too. May be run again then: the other bursts go on meanwhile.
        """
        self._stop = stop
        self._broken = None
        await self._until_available("reviewing deliveries", self._store.review)
        try:
            while not stop.is_set():
                await self._deliver_next()
                if self._broken is not None:
                    raise self._broken
        finally:
            if stop.is_set() and self._bursts:
                await asyncio.wait(self._bursts)

    async def _deliver_next(self) -> None:
        """Starts a burst with what is due, or waits until something may be."""
        await self._slots.acquire()
        try:
            self._news.clear()
            due, claimed_at = await self._claim()
        except BaseException:  # cancelled, too: a slot that is kept is lost to all destinations
            self._slots.release()
            raise
        if due.attempts:
            self._start_burst(due.attempts[0], claimed_at)
        else:
            self._slots.release()
            await self._rest(due.pause)

    async def _claim(self) -> tuple[DueAttempts, float]:
        """One attempt, and the moment (monotonic) after which it began."""
        claimed_at = 0.0

        async def claim() -> DueAttempts:
            nonlocal claimed_at
            claimed_at = self._clock.monotonic()
            return await self._store.claim(0 if self._stop.is_set() else 1)

        due = await self._until_available("looking for deliveries", claim)
        return due or DueAttempts([], None), claimed_at

    async def _rest(self, pause: float | None) -> None:
        """Until something is due, somebody calls, or it is time to look what others brought.

        A stop is noticed within POLL_S.
        """
        await set_within(self._news, POLL_S if pause is None else min(POLL_S, pause))

    def _start_burst(self, claimed: ClaimedAttempt, claimed_at: float) -> None:
        task = asyncio.create_task(self._burst(claimed, claimed_at), name=self._name)
        self._bursts.add(task)
        task.add_done_callback(self._end_burst)

    def _end_burst(self, task: asyncio.Task[None]) -> None:
        self._bursts.discard(task)
        self._slots.release()
        self._news.set()
        if not task.cancelled() and (error := task.exception()):
            self._broken = error  # its attempt is made again when the grace is over

    async def _burst(self, claimed: ClaimedAttempt, claimed_at: float) -> None:
        """Attempts in a row: the record of one begins the next, in one step."""
        following: ClaimedAttempt | None = claimed
        posts = 0
        while following is not None:
            posts += 1
            result = await self._attempts.run(following, claimed_at)
            more = posts < BURST
            recorded, claimed_at = await self._record(result, more=more)
            if recorded is None:
                return  # the attempt's grace ends, and another process tries again
            self._tell(result, recorded)
            following = next(iter(recorded.following.attempts), None)

    async def _record(self, result: AttemptResult, *, more: bool) -> tuple[Recorded | None, float]:
        """What changed, and the moment (monotonic) after which the next attempt began."""
        began = 0.0

        async def finish() -> Recorded:
            nonlocal began
            began = self._clock.monotonic()
            return await self._store.finish(result, 1 if more and not self._stop.is_set() else 0)

        return await self._until_available("recording a delivery", finish), began

    def _tell(self, result: AttemptResult, recorded: Recorded) -> None:
        """The log, and people, of what has changed."""
        claimed, reason = result.claimed, result.decision.reason
        if recorded.state == "acknowledged":
            logger.info("{} {} acknowledged", self._name, claimed.key)
        else:
            logger.warning(
                "{} {} {} after attempt {}: {}",
                self._name,
                claimed.key,
                recorded.state,
                claimed.attempt,
                reason,
            )
        tell_change(recorded.breaker, self._name, result.decision, self._alerts)
        if recorded.first_dead:
            self._alerts.tell(
                "dead_letter",
                f"{self._name}: {claimed.subject} was given up ({reason}). Look at it with"
                f" `{list_dead(self._name)}`, and send it again with `leads replay`.",
                destination=self._name,
                subject=claimed.subject,
            )

    async def _until_available(self, what: str, action: Callable[[], Awaitable[T]]) -> T | None:
        return await retry_until_available(
            f"{what} ({self._name})", action, until=self._stop, on_outage=self._on_outage
        )
