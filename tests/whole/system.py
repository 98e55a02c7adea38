"""The whole system as `make run` starts it, on free ports, in a folder of its own."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.valkey import free_port

ROOT = Path(__file__).resolve().parents[2]
READY_S = 120.0  # 12 s on an idle machine with two cores
STOP_S = 15.0

# Variables that a developer's shell or .env may hold, and that would make a part real.
OUTSIDE = ("LIVEKIT", "SARVAM", "GROQ", "OPENAI", "LLM", "N8N", "REDIS", "GATEWAY", "SANDBOX")


def clean_environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OUTSIDE)}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


@dataclass(frozen=True, slots=True)
class CallResult:
    """What `make call` did: its exit code, what it printed, and its JSON (None: not written)."""

    code: int
    output: str
    json: dict[str, Any] | None


class System:
    """Start, use, stop. `environment` comes on top of a clean one."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.web_port, self.sandbox_port, livekit_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.web_port}"
        self.sandbox_url = f"http://127.0.0.1:{self.sandbox_port}"
        self.environment = clean_environment(
            WEB_PORT=str(self.web_port),
            SANDBOX_PORT=str(self.sandbox_port),
            SANDBOX_LIVEKIT_PORT=str(livekit_port),
            **environment,
        )
        self.lines: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._ready = threading.Event()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns at the ready line; fails with the log when it does not come."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.sandbox.run"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(READY_S) or self._process.poll() is not None:
            self.stop()
            raise AssertionError("not ready:\n" + self.log())

    def stop(self) -> int:
        """Ctrl-C, as a terminal sends it; answers the exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        finally:
            if self._reader:
                self._reader.join(STOP_S)
            if self._process.stdout:
                self._process.stdout.close()

    def kill(self) -> None:
        """kill -9 of the supervisor, as when a terminal or the machine's memory gives out."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def kill_service(self, process: int) -> None:
        """kill -9 of one replica with everything that it started."""
        os.killpg(process, signal.SIGKILL)

    def pids(self, name: str) -> list[int]:
        """Process ids of the replicas of a service, those that started first first."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
                where = (folder / "cwd").readlink()
            except OSError:
                continue
            if where == self.folder and f"services.{name}".encode() in words:
                found.append(int(folder.name))
        return sorted(found)

    def log(self, last: int = 200) -> str:
        return "".join(self.lines[-last:])

    async def call(self, *arguments: str, timeout: float = 150.0) -> CallResult:
        """`make call` with these arguments."""
        result = self.folder / f"call-{time.monotonic_ns()}.json"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.sandbox.caller", *arguments, "--json", str(result)),
            cwd=self.folder,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(timeout):
                output, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            output, _ = await process.communicate()
        data = json.loads(result.read_text()) if result.exists() else None
        return CallResult(process.returncode or 0, output.decode(), data)

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line)
            if line == f"Bolchaal is ready at http://localhost:{self.web_port}\n":
                self._ready.set()
        self._ready.set()  # the process has ended: whoever waits learns it from poll()
