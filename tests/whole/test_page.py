"""The page of a whole system in Chromium: a microphone, and the simulated caller's button."""

import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser import chromium, watch
from tests.whole.system import System

pytestmark = [pytest.mark.browser, pytest.mark.call]

RATE = 48_000
GREETING_S = 9.0  # what the agent may take to join and to say who it is
THINKING_S = 7.0  # between two things said: the agent's next question lies in it
SILENCE_S = 120.0  # Chromium plays the file in a loop: nothing is said again while the test runs


async def spoken(system: System, text: str) -> bytes:
    """PCM16 at 48 kHz of something said so that the speech stand-in can hear it."""
    async with httpx.AsyncClient() as http:
        answer = await http.post(
            f"{system.sandbox_url}/sarvam/sandbox/utterances",
            json={"text": text, "language": "en-IN", "sample_rate": RATE, "format": "pcm"},
        )
    answer.raise_for_status()
    return answer.content


def pause(seconds: float) -> bytes:
    return bytes(2 * int(seconds * RATE))


async def microphone(system: System, folder: Path, *texts: str) -> Path:
    """A WAV of somebody who speaks, waits for the answer, and speaks again."""
    path = folder / "microphone.wav"
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        wav.writeframes(pause(GREETING_S))
        for text in texts:
            wav.writeframes(await spoken(system, text) + pause(THINKING_S))
        wav.writeframes(pause(SILENCE_S))
    return path


@asynccontextmanager
async def call_page(system: System, wav: Path | None = None) -> AsyncIterator[Page]:
    async with chromium(wav) as browser:
        page = await browser.new_page()
        faults = watch(page)
        await page.goto(system.url)
        yield page
        assert faults == []


@pytest.mark.full
async def test_a_voice_at_the_microphone(system: System, tmp_path: Path) -> None:
    """What the product is for: two sentences are spoken, both sides show, the lead arrives."""
    texts = (
        "My name is Kavita Menon.",
        "My number is nine eight four five zero one two three four five.",
    )
    wav = await microphone(system, tmp_path, *texts)
    async with call_page(system, wav) as page:
        await page.get_by_label("Language").select_option("en-IN")
        await page.get_by_label("Agent", exact=True).fill("callback")
        await page.get_by_role("button", name="Start call").click()
        transcript = page.get_by_role("log", name="Transcript")
        await expect(transcript).to_contain_text("how can we reach you", timeout=30_000)
        await expect(transcript).to_contain_text(texts[0], timeout=30_000)
        await expect(page.locator('[data-key="name"]')).to_contain_text("Kavita Menon")
        await expect(page.locator("#lead-state")).to_have_text("delivered to N8N", timeout=45_000)
        await expect(page.locator('[data-key="phone"]')).to_contain_text("+919845012345")


@pytest.mark.full
async def test_a_tamil_call_at_one_click(system: System) -> None:
    """Nobody has a key on the first day: one click must show the whole thing, in Tamil script."""
    async with call_page(system) as page:
        await page.get_by_label("Language").select_option("ta-IN")
        await page.get_by_role("button", name="Start call").click()
        await page.get_by_role("button", name="Let the simulated caller speak").click()
        await expect(page.locator("#lead-state")).to_have_text("captured", timeout=60_000)
        await expect(page.locator("#lead-state")).to_have_text("delivered to N8N", timeout=120_000)
        said = await page.get_by_role("log", name="Transcript").inner_text()
        assert sum("\u0b80" <= letter <= "\u0bff" for letter in said) > 200
