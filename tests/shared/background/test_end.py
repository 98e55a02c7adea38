"""Loops end when they are told."""

import asyncio

import pytest

from shared.runtime.tasks import cancel
from tests.shared.background.loops import Work, fail, now, opened
from tests.virtual_time import in_virtual_time


@in_virtual_time
async def test_all_loops_are_told_at_once_and_waited_for() -> None:
    """A replica that stops would lose what its loops have in hand."""
    ended: list[str] = []

    async def slow(stop: asyncio.Event) -> None:
        await stop.wait()
        await asyncio.sleep(3)
        ended.append("slow")

    async def quick(stop: asyncio.Event) -> None:
        await stop.wait()
        ended.append("quick")

    async def act() -> None:
        pass

    async with opened() as background:
        background.run("slow", slow)
        background.run("quick", quick)
        background.every("act", 3600.0, act)
        await asyncio.sleep(1)
    assert ended == ["quick", "slow"]
    assert now() == pytest.approx(4)


@in_virtual_time
async def test_a_pause_before_a_restart_does_not_hold_up_the_end() -> None:
    """A deploy would wait for half a minute."""
    async with opened() as background:
        background.run("watch", Work(*[fail] * 10))
        await asyncio.sleep(8)
    assert now() == pytest.approx(8)


def test_a_loop_that_does_not_end_when_told_is_named_and_cancelled(said: list[str]) -> None:
    """A process that should end would stay, and nobody would know why."""
    cancelled: list[float] = []

    async def stubborn(_: asyncio.Event) -> None:
        for _time in range(2):  # as redis-py does: one cancellation is swallowed
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(round(now(), 1))
        raise asyncio.CancelledError

    @in_virtual_time
    async def run() -> None:
        async with opened(grace=2.0) as background:
            background.run("stubborn", stubborn)
            await asyncio.sleep(1)
        assert now() == pytest.approx(3.2)

    run()
    assert cancelled == [3.0, 3.2]
    assert "WARNING stubborn did not end when asked: cancelled" in said


@in_virtual_time
async def test_a_loop_that_fails_while_it_ends_is_not_started_again() -> None:
    """The end would never come."""
    starts = 0

    async def fail_at_the_end(stop: asyncio.Event) -> None:
        nonlocal starts
        starts += 1
        await stop.wait()
        raise ValueError

    async with opened() as background:
        background.run("watch", fail_at_the_end)
        await asyncio.sleep(1)
    assert starts == 1


@in_virtual_time
async def test_an_end_that_is_cancelled_leaves_no_loop_behind() -> None:
    """A service that is ended twice would leave its loops running on a closed connection."""
    hung = asyncio.Event()
    background = opened(grace=60.0)

    async def never_ends(_: asyncio.Event) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            hung.set()

    background.run("watch", never_ends)
    closing = asyncio.create_task(background.aclose())
    await asyncio.sleep(1)
    await cancel(closing)
    assert closing.cancelled()
    assert hung.is_set()


@in_virtual_time
async def test_nothing_starts_after_the_end() -> None:
    """A loop that is added while the service ends would outlive it."""
    background = opened()
    await background.aclose()
    work = Work()
    background.run("late", work)
    await asyncio.sleep(1)
    assert work.starts == []
    await background.aclose()
