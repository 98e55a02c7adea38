"""The life of a service around its main: health reports, checks of Redis, and the way it ends."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from shared.redis import keys
from shared.redis.client import connect
from shared.runtime.health import Health, Report, publish_report, read_reports
from shared.runtime.service import ServiceSettings, open_context
from tests.service import python
from tests.valkey import Valkey, free_port
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _reports_come_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.service.REPORT_EVERY_S", 0.02)


def settings_for(redis_url: str) -> ServiceSettings:
    return ServiceSettings(_env_file=None, redis_url=redis_url, health_port=0)


async def report_of(redis: Redis) -> Report | None:
    reports = await read_reports(redis)
    return reports[0] if reports else None


async def new_report(redis: Redis) -> Report:
    """A report that is made after now."""
    before = await report_of(redis)

    async def renewed() -> Report | None:
        now = await report_of(redis)
        return now if now and (before is None or now.at_ms > before.at_ms) else None

    report = await until(renewed, timeout=15)
    assert report is not None
    return report


async def full(redis: Redis) -> None:
    await redis.config_set("maxmemory", 1)


async def emptied(redis: Redis) -> None:
    await redis.config_set("maxmemory", 0)


async def read_only(redis: Redis) -> None:
    await redis.replicaof("127.0.0.1", free_port())


async def writable(redis: Redis) -> None:
    await redis.replicaof("NO", "ONE")


async def of_another_type(redis: Redis) -> None:
    await redis.delete(keys.HEALTH)
    await redis.set(keys.HEALTH, "1")


async def deleted(redis: Redis) -> None:
    await redis.delete(keys.HEALTH)


@pytest.mark.parametrize(
    ("spoil", "mend"),
    [(full, emptied), (read_only, writable), (of_another_type, deleted)],
)
async def test_a_refused_report_does_not_end_the_reports(
    own_valkey: Valkey, spoil: Any, mend: Any
) -> None:
    """After one failover of Redis the page said for good that no agent runs."""
    redis = connect(own_valkey.url)
    async with open_context("agent", settings_for(own_valkey.url), asyncio.Event()) as context:
        await new_report(redis)
        await spoil(redis)

        async def said() -> bool:
            return bool(context.health.reasons.keys() - {"start"})

        await until(said)
        await mend(redis)
        await new_report(redis)

        async def well() -> bool:
            return "redis" not in context.health.reasons

        await until(well)
    assert await read_reports(redis) == []  # a replica that stopped is not counted
    await redis.aclose()


async def test_what_loops_use_is_closed_after_they_have_ended(redis: Redis, redis_url: str) -> None:
    """A loop that still works on a closed client fails at every stop, and fills the log."""
    ended: list[str] = []

    async def loop(stop: asyncio.Event) -> None:
        await stop.wait()
        assert (await read_reports(redis)) != []
        ended.append("loop")

    async def closed() -> None:
        ended.append("resource")

    async with open_context("agent", settings_for(redis_url), asyncio.Event()) as context:
        context.resources.push_async_callback(closed)
        context.background.run("loop", loop)
        await new_report(redis)
    assert ended == ["loop", "resource"]


async def test_a_dead_replicas_report_does_not_stop_a_refusing_redis_from_being_read(
    own_valkey: Valkey,
) -> None:
    """The page would say nothing at all while Redis refuses to remove what is out of date."""
    redis = connect(own_valkey.url)
    live, dead = (
        Health("agent", "host-1"),
        Report(service="agent", replica="2", status="ok", reasons={}),
    )
    await publish_report(live, redis)
    await redis.hset(keys.HEALTH, "agent/2", dead.model_dump_json())
    await read_only(redis)
    assert [report.replica for report in await read_reports(redis)] == ["host-1"]
    await redis.aclose()


PROGRAM = """
from shared.errors import SettingsError
from shared.runtime.service import ServiceContext, ServiceSettings, run

async def main(context: ServiceContext[ServiceSettings]) -> None:
    print("main", flush=True)
    {body}

run("probe", ServiceSettings, main, own_http={own_http})
"""


@asynccontextmanager
async def service(
    folder: Path, body: str, redis_url: str, *, own_http: bool = False, **variables: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A service with this main, as a process."""
    program = PROGRAM.format(body=body, own_http=own_http)
    settings = {"REDIS_URL": redis_url, "HEALTH_PORT": str(free_port()), **variables}
    async with python(folder, "-c", program, **settings) as started:
        yield started


@pytest.mark.parametrize(
    ("body", "code", "last"),
    [
        ("return", 0, "stopped"),
        ("raise SettingsError('VOICE: found x, expected y')", 2, "VOICE: found x, expected y"),
        ("raise RuntimeError('no way')", 1, "RuntimeError: no way"),
    ],
)
async def test_exit_codes(tmp_path: Path, redis_url: str, body: str, code: int, last: str) -> None:
    """An orchestrator and an operator read them: ended, a wrong setting, a fault."""
    async with service(tmp_path, body, redis_url) as started, asyncio.timeout(20):
        _, said = await started.communicate()
        assert started.returncode == code, said.decode()
        assert said.decode().rstrip().endswith(last)


async def test_a_wrong_setting_is_one_line(tmp_path: Path, redis_url: str) -> None:
    """Nobody should have to read a traceback to learn which variable is wrong."""
    async with service(tmp_path, "return", redis_url, LOG_LEVEL="LOUD") as started:
        async with asyncio.timeout(20):
            out, said = await started.communicate()
        assert (started.returncode, out) == (2, b"")
        assert said.decode().splitlines()[0].startswith("LOG_LEVEL: found 'LOUD', expected ")
        assert len(said.decode().splitlines()) == 1


async def test_sigterm_ends_a_service_that_works(tmp_path: Path, redis_url: str) -> None:
    """A deployment waits for it."""
    async with service(tmp_path, "await context.stop.wait()", redis_url) as started:
        assert started.stdout
        async with asyncio.timeout(20):
            assert await started.stdout.readline() == b"main\n"
            started.send_signal(signal.SIGTERM)
            assert await started.wait() == 0


async def test_sigterm_ends_a_service_that_waits_for_redis(tmp_path: Path) -> None:
    """It says so on /readyz meanwhile, and has not begun its work."""
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    async with service(tmp_path, "return", nowhere) as started:
        assert started.stderr
        async with asyncio.timeout(20):
            while b"Redis" not in await started.stderr.readline():
                pass
            started.send_signal(signal.SIGTERM)
            out, _ = await started.communicate()
        assert (started.returncode, out) == (0, b"")


@pytest.mark.parametrize("own_http", [False, True])
async def test_a_redis_that_cannot_be_checked_ends_a_service(
    tmp_path: Path, own_valkey: Valkey, own_http: bool
) -> None:
    """It would run on half a permission, and say what is wrong only when it is stopped."""
    redis = connect(own_valkey.url)
    await redis.acl_setuser("default", enabled=True, commands=["-info"])
    body = "await context.stop.wait()"
    async with service(tmp_path, body, own_valkey.url, own_http=own_http) as started:
        async with asyncio.timeout(20):
            _, said = await started.communicate()
        assert started.returncode == 1
        assert b"NoPermissionError" in said
    await redis.aclose()
