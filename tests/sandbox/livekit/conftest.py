"""A development server for each test, with short waits, and clients that are closed after it."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from services.sandbox.livekit import DevServer, Timings
from tests.sandbox.livekit.clients import KEY, SECRET, Clients
from tests.sandbox.livekit.hook import Hook


@pytest.fixture
def timings() -> Timings:
    """A tenth of the real waits, but for silence: real clients send checks only every 2.5 s."""
    real = Timings()
    return replace(
        real.faster(10),
        silence_lost=real.silence_lost,
        silence_resume=real.silence_resume,
        silence_remove=real.silence_remove,
    )


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with Hook() as receiver:
        yield receiver


@pytest.fixture
async def server(timings: Timings, hook: Hook) -> AsyncIterator[DevServer]:
    async with DevServer(KEY, SECRET, webhook_urls=[hook.url], timings=timings) as server:
        yield server


@pytest.fixture
async def clients(server: DevServer) -> AsyncIterator[Clients]:
    async with Clients(server) as clients:
        yield clients


@pytest.fixture(autouse=True)
def _quiet_livekit() -> None:
    """The client library logs each refusal that a test provokes."""
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
