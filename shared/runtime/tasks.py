"""Waiting for whichever comes first, and ending a task that is no loop of Background.

A file of its own, since profiles, speech and the sandbox use it without any Background.
"""

import asyncio
from typing import Any

AGAIN_S = 0.2


async def cancel(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancels the tasks and waits until they have ended, however they end.

    Asks again and again: in Python 3.11 asyncio.wait_for, with which redis-py sends, swallows a
    cancellation that arrives in the moment in which it is done, and a loop then goes on for ever.
    """
    given = [task for task in tasks if task is not None]
    pending = {task for task in given if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_S)
    for task in given:
        if not task.cancelled():
            task.exception()  # seen, so that the loop does not complain of it


async def first_of(*signs: asyncio.Event | asyncio.Future[Any]) -> None:
    """Waits until one of the events is set, or one of the tasks and futures is done."""
    own = [asyncio.ensure_future(each.wait()) for each in signs if isinstance(each, asyncio.Event)]
    others = [each for each in signs if not isinstance(each, asyncio.Event)]
    try:
        await asyncio.wait([*own, *others], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in own:
            each.cancel()
