"""Time, where it can be injected, so that tests are exact."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Wall-clock time, UTC, aware."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def isoformat(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as our webhooks carry it: 2026-11-22T10:15:30.123Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_ms(milliseconds: int) -> str:
    """The same, from milliseconds since 1970 (Redis TIME)."""
    return isoformat(datetime.fromtimestamp(milliseconds / 1000, UTC))
