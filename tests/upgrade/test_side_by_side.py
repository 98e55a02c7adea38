"""Replicas of two versions on one Redis, as they are during every update.

The older version comes from the repository's history; without it these tests are skipped. `make
test-all` runs them.
"""

import asyncio
import io
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from deploy import docs
from services.sandbox.n8n import N8nStandIn
from shared.bus import Bus, read_group_stats
from shared.deliveries import LEAD_CAPTURE
from shared.profiles import ProfileReader
from shared.redis import keys
from tests.chaos.judge import arrived, duplicates, out_of_order
from tests.chaos.plan import script
from tests.service import Process
from tests.upgrade.yesterday import BEFORE
from tests.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.full]

SEED = 7
OLD_READER = """
import asyncio, sys
from shared.bus import Bus
from shared.profiles import ProfileReader
from shared.redis import connect

async def main():
    redis = connect(sys.argv[1])
    async with ProfileReader(redis, Bus(redis, "gateway").publish, timeout=10) as reader:
        print((await reader.get(sys.argv[2])).profile.name)
    await redis.aclose()

asyncio.run(main())
"""


@pytest.fixture(scope="session")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of the version before, which runs with the packages of this one."""
    archive = subprocess.run(
        ["git", "archive", BEFORE], cwd=docs.ROOT, capture_output=True, check=False
    )
    if archive.returncode:
        pytest.skip(f"NOT TESTED: commit {BEFORE} is not in this clone's history")
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder


class Versions:
    """Starts processes of either version, all on one Redis, one N8N and one folder."""

    def __init__(
        self, old: Path, redis_url: str, stand_in: N8nStandIn, n8n_url: str, folder: Path
    ) -> None:
        self.n8n = stand_in
        self._roots = {"old": old, "new": docs.ROOT}
        self._redis_url = redis_url
        self._folder = folder
        self._environment = {
            "REDIS_URL": redis_url,
            "N8N_BASE_URL": n8n_url,
            "HEALTH_PORT": "0",
            "LEAD_ATTEMPT_GRACE": "2",
            "LEAD_TIMEOUT": "1",
        }

    def service(self, version: str, name: str) -> Process:
        log = self._folder / f"{version}-{name}.log"
        return Process(f"services.{name}", self._environment, log, root=self._roots[version])

    def publisher(self, version: str, leads: int, *, attempt: int) -> Process:
        """An agent that says `leads` leads, as its call's `attempt`."""
        name = f"{version}-publisher"
        options = {
            "redis": self._redis_url,
            "spool": self._folder / f"{name}-spool",
            "journal": self._folder / f"{name}-journal",
            "seed": SEED,
            "first": 0,
            "last": leads,
            "rate": 30,
            "attempt": attempt,
        }
        arguments = [part for option, value in options.items() for part in (f"--{option}", value)]
        return Process(
            "tests.chaos.publisher",
            {},
            self._folder / f"{name}.log",
            *map(str, arguments),
            root=self._roots[version],
        )


@pytest.fixture
async def versions(old: Path, redis_url: str, tmp_path: Path) -> AsyncIterator[Versions]:
    stand_in = N8nStandIn(
        profiles={f"agent-{number}": {"name": f"Agent {number}"} for number in range(12)},
        delay_ms=5,
    )
    server = TestServer(stand_in.app())
    await server.start_server()
    yield Versions(old, redis_url, stand_in, str(server.make_url("")).rstrip("/"), tmp_path)
    await server.close()


async def all_said(*publishers: Process) -> None:
    async def over() -> bool:
        return all(each.exit_code is not None for each in publishers)

    await until(over, timeout=30, every=0.05)
    assert [each.exit_code for each in publishers] == [0] * len(publishers)


async def delivered(redis: Redis) -> None:
    """Nothing is unread, in hand, put off or due any more."""

    async def quiet() -> bool:
        stats = await read_group_stats(redis, keys.LEADS, "leads")
        due = int(await redis.zcard(keys.deliveries_due(LEAD_CAPTURE)))
        return stats.lag + stats.pending + stats.scheduled + due == 0

    await until(quiet, timeout=30, every=0.05)


def check_each_once_and_in_order(stand_in: N8nStandIn, leads: int) -> None:
    records = stand_in.records
    for number in range(leads):
        one = script(SEED, number)
        assert arrived(one, records.leads.get(one.context.lead_id)), one
    assert duplicates(records.received) == 0
    assert out_of_order(records.received) == 0


@pytest.mark.parametrize(("agent", "leads"), [("old", "new"), ("new", "old")])
async def test_either_version_delivers_what_the_other_captured(
    versions: Versions, redis: Redis, agent: str, leads: str
) -> None:
    """Leads of calls that were under way during an update would not be read by anybody."""
    with versions.service(leads, "leads"):
        with versions.publisher(agent, 8, attempt=1) as publisher:
            await all_said(publisher)
        await delivered(redis)
    check_each_once_and_in_order(versions.n8n, 8)


async def test_leads_of_two_versions_arrive_once_whichever_dies(
    versions: Versions, redis: Redis
) -> None:
    """An update under way would lose leads, double them, or overwrite new values by old ones."""
    leads = 40
    with (
        versions.service("old", "leads") as old_leads,
        versions.service("new", "leads") as new_leads,
        versions.publisher("old", leads, attempt=1) as first,
        versions.publisher("new", leads, attempt=2) as second,  # the same leads, said again
    ):
        await received(versions.n8n, leads // 3)
        old_leads.kill()
        old_leads.start()
        await received(versions.n8n, leads)
        new_leads.kill()
        new_leads.start()
        await all_said(first, second)
        await delivered(redis)
    check_each_once_and_in_order(versions.n8n, leads)


async def received(stand_in: N8nStandIn, posts: int) -> None:
    async def come() -> bool:
        return len(stand_in.records.received) >= posts

    await until(come, timeout=30)


async def test_profiles_of_one_version_are_read_by_the_other(
    versions: Versions, old: Path, redis: Redis, redis_url: str
) -> None:
    """During an update a caller would be told that the agent cannot be had."""
    bus = Bus(redis, source="gateway")
    with (
        versions.service("old", "config") as old_config,
        versions.service("new", "config") as new_config,
    ):
        async with ProfileReader(redis, bus.publish, timeout=15) as reader:
            ids = [f"agent-{number}" for number in range(10)]
            found = await asyncio.gather(*map(reader.get, ids))
            assert [each.profile.name for each in found] == [f"Agent {n}" for n in range(10)]
            new_config.kill()
            assert (await reader.get("agent-10")).profile.name == "Agent 10"
        new_config.start()
        old_config.kill()
        for agent_id, name in (("agent-10", "Agent 10"), ("agent-11", "Agent 11")):
            assert await read_with(old, redis_url, agent_id) == name


async def read_with(root: Path, redis_url: str, agent_id: str) -> str:
    """The name of a profile as the code in `root` reads it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OLD_READER, redis_url, agent_id),
        cwd=root,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    return said.decode().strip()
