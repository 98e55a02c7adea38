"""Actions that are repeated."""

import asyncio

import pytest

from shared.runtime.background import STEADY_S
from shared.runtime.health import Health
from tests.shared.background.loops import now, opened
from tests.virtual_time import in_virtual_time


@in_virtual_time
async def test_an_action_is_repeated_after_each_time_it_is_done() -> None:
    """Two turns at once, or none any more."""
    times: list[float] = []

    async def act() -> None:
        times.append(round(now(), 3))
        await asyncio.sleep(1)

    async with opened() as background:
        background.every("report", 2.0, act)
        await asyncio.sleep(7.5)
    assert times == [0, 3, 6]


@in_virtual_time
async def test_the_pause_may_differ_each_time() -> None:
    """All replicas would tidy up in the same moment."""
    pauses = iter((1.0, 5.0, 2.0, 9.0))
    times: list[float] = []

    async def act() -> None:
        times.append(round(now(), 3))

    async with opened() as background:
        background.every("tidy", lambda: next(pauses), act)
        await asyncio.sleep(8.5)
    assert times == [0, 1, 6, 8]


@in_virtual_time
async def test_a_failed_action_is_done_again_in_its_rhythm() -> None:
    """A sign of life that failed five times would wait, and others would take the entries over."""
    times: list[float] = []

    async def act() -> None:
        times.append(round(now(), 3))
        if len(times) < 8:
            raise ValueError

    health = Health("leads", "a")
    async with opened(health) as background:
        background.every("signs of life", 1.5, act)
        await asyncio.sleep(9.5)
        assert health.reasons
        await asyncio.sleep(2)
        assert health.reasons == {}, "one success is enough"
    assert times == [0, 1, 2.5, 4, 5.5, 7, 8.5, 10]


@in_virtual_time
async def test_a_slow_action_that_fails_is_never_taken_for_well() -> None:
    """An action that hangs for a while before it fails would look well each time."""
    health = Health("leads", "a")

    async def act() -> None:
        await asyncio.sleep(3 * STEADY_S)
        raise ValueError

    async with opened(health) as background:
        background.every("report", 1.0, act)
        await asyncio.sleep(16)
        for _ in range(40):
            assert health.reasons
            await asyncio.sleep(1)


@in_virtual_time
async def test_an_action_without_a_pause_lets_others_run() -> None:
    """It would take the whole process."""
    times: list[float] = []
    enough = asyncio.Event()

    async def act() -> None:
        times.append(now())
        if len(times) == 5:
            raise ValueError
        if len(times) == 20:
            enough.set()

    async with opened() as background:
        background.every("report", 0.0, act)
        await enough.wait()
    assert times[4] == pytest.approx(0, abs=0.1)
    assert times[5] - times[4] == pytest.approx(1), "after a failure it pauses all the same"
