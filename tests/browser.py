"""A headless Chromium for tests: the one that is named, one that is found, or Playwright's own.

Where none can be had the tests skip and say so; REQUIRE_BROWSER=1 makes that an error.
"""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)
# What Chromium says of itself and its surroundings, and not of our page.
NOT_OURS = ("Failed to load resource", "WebSocket connection to")


async def executable() -> str:
    """The browser's path; skips the test, or fails it under REQUIRE_BROWSER=1, without one."""
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        async with async_playwright() as playwright:
            found = playwright.chromium.executable_path
    if os.access(found, os.X_OK):
        return found
    message = f"NO BROWSER: {found} is not there; set CHROMIUM, or: playwright install chromium"
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(message)
    pytest.skip(message)


@asynccontextmanager
async def chromium(microphone: Path | None = None) -> AsyncIterator[Browser]:
    """A browser while the context is open. `microphone` is a WAV file, which loops."""
    path = await executable()
    flags = list(FLAGS)
    if microphone:
        flags.append(f"--use-file-for-fake-audio-capture={microphone}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=flags)
        try:
            yield browser
        finally:
            await browser.close()


def watch(page: Page) -> list[str]:
    """Collects the page's faults: uncaught errors, and what the security policy refuses."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console",
        lambda message: (
            faults.append(message.text)
            if message.type == "error" and not message.text.startswith(NOT_OURS)
            else None
        ),
    )
    return faults
