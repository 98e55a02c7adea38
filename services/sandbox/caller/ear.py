"""The caller's ear: when the agent's voice begins, and since when it is silent.

Measured on the audio as it arrives, after network and jitter buffer: what a person would hear.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import numpy as np
from livekit import rtc
from numpy.typing import NDArray

from shared.runtime.tasks import cancel

RATE: Final = 48_000
FRAME_MS: Final = 10
# RMS of PCM16 from which a frame counts as voice. Speech has some thousands, silence none.
VOICED_RMS: Final = 200.0
# A single click is no voice.
VOICED_FRAMES: Final = 2


class Hearing:
    """Follows frames. Times are seconds of one clock; None: not yet."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._run = 0
        self._run_began = 0.0
        self.last_voiced: float | None = None
        self.first_voiced: float | None = None

    def expect(self) -> None:
        """From now on `first_voiced` is the beginning of what comes next."""
        self.first_voiced = None
        self._run = 0

    def hear(self, samples: NDArray[np.int16], arrived: float) -> None:
        """One frame; `arrived` is when its last sample came."""
        level = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))) if len(samples) else 0.0
        if level < VOICED_RMS:
            self._run = 0
            return
        self._run += 1
        if self._run == 1:
            loud = int(np.argmax(np.abs(samples) >= VOICED_RMS))
            self._run_began = arrived - (len(samples) - loud) / RATE
        if self._run < VOICED_FRAMES:
            return
        self.last_voiced = arrived
        if self.first_voiced is None:
            self.first_voiced = self._run_began

    def quiet_for(self) -> float:
        """Seconds since the agent's voice was last heard; 0 when it never was."""
        return 0.0 if self.last_voiced is None else self._clock() - self.last_voiced


class Ear:
    """Listens to the agent's audio tracks as they come and go."""

    def __init__(self) -> None:
        self._clock = asyncio.get_running_loop().time
        self.hearing = Hearing(self._clock)
        self._tasks: set[asyncio.Task[None]] = set()

    def listen(self, track: rtc.Track) -> None:
        task = asyncio.create_task(self._follow(track), name="ear")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        await cancel(*self._tasks)

    async def _follow(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream.from_track(
            track=track, sample_rate=RATE, num_channels=1, frame_size_ms=FRAME_MS
        )
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16)
                self.hearing.hear(samples, self._clock())
        finally:
            await stream.aclose()
