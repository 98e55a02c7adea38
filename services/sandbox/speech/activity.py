"""When somebody speaks: voice activity by energy, for sockets whose server ends the turns."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FRAME_S: Final = 0.010
RMS_AT_HALF: Final = 300.0  # of 32768, at threshold 0.5; a caller's speech has about 3000
ONSET_FRAMES: Final = 3


class Activity:
    """Finds starts and ends of speech in PCM16 mono. `silence` is asked for at every frame.

    `threshold` is 0 to 1, as Sarvam has it; `onset_s` is the voice that makes a start.
    """

    def __init__(
        self, rate: int, *, threshold: float = 0.5, onset_s: float = ONSET_FRAMES * FRAME_S
    ) -> None:
        self._frame = int(rate * FRAME_S)
        self._loud = 2 * RMS_AT_HALF * threshold
        self._onset = max(1, round(onset_s / FRAME_S))
        self._left = np.zeros(0, np.int16)
        self._frames = 0
        self._voiced = 0
        self._quiet = 0
        self.speaking = False

    @property
    def seconds(self) -> float:
        """Seconds judged since the stream began."""
        return self._frames * FRAME_S

    def feed(self, samples: NDArray[np.int16], silence_s: float) -> list[tuple[int, bool]]:
        """The changes in these samples: (sample of this piece after which it is known, speaking).

        Speech ends after `silence_s` of quiet.
        """
        early = len(self._left)
        audio = np.concatenate([self._left, samples])
        count = len(audio) // self._frame
        frames = audio[: count * self._frame].reshape(count, self._frame).astype(np.float32)
        self._left = audio[count * self._frame :]
        changes = []
        for place, loud in enumerate(np.sqrt((frames**2).mean(1)) > self._loud):
            if self._step(bool(loud), silence_s):
                at = (place + 1) * self._frame - early
                changes.append((max(at, 0), self.speaking))
        return changes

    def _step(self, loud: bool, silence_s: float) -> bool:
        """Takes one frame; True when speech starts or ends with it."""
        self._frames += 1
        self._voiced = self._voiced + 1 if loud else 0
        self._quiet = 0 if loud else self._quiet + 1
        if not self.speaking and self._voiced >= self._onset:
            self.speaking = True
            return True
        if self.speaking and self._quiet * FRAME_S >= silence_s - 1e-9:
            self.speaking = False
            return True
        return False
