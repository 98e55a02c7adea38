"""Loops that do not die."""

import asyncio

import pytest

from shared.runtime.background import STEADY_S, Background
from tests.shared.background.loops import Work, fail, opened, return_early
from tests.virtual_time import in_virtual_time


@in_virtual_time
async def test_a_loop_that_fails_is_started_again_after_growing_pauses() -> None:
    """One odd answer would end it for good, and nobody would notice for a week."""
    work = Work(fail, return_early, fail, fail, fail)
    async with opened() as background:
        background.run("watch", work)
        await asyncio.sleep(30)
    assert work.starts == [0, 1, 3, 7, 15, 23]
    assert work.ended


@in_virtual_time
async def test_a_steady_loop_begins_with_short_pauses_again() -> None:
    """A loop that fails once a day would be away for longer each day."""

    async def fail_late() -> None:
        await asyncio.sleep(STEADY_S + 1)
        raise ValueError

    work = Work(fail, fail, fail_late, fail_late)
    async with opened() as background:
        background.run("watch", work)
        await asyncio.sleep(60)
    assert work.starts == [0, 1, 3, 10, 17]


@in_virtual_time
async def test_a_cancellation_that_nobody_asked_for_is_a_failure() -> None:
    """redis-py can raise one out of a connection that closes: the loop would be gone silently."""

    async def cancelled_inside() -> None:
        raise asyncio.CancelledError

    work = Work(cancelled_inside)
    async with opened() as background:
        background.run("watch", work)
        await asyncio.sleep(2)
    assert work.starts == [0, 1]
    assert work.ended


@in_virtual_time
async def test_one_loop_does_not_disturb_another() -> None:
    """A fault of the statistics would stop the consumer."""
    good = Work()
    async with opened() as background:
        background.run("bad", Work(*[fail] * 10))
        background.run("good", good)
        await asyncio.sleep(20)
    assert good.starts == [0]
    assert good.ended


async def test_two_loops_of_one_name_are_refused() -> None:
    """/readyz could not say which one has failed, and one would clear the other's reason."""
    async with Background() as background:
        background.run("watch", Work())
        with pytest.raises(ValueError, match="watch"):
            background.run("watch", Work())
