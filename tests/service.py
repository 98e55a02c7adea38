"""One of our services, or another program of ours, as a process of its own."""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from deploy import docs

STOP_S = 15
ENDS_S = 60  # on a busy machine; a second on a quiet one


@asynccontextmanager
async def python(
    folder: Path, *arguments: str, **variables: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python ARGUMENTS` with these variables and no others; killed if it runs at the end.

    It starts in `folder`, which should be empty, so that no .env of a developer's is read.
    """
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(docs.ROOT), **variables},
        cwd=folder,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def run_python(folder: Path, *arguments: str, **variables: str) -> tuple[int, str, str]:
    """The same until it ends: its exit code, and what it wrote to stdout and stderr."""
    async with python(folder, *arguments, **variables) as started, asyncio.timeout(ENDS_S):
        out, errors = await started.communicate()
        assert started.returncode is not None
        return started.returncode, out.decode(), errors.decode()


class Process:
    """`python -m MODULE ARGUMENTS` with an environment of its own, while the context is open.

    `root` is the checkout that it runs from, this one or an older one. What it says is appended to
    the file `log`.
    """

    def __init__(
        self,
        module: str,
        environment: dict[str, str],
        log: Path,
        *arguments: str,
        root: Path = docs.ROOT,
    ) -> None:
        self.log = log
        self._command = [sys.executable, "-m", module, *arguments]
        self._environment = environment
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.send_signal(signal.SIGTERM)
        try:
            self._running.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._root,
                env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **self._environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """kill -9, as a machine that dies."""
        self._running.kill()
        self._running.wait()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._running.poll()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process


class Service(Process):
    """`python -m services.NAME`."""

    def __init__(
        self, name: str, environment: dict[str, str], folder: Path, *, root: Path = docs.ROOT
    ) -> None:
        super().__init__(f"services.{name}", environment, folder / f"{name}.log", root=root)
