"""What the commands share: where they write, Redis, and errors as one line."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import typer
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console

from shared.errors import BolchaalError
from shared.redis.client import connect
from shared.runtime.settings import RedisSettings, load

out = Console()
err = Console(stderr=True)


@asynccontextmanager
async def open_redis() -> AsyncIterator[Redis]:
    """Redis, from REDIS_URL."""
    redis = connect(load(RedisSettings).redis_url, retries=0)
    try:
        yield redis
    finally:
        await redis.aclose()


def run(work: Coroutine[Any, Any, None]) -> None:
    """Runs a command; what goes wrong is one line and exit code 1."""
    try:
        asyncio.run(work)
    except BolchaalError as error:
        err.print(error.message)
        raise typer.Exit(1) from error
    except (RedisError, OSError) as error:
        err.print(f"REDIS_URL: Redis does not answer ({type(error).__name__})")
        raise typer.Exit(1) from error
