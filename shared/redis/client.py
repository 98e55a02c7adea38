"""The connection to Redis (7.0 or newer) or Valkey."""

import asyncio
from typing import cast

from loguru import logger
from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff, NoBackoff

from shared.clock import SYSTEM_CLOCK, Clock
from shared.errors import SettingsError

# What means "Redis is away, try later", as opposed to "Redis refuses this command". Python's own
# errors come from limits around commands. No other OSError is here: a full disk is no such outage.
AWAY = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.BusyLoadingError,
    ConnectionError,
    TimeoutError,
)

OLDEST_VERSION = (7, 0)


def connect(
    url: str, *, retries: int = 3, timeout: float = 5.0, max_connections: int = 100
) -> Redis:
    """A client with decoded answers.

    `retries` are made within one command at 50 ms to 1 s apart; `timeout` is in seconds for the
    connection and for each answer (blocking reads pass a longer one of their own).
    """
    return Redis.from_url(
        url,
        decode_responses=True,
        encoding_errors="replace",  # one entry that is not UTF-8 must not stop a whole read
        max_connections=max_connections,
        socket_connect_timeout=timeout,
        socket_timeout=timeout,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), retries)
        if retries
        else Retry(NoBackoff(), 0),
    )


async def wait_for(url: str, *, timeout: float | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
    """Waits until Redis answers, `timeout` seconds at most (None: for ever).

    redis-py's own retries are slow on a dead port, so the probe uses none. Raises SettingsError
    for a server that is too old or refuses the password, and TimeoutError when the time is up.
    """
    probe = connect(url, retries=0, timeout=1.0)
    said = False
    try:
        async with asyncio.timeout(timeout):
            while True:
                try:
                    await check_version(probe)
                    return
                except exceptions.AuthenticationError as error:  # a ConnectionError to redis-py
                    raise SettingsError(
                        "REDIS_URL: Redis refuses the user or password in it, expected one it takes"
                    ) from error
                except AWAY as error:
                    if not said:
                        logger.warning("waiting for Redis: {}", type(error).__name__)
                        said = True
                    await clock.sleep(0.1)
    finally:
        await probe.aclose()


async def check_version(redis: Redis) -> None:
    """Raises SettingsError when the server is older than 7.0."""
    info = await redis.info("server")
    version = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_VERSION:
        raise SettingsError(f"REDIS_URL: Redis {version} found, 7.0 or newer (or Valkey) expected")


async def now_ms(redis: Redis) -> int:
    """Redis TIME in milliseconds since 1970: the one clock that all replicas share."""
    seconds, micros = await redis.time()
    return int(seconds) * 1000 + int(micros) // 1000


async def persistence_fault(redis: Redis) -> str | None:
    """Why a power cut could lose what Redis acknowledged; None when it could not.

    Raises AWAY errors.
    """
    try:
        config = cast("dict[str, str]", await redis.config_get("append*"))
    except exceptions.ResponseError:
        return None  # managed Redis hides CONFIG: nothing can be said
    if config.get("appendonly") != "yes":
        return "Redis keeps no append-only file: set appendonly yes, or a restart loses leads"
    if config.get("appendfsync") != "always":
        return "Redis appendfsync is not always: a power cut may lose the last second of leads"
    return None
