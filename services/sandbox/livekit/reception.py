"""What has been received of a stream: the figures of a receiver report (RFC 3550, A.1 to A.8)."""

import time


class Reception:
    """One SSRC. `clock_rate` in Hz turns arrival times into RTP units for the jitter."""

    def __init__(self, clock_rate: int) -> None:
        self._rate = clock_rate
        self._base: int | None = None
        self._highest = 0
        self._cycles = 0
        self._received = 0
        self._transit: float | None = None
        self._jitter = 0.0
        self._expected_before = 0
        self._received_before = 0

    def add(self, sequence: int, timestamp: int) -> None:
        if self._base is None:
            self._base = self._highest = sequence
        elif 0 < (sequence - self._highest) & 0xFFFF < 0x8000:
            if sequence < self._highest:
                self._cycles += 0x10000
            self._highest = sequence
        self._received += 1
        transit = time.monotonic() * self._rate - timestamp
        if self._transit is not None:
            # A jump of the RTP clock (a wrap, a new source) is no jitter.
            step = min(abs(transit - self._transit), self._rate)
            self._jitter += (step - self._jitter) / 16
        self._transit = transit

    @property
    def highest_sequence(self) -> int:
        return self._cycles + self._highest

    @property
    def jitter(self) -> int:
        return int(self._jitter)

    @property
    def expected(self) -> int:
        return 0 if self._base is None else self.highest_sequence - self._base + 1

    @property
    def lost(self) -> int:
        return max(0, self.expected - self._received)

    def take_fraction_lost(self) -> int:
        """Loss since the last call, in 256ths."""
        expected = self.expected - self._expected_before
        received = self._received - self._received_before
        self._expected_before, self._received_before = self.expected, self._received
        lost = expected - received
        return 0 if expected <= 0 or lost <= 0 else min(255, (lost << 8) // expected)
