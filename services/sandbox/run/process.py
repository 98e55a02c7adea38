"""One process under the supervisor: started in a session of its own, its output prefixed."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.sandbox.run.terminal import show

LINE_LIMIT = 1 << 20  # bytes; a longer line is cut by asyncio's reader
_COLOURS = ("36", "33", "35", "32", "34", "31", "96", "93", "95")


@dataclass(frozen=True, slots=True)
class Command:
    """What to start. `drain_s` is how long it may take to stop, in seconds, before it is killed."""

    name: str
    argv: Sequence[str]
    drain_s: float


class Process:
    """A running command. Its process group ends with it: nothing that it started is left behind."""

    def __init__(self, command: Command, place: int, width: int) -> None:
        self.command = command
        self._prefix = _prefix(command.name, place, width)
        self._process: asyncio.subprocess.Process | None = None
        self._pump: asyncio.Task[None] | None = None
        self.last_line = ""

    async def start(self, environment: Mapping[str, str]) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self.command.argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
            limit=LINE_LIMIT,
        )
        if self._process.stdout:
            self._pump = asyncio.create_task(self._show(self._process.stdout))

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def wait(self) -> int:
        """The exit code, once it has ended and its last line was shown."""
        if self._process is None:
            raise RuntimeError(f"{self.command.name} was never started")
        code = await self._process.wait()
        self._kill_group()
        if self._pump:
            await self._pump
        return code

    async def stop(self) -> None:
        """Sends SIGTERM once, waits for the drain, then kills the whole group."""
        if self._process is None:
            return
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(self.command.drain_s):
                    await self._process.wait()
            except TimeoutError:
                self.say(f"did not stop within {self.command.drain_s:g} s: killed")
        await self.kill()

    async def kill(self) -> None:
        self._kill_group()
        await self.wait()

    def say(self, line: str) -> None:
        """Prints a line under this process's name."""
        show(f"{self._prefix}{line}")

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    async def _show(self, output: asyncio.StreamReader) -> None:
        while True:
            try:
                raw = await output.readline()
            except ValueError:  # a line over the limit: asyncio drops it
                self.say("(a line that was too long is not shown)")
                continue
            if not raw:
                return
            self.last_line = raw.decode(errors="replace").rstrip()
            self.say(self.last_line)


def _prefix(name: str, place: int, width: int) -> str:
    text = f"{name:<{width}} | "
    if not sys.stdout.isatty():
        return text
    return f"\x1b[{_COLOURS[place % len(_COLOURS)]}m{text}\x1b[0m"
