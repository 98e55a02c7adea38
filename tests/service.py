"""One of our services as a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from deploy import docs

STOP_S = 15


class Service:
    """`python -m services.NAME` with an environment of its own, while the context is open."""

    def __init__(self, name: str, environment: dict[str, str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Service":
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"services.{self.name}"],
                cwd=docs.ROOT,
                env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **self._environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
