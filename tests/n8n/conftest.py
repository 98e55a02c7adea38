"""A real n8n with the shipped workflows: opt-in, `make test-n8n`.

Without TEST_N8N=1 nothing here is collected: the install takes five minutes and 2.9 GB, in
.cache/n8n or where TEST_N8N_DIR says.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from deploy import docs
from tests.n8n.real import RealN8n, install
from tests.service import Service

collect_ignore_glob = [] if os.environ.get("TEST_N8N") else ["test_*.py"]


@pytest.fixture(scope="session")
def n8n(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealN8n]:
    """Installed, with the three workflows imported and published, answering."""
    folder = Path(os.environ.get("TEST_N8N_DIR") or docs.ROOT / ".cache" / "n8n")
    server = RealN8n(install(folder), tmp_path_factory.mktemp("n8n"))
    server.prepare()
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def client(n8n: RealN8n) -> AsyncIterator[httpx.AsyncClient]:
    """A client that knows the header."""
    async with httpx.AsyncClient(base_url=n8n.url, headers=n8n.header, timeout=20) as client:
        yield client


@pytest.fixture
def environment(n8n: RealN8n, redis_url: str) -> dict[str, str]:
    """What config and leads are told, as an operator would tell them."""
    ((name, value),) = n8n.header.items()
    return {
        "REDIS_URL": redis_url,
        "HEALTH_PORT": "0",
        "N8N_BASE_URL": n8n.url,
        "N8N_AUTH_HEADER": name,
        "N8N_AUTH_VALUE": value,
        "N8N_WEBHOOK_CALL_ENDED": "/webhook/call-ended",
    }


@pytest.fixture
def config(environment: dict[str, str], tmp_path: Path) -> Iterator[Service]:
    with Service("config", environment, tmp_path) as service:
        yield service


@pytest.fixture
def leads(environment: dict[str, str], tmp_path: Path) -> Iterator[Service]:
    with Service("leads", environment, tmp_path) as service:
        yield service
