"""Fixtures: the phrases of the speech tests, and a stand-in that knows them."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.sandbox.sarvam.running import Running, running
from tests.sandbox.speech.conftest import Voices, voices

__all__ = ["voices"]


@pytest_asyncio.fixture
async def sarvam(voices: Voices) -> AsyncIterator[Running]:
    async with running(voices.registry) as sarvam:
        yield sarvam
