"""Loops that do not die, and end when they are told."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest
from loguru import logger
from redis import exceptions

from shared.backoff import Backoff
from shared.runtime.background import STEADY_S, Background
from shared.runtime.health import Health
from shared.runtime.tasks import cancel
from tests.virtual_time import in_virtual_time

EXACT = Backoff(first=1.0, longest=8.0, jitter=(1.0, 1.0))


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What the log was told: "LEVEL message"."""
    lines: list[str] = []
    sink = logger.add(
        lambda message: lines.append(f"{message.record['level'].name} {message.record['message']}"),
        level="DEBUG",
    )
    yield lines
    logger.remove(sink)


def now() -> float:
    return asyncio.get_running_loop().time()


def opened(health: Health | None = None, **options: float) -> Background:
    return Background(health, restart=EXACT, **options)


class Work:
    """Notes when it is started; does what the step of that start says, then runs until stopped."""

    def __init__(self, *steps: Callable[[], Awaitable[object]]) -> None:
        self._steps = list(steps)
        self.starts: list[float] = []
        self.ended = False

    async def __call__(self, stop: asyncio.Event) -> None:
        self.starts.append(round(now(), 3))
        if self._steps:
            await self._steps.pop(0)()
        else:
            await stop.wait()
            self.ended = True


async def fail() -> None:
    raise ValueError("a fault")


async def return_early() -> None:
    pass


async def lose_redis() -> None:
    raise exceptions.ConnectionError("gone")


# Restarts


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


# Health


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


# Every


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


# The end


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
