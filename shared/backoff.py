"""Exponential back-off with jitter: the one way in which anything is tried again."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that double from `first` to `longest` seconds.

    `jitter` bounds the random factor of each pause; `longest` holds after it, too. `uniform` is the
    source of randomness.
    """

    first: float
    longest: float
    jitter: tuple[float, float] = (0.5, 1.0)
    uniform: Callable[[float, float], float] = field(default=random.uniform)

    def delay(self, tries: int) -> float:
        """Seconds to wait after the try with this number (from 1) has failed."""
        ceiling = min(self.longest, self.first * 2.0 ** min(tries - 1, 30))
        low, high = self.jitter
        return min(self.longest, self.uniform(ceiling * low, ceiling * high))
