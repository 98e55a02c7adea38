"""One whole system for the tests here: two agents, two leads replicas, an N8N of the tests' own."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.whole.system import System, clean_environment

PROFILES = Path(__file__).parent / "profiles"


@pytest.fixture(scope="session")
def n8n_url() -> Iterator[str]:
    """An N8N at an address that `make run` knows only from N8N_BASE_URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "services.sandbox.n8n", "--profiles", str(PROFILES)],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.wait(10)
    process.stdout.close()


@pytest.fixture(scope="session")
def system(n8n_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Running and ready; stopped, and shown to have left nothing, at the end of the session."""
    system = System(
        tmp_path_factory.mktemp("system"),
        N8N_BASE_URL=n8n_url,
        SANDBOX_AGENTS="2",
        SANDBOX_LEADS="2",
    )
    system.start()
    yield system
    assert system.stop() == 0, system.log()
    left = [name for name in ("agent", "gateway", "leads", "config") if system.pids(name)]
    assert not left
