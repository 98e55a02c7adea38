"""Reading server-sent events in tests."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Received:
    id: str
    type: str
    data: dict[str, Any]


@asynccontextmanager
async def listening(
    client: httpx.AsyncClient, path: str, **headers: str
) -> AsyncIterator[AsyncIterator[Received]]:
    """The events of a stream that answered 200, while the context is open."""
    async with client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield _events(response)


async def take(events: AsyncIterator[Received], count: int) -> list[Received]:
    """The next `count` events; fails when they do not come within 5 s."""
    async with asyncio.timeout(5):
        return [await anext(events) for _ in range(count)]


async def _events(response: httpx.Response) -> AsyncIterator[Received]:
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        elif "data" in fields:
            yield Received(fields["id"], fields["event"], json.loads(fields["data"]))
            fields = {}
        else:
            fields = {}
