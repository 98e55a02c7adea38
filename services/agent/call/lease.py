"""Holding a call: renewed every second, and known to be lost at once."""

import asyncio

from shared.calls import Calls, HeldCall
from shared.errors import NotOwner

RENEW_EVERY_S = 1.0  # of a lease of three


class Lease:
    """`lost` is set when another agent holds the call, or it has ended.

    While Redis is away nothing is lost: the call goes on, and the next renewal that arrives wins.
    """

    def __init__(self, calls: Calls, held: HeldCall) -> None:
        self._calls = calls
        self._held = held
        self.lost = asyncio.Event()

    async def renew(self) -> None:
        """To be done every RENEW_EVERY_S, whatever Redis answered the last time."""
        if self.lost.is_set():
            return
        try:
            await self._calls.renew(self._held)
        except NotOwner:
            self.lost.set()
