"""A page in Chromium, on a gateway and a LiveKit development server in this process."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from redis.asyncio import Redis

from services.gateway.page import assets
from services.sandbox.livekit import DevServer
from shared.profiles import default_profile
from shared.redis.client import connect
from tests.browser import chromium, watch
from tests.gateway.conftest import KEY, SECRET, gateway_settings, put_profile, serving

Pages = Callable[..., Awaitable[Page]]


@pytest.fixture(autouse=True)
def _quiet_livekit() -> None:
    logging.getLogger("livekit").setLevel(logging.CRITICAL)


@pytest_asyncio.fixture(loop_scope="module")
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """As everywhere, on the loop that the tests here share with their browser."""
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest_asyncio.fixture(loop_scope="module")
async def livekit() -> AsyncIterator[DevServer]:
    async with DevServer(KEY, SECRET) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def pages(
    browser: Browser, livekit: DevServer, redis: Redis, redis_url: str
) -> AsyncIterator[Pages]:
    """Opens a page on a gateway with the test's settings; at the end none had a fault."""
    if assets.missing():
        pytest.fail("the page's files are missing: run make setup")
    await put_profile(redis, default_profile())
    expect.set_options(timeout=10_000)
    faults: list[str] = []
    async with AsyncExitStack() as stack:

        async def open_(path: str = "/", *, context: Any = None, **changes: Any) -> Page:
            settings = gateway_settings(redis_url, livekit_url=livekit.url, **changes)
            url = await stack.enter_async_context(serving(settings, None))
            page = await (await browser.new_context(**(context or {}))).new_page()
            stack.push_async_callback(page.context.close)
            faults_of_page = watch(page)
            stack.callback(lambda: faults.extend(faults_of_page))
            await page.goto(url + path)
            return page

        yield open_
    assert faults == []
