"""Writing the call log: turns, states, tools and latencies, as they happen.

Entries go through a bounded queue, so that the voice never waits for Redis: while it is away they
collect in memory, in order, and follow when it is back.
"""

import asyncio
from collections import deque
from functools import partial
from typing import Literal

from livekit.agents import llm
from loguru import logger
from redis.exceptions import RedisError

from shared.bus import retry_until_available
from shared.calls import HeldCall
from shared.calls.log import AgentState, CallLog, CallNotice, Entry, Latency, ToolCall, Turn
from shared.clock import SYSTEM_CLOCK, Clock
from shared.errors import NotOwner
from shared.runtime.tasks import cancel


class TurnLog:
    """One agent's hand on one call's log. `lost` is set when another agent holds the call."""

    def __init__(
        self,
        log: CallLog,
        held: HeldCall,
        *,
        limit: int = 2000,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._log = log
        self._held = held
        self._clock = clock
        self._queue: deque[Entry] = deque()
        self._limit = limit
        self._dropped = 0
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.lost = asyncio.Event()
        self._task = asyncio.create_task(self._write(), name="call-log")

    def state(self, state: str) -> None:
        """One of livekit-agents' states; those that the log does not know are left out."""
        if state in ("listening", "thinking", "speaking"):
            self._put(AgentState(state=state, at_ms=self._now()))

    def joining(self) -> None:
        self._put(AgentState(state="joining", at_ms=self._now()))

    def left(self) -> None:
        self._put(AgentState(state="left", at_ms=self._now()))

    def caller(
        self, text: str, *, language: str | None, typed: bool, latency: Latency | None
    ) -> None:
        self._put(
            Turn(
                who="caller",
                text=text,
                language=language,
                typed=typed,
                latency=latency,
                at_ms=self._now(),
            )
        )

    def agent(
        self, text: str, *, language: str | None, interrupted: bool, latency: Latency | None
    ) -> None:
        self._put(
            Turn(
                who="agent",
                text=text,
                language=language,
                interrupted=interrupted,
                latency=latency,
                at_ms=self._now(),
            )
        )

    def tool(self, name: str, fields: tuple[str, ...], *, error: str | None = None) -> None:
        self._put(
            ToolCall(name=name, fields=fields, ok=error is None, error=error, at_ms=self._now())
        )

    def notice(self, level: Literal["info", "warning", "error"], code: str, text: str) -> None:
        """Something that the people on both sides should know."""
        self._put(CallNotice(level=level, code=code, text=text, at_ms=self._now()))

    async def drain(self, timeout: float) -> bool:
        """Waits until all is written, `timeout` seconds at most; whether it is."""
        try:
            async with asyncio.timeout(timeout):
                await self._idle.wait()
        except TimeoutError:
            logger.warning("{} call log entries not written: Redis is away", len(self._queue))
            return False
        return True

    async def aclose(self) -> None:
        await cancel(self._task)

    def _put(self, entry: Entry) -> None:
        if self.lost.is_set():
            return
        if len(self._queue) >= self._limit:
            self._queue.popleft()
            self._dropped += 1
        self._queue.append(entry)
        self._idle.clear()
        self._wake.set()

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                entry = self._queue[0]
                try:
                    await retry_until_available(
                        "call log",
                        partial(self._log.append_held, self._held, entry),
                    )
                except NotOwner:
                    self._queue.clear()
                    self.lost.set()
                    break
                except RedisError as error:
                    # One entry that Redis will never take must not hold up all that follow.
                    logger.error("call log entry lost: {}", type(error).__name__)
                self._written(entry)
            self._idle.set()

    def _written(self, entry: Entry) -> None:
        # A full queue may have dropped its head while this one was being written.
        if self._queue and self._queue[0] is entry:
            self._queue.popleft()
        if self._dropped:
            logger.warning("{} call log entries dropped: memory is full", self._dropped)
            self._dropped = 0

    def _now(self) -> int:
        return int(self._clock.now().timestamp() * 1000)


def latency(metrics: llm.MetricsReport) -> Latency | None:
    """What livekit-agents measured for one message, in milliseconds; None when nothing."""
    measured = {
        "transcription_ms": metrics.get("transcription_delay"),
        "end_of_turn_ms": metrics.get("end_of_turn_delay"),
        "llm_ttft_ms": metrics.get("llm_node_ttft"),
        "tts_ttfb_ms": metrics.get("tts_node_ttfb"),
        "e2e_ms": metrics.get("e2e_latency"),
    }
    known = {name: round(value * 1000) for name, value in measured.items() if value is not None}
    return Latency(**known) if known else None
