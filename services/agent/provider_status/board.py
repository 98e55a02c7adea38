"""What the outside refuses, where people see it: in the log, on /readyz, on the page of the call.

A call runs in a process of its own. It tells the worker through Redis, and the page through the
call log; each fault is said once in a call.
"""

import asyncio
import json
from collections.abc import Coroutine, Mapping
from typing import Literal, cast

from loguru import logger
from redis.asyncio import Redis

from services.agent.call.log_writer import TurnLog
from shared.redis import keys
from shared.redis.client import AWAY, now_ms
from shared.runtime.health import Health

Part = Literal["sarvam_stt", "sarvam_tts", "llm"]
PARTS: tuple[Part, ...] = ("sarvam_stt", "sarvam_tts", "llm")

FORGET_AFTER_MS = 600_000  # a fault that no call has seen again for this long is over
POLL_S = 2.0


class FaultBoard:
    """The faults that the calls of all workers have met, in one hash in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def set(self, part: Part, reason: str) -> None:
        value = json.dumps({"reason": reason, "at_ms": await now_ms(self._redis)})
        await self._redis.hset(keys.AGENT_FAULTS, part, value)

    async def clear(self, part: Part) -> None:
        await self._redis.hdel(keys.AGENT_FAULTS, part)

    async def read(self) -> dict[str, str]:
        """Reasons by part; those that are over are left out."""
        now = await now_ms(self._redis)
        raw = cast("Mapping[str, str]", await self._redis.hgetall(keys.AGENT_FAULTS))
        found = {part: json.loads(text) for part, text in raw.items()}
        return {
            part: str(fault["reason"])
            for part, fault in found.items()
            if now - int(fault["at_ms"]) < FORGET_AFTER_MS
        }

    async def mirror(self, health: Health) -> None:
        """Shows the faults as reasons of this worker, until cancelled."""
        while True:
            try:
                faults = await self.read()
            except AWAY:
                faults = None
            if faults is not None:
                for part in PARTS:
                    if part in faults:
                        health.set_degraded(part, faults[part])
                    else:
                        health.set_ok(part)
            await asyncio.sleep(POLL_S)


class CallFaults:
    """The faults of one call. None of these methods waits or raises."""

    def __init__(self, board: FaultBoard, log: TurnLog) -> None:
        self._board = board
        self._log = log
        self._met: dict[Part, str] = {}
        self._works: set[Part] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def refused(self, part: Part, reason: str) -> None:
        """Sarvam or the language model says no, and will go on saying it."""
        if self._met.get(part) == reason:
            return
        self._met[part] = reason
        self._works.discard(part)
        logger.error("{}: {}", part, reason)
        self._log.notice("error", f"{part}_refused", reason)
        self._spawn(self._board.set(part, reason))

    def trouble(self, part: Part, reason: str) -> None:
        """It does not answer just now: for the people in the call, not for the operator's board."""
        self._log.notice("warning", f"{part}_trouble", reason)

    def well(self, part: Part) -> None:
        """It works (again)."""
        if self._met.pop(part, None):
            self._log.notice("info", f"{part}_well", f"{part} answers again")
            self._works.discard(part)
        if part not in self._works:
            self._works.add(part)
            self._spawn(self._board.clear(part))

    async def settle(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(_quietly(work), name="fault")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _quietly(work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except AWAY:
        logger.debug("a fault was not shared: Redis is away")
