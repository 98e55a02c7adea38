"""Telling where a process waits: on SIGUSR1 the stack of each of its tasks goes to stderr."""

import asyncio
import signal
import sys


def tell_on_signal() -> None:
    """For the main thread, before the event loop begins."""
    signal.signal(signal.SIGUSR1, lambda *_: _tell())


def _tell() -> None:
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:
        return  # no event loop runs: faulthandler tells the rest
    for task in tasks:
        task.print_stack(file=sys.stderr)
    sys.stderr.flush()
