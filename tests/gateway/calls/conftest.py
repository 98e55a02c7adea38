"""A scene for the tests of the watchdog."""

import pytest
from redis.asyncio import Redis

from tests.gateway.calls.scene import Scene
from tests.gateway.rooms import Rooms


@pytest.fixture
async def scene(redis: Redis, rooms: Rooms) -> Scene:
    scene = Scene(redis, rooms)
    await scene.on_duty()
    return scene
