"""One espeak-ng process for each test that speaks, and phrases made once for the session."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from services.sandbox.speech import Espeak, Registry, Said, Speaker
from tests.sandbox.speech.audio import RATE, SENTENCES


@dataclass
class Voices:
    """The eleven sentences as callers said them, at 16 kHz, and the registry that knows them."""

    registry: Registry
    said: dict[str, Said]


@pytest_asyncio.fixture
async def espeak() -> AsyncIterator[Espeak]:
    async with Espeak() as espeak:
        yield espeak


@pytest.fixture(scope="session")
def voices() -> Voices:
    return asyncio.run(_speak())


async def _speak() -> Voices:
    registry = Registry()
    async with Espeak() as espeak:
        speaker = Speaker(espeak, registry)
        said = {
            language: await speaker.say(text, language, sample_rate=RATE)
            for language, text in SENTENCES.items()
        }
    return Voices(registry, said)
