"""Noticing that nobody speaks."""

import asyncio
from collections.abc import Callable


class SilenceWatch:
    """Calls `on_silence` after `seconds` without a word from either side, again and again.

    Each call says how often in a row; the caller's next word starts the count anew.
    """

    def __init__(self, seconds: float, on_silence: Callable[[int], None]) -> None:
        self._seconds = seconds
        self._on_silence = on_silence
        self._timer: asyncio.TimerHandle | None = None
        self._count = 0
        self._agent_busy = True
        self._caller_busy = False

    def agent(self, state: str) -> None:
        """livekit-agents' state of the agent."""
        self._agent_busy = state != "listening"
        self._arm()

    def caller(self, speaking: bool) -> None:
        self._caller_busy = speaking
        if speaking:
            self._count = 0
        self._arm()

    def heard(self) -> None:
        """The caller gave a sign that is no speech: typed text, a key press."""
        self._count = 0
        self._arm()

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self.stop()
        if not self._agent_busy and not self._caller_busy:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._fire)

    def _fire(self) -> None:
        self._count += 1
        self._arm()
        self._on_silence(self._count)
