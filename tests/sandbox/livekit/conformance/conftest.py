"""Starts the flows that were asked for, side by side: together they take as long as the longest."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from tests.sandbox.livekit.conformance.compare import Comparison
from tests.sandbox.livekit.conformance.flows import FLOWS
from tests.sandbox.livekit.conformance.recording import load
from tests.sandbox.livekit.conformance.stage import Stage

_APART_S = 0.4  # so that joins, which are dense, do not delay each other
_LIMIT_S = 100.0

Replay = Callable[[str], Awaitable[list[str]]]


async def _play(name: str, delay: float) -> list[str]:
    await asyncio.sleep(delay)
    flow, rules = FLOWS[name]
    async with Stage() as stage:
        await asyncio.wait_for(flow(stage), _LIMIT_S)
        lines = list(stage.trace.lines)
    return Comparison(load(name), lines, rules).run()


def _wanted(items: list[pytest.Item]) -> list[str]:
    """Names of the recordings that the selected tests replay, the longest first."""
    names = {
        str(item.callspec.params["name"])
        for item in items
        if isinstance(item, pytest.Function) and "replay" in item.fixturenames
    }
    return sorted(names, key=lambda name: -load(name).lines[-1].t_ms)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def replay(request: pytest.FixtureRequest) -> AsyncIterator[Replay]:
    """`await replay("c1")`: the differences between that recording and our server."""
    tasks = {
        name: asyncio.create_task(_play(name, place * _APART_S))
        for place, name in enumerate(_wanted(request.session.items))
    }
    yield lambda name: tasks[name]
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
