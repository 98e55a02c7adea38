"""Running a service: what starting, being asked to stop and failing look like.

A service's `main` is a coroutine that gets a ServiceContext and returns when `context.stop` is
set. This module brings settings, logging, Redis, health over HTTP and in Redis, loops in the
background, and exit codes: 0 after a stop, 2 for a setting, 1 for everything else.

At the end main finishes what it has in hand; then the background loops end; then `resources`, which
they used, are closed, the health report is withdrawn, and Redis and the health server are closed.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from loguru import logger
from redis.asyncio import Redis

from shared.errors import SettingsError
from shared.redis.client import connect, persistence_fault, wait_for
from shared.runtime import health_server, log
from shared.runtime.background import Background
from shared.runtime.health import REPORT_EVERY_S, Health, publish_report, withdraw_report
from shared.runtime.settings import HealthSettings, LogSettings, RedisSettings, load, refuse
from shared.runtime.tasks import cancel, first_of

CHECK_PERSISTENCE_EVERY_S = 60.0


class ServiceSettings(HealthSettings, RedisSettings, LogSettings):
    """What every service needs."""


SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


@dataclass
class ServiceContext(Generic[SettingsT]):
    """What a service's main is given.

    `stop` is set when the process is asked to end. `background` runs the service's loops and ends
    them after main has returned; `resources` closes what is entered into it after the loops have
    ended, so that they may use it to the last.
    """

    name: str
    settings: SettingsT
    redis: Redis
    health: Health
    background: Background
    resources: AsyncExitStack
    stop: asyncio.Event


Main = Callable[[ServiceContext[SettingsT]], Coroutine[Any, Any, None]]


def replica_name() -> str:
    """Tells replicas apart: host and process."""
    return f"{socket.gethostname()}-{os.getpid()}"


def run(
    name: str, settings_class: type[SettingsT], main: Main[SettingsT], *, own_http: bool = False
) -> None:
    """Runs a service to its end and exits the process with its code.

    `own_http`: the service answers /healthz, /readyz and /metrics on a server of its own, and main
    begins while Redis is still away. Other services begin when Redis answers.
    """
    settings = load(settings_class)
    log.setup(name, level=settings.log_level, format_=settings.log_format)
    try:
        asyncio.run(_run(name, settings, main, own_http=own_http))
    except SettingsError as error:
        refuse(error.message)
    except KeyboardInterrupt:
        sys.exit(130)


async def _run(name: str, settings: SettingsT, main: Main[SettingsT], *, own_http: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    async with open_context(name, settings, stop, own_http=own_http) as context:
        await _run_main(context, main, own_http=own_http)
    logger.info("stopped")


async def _run_main(
    context: ServiceContext[SettingsT], main: Main[SettingsT], *, own_http: bool
) -> None:
    """Runs `main` until it has returned, and checks Redis before it, or beside it with `own_http`.

    Raises what main raises, and what is wrong with a Redis that we cannot use: SettingsError when a
    setting is the reason.
    """
    stop = context.stop
    checking = asyncio.create_task(_check_redis(context), name="check-redis")
    try:
        if not own_http:
            await first_of(checking, stop)
        if not stop.is_set():
            work = asyncio.create_task(main(context), name=context.name)
            await first_of(work, stop)
            stop.set()
            await work
    finally:
        stop.set()
        await cancel(checking)
    if not checking.cancelled():
        checking.result()


@asynccontextmanager
async def open_context(
    name: str, settings: SettingsT, stop: asyncio.Event, *, own_http: bool = False
) -> AsyncIterator[ServiceContext[SettingsT]]:
    """Redis, background loops, the health server (unless `own_http`) and health reports."""
    health = Health(name, replica_name())
    async with AsyncExitStack() as stack:
        if not own_http:
            health.set_starting()
            server = health_server.serving(health, settings.bind_address, settings.health_port)
            await stack.enter_async_context(server)
        redis = connect(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        stack.push_async_callback(withdraw_report, health, redis)
        resources = await stack.enter_async_context(AsyncExitStack())
        background = await stack.enter_async_context(Background(health))
        background.every("health reports", REPORT_EVERY_S, partial(publish_report, health, redis))
        yield ServiceContext(name, settings, redis, health, background, resources, stop)


async def _check_redis(context: ServiceContext[SettingsT]) -> None:
    """Waits until Redis answers. Ends the service when it is too old, or lets us do nothing."""
    try:
        await wait_for(context.settings.redis_url)
    except Exception:  # raised again: whatever it is, the service beside us must end with it
        context.stop.set()
        raise

    async def check_persistence() -> None:
        context.health.set_degraded("persistence", await persistence_fault(context.redis))

    context.background.every("persistence check", CHECK_PERSISTENCE_EVERY_S, check_persistence)
    context.health.set_ok("start")
