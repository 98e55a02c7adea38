"""Waiting for moments of the event loop's clock, so that pauses do not add up."""

import asyncio


async def sleep_until(moment: float) -> None:
    """Returns once the loop's clock says `moment`, at once when it has passed."""
    delay = moment - asyncio.get_running_loop().time()
    if delay > 0:
        await asyncio.sleep(delay)
