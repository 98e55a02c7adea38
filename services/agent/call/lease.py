"""Holding a call: renewed every second, and known to be lost at once."""

import asyncio

from loguru import logger
from redis.exceptions import RedisError

from shared.calls import Calls, HeldCall
from shared.errors import NotOwner
from shared.runtime.tasks import cancel

RENEW_S = 1.0  # of a lease of three


class Lease:
    """Renews until cancelled. `lost` is set when another agent holds the call, or it has ended.

    While Redis is away nothing is lost: the call goes on, and the next renewal that arrives wins.
    """

    def __init__(self, calls: Calls, held: HeldCall) -> None:
        self._calls = calls
        self._held = held
        self.lost = asyncio.Event()
        self._task = asyncio.create_task(self._renew(), name="lease")

    async def aclose(self) -> None:
        await cancel(self._task)

    async def _renew(self) -> None:
        away = False
        while True:
            try:
                await self._calls.renew(self._held)
                away = False
            except NotOwner:
                self.lost.set()
                return
            except (RedisError, OSError) as error:
                if not away:
                    logger.warning("the lease is not renewed: {}", type(error).__name__)
                away = True
            await asyncio.sleep(RENEW_S)
