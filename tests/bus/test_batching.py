"""One command for what many tasks ask for."""

import asyncio
from collections.abc import Sequence

from shared.bus.batching import Batcher
from shared.runtime.tasks import cancel


async def test_what_comes_at_once_is_done_at_once() -> None:
    """A backlog of a million entries would take a million round trips."""
    batches: list[list[int]] = []

    async def act(items: Sequence[int]) -> None:
        await asyncio.sleep(0)
        batches.append(list(items))

    batcher = Batcher(act)
    await asyncio.gather(*(batcher.add(number) for number in range(50)))
    assert len(batches) <= 2
    assert sorted(number for batch in batches for number in batch) == list(range(50))
    await batcher.add(99)
    assert batches[-1] == [99]


async def test_a_failure_is_everybodys() -> None:
    """An entry whose acknowledgement failed would count as acknowledged."""
    fail = True

    async def act(_: Sequence[int]) -> None:
        if fail:
            raise ConnectionError("gone")

    batcher = Batcher(act)
    results = await asyncio.gather(batcher.add(1), batcher.add(2), return_exceptions=True)
    assert [type(result) for result in results] == [ConnectionError, ConnectionError]
    fail = False
    await batcher.add(3)


async def test_who_is_cancelled_holds_nobody_up() -> None:
    """One handler that is cancelled would take the acknowledgements of others with it."""
    go = asyncio.Event()

    async def act(_: Sequence[int]) -> None:
        await go.wait()

    batcher = Batcher(act)
    one, two = (asyncio.create_task(batcher.add(number)) for number in (1, 2))
    await asyncio.sleep(0)
    await cancel(one)
    go.set()
    await two
    assert one.cancelled()


async def test_a_command_that_is_cancelled_lets_nobody_wait_for_ever() -> None:
    """One acknowledgement that is cancelled inside redis-py would stop the consumer silently."""
    go = asyncio.Event()
    cancelled = False

    async def act(_: Sequence[int]) -> None:
        nonlocal cancelled
        if not cancelled:
            await go.wait()
            cancelled = True
            raise asyncio.CancelledError

    batcher = Batcher(act)
    adding = [asyncio.create_task(batcher.add(1))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    adding.append(asyncio.create_task(batcher.add(2)))
    await asyncio.sleep(0)
    go.set()
    async with asyncio.timeout(5):
        results = await asyncio.gather(*adding, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError] * 2
        await batcher.add(3)
