"""The server as a process: what `make livekit` and the supervisor rely on."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process

import aiohttp
import pytest

from tests.sandbox.livekit.clients import WAIT
from tests.valkey import free_port
from tests.waiting import until


async def _start(**settings: str) -> Process:
    ours = ("SANDBOX_", "LIVEKIT_", "LOG_")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.sandbox.livekit",
        env={**inherited, **settings},
        stdout=PIPE,
        stderr=PIPE,
    )


async def _end(process: Process) -> tuple[int | None, str]:
    """Exit code and standard error."""
    async with asyncio.timeout(WAIT * 2):
        _, errors = await process.communicate()
    return process.returncode, errors.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_prints_its_keys_serves_and_stops(number: signal.Signals) -> None:
    """Whoever points a client at it needs address, key and secret; nothing may stay behind."""
    port = free_port()
    process = await _start(SANDBOX_LIVEKIT_PORT=str(port))
    assert process.stdout is not None
    printed = [(await process.stdout.readline()).decode().strip() for _ in range(3)]
    values = dict(line.split("=", 1) for line in printed)
    assert values["LIVEKIT_URL"] == f"ws://127.0.0.1:{port}"
    assert values["LIVEKIT_API_KEY"] == "devkey"
    assert len(values["LIVEKIT_API_SECRET"]) >= 32
    async with aiohttp.ClientSession() as session:

        async def answer() -> str:
            try:
                async with session.get(f"http://127.0.0.1:{port}/") as response:
                    return await response.text()
            except aiohttp.ClientConnectionError:
                return ""

        assert await until(answer) == "OK"
    process.send_signal(number)
    assert (await _end(process))[0] == 0


async def test_a_taken_port_is_named() -> None:
    """The variable that changes it must be in the one line."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        secret = "a-secret-that-must-never-be-shown"
        process = await _start(SANDBOX_LIVEKIT_PORT=str(port), LIVEKIT_API_SECRET=secret)
        code, errors = await _end(process)
    assert code == 2
    (line,) = [text for text in errors.splitlines() if "SANDBOX_LIVEKIT_PORT" in text]
    assert str(port) in line
    assert "Traceback" not in errors
    assert secret not in errors


async def test_a_wrong_setting_is_named() -> None:
    """A typing error would end in a traceback."""
    code, errors = await _end(await _start(SANDBOX_LIVEKIT_PORT="many"))
    assert code == 2
    assert errors.startswith("SANDBOX_LIVEKIT_PORT: found 'many'")
    assert len(errors.splitlines()) == 1
