"""The last half minute of what the detector measured."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.sandbox.speech.tag.detector import HOP_S, Shares

KEPT_S: Final = 40.0


class ToneHistory:
    """Shares of the 16 tones, a row a hop, addressed by the hop's number since the stream began."""

    def __init__(self) -> None:
        self._kept = int(KEPT_S / HOP_S)
        self._rows: Shares = np.zeros((1024, 16), np.float32)
        self._first = 0  # number of the hop in row 0
        self._count = 0

    @property
    def now(self) -> float:
        """Seconds measured since the stream began."""
        return (self._first + self._count) * HOP_S

    def add(self, rows: Shares) -> None:
        if self._count + len(rows) > len(self._rows):
            self._make_room(len(rows))
        self._rows[self._count : self._count + len(rows)] = rows
        self._count += len(rows)

    def of(self, hops: NDArray[np.int64], tones: NDArray[np.uint8]) -> Shares:
        """The share of each tone at each hop; 0 where it is not known (any more)."""
        places = hops - self._first
        known = (places >= 0) & (places < self._count)
        return np.where(known, self._rows[np.where(known, places, 0), tones], np.float32(0))

    def _make_room(self, more: int) -> None:
        keep = min(self._kept, self._count)
        rows = np.zeros((2 * (keep + more) + 1024, 16), np.float32)
        rows[:keep] = self._rows[self._count - keep : self._count]
        self._first += self._count - keep
        self._rows, self._count = rows, keep
