"""Processes under the supervisor: asked once, killed late, and nothing of them left behind."""

import asyncio
import os
import sys

import pytest

from services.sandbox.run.process import Command, Process
from tests.waiting import until

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""

POLITE = """
import signal, sys, time
def leave(*_):
    print("left", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("here", flush=True)
time.sleep(600)
"""


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def started(code: str, drain_s: float) -> Process:
    process = Process(Command("x", [sys.executable, "-c", code], drain_s), 0, 9)
    await process.start(os.environ)

    async def spoke() -> bool:
        return bool(process.last_line)

    await until(spoke, timeout=20)
    return process


async def test_a_polite_process_is_asked_and_its_last_words_are_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    process = await started(POLITE, drain_s=20)
    await process.stop()
    assert not process.running
    out = capsys.readouterr().out
    assert "x         | here" in out
    assert "x         | left" in out


async def test_a_stubborn_process_is_killed_with_all_that_it_started() -> None:
    """An agent's job processes must not outlive `make run`."""
    process = await started(STUBBORN, drain_s=0.05)
    grandchild = int(process.last_line)
    await process.stop()
    assert not process.running

    async def reaped() -> bool:
        return gone(grandchild)

    await until(reaped)


async def test_the_guardian_ends_what_a_killed_supervisor_left() -> None:
    """kill -9 of the supervisor, or of the terminal, must leave no process and no port."""
    process = await started(POLITE, drain_s=1)
    guardian = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.sandbox.run.guardian",
        stdin=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert guardian.stdin
    guardian.stdin.write(f"+{process.pid}\n".encode())
    await guardian.stdin.drain()
    guardian.stdin.close()  # what the end of the supervisor looks like
    assert await process.wait() == 0
    assert process.last_line == "left"
    assert await guardian.wait() == 0


async def test_the_guardian_leaves_alone_what_ended_well() -> None:
    process = await started(POLITE, drain_s=1)
    guardian = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.sandbox.run.guardian",
        stdin=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert guardian.stdin
    guardian.stdin.write(f"+{process.pid}\ndone\n".encode())
    guardian.stdin.close()
    assert await guardian.wait() == 0
    assert process.running
    await process.stop()
