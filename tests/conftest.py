"""Fixtures that every test may use: a Valkey for the session, a private one for crash tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import settings
from redis import Redis as SyncRedis
from redis.asyncio import Redis

from shared.redis.client import connect
from tests.valkey import Valkey

pytest_plugins = ["tests.whole.fixtures"]

# `make test` tries the same examples each time, `make test-all` many that nobody has seen.
settings.register_profile("exact", max_examples=40, deadline=None, derandomize=True)
settings.register_profile("full", max_examples=1_000, deadline=None)
settings.load_profile("exact")


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """One server for the whole session. Ask for `redis` or `redis_url`, which begin empty."""
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(valkey: Valkey) -> str:
    """The session's server, emptied: its address is for processes and clients of the test's own."""
    with SyncRedis(port=valkey.port) as client:
        client.flushall()
        client.config_set("maxmemory", 0)
    return valkey.url


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client as the services have it, on the session's emptied server."""
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A running server of this test alone, to kill and to start again."""
    server = Valkey(tmp_path / "valkey")
    server.start()
    yield server
    server.kill()
