"""Ending tasks."""

import asyncio

from shared.runtime.tasks import cancel


async def test_a_task_that_swallows_its_cancellation_ends_all_the_same() -> None:
    """A service that stops would hang on one loop that missed its cancellation."""
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 2:
                    raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await asyncio.wait_for(cancel(task, None), 2)
    assert task.cancelled()
    assert swallowed == 2


async def test_tasks_that_have_failed_or_ended_are_left_alone() -> None:
    """Ending is called in every state that a service can be in."""

    async def fail() -> None:
        raise ValueError

    done, failed = asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(fail())
    await asyncio.wait([done, failed])
    await cancel(done, failed)
