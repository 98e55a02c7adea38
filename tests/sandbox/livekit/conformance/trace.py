"""What a replay saw, in the form of a recording."""

import time
from typing import Any

from tests.sandbox.livekit.conformance.normal import Names
from tests.sandbox.livekit.conformance.recording import Line


class Trace:
    """Lines in the order in which they were seen; `t_ms` counts from `begin`."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.names = Names()
        self._began = time.monotonic()
        self._connections: dict[str, int] = {}

    def begin(self, t_ms: int) -> None:
        """Now is `t_ms` of the recording."""
        self._began = time.monotonic() - t_ms / 1000

    def skip(self, t_ms: int) -> None:
        """So much of the recording, in which nothing happens, is left out here."""
        self._began -= t_ms / 1000

    def align(self, kind: str, t_ms: int) -> None:
        """The first webhook `kind` was at `t_ms`: the server's ticks then come as recorded."""
        first = next(line for line in self.lines if line.channel == "webhook" and line.kind == kind)
        late = first.t_ms - t_ms
        self._began += late / 1000
        for line in self.lines:
            line.t_ms -= late

    @property
    def now_ms(self) -> int:
        return round((time.monotonic() - self._began) * 1000)

    def see(self, channel: str, direction: str, kind: str, body: Any = None, **extra: Any) -> None:
        """`body` and `extra` as they stood on the wire; ids and times are replaced here."""
        self.lines.append(
            Line(
                t_ms=self.now_ms,
                channel=self.names.text(channel),
                direction=direction,
                kind=kind,
                body=self.names.value(body),
                number=len(self.lines) + 1,
                extra=extra,
            )
        )

    def connection(self, name: str, *, first_is_bare: bool) -> str:
        """The channel of the next socket of `name`: rtc:bob, rtc:bob#2, but agent:worker#1."""
        count = self._connections[name] = self._connections.get(name, 0) + 1
        return name if first_is_bare and count == 1 else f"{name}#{count}"
