"""Starts the flows that were asked for, side by side: together they take as long as the longest."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeAlias

import pytest
import pytest_asyncio

from shared.runtime.tasks import cancel
from tests.sandbox.livekit.conformance.compare import Comparison
from tests.sandbox.livekit.conformance.flows import FLOWS
from tests.sandbox.livekit.conformance.recording import load
from tests.sandbox.livekit.conformance.stage import Stage

_APART_S = 0.5  # so that joins, which are dense, do not delay each other
_LIMIT_S = 100.0
_MORE_TRIES = 2

Differences: TypeAlias = list[str]


async def _play(name: str, delay: float) -> Differences:
    await asyncio.sleep(delay)  # flows that began at once would delay each other
    flow, rules = FLOWS[name]
    async with Stage(rules.timings) as stage:
        await asyncio.wait_for(flow(stage), _LIMIT_S)
        lines = list(stage.trace.lines)
    return Comparison(load(name), lines, rules).run()


class Replays:
    """All flows at once; those that differed again, when the others are through, twice at most.

    On a busy machine a client may answer seconds late, and the recorded order is lost. A server
    that differs does so every time.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._first = _start(names)
        self._later = asyncio.create_task(self._again())

    async def differences(self, name: str) -> Differences:
        found = await self._first[name]
        if not found:
            return found
        print(f"{name} is replayed again: {len(found)} differences, of which the first:", found[0])
        return (await self._later)[name]

    async def _again(self) -> dict[str, Differences]:
        results = await asyncio.gather(*self._first.values(), return_exceptions=True)
        differing = [
            name
            for name, result in zip(self._first, results, strict=True)
            if isinstance(result, list) and result
        ]
        found: dict[str, Differences] = {}
        for _ in range(_MORE_TRIES):
            tasks = _start(differing)
            found |= dict(zip(tasks, await asyncio.gather(*tasks.values()), strict=True))
            differing = [name for name in differing if found[name]]
        return found

    async def stop(self) -> None:
        await cancel(*self._first.values(), self._later)


def _start(names: Iterable[str]) -> dict[str, asyncio.Task[Differences]]:
    return {
        name: asyncio.create_task(_play(name, place * _APART_S)) for place, name in enumerate(names)
    }


def _wanted(items: list[pytest.Item]) -> list[str]:
    """Names of the recordings that the selected tests replay, the longest first."""
    names = {
        str(item.callspec.params["name"])
        for item in items
        if isinstance(item, pytest.Function) and "replays" in item.fixturenames
    }
    return sorted(names, key=lambda name: -load(name).lines[-1].t_ms)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def replays(request: pytest.FixtureRequest) -> AsyncIterator[Replays]:
    """`await replays.differences("c1")`: between that recording and our server."""
    running = Replays(_wanted(request.session.items))
    yield running
    await running.stop()
