"""Running a service: what starting, being asked to stop and failing look like.

A service's `main` is a coroutine that gets a ServiceContext and returns when `context.stop` is
set. This module brings settings, logging, a Redis that answers, health over HTTP and in Redis, and
exit codes:
0 after a stop, 2 for a setting, 1 for everything else.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from loguru import logger
from redis.asyncio import Redis

from shared.errors import SettingsError
from shared.redis.client import AWAY, connect, persistence_faults, wait_for
from shared.runtime import health_server, log
from shared.runtime.health import Health
from shared.runtime.settings import HealthSettings, LogSettings, RedisSettings, load, refuse
from shared.runtime.tasks import cancel


class ServiceSettings(HealthSettings, RedisSettings, LogSettings):
    """What every service with the shell needs."""


SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


@dataclass
class ServiceContext(Generic[SettingsT]):
    """What a service's main is given. `stop` is set when the process is asked to end."""

    name: str
    settings: SettingsT
    redis: Redis
    health: Health
    stop: asyncio.Event = field(default_factory=asyncio.Event)


Main = Callable[[ServiceContext[SettingsT]], Awaitable[None]]


def replica_name() -> str:
    """Tells replicas apart: host and process."""
    return f"{socket.gethostname()}-{os.getpid()}"


def run(name: str, settings_class: type[SettingsT], main: Main[SettingsT]) -> None:
    """Runs a service to its end and exits the process with its code."""
    settings = load(settings_class)
    log.setup(name, level=settings.log_level, format_=settings.log_format)
    try:
        asyncio.run(_run(name, settings, main))
    except SettingsError as error:
        refuse(error.message)
    except KeyboardInterrupt:
        sys.exit(130)


async def _run(name: str, settings: SettingsT, main: Main[SettingsT]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    async with open_context(name, settings, stop) as context:
        work = asyncio.ensure_future(main(context))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await work
        stopped.cancel()
    logger.info("stopped")


@contextlib.asynccontextmanager
async def open_context(
    name: str, settings: SettingsT, stop: asyncio.Event
) -> AsyncIterator[ServiceContext[SettingsT]]:
    """Redis, health server and health reports, for as long as the context is open."""
    health = Health(name, replica_name())
    health.set_starting()
    async with health_server.serving(health, settings.bind_address, settings.health_port):
        await _redis_or_stop(settings.redis_url, stop)
        redis = connect(settings.redis_url)
        reports = asyncio.create_task(health.publish(redis), name="health-reports")
        try:
            if not stop.is_set():
                await note_persistence(redis, health)
                health.set_ok("start")
            yield ServiceContext(name, settings, redis, health, stop)
        finally:
            await cancel(reports)
            await redis.aclose()


async def note_persistence(redis: Redis, health: Health) -> None:
    """Names weak persistence as a reason for being degraded."""
    with contextlib.suppress(*AWAY):
        faults = await persistence_faults(redis)
        if faults:
            health.set_degraded("persistence", faults[0])
        else:
            health.set_ok("persistence")


async def _redis_or_stop(url: str, stop: asyncio.Event) -> None:
    waiting = asyncio.create_task(wait_for(url))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({waiting, stopped}, return_when=asyncio.FIRST_COMPLETED)
    over = waiting.done()
    await cancel(stopped, None if over else waiting)
    if over:
        await waiting
