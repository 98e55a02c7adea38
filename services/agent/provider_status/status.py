"""How the providers do in one call: said in the log, on the page, and to all workers.

A problem is said once until it is over, and that it is over only after a problem. The page pairs
the notices by what stands before `_refused`, `_trouble` and `_well`.
"""

import asyncio
from collections.abc import Callable, Coroutine

from loguru import logger
from redis.exceptions import RedisError

from services.agent.provider_status.board import StatusBoard, Upstream
from shared.calls.log import CallNotice

TITLES: dict[Upstream, str] = {
    "sarvam_stt": "speech recognition",
    "sarvam_tts": "the agent's voice",
    "llm": "the language model",
}


class ProviderStatus:
    """None of the methods waits or raises.

    `model` tells apart several models behind one upstream: that one of them answers does not say
    that another one, which was refused, works again.
    """

    def __init__(self, board: StatusBoard, log: Callable[[CallNotice], None]) -> None:
        self._board = board
        self._log = log
        self._refused: dict[tuple[Upstream, str], str] = {}
        self._troubled: set[tuple[Upstream, str]] = set()
        self._cleared: set[Upstream] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def refused(self, upstream: Upstream, reason: str, *, model: str = "") -> None:
        """It says no, and will go on saying it: for the operator as well."""
        if self._refused.get((upstream, model)) == reason:
            return
        self._refused[upstream, model] = reason
        self._cleared.discard(upstream)
        logger.error("{}: {}", upstream, reason)
        self._log(CallNotice(level="error", code=f"{upstream}_refused", text=reason))
        self._share(self._board.set(upstream, reason))

    def trouble(self, upstream: Upstream, reason: str, *, model: str = "") -> None:
        """It does not answer just now: for the people in the call, not for the operator."""
        if self._failing(upstream):
            self._troubled.add((upstream, model))
            return
        self._troubled.add((upstream, model))
        self._log(CallNotice(level="warning", code=f"{upstream}_trouble", text=reason))

    def well(self, upstream: Upstream, *, model: str = "") -> None:
        """It works (again)."""
        failed = self._failing(upstream)
        self._refused.pop((upstream, model), None)
        self._troubled.discard((upstream, model))
        if self._failing(upstream):
            return
        if failed:
            text = f"{TITLES[upstream]} works again"
            self._log(CallNotice(level="info", code=f"{upstream}_well", text=text))
        if upstream not in self._cleared:
            self._cleared.add(upstream)
            self._share(self._board.clear(upstream))

    async def aclose(self) -> None:
        """Waits until all workers have been told."""
        await asyncio.gather(*self._tasks)

    def _failing(self, upstream: Upstream) -> bool:
        return any(each == upstream for each, _ in (*self._refused, *self._troubled))

    def _share(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(_or_without(work), name="provider-status")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _or_without(work: Coroutine[None, None, None]) -> None:
    """The board is for people: a call goes on without it, whatever Redis answers."""
    try:
        await work
    except (RedisError, OSError) as error:
        logger.debug("a provider's status was not shared: {}", type(error).__name__)
