"""How every server of the sandbox listens: on 127.0.0.1 only, until it is told to stop.

aiohttp names the protocol of its sockets, so that Nagle's algorithm is off on each connection; with
it on, every answer on a kept-alive connection would take 44 ms longer.
"""

import asyncio
import signal
import sys
from typing import Any

from aiohttp import web

HOST = "127.0.0.1"
"""The only address: the stand-ins are no servers for others."""


async def listen(app: web.Application, port: int, **options: Any) -> web.AppRunner:
    """Serves until the runner's `cleanup`; `options` are the runner's. Port 0 takes a free one.

    Raises OSError when the port is taken.
    """
    runner = web.AppRunner(app, access_log=None, **options)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


def port_of(runner: web.AppRunner) -> int:
    return int(runner.addresses[0][1])


def stop_at_signal() -> asyncio.Event:
    """Set at the first SIGTERM or SIGINT from now on."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def serve(app: web.Application, port: int) -> None:
    """Serves until SIGTERM or SIGINT; writes the address to stdout first."""
    runner = await listen(app, port, shutdown_timeout=1.0)
    stop = stop_at_signal()
    sys.stdout.write(f"http://{HOST}:{port_of(runner)}\n")
    sys.stdout.flush()
    await stop.wait()
    await runner.cleanup()
