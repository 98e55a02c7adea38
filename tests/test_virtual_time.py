"""The loop that tests of long waits stand on: were it wrong, they would all prove nothing."""

import asyncio
import time

import pytest

from shared.clock import SYSTEM_CLOCK, set_within
from tests.virtual_time import START, NothingWillHappen, in_virtual_time


@in_virtual_time
async def test_every_clock_follows_the_loop() -> None:
    """One that did not would compare a real time with a virtual one."""
    before = time.monotonic()
    await asyncio.sleep(3_600)
    assert time.monotonic() - before == pytest.approx(3_600)
    assert time.perf_counter() == pytest.approx(time.monotonic())
    assert time.time() == pytest.approx(START + 3_600)
    assert SYSTEM_CLOCK.monotonic() == pytest.approx(time.monotonic())
    assert SYSTEM_CLOCK.now().timestamp() == pytest.approx(START + 3_600)
    assert SYSTEM_CLOCK.now_ms() == pytest.approx((START + 3_600) * 1000)


@in_virtual_time
async def test_timers_fire_in_the_order_of_their_time() -> None:
    """Thirty seconds of a conversation must come out the same however they are scheduled."""
    seen: list[float] = []

    async def note(after: float) -> None:
        await asyncio.sleep(after)
        seen.append(after)

    await asyncio.gather(*(note(after) for after in (30.0, 0.1, 2.5, 0.2)))
    assert seen == [0.1, 0.2, 2.5, 30.0]


@in_virtual_time
async def test_time_limits_hold() -> None:
    """A time-out that never fires would let a hang pass for patience."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await asyncio.sleep(6)
    assert time.monotonic() == pytest.approx(5)
    assert not await set_within(asyncio.Event(), 2)
    assert time.monotonic() == pytest.approx(7)


def test_a_test_that_waits_for_nothing_fails_at_once() -> None:
    """Instead of hanging until somebody kills it."""

    @in_virtual_time
    async def waits() -> None:
        await asyncio.Event().wait()

    with pytest.raises(NothingWillHappen):
        waits()


def test_what_takes_real_time_is_refused() -> None:
    """A thread would see the clock jump past its end before it has begun."""

    @in_virtual_time
    async def threads() -> None:
        await asyncio.to_thread(int)

    with pytest.raises(RuntimeError, match="thread"):
        threads()

    @in_virtual_time
    async def connects() -> None:
        await asyncio.open_connection("127.0.0.1", 1)

    with pytest.raises(RuntimeError, match="connection"):
        connects()


def test_the_clocks_are_real_again_afterwards() -> None:
    """A patch that stayed would make other tests' time stand still."""

    @in_virtual_time
    async def nothing() -> None:
        await asyncio.sleep(1_000)

    nothing()
    assert abs(time.time() - SYSTEM_CLOCK.now().timestamp()) < 1
    assert time.time() < START + 10**9
    assert time.monotonic.__module__ == "time"
