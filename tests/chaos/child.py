"""Processes of a run: started again when they were killed, and asked where they hang."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
END_S = 10.0  # kill -9 takes a moment on a busy machine, and never this long
SHOWN = 6_000  # characters of a log that are shown


class Unending(Exception):
    """A process that does not end although it was killed."""


@dataclass
class Child:
    """A process that is started again when it was killed. `attempt` counts its lives."""

    name: str
    command: Callable[[int], list[str]]
    environment: dict[str, str]
    log: Path
    attempt: int = 0
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.attempt += 1
        environment = {"PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1", **self.environment}
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command(self.attempt),
                cwd=ROOT,
                env={**os.environ, **environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        if self.process.returncode is None:
            self.process.send_signal(how)
        try:
            async with asyncio.timeout(END_S):
                await self.process.wait()
        except TimeoutError:
            raise Unending(f"{self.name} does not end after {how.name}") from None

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-SHOWN:] if self.log.exists() else ""


async def stacks(children: Iterable[Child], *, patience: float = 1.0) -> str:
    """Where each process that is alive is waiting: its tasks if it can tell, its threads anyhow.

    The processes end. `patience` is what each has to tell its tasks, in seconds.
    """
    alive = [child for child in children if child.alive]
    for how in (signal.SIGUSR1, signal.SIGABRT):  # stacks.py, then Python's own faulthandler
        for child in alive:
            if child.process is not None and child.alive:
                child.process.send_signal(how)
        await asyncio.sleep(patience)  # what a process writes at a signal has no end mark
    return "\n".join(f"--- {child.name} hangs:\n{child.last_words()}" for child in alive)
