"""The caller's microphone: frames of 10 ms at 48 kHz on an exact clock, silence between words."""

import asyncio
from typing import Final

import numpy as np
from livekit import rtc

from shared.runtime.tasks import cancel

RATE: Final = 48_000
FRAME_MS: Final = 10
SAMPLES: Final = RATE * FRAME_MS // 1000
SILENCE: Final = bytes(2 * SAMPLES)


class Microphone:
    """Publishes speech and silence. `start` before use, `stop` at the end.

    Frames are due at start + n * 10 ms. After a pause of the machine the missing ones follow at
    once, so that speech is never stretched.
    """

    def __init__(self) -> None:
        # No queue of its own: a queue would add its length to every latency.
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=0)
        self._frames: list[bytes] = []
        self._said = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._last_voiced = 0.0

    @property
    def track(self) -> rtc.LocalAudioTrack:
        return rtc.LocalAudioTrack.create_audio_track("caller", self._source)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="microphone")

    async def stop(self) -> None:
        await cancel(self._task)
        await self._source.aclose()

    async def say(self, pcm: bytes) -> float:
        """Speaks PCM16 mono of 48 kHz; answers when its last voiced sample was sent (loop time)."""
        frames = [pcm[at : at + len(SILENCE)] for at in range(0, len(pcm), len(SILENCE))]
        frames[-1] = frames[-1].ljust(len(SILENCE), b"\0")
        self._said.clear()
        self._frames = frames
        await self._said.wait()
        return self._last_voiced

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            due += FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due - clock()))
            frame = self._frames.pop(0) if self._frames else SILENCE
            await self._source.capture_frame(rtc.AudioFrame(frame, RATE, 1, SAMPLES))
            if np.frombuffer(frame, np.int16).any():
                self._last_voiced = clock()
            if not self._frames:
                self._said.set()
