"""Runs one stand-in alone in a process: for tests that kill things, and for the curious."""

import asyncio
import signal
import sys

from aiohttp import web


async def serve(app: web.Application, port: int) -> None:
    """Serves on 127.0.0.1 until SIGTERM or SIGINT; says its address on stdout first.

    `port` 0 takes any free one.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    taken = runner.addresses[0][1]
    sys.stdout.write(f"http://127.0.0.1:{taken}\n")
    sys.stdout.flush()
    await stopped.wait()
    await runner.cleanup()
