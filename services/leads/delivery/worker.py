"""Delivering what is due to one destination: claim, post, record, and the next one."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from loguru import logger

from services.leads import metrics
from services.leads.alerts import Alerts
from services.leads.delivery.client import Destination
from services.leads.delivery.response_policy import Answer, Backoff, Verdict, judge
from services.leads.delivery.store import Batch, Claimed, Finished, Ledger
from shared.bus import retry_until_available
from shared.clock import SYSTEM_CLOCK, Clock
from shared.errors import NotFound, Permanent

POLL_S = 0.5  # another replica's news, and due times, are noticed within this
BURST = 16  # posts in a row before a slot is offered to the other destination
ANSWER_KEPT = 500  # characters of an answer in the history

# A post must begin soon after its attempt did, or it could overlap with the next attempt, or come
# after a newer revision. Longer than any pause of an event loop that is not in trouble.
BEGIN_WITHIN_S = 0.4
TOO_LATE = Verdict("retry", "none", "this process was too slow to begin in time", delay=1.0)

# Makes the body of an attempt. Raises NotFound (erased) or Permanent (cannot be sent).
Build = Callable[[Claimed], Awaitable[bytes]]


class Dispatcher:
    """Posts of one destination, within slots that all destinations share."""

    def __init__(
        self,
        ledger: Ledger,
        destination: Destination,
        build: Build,
        *,
        slots: asyncio.Semaphore,
        backoff: Backoff,
        alerts: Alerts,
        on_outage: Callable[[str | None], None] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._ledger = ledger
        self._destination = destination
        self._build = build
        self._slots = slots
        self._backoff = backoff
        self._alerts = alerts
        self._on_trouble = on_outage
        self._clock = clock
        self._name = ledger.rules.name
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()
        self._bursts: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """There is something new: look at once."""
        self._news.set()

    def stop(self) -> None:
        """No new attempts; `run` returns when those under way are recorded."""
        self._stopping.set()
        self._news.set()

    async def run(self) -> None:
        await self._until_available("reviewing deliveries", self._ledger.review)
        while not self._stopping.is_set():
            await self._slots.acquire()
            self._news.clear()
            batch, at = await self._claim()
            if batch.claims:
                task = asyncio.create_task(self._burst(batch.claims[0], at), name=self._name)
                self._bursts.add(task)
                task.add_done_callback(self._burst_over)
            else:
                self._slots.release()
                await self._rest(batch.pause)
        if self._bursts:
            await asyncio.wait(self._bursts)

    async def _claim(self) -> tuple[Batch, float]:
        """One attempt, and the moment (monotonic) after which it began."""
        at = 0.0

        async def claim() -> Batch:
            nonlocal at
            at = time.monotonic()
            return await self._ledger.claim(0 if self._stopping.is_set() else 1)

        batch = await self._until_available("looking for deliveries", claim)
        return batch or Batch([], None), at

    async def _rest(self, pause: float | None) -> None:
        """Until something is due, somebody calls, or it is time to look what others brought."""
        try:
            longest = POLL_S if pause is None else min(POLL_S, pause)
            await asyncio.wait_for(self._news.wait(), longest)
        except TimeoutError:
            return

    async def _burst(self, claimed: Claimed, at: float) -> None:
        """Attempts in a row: the record of one begins the next, in one step."""
        following: Claimed | None = claimed
        posts = 0
        while following is not None:
            posts += 1
            verdict, history = await self._attempt(following, at)
            more = 0 if self._stopping.is_set() or posts >= BURST else 1
            finished, at = await self._record(following, verdict, history, more)
            if finished is None:
                return  # the attempt's grace ends, and another process tries again
            self._tell(following, verdict, finished)
            following = finished.batch.claims[0] if finished.batch.claims else None

    async def _attempt(self, claimed: Claimed, at: float) -> tuple[Verdict, dict[str, Any]]:
        """Posts once; answers what it means and what the history keeps."""
        started = self._clock.now()
        answer = Answer(None)
        try:
            body = await self._build(claimed)
            if time.monotonic() - at > BEGIN_WITHIN_S:
                verdict = TOO_LATE
            else:
                with metrics.POST.labels(self._name).time():
                    answer = await self._destination.post(claimed.key, body)
                verdict = judge(answer, claimed.tries, self._backoff)
        except (NotFound, Permanent) as error:
            verdict = Verdict("dead", "none", error.message)
        metrics.ATTEMPTS.labels(self._name, verdict.verdict).inc()
        took = self._clock.now() - started
        return verdict, {
            "revision": claimed.revision,
            "attempt": claimed.attempt,
            "at_ms": int(started.timestamp() * 1000),
            "duration_ms": int(took.total_seconds() * 1000),
            "status": answer.status,
            "outcome": verdict.verdict,
            "why": verdict.why,
            "answer": answer.text[:ANSWER_KEPT],
        }

    async def _record(
        self, claimed: Claimed, verdict: Verdict, history: dict[str, Any], more: int
    ) -> tuple[Finished | None, float]:
        at = 0.0

        async def finish() -> Finished:
            nonlocal at
            at = time.monotonic()
            return await self._ledger.finish(claimed, verdict, history, more)

        return await self._until_available("recording a delivery", finish), at

    def _tell(self, claimed: Claimed, verdict: Verdict, finished: Finished) -> None:
        """The log, the figures, and people, of what has changed."""
        if finished.state == "acknowledged":
            logger.info("{} {} acknowledged", self._name, claimed.key)
        else:
            logger.warning(
                "{} {} {} after attempt {}: {}",
                self._name,
                claimed.key,
                finished.state,
                claimed.attempt,
                verdict.why,
            )
        if finished.breaker == "opened":
            kind = "credentials_refused" if verdict.health == "refused" else "destination_down"
            text = f"{self._name}: {verdict.why}. Deliveries wait, and one at a time is tried."
            self._alerts.tell(kind, text, destination=self._name)  # type: ignore[arg-type]
        elif finished.breaker == "closed":
            logger.info("{}: N8N works again", self._name)
        if finished.first_dead:
            self._alerts.tell(
                "dead_letter",
                f"{self._name}: {claimed.subject} was given up ({verdict.why}). Look at it with"
                " `bolchaal leads list --state dead`, and send it again with `leads replay`.",
                destination=self._name,
                subject=claimed.subject,
            )

    def _burst_over(self, task: asyncio.Task[None]) -> None:
        self._bursts.discard(task)
        self._slots.release()
        self._news.set()
        if not task.cancelled() and (error := task.exception()):
            logger.opt(exception=error).error("{}: an attempt broke off", self._name)

    async def _until_available(self, what: str, action: Callable[[], Awaitable[Any]]) -> Any:
        return await retry_until_available(
            f"{what} ({self._name})", action, until=self._stopping, on_change=self._on_trouble
        )
