"""The one clock of the product: every time that is stored or compared, and every pause.

Given to whoever needs it, so that tests are exact. Nothing else calls `time` or `asyncio.sleep`;
`make check` holds that (tests/architecture). Limits on waiting use `asyncio.timeout`.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Final, Protocol

DAY_S: Final = 86_400


class Clock(Protocol):
    def now(self) -> datetime:
        """Wall-clock time, UTC, aware."""
        ...

    def now_ms(self) -> int:
        """Wall-clock time in milliseconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Pauses the task."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


SYSTEM_CLOCK = SystemClock()  # has no state; the default of every `clock` parameter


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Waits until the event is set, `seconds` at most; whether it is."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return event.is_set()
    return True


def isoformat(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as our webhooks carry it: 2026-11-22T10:15:30.123Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_ms(milliseconds: int) -> str:
    """The same, from milliseconds since 1970 (Redis TIME)."""
    return isoformat(datetime.fromtimestamp(milliseconds / 1000, UTC))
