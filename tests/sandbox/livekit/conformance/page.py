"""A participant by the real browser client, in a page of a headless Chromium."""

import base64
import json
import math
import wave
from array import array
from pathlib import Path

from livekit.protocol.models import DataPacket
from playwright.async_api import Browser, BrowserContext, Page

from tests.sandbox.livekit.conformance import normal
from tests.sandbox.livekit.conformance.trace import Trace

_CLIENT = Path("node_modules/livekit-client/dist/livekit-client.umd.js")
_ROOT = Path(__file__).parents[4]
_RATE = 48000


class Participant:
    """One page. `label` names its lines: sdk:LABEL and dc:LABEL."""

    def __init__(self, trace: Trace, label: str) -> None:
        self._trace = trace
        self._label = label
        self._context: BrowserContext
        self._page: Page

    async def open(self, browser: Browser, address: str) -> None:
        """At `address`, on the loopback: a microphone and local sockets need such an origin."""
        self._context = await browser.new_context(permissions=["microphone"])
        self._page = await self._context.new_page()
        await self._page.expose_function("noteLine", self._note)
        await self._page.goto(address)
        await self._page.add_script_tag(path=_ROOT / _CLIENT)
        await self._page.add_script_tag(path=Path(__file__).with_name("page.js"))

    async def join(self, url: str, token: str) -> None:
        await self._page.evaluate("([url, token]) => join(url, token)", [url, token])

    async def act(self, label: str, work: str) -> None:
        """Runs `work`, JavaScript with `room` in it, and notes how it ended."""
        await self._page.evaluate(f"() => act({json.dumps(label)}, async (room) => {work})")

    async def close(self) -> None:
        """As a tab is closed."""
        await self._context.close()

    def _note(self, text: str) -> None:
        channel, direction, kind, body = json.loads(text)
        if channel == "sdk":
            self._trace.see(f"sdk:{self._label}", "", kind, body)
            return
        packet = DataPacket.FromString(base64.b64decode(body))
        content = packet.WhichOneof("value")
        self._trace.see(f"dc:{self._label}", direction, f"{kind} {content}", normal.message(packet))


def write_voice(path: Path) -> None:
    """Two seconds that noise suppression takes for a voice: gliding harmonics in syllables."""
    samples = array("h")
    phase = 0.0
    for i in range(2 * _RATE):
        t = i / _RATE
        phase += 2 * math.pi * (140 + 40 * math.sin(2 * math.pi * 1.5 * t)) / _RATE
        tone = sum(math.sin(harmonic * phase) / harmonic for harmonic in range(1, 9))
        syllable = max(0.0, math.sin(2 * math.pi * 3 * t)) ** 0.5
        samples.append(round(7000 * tone * syllable))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(samples.tobytes())
