"""What health and the log are told of a loop."""

import asyncio

from shared.runtime.background import STEADY_S
from shared.runtime.health import Health
from tests.shared.background.loops import Work, fail, lose_redis, opened, return_early
from tests.virtual_time import in_virtual_time


@in_virtual_time
async def test_readyz_says_what_fails_until_it_runs_steadily() -> None:
    """A replica whose loop fails all the time would look well between two failures."""
    health = Health("leads", "a")
    async with opened(health) as background:
        background.run("watch", Work(fail, fail))
        await asyncio.sleep(0.5)
        assert health.status == "degraded"
        assert health.reasons == {"loop:watch": "watch failed (ValueError) and is started again"}
        await asyncio.sleep(3 + STEADY_S - 1)
        assert health.reasons, "it runs, and has not shown yet that it keeps running"
        await asyncio.sleep(1)
        assert health.reasons == {}


@in_virtual_time
async def test_a_critical_loop_that_fails_makes_the_service_unready() -> None:
    """A load balancer would send calls to a replica that can do nothing with them."""
    health = Health("leads", "a")
    async with opened(health) as background:
        background.run("consumer", Work(return_early), critical=True)
        await asyncio.sleep(0.5)
        assert health.status == "unavailable"
        assert "it ended by itself" in health.reasons["loop:consumer"]


@in_virtual_time
async def test_a_reason_ends_with_its_loop() -> None:
    """A consumer that is started anew brings new loops: the old reason would stay for ever."""
    health = Health("leads", "a")
    async with opened(health) as background:
        background.run("watch", Work(*[fail] * 10))
        await asyncio.sleep(0.5)
        assert health.reasons
    assert health.reasons == {}


def test_the_same_fault_is_said_once(said: list[str]) -> None:
    """A log full of one traceback hides all others."""

    @in_virtual_time
    async def run() -> None:
        async with opened() as background:
            background.run("watch", Work(fail, fail, fail, return_early, fail))
            await asyncio.sleep(60)

    run()
    assert [line for line in said if line.startswith("ERROR")] == [
        "ERROR watch failed (ValueError): started again",
        "ERROR watch failed (it ended by itself): started again",
        "ERROR watch failed (ValueError): started again",
    ]
    assert said[-1] == "INFO watch works again"


def test_an_outage_of_redis_is_no_fault_of_the_loop(said: list[str]) -> None:
    """Ten loops would each report that Redis is away, and come back half a minute after it."""
    health = Health("leads", "a")
    work = Work(*[lose_redis] * 10)

    @in_virtual_time
    async def run() -> None:
        async with opened(health) as background:
            background.run("watch", work, critical=True)
            await asyncio.sleep(20)
            assert health.reasons == {}

    run()
    assert work.starts == list(range(11)), "it looks every second"
    assert [line for line in said if not line.startswith("DEBUG")] == []


@in_virtual_time
async def test_a_time_limit_of_something_else_is_no_outage_of_redis() -> None:
    """N8N that hangs would be taken for Redis, and nobody would be told."""

    async def hang() -> None:
        async with asyncio.timeout(1):
            await asyncio.Event().wait()

    health = Health("leads", "a")
    async with opened(health) as background:
        background.run("probe", Work(hang))
        await asyncio.sleep(1.5)
        assert "TimeoutError" in health.reasons["loop:probe"]
