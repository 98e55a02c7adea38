"""The life of a service around its main: health reports, checks of Redis, and the way it ends."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from shared.redis import keys
from shared.redis.client import connect
from shared.runtime.health import Report, read_reports
from shared.runtime.service import ServiceSettings, open_context
from tests.valkey import Valkey, free_port
from tests.waiting import until


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
